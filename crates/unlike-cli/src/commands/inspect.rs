//! `unlike inspect`.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};
use unlike::Model;
use unlike_core::{
    Detector,
    words::{self, count, counted},
};
use unlike_report::Data;

use crate::{
    cli::Common,
    columns,
    failure::{Outcome, Result},
    layout, run_report, terminal,
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
            terminal::print_json(&document(&model))?;
        } else {
            terminal::print(&text(&model)?)?;
        }
        Ok(Outcome::Done)
    }
}

fn document(model: &Model) -> Value {
    let calibration = model.calibration();
    json!({
        "model": model.config().model.name(),
        "score": model.score_name(),
        "scores": model.score_names().collect::<Vec<_>>(),
        "rule": model.rule(),
        "parameters": model.parameters(),
        "n_features": model.preprocessing().width(),
        "n_calibration": calibration.len(),
        "smallest_false_alarm_rate": calibration.smallest_rate(),
        "input": model.input(),
        "columns": columns::data(model.preprocessing()),
        "config": model.config(),
        "provenance": model.provenance(),
    })
}

fn text(model: &Model) -> Result<String> {
    let style = terminal::style();
    let (provenance, calibration) = (model.provenance(), model.calibration());
    let Data {
        columns,
        rules,
        notes,
    } = columns::data(model.preprocessing()).unwrap_or_default();
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
        ("model", run_report::model_title(model)),
        ("score", scores),
        ("parameters", count(model.parameters())),
        (
            "input",
            format!(
                "{} that become {}",
                counted(columns.len(), "column"),
                counted(model.preprocessing().width(), "feature")
            ),
        ),
        (
            "trained on",
            format!(
                "{} of `{}`{kept}",
                counted(provenance.n_train, "row"),
                provenance.origin
            ),
        ),
        (
            "held out",
            format!(
                "{} to choose the epoch",
                counted(provenance.n_validation, "row")
            ),
        ),
        (
            "calibration",
            format!(
                "{}; false-alarm rates from {} up can be promised",
                counted(calibration.len(), "normal row"),
                words::rate(calibration.smallest_rate())
            ),
        ),
        ("seed", model.config().seed.to_string()),
        (
            "written by",
            format!("unlike {}", provenance.unlike_version),
        ),
    ];
    let mut text = layout::facts(&facts, style);
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
    text.push_str(&layout::heading("\nColumns", style));
    text.push_str(&layout::table(
        &["name", "kind", "features", "preprocessing"],
        &rows,
        style,
    ));
    let said: Vec<Vec<String>> = rules
        .into_iter()
        .chain(notes)
        .map(|s| vec!["-".into(), s])
        .collect();
    text.push_str(&layout::table(&[], &said, style));
    text.push_str(&layout::heading("\nSettings", style));
    text.push_str(&model.config().to_toml()?);
    Ok(text)
}
