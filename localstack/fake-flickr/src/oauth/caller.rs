//! Who makes an API call, and what that caller may do.

use crate::envelope::ApiError;
use crate::perms::Perms;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Caller {
    /// The id of the token's user; absent for a call without a token.
    pub user: Option<String>,
    pub perms: Perms,
    pub signed: bool,
}

impl Caller {
    /// Refuses a caller whose token grants less than `needed`.
    pub(crate) fn require(&self, needed: Perms) -> Result<(), ApiError> {
        let granted = self.perms;
        if granted >= needed {
            return Ok(());
        }
        let message = format!("Insufficient permissions. Method requires {needed} privileges; {granted} granted.");
        Err(ApiError::new(99, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_refusal_names_the_needed_and_the_granted_permission() {
        let caller = Caller { user: None, perms: Perms::None, signed: false };
        assert!(caller.require(Perms::None).is_ok());
        let message = "Insufficient permissions. Method requires read privileges; none granted.";
        assert_eq!(caller.require(Perms::Read).unwrap_err(), ApiError::new(99, message));
    }
}
