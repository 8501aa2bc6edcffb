//! Pages of lists.

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T, C> {
    /// What it holds.
    pub items: Vec<T>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<C>,
}

impl<T, C> Page<T, C> {
    /// The first `limit` of `listed`, of which one more was asked for: if it is there, another page follows, after the
    /// cursor of the last item.
    pub(crate) fn of(mut listed: Vec<T>, limit: u16, cursor: impl Fn(&T) -> C) -> Self {
        let more = listed.len() > usize::from(limit);
        listed.truncate(usize::from(limit));
        let next = listed.last().filter(|_| more).map(cursor);
        Self { items: listed, next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_has_a_successor_says_where_it_begins() {
        for (listed, next) in [(0, None), (2, None), (3, None), (4, Some(3)), (9, Some(3))] {
            let page = Page::of((1..=listed).collect(), 3, |number| *number);
            assert_eq!((page.items, page.next), ((1..=listed.min(3)).collect::<Vec<i32>>(), next), "{listed}");
        }
    }
}
