//! Flickr, asked from this machine: whether it knows the app and accepts its signature.

use domain::{
    call::MethodName,
    outcome::{Class, Outcome},
};
use flickr::{Client, Hosts};
use hub::{
    chain,
    credentials::AppCredentials,
    ports::{Clock, Entropy},
};

use crate::doctor::finding::Finding;

const CHECK: &str = "flickr";

/// Calls `flickr.test.echo`, signed by `app`, at Flickr or at what stands for it at `base`.
pub async fn check<P: Clock + Entropy>(ports: P, base: Option<&str>, app: Option<&AppCredentials>) -> Finding {
    let Some(app) = app else {
        let what_to_do = "set FLICKR_API_KEY and FLICKR_API_SECRET in the environment to those of a Flickr app";
        return Finding::not_checked(CHECK, "no Flickr app is given", what_to_do);
    };
    match echo(ports, base, app).await {
        Ok(outcome) => judge(&outcome),
        Err(why) => Finding::not_checked(CHECK, why, "see the parameter FlickrUrl"),
    }
}

async fn echo<P: Clock + Entropy>(ports: P, base: Option<&str>, app: &AppCredentials) -> Result<Outcome, String> {
    let hosts = Hosts::from_setting(base).map_err(|error| chain(&error))?;
    let method: MethodName = "flickr.test.echo".parse().map_err(|error| chain(&error))?;
    let client = Client::new(hosts, ports).map_err(|error| chain(&error))?;
    Ok(client.call_as_app(app, &method).await)
}

fn judge(outcome: &Outcome) -> Finding {
    let Outcome { class, message, .. } = outcome;
    let broken = |what: &str, what_to_do: &str| Finding::broken(CHECK, format!("{what}: {message}"), what_to_do);
    match class {
        Class::Done => Finding::fine(CHECK, "it knows the app and accepts its signature"),
        Class::App => broken("it does not know the app's key", "see the key at https://www.flickr.com/services/apps/"),
        Class::Signature => broken("it refuses the signature", "the app's secret is wrong, or belongs to another key"),
        Class::Clock => {
            broken("it refuses the time of the signature", "set this machine's clock, as the clock's check says")
        }
        Class::Throttled | Class::Quota => Finding::warning(
            CHECK,
            format!("it takes no more calls at the moment: {message}"),
            "wait an hour; another program may use the same app",
        ),
        Class::Transient | Class::UnknownOutcome | Class::TooSlow => Finding::warning(
            CHECK,
            format!("it does not answer: {message}"),
            "see whether this machine reaches https://api.flickr.com; FlickrHub waits and tries again by itself",
        ),
        Class::Permanent | Class::Account => broken("it refuses the call", "read Flickr's message"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Verdict;

    #[test]
    fn only_an_echo_is_fine() {
        for (class, verdict) in [
            (Class::Done, Verdict::Fine),
            (Class::App, Verdict::Broken),
            (Class::Signature, Verdict::Broken),
            (Class::Clock, Verdict::Broken),
            (Class::Permanent, Verdict::Broken),
            (Class::Throttled, Verdict::Warning),
            (Class::Transient, Verdict::Warning),
            (Class::UnknownOutcome, Verdict::Warning),
        ] {
            assert_eq!(judge(&Outcome::new(class, "said")).verdict, verdict, "{class:?}");
        }
    }
}
