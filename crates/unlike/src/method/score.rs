//! Scores as data: which parts each is made of, and how they are weighted.

use serde::{Deserialize, Serialize};
use unlike_core::{Error, Result, ScoreParts, ScoreRule};

use crate::backend::{Tensor, values};

/// A score that a method offers.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// As flags and files spell it.
    pub name: &'static str,
    terms: Terms,
}

#[derive(Clone, Debug, PartialEq)]
enum Terms {
    Weighted(Vec<(&'static str, f64)>),
    Combined(Vec<&'static str>),
}

impl Score {
    /// A weighted sum of parts.
    pub fn weighted(name: &'static str, terms: &[(&'static str, f64)]) -> Self {
        let terms = Terms::Weighted(terms.to_vec());
        Self { name, terms }
    }

    /// One part alone, under its own name.
    pub fn single(part: &'static str) -> Self {
        Self::weighted(part, &[(part, 1.0)])
    }

    /// `combined`: the sum of parts, each in units of its own spread over held-out normals.
    pub fn combined(parts: &[&'static str]) -> Self {
        Self {
            name: "combined",
            terms: Terms::Combined(parts.to_vec()),
        }
    }

    /// The parts that it is made of.
    pub(crate) fn parts(&self) -> Vec<&'static str> {
        match &self.terms {
            Terms::Weighted(terms) => terms.iter().map(|term| term.0).collect(),
            Terms::Combined(parts) => parts.clone(),
        }
    }

    /// The rule, fitted where it needs to be on the parts of held-out normals.
    pub(crate) fn rule(&self, held_out: &ScoreParts) -> Result<ScoreRule> {
        match &self.terms {
            Terms::Weighted(terms) => Ok(ScoreRule::weighted(terms)),
            Terms::Combined(parts) => ScoreRule::fit_combined(held_out, parts),
        }
    }
}

/// The rule of every score, the chosen one first.
///
/// # Errors
/// If there is no score of the chosen name, or there are no held-out normals.
pub(crate) fn rules(
    scores: &[Score],
    chosen: &str,
    held_out: &ScoreParts,
) -> Result<Vec<(String, ScoreRule)>> {
    check_chosen(scores, chosen)?;
    let (first, others): (Vec<_>, Vec<_>) = scores.iter().partition(|s| s.name == chosen);
    let rule = |score: &Score| Ok((score.name.to_owned(), score.rule(held_out)?));
    first.into_iter().chain(others).map(rule).collect()
}

/// Refuses the name of a score that is not on offer.
///
/// # Errors
/// Names those that are.
pub(crate) fn check_chosen(scores: &[Score], chosen: &str) -> Result<()> {
    if scores.iter().any(|score| score.name == chosen) {
        return Ok(());
    }
    let names: Vec<&str> = scores.iter().map(|score| score.name).collect();
    Err(Error::Setting {
        name: "model.score".into(),
        found: format!("`{chosen}`"),
        expected: format!("one of {}", names.join(", ")),
        hint: None,
    })
}

/// The parts of the scores of one batch: those that somebody wants, and no others.
#[derive(Debug)]
pub struct Parts<'a> {
    wanted: &'a [&'a str],
    found: Vec<(&'static str, Vec<f32>)>,
    /// Whether what the model makes of the samples is wanted too, and that.
    show: bool,
    shown: Option<Tensor<2>>,
}

impl<'a> Parts<'a> {
    pub(crate) fn new(wanted: &'a [&'a str], show: bool) -> Self {
        let found = Vec::with_capacity(wanted.len());
        Self {
            wanted,
            found,
            show,
            shown: None,
        }
    }

    /// Tells what the model makes of the samples, [N, size], which maps are made of; so that it need
    /// not be computed a second time.
    pub fn show(&mut self, x_hat: &Tensor<2>) {
        if self.show {
            self.shown = Some(x_hat.clone());
        }
    }

    pub(crate) fn take_shown(&mut self) -> Option<Tensor<2>> {
        self.shown.take()
    }

    /// Whether any of these parts is wanted.
    pub fn want(&self, parts: &[&str]) -> bool {
        parts.iter().any(|part| self.wanted.contains(part))
    }

    /// Adds a part, computed only if it is wanted: one number a sample, `[N]`, higher = more anomalous.
    pub fn add(&mut self, part: &'static str, compute: impl FnOnce() -> Tensor<1>) {
        if self.want(&[part]) {
            self.found.push((part, values(compute())));
        }
    }

    pub(crate) fn into_parts(self) -> Vec<(&'static str, Vec<f32>)> {
        self.found
    }
}

/// How a norm over the elements of one sample is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reduction {
    /// Mean over the elements.
    Mean,
    /// Sum over the elements, as printed in the paper.
    Sum,
}

impl From<Reduction> for unlike_kernels::Reduction {
    fn from(reduction: Reduction) -> Self {
        match reduction {
            Reduction::Mean => Self::Mean,
            Reduction::Sum => Self::Sum,
        }
    }
}
