//! What is worth knowing about how a column was read.

use serde::{Deserialize, Serialize};
use unlike_core::Note;

use crate::{decimal::Decimal, words};

/// What a user should know about how a column was read, in numbers that can be added up.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ColumnRemarks {
    /// Whether there are rows, and no value in any.
    pub(crate) without_values: bool,
    pub(crate) rounded: Option<Rounded>,
    /// The first number that begins with zeros: its row, and how it is written.
    pub(crate) padded: Option<(u32, String)>,
    pub(crate) spelled: Option<Spelled>,
    /// That the column is read as a category; never where it is told what it is.
    #[serde(skip)]
    pub(crate) mixed: Option<Note>,
}

/// The first cell that is a number only as people write it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Spelled {
    pub(crate) row: u32,
    pub(crate) text: String,
    pub(crate) value: f64,
    /// What else it could be.
    pub(crate) otherwise: Option<Decimal>,
}

/// Whole numbers that floating-point numbers cannot hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rounded {
    pub(crate) count: usize,
    /// Its row, and how it is written, where that is known.
    pub(crate) first: Option<(u32, String)>,
}

impl ColumnRemarks {
    /// About a column in which so many whole numbers are rounded.
    pub(crate) fn of_rounded(count: usize) -> Self {
        Self {
            rounded: (count > 0).then_some(Rounded { count, first: None }),
            ..Self::default()
        }
    }

    /// Adds what is said of further rows of the column.
    pub(crate) fn merge(&mut self, more: Self) {
        self.without_values &= more.without_values;
        match (&mut self.rounded, more.rounded) {
            (Some(mine), Some(theirs)) => mine.count += theirs.count,
            (mine @ None, theirs) => *mine = theirs,
            (Some(_), None) => {}
        }
        self.padded = self.padded.take().or(more.padded);
        self.spelled = self.spelled.take().or(more.spelled);
        self.mixed = self.mixed.take().or(more.mixed);
    }

    /// One sentence each, about the column of this name.
    pub(crate) fn notes(self, name: &str) -> Vec<Note> {
        let mut notes = Vec::new();
        if self.without_values {
            let text = format!("column `{name}` has no value in any row");
            notes.push(Note::new(text).coded("column-without-values"));
        }
        if let Some(Rounded { count, first }) = self.rounded {
            let place = first.map_or_else(String::new, |(row, text)| {
                format!(" (row {row}: `{}`)", words::shortened(&text))
            });
            notes.push(
                Note::new(format!(
                    "column `{name}`: {} of more than 15 digits rounded{place}; if they are names, say ",
                    words::counted(count, "whole number"),
                ))
                .set("id-column", name)
                .text(" or ")
                .set("category-columns", name)
                .coded("whole-numbers-rounded"),
            );
        }
        if let Some((row, text)) = self.padded {
            let text = format!(
                "column `{name}`: cells such as `{}` (row {row}) are read as numbers, without the zeros that \
                 they begin with; if they are codes, say ",
                words::shortened(&text)
            );
            let note = Note::new(text).set("category-columns", name);
            notes.push(note.coded("numbers-padded"));
        }
        notes.extend(self.mixed);
        if let Some(spelled) = self.spelled {
            let note = Note::new(format!(
                "column `{name}`: cells such as `{}` (row {}) are read as numbers, here {}",
                words::shortened(&spelled.text),
                spelled.row,
                unlike_core::words::number(spelled.value),
            ));
            let note = note.coded("numbers-spelled");
            notes.push(match spelled.otherwise {
                Some(other) => note.text("; if that is wrong, say ").set("decimal", other),
                None => note,
            });
        }
        notes
    }
}
