//! Scores of a file with a model: shared by `score` and `eval`.

use unlike::{Model, Scored};
use unlike_core::{Decision, Detector, InputSpec, Samples};

use crate::{decision_args::DecisionArgs, failure::Result, output::ScoreTable, terminal};

/// Scores, and decides. The user is told what is worth knowing about the samples.
pub(crate) fn score(
    model: &Model,
    samples: &Samples,
    decision: &DecisionArgs,
) -> Result<(ScoreTable, Decision)> {
    let Scored {
        scores,
        parts,
        notes,
    } = model.evaluate(samples)?;
    terminal::notes(&notes);
    if let Some(note) = ignored_columns(model, samples) {
        terminal::say("note", &note);
    }
    let decision = decision.decision(model.calibration())?;
    let decisions = decision.decide(&scores, model.calibration())?;
    let ids = (0..samples.len()).map(|i| samples.id(i)).collect();
    let table = ScoreTable {
        ids,
        scores,
        decisions,
        parts,
    };
    Ok((table, decision))
}

/// A sentence about columns that the model does not know.
fn ignored_columns(model: &Model, samples: &Samples) -> Option<String> {
    let (InputSpec::Table { columns }, Samples::Table(table)) = (model.input(), samples) else {
        return None;
    };
    let known = |name: &str| columns.iter().any(|c| c.name == name);
    let unknown: Vec<String> = table
        .columns()
        .iter()
        .filter(|c| !known(&c.name))
        .map(|c| format!("`{}`", c.name))
        .collect();
    match unknown.as_slice() {
        [] => None,
        [one] => Some(format!(
            "column {one} is not known to the model and ignored"
        )),
        several => Some(format!(
            "columns {} are not known to the model and ignored",
            several.join(", ")
        )),
    }
}
