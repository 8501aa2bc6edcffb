//! The two halves of a signature: an app's key and secret, and a token and its secret.

use std::fmt;

use serde::{Deserialize, Serialize};
use vault::Secret;
use zeroize::{Zeroize, ZeroizeOnDrop};

macro_rules! credentials {
    ($(#[$doc:meta])* $name:ident, $public:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
        pub struct $name {
            $public: String,
            secret: String,
        }

        impl $name {
            /// Credentials of these two.
            pub fn new($public: impl Into<String>, secret: impl Into<String>) -> Self {
                Self { $public: $public.into(), secret: secret.into() }
            }

            /// The half that is sent.
            pub fn $public(&self) -> &str {
                &self.$public
            }

            /// The half that only signs.
            pub fn secret(&self) -> &str {
                &self.secret
            }

            /// As it is sealed.
            ///
            /// # Errors
            /// When it cannot be written as JSON.
            pub fn to_secret(&self) -> Result<Secret, serde_json::Error> {
                serde_json::to_vec(self).map(Secret::from)
            }

            /// As it was sealed.
            ///
            /// # Errors
            /// When `secret` is something else.
            pub fn from_secret(secret: &Secret) -> Result<Self, Unreadable> {
                serde_json::from_slice(secret.expose()).map_err(|_| Unreadable)
            }
        }

        /// Prints nothing of either half.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    };
}

/// What was sealed is not credentials. Its cause could quote it, and is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sealed secret holds something else than was expected")]
pub struct Unreadable;

credentials!(
    /// A Flickr app's API key and secret.
    AppCredentials, key
);
credentials!(
    /// A token, of a request or of an account, and its secret.
    TokenCredentials, token
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_print_nothing_and_read_back() {
        let token = TokenCredentials::new("tok-canary", "sec-canary");
        assert_eq!(format!("{token:?}"), "TokenCredentials(..)");
        assert_eq!(TokenCredentials::from_secret(&token.to_secret().unwrap()), Ok(token));
        assert_eq!(AppCredentials::from_secret(&Secret::from(b"{}".to_vec())), Err(Unreadable));
    }
}
