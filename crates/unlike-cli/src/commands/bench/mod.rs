//! `unlike bench`: what this machine does with it, and how well models do on known data.

mod cells;
mod speed;
mod survey;
mod tables;

use clap::Subcommand;

use self::{speed::SpeedArgs, survey::SurveyArgs, tables::TablesArgs};
use crate::{
    args::Common,
    terminal::failure::{Outcome, Result},
};

/// Measure speed here, or how well models do on known data
#[derive(Subcommand, Debug)]
pub(crate) enum BenchCommand {
    Speed(SpeedArgs),
    Survey(SurveyArgs),
    Tables(TablesArgs),
}

impl BenchCommand {
    /// Runs the chosen benchmark.
    pub(crate) fn run(self, common: Common) -> Result<Outcome> {
        match self {
            Self::Speed(args) => args.run(common),
            Self::Survey(args) => args.run(common),
            Self::Tables(args) => args.run(common),
        }
    }
}
