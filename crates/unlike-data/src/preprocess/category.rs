//! A category becomes one feature per level that training knew, and one for all others.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use unlike_core::MISSING;

use super::PreprocessingConfig;
use crate::decimal;

/// The levels of a category that have features of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CategoryColumn {
    /// In order of their texts, so that the order of the training rows does not matter.
    pub levels: Vec<String>,
    /// Whether training had missing cells: they are then a level of their own, after the others.
    pub missing: bool,
    /// How many training levels were too many or too rare, and went to "other".
    pub rare: usize,
    /// Of how many training rows each level was; empty in the models of earlier versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub counts: Vec<u64>,
    /// How many training rows there were.
    #[serde(default)]
    pub rows: u64,
}

impl CategoryColumn {
    /// Fits to training codes. Levels that occur in no row do not count as seen.
    pub(super) fn fit(levels: &[String], codes: &[u32], config: &PreprocessingConfig) -> Self {
        let mut counts = vec![0; levels.len()];
        let mut missing = false;
        for &code in codes {
            match code {
                MISSING => missing = true,
                code => counts[code as usize] += 1,
            }
        }
        let mut seen: Vec<(usize, &String)> = counts
            .into_iter()
            .zip(levels)
            .filter(|(count, _)| *count > 0)
            .collect();
        // The most frequent spelling stands for the others: 6 and 6.0 are one level, and so are True and TRUE.
        seen.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
        let mut meanings: HashMap<u64, usize> = HashMap::new();
        let mut merged: Vec<(usize, &String)> = Vec::with_capacity(seen.len());
        for (count, level) in seen {
            let place = match decimal::meaning(level) {
                Some(meaning) => *meanings.entry(meaning).or_insert(merged.len()),
                None => merged.len(),
            };
            match merged.get_mut(place) {
                Some((total, _)) => *total += count,
                None => merged.push((count, level)),
            }
        }
        let mut seen = merged;
        let distinct = seen.len();
        seen.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
        seen.truncate(config.max_levels);
        seen.retain(|(count, _)| *count >= config.min_level_rows);
        let mut kept: Vec<(String, u64)> = seen
            .into_iter()
            .map(|(count, level)| (level.clone(), count as u64))
            .collect();
        kept.sort();
        let (levels, counts): (Vec<String>, Vec<u64>) = kept.into_iter().unzip();
        Self {
            rare: distinct - levels.len(),
            levels,
            missing,
            counts,
            rows: codes.len() as u64,
        }
    }

    /// The share of the training rows that had this level; 0 for one that it did not keep. Not known of the
    /// models of earlier versions.
    pub fn share(&self, level: &str) -> Option<f64> {
        let known = !self.counts.is_empty() && self.rows > 0;
        let count = self.counts.get(self.slot(level)).copied().unwrap_or(0);
        known.then(|| count as f64 / self.rows as f64)
    }

    /// Whether training saw one level only, or none.
    pub fn is_constant(&self) -> bool {
        let seen = self.levels.len() + usize::from(self.missing);
        seen.saturating_add(self.rare) <= 1
    }

    /// How many features the column becomes.
    pub(super) fn width(&self) -> usize {
        self.other() + 1
    }

    /// The feature, counted from the column's first, that says yes for a level: for the same text, or
    /// else for the same number or truth.
    pub(super) fn slot(&self, level: &str) -> usize {
        let same_meaning = || {
            let wanted = decimal::meaning(level)?;
            self.levels
                .iter()
                .position(|l| decimal::meaning(l) == Some(wanted))
        };
        match self.levels.binary_search_by(|l| l.as_str().cmp(level)) {
            Ok(at) => at,
            Err(_) => same_meaning().unwrap_or(self.other()),
        }
    }

    /// The feature that says yes for a missing cell.
    pub(super) fn missing_slot(&self) -> usize {
        if self.missing {
            self.levels.len()
        } else {
            self.other()
        }
    }

    /// The feature that says yes for everything else.
    pub(super) fn other(&self) -> usize {
        self.levels.len() + usize::from(self.missing)
    }

    /// Whether a column read from a model file is one that `fit` makes.
    pub(super) fn is_sound(&self) -> bool {
        self.levels.windows(2).all(|pair| pair[0] < pair[1])
            && (self.counts.is_empty() || self.counts.len() == self.levels.len())
    }
}
