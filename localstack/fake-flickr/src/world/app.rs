//! Applications: what a developer registers at Flickr to call its API.

/// The key and secret of an application.
#[derive(Clone, Debug)]
pub struct App {
    /// 32 hexadecimal digits.
    pub key: String,
    /// 16 hexadecimal digits.
    pub secret: String,
}

impl Default for App {
    /// The app of a fake Flickr that is given no other.
    fn default() -> Self {
        Self { key: "0123456789abcdef0123456789abcdef".into(), secret: "fedcba9876543210".into() }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct RegisteredApp {
    pub secret: String,
    /// Whether Flickr has disabled the key, as it does after abuse.
    pub disabled: bool,
}
