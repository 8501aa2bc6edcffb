//! What one check found.

use std::fmt;

use serde::Serialize;

/// How the thing that was checked is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should be.
    Fine,
    /// FlickrHub works, and somebody should look at it.
    Warning,
    /// FlickrHub does not work as it should, or soon will not.
    Broken,
    /// It could not be found out.
    NotChecked,
}

/// What one check found. None of it is secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was checked, such as `queue RestQueue`.
    pub check: String,
    /// How it is.
    pub verdict: Verdict,
    /// What was found.
    pub what: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub what_to_do: Option<String>,
}

impl Finding {
    /// It is as it should be.
    pub fn fine(check: impl Into<String>, what: impl Into<String>) -> Self {
        Self { check: check.into(), verdict: Verdict::Fine, what: what.into(), what_to_do: None }
    }

    /// Somebody should look at it.
    pub fn warning(check: impl Into<String>, what: impl Into<String>, what_to_do: impl Into<String>) -> Self {
        Self::fine(check, what).with(Verdict::Warning, what_to_do.into())
    }

    /// It is broken.
    pub fn broken(check: impl Into<String>, what: impl Into<String>, what_to_do: impl Into<String>) -> Self {
        Self::fine(check, what).with(Verdict::Broken, what_to_do.into())
    }

    /// It could not be found out, because of `why`.
    pub fn not_checked(check: impl Into<String>, why: impl Into<String>, what_to_do: impl Into<String>) -> Self {
        Self::fine(check, why).with(Verdict::NotChecked, what_to_do.into())
    }

    fn with(self, verdict: Verdict, what_to_do: String) -> Self {
        Self { verdict, what_to_do: Some(what_to_do), ..self }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Fine => "fine",
            Self::Warning => "warning",
            Self::Broken => "broken",
            Self::NotChecked => "not checked",
        })
    }
}

/// One line, whatever AWS or Flickr said.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { check, verdict, what, what_to_do } = self;
        write!(f, "{verdict:<11}  {}: {}", one_line(check), one_line(what))?;
        match what_to_do {
            Some(what_to_do) => write!(f, ". What to do: {}", one_line(what_to_do)),
            None => Ok(()),
        }
    }
}

fn one_line(text: &str) -> String {
    text.split(|character: char| character.is_control()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_one_line() {
        let fine = Finding::fine("key TokenKey", "enabled");
        assert_eq!(fine.to_string(), "fine         key TokenKey: enabled");
        let broken = Finding::broken("api", "HTTP 502:\n\x1b[31mred", "look");
        assert_eq!(broken.to_string(), "broken       api: HTTP 502:  [31mred. What to do: look");
        let unknown = Finding::not_checked("api", "no answer", "wait");
        assert_eq!(unknown.to_string(), "not checked  api: no answer. What to do: wait");
    }

    #[test]
    fn a_finding_is_json() {
        let json = |finding: &Finding| serde_json::to_string(finding).unwrap();
        assert_eq!(json(&Finding::fine("a", "b")), r#"{"check":"a","verdict":"fine","what":"b"}"#);
        assert_eq!(
            json(&Finding::not_checked("a", "b", "c")),
            r#"{"check":"a","verdict":"not_checked","what":"b","what_to_do":"c"}"#
        );
    }
}
