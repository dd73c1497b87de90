//! The HTML file: what it shows, what it leaves out, and that it needs nothing else.

use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};
use unlike_core::{ColumnKind, Label};
use unlike_report::{
    Case, ColumnNote, Data, Evaluation, Fact, HeldOut, Histogram, Image, Reason, Report, Series,
    Training, Warning, html,
};

use crate::{
    measured, scored,
    simulation::{self, PIXEL},
    spread,
};

fn image() -> Image {
    Image {
        title: "Reconstructions <1>".into(),
        caption: Some("below & above".into()),
        png: PIXEL.into(),
    }
}

/// The page without what its scripts hold, and what they hold.
fn without_scripts(page: &str) -> (String, Vec<&str>) {
    let (mut rest, mut outside, mut inside) = (page, String::new(), vec![]);
    while let Some(at) = rest.find("<script") {
        let from = at + rest[at..].find('>').unwrap() + 1;
        let to = from + rest[from..].find("</script>").unwrap();
        outside.push_str(&rest[..from]);
        inside.push(&rest[from..to]);
        rest = &rest[to..];
    }
    (outside + rest, inside)
}

/// Nothing in the file points anywhere else, and no script runs but the one whose hash is named.
fn assert_self_contained(page: &str) {
    let (_, scripts) = without_scripts(page);
    let run = scripts.iter().filter(|script| !script.starts_with('{'));
    let allowed = run.map(|script| {
        let hash = STANDARD.encode(Sha256::digest(script));
        page.contains(&format!("; script-src 'sha256-{hash}'\">"))
    });
    assert_eq!(
        allowed.clone().collect::<Vec<_>>(),
        vec![true; allowed.count()]
    );
    let data = "<script type=\"application/json\" id=\"threshold-steps\">";
    let page = &page
        .replace(data, "")
        .replacen("<script>\"use strict\";", "", 1);
    assert!(page.contains("default-src 'none'; style-src 'unsafe-inline'; img-src data:"));
    for needle in [
        "http:",
        "https:",
        "//",
        "<script",
        "<link",
        "@import",
        "<iframe",
        "javascript:",
    ] {
        let found = page
            .find(needle)
            .map(|at| &page[at.saturating_sub(60)..(at + 60).min(page.len())]);
        assert_eq!(found, None, "{needle}");
    }
    for (at, _) in page.match_indices("src=\"") {
        assert!(
            page[at..].starts_with("src=\"data:image/png;base64,"),
            "{}",
            &page[at..at + 60]
        );
    }
    for (at, _) in page.match_indices("href=\"") {
        let here = ["href=\"#", "href=\"data:image/png;base64,"];
        assert!(
            here.iter().any(|start| page[at..].starts_with(start)),
            "{}",
            &page[at..at + 60]
        );
    }
    assert!(!page.contains("url("));
    for number in ["NaN", "inf,", "infinity"] {
        assert!(!page.contains(number), "{number}");
    }
}

/// Every element that is opened is closed, in order.
fn assert_well_nested(page: &str) {
    let page = &without_scripts(page).0;
    const EMPTY: [&str; 3] = ["meta", "img", "input"];
    let mut open = vec![];
    let mut rest = &page[page.find("<html").unwrap()..];
    while let Some(at) = rest.find('<') {
        let end = at + rest[at..].find('>').unwrap();
        let tag = &rest[at + 1..end];
        rest = &rest[end + 1..];
        let name = tag
            .trim_start_matches('/')
            .split([' ', '/'])
            .next()
            .unwrap();
        if tag.starts_with('/') {
            assert_eq!(
                open.pop(),
                Some(name),
                "before {}",
                &rest[..rest.len().min(80)]
            );
        } else if !tag.ends_with('/') && !EMPTY.contains(&name) {
            open.push(name);
        }
    }
    assert_eq!(open, Vec::<&str>::new());
}

fn ids(page: &str) -> Vec<&str> {
    let sections = page
        .match_indices("<section id=\"")
        .map(|(at, found)| &page[at + found.len()..]);
    sections.map(|s| &s[..s.find('"').unwrap()]).collect()
}

#[test]
fn a_whole_run_is_one_small_file_that_needs_nothing_else() {
    let mut report = simulation::report(2_000, 0).unwrap();
    report.images = vec![image()];
    let page = html(&report).unwrap();
    assert_self_contained(&page);
    assert_well_nested(&page);
    assert!(page.len() < 300_000, "{} bytes", page.len());
    assert_eq!(
        ids(&page),
        [
            "threshold",
            "comparison",
            "decisions",
            "scores",
            "curves",
            "samples",
            "images",
            "training",
            "data",
            "run",
        ]
    );
    // Two histograms, two ROC charts, precision and recall, losses, outputs, held-out normals.
    assert_eq!(page.matches("<svg class=\"chart").count(), 8);
}

