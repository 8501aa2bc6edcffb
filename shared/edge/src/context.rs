//! Which request this is: its id, and the trace it belongs to.

use std::{convert::Infallible, net::IpAddr};

use axum::extract::FromRequestParts;
use domain::TraceId;
use http::{HeaderMap, Request, request::Parts};
use lambda_http::request::RequestContext as LambdaContext;
use ring::rand::{SecureRandom, SystemRandom};

/// The header an API key comes in.
pub const API_KEY_HEADER: &str = "x-api-key";

/// Which request this is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestContext {
    /// API Gateway's id of the request, so that its own answers and ours are found alike; off
    /// Lambda a random one.
    pub request_id: String,
    /// The caller's trace (W3C `traceparent`), else AWS X-Ray's, else a new one.
    pub trace: TraceId,
    /// Where the request came from, as API Gateway saw it; `None` off Lambda.
    pub source_ip: Option<IpAddr>,
    /// The API as the request reached it, without a slash at the end.
    pub base_url: String,
    /// The path as the client sent it, with the stage, or what a domain's mapping puts before it; its escapes may be
    /// decoded or not.
    pub path: String,
}

impl RequestContext {
    pub(crate) fn of<B>(request: &Request<B>) -> Self {
        let gateway = match request.extensions().get::<LambdaContext>() {
            Some(LambdaContext::ApiGatewayV1(context)) => Some(context),
            _ => None,
        };
        let base_url = match gateway.map(|context| (&context.domain_name, &context.stage)) {
            Some((Some(domain), Some(stage))) => format!("https://{domain}/{stage}"),
            _ => format!(
                "http://{}",
                request.headers().get("host").and_then(|host| host.to_str().ok()).unwrap_or_default()
            ),
        };
        Self {
            request_id: gateway.and_then(|context| context.request_id.clone()).unwrap_or_else(|| hex::encode(random())),
            source_ip: gateway.and_then(|context| context.identity.source_ip.as_ref()?.parse().ok()),
            base_url,
            path: gateway.and_then(|context| context.path.clone()).unwrap_or_else(|| request.uri().path().to_owned()),
            trace: trace_of(request.headers()).unwrap_or_else(|| TraceId::from_bytes(random())),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for RequestContext {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let context = parts.extensions.get::<Self>().cloned();
        Ok(context.unwrap_or_else(|| Self::of(&Request::from_parts(parts.clone(), ()))))
    }
}

fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    // Ids only need to differ; without randomness they are zero and everything else fails anyway.
    let _ = SystemRandom::new().fill(&mut bytes);
    bytes
}

fn trace_of(headers: &HeaderMap) -> Option<TraceId> {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    header("traceparent").and_then(w3c).or_else(|| header("x-amzn-trace-id").and_then(x_ray))
}

/// `00-<32 hexadecimal digits>-<16>-<2>` (W3C Trace Context, section 3.2).
fn w3c(header: &str) -> Option<TraceId> {
    let mut parts = header.split('-');
    let version = parts.next()?;
    let trace: TraceId = parts.next()?.parse().ok()?;
    let rest: Vec<&str> = parts.collect();
    let shaped = version.len() == 2 && version != "ff" && rest.len() >= 2 && rest[0].len() == 16 && rest[1].len() == 2;
    (shaped && trace.as_str().bytes().any(|b| b != b'0')).then_some(trace)
}

/// `Root=1-<8 hexadecimal digits>-<24>;...` (AWS X-Ray, "Tracing header").
fn x_ray(header: &str) -> Option<TraceId> {
    let root = header.split(';').find_map(|part| part.trim().strip_prefix("Root=1-"))?;
    let (epoch, unique) = root.split_once('-')?;
    if epoch.len() != 8 {
        return None;
    }
    format!("{epoch}{unique}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

    #[test]
    fn the_callers_trace_is_taken_over() {
        let w3c_header = format!("00-{TRACE}-b7ad6b7169203331-01");
        assert_eq!(w3c(&w3c_header), TRACE.parse().ok());
        assert_eq!(x_ray("Root=1-0af76519-16cd43dd8448eb211c80319c;Sampled=1"), TRACE.parse().ok());
        assert_eq!(x_ray("Self=1-1-2;Root=1-0af76519-16cd43dd8448eb211c80319c"), TRACE.parse().ok());
    }

    #[test]
    fn a_malformed_trace_is_not() {
        let zero = "0".repeat(32);
        for bad in
            ["", "00", TRACE, &format!("00-{zero}-b7ad6b7169203331-01"), &format!("ff-{TRACE}-b7ad6b7169203331-01")]
        {
            assert_eq!(w3c(bad), None, "{bad}");
        }
        for bad in [
            "",
            "Root=",
            "Root=1-x",
            "Root=1-0af7651916cd43dd8448eb211c80319c",
            "Root=2-0af76519-16cd43dd8448eb211c80319c",
        ] {
            assert_eq!(x_ray(bad), None, "{bad}");
        }
    }
}
