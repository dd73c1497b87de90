//! Tables of formatted numbers, built once for every renderer.

use unlike_core::{
    metrics::{FalseAlarms, GroupFalseAlarms, Metrics, ObservedRate},
    words,
};

use crate::{
    evaluation::{ByGroup, Estimate, Evaluation, Measure, Measured, Published},
    number, promise,
    report::Run,
};

/// A table whose first column holds names and whose other columns hold numbers.
pub(crate) struct Table {
    pub(crate) headings: Vec<String>,
    pub(crate) groups: Vec<Group>,
    /// What the numbers call for, one sentence each.
    pub(crate) notes: Vec<String>,
}

/// Rows under a common title, which may be empty.
pub(crate) struct Group {
    pub(crate) title: &'static str,
    pub(crate) rows: Vec<Row>,
}

pub(crate) struct Row {
    pub(crate) name: String,
    /// Said in small print beside the name.
    pub(crate) note: Option<String>,
    pub(crate) strong: bool,
    pub(crate) cells: Vec<Cell>,
}

#[derive(Clone, Default)]
pub(crate) struct Cell {
    pub(crate) text: String,
    pub(crate) interval: Option<String>,
    /// The highest of its column.
    pub(crate) best: bool,
    /// A promise that does not hold.
    pub(crate) alert: bool,
}

impl Cell {
    fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }
}

const COMPARED: [Measure; 5] = [
    Measure::Precision,
    Measure::Recall,
    Measure::F1,
    Measure::Auroc,
    Measure::AveragePrecision,
];

/// A row before it is formatted.
struct Contender<'a> {
    name: &'a str,
    note: Option<&'a str>,
    strong: bool,
    values: [Option<Estimate>; 5],
    seconds: Option<f64>,
}

impl<'a> Contender<'a> {
    fn measured(measured: &'a Measured) -> Self {
        Self {
            name: &measured.name,
            note: None,
            strong: false,
            values: COMPARED.map(|m| m.of(&measured.metrics)),
            seconds: measured.seconds,
        }
    }

    fn published(published: &'a Published) -> Self {
        Self {
            name: &published.name,
            note: Some(&published.source),
            strong: false,
            values: COMPARED.map(|m| m.published(published)),
            seconds: None,
        }
    }
}

/// Score variants, published numbers and baselines; the best of each column is marked. `name` heads
/// the columns.
pub(crate) fn comparison(
    evaluation: &Evaluation,
    name: fn(Measure) -> &'static str,
) -> Option<Table> {
    let mut variants: Vec<Contender> = evaluation
        .variants
        .iter()
        .map(Contender::measured)
        .collect();
    if let Some(first) = variants.first_mut() {
        first.strong = true;
        if evaluation.recommended.as_deref() != Some(first.name) {
            first.note = Some("in use");
        }
    }
    let recommended = |v: &&mut Contender| evaluation.recommended.as_deref() == Some(v.name);
    if let Some(variant) = variants.iter_mut().find(recommended) {
        variant.note = Some("recommended");
    }
    let groups = [
        ("This model", variants),
        (
            "Published",
            evaluation
                .published
                .iter()
                .map(Contender::published)
                .collect(),
        ),
        (
            "Baselines on the same data",
            evaluation
                .baselines
                .iter()
                .map(Contender::measured)
                .collect(),
        ),
    ];
    let all = || groups.iter().flat_map(|g| &g.1);
    let shown: Vec<usize> = (0..COMPARED.len())
        .filter(|&i| all().any(|c| c.values[i].is_some()))
        .collect();
    if shown.is_empty() {
        return None;
    }
    let timed = all().any(|c| c.seconds.is_some());
    // The highest value as it is shown, where there are two to compare: what looks equal is marked
    // equal.
    let best: Vec<Option<String>> = shown
        .iter()
        .map(|&i| {
            let values: Vec<f64> = all().filter_map(|c| c.values[i]).map(|e| e.value).collect();
            let highest = values.iter().copied().max_by(f64::total_cmp)?;
            (values.len() > 1).then(|| number::unit(highest))
        })
        .collect();
    let row = |contender: &Contender| {
        let mut cells: Vec<Cell> = shown
            .iter()
            .zip(&best)
            .map(|(&i, best)| match contender.values[i] {
                None => Cell::new(number::NONE),
                Some(Estimate { value, ci95 }) => {
                    let text = number::unit(value);
                    let best = best.as_ref() == Some(&text);
                    Cell {
                        interval: ci95.map(number::unit_interval),
                        best,
                        ..Cell::new(text)
                    }
                }
            })
            .collect();
        if timed {
            cells.push(Cell::new(
                contender
                    .seconds
                    .map_or(number::NONE.into(), number::seconds_cell),
            ));
        }
        Row {
            name: contender.name.to_owned(),
            note: contender.note.map(str::to_owned),
            strong: contender.strong,
            cells,
        }
    };
    let mut headings = vec![String::new()];
    headings.extend(shown.iter().map(|&i| name(COMPARED[i]).to_owned()));
    headings.extend(timed.then(|| "time, s".into()));
    let groups = groups
        .iter()
        .filter(|(_, contenders)| !contenders.is_empty())
        .map(|(title, contenders)| Group {
            title,
            rows: contenders.iter().map(row).collect(),
        })
        .collect();
    let notes = evaluation.variants.iter().chain(&evaluation.baselines);
    Some(Table {
        headings,
        groups,
        notes: evaluation
            .remarks
            .iter()
            .cloned()
            .chain(notes.filter_map(below_chance))
            .collect(),
    })
}

