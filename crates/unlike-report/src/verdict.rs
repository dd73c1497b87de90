//! What a report comes to, in a few plain sentences.

use serde::Serialize;
use unlike_core::{metrics::Metrics, words};

use crate::{
    evaluation::{Estimate, Evaluation, Measure},
    number,
    report::Report,
    table::promise_holds,
};

/// What a report comes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The gravest of what the sentences say about the detector.
    pub tone: Tone,
    /// The first says how well the detector works; each can stand alone.
    pub sentences: Vec<String>,
}

/// How a verdict sounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tone {
    /// It does what was promised.
    Good,
    /// Read the sentences before using it; or there are no labels to judge by.
    Caution,
    /// Do not use it as it is.
    Bad,
}

impl Tone {
    /// As in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Caution => "caution",
            Self::Bad => "bad",
        }
    }
}

/// Says how well the detector works, whether a baseline is as good, and whether promised
/// false-alarm rates hold: what the numbers say, whoever wins.
pub fn verdict(report: &Report) -> Verdict {
    let mut said = match &report.evaluation {
        None => vec![(
            Tone::Caution,
            "Not evaluated yet: without labelled test data nothing can be said about how well it \
             finds anomalies."
                .to_owned(),
        )],
        Some(evaluation) => match evaluation.metrics() {
            None => vec![(
                Tone::Caution,
                "The test data have no labels, so nothing can be said about how well it finds \
                 anomalies."
                    .to_owned(),
            )],
            Some(metrics) => [
                Some(strength(metrics)),
                baselines(metrics, evaluation),
                promises(metrics, report.run.n_held_out, evaluation),
            ]
            .into_iter()
            .flatten()
            .chain(
                evaluation
                    .cautions
                    .iter()
                    .map(|c| (Tone::Caution, c.clone())),
            )
            .collect(),
        },
    };
    let tone = said.iter().map(|s| s.0).max().unwrap_or(Tone::Caution);
    let warnings = report.training.as_ref().map_or(0, |t| t.warnings.len());
    if warnings > 0 {
        said.push((
            tone,
            format!("Training raised {}.", words::counted(warnings, "warning")),
        ));
    }
    Verdict {
        tone,
        sentences: said.into_iter().map(|s| s.1).collect(),
    }
}

/// From AUROC: unlike precision and F1 it does not depend on the prevalence.
fn strength(metrics: &Metrics) -> (Tone, String) {
    let [low, high] = metrics.auroc_ci95;
    let auroc = number::unit(metrics.auroc);
    let interval = number::unit_interval(metrics.auroc_ci95);
    if high < 0.5 {
        let text = format!(
            "Worse than chance: normal samples tend to score higher than anomalies (AUROC {auroc}, \
             95 % interval {interval}). Do not rely on these scores."
        );
        return (Tone::Bad, text);
    }
    if low <= 0.5 {
        let side = if metrics.auroc < 0.5 {
            "on the wrong side of chance, and "
        } else {
            ""
        };
        let text = format!(
            "Not told apart: {side}no different from chance within sampling error (AUROC {auroc}, \
             95 % interval {interval})."
        );
        return (Tone::Bad, text);
    }
    let (tone, how) = match metrics.auroc {
        v if v >= 0.95 => (Tone::Good, "very well"),
        v if v >= 0.85 => (Tone::Good, "well"),
        v if v >= 0.70 => (Tone::Caution, "moderately well"),
        _ => (Tone::Caution, "poorly, though better than chance"),
    };
    let text = format!(
        "It tells anomalies from normal samples {how}: a random anomaly scores higher than a \
         random normal sample {} of the time (AUROC {auroc}).",
        number::percent(metrics.auroc)
    );
    (tone, text)
}

/// The model against the best baseline in one measure.
struct Duel<'a> {
    measure: Measure,
    model: Estimate,
    baseline: Estimate,
    name: &'a str,
}

#[derive(Clone, Copy, PartialEq)]
enum Winner {
    Model,
    Neither,
    Baseline,
}

impl<'a> Duel<'a> {
    fn new(measure: Measure, model: &Metrics, evaluation: &'a Evaluation) -> Option<Self> {
        let (baseline, name) = evaluation
            .baselines
            .iter()
            .filter_map(|b| Some((measure.of(&b.metrics)?, b.name.as_str())))
            .max_by(|a, b| a.0.value.total_cmp(&b.0.value))?;
        Some(Self {
            measure,
            model: measure.of(model)?,
            baseline,
            name,
        })
    }

