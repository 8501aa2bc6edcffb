//! Dictionaries of structured fields (RFC 9651), with everything that came in them: a member or a parameter that is
//! given twice is there twice, since what has two readings is refused and not read one way.

use std::convert::Infallible;

use sfv::{
    BareItemFromInput, Key, KeyRef, ListSerializer, Parser, String as Text,
    visitor::{DictionaryVisitor, EntryVisitor, InnerListVisitor, ItemVisitor, ParameterVisitor},
};

/// Parameters, in the order in which they came.
pub(super) type Parameters = Vec<(Key, Bare)>;

/// A value without parameters. No field here has values of other types.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Bare {
    Integer(i64),
    Text(Text),
    Bytes(Vec<u8>),
    #[default]
    Other,
}

/// A value with its parameters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Item {
    pub(super) value: Bare,
    pub(super) parameters: Parameters,
}

/// A list of values, with the parameters of the whole.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct InnerList {
    pub(super) items: Vec<Item>,
    pub(super) parameters: Parameters,
}

/// A member of a dictionary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) key: Key,
    pub(super) value: MemberValue,
}

/// The value of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum MemberValue {
    Item(Item),
    InnerList(InnerList),
}

/// The members of the dictionary that `field` is; `None` when it is none.
pub(super) fn dictionary(field: &str) -> Option<Vec<Member>> {
    Parser::new(field).parse_dictionary_with_visitor(Members::default()).ok()
}

impl InnerList {
    /// The list as it is written (RFC 9651, section 4.1.1.1); `None` when it holds what no field here does.
    pub(super) fn to_text(&self) -> Option<String> {
        let mut list = ListSerializer::new();
        let mut inner = list.inner_list();
        for Item { value, parameters } in &self.items {
            let Bare::Text(name) = value else { return None };
            let mut written = inner.bare_item(&**name);
            for (key, value) in parameters {
                let Bare::Text(value) = value else { return None };
                written = written.parameter(key, &**value);
            }
        }
        let mut written = inner.finish();
        for (key, value) in &self.parameters {
            written = match value {
                Bare::Integer(number) => written.parameter(key, sfv::Integer::try_from(*number).ok()?),
                Bare::Text(value) => written.parameter(key, &**value),
                Bare::Bytes(_) | Bare::Other => return None,
            };
        }
        list.finish()
    }
}

impl From<BareItemFromInput<'_>> for Bare {
    fn from(value: BareItemFromInput<'_>) -> Self {
        match value {
            BareItemFromInput::Integer(number) => Self::Integer(number.into()),
            BareItemFromInput::String(text) => Self::Text(text.into_owned()),
            BareItemFromInput::ByteSequence(bytes) => Self::Bytes(bytes),
            _ => Self::Other,
        }
    }
}

#[derive(Default)]
struct Members(Vec<Member>);

impl<'de> DictionaryVisitor<'de> for Members {
    type Out = Vec<Member>;
    type Error = Infallible;

    fn entry(&mut self, key: &'de KeyRef) -> Result<impl EntryVisitor<'de>, Infallible> {
        Ok(Entry { key, members: &mut self.0 })
    }

    fn finish(self) -> Result<Vec<Member>, Infallible> {
        Ok(self.0)
    }
}

struct Entry<'a, 'de> {
    key: &'de KeyRef,
    members: &'a mut Vec<Member>,
}

impl<'de> EntryVisitor<'de> for Entry<'_, 'de> {
    type Error = Infallible;

    fn item(self) -> Result<impl ItemVisitor<'de>, Infallible> {
        Ok(ReadItem(|item| {
            self.members.push(Member { key: self.key.to_owned(), value: MemberValue::Item(item) });
        }))
    }

    fn inner_list(self) -> Result<impl InnerListVisitor<'de>, Infallible> {
        Ok(ReadList {
            items: Vec::new(),
            done: |list| {
                self.members.push(Member { key: self.key.to_owned(), value: MemberValue::InnerList(list) });
            },
        })
    }
}

/// Reads an item, and gives it on.
struct ReadItem<F>(F);

impl<'de, F: FnOnce(Item)> ItemVisitor<'de> for ReadItem<F> {
    type Out = ();
    type Error = Infallible;

    fn bare_item(self, value: BareItemFromInput<'de>) -> Result<impl ParameterVisitor<'de, Out = ()>, Infallible> {
        let value = value.into();
        Ok(ReadParameters { parameters: Vec::new(), done: |parameters| (self.0)(Item { value, parameters }) })
    }
}

/// Reads an inner list, and gives it on.
struct ReadList<F> {
    items: Vec<Item>,
    done: F,
}

impl<'de, F: FnOnce(InnerList)> InnerListVisitor<'de> for ReadList<F> {
    type Error = Infallible;

    fn item(&mut self) -> Result<impl ItemVisitor<'de>, Infallible> {
        Ok(ReadItem(|item| self.items.push(item)))
    }

    fn finish(self) -> Result<impl ParameterVisitor<'de>, Infallible> {
        let Self { items, done } = self;
        Ok(ReadParameters { parameters: Vec::new(), done: |parameters| done(InnerList { items, parameters }) })
    }
}

/// Reads parameters, and gives them on.
struct ReadParameters<F> {
    parameters: Parameters,
    done: F,
}

impl<'de, F: FnOnce(Parameters)> ParameterVisitor<'de> for ReadParameters<F> {
    type Out = ();
    type Error = Infallible;

    fn parameter(&mut self, key: &'de KeyRef, value: BareItemFromInput<'de>) -> Result<(), Infallible> {
        self.parameters.push((key.to_owned(), value.into()));
        Ok(())
    }

    fn finish(self) -> Result<(), Infallible> {
        (self.done)(self.parameters);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_twice_is_there_twice() {
        let members = dictionary(r#"a=("x";p="1";p="2");q=1;q=2, a=:AQI=:"#).unwrap();
        let [first, second] = &members[..] else { unreachable!("{members:?}") };
        assert_eq!((first.key.as_str(), second.key.as_str()), ("a", "a"));
        let MemberValue::InnerList(list) = &first.value else { unreachable!("{first:?}") };
        assert_eq!((list.items[0].parameters.len(), list.parameters.len()), (2, 2));
        let bytes = Item { value: Bare::Bytes(vec![1, 2]), parameters: Vec::new() };
        assert_eq!(second.value, MemberValue::Item(bytes));
    }

    #[test]
    fn a_list_is_written_in_one_way() {
        let members = dictionary(r#"a=( "x";p="\"1\""    "y" );b=-7;  c="z""#).unwrap();
        let MemberValue::InnerList(list) = &members[0].value else { unreachable!("{members:?}") };
        assert_eq!(list.to_text().unwrap(), r#"("x";p="\"1\"" "y");b=-7;c="z""#);
    }

    #[test]
    fn what_is_no_dictionary_is_none() {
        for field in ["(", "a=(", "a=:!:", "A=1", "a=1,", "a=\u{e9}", "a=\"\u{0}\""] {
            assert!(dictionary(field).is_none(), "{field:?}");
        }
        assert_eq!(dictionary(""), Some(Vec::new()));
    }
}