/// A sentence about a ranking that is the wrong way round.
fn below_chance(measured: &Measured) -> Option<String> {
    let Metrics {
        auroc, auroc_ci95, ..
    } = measured.metrics;
    if auroc >= 0.5 {
        return None;
    }
    let how = match auroc_ci95[1] < 0.5 {
        true => "normal samples tend to score higher than anomalies",
        false => "no different from chance within sampling error",
    };
    Some(format!(
        "Below chance: {}, {how} (AUROC {}, 95 % interval {}).",
        measured.name,
        number::unit(auroc),
        number::unit_interval(auroc_ci95)
    ))
}

/// Promised against observed false alarms in the groups that were calibrated by themselves: those with the
/// most test normals, in the order of their names.
pub(crate) fn by_group(evaluation: &Evaluation) -> Option<Table> {
    const MOST: usize = 20;
    let ByGroup { by, groups } = evaluation.by_group.as_ref()?;
    let can_promise = |at: &usize| {
        groups
            .iter()
            .any(|group| group.rates[*at].threshold.is_some())
    };
    let rates = &groups.first()?.rates;
    // Of those that no group can promise there is nothing to say.
    let shown: Vec<usize> = (0..rates.len()).filter(can_promise).collect();
    let percent = |&at: &usize| format!("% at {} promised", number::rate(rates[at].promised));
    let mut headings = vec![
        format!("group by {by}"),
        "held-out normals".into(),
        "test normals".into(),
    ];
    headings.extend(shown.iter().map(percent));
    let mut sizes: Vec<u64> = groups.iter().map(|group| group.n_normal).collect();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    let least = sizes.get(MOST - 1).copied().unwrap_or(0);
    let largest = groups.iter().filter(|group| group.n_normal >= least);
    let rows: Vec<Row> = largest
        .take(MOST)
        .map(|group| group_row(group, &shown))
        .collect();
    let mut notes = Vec::new();
    let broken = groups.iter().filter(|group| !is_kept(group)).count();
    if broken > 0 {
        notes.push(format!(
            "In {} of {} a promise does not hold: there, the normal test samples differ from the held-out \
             normals.",
            number::count(broken as u64),
            words::counted(groups.len(), "group")
        ));
    }
    let is_small =
        |group: &GroupFalseAlarms| shown.iter().any(|&at| group.rates[at].threshold.is_none());
    if groups.iter().any(is_small) {
        notes.push(format!(
            "{}: too few held-out normals to promise this rate, so that nothing is flagged.",
            number::NONE
        ));
    }
    if rows.len() < groups.len() {
        let more = words::counted(groups.len() - rows.len(), "group");
        notes.push(format!("{more} with fewer test normals are not shown."));
    }
    Some(Table {
        headings,
        groups: vec![Group { title: "", rows }],
        notes,
    })
}

