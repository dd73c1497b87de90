//! What a report says in words and single numbers, built once for every renderer.

use unlike_core::{
    InputSpec, Label,
    metrics::{
        Metrics,
        pixel::{AUPRO_LIMIT, HIT_SLACK, PixelMetrics},
    },
    words,
};

use crate::{
    evaluation::{Case, Estimate, Evaluation, Measure},
    gallery::{Gallery, Tile},
    number,
    report::{Report, Run},
    table::smallest_rate,
    training::Training,
};

/// A headline metric.
pub(crate) struct Headline {
    pub(crate) measure: Measure,
    pub(crate) value: String,
    pub(crate) interval: Option<String>,
    /// What the value compares to.
    pub(crate) note: String,
}

/// The metrics on top of a report.
pub(crate) fn headlines(metrics: &Metrics) -> Vec<Headline> {
    let note = |measure: Measure| match measure {
        Measure::Auroc => "chance 0.500".into(),
        Measure::AveragePrecision => {
            format!("chance {}", number::unit(metrics.chance_average_precision))
        }
        Measure::Precision | Measure::Recall | Measure::F1 => "at the decision".into(),
        Measure::F1Max => "best threshold".into(),
    };
    [
        Measure::Auroc,
        Measure::AveragePrecision,
        Measure::Precision,
        Measure::Recall,
        Measure::F1,
        Measure::F1Max,
    ]
    .into_iter()
    .filter_map(|measure| {
        let Estimate { value, ci95 } = measure.of(metrics)?;
        Some(Headline {
            measure,
            value: number::unit(value),
            interval: ci95.map(number::unit_interval),
            note: note(measure),
        })
    })
    .collect()
}

/// The test set in a clause: `50,000 test samples, 10,000 of them anomalous (prevalence 20.0 %)`.
pub(crate) fn test_set(metrics: &Metrics) -> String {
    format!(
        "{} test samples, {} of them anomalous (prevalence {})",
        number::count(metrics.n_normal + metrics.n_anomalous),
        number::count(metrics.n_anomalous),
        number::percent(metrics.prevalence)
    )
}

/// A number with its name and what it compares to.
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    pub(crate) value: String,
    pub(crate) note: String,
}

/// How well anomaly maps point at what masks mark.
pub(crate) fn pixels(pixels: &PixelMetrics) -> Vec<Figure> {
    let figure = |name, value: f64, chance: f64| Figure {
        name,
        value: number::unit(value),
        note: format!("chance {}", number::unit(chance)),
    };
    let share = pixels.n_anomalous_pixels as f64
        / (pixels.n_anomalous_pixels + pixels.n_normal_pixels).max(1) as f64;
    let mut figures = vec![
        figure("hits", pixels.hits, pixels.chance_hits),
        figure("pixel AUROC", pixels.pixel_auroc, 0.5),
        figure(
            "pixel average precision",
            pixels.pixel_average_precision,
            share,
        ),
        figure("AUPRO", pixels.aupro, AUPRO_LIMIT / 2.0),
    ];
    if let (Some(whole), Some(rest)) = (pixels.map_auroc, pixels.map_auroc_without_anomaly) {
        figures.push(figure("AUROC of maps", whole, 0.5));
        figures.push(figure("AUROC, anomaly left out", rest, 0.5));
    }
    figures
}

/// What the maps were compared with, in a sentence.
pub(crate) fn mask_set(pixels: &PixelMetrics) -> String {
    format!(
        "{} of {} pixels are marked, in {} regions. Hits are the images whose highest place lies on \
         an anomaly, or within {HIT_SLACK} pixels. AUPRO counts every region the same, up to a \
         false-alarm rate of {} of the pixels. If images are told apart with their anomalies left out, \
         something else tells them apart, too.",
        number::count(pixels.n_anomalous_pixels),
        number::count(pixels.n_anomalous_pixels + pixels.n_normal_pixels),
        number::count(pixels.n_regions),
        number::rate(AUPRO_LIMIT)
    )
}

