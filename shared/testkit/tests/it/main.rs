//! The fakes keep the ports' contracts; the simulator's promises and numbers are held.

mod cache;
mod crowd;
mod fair_queue;
mod many_apps;
mod mutations;
mod refused_by_dynamodb;
mod simulation;

use testkit::{World, build::NOW, contract};

contract::suites!(World::new(NOW, 1));

#[tokio::test]
async fn sweeps() {
    contract::sweeps(&World::new(NOW, 1)).await;
}

#[tokio::test]
async fn former_records() {
    let world = World::new(NOW, 1);
    contract::former_records(&world, async |tenant| world.store_as_former_tenant(tenant)).await;
}

#[tokio::test]
async fn audit_log() {
    let world = World::new(NOW, 1);
    contract::audit_log(&world, &world, async |stream: &str| world.audit_lines(stream)).await;
}

#[tokio::test]
async fn multiparts() {
    let world = World::new(NOW, 1);
    let put = async |upload: &_, part, _: &_, bytes| world.store_part(upload, part, bytes).unwrap();
    contract::multiparts(&world, put).await;
}
