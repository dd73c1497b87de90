//! Markdown, terminal text and JSON.

use unlike_core::{ColumnKind, metrics::pixel::pixel_metrics};
use unlike_report::{
    Case, ColumnNote, Data, Fact, Histogram, Image, PartPair, Reason, Report, from_json, html,
    json, markdown,
    terminal::{self, Style},
};

use crate::{measured, scored, simulation};

#[test]
fn markdown_of_a_whole_run() {
    insta::assert_snapshot!(markdown(&simulation::report(2_000, 0).unwrap()));
}

#[test]
fn terminal_text_of_a_whole_run() {
    let report = simulation::report(2_000, 0).unwrap();
    let text = terminal::render(&report, Style::default());
    assert!(
        text.lines()
            .all(|l| l.chars().count() <= 80 && !l.contains('\x1b')),
        "{text}"
    );
    insta::assert_snapshot!(text);
}

#[test]
fn terminal_text_in_colour_says_the_same() {
    let report = simulation::report(400, 0).unwrap();
    let coloured = terminal::render(
        &report,
        Style {
            colour: true,
            ..Style::default()
        },
    );
    let bare = coloured
        .replace("\x1b[1m", "")
        .replace("\x1b[2m", "")
        .replace("\x1b[0m", "");
    assert_ne!(coloured, bare);
    assert_eq!(bare, terminal::render(&report, Style::default()));
}

#[test]
fn terminal_text_fits_a_narrow_terminal_as_far_as_its_numbers_do() {
    let report = simulation::report(400, 0).unwrap();
    let text = terminal::verdict_text(
        &report,
        Style {
            width: 40,
            colour: false,
        },
    );
    assert!(text.lines().all(|l| l.chars().count() <= 40), "{text}");
}

#[test]
fn an_empty_report_is_short() {
    let report = Report::default();
    insta::assert_snapshot!(terminal::render(&report, Style::default()), @r"
    Report

    - Not evaluated yet: without labelled test data nothing can be said about how
      well it finds anomalies.
    ");
    insta::assert_snapshot!(markdown(&report), @r"
    # Report

    > Not evaluated yet: without labelled test data nothing can be said about how well it finds anomalies.
    ");
}

#[test]
fn hostile_names_neither_steer_a_terminal_nor_break_a_table() {
    let mut report = scored(&[0.1, 0.2, 0.3, 0.9], 3);
    let hostile = "a\x1b]0;title\x07|b`<script>\n# c\u{202e}";
    report.run.data = hostile.into();
    report.environment = vec![Fact::new(hostile, hostile)];
    report.data = Some(Data {
        columns: vec![ColumnNote {
            name: hostile.into(),
            kind: ColumnKind::Category,
            rule: hostile.into(),
            n_features: 1,
            note: None,
        }],
        rules: vec![hostile.into()],
        notes: vec![hostile.into()],
    });
    let evaluation = report.evaluation.as_mut().unwrap();
    evaluation.variants[0].name = hostile.into();
    let reason = Reason {
        column: hostile.into(),
        share: 0.5,
        found: hostile.into(),
        typical: hostile.into(),
    };
    evaluation.most_anomalous = vec![Case {
        id: hostile.into(),
        class: Some(hostile.into()),
        reasons: vec![reason],
        ..Case::default()
    }];
    let text = terminal::render(&report, Style::default());
    assert!(
        !text.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}'),
        "{text:?}"
    );
    let text = markdown(&report);
    assert!(
        !text.contains("<script>") && !text.contains('\x1b'),
        "{text}"
    );
    assert!(!text.contains("|b") || text.contains("\\|b"), "{text}");
    assert!(!text.lines().any(|l| l.starts_with("# c")), "{text}");
}

#[test]
fn json_is_read_back_unchanged() {
    let mut report = simulation::report(400, 0).unwrap();
    report.images = vec![Image {
        title: "sheet".into(),
        caption: None,
        png: vec![0, 255, 7],
    }];
    let text = json(&report).unwrap();
    assert_eq!(from_json("report.json", &text).unwrap(), report);
}

#[test]
fn json_names_the_metrics_as_everywhere_else() {
    let report = scored(&[0.1, 0.2, 0.3, 0.9], 3);
    let value: serde_json::Value = serde_json::from_str(&json(&report).unwrap()).unwrap();
    let metrics = &value["evaluation"]["variants"][0]["metrics"];
    assert_eq!(metrics["auroc"], 1.0);
    assert!(metrics["auroc_ci95"].is_array() && metrics["chance_average_precision"] == 0.25);
    assert_eq!(value["verdict"]["sentences"].as_array().unwrap().len(), 1);
}

#[test]
fn json_of_a_newer_version_or_of_something_else_is_refused() {
    let text = json(&Report::default())
        .unwrap()
        .replace("\"format_version\":1", "\"format_version\":2");
    let error = from_json("runs/7/report.json", &text).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("runs/7/report.json: a report of format version 2"),
        "{error}"
    );
    assert!(error.hint().is_some());
    let error = from_json("notes.txt", "hello").unwrap_err().to_string();
    assert!(
        error.contains("notes.txt") && error.contains("not a report"),
        "{error}"
    );
}

