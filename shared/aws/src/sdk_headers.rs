//! Headers that only describe the SDK: left out, since no service needs them.
//!
//! `x-amz-user-agent`, `amz-sdk-invocation-id` and `amz-sdk-request` say which SDK asks, and how often it has tried.
//! AWS answers and bills the same without them; to build, sign and send them is a tenth of a request's instructions.
//! The user agent is a short one of ours, by which CloudTrail tells the functions' requests from others.

use aws_runtime::{
    invocation_id::InvocationIdInterceptor, request_info::RequestInfoInterceptor, user_agent::UserAgentInterceptor,
};
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{
            Intercept,
            context::{BeforeSerializationInterceptorContextRef, BeforeTransmitInterceptorContextMut},
            disable_interceptor, dyn_dispatch_hint,
        },
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::ConfigBag;

const USER_AGENT: &str = concat!("FlickrHub/", env!("CARGO_PKG_VERSION"));

const CAUSE: &str = "no service needs it";

/// The interceptor of every client that leaves them out.
#[derive(Debug)]
pub(crate) struct WithoutSdkHeaders;

#[dyn_dispatch_hint]
impl Intercept for WithoutSdkHeaders {
    fn name(&self) -> &'static str {
        "WithoutSdkHeaders"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        config
            .interceptor_state()
            .store_put(disable_interceptor::<UserAgentInterceptor>(CAUSE))
            .store_put(disable_interceptor::<InvocationIdInterceptor>(CAUSE))
            .store_put(disable_interceptor::<RequestInfoInterceptor>(CAUSE));
        Ok(())
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        context.request_mut().headers_mut().insert("user-agent", USER_AGENT);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::{Client, config::Builder};
    use serde_json::json;

    use super::*;
    use crate::answering::Answering;

    #[tokio::test]
    async fn a_request_is_signed_and_says_nothing_of_the_sdk() {
        let aws = Answering::new(200, &json!({}));
        let client = Client::from_conf(Builder::from(&aws.config()).interceptor(WithoutSdkHeaders).build());
        client.get_item().table_name("table").send().await.unwrap();
        let headers = aws.headers();
        let names: Vec<&str> = headers.keys().map(String::as_str).collect();
        let expected =
            ["authorization", "content-length", "content-type", "host", "user-agent", "x-amz-date", "x-amz-target"];
        assert!(expected.iter().all(|name| *name == "host" || names.contains(name)), "{names:?}");
        assert!(!names.iter().any(|name| name.starts_with("amz-sdk-") || name.contains("amz-user-agent")), "{names:?}");
        assert_eq!(headers["user-agent"], USER_AGENT);
        assert!(headers["authorization"].contains("SignedHeaders="), "{headers:?}");
    }
}
