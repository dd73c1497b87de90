//! Checks the laws of [`crate::detector`] on any detector, in the spirit of scikit-learn's
//! `check_estimator`.
//!
//! [`check`] takes a trained detector and some samples that it accepts and returns every violation
//! that it finds: laws 1, 2 and 6. Laws 4 and 5 compare two detectors (two trainings with one seed;
//! saved and loaded): [`check_same`]. Whether higher really is more anomalous can be seen only with
//! samples that are: [`check_direction`]. Law 3 is kept by the types: training takes
//! [`Samples`], which have no labels.

mod input;
mod scoring;

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::{
    detector::{Detector, Explanations, ScoreParts, Scores},
    error::Result,
    metrics::auroc,
    samples::{Label, Samples},
};

/// The difference that law 2 allows between a sample's scores in different batches, relative to the
/// larger of the score and the mean absolute score of all samples.
pub const BATCH_TOLERANCE: f64 = 1e-6;

/// A law that a detector breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The law's number in [`crate::detector`].
    pub law: u8,
    /// What should hold, as a sentence without a full stop.
    pub expected: &'static str,
    /// What was found instead, with the values.
    pub found: String,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "law {}: {}; found {}",
            self.law, self.expected, self.found
        )
    }
}

/// Checks laws 1, 2 and 6 on samples that the detector accepts; empty if it keeps them all.
///
/// Scores all samples about a dozen times and the first 16 one by one; a few dozen samples are
/// enough. A number column without a missing cell in `samples` is taken to have had none in
/// training, so that NaN there must be refused. Panics of the detector are caught and reported.
///
/// # Panics
/// If there are fewer than 3 samples.
pub fn check(detector: &dyn Detector, samples: &Samples) -> Vec<Violation> {
    assert!(samples.len() >= 3, "the suite needs at least 3 samples");
    let mut suite = Suite {
        detector,
        samples,
        violations: Vec::new(),
    };
    if let Some(scores) = suite.scores(1, "samples that fit the input are scored", samples) {
        suite.law_1(&scores);
        // Comparisons of scores that are not one finite number per sample would say nothing more.
        if suite.violations.is_empty() {
            suite.law_2(&scores);
            suite.parts();
            suite.explanations();
            input::check(&mut suite, &scores);
        }
    }
    suite.violations
}

/// Checks that two detectors are the same, bit for bit: two trainings with one seed (law 4), or one
/// detector before saving and after loading (law 5). Differences are reported under law 5.
pub fn check_same(a: &dyn Detector, b: &dyn Detector, samples: &Samples) -> Vec<Violation> {
    const LAW: u8 = 5;
    let mut violations = Vec::new();
    let mut differ = |expected, found| {
        violations.push(Violation {
            law: LAW,
            expected,
            found,
        })
    };
    if a.input() != b.input() {
        differ(
            "both detectors take the same input",
            format!("{:?}, {:?}", a.input(), b.input()),
        );
    }
    let (mut first, mut second) = (suite_of(a, samples), suite_of(b, samples));
    let what = "both detectors score the samples";
    if let (Some(a), Some(b)) = (
        first.scores(LAW, what, samples),
        second.scores(LAW, what, samples),
    ) && let Some(found) = first_difference(&a, &b, Same::Bits, samples)
    {
        differ("both detectors give the same scores, bit for bit", found);
    }
    let what = "both detectors give the parts of the scores";
    let parts = |d: &dyn Detector| d.score_parts(samples);
    if let (Some(a), Some(b)) = (
        first.call(LAW, what, || parts(a)),
        second.call(LAW, what, || parts(b)),
    ) {
        if !a.names().eq(b.names()) {
            differ(
                "both detectors have the same parts",
                names(&a) + " and " + &names(&b),
            );
        }
        for ((name, a), (_, b)) in a.iter().zip(b.iter()) {
            if let Some(found) = first_difference(a, b, Same::Bits, samples) {
                let found = format!("part `{name}`: {found}");
                differ("both detectors give the same parts, bit for bit", found);
            }
        }
    }
    let what = "both detectors explain the samples";
    let explain = |d: &dyn Detector| d.explain(samples);
    if let (Some(a), Some(b)) = (
        first.call(LAW, what, || explain(a)),
        second.call(LAW, what, || explain(b)),
    ) && !same_bits(&a, &b)
    {
        differ(
            "both detectors give the same explanations, bit for bit",
            "different ones".into(),
        );
    }
    violations.extend(first.violations);
    violations.extend(second.violations);
    violations
}

