//! The audit log: a log group of its own.
//!
//! It is not part of [`crate::Cloud`]: no function that serves requests may write it.

use aws_sdk_cloudwatchlogs::{Client, error::BuildError, types::InputLogEvent};
use aws_types::SdkConfig;
use hub::ports::{self, AuditLine, AuditLog};

use crate::{
    config::{Lazily, lazily},
    error::from_sdk,
};

const APPENDING: &str = "appending to the audit log";
const MAKING_STREAM: &str = "making a stream of the audit log";

/// The most bytes of one request, each line counted with [`LINE_BYTES`] more, and the most lines (`PutLogEvents`).
const MAX_BYTES: usize = 1_048_576;
const LINE_BYTES: usize = 26;
const MAX_LINES: usize = 10_000;

/// A log group that is appended to.
#[derive(Clone, Debug)]
pub struct AuditLogGroup {
    client: Lazily<Client>,
    name: String,
}

impl AuditLogGroup {
    /// The log group of this name. It asks nothing of AWS.
    pub fn new(config: &SdkConfig, name: &str) -> Self {
        Self { client: lazily(config, Client::new), name: name.to_owned() }
    }

    /// Puts lines into a stream; whether the stream is there.
    async fn put(&self, stream: &str, events: Vec<InputLogEvent>) -> ports::Result<bool> {
        let put = self.client.put_log_events().log_group_name(&self.name).log_stream_name(stream);
        match put.set_log_events(Some(events)).send().await {
            Ok(answer) => match answer.rejected_log_events_info {
                Some(rejected) => Err(ports::Error::broken(APPENDING, format!("lines were rejected: {rejected:?}"))),
                None => Ok(true),
            },
            Err(error) if error.as_service_error().is_some_and(|error| error.is_resource_not_found_exception()) => {
                Ok(false)
            }
            Err(error) => Err(from_sdk(APPENDING)(error)),
        }
    }

    async fn make(&self, stream: &str) -> ports::Result<()> {
        let create = self.client.create_log_stream().log_group_name(&self.name).log_stream_name(stream);
        match create.send().await {
            // Another may have made it meanwhile.
            Err(error)
                if error.as_service_error().is_some_and(|error| error.is_resource_already_exists_exception()) =>
            {
                Ok(())
            }
            made => made.map(|_| ()).map_err(from_sdk(MAKING_STREAM)),
        }
    }
}

impl AuditLog for AuditLogGroup {
    async fn append(&self, stream: &str, lines: &[AuditLine]) -> ports::Result<()> {
        let mut lines: Vec<&AuditLine> = lines.iter().collect();
        lines.sort_by_key(|line| line.at);
        for part in parts(&lines) {
            let events: Result<Vec<InputLogEvent>, BuildError> = part.iter().map(|line| event(line)).collect();
            let events = events.map_err(|error| ports::Error::broken(APPENDING, error))?;
            if self.put(stream, events.clone()).await? {
                continue;
            }
            self.make(stream).await?;
            if !self.put(stream, events).await? {
                return Err(ports::Error::broken(APPENDING, "there is no such log group"));
            }
        }
        Ok(())
    }
}

fn event(line: &AuditLine) -> Result<InputLogEvent, BuildError> {
    InputLogEvent::builder().timestamp(line.at.as_milliseconds()).message(&line.text).build()
}

/// The lines in as many parts as one request takes each.
fn parts<'a, 'b>(lines: &'a [&'b AuditLine]) -> Vec<&'a [&'b AuditLine]> {
    let (mut parts, mut start, mut bytes) = (Vec::new(), 0, 0);
    for (number, line) in lines.iter().enumerate() {
        let more = line.text.len() + LINE_BYTES;
        if number > start && (bytes + more > MAX_BYTES || number - start == MAX_LINES) {
            parts.push(&lines[start..number]);
            (start, bytes) = (number, 0);
        }
        bytes += more;
    }
    if start < lines.len() {
        parts.push(&lines[start..]);
    }
    parts
}

#[cfg(test)]
mod tests {
    use aws_smithy_runtime_api::{
        client::orchestrator::{HttpRequest, HttpResponse},
        http::StatusCode,
    };
    use aws_smithy_types::body::SdkBody;
    use domain::Timestamp;
    use hub::ports::ErrorKind;
    use serde_json::{Value, json};

    use super::*;
    use crate::answering::Answering;

    fn line(at: i64, text: &str) -> AuditLine {
        AuditLine { at: Timestamp::from_milliseconds(at), text: text.to_owned() }
    }

    async fn append(aws: &Answering) -> ports::Result<()> {
        AuditLogGroup::new(&aws.config(), "group").append("stream", &[line(2, "b"), line(1, "a")]).await
    }

    #[tokio::test]
    async fn lines_go_into_a_stream_of_the_group_in_the_order_of_their_times() {
        let aws = Answering::new(200, &json!({}));
        append(&aws).await.unwrap();
        let [request] = &aws.requests()[..] else { panic!("{:?}", aws.requests()) };
        let events = json!([{ "timestamp": 1, "message": "a" }, { "timestamp": 2, "message": "b" }]);
        let expected = json!({ "logGroupName": "group", "logStreamName": "stream", "logEvents": events });
        assert_eq!(serde_json::from_str::<Value>(request).unwrap(), expected);
    }

    #[tokio::test]
    async fn what_is_rejected_is_no_success() {
        let aws = Answering::new(200, &json!({ "rejectedLogEventsInfo": { "tooOldLogEventEndIndex": 1 } }));
        assert_eq!(append(&aws).await.unwrap_err().kind(), ErrorKind::Broken);
        let aws = Answering::new(400, &json!({ "__type": "ThrottlingException" }));
        assert_eq!(append(&aws).await.unwrap_err().kind(), ErrorKind::Unavailable);
    }

    #[tokio::test]
    async fn a_group_that_is_not_there_is_not_asked_for_ever() {
        fn answer(request: &HttpRequest) -> HttpResponse {
            let makes = request.headers().get("x-amz-target").is_some_and(|target| target.ends_with("CreateLogStream"));
            let kind = if makes { "ResourceAlreadyExistsException" } else { "ResourceNotFoundException" };
            let body = json!({ "__type": kind }).to_string();
            HttpResponse::new(StatusCode::try_from(400).unwrap(), SdkBody::from(body))
        }
        let aws = Answering::by(answer);
        assert_eq!(append(&aws).await.unwrap_err().kind(), ErrorKind::Broken);
        assert_eq!(aws.requests().len(), 3, "put, made, put again");
    }

    #[test]
    fn a_request_has_no_more_than_it_may() {
        let long = line(1, &"x".repeat(MAX_BYTES / 2 - LINE_BYTES));
        let (short, none) = (line(1, ""), Vec::<usize>::new());
        let sizes = |lines: &[&AuditLine]| parts(lines).iter().map(|part| part.len()).collect::<Vec<_>>();
        assert_eq!(sizes(&[]), none);
        assert_eq!(sizes(&[&long, &long, &short]), [2, 1]);
        assert_eq!(sizes(&[&long, &short, &long]), [2, 1]);
        assert_eq!(sizes(&vec![&short; MAX_LINES + 1]), [MAX_LINES, 1]);
        let huge = line(1, &"x".repeat(MAX_BYTES));
        assert_eq!(sizes(&[&huge, &huge]), [1, 1], "which is refused, and not held back for ever");
    }
}
