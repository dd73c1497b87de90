//! The samples that a person should look at: the strangest, the missed, the false alarms.

use unlike::Model;
use unlike_core::{Label, Result};
use unlike_report::{Case, Part, Reason};

use crate::{evaluation::TestSet, explanations::Explainer, output::ScoreTable};

/// Samples in each list.
const LENGTH: usize = 10;

/// Lists of samples, each at most ten long.
pub(crate) struct Lists {
    /// Highest score first.
    pub(crate) most_anomalous: Vec<Case>,
    /// Anomalies that are not flagged, lowest score first.
    pub(crate) missed: Vec<Case>,
    /// Normal samples that are flagged, highest score first.
    pub(crate) flagged_normals: Vec<Case>,
}

/// Chooses and explains the samples.
pub(crate) fn lists(
    test: &TestSet<'_>,
    model: &Model,
    table: &ScoreTable,
    flags: &[bool],
) -> Result<Lists> {
    let labels = test.labelled.labels();
    let mut order: Vec<usize> = (0..table.len()).collect();
    // Stable, so that samples of one score stand in file order.
    order.sort_by(|&a, &b| table.scores[b].total_cmp(&table.scores[a]));
    let highest = |keep: &dyn Fn(usize) -> bool| -> Vec<usize> {
        order
            .iter()
            .copied()
            .filter(|&i| keep(i))
            .take(LENGTH)
            .collect()
    };
    let is = |i: usize, label: Label| labels[i] == label;
    let missed = order
        .iter()
        .rev()
        .copied()
        .filter(|&i| is(i, Label::Anomalous) && !flags[i]);
    let chosen = [
        highest(&|_| true),
        missed.take(LENGTH).collect(),
        highest(&|i| is(i, Label::Normal) && flags[i]),
    ];
    let positions = chosen.concat();
    let samples = test.labelled.samples().select(&positions);
    let explainer = Explainer::new(model, &samples)?;
    let case = |(place, i): (usize, usize)| Case {
        id: table.ids[i].clone(),
        score: table.scores[i],
        p_value: Some(table.decisions.p_values[i]),
        label: Some(labels[i]),
        class: test.classes.map(|classes| classes[i].clone()),
        parts: table
            .parts
            .iter()
            .map(|(name, values)| Part {
                name: name.to_owned(),
                value: values[i],
            })
            .collect(),
        reasons: explainer
            .reasons(place)
            .into_iter()
            .map(|r| Reason {
                column: r.column.to_owned(),
                share: r.share,
                found: r.found,
                typical: r.typical.to_owned(),
            })
            .collect(),
        picture: None,
    };
    let mut cases = positions.iter().copied().enumerate().map(case);
    let [most_anomalous, missed, flagged_normals] =
        chosen.map(|list| cases.by_ref().take(list.len()).collect());
    Ok(Lists {
        most_anomalous,
        missed,
        flagged_normals,
    })
}
