//! The adapters keep the ports' contracts, as the fakes do.

use testkit::contract;

use crate::emulator::cloud;

macro_rules! contracts {
    ($($name:ident)*) => {
        $(#[tokio::test]
        async fn $name() {
            contract::$name(&cloud()).await;
        })*
    };
}

contracts!(accounts apps budgets claims desk insertion logins looks objects pressure results saving tenants waits);
