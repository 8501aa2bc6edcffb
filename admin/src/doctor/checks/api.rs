//! The HTTP API, from outside: whether it answers, and whether what it depends on does.

use api::Problem;

use crate::doctor::{
    finding::Finding,
    gateway::{Gateway, NO_API_KEY},
    http::Reply,
};

const HEALTH: &str = "api health";
const READY: &str = "api readiness";

/// Whether the API is alive and, with an API key, whether it is ready.
pub async fn check(gateway: &Gateway) -> Vec<Finding> {
    let alive = health(gateway.get("/v1/health").await);
    let ready = if gateway.has_api_key() {
        ready(gateway.get("/v1/health/ready").await)
    } else {
        Finding::not_checked(READY, "no API key is given", NO_API_KEY)
    };
    vec![alive, ready]
}

fn health(answer: Result<Reply, String>) -> Finding {
    match answer {
        Ok(reply) if reply.is_success() => Finding::fine(HEALTH, "it answers"),
        Ok(Reply { status: 429, .. }) => {
            Finding::warning(HEALTH, "HTTP 429: too many ask for the health", "run doctor again in a minute")
        }
        Ok(reply) => Finding::broken(
            HEALTH,
            refusal(&reply),
            "read the log group of the function status; if it has no line of this request, look at the API's stage",
        ),
        Err(why) => Finding::broken(
            HEALTH,
            why,
            "see whether the URL is right (--api-url), and whether this machine reaches it by curl -i URL/v1/health",
        ),
    }
}

fn ready(answer: Result<Reply, String>) -> Finding {
    match answer {
        Ok(reply) if reply.is_success() => Finding::fine(READY, "everything that it depends on answers"),
        Ok(reply @ Reply { status: 401, .. }) => Finding::broken(
            READY,
            refusal(&reply),
            "the key belongs to no tenant or to another stack: create a tenant with it, see docs/operations.md",
        ),
        Ok(reply @ Reply { status: 429, .. }) => {
            Finding::warning(READY, refusal(&reply), "run doctor again in a minute")
        }
        Ok(reply) => {
            Finding::broken(READY, refusal(&reply), "see what the checks of these say, then the log of status")
        }
        Err(why) => Finding::broken(READY, why, "see what is said of the API's health"),
    }
}

/// What the API says of a request that it refused: never what was sent.
pub fn refusal(reply: &Reply) -> String {
    match reply.json::<Problem>() {
        Some(problem) => {
            let Problem { status, detail, request_id, error, .. } = problem;
            format!("HTTP {status} {}: {detail} (request {request_id})", error.code.as_str())
        }
        None => format!("HTTP {}, and no problem document", reply.status),
    }
}

#[cfg(test)]
mod tests {
    use api::ErrorCode;

    use super::*;
    use crate::doctor::finding::Verdict;

    fn reply(status: u16, body: &str) -> Result<Reply, String> {
        Ok(Reply { status, date: None, error_type: None, body: body.as_bytes().to_vec() })
    }

    #[test]
    fn an_api_that_answers_is_alive() {
        assert_eq!(health(reply(200, "{}")).verdict, Verdict::Fine);
        assert_eq!(health(reply(429, "")).verdict, Verdict::Warning);
        assert_eq!(health(reply(502, "<html>")).verdict, Verdict::Broken);
        assert_eq!(health(Err("dns error".to_owned())).verdict, Verdict::Broken);
    }

    #[test]
    fn what_does_not_answer_is_named() {
        let detail = "These do not answer: vault";
        let problem = Problem::new(ErrorCode::Unavailable, detail, vec![], "r-1");
        let finding = ready(reply(503, &serde_json::to_string(&problem).unwrap()));
        assert_eq!(finding.verdict, Verdict::Broken);
        assert_eq!(finding.what, format!("HTTP 503 ERR_UNAVAILABLE: {detail} (request r-1)"));
        assert_eq!(ready(reply(200, "{}")).verdict, Verdict::Fine);
        assert_eq!(ready(reply(429, "{}")).verdict, Verdict::Warning);
        assert!(ready(reply(401, "{}")).what_to_do.unwrap().contains("tenant"));
    }
}
