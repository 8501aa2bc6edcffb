//! What an operator does is in the audit log: who began it, with which arguments, and how it ended.
//!
//! A command that may change something is told of before it begins, and does not begin if it cannot be: an act that
//! nobody knows of is worse than one that waits for the log. How it ended is told after it.

use std::error::Error;

use aws::Machine;
use aws_sdk_sts::Client as Sts;
use clap::ArgMatches;
use domain::{Day, api_key};
use hub::{
    chain,
    ports::{AuditLine, AuditLog, Clock, Entropy},
};
use serde_json::{Map, Value, json};

use crate::stack::Stack;

/// What commands are called that only read.
const READS: [&str; 4] = ["doctor", "list", "show", "usage"];

/// The longest value of an argument, in characters.
const MAX_VALUE: usize = 200;

/// A command with its arguments. No secret is an argument of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// Its words, such as `tenant suspend`.
    operation: String,
    arguments: Map<String, Value>,
}

/// An act cannot begin since nobody would know of it.
#[derive(Debug, thiserror::Error)]
#[error("{0}, so nothing was done")]
pub struct NotRecorded(&'static str, #[source] Box<dyn Error + Send + Sync>);

impl Act {
    /// The command that was given, if it may change something.
    pub fn of(given: &ArgMatches) -> Option<Self> {
        let (mut words, mut arguments, mut at) = (Vec::new(), Map::new(), given);
        while let Some((word, matches)) = at.subcommand() {
            words.push(word);
            at = matches;
            // Groups of arguments are called as their types are.
            for id in matches.ids().map(clap::Id::as_str).filter(|id| id.starts_with(|c: char| c.is_lowercase())) {
                let Ok(Some(values)) = matches.try_get_raw(id) else { continue };
                let values: Vec<String> = values.map(|value| shown(&value.to_string_lossy())).collect();
                arguments.insert(id.to_owned(), json!(values.join(" ")));
            }
        }
        let is_read = words.last().is_none_or(|word| READS.contains(word));
        (!is_read).then(|| Self { operation: words.join(" "), arguments })
    }
}

/// A value, unless it is meant as a secret.
fn shown(value: &str) -> String {
    if api_key::is_meant(value) { "(withheld)".to_owned() } else { value.chars().take(MAX_VALUE).collect() }
}

/// Carries out an act, of which the audit log is told before and after.
///
/// # Errors
/// [`NotRecorded`], or why the act failed.
pub async fn recorded<T>(
    stack: &Stack,
    act: Option<Act>,
    work: impl Future<Output = Result<T, Box<dyn Error>>>,
) -> Result<T, Box<dyn Error>> {
    let Some(act) = act else { return work.await };
    let actor = actor(stack).await?;
    let recorder = Recorder { log: stack.audit_log(), ports: Machine, act, actor, id: act_id(&Machine) };
    recorder.around(work).await
}

/// Who asks AWS: the ARN of a user, or of a role with the name of its session.
async fn actor(stack: &Stack) -> Result<String, NotRecorded> {
    let not_recorded = |source| NotRecorded("AWS does not say who you are", source);
    let identity = Sts::new(stack.config()).get_caller_identity().send().await;
    let identity = identity.map_err(|error| not_recorded(error.into()))?;
    identity.arn.ok_or_else(|| not_recorded("its answer has no ARN".into()))
}

/// A name for what belongs together.
fn act_id(ports: &impl Entropy) -> String {
    format!("{:032x}", u128::from_be_bytes(ports.random()))
}

struct Recorder<L, P> {
    log: L,
    ports: P,
    act: Act,
    actor: String,
    id: String,
}

impl<L: AuditLog, P: Clock> Recorder<L, P> {
    async fn around<T>(&self, work: impl Future<Output = Result<T, Box<dyn Error>>>) -> Result<T, Box<dyn Error>> {
        let began = self.record("begun").await;
        began.map_err(|error| NotRecorded("the audit log cannot be written", error.into()))?;
        let done = work.await;
        if let Err(error) = self.record(if done.is_ok() { "done" } else { "failed" }).await {
            eprintln!("flickrhub-admin: the audit log does not know how this ended: {}", chain(&error));
        }
        done
    }

    async fn record(&self, outcome: &str) -> hub::ports::Result<()> {
        let Self { act: Act { operation, arguments }, actor, id, .. } = self;
        let at = self.ports.now();
        let entry = json!({
            "timestamp": at.to_string(), "event": "operator_act", "outcome": outcome, "act_id": id, "actor": actor,
            "operation": operation, "arguments": arguments,
        });
        let line = AuditLine { at, text: entry.to_string() };
        self.log.append(&format!("{}/flickrhub-admin", Day::of(at)), &[line]).await
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use domain::{KeyId, api_key::ApiKey};
    use testkit::{Call, Fault, FaultPoint, World, build};

    use super::*;

    fn act(arguments: &str) -> Option<Act> {
        let given = crate::Arguments::command().try_get_matches_from(arguments.split(' '));
        Act::of(&given.unwrap())
    }

    #[test]
    fn what_may_change_something_is_an_act_with_its_arguments() {
        let suspend =
            act("flickrhub-admin --stack hub tenant suspend ten_01010101010101010101010101010101 --yes").unwrap();
        assert_eq!(suspend.operation, "tenant suspend");
        assert_eq!(suspend.arguments["tenant"], "ten_01010101010101010101010101010101");
        assert_eq!((&suspend.arguments["stack"], &suspend.arguments["yes"]), (&json!("hub"), &json!("true")));
        let create =
            "flickrhub-admin key create --tenant ten_01010101010101010101010101010101 --scope dlq --scope connect";
        assert_eq!(act(create).unwrap().arguments["scopes"], "dlq connect");
        for (arguments, operation) in [
            ("flickrhub-admin key disable", "key disable"),
            ("flickrhub-admin key sign require", "key sign require"),
            ("flickrhub-admin hash-secret use --version 2", "hash-secret use"),
            ("flickrhub-admin after-restore --jobs-table restored", "after-restore"),
        ] {
            assert_eq!(act(arguments).unwrap().operation, operation);
        }
        for read in [
            "flickrhub-admin doctor",
            "flickrhub-admin hash-secret show",
            "flickrhub-admin tenant list",
            "flickrhub-admin key list --tenant ten_01010101010101010101010101010101",
        ] {
            assert_eq!(act(read), None, "{read}");
        }
    }

    #[test]
    fn a_value_is_cut_short_and_an_api_key_is_withheld() {
        let key = ApiKey::new(KeyId::from_bytes([1; 16]), &[2; 32]);
        let create = |name: &str| act(&format!("flickrhub-admin tenant create --name {name}")).unwrap().arguments;
        assert_eq!(create(key.as_str())["name"], "(withheld)");
        assert_eq!(create(&"ü".repeat(300))["name"], "ü".repeat(200));
    }

    fn recorder(world: &World) -> Recorder<World, World> {
        let act = act("flickrhub-admin tenant resume ten_01010101010101010101010101010101").unwrap();
        Recorder {
            log: world.clone(),
            ports: world.clone(),
            act,
            actor: "arn:aws:iam::1:user/ada".to_owned(),
            id: act_id(world),
        }
    }

    fn entries(world: &World) -> Vec<Value> {
        let lines = world.audit_lines(&format!("{}/flickrhub-admin", Day::of(build::NOW)));
        lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[tokio::test]
    async fn an_act_is_told_of_before_and_after_it() {
        for (result, outcome) in [(Ok(()), "done"), (Err("canary".into()), "failed")] {
            let world = World::new(build::NOW, 1);
            let recorded = recorder(&world);
            let within = async {
                assert_eq!(entries(&world).len(), 1);
                result
            };
            let is_done = recorded.around(within).await.is_ok();
            let entries = entries(&world);
            assert_eq!([&entries[0]["outcome"], &entries[1]["outcome"]], ["begun", outcome]);
            assert_eq!(is_done, outcome == "done");
            for entry in &entries {
                assert_eq!((&entry["operation"], &entry["actor"]), (&json!("tenant resume"), &json!(recorded.actor)));
                assert_eq!((&entry["act_id"], &entry["event"]), (&json!(recorded.id), &json!("operator_act")));
                assert!(!entry.to_string().contains("canary"), "an error may quote what it was about");
            }
        }
    }

    #[tokio::test]
    async fn an_act_that_cannot_be_told_of_does_not_begin() {
        let world = World::new(build::NOW, 1);
        world.fault_next(FaultPoint::Before, Fault::Fail);
        let nothing = async { unreachable!("nobody knows of it") };
        let error: Box<dyn Error> = recorder(&world).around::<()>(nothing).await.unwrap_err();
        assert!(error.to_string().contains("nothing was done"), "{error}");
    }

    #[tokio::test]
    async fn an_act_whose_end_cannot_be_told_of_was_done_all_the_same() {
        let world = World::new(build::NOW, 1);
        let within = async {
            world.fault_next(FaultPoint::Before, Fault::Fail);
            Ok("done")
        };
        assert_eq!(recorder(&world).around(within).await.unwrap(), "done");
        assert_eq!((entries(&world).len(), world.count(Call::AppendToAuditLog)), (1, 2));
    }
}
