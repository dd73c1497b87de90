//! What a cell computes: one training, one test.

use std::time::Instant;

use unlike::{
    ConfigFile, Model, RunOptions, TrainConfig,
    features::FeatureConfig,
    train::{EpochReport, Flow, Observer, Snapshot},
};
use unlike_core::{
    Label, LabelledSamples, Result, Samples,
    metrics::{self, Confusion},
};
use unlike_results::EpochTable;

use crate::cell::{BestEpoch, FalseAlarmRate, Measured, Ranked, Seconds};

/// The false-alarm rates whose promises are checked.
const RATES: [f64; 3] = [0.01, 0.05, 0.1];
/// Epochs that are looked at with labels, about: for display, and never to choose.
const LOOKS: usize = 16;

/// A training and a test.
#[derive(Clone, Debug)]
pub struct Experiment {
    /// The normals to learn from.
    pub train: Samples,
    /// What is measured on.
    pub test: LabelledSamples,
    /// All settings.
    pub config: TrainConfig,
    /// The share of the test set that is flagged for F1, where the protocol flags one.
    pub flagged: Option<f64>,
}

/// What joins the names of models in that of their ensemble.
pub const JOINS: char = '+';

/// The settings of a cell: those of a file, if it is of this model, on top of the recommended ones. A name
/// such as `ganomaly+fanogan` is of the first model, beside which the others train.
pub(crate) fn config(
    settings: Option<&ConfigFile>,
    model: &str,
    seed: u64,
    train: &Samples,
    features: Option<&FeatureConfig>,
) -> Result<TrainConfig> {
    let mut models = model.split(JOINS).map(str::to_owned);
    let model = &*models.next().unwrap_or_default();
    let config = match settings.filter(|settings| settings.model() == model) {
        Some(settings) => settings.clone().for_samples(train, features.cloned())?,
        None => TrainConfig::recommended_with(model, train, features)?,
    };
    Ok(TrainConfig {
        seed,
        ensemble: models.collect(),
        ..config
    })
}

impl Experiment {
    /// Trains, scores, measures. The same experiment gives the same numbers, but for the clock's.
    ///
    /// # Errors
    /// As [`unlike::fit`] and [`Model::evaluate`].
    pub fn run(&self) -> Result<Measured> {
        let mut looks = Looks::new(self);
        let began = Instant::now();
        let model = unlike::fit(
            &self.config,
            &self.train,
            &RunOptions::default(),
            &mut looks,
        )?;
        let train = (began.elapsed() - looks.table.took()).as_secs_f64();
        if let Some(error) = looks.error {
            return Err(error);
        }
        let best = looks.table.best();
        let mut measured = self.measure(&model)?;
        measured.seconds.train = train;
        measured.best_by_labels = best.map(|(epoch, auroc)| BestEpoch { epoch, auroc });
        Ok(measured)
    }

    fn measure(&self, model: &Model) -> Result<Measured> {
        let began = Instant::now();
        let scored = model.evaluate(self.test.samples())?;
        let score = began.elapsed().as_secs_f64();
        let labels = self.test.labels();
        let ranked = |name: &str| -> Result<(String, Ranked)> {
            let scores = model.rule_of(name)?.apply(&scored.parts)?;
            let f1 = |share| -> Result<f64> {
                let flags = metrics::top_fraction(&scores, share)?.anomalous;
                Ok(Confusion::new(&flags, labels)?.f1())
            };
            let ranked = Ranked {
                auroc: metrics::auroc(&scores, labels)?,
                average_precision: metrics::average_precision(&scores, labels)?,
                f1: self.flagged.map(f1).transpose()?,
            };
            Ok((name.to_owned(), ranked))
        };
        let promises =
            metrics::observed_false_alarms(&scored.scores, labels, model.calibration(), &RATES)?;
        let kept = promises.iter().filter(|p| p.threshold.is_some());
        Ok(Measured {
            n_train: self.train.len(),
            n_test: labels.len(),
            prevalence: self.test.count(Label::Anomalous) as f64 / labels.len() as f64,
            score: model.score_name().to_owned(),
            scores: model.score_names().map(ranked).collect::<Result<_>>()?,
            epoch: model.provenance().chosen_epoch,
            best_by_labels: None,
            false_alarms: kept
                .map(|p| FalseAlarmRate {
                    promised: p.promised,
                    observed: p.observed,
                })
                .collect(),
            seconds: Seconds { train: 0.0, score },
        })
    }
}

/// Looks at some epochs with labels, for display.
struct Looks<'a> {
    table: EpochTable<'a>,
    every: usize,
    epochs: usize,
    error: Option<unlike_core::Error>,
}

impl<'a> Looks<'a> {
    fn new(experiment: &'a Experiment) -> Self {
        let epochs = experiment.config.epochs;
        // A model that is slow to score holds few samples out; to look at it would take longer than
        // to train it.
        let slow = experiment.config.hold_out.limit < unlike::train::HoldOut::default().limit;
        Self {
            table: EpochTable::new(&experiment.test, None),
            every: match slow {
                true => usize::MAX,
                false => epochs.div_ceil(LOOKS),
            },
            epochs,
            error: None,
        }
    }
}

impl Observer for Looks<'_> {
    fn epoch(&mut self, report: &EpochReport, snapshot: &Snapshot<'_>) -> Flow {
        let due = report.epoch.is_multiple_of(self.every)
            || (report.epoch == self.epochs && self.every < usize::MAX);
        if due {
            let looked = snapshot
                .model()
                .and_then(|model| self.table.add(report.epoch, &model));
            if let Err(error) = looked {
                self.error = Some(error);
                return Flow::Finish;
            }
        }
        Flow::Continue
    }
}