    /// A difference counts when neither interval holds the other's value.
    fn winner(&self) -> Winner {
        let within = |e: Estimate, v: f64| match e.ci95 {
            Some([low, high]) => (low..=high).contains(&v),
            None => e.value == v,
        };
        if within(self.model, self.baseline.value) || within(self.baseline, self.model.value) {
            Winner::Neither
        } else if self.model.value > self.baseline.value {
            Winner::Model
        } else {
            Winner::Baseline
        }
    }

    fn text(&self) -> String {
        let (model, baseline) = (self.model.value, self.baseline.value);
        let measure = self.measure.name();
        format!(
            "{measure} {} against {}",
            number::unit(model),
            number::unit(baseline)
        )
    }
}

fn baselines(metrics: &Metrics, evaluation: &Evaluation) -> Option<(Tone, String)> {
    let duels: Vec<Duel> = [Measure::Auroc, Measure::AveragePrecision, Measure::F1]
        .into_iter()
        .filter_map(|measure| Duel::new(measure, metrics, evaluation))
        .collect();
    // The name once if the best baseline is the same everywhere, else with each number.
    let name = duels.first()?.name;
    let same = duels.iter().all(|d| d.name == name);
    let say = |winner: Option<Winner>| -> String {
        let texts: Vec<String> = duels
            .iter()
            .filter(|d| winner.is_none_or(|w| d.winner() == w))
            .map(|d| {
                if same {
                    d.text()
                } else {
                    format!("{} ({})", d.text(), d.name)
                }
            })
            .collect();
        join(&texts)
    };
    let won = |winner: Winner| duels.iter().any(|d| d.winner() == winner);
    let best = if same {
        format!("The best baseline, {name},")
    } else {
        "A baseline".into()
    };
    Some(
        match (
            won(Winner::Model),
            won(Winner::Neither),
            won(Winner::Baseline),
        ) {
            (true, false, false) if same => (
                Tone::Good,
                format!("It beats every baseline; next is {name}: {}.", say(None)),
            ),
            (true, false, false) => (
                Tone::Good,
                format!("It beats every baseline: {}.", say(None)),
            ),
            (true, true, false) => (
                Tone::Good,
                format!(
                    "{best} is not better: behind in {}; level within sampling error in {}.",
                    say(Some(Winner::Model)),
                    say(Some(Winner::Neither))
                ),
            ),
            (true, _, true) => (
                Tone::Caution,
                format!(
                    "{best} is better in part: {}. The model is better in {}.",
                    say(Some(Winner::Baseline)),
                    say(Some(Winner::Model))
                ),
            ),
            (false, _, true) => (
                Tone::Caution,
                format!(
                    "{best} is better: {}. Prefer it here: it is simpler too.",
                    say(None)
                ),
            ),
            (false, _, false) => (
                Tone::Caution,
                format!(
                    "{best} is as good within sampling error: {}. It is simpler: prefer it here.",
                    say(None)
                ),
            ),
        },
    )
}

fn promises(
    metrics: &Metrics,
    n_held_out: Option<u64>,
    evaluation: &Evaluation,
) -> Option<(Tone, String)> {
    let checked: Vec<(String, bool)> = evaluation
        .false_alarms
        .iter()
        .filter_map(|row| {
            let holds = promise_holds(row, metrics.n_normal, n_held_out)?;
            let (promised, observed) = (number::rate(row.promised), number::percent(row.observed));
            Some((format!("{observed} at {promised} promised"), holds))
        })
        .collect();
    let broken: Vec<String> = checked
        .iter()
        .filter(|c| !c.1)
        .map(|c| c.0.clone())
        .collect();
    let all: Vec<String> = checked.into_iter().map(|c| c.0).collect();
    if all.is_empty() {
        None
    } else if broken.is_empty() {
        Some((
            Tone::Good,
            format!(
                "Promised false-alarm rates hold within sampling error: {}.",
                join(&all)
            ),
        ))
    } else {
        let text = format!(
            "Promised false-alarm rates do not hold: {}, more than sampling error explains. The \
             normal test samples differ from the held-out normals: calibrate on newer ones.",
            join(&broken)
        );
        Some((Tone::Caution, text))
    }
}

/// `a, b and c`.
fn join(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}
