//! What the routes need.

use hub::connect::Connect;

/// What the routes need.
pub struct Service<P, F, K> {
    /// Connecting.
    pub connect: Connect<P, F, K>,
    /// The API as browsers reach it, without a slash at the end; by default what the request says.
    pub public_url: Option<String>,
}