#[test]
fn every_score_below_chance_has_a_sentence() {
    let mut report = scored(&[0.1, 0.2, 0.3, 0.6, 0.7], 3);
    let evaluation = report.evaluation.as_mut().unwrap();
    let wrong_way_round: Vec<f64> = (0..40).map(|i| f64::from(40 - i)).collect();
    evaluation
        .variants
        .push(measured("reconstruction", &wrong_way_round, 20));
    evaluation
        .variants
        .push(measured("feature", &[1.0, 2.0, 3.0, 1.0, 2.5], 3));
    let sentences = [
        "Below chance: reconstruction, normal samples tend to score higher than anomalies",
        "Below chance: feature, no different from chance within sampling error",
    ];
    let style = Style {
        width: 1000,
        colour: false,
    };
    for text in [
        terminal::render(&report, style),
        markdown(&report),
        html(&report).unwrap(),
    ] {
        for sentence in sentences {
            assert_eq!(text.matches(sentence).count(), 1, "{text}");
        }
        assert_eq!(text.matches("Below chance").count(), 2, "{text}");
    }
}

#[test]
fn maps_and_parts_are_shown_where_there_are_any() {
    let mut report = scored(&[0.1, 0.2, 0.3, 0.6, 0.7], 3);
    let without = html(&report).unwrap();
    assert!(!without.contains("pixel AUROC") && !without.contains("Two parts"));
    let evaluation = report.evaluation.as_mut().unwrap();
    let map = [0.1, 0.2, 0.9, 0.3];
    let mask = [false, false, true, false];
    evaluation.pixels = Some(pixel_metrics(&map, &mask, [2, 2]).unwrap());
    evaluation.parts = Some(PartPair {
        names: ["latent".into(), "reconstruction <x>".into()],
        normal: vec![[0.1, 0.2], [0.3, 100.0]],
        anomalous: vec![[5.0, f64::NAN], [7.0, 0.1]],
    });
    let histogram = Histogram::new(&[0.1, 0.2], &[0.1, 0.3], &[0.7], &[], None);
    evaluation.histogram = histogram;
    for text in [
        terminal::render(&report, Style::default()),
        markdown(&report),
        html(&report).unwrap(),
    ] {
        assert!(
            text.contains("pixel AUROC") && text.contains("AUPRO"),
            "{text}"
        );
    }
    let page = html(&report).unwrap();
    assert!(page.contains("Two parts of the score"), "{page}");
    assert!(!page.contains("<x>") && !page.contains("NaN"), "{page}");
}

#[test]
fn remarks_stand_below_the_comparison_everywhere() {
    let mut report = scored(&[0.1, 0.2, 0.3, 0.6, 0.7], 3);
    let evaluation = report.evaluation.as_mut().unwrap();
    evaluation.remarks = vec!["The threshold is in other units.".into()];
    for text in [
        terminal::render(&report, Style::default()),
        markdown(&report),
        html(&report).unwrap(),
    ] {
        assert!(text.contains("The threshold is in other units."), "{text}");
    }
}

#[test]
fn lists_of_images_have_no_columns() {
    let mut report = scored(&[0.1, 0.2, 0.3, 0.6, 0.7], 3);
    let evaluation = report.evaluation.as_mut().unwrap();
    evaluation.most_anomalous = vec![Case {
        id: "a.png".into(),
        ..Case::default()
    }];
    let text = markdown(&report);
    assert!(
        text.contains("| id | score | p-value | label |\n"),
        "{text}"
    );
}
