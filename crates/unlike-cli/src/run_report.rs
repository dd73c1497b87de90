//! What a trained model knows about itself, as a report.

use unlike::{
    Model,
    train::{EpochChoice, EpochReport},
};
use unlike_core::{Detector, words::counted};
use unlike_report::{HeldOut, Report, Run, Series, Training, Warning};

use crate::{columns, environment::Environment, epoch_rows::short_name};

/// The report of a training, without an evaluation.
pub(crate) fn report(model: &Model, environment: Option<&Environment>) -> Report {
    Report {
        run: run(model, environment),
        training: training(model),
        data: columns::data(model.preprocessing()),
        environment: environment.map(Environment::facts).unwrap_or_default(),
        ..Report::default()
    }
}

fn run(model: &Model, environment: Option<&Environment>) -> Run {
    let (config, provenance) = (model.config(), model.provenance());
    Run {
        model: model_title(model),
        data: provenance.origin.clone(),
        protocol: None,
        n_train: Some(provenance.n_train as u64),
        n_held_out: Some(model.calibration().len() as u64),
        input: Some(model.input()),
        n_features: Some(model.preprocessing().width() as u64),
        seed: Some(config.seed),
        date: environment.map(|e| e.date.clone()),
        version: provenance.unlike_version.clone(),
        seconds: None,
        command: environment.map(|e| e.command.clone()),
        config: config.to_toml().ok(),
    }
}

/// The model's name as a person writes it.
pub(crate) fn model_title(model: &Model) -> String {
    match model.config().model.name() {
        "egbad" => "EGBAD",
        "bigan" => "BiGAN",
        "anogan" => "AnoGAN",
        "ganomaly" => "GANomaly",
        "pca" => "PCA",
        "knn" => "k nearest neighbours",
        "iforest" => "isolation forest",
        "ecod" => "ECOD",
        other => other,
    }
    .to_owned()
}

fn training(model: &Model) -> Option<Training> {
    let provenance = model.provenance();
    let first = provenance.epochs.first()?;
    let series = |monitor: bool| {
        let names = first.losses.iter().map(|(name, _)| name.as_str());
        let names = names.filter(|name| is_monitor(name) == monitor);
        names.map(|name| of_epochs(model, name)).collect()
    };
    let part = first
        .held_out
        .first()
        .map_or("score", |part| part.part.as_str());
    let because = match model.config().choice {
        EpochChoice::HeldOut => format!("the mean {part} of held-out normals was lowest there"),
        EpochChoice::Last => "the configuration keeps the last one".into(),
    };
    Some(Training {
        losses: series(false),
        monitors: series(true),
        held_out: provenance
            .epochs
            .iter()
            .filter_map(|e| {
                let part = e.held_out.first()?;
                Some(HeldOut {
                    epoch: e.epoch as u32,
                    mean: part.mean,
                    sd: part.sd,
                })
            })
            .collect(),
        chosen_epoch: provenance.chosen_epoch.map(|epoch| epoch as u32),
        chosen_because: Some(because),
        warnings: warnings(&provenance.epochs),
    })
}

/// Each kind of warning once, where it came first, with the number of epochs that it came again.
fn warnings(epochs: &[EpochReport]) -> Vec<Warning> {
    let mut kinds: Vec<(&str, Warning, usize)> = Vec::new();
    for (epoch, message) in epochs
        .iter()
        .flat_map(|e| e.warnings.iter().map(move |w| (e.epoch, w)))
    {
        match kinds
            .iter_mut()
            .find(|(kind, ..)| *kind == warning_kind(message))
        {
            Some((_, _, again)) => *again += 1,
            None => {
                let warning = Warning {
                    epoch: Some(epoch as u32),
                    message: message.clone(),
                };
                kinds.push((warning_kind(message), warning, 0));
            }
        }
    }
    let told = |(_, mut warning, again): (&str, Warning, usize)| {
        if again > 0 {
            warning
                .message
                .push_str(&format!(" (and in {} after)", counted(again, "epoch")));
        }
        warning
    };
    kinds.into_iter().map(told).collect()
}

/// What a warning is about, without its numbers.
pub(crate) fn warning_kind(message: &str) -> &str {
    message.split(':').next().unwrap_or_default()
}

/// Whether a named value of a step is a probability that D gives, rather than a loss.
fn is_monitor(name: &str) -> bool {
    matches!(name, "d_real" | "d_fake")
}

fn of_epochs(model: &Model, name: &str) -> Series {
    let epochs = &model.provenance().epochs;
    let point = |e: &EpochReport| {
        let value = e.losses.iter().find(|l| l.0 == name)?.1;
        Some([e.epoch as f64, value])
    };
    Series::new(short_name(name), epochs.iter().filter_map(point))
}
