//! Queues: each gives up a message that crashes its worker to a dead-letter queue, which `dlq-replay` keeps empty.

use std::collections::BTreeMap;

use hub::ports::Clock;
use serde::Deserialize;
use serde_json::json;

use super::unanswered;
use crate::{
    deployed_stack::Resource,
    doctor::{
        aws::{Aws, Service, Unanswered},
        finding::Finding,
    },
};

/// The end of the logical id of a dead-letter queue; before it stands that of its queue, less `Queue`.
const DEAD_LETTERS: &str = "DeadLetterQueue";

/// What is asked of a queue.
const ATTRIBUTES: [&str; 3] = ["QueueArn", "RedrivePolicy", "ApproximateNumberOfMessages"];

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct GetQueueAttributes {
    attributes: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RedrivePolicy {
    dead_letter_target_arn: String,
}

type Attributes = BTreeMap<String, String>;

/// Whether the queues give up messages to their dead-letter queues, and whether those are empty.
pub async fn check<C: Clock>(aws: &Aws<C>, queues: &[&Resource]) -> Vec<Finding> {
    let mut asked = Vec::new();
    for queue in queues {
        let input = json!({ "QueueUrl": queue.physical_id, "AttributeNames": ATTRIBUTES });
        let answer: Result<GetQueueAttributes, Unanswered> = aws.call(Service::Sqs, "GetQueueAttributes", &input).await;
        asked.push((*queue, answer.map(|answer| answer.attributes)));
    }
    asked.iter().map(|(queue, answer)| judge(queue, answer, &asked)).collect()
}

/// How `queue` is, among `all`.
fn judge(
    queue: &Resource,
    answer: &Result<Attributes, Unanswered>,
    all: &[(&Resource, Result<Attributes, Unanswered>)],
) -> Finding {
    let check = format!("queue {}", queue.logical_id);
    let attributes = match answer {
        Ok(attributes) => attributes,
        Err(why) => return unanswered(&check, &format!("the queue {}", queue.physical_id), why.clone()),
    };
    if queue.logical_id.ends_with(DEAD_LETTERS) {
        return dead_letters(&check, attributes);
    }
    let dead_letters = format!("{}{DEAD_LETTERS}", queue.logical_id.trim_end_matches("Queue"));
    let found = all.iter().find(|(other, _)| other.logical_id == dead_letters);
    let Some(wanted) = found.and_then(|(_, answer)| answer.as_ref().ok()?.get("QueueArn")) else {
        let why = format!("the ARN of {dead_letters} is not known");
        return Finding::not_checked(check, why, format!("see what is said of {dead_letters}"));
    };
    redrive(&check, &queue.physical_id, attributes, wanted)
}

/// Whether a queue gives up messages to the queue with the ARN `wanted`.
fn redrive(check: &str, url: &str, attributes: &Attributes, wanted: &str) -> Finding {
    let policy = attributes.get("RedrivePolicy").and_then(|text| serde_json::from_str::<RedrivePolicy>(text).ok());
    let what = match policy {
        Some(RedrivePolicy { dead_letter_target_arn }) if dead_letter_target_arn == wanted => {
            return Finding::fine(check, format!("{} messages, gives up to {wanted}", waiting(attributes)));
        }
        Some(RedrivePolicy { dead_letter_target_arn }) => format!("it gives up messages to {dead_letter_target_arn}"),
        None => "it has no redrive policy: a message that crashes its worker comes back without end".to_owned(),
    };
    let policy = json!({ "deadLetterTargetArn": wanted, "maxReceiveCount": "10" }).to_string();
    let attributes = json!({ "RedrivePolicy": policy });
    Finding::broken(check, what, format!("aws sqs set-queue-attributes --queue-url {url} --attributes '{attributes}'"))
}

/// Whether a dead-letter queue is empty.
fn dead_letters(check: &str, attributes: &Attributes) -> Finding {
    match waiting(attributes) {
        "0" => Finding::fine(check, "empty"),
        number => Finding::warning(
            check,
            format!("{number} messages wait in it, which dlq-replay should take out at once"),
            "see whether its event source is enabled, then the log of dlq-replay",
        ),
    }
}

fn waiting(attributes: &Attributes) -> &str {
    attributes.get("ApproximateNumberOfMessages").map_or("0", String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Verdict;

    fn resource(logical_id: &str) -> Resource {
        let (physical_id, kind) = (format!("https://{logical_id}"), String::new());
        Resource { logical_id: logical_id.to_owned(), physical_id, kind }
    }

    fn attributes(pairs: &[(&str, &str)]) -> Attributes {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    /// What is found of `RestQueue` with these attributes beside a dead-letter queue.
    fn rest_queue(pairs: &[(&str, &str)]) -> Finding {
        let (queue, dead) = (resource("RestQueue"), resource("RestDeadLetterQueue"));
        let all = [(&dead, Ok(attributes(&[("QueueArn", "arn:dead")]))), (&queue, Ok(attributes(pairs)))];
        judge(&queue, &all[1].1, &all)
    }

    #[test]
    fn a_queue_gives_up_to_its_own_dead_letter_queue() {
        let right = [("RedrivePolicy", r#"{"deadLetterTargetArn":"arn:dead","maxReceiveCount":10}"#)];
        assert_eq!(rest_queue(&right).verdict, Verdict::Fine);
        let other = [("RedrivePolicy", r#"{"deadLetterTargetArn":"arn:other","maxReceiveCount":"10"}"#)];
        assert_eq!(rest_queue(&other).verdict, Verdict::Broken);
        let none = rest_queue(&[]);
        assert_eq!(none.verdict, Verdict::Broken);
        assert_eq!(
            none.what_to_do.as_deref(),
            Some(
                "aws sqs set-queue-attributes --queue-url https://RestQueue --attributes '{\"RedrivePolicy\":\
                 \"{\\\"deadLetterTargetArn\\\":\\\"arn:dead\\\",\\\"maxReceiveCount\\\":\\\"10\\\"}\"}'"
            )
        );
    }

    #[test]
    fn a_queue_without_a_known_dead_letter_queue_is_not_checked() {
        let queue = resource("RestQueue");
        let all = [(&queue, Ok(attributes(&[])))];
        assert_eq!(judge(&queue, &all[0].1, &all).verdict, Verdict::NotChecked);
    }

    #[test]
    fn a_dead_letter_queue_is_empty() {
        let dead = resource("RestDeadLetterQueue");
        let judged = |number| {
            let answer = Ok(attributes(&[("ApproximateNumberOfMessages", number)]));
            judge(&dead, &answer, &[]).verdict
        };
        assert_eq!((judged("0"), judged("3")), (Verdict::Fine, Verdict::Warning));
    }

    #[test]
    fn a_queue_that_is_gone_is_broken() {
        let queue = resource("RestQueue");
        assert_eq!(judge(&queue, &Err(Unanswered::NotFound), &[]).verdict, Verdict::Broken);
    }
}
