//! The upload tickets that the jobs of an account await.

use domain::{
    AccountRef, Timestamp,
    upload::{AwaitedTickets, TicketsChange},
};

use super::Result;

/// The upload tickets that the jobs of an account await, with what Flickr said of them last. It is advice: what is lost
/// of it costs a call.
pub trait UploadTickets: Send + Sync {
    /// Lists a ticket that is awaited until then, unless the account has [`domain::upload::MAX_AWAITED`] listed.
    fn await_ticket(
        &self,
        account: &AccountRef,
        ticket: &str,
        until: Timestamp,
    ) -> impl Future<Output = Result<()>> + Send;

    /// The tickets that the account's jobs await. What nobody changed for [`domain::upload::TICKET_LIFETIME`] is gone.
    fn awaited_tickets(&self, account: &AccountRef) -> impl Future<Output = Result<AwaitedTickets>> + Send;

    /// Changes them as [`AwaitedTickets::changed`] says. Of answers that come at once one is kept.
    fn record_tickets(&self, account: &AccountRef, change: &TicketsChange) -> impl Future<Output = Result<()>> + Send;
}
