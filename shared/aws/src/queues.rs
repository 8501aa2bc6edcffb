//! The queues of messages to workers, one a target.

use aws_sdk_sqs::{
    Client,
    config::Builder,
    error::SdkError,
    operation::{
        get_queue_attributes::{GetQueueAttributesError, GetQueueAttributesOutput},
        send_message::builders::SendMessageFluentBuilder,
    },
    types::QueueAttributeName,
};
use aws_types::SdkConfig;
use domain::job::{PerTarget, Target};

use crate::{
    config::{Lazily, lazily},
    sdk_headers::WithoutSdkHeaders,
};

/// The queues of messages to workers. Cheap to clone; their client is made when it is first needed.
#[derive(Clone, Debug)]
pub(crate) struct Queues {
    client: Lazily<Client>,
    urls: PerTarget<String>,
}

fn client(config: &SdkConfig) -> Client {
    Client::from_conf(Builder::from(config).interceptor(WithoutSdkHeaders).build())
}

impl Queues {
    pub(crate) fn new(config: &SdkConfig, urls: &PerTarget<String>) -> Self {
        Self { client: lazily(config, client), urls: urls.clone() }
    }

    /// A message to the target's queue.
    pub(crate) fn send(&self, target: Target) -> SendMessageFluentBuilder {
        self.client.send_message().queue_url(self.urls.get(target))
    }

    /// Asks for the ARN of the target's queue: the smallest question there is.
    pub(crate) async fn ask(
        &self,
        target: Target,
    ) -> Result<GetQueueAttributesOutput, SdkError<GetQueueAttributesError>> {
        let ask = self.client.get_queue_attributes().queue_url(self.urls.get(target));
        ask.attribute_names(QueueAttributeName::QueueArn).send().await
    }
}