#[test]
fn the_numbers_are_those_of_the_report() {
    let report = simulation::report(2_000, 0).unwrap();
    let page = html(&report).unwrap();
    let evaluation = report.evaluation.as_ref().unwrap();
    for measured in evaluation.variants.iter().chain(&evaluation.baselines) {
        let m = &measured.metrics;
        let values = [
            m.auroc,
            m.average_precision,
            m.precision.unwrap(),
            m.recall.unwrap(),
            m.f1.unwrap(),
        ];
        let [low, high] = m.auroc_ci95;
        for text in values.map(|v| format!(">{v:.3}<")) {
            assert!(page.contains(&text), "{} {text}", measured.name);
        }
        assert!(
            page.contains(&format!("<small>{low:.3} – {high:.3}</small>")),
            "{}",
            measured.name
        );
    }
    for row in evaluation
        .false_alarms
        .iter()
        .filter(|r| r.threshold.is_some())
    {
        assert!(
            page.contains(&format!(">{:.2}<small>", 100.0 * row.observed)),
            "{row:?}"
        );
        assert!(
            page.contains(&format!(">{:.2}<small>", 100.0 * row.recall)),
            "{row:?}"
        );
    }
    assert!(page.contains("2,500 test samples, 500 of them anomalous (prevalence 20.0\u{a0}%)"));
    assert!(page.contains("can promise 0.02\u{a0}% at best"));
}

#[test]
fn the_best_of_a_column_is_marked_whoever_it_is() {
    let scores: Vec<f64> = spread(0.0, 1.0, 40).chain(spread(0.6, 1.0, 10)).collect();
    let better: Vec<f64> = spread(0.0, 0.4, 40).chain(spread(0.6, 1.0, 10)).collect();
    let mut report = scored(&scores, 40);
    report.evaluation.as_mut().unwrap().baselines = vec![measured("PCA", &better, 40)];
    let page = html(&report).unwrap();
    let row = |name: &str| {
        let at = page.find(&format!("<th scope=\"row\">{name}")).unwrap();
        page[at..at + page[at..].find("</tr>").unwrap()]
            .matches("class=\"best\"")
            .count()
    };
    assert_eq!((row("residual"), row("PCA")), (1, 5));
    // Both find every anomaly: both are best in recall.
    // A column with a single number has no best one.
    let page = html(&scored(&scores, 40)).unwrap();
    assert!(!page.contains("class=\"best\""));
}

#[test]
fn texts_from_files_are_shown_and_not_run() {
    let hostile = "</style><script>alert('x')</script>\"&\x1b\u{202e}";
    let shown = "&#60;/style&#62;&#60;script&#62;alert(&#39;x&#39;)&#60;/script&#62;&#34;&#38;";
    let mut report = simulation::report(400, 0).unwrap();
    let run = &mut report.run;
    run.model = hostile.into();
    run.data = hostile.into();
    run.version = hostile.into();
    run.date = Some(hostile.into());
    run.protocol = Some(hostile.into());
    run.command = Some(hostile.into());
    run.config = Some(hostile.into());
    let evaluation = report.evaluation.as_mut().unwrap();
    evaluation.data = hostile.into();
    evaluation.rule = Some(hostile.into());
    evaluation.variants[0].name = hostile.into();
    evaluation.baselines[0].name = hostile.into();
    evaluation.published[0].name = hostile.into();
    evaluation.published[0].source = hostile.into();
    evaluation.most_anomalous = vec![Case {
        id: hostile.into(),
        label: Some(Label::Normal),
        class: Some(hostile.into()),
        parts: vec![unlike_report::Part {
            name: hostile.into(),
            value: 1.0,
        }],
        reasons: vec![Reason {
            column: hostile.into(),
            share: 0.5,
            found: hostile.into(),
            typical: hostile.into(),
        }],
        image: Some(Image {
            title: hostile.into(),
            caption: Some(hostile.into()),
            png: PIXEL.into(),
        }),
        ..Case::default()
    }];
    let training = report.training.as_mut().unwrap();
    training.losses[0].name = hostile.into();
    training.losses[0].n_not_finite = 2;
    training.chosen_because = Some(hostile.into());
    training.warnings = vec![Warning {
        epoch: None,
        message: hostile.into(),
    }];
    report.data = Some(Data {
        columns: vec![ColumnNote {
            name: hostile.into(),
            kind: ColumnKind::Number,
            rule: hostile.into(),
            n_features: 1,
            note: Some(hostile.into()),
        }],
        rules: vec![hostile.into()],
        notes: vec![hostile.into()],
    });
    report.environment = vec![Fact::new(hostile, hostile)];
    report.images = vec![Image {
        title: hostile.into(),
        caption: None,
        png: PIXEL.into(),
    }];
    let page = html(&report).unwrap();
    assert_well_nested(&page);
    assert_self_contained(&page);
    assert!(!page.contains('\x1b') && !page.contains('\u{202e}'));
    assert!(
        page.matches(shown).count() >= 30,
        "{}",
        page.matches(shown).count()
    );
    assert_eq!(page.matches("</style>").count(), 1);
}

