//! `doctor`: checks a deployed stack from outside, and says what is wrong and what to do.
//!
//! Every check asks with a time limit, and changes nothing; only the job of `--probe-account` is work, of one call. A
//! check that could not be made says so and is never taken for a good one.

mod checks;
mod finding;
mod gateway;
mod given;

use std::{error::Error, time::Duration};

use ::aws::Machine;
use clap::Args;
use hub::chain;

pub use self::given::Given;
use self::{
    aws::Aws,
    checks::{
        alarms, api, clock,
        deployed_stack::{ALARM, EVENT_SOURCE, FUNCTION, KEY, LOG_GROUP, QUEUE, SECRET, TABLE},
        event_sources, flickr, functions, keys, log_groups, probe, queues, secrets, tables,
    },
    finding::{Finding, Verdict},
    gateway::Gateway,
    http::Http,
};
use crate::{
    deployed_stack::{self, DeployedStack, Resource},
    requests::{aws, http},
    stack,
};

/// Which stack is checked, and how.
#[derive(Debug, Args)]
pub struct Options {
    /// The base URL of the API, where it is another than the stack's output `ApiUrl`: behind a domain name of your own,
    /// or on the local stack.
    #[arg(long, value_name = "URL")]
    api_url: Option<String>,
    /// A connected account of the tenant whose API key is given, in whose name one job runs to its end. It costs one
    /// call of `flickr.test.login`.
    #[arg(long, value_name = "USER_ID")]
    probe_account: Option<String>,
    /// How long the end of that job is waited for.
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    probe_seconds: u64,
}

/// Checks the stack `name` and prints what is found, as it is found, as `json` if so wished; whether nothing is broken.
///
/// # Errors
/// When no AWS credentials or region are found.
pub async fn run(name: &str, json: bool, options: &Options, given: Given) -> Result<bool, Box<dyn Error>> {
    let config = stack::operators_config().await?;
    let http = Http::new()?;
    let aws = Aws::new(&config, http.clone(), Machine).await?;
    let mut report = Report::new(json);

    report.add(&clock::check(&aws).await);
    let deployed_stack = match deployed_stack::describe(&config, name).await {
        Ok(deployed_stack) => deployed_stack,
        Err(error) => {
            report.add(&undescribed(&error));
            return Ok(report.end());
        }
    };
    report.add(&checks::deployed_stack::state(name, &deployed_stack.status));
    report.add(&checks::deployed_stack::outputs(&deployed_stack));
    match deployed_stack::resources(&config, name).await {
        Ok(resources) => check_resources(&aws, &resources, &mut report).await,
        Err(why) => report.add(&Finding::not_checked("resources", why, "see whether your role may list them")),
    }
    check_service(&http, &deployed_stack, options, given, &mut report).await;
    Ok(report.end())
}

/// Checks what the stack is made of, by asking AWS.
async fn check_resources(aws: &Aws<Machine>, resources: &[Resource], report: &mut Report) {
    let of = |kind: &str| resources.iter().filter(|resource| resource.kind == kind).collect::<Vec<&Resource>>();
    report.add(&checks::deployed_stack::resources(resources));
    for key in of(KEY) {
        report.extend(&keys::check(aws, key).await);
    }
    for secret in of(SECRET) {
        report.add(&secrets::check(aws, secret).await);
    }
    for table in of(TABLE) {
        report.extend(&tables::check(aws, table).await);
    }
    report.extend(&queues::check(aws, &of(QUEUE)).await);
    for function in of(FUNCTION) {
        report.add(&functions::check(aws, function).await);
    }
    report.extend(&event_sources::check(aws, &of(EVENT_SOURCE)).await);
    for group in of(LOG_GROUP) {
        report.add(&log_groups::check(aws, group).await);
    }
    report.extend(&alarms::check(aws, &of(ALARM)).await);
}

/// Checks what the stack does, by asking its API, and Flickr.
async fn check_service(
    http: &Http,
    deployed_stack: &DeployedStack,
    options: &Options,
    given: Given,
    report: &mut Report,
) {
    let DeployedStack { outputs, parameters, .. } = deployed_stack;
    let base = parameters.get("FlickrUrl").map(String::as_str).filter(|url| !url.is_empty());
    report.add(&flickr::check(Machine, base, given.flickr_app.as_ref()).await);
    let Some(url) = options.api_url.as_ref().or(outputs.get("ApiUrl")) else {
        report.add(&Finding::not_checked("api health", "the stack says no ApiUrl", "name it by --api-url"));
        return;
    };
    let gateway = Gateway::new(http.clone(), url, given.api_key);
    report.extend(&api::check(&gateway).await);
    if let Some(user_id) = &options.probe_account {
        report.add(&probe::check(&gateway, user_id, Duration::from_secs(options.probe_seconds)).await);
    }
}

/// What follows when there is no description of the stack.
fn undescribed(error: &deployed_stack::Error) -> Finding {
    match error {
        deployed_stack::Error::NotFound { .. } => Finding::broken(
            "stack",
            error.to_string(),
            "see AWS_PROFILE, AWS_REGION and the name; without a stack, deploy one: docs/operations.md",
        ),
        deployed_stack::Error::NotDescribed { .. } => Finding::not_checked(
            "stack",
            chain(error),
            "sign in, or give your role the policy ReadOnlyAccess; nothing else can be checked before",
        ),
    }
}

/// Prints findings as they come, and counts them.
struct Report {
    json: bool,
    verdicts: Vec<Verdict>,
}

impl Report {
    const fn new(json: bool) -> Self {
        Self { json, verdicts: Vec::new() }
    }

    fn add(&mut self, finding: &Finding) {
        match serde_json::to_string(finding) {
            Ok(line) if self.json => println!("{line}"),
            _ => println!("{finding}"),
        }
        self.verdicts.push(finding.verdict);
    }

    fn extend(&mut self, findings: &[Finding]) {
        findings.iter().for_each(|finding| self.add(finding));
    }

    /// Says how many there are of each verdict, to people; whether the stack is in order.
    fn end(self) -> bool {
        if !self.json {
            println!("{}", self.summary());
        }
        self.is_in_order()
    }

    fn summary(&self) -> String {
        let all = [Verdict::Fine, Verdict::Warning, Verdict::Broken, Verdict::NotChecked];
        all.map(|verdict| format!("{} {verdict}", self.count(verdict))).join(", ")
    }

    /// Whether nothing is broken. A stack that is not there to be checked is no stack in order.
    fn is_in_order(&self) -> bool {
        self.count(Verdict::Broken) == 0 && self.count(Verdict::Fine) > 0
    }

    fn count(&self, verdict: Verdict) -> usize {
        self.verdicts.iter().filter(|other| **other == verdict).count()
    }
}
