//! What is worth knowing about rows that are read some at a time, in numbers that can be added up.

use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use unlike_core::{Error, Note, Result, Samples, Table};

use crate::{
    column_remarks::ColumnRemarks,
    dataset::{self, DataSet, Skipped},
    labels::{Classes, Convention},
    read::{BadRows, Format, ReadOptions},
    several,
};

/// Classes that are remembered, at most.
const MOST_CLASSES: usize = 1 << 14;

/// What is worth knowing about rows of files.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remarks {
    /// Rows that can be used.
    rows: u64,
    /// Rows that were skipped.
    skipped: u64,
    first_skipped: Option<Skipped>,
    /// By file.
    files: BTreeMap<usize, FileRemarks>,
    /// What holds classes, if anything does.
    class_name: Option<String>,
    /// In order of first appearance.
    classes: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileRemarks {
    rows: u64,
    /// Of all rows so far, one after the other.
    hash: u64,
    /// How many comments were left out so far, in words.
    comments: Option<String>,
    /// By position: the column's name, and what is said of it.
    columns: BTreeMap<usize, (String, ColumnRemarks)>,
}

impl Remarks {
    /// About some rows of a file.
    pub(super) fn of(
        file: usize,
        data: &DataSet,
        (hash, comments): (u64, Option<Note>),
        columns: BTreeMap<usize, ColumnRemarks>,
        name: impl Fn(usize) -> String,
    ) -> Self {
        let rows = data.samples().len() as u64;
        let of_file = FileRemarks {
            rows: rows + data.skipped().len() as u64,
            hash,
            comments: comments.map(|note| note.to_string()),
            columns: columns
                .into_iter()
                .map(|(at, remarks)| (at, (name(at), remarks)))
                .collect(),
        };
        let classes = data.classes();
        Self {
            rows,
            skipped: data.skipped().len() as u64,
            first_skipped: data.skipped().first().cloned(),
            files: [(file, of_file)].into(),
            class_name: classes.map(|classes| classes.name().to_owned()),
            classes: classes.map_or_else(Vec::new, |classes| classes.levels().to_vec()),
        }
    }

    /// Adds what is worth knowing about the rows that follow.
    pub fn merge(&mut self, more: Self) {
        self.rows += more.rows;
        self.skipped += more.skipped;
        self.first_skipped = self.first_skipped.take().or(more.first_skipped);
        for (file, theirs) in more.files {
            let mine = match self.files.entry(file) {
                std::collections::btree_map::Entry::Vacant(place) => {
                    place.insert(theirs);
                    continue;
                }
                std::collections::btree_map::Entry::Occupied(place) => place.into_mut(),
            };
            mine.rows += theirs.rows;
            mine.hash = theirs.hash;
            mine.comments = theirs.comments;
            for (at, (name, theirs)) in theirs.columns {
                match mine.columns.get_mut(&at) {
                    Some((_, remarks)) => remarks.merge(theirs),
                    None => _ = mine.columns.insert(at, (name, theirs)),
                }
            }
        }
        self.class_name = self.class_name.take().or(more.class_name);
        for class in more.classes {
            if self.classes.len() < MOST_CLASSES && !self.classes.contains(&class) {
                self.classes.push(class);
            }
        }
    }

    /// Rows that can be used.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Rows that were skipped because they cannot be read or used.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    pub(super) fn hash(&self, file: usize) -> u64 {
        self.files.get(&file).map_or(0, |file| file.hash)
    }

    /// Refuses no rows at all, and classes that are named and not there.
    pub(super) fn check(&self, paths: &[PathBuf], options: &ReadOptions) -> Result<()> {
        let path = paths.first().map_or(Path::new(""), PathBuf::as_path);
        if self.rows == 0 && !options.allow_empty {
            match &self.first_skipped {
                Some(_) if options.bad_rows == BadRows::Flag => {}
                Some(first) => return Err(dataset::none_left(path, first)),
                None => {
                    return Err(Error::Malformed {
                        path: path.to_owned(),
                        location: Default::default(),
                        found: "a header and no rows".into(),
                        expected: "at least one row below the header".into(),
                        hint: None,
                    });
                }
            }
        }
        if options.normal_labels.is_empty() && options.anomalous_labels.is_empty() {
            return Ok(());
        }
        let classes = self.class_name.as_ref().map(|name| {
            let codes = (0..self.classes.len() as u32).collect();
            Classes::new(name.clone(), self.classes.clone(), codes)
        });
        let nothing = Samples::Table(Table::new("", Vec::new())?);
        let none = Convention::None;
        DataSet::new(path, Format::Csv, nothing, classes, none, options).map(drop)
    }

    /// Which files hold the same rows as an earlier one, in the same order.
    pub(super) fn told_twice(&self, names: &[String]) -> Vec<Note> {
        let mut first_with: HashMap<(u64, u64), usize> = HashMap::new();
        let mut notes = Vec::new();
        for (&at, file) in self.files.iter().filter(|(_, file)| file.rows > 0) {
            match first_with.entry((file.rows, file.hash)) {
                Entry::Vacant(place) => _ = place.insert(at),
                Entry::Occupied(place) => {
                    let rows = usize::try_from(file.rows).unwrap_or(usize::MAX);
                    notes.push(several::same_rows(&names[at], rows, &names[*place.get()]));
                }
            }
        }
        notes
    }

    pub(super) fn comments(&self, file: usize) -> Option<Note> {
        let text = self.files.get(&file)?.comments.as_deref()?;
        Some(Note::new(text).coded("comments-left-out"))
    }

    pub(super) fn columns(&self, file: usize) -> impl Iterator<Item = Note> {
        let columns = self.files.get(&file).map(|file| file.columns.values());
        let columns = columns.into_iter().flatten();
        columns.flat_map(|(name, remarks)| remarks.clone().notes(name))
    }

    pub(super) fn left_out(&self, rule: BadRows) -> Option<Note> {
        let first = self.first_skipped.as_ref()?;
        Some(dataset::left_out(
            rule,
            self.skipped,
            self.rows + self.skipped,
            first,
        ))
    }
}