#[test]
fn what_is_absent_is_left_out() {
    let page = html(&Report::default()).unwrap();
    assert_well_nested(&page);
    assert_eq!(ids(&page), Vec::<&str>::new());
    assert!(!page.contains("<nav") && !page.contains("<table") && !page.contains("<svg"));

    let mut report = simulation::report(400, 0).unwrap();
    report.evaluation = None;
    assert_eq!(ids(&html(&report).unwrap()), ["training", "data", "run"]);

    let mut report = simulation::report(400, 0).unwrap();
    (report.training, report.data) = (None, None);
    assert_eq!(
        ids(&html(&report).unwrap()),
        [
            "threshold",
            "comparison",
            "decisions",
            "scores",
            "curves",
            "samples",
            "run"
        ]
    );
}

#[test]
fn scores_without_labels_are_a_report_too() {
    let scores: Vec<f64> = spread(0.0, 1.0, 50).collect();
    let report = Report {
        evaluation: Some(Evaluation {
            histogram: Histogram::new(&scores, &[], &[], &scores, None),
            most_anomalous: vec![Case {
                id: "7".into(),
                score: 1.0,
                ..Case::default()
            }],
            ..Evaluation::default()
        }),
        ..Report::default()
    };
    let page = html(&report).unwrap();
    assert_eq!(ids(&page), ["scores", "samples"]);
    assert!(page.contains("test samples (50)") && page.contains("no labels"));
    assert_self_contained(&page);
}

#[test]
fn charts_stand_edge_cases() {
    let training = |losses: Vec<Series>, held_out: Vec<HeldOut>, chosen_epoch| Report {
        training: Some(Training {
            monitors: losses.clone(),
            losses,
            held_out,
            chosen_epoch,
            ..Training::default()
        }),
        ..Report::default()
    };
    let series = |points: &[[f64; 2]]| vec![Series::new("G", points.iter().copied())];
    let one = HeldOut {
        epoch: 1,
        mean: 0.0,
        sd: 0.0,
    };
    for (report, charts) in [
        // One epoch; constant values; tiny, huge and negative values; nothing finite; nothing.
        (training(series(&[[1.0, 0.7]]), vec![one], Some(1)), 3),
        (
            training(
                series(&[[1.0, 0.0], [2.0, 0.0]]),
                vec![one, HeldOut { epoch: 2, ..one }],
                None,
            ),
            3,
        ),
        (
            training(series(&[[1.0, 1e-300], [2.0, 1e300]]), vec![], Some(9)),
            2,
        ),
        (
            training(series(&[[1.0, -5.0], [2.0, -1e9]]), vec![], None),
            2,
        ),
        (
            training(
                series(&[[1.0, f64::NAN], [2.0, f64::INFINITY]]),
                vec![],
                Some(1),
            ),
            0,
        ),
        (
            training(
                vec![],
                vec![HeldOut {
                    epoch: 1,
                    mean: f64::NAN,
                    sd: 1.0,
                }],
                None,
            ),
            0,
        ),
    ] {
        let page = html(&report).unwrap();
        assert_self_contained(&page);
        assert_well_nested(&page);
        assert_eq!(page.matches("<svg class=\"chart").count(), charts);
    }
    let page = html(&training(
        series(&[[1.0, f64::NAN], [2.0, 1.0]]),
        vec![],
        None,
    ))
    .unwrap();
    assert!(page.contains("G: 1 value was not finite and is not drawn"));
}

#[test]
fn histograms_stand_edge_cases() {
    let constant = [3.0; 20];
    let wide: Vec<f64> = (-300..300).map(|p| 10f64.powi(p)).collect();
    for histogram in [
        Histogram::new(&constant, &constant, &[], &[], Some(3.0)),
        Histogram::new(&[], &[], &[0.0], &[], Some(f64::INFINITY)),
        Histogram::new(&[1.0, 2.0], &[-1e300, 1e300], &wide, &[], Some(-1e301)),
    ] {
        assert!(histogram.is_some());
        let evaluation = Evaluation {
            histogram,
            ..Evaluation::default()
        };
        let page = html(&Report {
            evaluation: Some(evaluation),
            ..Report::default()
        })
        .unwrap();
        assert_self_contained(&page);
        assert_eq!(page.matches("<svg class=\"chart").count(), 2);
    }
}

