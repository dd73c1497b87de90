//! Groups of samples, each with held-out normals of its own: which sample belongs to which.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use unlike_core::{Calibration, Error, GroupCalibrations, Note, Result, Samples, words};

/// What says which group images belong to: the folder that they lie in.
pub const FOLDER: &str = "folder";

/// The groups of the held-out normals of a model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Groups {
    /// The column, or [`FOLDER`].
    pub(crate) by: String,
    /// The names of the groups, each once.
    names: Vec<String>,
    /// A position in `names` for each held-out normal.
    of: Vec<u32>,
}

impl Groups {
    /// `of` names the group of each held-out normal.
    pub(crate) fn new(by: &str, of: &[String]) -> Self {
        let mut places: BTreeMap<&str, u32> = of.iter().map(|name| (name.as_str(), 0)).collect();
        for (place, at) in places.values_mut().zip(0..) {
            *place = at;
        }
        Self {
            by: by.to_owned(),
            names: places.keys().map(|&name| name.to_owned()).collect(),
            of: of.iter().map(|name| places[name.as_str()]).collect(),
        }
    }

    /// Their calibrations, of the scores of held-out normals.
    pub(crate) fn calibrations(&self, scores: &[f64]) -> Result<GroupCalibrations> {
        let name = |&at: &u32| {
            self.names
                .get(at as usize)
                .map(String::as_str)
                .ok_or_else(|| Error::Mismatch {
                    origin: Some("groups".into()),
                    found: format!("group {at}"),
                    expected: format!("one of {}", self.names.len()),
                    hint: None,
                })
        };
        let names = self.of.iter().map(name).collect::<Result<Vec<_>>>()?;
        GroupCalibrations::fit(scores, &names)
    }
}

/// The group of each of these samples, by a column, or [`FOLDER`].
///
/// # Errors
/// If there is no such column, or images are to be grouped by another thing than their folders.
pub fn groups_of(samples: &Samples, by: &str) -> Result<Vec<String>> {
    match samples {
        Samples::Table(table) => match table.column(by) {
            Some(column) => Ok((0..table.rows())
                .map(|row| column.values.text(row))
                .collect()),
            None => Err(Error::Mismatch {
                origin: Some(format!("`{}`", table.origin())),
                found: format!("no column `{by}`"),
                expected: "the column that says which group a row belongs to".into(),
                hint: None,
            }),
        },
        Samples::Images(images) if by == FOLDER => {
            let folder = |i: usize| {
                let id = images.id(i);
                id.rsplit_once('/')
                    .map_or(String::new(), |(folder, _)| folder.to_owned())
            };
            Ok((0..images.len()).map(folder).collect())
        }
        Samples::Images(_) => Err(Error::Setting {
            name: "calibrate-by".into(),
            found: format!("`{by}`"),
            expected: format!("`{FOLDER}` for images"),
            hint: None,
        }),
    }
}

/// How many samples belong to which group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GroupCounts(BTreeMap<String, usize>);

impl GroupCounts {
    /// Of samples whose groups these are.
    pub(crate) fn of(groups: &[String]) -> Self {
        let mut counts = BTreeMap::new();
        for group in groups {
            match counts.get_mut(group) {
                Some(count) => *count += 1,
                None => _ = counts.insert(group.clone(), 1),
            }
        }
        Self(counts)
    }

    /// Adds further samples.
    pub fn merge(&mut self, more: Self) {
        for (group, count) in more.0 {
            *self.0.entry(group).or_default() += count;
        }
    }

    /// What is worth knowing: how many samples belong to no group that calibrated, and to such as are too
    /// small for a rate.
    pub(crate) fn notes(
        &self,
        by: &str,
        calibrations: &GroupCalibrations,
        rate: Option<f64>,
        noun: &str,
    ) -> Vec<Note> {
        let mut unseen: BTreeMap<&str, usize> = BTreeMap::new();
        let mut small: BTreeMap<&str, (&Calibration, usize)> = BTreeMap::new();
        for (group, &count) in &self.0 {
            match (calibrations.of(group), rate) {
                (None, _) => _ = unseen.insert(group, count),
                (Some(own), Some(rate)) if own.smallest_rate() > rate => {
                    small.insert(group, (own, count));
                }
                _ => {}
            }
        }
        let shown = |group: &str| match group {
            "" => "none".to_owned(),
            group => format!("`{group}`"),
        };
        let listed = |items: Vec<String>| {
            let more = items.len().saturating_sub(8);
            let first = items[..items.len() - more].join(", ");
            match more {
                0 => first,
                _ => format!("{first} and {} more", words::count(more)),
            }
        };
        let mut notes = Vec::new();
        if !unseen.is_empty() {
            let count: usize = unseen.values().sum();
            let text = format!(
                "{} of groups by `{by}` without held-out normals, compared with those of all groups: {}",
                words::counted(count, noun),
                listed(unseen.keys().map(|group| shown(group)).collect()),
            );
            notes.push(Note::new(text).coded("groups-unseen"));
        }
        if !small.is_empty() {
            let count: usize = small.values().map(|(_, count)| count).sum();
            let group = |(group, (own, _)): (&&str, &(&Calibration, usize))| {
                format!("{} ({})", shown(group), words::count(own.len()))
            };
            let text = format!(
                "{} of groups by `{by}` with too few held-out normals for a rate of {}, so that none of \
                 them can be flagged: {}",
                words::counted(count, noun),
                words::rate(rate.unwrap_or_default()),
                listed(small.iter().map(group).collect()),
            );
            notes.push(Note::new(text).coded("groups-too-small"));
        }
        notes
    }
}