/// Checks that anomalies outrank normals (law 1): the samples must be so plainly different that an
/// AUROC above 0.5 can be asked for.
pub fn check_direction(
    detector: &dyn Detector,
    normal: &Samples,
    anomalous: &Samples,
) -> Vec<Violation> {
    let mut suite = suite_of(detector, normal);
    let what = "samples that fit the input are scored";
    if let (Some(low), Some(high)) = (
        suite.scores(1, what, normal),
        suite.scores(1, what, anomalous),
    ) {
        let labels = [
            vec![Label::Normal; low.len()],
            vec![Label::Anomalous; high.len()],
        ]
        .concat();
        let what = "scores can be ranked";
        if let Some(area) = suite.call(1, what, || auroc(&[low, high].concat(), &labels)) {
            suite.expect(area > 0.5, 1, "higher is more anomalous", || {
                format!("AUROC {area:.3}")
            });
        }
    }
    suite.violations
}

/// A detector under examination and what was found so far.
struct Suite<'a> {
    detector: &'a dyn Detector,
    samples: &'a Samples,
    violations: Vec<Violation>,
}

fn suite_of<'a>(detector: &'a dyn Detector, samples: &'a Samples) -> Suite<'a> {
    Suite {
        detector,
        samples,
        violations: Vec::new(),
    }
}

impl Suite<'_> {
    fn violate(&mut self, law: u8, expected: &'static str, found: String) {
        self.violations.push(Violation {
            law,
            expected,
            found,
        });
    }

    fn expect(&mut self, holds: bool, law: u8, what: &'static str, found: impl FnOnce() -> String) {
        if !holds {
            self.violate(law, what, found());
        }
    }

    /// The value, or a violation for an error or a panic.
    fn call<T>(&mut self, law: u8, what: &'static str, f: impl FnOnce() -> Result<T>) -> Option<T> {
        match caught(f) {
            Ok(Ok(value)) => return Some(value),
            Ok(Err(error)) => self.violate(law, what, format!("the error `{error}`")),
            Err(panic) => self.violate(6, "nothing panics", panic),
        }
        None
    }

    fn scores(&mut self, law: u8, what: &'static str, samples: &Samples) -> Option<Scores> {
        let detector = self.detector;
        let scores = self.call(law, what, || detector.score(samples))?;
        if scores.len() == samples.len() {
            return Some(scores);
        }
        let found = format!("{} scores for {} samples", scores.len(), samples.len());
        self.violate(1, "there is one score per sample", found);
        None
    }
}

/// What the closure returns, or what it panicked with.
fn caught<T>(f: impl FnOnce() -> T) -> std::result::Result<T, String> {
    catch_unwind(AssertUnwindSafe(f)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|&s| s.to_owned()));
        format!(
            "the panic `{}`",
            text.unwrap_or_else(|| "without a message".into())
        )
    })
}

/// How close two scores of one sample must be.
#[derive(Clone, Copy)]
enum Same {
    /// Bit for bit.
    Bits,
    /// [`BATCH_TOLERANCE`] of the larger score or of this mean absolute score of all samples: a
    /// combined score crosses zero, where nothing is relatively close.
    Close(f64),
}

impl Same {
    fn close_to<T: Copy + Into<f64>>(scores: &[T]) -> Self {
        Self::Close(
            scores.iter().map(|&s| s.into().abs()).sum::<f64>() / scores.len().max(1) as f64,
        )
    }

    fn holds(self, a: f64, b: f64) -> bool {
        match self {
            Self::Bits => a.to_bits() == b.to_bits(),
            Self::Close(mean) => (a - b).abs() <= BATCH_TOLERANCE * a.abs().max(b.abs()).max(mean),
        }
    }
}

/// The first pair that differs.
fn first_difference<T: Copy + Into<f64>>(
    a: &[T],
    b: &[T],
    same: Same,
    samples: &Samples,
) -> Option<String> {
    if a.len() != b.len() {
        return Some(format!("{} and {} values", a.len(), b.len()));
    }
    let at = a
        .iter()
        .zip(b)
        .position(|(&x, &y)| !same.holds(x.into(), y.into()))?;
    let [a, b]: [f64; 2] = [a[at].into(), b[at].into()];
    Some(format!("{a} and {b} for {}", name(samples, at)))
}

fn name(samples: &Samples, position: usize) -> String {
    match position < samples.len() {
        true => format!("sample {} (`{}`)", position + 1, samples.id(position)),
        false => format!("value {} of {} samples", position + 1, samples.len()),
    }
}

fn names(parts: &ScoreParts) -> String {
    format!("the parts {}", parts.names().collect::<Vec<_>>().join(", "))
}

fn values_of(explanations: &Explanations) -> &[f32] {
    match explanations {
        Explanations::Maps { values, .. } | Explanations::Columns { values, .. } => values,
    }
}

fn same_bits(a: &Explanations, b: &Explanations) -> bool {
    let bits = |e: &Explanations| values_of(e).iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    std::mem::discriminant(a) == std::mem::discriminant(b) && bits(a) == bits(b)
}
