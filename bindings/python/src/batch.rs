//! Samples that are scored some at a time, and decided about together.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use numpy::PyArray1;
use pyo3::{prelude::*, types::PyDict};
use unlike::{Judge, groups::GroupCounts};
use unlike_core::{Decision, Detector, Place, Result, Tally, Verdicts};
use unlike_data::{Noticed, Skipped};

use crate::{
    background,
    errors::{OrRaise, all_worded},
    model::decision,
    samples::Samples,
    scores::Scores,
};

/// What is kept of each sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keep {
    /// Its score.
    Scores,
    /// And its place among held-out normals.
    Places,
    /// And its name, and the parts of its score.
    Rows,
}

/// What was found out about samples so far, by one model.
#[pyclass(frozen, module = "unlike._unlike")]
pub(crate) struct Batch {
    judge: Arc<Judge>,
    keep: Keep,
    found: Mutex<Found>,
}

/// Of all samples, in their order, those among them that could not be read.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) scores: Vec<f64>,
    /// Nothing of a sample that could not be read.
    pub(crate) places: Vec<Option<Place>>,
    pub(crate) ids: Vec<String>,
    pub(crate) parts: Vec<(String, Vec<f32>)>,
    /// Their positions.
    pub(crate) unreadable: Vec<(usize, Skipped)>,
    noticed: Noticed,
    groups: GroupCounts,
}

impl Batch {
    /// `keep` is `scores`, `places` or `rows`; so many samples are expected.
    pub(crate) fn new(judge: &Arc<Judge>, keep: &str, expected: usize) -> Self {
        Self {
            judge: Arc::clone(judge),
            keep: match keep {
                "rows" => Keep::Rows,
                "places" => Keep::Places,
                _ => Keep::Scores,
            },
            found: Mutex::new(Found {
                scores: Vec::with_capacity(expected),
                ..Found::default()
            }),
        }
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a decision makes of all of them.
    fn settle(&self, decision: Decision, found: &Found) -> Result<(Verdicts, Tally)> {
        let model = self.judge.model();
        match model.group_calibrations() {
            Some(groups) => {
                let each = groups.groups().map(|(_, own)| own);
                decision.check_possible(each.chain([groups.pooled()]))?;
            }
            None => decision.check_possible([model.calibration()])?,
        }
        let mut tally = Tally::new(decision);
        for (&score, &place) in found.scores.iter().zip(&found.places) {
            if let Some(place) = place {
                tally.add(score, place);
            }
        }
        Ok((decision.settle(&tally)?, tally))
    }
}

/// The values of samples that were read, with `gap` where others stand: at these positions among all,
/// `before` of which there are already.
fn spread<T: Clone>(
    to: &mut Vec<T>,
    values: impl IntoIterator<Item = T>,
    unreadable: &[(usize, Skipped)],
    gap: &T,
) {
    let before = to.len();
    let mut gaps = unreadable.iter().map(|(at, _)| before + at).peekable();
    for value in values {
        while gaps.next_if_eq(&to.len()).is_some() {
            to.push(gap.clone());
        }
        to.push(value);
    }
    to.extend(gaps.map(|_| gap.clone()));
}

#[pymethods]
impl Batch {
    /// Scores more samples.
    fn add(&self, py: Python<'_>, samples: &Samples) -> PyResult<()> {
        let (judge, these) = (Arc::clone(&self.judge), Arc::clone(&samples.samples));
        let keep = self.keep;
        let (scores, noticed, placed) = background::run(py, move || {
            if keep == Keep::Scores {
                let scored = judge.model().evaluate(&these)?;
                return Ok((scored.scores, scored.noticed, None));
            }
            let placed = judge.place(&these)?;
            let rest = (placed.places, placed.groups, placed.ids, placed.parts);
            Ok((placed.scores, placed.noticed, Some(rest)))
        })?;
        let mut found = self.found();
        let gaps = &samples.unreadable;
        let before = found.scores.len();
        found.noticed.merge(noticed);
        spread(&mut found.scores, scores, gaps, &f64::NAN);
        if let Some((places, groups, ids, parts)) = placed {
            spread(&mut found.places, places.into_iter().map(Some), gaps, &None);
            found.groups.merge(groups);
            if self.keep == Keep::Rows {
                spread(&mut found.ids, ids, gaps, &String::new());
                for (name, values) in parts.iter() {
                    let part = found.parts.iter().position(|(known, _)| known == name);
                    let at = part.unwrap_or_else(|| {
                        found.parts.push((name.to_owned(), Vec::new()));
                        found.parts.len() - 1
                    });
                    let values = values.iter().copied();
                    spread(&mut found.parts[at].1, values, gaps, &f32::NAN);
                }
            }
        }
        let moved = gaps.iter().map(|(at, row)| (before + at, row.clone()));
        found.unreadable.extend(moved);
        Ok(())
    }

    /// One score per sample, NaN where it could not be read. They are handed over: it has none afterwards.
    fn scores<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        PyArray1::from_vec(py, std::mem::take(&mut self.found().scores))
    }

    /// One p-value per sample, NaN where it could not be read.
    fn p_values<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        let found = self.found();
        let p_value = |place: &Option<Place>| place.map_or(f64::NAN, |place| place.p_value());
        PyArray1::from_iter(py, found.places.iter().map(p_value))
    }

    /// What the scores are made of: one value per sample, NaN where it could not be read.
    fn parts<'py>(&self, py: Python<'py>) -> Vec<(String, Bound<'py, PyArray1<f32>>)> {
        let parts = std::mem::take(&mut self.found().parts);
        let array = |(name, values)| (name, PyArray1::from_vec(py, values));
        parts.into_iter().map(array).collect()
    }

    /// What is decided about all of them: `q_values`, `anomalous`, and a `note`, if there is one.
    fn decide<'py>(&self, py: Python<'py>, by: &str, value: f64) -> PyResult<Bound<'py, PyDict>> {
        let decision = decision(by, value).or_raise(py)?;
        let found = self.found();
        let (verdicts, tally) = self.settle(decision, &found).or_raise(py)?;
        let q_value = |place: &Option<Place>| place.map_or(f64::NAN, |p| verdicts.q_value(p));
        let rows = found.scores.iter().zip(&found.places);
        let flags = rows.map(|(&score, place)| flagged(&verdicts, score, *place));
        let told = PyDict::new(py);
        let q_values = PyArray1::from_iter(py, found.places.iter().map(q_value));
        told.set_item("q_values", q_values)?;
        told.set_item("anomalous", PyArray1::from_iter(py, flags))?;
        let calibration = self.judge.model().calibration();
        told.set_item("note", verdicts.why_nothing(&tally, calibration))?;
        Ok(told)
    }

    /// All of it as a table.
    fn table(&self, py: Python<'_>, by: &str, value: f64) -> PyResult<Scores> {
        let decision = decision(by, value).or_raise(py)?;
        let found = self.found();
        let (verdicts, _) = self.settle(decision, &found).or_raise(py)?;
        Scores::new(&found, &verdicts, self.judge.model().probabilities()).or_raise(py)
    }

    /// What is worth knowing about the samples.
    fn notes(&self) -> Vec<String> {
        let found = self.found();
        let noun = self.judge.model().input().noun();
        all_worded(&self.judge.placed_notes(&found.noticed, &found.groups, noun))
    }
}

/// Whether a sample is flagged. One that could not be read is: nobody can say that it is not anomalous.
pub(crate) fn flagged(verdicts: &Verdicts, score: f64, place: Option<Place>) -> bool {
    place.is_none_or(|place| verdicts.is_anomalous(score, place))
}
