//! `unlike inspect`.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};
use unlike::Model;
use unlike_core::{
    Detector,
    words::{self, count, counted},
};
use unlike_report::{Data, terminal::Style};
use unlike_results::columns;

use super::calibrate;
use crate::{
    args::Common,
    terminal::{
        self,
        failure::{Outcome, Result},
        layout,
    },
};

/// Show what is in a model: data, scores, calibration, columns, settings
#[derive(Args, Debug)]
pub(crate) struct InspectArgs {
    /// A folder that `unlike train` made, or a model file
    model: PathBuf,
}

impl InspectArgs {
    /// Prints what a model file says about itself.
    pub(crate) fn run(self, common: Common) -> Result<Outcome> {
        let model = Model::load(&self.model)?;
        if common.json {
            terminal::print_json(&document(&model)?)?;
        } else {
            terminal::print(&text(&model)?)?;
        }
        Ok(Outcome::Done)
    }
}

/// What `--json` prints: what the model says about itself, then everything behind it.
fn document(model: &Model) -> Result<Value> {
    let mut document = serde_json::to_value(model.about())
        .map_err(|e| unlike_core::Error::io("write", "stdout")(e.into()))?;
    document["rule"] = json!(model.rule());
    document["columns"] = json!(columns(model.preprocessing()));
    document["config"] = json!(model.config());
    document["provenance"] = json!(model.provenance());
    Ok(document)
}

fn text(model: &Model) -> Result<String> {
    let style = terminal::style();
    let (provenance, calibration) = (model.provenance(), model.calibration());
    let noun = model.input().noun();
    let epochs = provenance.epochs.len();
    let kept = match provenance.chosen_epoch {
        Some(epoch) if epochs > 0 => format!("; epoch {epoch} of {epochs} was kept"),
        _ => String::new(),
    };
    let others = model
        .score_names()
        .filter(|&name| name != model.score_name());
    let others: Vec<&str> = others.collect();
    let scores = match others.is_empty() {
        true => model.score_name().to_owned(),
        false => format!(
            "{} (--score offers {} too)",
            model.score_name(),
            others.join(", ")
        ),
    };
    let facts = [
        ("model", model.config().title()),
        ("score", scores),
        ("parameters", {
            let parameters = count(model.parameters());
            match model.config().members {
                1 => parameters,
                members => format!("{parameters} in {members} networks side by side"),
            }
        }),
        ("input", input(model)),
        (
            "trained on",
            format!(
                "{} of `{}`{kept}",
                counted(provenance.n_train, noun),
                provenance.origin
            ),
        ),
        (
            "held out",
            format!(
                "{} to choose the epoch",
                counted(provenance.n_validation, noun)
            ),
        ),
        (
            "calibration",
            format!(
                "{}; false-alarm rates from {} up can be promised",
                counted(calibration.len(), &format!("normal {noun}")),
                words::rate(calibration.smallest_rate())
            ),
        ),
        ("groups", groups(model)),
        ("folds", folds(model)),
        ("probabilities", probabilities(model)),
        ("seed", model.config().seed.to_string()),
        (
            "written by",
            format!("unlike {}", provenance.unlike_version),
        ),
    ];
    let facts: Vec<(&str, String)> = facts
        .into_iter()
        .filter(|(_, fact)| !fact.is_empty())
        .collect();
    let mut text = layout::facts(&facts, style);
    if let Some(data) = columns(model.preprocessing()) {
        text.push_str(&column_table(data, style));
    }
    text.push_str(&layout::heading("\nSettings", style));
    text.push_str(&model.config().to_toml()?);
    Ok(text)
}

/// Nothing if there are none.
fn groups(model: &Model) -> String {
    match model.grouped_by() {
        Some(_) => calibrate::in_words(model),
        None => String::new(),
    }
}

/// Nothing if there are none.
fn folds(model: &Model) -> String {
    match model.n_folds() {
        0 => String::new(),
        folds => format!("{}, each with a model of its own", count(folds)),
    }
}

/// Nothing if nobody knows any.
fn probabilities(model: &Model) -> String {
    let counts = model.probabilities().map(|known| known.counts());
    counts.map_or_else(String::new, |[normal, anomalous]| {
        format!(
            "from {} normal and {} anomalous samples, for the score `{}`",
            count(normal),
            count(anomalous),
            model.score_name()
        )
    })
}

/// What one sample is, and what becomes of it.
fn input(model: &Model) -> String {
    let features = model
        .features_in_words()
        .unwrap_or_else(|| counted(model.n_features(), "feature"));
    format!("{} that become {features}", model.input().describe())
}

fn column_table(data: Data, style: Style) -> String {
    let Data {
        columns,
        rules,
        notes,
    } = data;
    let rows: Vec<Vec<String>> = columns
        .into_iter()
        .map(|c| {
            let note = c.note.map(|note| format!(" ({note})")).unwrap_or_default();
            vec![
                c.name,
                c.kind.to_string(),
                c.n_features.to_string(),
                c.rule + &note,
            ]
        })
        .collect();
    let header = ["name", "kind", "features", "preprocessing"];
    let said: Vec<Vec<String>> = rules
        .into_iter()
        .chain(notes)
        .map(|s| vec!["-".into(), s])
        .collect();
    layout::heading("\nColumns", style)
        + &layout::table(&header, &rows, style)
        + &layout::table(&[], &said, style)
}
