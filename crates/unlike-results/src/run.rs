//! What a trained model knows about itself, as a report.

use unlike::{
    Model,
    train::{EpochChoice, EpochReport},
};
use unlike_core::{Detector, words::counted};
use unlike_report::{HeldOut, Report, Run, Series, Training, Warning};

use crate::columns::columns;

/// What a model knows of its training, as a report: without an evaluation, and without the machine and
/// the command that made it, which no model file holds.
pub fn run_report(model: &Model) -> Report {
    Report {
        run: run(model),
        training: training(model),
        data: columns(model.preprocessing()),
        ..Report::default()
    }
}

fn run(model: &Model) -> Run {
    let (config, provenance) = (model.config(), model.provenance());
    Run {
        model: model.config().title(),
        data: provenance.origin.clone(),
        protocol: None,
        n_train: Some(provenance.n_train as u64),
        n_held_out: Some(model.calibration().len() as u64),
        input: Some(model.input()),
        n_features: Some(model.n_features() as u64),
        features: model.features_in_words(),
        seed: Some(config.seed),
        date: None,
        version: provenance.unlike_version.clone(),
        seconds: None,
        command: None,
        config: config.to_toml().ok(),
    }
}

/// The letters that papers use for the losses and monitors that every adversarial model has; other
/// names stay as they are.
pub fn short_loss_name(name: &str) -> &str {
    match name {
        "discriminator" => "D",
        "generator" => "G",
        "encoder" => "E",
        "d_real" => "D(x)",
        "d_fake" => "D(G(z))",
        other => other,
    }
}

fn training(model: &Model) -> Option<Training> {
    let provenance = model.provenance();
    let first = provenance.epochs.first()?;
    // A training of several stages reports other losses in each.
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in provenance.epochs.iter().flat_map(|epoch| &epoch.losses) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let series = |monitor: bool| {
        let names = names.iter().filter(|name| is_monitor(name) == monitor);
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
pub fn warning_kind(message: &str) -> &str {
    message.split(':').next().unwrap_or_default()
}

/// Whether a named value of a step is a probability that D gives, rather than a loss.
pub fn is_monitor(name: &str) -> bool {
    matches!(name, "d_real" | "d_fake")
}

fn of_epochs(model: &Model, name: &str) -> Series {
    let epochs = &model.provenance().epochs;
    let point = |e: &EpochReport| {
        let value = e.losses.iter().find(|l| l.0 == name)?.1;
        Some([e.epoch as f64, value])
    };
    Series::new(short_loss_name(name), epochs.iter().filter_map(point))
}