/// What these of the rates came to in a group.
fn group_row(group: &GroupFalseAlarms, shown: &[usize]) -> Row {
    let mut cells = vec![
        Cell::new(number::count(group.n_held_out)),
        Cell::new(number::count(group.n_normal)),
    ];
    let came_to = |&at: &usize| {
        let rate = &group.rates[at];
        match rate.threshold {
            None => Cell::new(number::NONE),
            Some(_) => Cell {
                interval: Some(number::percent_interval(rate.observed_ci95)),
                alert: !holds_in(group, rate),
                ..Cell::new(number::percent_cell(rate.observed))
            },
        }
    };
    cells.extend(shown.iter().map(came_to));
    let name = match group.group.as_deref() {
        None => "no held-out normals of their own",
        Some("") => "none",
        Some(name) => name,
    };
    Row {
        name: name.to_owned(),
        note: None,
        strong: false,
        cells,
    }
}

/// Whether all that a group was promised holds.
fn is_kept(group: &GroupFalseAlarms) -> bool {
    group.rates.iter().all(|rate| holds_in(group, rate))
}

fn holds_in(group: &GroupFalseAlarms, rate: &ObservedRate) -> bool {
    let (n_normal, n_held_out) = (group.n_normal, group.n_held_out);
    rate.threshold.is_none()
        || promise::holds(rate.false_alarms, n_normal, rate.promised, n_held_out)
}

/// Promised against observed false alarms, and what is found at each rate.
pub(crate) fn false_alarms(run: &Run, evaluation: &Evaluation) -> Option<Table> {
    let rows = &evaluation.false_alarms;
    let n_normal = evaluation.metrics()?.n_normal;
    if rows.is_empty() {
        return None;
    }
    let checked = rows
        .iter()
        .any(|r| promise_holds(r, n_normal, run.n_held_out).is_some());
    let thresholds: Vec<Option<f64>> = rows.iter().map(|r| r.threshold).collect();
    let row = |(row, threshold): (&FalseAlarms, String)| {
        let mut cells = vec![Cell::new(threshold)];
        let possible = row.threshold.is_some();
        let percent = |value: f64, ci95: Option<[f64; 2]>| match possible {
            false => Cell::new(number::NONE),
            true => Cell {
                interval: ci95.map(number::percent_interval),
                ..Cell::new(number::percent_cell(value))
            },
        };
        cells.push(percent(row.observed, Some(row.observed_ci95)));
        if checked {
            cells.push(match promise_holds(row, n_normal, run.n_held_out) {
                None => Cell::new(number::NONE),
                Some(true) => Cell::new("yes"),
                Some(false) => Cell {
                    alert: true,
                    ..Cell::new("no")
                },
            });
        }
        cells.push(percent(row.recall, Some(row.recall_ci95)));
        cells.push(percent(row.precision, None));
        let note = run.n_held_out.filter(|_| !possible).map(|n| {
            let (n, rate) = (number::count(n), smallest_rate(n));
            format!("needs more held-out normals; {n} can promise {rate} at best")
        });
        Row {
            name: number::rate(row.promised),
            note,
            strong: false,
            cells,
        }
    };
    let mut headings: Vec<String> = ["promised false alarms", "threshold", "observed, %"]
        .map(String::from)
        .into();
    headings.extend(checked.then(|| "holds".into()));
    headings.extend(["recall, %", "precision, %"].map(String::from));
    let rows = rows
        .iter()
        .zip(number::scores(&thresholds))
        .map(row)
        .collect();
    Some(Table {
        headings,
        groups: vec![Group { title: "", rows }],
        notes: Vec::new(),
    })
}

/// Whether a promise holds; `None` if nothing was promised, or how well the promise was founded is not known.
pub(crate) fn promise_holds(
    row: &FalseAlarms,
    n_normal: usize,
    n_calibration: Option<u64>,
) -> Option<bool> {
    row.threshold?;
    let (false_alarms, n_normal) = (row.false_alarms, n_normal as u64);
    let holds = |n| promise::holds(false_alarms, n_normal, row.promised, n);
    n_calibration.map(holds)
}

/// The smallest false-alarm rate that n held-out normals can promise, 1 / (n + 1).
pub(crate) fn smallest_rate(n: u64) -> String {
    number::percent(1.0 / (n as f64 + 1.0))
}
