//! What a tenant uses, as an operator asks.

use domain::{
    Day,
    tenant::{JobCounts, TenantChange, TenantLimits},
};
use hub::{
    limits::Limits,
    ports::{Clock, StoredBytes, Tenants},
    tenants, usage,
};
use testkit::{Call, Scene};

#[tokio::test]
async fn an_operator_sees_what_a_tenant_uses_of_all_that_it_is_held_to() {
    let mut scene = Scene::new().await;
    let id = scene.principal.tenant().clone();
    let used = async |scene: &Scene| {
        let tenant = tenants::get(&scene.world, &id).await.unwrap();
        usage::of_tenant(&scene.world, &Limits::default(), &tenant).await.unwrap()
    };
    let idle = used(&scene).await;
    assert_eq!((idle.accounts, idle.accepted, idle.pending_jobs, idle.stored_bytes), (2, None, 0, 0));
    assert_eq!(idle.apps[0].status.remaining_calls, idle.apps[0].limit.burst_calls);

    let limits = TenantLimits { jobs_per_day: Some(9), ..TenantLimits::default() };
    scene.world.set_tenant(&id, &TenantChange::SetLimits(limits.clone()));
    scene.set_limits(Limits::default().of_tenant(&limits)).await;
    let today = Day::of(scene.world.now());
    assert!(scene.world.count_bytes(&id, today, 5, 9).await.unwrap());
    for account in [0, 0, 1] {
        scene.submit_call(account, "flickr.photos.getInfo").await;
    }
    scene.spend_budget(0);
    scene.world.forget_calls();
    let busy = used(&scene).await;
    let accepted = Some(JobCounts { of_hour: 3, of_day: 3 });
    assert_eq!((busy.accounts, busy.accepted, busy.pending_jobs, busy.stored_bytes), (2, accepted, 3, 5));
    assert_eq!(busy.apps.iter().map(|app| app.status.remaining_calls).collect::<Vec<_>>(), [0]);
    assert_eq!(scene.world.count(Call::PendingJobs), 2, "each account costs a read");
    assert!(scene.world.tenants().await.unwrap().contains(&id));
}
