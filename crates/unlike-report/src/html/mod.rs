//! One HTML file that needs nothing else: no network, no font, and no script to be read. Where there
//! is something to move, one script of its own moves it; a policy lets the browser run no other.

mod gallery;
mod live;

use askama::Template;
use unlike_core::{Error, Label, Result};

use crate::{
    chart::{self, Drawn},
    evaluation::{Case, Evaluation, Measure},
    number,
    report::{Image, Report},
    summary::{self, Figure, Headline},
    table::{self, Table},
    text::harmless,
    training::Training,
    verdict::{Verdict, verdict},
};
use gallery::{Shelf, address};
use live::{Live, Script};

/// The report as one HTML file; texts are escaped, sections without content are left out.
///
/// # Errors
/// If an image is neither a PNG nor a JPEG, or one of a gallery has no pixels.
pub fn html(report: &Report) -> Result<String> {
    let page = Page::new(report)?.render();
    let page = page.map_err(|e| Error::io("render", "report.html")(e.into()))?;
    Ok(harmless(&page))
}

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    report: &'a Report,
    title: String,
    summary: Vec<String>,
    verdict: Verdict,
    headlines: Vec<Headline>,
    test_set: Option<String>,
    pixels: Option<(Vec<Figure>, String)>,
    rule: Option<&'a str>,
    script: Option<Script>,
    live: Option<Live>,
    /// What the script reads.
    steps: Option<String>,
    shelves: Vec<Shelf<'a>>,
    /// How to read the images of the shelves.
    reading: String,
    facts: Vec<(&'static str, String)>,
    comparison: Option<Table>,
    histogram: Option<[Drawn; 2]>,
    parts: Option<Drawn>,
    curves: Option<Curves>,
    false_alarms: Option<Table>,
    by_group: Option<Table>,
    cases: Vec<CaseList<'a>>,
    images: Vec<Embedded<'a>>,
    training: Option<TrainingCharts<'a>>,
}

struct Curves {
    roc: Option<Drawn>,
    roc_log: Option<Drawn>,
    precision_recall: Option<Drawn>,
}

struct TrainingCharts<'a> {
    source: &'a Training,
    chosen: Option<String>,
    losses: Option<Drawn>,
    monitors: Option<Drawn>,
    held_out: Option<Drawn>,
    not_finite: Vec<String>,
}

struct CaseList<'a> {
    title: &'static str,
    note: &'static str,
    cases: Vec<CaseView<'a>>,
    explained: bool,
    /// How to read the images of samples.
    imaged: Option<&'a str>,
}

struct CaseView<'a> {
    case: &'a Case,
    label: Option<String>,
    image: Option<Embedded<'a>>,
}

impl CaseView<'_> {
    fn is_anomalous(&self) -> bool {
        self.case.label == Some(Label::Anomalous)
    }
}

/// An image as a `data:` address.
struct Embedded<'a> {
    image: &'a Image,
    address: String,
}

impl<'a> Page<'a> {
    fn new(report: &'a Report) -> Result<Self> {
        let evaluation = report.evaluation.as_ref();
        let metrics = evaluation.and_then(|e| e.metrics());
        let live = evaluation.and_then(Live::new);
        let gallery = evaluation.and_then(|e| e.gallery.as_ref());
        let gallery = gallery.filter(|gallery| !gallery.is_empty());
        let shelves = gallery.map(|gallery| gallery::shelves(gallery, live.as_ref()));
        Ok(Self {
            report,
            title: summary::title(report),
            summary: summary::summary(&report.run),
            verdict: verdict(report),
            headlines: metrics.map(summary::headlines).unwrap_or_default(),
            test_set: metrics.map(summary::test_set),
            pixels: evaluation
                .and_then(|e| e.pixels.as_ref())
                .map(|p| (summary::pixels(p), summary::mask_set(p))),
            rule: evaluation.and_then(|e| e.rule.as_deref()),
            script: (live.is_some() || gallery.is_some()).then(Script::new),
            steps: live.as_ref().map(Live::json).transpose()?,
            live,
            shelves: shelves.transpose()?.unwrap_or_default(),
            reading: gallery.map(gallery::reading).unwrap_or_default(),
            facts: summary::facts(report),
            comparison: evaluation.and_then(|e| table::comparison(e, Measure::name)),
            histogram: evaluation.map(histogram).transpose()?.flatten(),
            parts: evaluation
                .and_then(|e| e.parts.as_ref())
                .map(chart::parts)
                .transpose()?
                .flatten(),
            curves: evaluation.map(curves).transpose()?.flatten(),
            false_alarms: evaluation.and_then(|e| table::false_alarms(&report.run, e)),
            by_group: evaluation.and_then(table::by_group),
            cases: evaluation.map(case_lists).transpose()?.unwrap_or_default(),
            images: report.images.iter().map(embedded).collect::<Result<_>>()?,
            training: report.training.as_ref().map(training).transpose()?,
        })
    }

