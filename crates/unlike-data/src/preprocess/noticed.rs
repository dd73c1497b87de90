//! What preprocessing notices about samples, in numbers that can be added up: of a file that is read some
//! rows at a time, as of one in memory.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};
use unlike_core::{Note, words::number};

use super::{FittedColumn, Preprocessing, UnseenCategories};
use crate::words;

/// The most different texts of a column that are remembered.
const MOST_LEVELS: usize = 1 << 14;

/// What is worth knowing about samples: categories that training did not know, values far from those of
/// training, columns that are ignored.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Noticed {
    /// The samples that were looked at.
    rows: usize,
    /// By the position of the column in training.
    unseen: BTreeMap<usize, Unseen>,
    far: BTreeMap<usize, Far>,
    ignored: Vec<String>,
}

/// Categories that training did not know.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Unseen {
    rows: usize,
    /// In order of first appearance, at most [`MOST_LEVELS`].
    levels: Vec<String>,
    /// Whether there were more.
    more: bool,
}

/// Values far from those of training.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Far {
    values: usize,
    first: f64,
}

impl Noticed {
    /// Of so many samples, of which these columns are not known to the model.
    pub(super) fn new(rows: usize, ignored: &[String]) -> Self {
        Self {
            rows,
            ignored: ignored.to_vec(),
            ..Self::default()
        }
    }

    pub(super) fn unseen(&mut self, column: usize, found: &UnseenCategories) {
        let unseen = self.unseen.entry(column).or_default();
        unseen.add(found.rows, &found.levels);
    }

    pub(super) fn far(&mut self, column: usize, values: usize, first: f64) {
        self.far.insert(column, Far { values, first });
    }

    /// Adds what was noticed about further samples.
    pub fn merge(&mut self, more: Self) {
        self.rows += more.rows;
        for (column, theirs) in more.unseen {
            let mine = self.unseen.entry(column).or_default();
            mine.add(theirs.rows, &theirs.levels);
            mine.more |= theirs.more;
        }
        for (column, theirs) in more.far {
            let mine = self.far.entry(column).or_insert(Far {
                values: 0,
                ..theirs
            });
            mine.values += theirs.values;
        }
        self.ignore(more.ignored);
    }

    /// Adds columns that the model does not know, and that were not even read.
    pub fn ignore(&mut self, columns: impl IntoIterator<Item = String>) {
        for name in columns {
            if !self.ignored.contains(&name) {
                self.ignored.push(name);
            }
        }
    }

    /// The same without this column, which is known to somebody else.
    #[must_use]
    pub fn without_ignored(mut self, column: &str) -> Self {
        self.ignored.retain(|name| name != column);
        self
    }

    /// One sentence each.
    pub fn notes(&self, preprocessing: &Preprocessing) -> Vec<Note> {
        let columns = preprocessing.as_table().map_or(&[][..], |t| t.columns());
        let coded = |code| move |text: String| Note::new(text).coded(code);
        let unseen = self.unseen.iter().filter_map(|(&at, unseen)| {
            let (name, _) = columns.get(at)?;
            Some(unseen.describe(name))
        });
        let notes = unseen.map(coded("unseen-categories"));
        let far = self.far_in_words(columns).into_iter();
        let notes = notes.chain(far.map(coded("values-far-from-training")));
        let ignored = self.ignored_in_words().map(coded("columns-ignored"));
        notes.chain(ignored).collect()
    }

    /// A sentence about each column with values far outside what training saw; of many, the first
    /// eight, and one about the others.
    fn far_in_words(&self, columns: &[(String, FittedColumn)]) -> Vec<String> {
        const NAMED: usize = 8;
        let mut texts = Vec::new();
        for (&at, &Far { values, first }) in self.far.iter().take(NAMED) {
            let Some((name, FittedColumn::Number(fitted))) = columns.get(at) else {
                continue;
            };
            let trained = match fitted.is_constant() {
                true => format!("the only training value {}", number(fitted.min)),
                false => format!(
                    "the training range {} to {}",
                    number(fitted.min),
                    number(fitted.max)
                ),
            };
            texts.push(format!(
                "column `{name}`: {} of {} far from {trained} (`{}`)",
                words::count(values),
                words::counted(self.rows, "value"),
                number(first),
            ));
        }
        if let Some(others) = self.far.len().checked_sub(NAMED).filter(|&n| n > 0) {
            let columns = words::counted(others, "more column");
            texts.push(format!("{columns} with values far from those of training"));
        }
        texts
    }

    fn ignored_in_words(&self) -> Option<String> {
        let (columns, verb) = match self.ignored.len() {
            0 => return None,
            1 => ("column", "is"),
            _ => ("columns", "are"),
        };
        let names = words::quoted(&self.ignored);
        Some(format!(
            "{columns} {names} {verb} not known to the model and ignored"
        ))
    }
}

impl Unseen {
    fn add(&mut self, rows: usize, levels: &[String]) {
        self.rows += rows;
        let known: HashSet<&String> = self.levels.iter().collect();
        let new = levels.iter().filter(|level| !known.contains(level));
        let mut new: Vec<String> = new.cloned().collect();
        let room = MOST_LEVELS - self.levels.len();
        self.more |= new.len() > room;
        new.truncate(room);
        self.levels.append(&mut new);
    }

    fn describe(&self, column: &str) -> String {
        let levels = self.levels.iter();
        let levels = levels.map(|level| if level.is_empty() { "(missing)" } else { level });
        format!(
            "column `{column}`: {} of a category that training did not know or keep, counted as \"other\" \
             ({}{})",
            words::counted(self.rows, "row"),
            words::quoted(levels),
            if self.more { " at least" } else { "" },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unseen(column: &str, levels: &[String]) -> UnseenCategories {
        UnseenCategories {
            column: column.into(),
            rows: levels.len(),
            levels: levels.to_vec(),
        }
    }

    #[test]
    fn parts_add_up_to_the_whole() {
        let levels: Vec<String> = ["a", "b", "a"].map(String::from).to_vec();
        let mut whole = Noticed::new(5, &["x".into()]);
        whole.unseen(
            1,
            &UnseenCategories {
                rows: 4,
                ..unseen("c", &levels[..2])
            },
        );
        whole.far(0, 3, 9.5);
        let mut parts = Noticed::new(2, &["x".into()]);
        parts.unseen(1, &unseen("c", &levels[..2]));
        let mut more = Noticed::new(3, &["x".into()]);
        more.unseen(1, &unseen("c", &levels[1..]));
        more.far(0, 3, 9.5);
        parts.merge(more);
        assert_eq!(parts, whole);
        assert_eq!(
            serde_json::from_str::<Noticed>(&serde_json::to_string(&parts).unwrap()).unwrap(),
            whole
        );
        assert_eq!(parts.without_ignored("x"), whole.without_ignored("x"));
    }

    #[test]
    fn memory_does_not_grow_with_the_texts() {
        let levels: Vec<String> = (0..MOST_LEVELS + 3).map(|i| i.to_string()).collect();
        let mut noticed = Noticed::new(levels.len(), &[]);
        noticed.unseen(0, &unseen("c", &levels));
        assert_eq!(noticed.unseen[&0].levels.len(), MOST_LEVELS);
        let said = noticed.unseen[&0].describe("c");
        assert!(said.contains("16,387 rows"), "{said}");
        assert!(said.ends_with(" and 16,376 more at least)"), "{said}");
    }
}