#[test]
fn images_are_embedded_and_anything_else_is_refused() {
    let mut report = Report {
        images: vec![image()],
        ..Report::default()
    };
    let page = html(&report).unwrap();
    assert!(
        page.contains("alt=\"Reconstructions &#60;1&#62;\"") && page.contains("below &#38; above")
    );
    assert_self_contained(&page);
    report.images[0].png = b"GIF89a".to_vec();
    let error = html(&report).unwrap_err().to_string();
    assert!(
        error.contains("Reconstructions <1>") && error.contains("6 bytes"),
        "{error}"
    );
}

#[test]
fn a_gallery_shows_each_image_with_its_marks_and_what_became_of_it() {
    let mut report = simulation::report(2_000, 0).unwrap();
    simulation::hang_gallery(&mut report);
    let page = html(&report).unwrap();
    assert_self_contained(&page);
    assert_well_nested(&page);
    assert_eq!(ids(&page)[..2], ["threshold", "gallery"]);
    // Lists that the gallery does not show whole are shown as ever: these have reasons.
    assert!(ids(&page).contains(&"samples"));
    let gallery = &page[page.find("<section id=\"gallery").unwrap()..];
    let gallery = &gallery[..gallery.find("</section>").unwrap()];
    for title in ["Most anomalous", "False alarms", "Missed anomalies"] {
        assert!(gallery.contains(&format!("<h3>{title}</h3>")), "{title}");
    }
    assert!(!gallery.contains("Borderline"));
    assert!(gallery.contains("4.250 spreads of normals above their mean"));
    assert_eq!(gallery.matches("<figure class=\"tile").count(), 6 + 3 + 3);
    assert!(gallery.contains("d=\"M4 5L14 5L9.5 13Z\""));
    let threshold = report
        .evaluation
        .as_ref()
        .unwrap()
        .metrics()
        .unwrap()
        .threshold;
    let tiles = report
        .evaluation
        .as_ref()
        .unwrap()
        .gallery
        .as_ref()
        .unwrap()
        .lists();
    for tile in tiles.concat() {
        let at = gallery
            .find(&format!("data-score=\"{}\"", tile.case.score))
            .unwrap();
        let shown = &gallery[at..at + gallery[at..].find("</figure>").unwrap()];
        let flagged = tile.case.score >= threshold.unwrap();
        let state = match (tile.case.label.unwrap(), flagged) {
            (Label::Anomalous, true) => "found",
            (Label::Anomalous, false) => "missed",
            (Label::Normal, true) => "false alarm",
            (Label::Normal, false) => "passed",
        };
        assert!(
            shown.contains(&format!("<span class=\"state\">{state}</span>")),
            "{shown}"
        );
        assert_eq!(shown.contains("class=\"mask\""), tile.mask.is_some());
    }
    // With nothing to add, the lists are not repeated.
    let evaluation = report.evaluation.as_mut().unwrap();
    let lists = [
        &mut evaluation.most_anomalous,
        &mut evaluation.missed,
        &mut evaluation.flagged_normals,
    ];
    for case in lists.into_iter().flatten() {
        case.reasons.clear();
    }
    assert!(!ids(&html(&report).unwrap()).contains(&"samples"));

    let gallery = report
        .evaluation
        .as_mut()
        .unwrap()
        .gallery
        .as_mut()
        .unwrap();
    gallery.missed[0].map = b"GIF89a".to_vec();
    let error = html(&report).unwrap_err().to_string();
    assert!(error.contains("a PNG or JPEG file"), "{error}");
}

#[test]
fn the_decision_table_says_what_the_metrics_say() {
    let report = simulation::report(2_000, 0).unwrap();
    let page = html(&report).unwrap();
    let table = &page[page.find("<section id=\"threshold").unwrap()..];
    let table = &table[..table.find("<script").unwrap()];
    let metrics = report.evaluation.as_ref().unwrap().metrics().unwrap();
    for (name, value, interval) in [
        ("precision", metrics.precision, metrics.precision_ci95),
        ("recall", metrics.recall, metrics.recall_ci95),
        ("F1", metrics.f1, metrics.f1_ci95),
    ] {
        let ([low, high], value) = (interval.unwrap(), value.unwrap());
        let cell = format!(
            "<dt>{name}</dt><dd><span class=\"value\">{value:.3}</span><small>{low:.3} – {high:.3}</small>"
        );
        assert!(table.contains(&cell), "{cell} in {table}");
    }
    // A report of other numbers than its thresholds were counted on moves nothing.
    let mut report = report;
    let evaluation = report.evaluation.as_mut().unwrap();
    evaluation.thresholds.as_mut().unwrap().steps[0].found = 1_000_000;
    assert!(!ids(&html(&report).unwrap()).contains(&"threshold"));
}