/// What was trained on what, in a line: the parts that are known.
pub(crate) fn summary(run: &Run) -> Vec<String> {
    [
        run.n_train
            .map(|n| format!("trained on {}", words::counted(n, "normal sample"))),
        run.n_held_out
            .map(|n| format!("calibrated on {}", words::counted(n, "held-out normal"))),
        run.input.as_ref().map(|i| input(i, run)),
        run.seed.map(|s| format!("seed {s}")),
        run.seconds.map(number::duration),
        run.date.as_deref().map(number::date),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The facts of a run, in reading order.
pub(crate) fn facts(report: &Report) -> Vec<(&'static str, String)> {
    let run = &report.run;
    let mut facts = vec![];
    let mut add = |name, value: Option<String>| facts.extend(value.map(|v| (name, v)));
    let test = report
        .evaluation
        .as_ref()
        .map(|e| e.data.as_str())
        .filter(|d| !d.is_empty());
    add("model", Some(run.model.clone()).filter(|m| !m.is_empty()));
    add(
        "training data",
        Some(run.data.clone()).filter(|d| !d.is_empty()),
    );
    add("test data", test.map(str::to_owned));
    add("training normals", run.n_train.map(number::count));
    add(
        "held-out normals",
        run.n_held_out.map(|n| {
            format!(
                "{}; the smallest false-alarm rate that they can promise is {}",
                number::count(n),
                smallest_rate(n)
            )
        }),
    );
    add("input", run.input.as_ref().map(|i| input(i, run)));
    add("seed", run.seed.map(|s| s.to_string()));
    add("time taken", run.seconds.map(number::duration));
    add("date", run.date.as_deref().map(number::date));
    add(
        "unlike version",
        Some(run.version.clone()).filter(|v| !v.is_empty()),
    );
    add("command", run.command.clone());
    facts
}

fn input(input: &InputSpec, run: &Run) -> String {
    let what = input.describe();
    if let Some(features) = &run.features {
        return format!("{what}; {features}");
    }
    match (input, run.n_features) {
        (InputSpec::Table { .. }, Some(n)) => {
            format!("{what}, {}", words::counted(n, "feature"))
        }
        _ => what,
    }
}

/// What a case is, in the data's own words where it has them.
pub(crate) fn label(case: &Case) -> Option<String> {
    let label = case.label.map(|l| match l {
        Label::Normal => "normal",
        Label::Anomalous => "anomaly",
    });
    match (label, case.class.as_deref()) {
        (Some(label), Some(class)) => Some(format!("{label} ({class})")),
        (label, class) => label.or(class).map(str::to_owned),
    }
}

/// The report's title: `EGBAD on shuttle.npz`.
pub(crate) fn title(report: &Report) -> String {
    let run = &report.run;
    match (run.model.as_str(), run.data.as_str()) {
        ("", "") => "Report".into(),
        ("", only) | (only, "") => only.into(),
        (model, data) => format!("{model} on {data}"),
    }
}

/// Lists of samples with a title and how to read them; those without samples are left out.
pub(crate) fn case_lists(evaluation: &Evaluation) -> Vec<(&'static str, &'static str, &[Case])> {
    [
        (
            "Most anomalous",
            "The highest scores of the test set.",
            &*evaluation.most_anomalous,
        ),
        (
            "Missed anomalies",
            "Anomalies with the lowest scores.",
            &*evaluation.missed,
        ),
        (
            "False alarms",
            "Normal samples with the highest scores.",
            &*evaluation.flagged_normals,
        ),
    ]
    .into_iter()
    .filter(|list| !list.2.is_empty())
    .collect()
}

/// Lists of images with a title and how to read them; those without images are left out.
pub(crate) fn tile_lists(gallery: &Gallery) -> Vec<(&'static str, &'static str, &[Tile])> {
    let words = [
        ("Most anomalous", "The highest scores."),
        ("Borderline", "Nearest to the threshold, on both sides."),
        (
            "False alarms",
            "Normal, flagged, and with the highest scores.",
        ),
        (
            "Missed anomalies",
            "Not flagged, and with the lowest scores.",
        ),
    ];
    let lists = words.into_iter().zip(gallery.lists());
    lists
        .filter(|(_, tiles)| !tiles.is_empty())
        .map(|((title, note), tiles)| (title, note, tiles))
        .collect()
}

/// Which epoch was kept and why, in a sentence.
pub(crate) fn chosen(training: &Training) -> Option<String> {
    let epoch = training.chosen_epoch?;
    Some(match &training.chosen_because {
        None => format!("The weights of epoch {epoch} were kept."),
        Some(why) => format!("The weights of epoch {epoch} were kept: {why}."),
    })
}
