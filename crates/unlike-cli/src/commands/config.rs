//! `unlike config`.

use std::path::PathBuf;

use clap::{Args, builder::PossibleValuesParser};
use serde_json::json;
use unlike::{Model, ModelConfig, TrainConfig, models::Kind, presets};

use crate::{
    args::{Common, Preset},
    terminal::{
        self,
        failure::{Outcome, Result},
    },
};

const EXAMPLES: &str = "\
What it prints is a file for `train --config`, in which only what differs from
the recommended settings needs to stay. Epochs depend on the number of samples.

Examples:
  unlike config egbad > egbad.toml              and change what you like
  unlike config ganomaly --images --preset paper
  unlike config --of runs/egbad-flows           what a model was trained with";

/// Show all settings of a model, with a line on each
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ConfigArgs {
    /// Which model
    #[arg(value_parser = PossibleValuesParser::new(ModelConfig::names()))]
    #[arg(required_unless_present = "of")]
    model: Option<String>,
    /// The settings of a trained one: a folder that `unlike train` made, or a model file
    #[arg(long, value_name = "MODEL", conflicts_with_all = ["model", "images", "preset", "samples"])]
    of: Option<PathBuf>,
    /// For images [default: for tables]
    #[arg(long)]
    images: bool,
    /// What to start from
    #[arg(long, value_name = "P", default_value = "recommended")]
    preset: Preset,
    /// How many samples are trained on, for the epochs
    #[arg(long, value_name = "N", default_value = "10000")]
    samples: usize,
}

impl ConfigArgs {
    /// Prints the settings.
    pub(crate) fn run(self, common: Common) -> Result<Outcome> {
        let config = match &self.of {
            Some(path) => Model::load(path)?.config().clone(),
            None => self.of_preset()?,
        };
        match common.json {
            true => terminal::print_json(&json!(config))?,
            false => terminal::print(&config.explained()?)?,
        }
        Ok(Outcome::Done)
    }

    fn of_preset(&self) -> Result<TrainConfig> {
        let kind = match self.images {
            true => Kind::Images,
            false => Kind::Table,
        };
        let model = self.model.as_deref().unwrap_or_default();
        let config = TrainConfig::recommended_for(model, kind, self.samples)?;
        Ok(match self.preset {
            Preset::Recommended => config,
            Preset::Paper => presets::paper(config, kind)?,
        })
    }
}
