//! What a command answers: JSON for scripts, a table for people where it is a list.

use std::fmt::{self, Display};

use serde_json::{Value, json};

/// What a command answers.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// One thing, as JSON for everybody.
    One(Value),
    /// A list: a table for people.
    List {
        /// The members of each row that the table shows, in this order.
        columns: &'static [&'static str],
        /// Objects.
        rows: Vec<Value>,
    },
}

impl Answer {
    /// Prints it, a list as JSON if `is_for_scripts`.
    pub fn print(&self, is_for_scripts: bool) {
        match self {
            Self::One(value) => println!("{value}"),
            Self::List { rows, .. } if is_for_scripts => println!("{}", json!(rows)),
            Self::List { columns, rows } => print!("{}", Table { columns, rows }),
        }
    }
}

struct Table<'a> {
    columns: &'a [&'static str],
    rows: &'a [Value],
}

/// Each column as wide as its widest value, under its name in capitals.
impl Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = self.columns.iter().map(|column| column.replace('_', " ").to_uppercase()).collect();
        let rows = self.rows.iter().map(|row| self.columns.iter().map(|column| text(&row[*column])).collect());
        let lines: Vec<Vec<String>> = std::iter::once(head).chain(rows).collect();
        let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default();
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        for line in &lines {
            let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
            writeln!(f, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        Ok(())
    }
}

/// A value in a table, on one line.
fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        // What a name holds must not move the terminal's cursor.
        Value::String(text) => text.chars().map(|c| if c.is_control() { '?' } else { c }).collect(),
        Value::Array(values) => values.iter().map(text).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_as_wide_as_its_values() {
        let rows = [
            json!({ "name": "One", "key_id": "key_1", "scopes": ["connect", "dlq"], "other": 1 }),
            json!({ "name": "A long\nname", "key_id": null, "scopes": [] }),
        ];
        let table = Table { columns: &["name", "key_id", "scopes"], rows: &rows };
        assert_eq!(
            table.to_string(),
            "NAME         KEY ID  SCOPES\nOne          key_1   connect dlq\nA long?name  -\n"
        );
    }
}
