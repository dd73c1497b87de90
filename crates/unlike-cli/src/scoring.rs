//! Scores of a file with a model: shared by `score` and `eval`.

use unlike::{Model, Scored};
use unlike_core::{Decision, Samples};

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
    let decision = decision.decision(model.calibration())?;
    terminal::notes(&notes);
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
