//! The fakes keep the ports' contracts.

mod cache;
mod line;
mod simulation;

use testkit::{World, build::NOW, contract};

macro_rules! contracts {
    ($($name:ident)*) => {
        $(#[tokio::test]
        async fn $name() {
            contract::$name(&World::new(NOW, 1)).await;
        })*
    };
}

contracts!(accounts answers apps budgets claims desk insertion lines logins looks objects pressure reception results saving tenants turns uses waits);
