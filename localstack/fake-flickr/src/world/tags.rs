//! Tags as Flickr parses them: raw as given, clean for comparison, and machine tags `namespace:predicate=value`.

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tag {
    pub raw: String,
    /// The lower-case letters and digits of the raw form; a machine tag keeps its `:` and `=`.
    pub clean: String,
    pub machine: Option<Machine>,
}

/// The parts of a machine tag, each in its clean form.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Machine {
    namespace: String,
    predicate: String,
    value: String,
}

impl Tag {
    pub(crate) fn new(raw: &str) -> Self {
        let machine = Machine::parse(raw);
        let clean = machine.as_ref().map_or_else(
            || clean(raw),
            |machine| format!("{}:{}={}", machine.namespace, machine.predicate, machine.value),
        );
        Self { raw: raw.to_owned(), clean, machine }
    }
}

impl Machine {
    fn parse(raw: &str) -> Option<Self> {
        let (namespace, rest) = raw.split_once(':')?;
        let (predicate, value) = rest.split_once('=')?;
        let valid = is_identifier(namespace) && is_identifier(predicate) && !value.is_empty();
        valid.then(|| Self {
            namespace: namespace.to_ascii_lowercase(),
            predicate: predicate.to_ascii_lowercase(),
            value: clean(value),
        })
    }
}

fn is_identifier(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn clean(text: &str) -> String {
    text.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Parses a list of tags separated by spaces, where double quotes group words. Repeated tags are dropped.
pub(crate) fn parse_list(text: &str) -> Vec<Tag> {
    let mut quoted = false;
    let words = text.split(|character: char| {
        quoted ^= character == '"';
        character.is_whitespace() && !quoted
    });
    let mut tags: Vec<Tag> = Vec::new();
    for word in words {
        let tag = Tag::new(&word.replace('"', ""));
        if !tag.clean.is_empty() && tags.iter().all(|known| known.clean != tag.clean) {
            tags.push(tag);
        }
    }
    tags
}

/// A condition of a `machine_tags` search, such as `dc:title=mountain`, `dc:title=`, `dc:` or `*:title=`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MachineQuery {
    namespace: Option<String>,
    predicate: Option<String>,
    value: Option<String>,
}

impl MachineQuery {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (namespace, rest) = text.trim().split_once(':')?;
        let (predicate, value) = rest.split_once('=').unwrap_or((rest, ""));
        let part = |text: &str| (!text.is_empty() && text != "*").then(|| text.to_ascii_lowercase());
        let value = part(value.trim_matches('"')).map(|value| clean(&value));
        Some(Self { namespace: part(namespace), predicate: part(predicate), value })
    }

    pub(crate) fn matches(&self, tag: &Tag) -> bool {
        let equals = |wanted: &Option<String>, actual: &str| wanted.as_ref().is_none_or(|wanted| wanted == actual);
        tag.machine.as_ref().is_some_and(|machine| {
            equals(&self.namespace, &machine.namespace)
                && equals(&self.predicate, &machine.predicate)
                && equals(&self.value, &machine.value)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists() {
        let raws = |text| parse_list(text).into_iter().map(|tag| tag.raw).collect::<Vec<_>>();
        assert_eq!(raws(r#"sea "New York" job:id="a b"  Sea"#), ["sea", "New York", "job:id=a b"]);
        assert!(raws("  ").is_empty());
    }

    #[test]
    fn clean_forms() {
        for (raw, expected) in [
            ("New York", "newyork"),
            ("Été!", "été"),
            ("Geo:lat=51.5", "geo:lat=515"),
            ("a:b", "ab"),
            ("1a:b=c", "1abc"),
        ] {
            assert_eq!(Tag::new(raw).clean, expected);
        }
    }

    #[test]
    fn machine_tag_queries() {
        let tag = Tag::new("flickrhub:job=0f-9A");
        for (query, expected) in [
            ("flickrhub:job=0f-9A", true),
            ("FLICKRHUB:job=\"0f9a\"", true),
            ("flickrhub:job=", true),
            ("flickrhub:", true),
            ("flickrhub:*=0f9a", true),
            ("*:job=", true),
            ("flickrhub:job=0f", false),
            ("flickrhub:run=", false),
            ("other:job=0f9a", false),
        ] {
            assert_eq!(MachineQuery::parse(query).unwrap().matches(&tag), expected, "{query}");
        }
        assert!(MachineQuery::parse("nocolon").is_none());
        assert!(!MachineQuery::parse("flickrhub:").unwrap().matches(&Tag::new("plain")));
    }
}
