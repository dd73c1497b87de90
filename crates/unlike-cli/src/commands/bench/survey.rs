//! `unlike bench survey`: the survey's experiment.

use std::path::PathBuf;

use clap::{Args, ValueEnum, builder::PossibleValuesParser};
use unlike::ModelConfig;
use unlike_bench::{Preset, SURVEY_FEATURES, Set, Survey, survey_html, survey_markdown};

use super::cells::{CellArgs, Shown, models};
use crate::{
    args::{Common, seed},
    terminal::failure::{Outcome, Result},
};

const EXAMPLES: &str = "\
The experiment of arXiv 1906.11632, with the successors, baselines and data that
it left out: MNIST, Fashion-MNIST and CIFAR-10 with one class anomalous (merged
80/20) or, with --one-normal, one class normal (official parts); KDD Cup 99 by
the survey's protocol, by the ordinary one, and on the official test file with
novel attacks; NSL-KDD. Labels measure, and choose nothing.

`desk`: recommended settings; of images, 5,000 normals train and 2,000 samples
test. `paper`: the papers' settings on everything, which takes days.

--data has a folder for each set: kdd99/, nsl-kdd/, mnist/, fashion-mnist/,
cifar10/. A finished cell is a small file at once; the same command goes on where
it was stopped.

Examples:
  unlike bench survey --data ~/data
  unlike bench survey --data ~/data --sets mnist --models egbad,knn --seeds 0
  unlike bench survey --show --html survey.html";

/// All systems of the survey on all its data
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SurveyArgs {
    /// The folder of the data sets
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    /// How much is computed
    #[arg(long, value_name = "P", default_value = "desk")]
    preset: PresetArg,
    /// The data sets [default: all]
    #[arg(long, value_name = "SET,…", value_delimiter = ',')]
    #[arg(value_parser = PossibleValuesParser::new(Set::ALL.map(Set::name)))]
    sets: Vec<String>,
    /// The models; names joined by + are one ensemble, as ganomaly+fanogan [default: the survey's, f-AnoGAN, PCA, kNN, isolation forest and VAE]
    #[arg(long, value_name = "MODEL,…", value_delimiter = ',')]
    #[arg(value_parser = |text: &str| models(text, ModelConfig::names()))]
    models: Vec<String>,
    /// Classes of image sets, as their files spell them [default: all]
    #[arg(long, value_name = "CLASS,…", value_delimiter = ',')]
    classes: Vec<String>,
    /// One class is normal and all others are anomalous
    #[arg(long)]
    one_normal: bool,
    /// What models see of images: pixels, or what a frozen network says of an image as a whole, or of its places
    #[arg(
        long,
        value_name = "F,…",
        value_delimiter = ',',
        default_value = "pixels"
    )]
    #[arg(value_parser = PossibleValuesParser::new(SURVEY_FEATURES))]
    features: Vec<String>,
    /// Seeds, each with a split of its own
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "0,1,2", value_parser = seed)]
    seeds: Vec<u64>,
    #[command(flatten)]
    cells: CellArgs,
}

/// Values of `--preset`.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum PresetArg {
    Desk,
    Paper,
}

impl SurveyArgs {
    /// Computes and shows the cells.
    pub(super) fn run(self, common: Common) -> Result<Outcome> {
        let mut survey = Survey::new(self.data);
        survey.preset = match self.preset {
            PresetArg::Desk => Preset::Desk,
            PresetArg::Paper => Preset::Paper,
        };
        if !self.sets.is_empty() {
            survey.sets = self.sets.iter().filter_map(|s| Set::named(s)).collect();
        }
        if !self.models.is_empty() {
            survey.models = self.models;
        }
        survey.classes = self.classes;
        survey.one_normal = self.one_normal;
        survey.features = self.features;
        survey.seeds = self.seeds;
        survey.settings = self.cells.settings()?;
        let shown = Shown {
            name: "survey",
            markdown: survey_markdown,
            html: survey_html,
        };
        self.cells.run(&survey, &shown, common)
    }
}