    /// Anchors and titles of the sections that are there, in order.
    fn sections(&self) -> Vec<(&'static str, &'static str)> {
        [
            ("threshold", "Threshold", self.live.is_some()),
            ("gallery", "Gallery", !self.shelves.is_empty()),
            ("comparison", "Comparison", self.comparison.is_some()),
            ("decisions", "Decisions", self.false_alarms.is_some()),
            ("scores", "Scores", self.histogram.is_some()),
            ("curves", "Curves", self.curves.is_some()),
            ("samples", "Samples", !self.cases.is_empty()),
            ("images", "Images", !self.images.is_empty()),
            ("training", "Training", self.training.is_some()),
            ("data", "Data", self.report.data.is_some()),
            ("run", "Run", !self.facts.is_empty()),
        ]
        .into_iter()
        .filter(|s| s.2)
        .map(|s| (s.0, s.1))
        .collect()
    }
}

fn histogram(evaluation: &Evaluation) -> Result<Option<[Drawn; 2]>> {
    let Some(histogram) = &evaluation.histogram else {
        return Ok(None);
    };
    let shares = chart::histogram_shares(histogram)?;
    let counts = chart::histogram_counts(histogram)?;
    Ok(shares.zip(counts).map(|(shares, counts)| [shares, counts]))
}

fn curves(evaluation: &Evaluation) -> Result<Option<Curves>> {
    let curves = Curves {
        roc: chart::roc(evaluation)?,
        roc_log: chart::roc_log(evaluation)?,
        precision_recall: chart::precision_recall(evaluation)?,
    };
    Ok((curves.roc.is_some() || curves.precision_recall.is_some()).then_some(curves))
}

fn training(training: &Training) -> Result<TrainingCharts<'_>> {
    let series = training.losses.iter().chain(&training.monitors);
    let not_finite = series
        .filter(|s| s.n_not_finite > 0)
        .map(|s| match s.n_not_finite {
            1 => format!("{}: 1 value was not finite and is not drawn", s.name),
            n => format!(
                "{}: {} values were not finite and are not drawn",
                s.name,
                number::count(n)
            ),
        });
    Ok(TrainingCharts {
        source: training,
        chosen: summary::chosen(training),
        losses: chart::losses(training)?,
        monitors: chart::monitors(training)?,
        held_out: chart::held_out(training)?,
        not_finite: not_finite.collect(),
    })
}

fn case_lists(evaluation: &Evaluation) -> Result<Vec<CaseList<'_>>> {
    let view = |case| {
        Ok(CaseView {
            case,
            label: summary::label(case),
            image: case.image.as_ref().map(embedded).transpose()?,
        })
    };
    let mut lists = vec![];
    // What a gallery shows is not shown again.
    let gallery = evaluation.gallery.as_ref().is_some_and(|g| !g.is_empty());
    for (title, note, cases) in summary::case_lists(evaluation) {
        let explained = cases.iter().any(|c| !c.reasons.is_empty());
        let imaged = cases.iter().find_map(|c| c.image.as_ref());
        if gallery && !explained && imaged.is_none() {
            continue;
        }
        let imaged = imaged.map(|image| image.title.as_str());
        let cases = cases.iter().map(view).collect::<Result<_>>()?;
        lists.push(CaseList {
            title,
            note,
            cases,
            explained,
            imaged,
        });
    }
    Ok(lists)
}

fn embedded(image: &Image) -> Result<Embedded<'_>> {
    let address = address(&image.png, &image.title)?;
    Ok(Embedded { image, address })
}

/// The length of a bar in percent.
fn width(share: f64) -> String {
    let share = if share.is_finite() {
        share.clamp(0.0, 1.0)
    } else {
        0.0
    };
    format!("{:.1}", 100.0 * share)
}
