//! From cells to pages: the only way to the tables in RESULTS.md.

mod survey;
mod tables;

use std::collections::{BTreeMap, BTreeSet};

use unlike::{ModelConfig, models::MODELS, registry::Entry};
use unlike_core::words;

use crate::{
    cell::{Cell, Key, Measured, Outcome, Ranked},
    experiment::JOINS,
    page::Page,
    published::Figure,
};

/// All cells of the survey's experiment, as Markdown.
pub fn survey_markdown(cells: &[Cell]) -> String {
    survey::page(cells).markdown()
}

/// All cells of the survey's experiment, as one HTML file with charts.
pub fn survey_html(cells: &[Cell]) -> String {
    survey::page(cells).html("The survey's experiment")
}

/// All cells of a folder of tables, as Markdown.
pub fn tables_markdown(cells: &[Cell]) -> String {
    tables::page(cells).markdown()
}

/// All cells of a folder of tables, as one HTML file with a chart.
pub fn tables_html(cells: &[Cell]) -> String {
    tables::page(cells).html("All models on tables")
}

/// Mean and standard deviation, of the values themselves.
#[derive(Clone, Copy)]
struct Spread {
    mean: f64,
    sd: f64,
    least: f64,
    n: usize,
}

impl Spread {
    fn of(values: &[f64]) -> Option<Self> {
        let n = values.len();
        (n > 0).then(|| {
            let mean = values.iter().sum::<f64>() / n as f64;
            let square = |v: &f64| (v - mean).powi(2);
            let variance = values.iter().map(square).sum::<f64>() / (n.max(2) - 1) as f64;
            Self {
                mean,
                sd: variance.sqrt(),
                least: values.iter().copied().fold(f64::INFINITY, f64::min),
                n,
            }
        })
    }

    fn text(self) -> String {
        match self.n {
            1 => figure(self.mean),
            _ => format!("{} ± {}", figure(self.mean), figure(self.sd)),
        }
    }
}

/// Three digits after the point, without a zero before it.
fn figure(value: f64) -> String {
    let text = format!("{value:.3}");
    match text.strip_prefix("0.") {
        Some(digits) => format!(".{digits}"),
        None => text.replace("-0.", "−."),
    }
}

fn or_dash(text: Option<String>) -> String {
    text.unwrap_or_else(|| "–".into())
}

fn title(model: &str) -> String {
    let titles = model
        .split(JOINS)
        .map(|model| Entry::title_of(MODELS, model));
    let titles: Vec<String> = titles.collect();
    titles.join(" + ")
}

/// The order of the list of models; ensembles stand behind all.
fn ordered(models: BTreeSet<&str>) -> Vec<&str> {
    let mut models: Vec<&str> = models.into_iter().collect();
    models.sort_by_key(|model| {
        let first = model.split(JOINS).next();
        let place = ModelConfig::names().position(|name| Some(name) == first);
        (model.contains(JOINS), place, *model)
    });
    models
}

/// Measured cells of one table: by model, then class or task, then seed.
type ByModel<'a> = BTreeMap<&'a str, BTreeMap<&'a str, BTreeMap<u64, &'a Measured>>>;

fn by_model<'a>(cells: impl Iterator<Item = (&'a Key, &'a Measured, &'a str)>) -> ByModel<'a> {
    let mut all = ByModel::new();
    for (key, measured, class) in cells {
        let classes = all.entry(&key.model).or_default();
        classes.entry(class).or_default().insert(key.seed, measured);
    }
    all
}

/// The mean observed share of false alarms where this was promised, in per cent.
fn observed(cells: &[&Measured], promised: f64) -> Option<String> {
    let rates: Vec<f64> = cells
        .iter()
        .flat_map(|m| &m.false_alarms)
        .filter(|rate| rate.promised == promised)
        .map(|rate| rate.observed)
        .collect();
    Spread::of(&rates).map(|s| format!("{:.1} %", 100.0 * s.mean))
}

fn of(ranked: Ranked, figure: Figure) -> f64 {
    match figure {
        Figure::Auroc => ranked.auroc,
        Figure::AveragePrecision => ranked.average_precision,
    }
}

fn mean_of(
    cells: &BTreeMap<&str, BTreeMap<u64, &Measured>>,
    class: &str,
    figure: Figure,
) -> Option<f64> {
    let seeds = cells.get(class)?.values();
    Spread::of(&seeds.map(|m| of(m.used(), figure)).collect::<Vec<_>>()).map(|s| s.mean)
}

fn failures(page: &mut Page, cells: &[Cell]) {
    for cell in cells {
        if let Outcome::Failed(why) = &cell.outcome {
            page.text(format!("Failed: {} ({why}).", cell.key));
        }
    }
}

/// Where cells come from.
fn origins(page: &mut Page, cells: &[Cell]) {
    let mut origins: BTreeMap<String, usize> = BTreeMap::new();
    for cell in cells {
        let origin = &cell.origin;
        let text = format!(
            "unlike {} on {}, {} at once on {} each",
            origin.unlike_version,
            origin.cpu,
            words::counted(origin.at_once, "cell"),
            words::counted(origin.threads, "thread"),
        );
        *origins.entry(text).or_default() += 1;
    }
    for (origin, count) in origins {
        page.text(format!(
            "{} by {origin}; times are on the clock of a machine that did other work too.",
            words::counted(count, "cell")
        ));
    }
}
