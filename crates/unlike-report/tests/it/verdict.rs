//! The sentences on top of every report.

use unlike_core::metrics::FalseAlarms;
use unlike_report::{Report, Tone, Training, Warning, verdict};

use crate::{measured, scored, spread};

/// Normals from 0 to 1, anomalies between the two bounds.
fn scores(low: f64, high: f64) -> Vec<f64> {
    spread(0.0, 1.0, 400)
        .chain(spread(low, high, 100))
        .collect()
}

fn with_baseline(model: (f64, f64), baseline: (f64, f64)) -> Report {
    let mut report = scored(&scores(model.0, model.1), 400);
    if let Some(evaluation) = &mut report.evaluation {
        evaluation.baselines = vec![
            measured("constant", &[0.0; 500], 400),
            measured("PCA", &scores(baseline.0, baseline.1), 400),
        ];
    }
    report
}

#[test]
fn a_detector_below_chance_is_called_that() {
    let said = verdict(&scored(&scores(0.0, 0.3), 400));
    assert_eq!(said.tone, Tone::Bad);
    assert!(
        said.sentences[0].starts_with("Worse than chance"),
        "{said:?}"
    );
    assert!(said.sentences[0].contains("AUROC 0.151"), "{said:?}");
}

#[test]
fn a_detector_at_chance_is_not_praised() {
    for (low, high) in [(0.0, 0.98), (0.02, 1.0)] {
        let said = verdict(&scored(&scores(low, high), 400));
        assert_eq!(said.tone, Tone::Bad);
        assert!(
            said.sentences[0].contains("no different from chance"),
            "{said:?}"
        );
    }
}

#[test]
fn a_good_detector_is_praised_in_plain_words() {
    let said = verdict(&scored(&scores(0.97, 2.0), 400));
    assert_eq!(said.tone, Tone::Good);
    assert!(said.sentences[0].contains("very well"), "{said:?}");
}

#[test]
fn a_model_that_beats_the_baselines_is_said_to() {
    let said = verdict(&with_baseline((0.97, 2.0), (0.3, 1.2)));
    assert_eq!(said.tone, Tone::Good);
    assert!(
        said.sentences[1].starts_with("It beats every baseline; next is PCA"),
        "{said:?}"
    );
}

#[test]
fn a_baseline_that_wins_is_said_to_win() {
    let said = verdict(&with_baseline((0.4, 1.2), (0.97, 2.0)));
    assert_eq!(said.tone, Tone::Caution);
    assert!(
        said.sentences[1].starts_with("The best baseline, PCA, is better"),
        "{said:?}"
    );
}

#[test]
fn a_baseline_as_good_is_preferred_as_the_simpler() {
    let said = verdict(&with_baseline((0.9, 1.5), (0.9, 1.5)));
    assert_eq!(said.tone, Tone::Caution);
    assert!(
        said.sentences[1].contains("as good within sampling error"),
        "{said:?}"
    );
}

/// 10,000 held-out normals promise 5 %; of the report's 400 normal test samples so many are flagged.
fn promising(n: u64) -> Report {
    let mut report = scored(&scores(0.97, 2.0), 400);
    report.run.n_held_out = Some(10_000);
    if let Some(evaluation) = &mut report.evaluation {
        evaluation.false_alarms = vec![FalseAlarms {
            promised: 0.05,
            threshold: Some(0.95),
            observed: n as f64 / 400.0,
            observed_ci95: [0.0, 1.0],
            false_alarms: n,
            recall: 1.0,
            recall_ci95: [0.96, 1.0],
            precision: 0.8,
        }];
    }
    report
}

#[test]
fn promises_hold_until_chance_is_no_explanation() {
    // Binomial(400, 0.05) has mean 20 and standard deviation 4.4.
    for (n, holds) in [(0, true), (20, true), (28, true), (40, false)] {
        let said = verdict(&promising(n));
        let sentence = &said.sentences[1];
        assert_eq!(
            sentence.contains("rates hold within"),
            holds,
            "{n}: {sentence}"
        );
        assert_eq!(sentence.contains("do not hold"), !holds, "{n}: {sentence}");
        assert_eq!(said.tone, if holds { Tone::Good } else { Tone::Caution });
    }
    let sentence = &verdict(&promising(40)).sentences[1];
    assert!(
        sentence.contains("10.0\u{a0}% at 5\u{a0}% promised"),
        "{sentence}"
    );
}

#[test]
fn without_labels_nothing_is_claimed() {
    let mut report = scored(&scores(0.97, 2.0), 400);
    if let Some(evaluation) = &mut report.evaluation {
        evaluation.variants.clear();
    }
    assert!(verdict(&report).sentences[0].contains("no labels"));
    report.evaluation = None;
    report.training = Some(Training {
        warnings: vec![Warning {
            epoch: None,
            message: "slow".into(),
        }],
        ..Training::default()
    });
    let said = verdict(&report);
    assert_eq!(said.tone, Tone::Caution);
    assert!(said.sentences[0].starts_with("Not evaluated"), "{said:?}");
    assert_eq!(said.sentences[1], "Training raised 1 warning.");
}

#[test]
fn cautions_are_sentences_and_spoil_the_tone() {
    let mut report = scored(&scores(2.0, 3.0), 400);
    assert_eq!(verdict(&report).tone, Tone::Good);
    if let Some(evaluation) = &mut report.evaluation {
        evaluation.cautions = vec!["These are the training rows.".into()];
    }
    let said = verdict(&report);
    assert_eq!(said.tone, Tone::Caution);
    assert!(
        said.sentences
            .contains(&"These are the training rows.".to_owned()),
        "{said:?}"
    );
}
