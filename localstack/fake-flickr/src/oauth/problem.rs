//! The answer of the OAuth layer when it refuses a request: `text/plain`, outside Flickr's envelope.

use crate::answer::Answer;
use crate::config::Config;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Problem {
    SignatureInvalid { base_string: String },
    ParameterAbsent(Vec<&'static str>),
    ParameterRejected(&'static str),
    TokenRejected,
    VerifierInvalid,
    TimestampRefused,
    NonceUsed,
    ConsumerKeyUnknown,
    SignatureMethodRejected,
    VersionRejected,
}

impl Problem {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::SignatureInvalid { .. } => "signature_invalid",
            Self::ParameterAbsent(_) => "parameter_absent",
            Self::ParameterRejected(_) => "parameter_rejected",
            Self::TokenRejected => "token_rejected",
            Self::VerifierInvalid => "verifier_invalid",
            Self::TimestampRefused => "timestamp_refused",
            Self::NonceUsed => "nonce_used",
            Self::ConsumerKeyUnknown => "consumer_key_unknown",
            Self::SignatureMethodRejected => "signature_method_rejected",
            Self::VersionRejected => "version_rejected",
        }
    }

    /// The whole body. Like Flickr, it holds the base string without encoding its `&` once more.
    pub(crate) fn body(&self) -> String {
        let name = self.name();
        match self {
            Self::SignatureInvalid { base_string } => format!("oauth_problem={name}&debug_sbs={base_string}"),
            Self::ParameterAbsent(names) => {
                format!("oauth_problem={name}&oauth_parameters_absent={}", names.join("%26"))
            }
            Self::ParameterRejected(parameter) => {
                format!("oauth_problem={name}&oauth_parameters_rejected={parameter}")
            }
            _ => format!("oauth_problem={name}"),
        }
    }

    /// The default HTTP status; the configuration can set another.
    fn status(&self) -> u16 {
        match self {
            Self::ParameterAbsent(_)
            | Self::ParameterRejected(_)
            | Self::SignatureMethodRejected
            | Self::VersionRejected => 400,
            Self::SignatureInvalid { .. }
            | Self::TokenRejected
            | Self::VerifierInvalid
            | Self::TimestampRefused
            | Self::NonceUsed
            | Self::ConsumerKeyUnknown => 401,
        }
    }

    pub(crate) fn answer(&self, config: &Config) -> Answer {
        let status = config.problem_statuses.get(self.name()).copied().unwrap_or_else(|| self.status());
        Answer { problem: Some(self.name()), ..Answer::plain(status, self.body()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies() {
        let absent = Problem::ParameterAbsent(vec!["oauth_nonce", "oauth_timestamp"]);
        assert_eq!(
            absent.body(),
            "oauth_problem=parameter_absent&oauth_parameters_absent=oauth_nonce%26oauth_timestamp"
        );
        let invalid = Problem::SignatureInvalid { base_string: "GET&a&b%3Dc".into() };
        assert_eq!(invalid.body(), "oauth_problem=signature_invalid&debug_sbs=GET&a&b%3Dc");
        assert_eq!(Problem::ConsumerKeyUnknown.body().len(), 34, "the length observed at Flickr");
    }

    #[test]
    fn a_status_can_be_configured() {
        let config = Config { problem_statuses: [("nonce_used".to_owned(), 400)].into(), ..Config::default() };
        assert_eq!(Problem::NonceUsed.answer(&config).status, 400);
        assert_eq!(Problem::NonceUsed.answer(&Config::default()).status, 401);
    }
}
