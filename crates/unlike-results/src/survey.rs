//! The survey's protocol on KDD Cup 99, and what others printed for it.

use std::path::Path;

use unlike_core::{Result, Samples};
use unlike_data::{ReadOptions, split};
use unlike_report::Published;

use crate::TestSet;

/// The rule behind the published numbers: this share of the test set is flagged.
pub const FLAGGED: f64 = 0.2;

/// The survey's split of KDD Cup 99.
#[derive(Clone, Debug)]
pub struct Protocol {
    /// Attacks, which are what is learned.
    pub train: Samples,
    /// Attacks, and normal records as the anomalies; [`FLAGGED`] of them are flagged.
    pub test: TestSet,
    /// A sentence for people.
    pub description: String,
}

impl Protocol {
    /// Reads the KDD Cup 99 file, and splits it; the seed decides how.
    ///
    /// # Errors
    /// If the file cannot be read, or is not KDD Cup 99.
    pub fn read(file: &Path, seed: u64) -> Result<Self> {
        let data = unlike_data::read(file, &ReadOptions::default())?;
        let split = split::kdd_survey(&data, seed)?;
        let class = |&i: &usize| {
            data.classes()
                .map_or_else(String::new, |c| c.class(i).to_owned())
        };
        let classes = split.test().iter().map(class).collect();
        Ok(Self {
            train: split.train_samples(data.samples()),
            test: TestSet::new(split.test_samples(data.samples())?)
                .with_classes(classes)
                .flagging_top(FLAGGED)?
                .with_seed(seed),
            description: sentence(split.describe()),
        })
    }
}

/// What the EGBAD paper and the survey printed.
pub fn published() -> Vec<Published> {
    let row = |name: &str, source: &str, [precision, recall, f1]: [f64; 3]| Published {
        name: name.into(),
        source: source.into(),
        precision: Some(precision),
        recall: Some(recall),
        f1: Some(f1),
        ..Published::default()
    };
    let paper = "Zenati et al. 2018, arXiv 1802.06222";
    let survey = "Di Mattia et al. 2019, arXiv 1906.11632, table 3";
    vec![
        row("EGBAD, its paper", paper, [0.9200, 0.9582, 0.9372]),
        row("EGBAD, the survey", survey, [0.9412, 0.9562, 0.9486]),
        row("GANomaly, the survey", survey, [0.8303, 0.8411, 0.8356]),
    ]
}

/// With a capital letter and a full stop.
fn sentence(clause: &str) -> String {
    let mut letters = clause.chars();
    let first = letters
        .next()
        .map(|c| c.to_uppercase().to_string())
        .unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}
