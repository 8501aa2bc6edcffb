//! The nonces of signed requests, in the runtime table.
//!
//! | pk | sk | holds |
//! |---|---|---|
//! | `NONCE#id of the signing secret#nonce` | `NONCE` | who used it, until DynamoDB deletes it |
//!
//! A nonce is used by one conditional put. Where the answer is lost, the SDK sends the put again, and meets the item that
//! it has written: so the item says by whom.

use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use domain::{SigningKeyId, Timestamp};
use hub::ports::{self, Nonces};

use crate::{
    Cloud,
    item::{self, EXPIRES_AT, PARTITION, Reader, bytes, expiry, named},
    machine::random,
    table::{Written, written},
};

const USED_BY: &str = "used_by";

impl Nonces for Cloud {
    async fn use_nonce(
        &self,
        key: &SigningKeyId,
        nonce: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> ports::Result<bool> {
        let user = random();
        let mut item = item::key(format!("NONCE#{key}#{nonce}"), "NONCE");
        item.extend(named([(USED_BY, bytes(&user)), (EXPIRES_AT, expiry(until))]));
        let put = self
            .runtime
            .write(item)
            .condition_expression(format!("attribute_not_exists({PARTITION}) OR {EXPIRES_AT} <= :now"))
            .expression_attribute_values(":now", expiry(now))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        Ok(match written(put.send().await, "using a nonce")? {
            Written::Done(_) => true,
            Written::Refused(found) => match found {
                Some(item) => Reader(&item).bytes(USED_BY)? == user,
                None => false,
            },
        })
    }
}
