//! The signature that came with a request, held to the one profile that is accepted (RFC 9421).

use std::time::Duration;

use domain::Timestamp;
use ring::hmac;

use super::{
    message::Message,
    refused::Refused,
    structured::{Bare, InnerList, Item, MemberValue, Parameters, dictionary},
};

/// How far `created` may be from now, on either side.
const MAX_AGE: Duration = Duration::from_secs(300);

/// The longest nonce, in characters.
const MAX_NONCE_CHARACTERS: usize = 128;

/// The only algorithm (RFC 9421, section 3.3.3).
const ALGORITHM: &str = "hmac-sha256";

/// A signature as it came, with the parameters that the profile demands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Presented {
    pub(super) key_id: String,
    pub(super) nonce: String,
    created: Timestamp,
    expires: Option<Timestamp>,
    /// The components that it covers, and its parameters.
    input: InnerList,
    signature: Vec<u8>,
}

impl Presented {
    /// Reads `Signature-Input` and `Signature`.
    ///
    /// # Errors
    /// Why they are not of the profile.
    pub(super) fn parse(input: &str, signature: &str) -> Result<Self, Refused> {
        let inputs = dictionary(input).ok_or(Refused::MalformedInput)?;
        let Ok([input]) = <[_; 1]>::try_from(inputs) else { return Err(Refused::MalformedInput) };
        let MemberValue::InnerList(list) = input.value else { return Err(Refused::MalformedInput) };
        let signatures = dictionary(signature).ok_or(Refused::MalformedSignature)?;
        let Ok([member]) = <[_; 1]>::try_from(signatures) else { return Err(Refused::MalformedSignature) };
        let MemberValue::Item(Item { value: Bare::Bytes(signature), parameters }) = member.value else {
            return Err(Refused::MalformedSignature);
        };
        if member.key != input.key || !parameters.is_empty() {
            return Err(Refused::MalformedSignature);
        }
        if text(&list.parameters, "alg")? != ALGORITHM {
            return Err(Refused::Algorithm);
        }
        let nonce = text(&list.parameters, "nonce")?;
        if nonce.is_empty() || nonce.len() > MAX_NONCE_CHARACTERS {
            return Err(Refused::Nonce);
        }
        let (key_id, created) = (text(&list.parameters, "keyid")?, seconds(&list.parameters, "created")?);
        let expires = find(&list.parameters, "expires").map(|_| seconds(&list.parameters, "expires")).transpose()?;
        let known = 4 + usize::from(expires.is_some());
        if list.parameters.len() != known {
            return Err(Refused::OtherParameter);
        }
        Ok(Self { key_id: key_id.to_owned(), nonce: nonce.to_owned(), created, expires, input: list, signature })
    }

    /// Until when the same signature could be accepted: so long its nonce must be known.
    pub(super) fn until(&self) -> Timestamp {
        // The whole last second.
        self.created + MAX_AGE + Duration::from_secs(1)
    }

    /// Checks that the signature is of about `now`, and covers what it must of `message`.
    ///
    /// # Errors
    /// Why it is not accepted.
    pub(super) fn check(&self, message: &Message, now: Timestamp) -> Result<SignatureBase, Refused> {
        if now >= self.until() || self.created > now + MAX_AGE {
            return Err(Refused::Time);
        }
        if self.expires.is_some_and(|expires| expires < now) {
            return Err(Refused::Expired);
        }
        self.base(message)
    }

    /// The signature base of `message` (RFC 9421, section 2.5), in the order of the signer.
    fn base(&self, message: &Message) -> Result<SignatureBase, Refused> {
        let mut uncovered = message.components()?;
        let mut base = String::new();
        for item in &self.input.items {
            let identifier = identifier(item).ok_or(Refused::OtherComponent)?;
            let found = uncovered.iter().position(|(name, _)| *name == identifier).ok_or(Refused::OtherComponent)?;
            // Taken away, so that it is covered once.
            let (_, value) = uncovered.swap_remove(found);
            base.push_str(&format!("{identifier}: {value}\n"));
        }
        if let Some((name, _)) = uncovered.into_iter().next() {
            return Err(Refused::NotCovered(name));
        }
        let parameters = self.input.to_text().ok_or(Refused::OtherComponent)?;
        base.push_str(&format!(r#""@signature-params": {parameters}"#));
        Ok(SignatureBase(base))
    }

    /// Checks the signature of `base` in constant time.
    ///
    /// # Errors
    /// [`Refused::Mismatch`].
    pub(super) fn verify(&self, base: &SignatureBase, secret: &[u8]) -> Result<(), Refused> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        hmac::verify(&key, base.0.as_bytes(), &self.signature).map_err(|_| Refused::Mismatch)
    }
}

/// What was signed, by the request as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SignatureBase(String);

/// The identifier of a component, as it is written.
fn identifier(item: &Item) -> Option<String> {
    let alone = InnerList { items: vec![item.clone()], parameters: Vec::new() };
    let text = alone.to_text()?;
    text.strip_prefix('(')?.strip_suffix(')').map(str::to_owned)
}

/// The first parameter of this name.
fn find<'a>(parameters: &'a Parameters, name: &'static str) -> Option<&'a Bare> {
    parameters.iter().find(|(key, _)| key.as_str() == name).map(|(_, value)| value)
}

fn text<'a>(parameters: &'a Parameters, name: &'static str) -> Result<&'a str, Refused> {
    match find(parameters, name) {
        Some(Bare::Text(text)) => Ok(text.as_str()),
        _ => Err(Refused::Parameter(name)),
    }
}

fn seconds(parameters: &Parameters, name: &'static str) -> Result<Timestamp, Refused> {
    match find(parameters, name) {
        Some(Bare::Integer(seconds)) => Ok(Timestamp::from_milliseconds(seconds.saturating_mul(1000))),
        _ => Err(Refused::Parameter(name)),
    }
}

#[cfg(test)]
mod tests;
