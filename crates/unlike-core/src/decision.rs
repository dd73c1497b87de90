//! From p-values to decisions.

/// How to decide.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Decision {
    /// Flag p <= rate.
    FalseAlarms(f64),
    /// Benjamini-Hochberg at this false-discovery rate.
    Fdr(f64),
    /// Flag raw scores of at least this.
    Threshold(f64),
}

/// The outcome.
#[derive(Clone, Debug, PartialEq)]
pub struct Decisions;
