//! What samples are.

use unlike_core::Samples;

/// What samples are, for settings that depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Rows of columns: fully connected networks.
    Table,
    /// Images: convolutions.
    Images,
}

impl From<&Samples> for Kind {
    fn from(samples: &Samples) -> Self {
        match samples {
            Samples::Table(_) => Self::Table,
            Samples::Images(_) => Self::Images,
        }
    }
}
