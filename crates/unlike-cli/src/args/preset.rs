//! What settings start from.

use clap::ValueEnum;

/// Values of `--preset`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Preset {
    // What works best. Not a line of help: clap would set all of it apart.
    #[default]
    Recommended,
    // What the model's paper, or its authors' code, has.
    Paper,
}
