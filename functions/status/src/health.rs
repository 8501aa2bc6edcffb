//! `GET /v1/health`, `GET /v1/health/ready`.

use std::sync::Arc;

use api::{ErrorCode, ErrorDetail, HealthAnswer, ReadinessAnswer};
use axum::extract::State;
use edge::{Envelope, Problem};
use hub::ports::Health;

const OK: &str = "ok";

pub(crate) async fn alive() -> Envelope<HealthAnswer> {
    Envelope::ok(HealthAnswer { status: OK.to_owned() })
}

pub(crate) async fn ready<P: Health>(State(ports): State<Arc<P>>) -> Result<Envelope<ReadinessAnswer>, Problem> {
    let probes = ports.probe().await;
    let down: Vec<&str> = probes.iter().filter(|(_, answers)| !answers).map(|(name, _)| *name).collect();
    if down.is_empty() {
        let dependencies = probes.into_iter().map(|(name, _)| (name.to_owned(), OK.to_owned())).collect();
        return Ok(Envelope::ok(ReadinessAnswer { status: OK.to_owned(), dependencies }));
    }
    let detail_of = |name: &&str| ErrorDetail { field: (*name).to_owned(), message: "does not answer".to_owned() };
    let details = down.iter().map(detail_of).collect();
    let detail = format!("These do not answer: {}", down.join(", "));
    Err(Problem::new(ErrorCode::Unavailable, detail).with_details(details))
}
