//! Evaluations, and what stands beside the model.

use unlike::{Decision, Judge};
use unlike_report::{Report, terminal};
use unlike_results::{TestSet, run_report};

use crate::{egbad, test_rows, train};

fn text(report: &Report) -> String {
    let style = terminal::Style::default();
    // Lines are broken anywhere.
    let text = terminal::render(report, style);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_threshold_flags_by_the_score_that_it_was_made_for_and_by_no_other() {
    let judge = Judge::new(egbad())
        .with_decision(Decision::Threshold(3.0))
        .unwrap();
    let test = TestSet::new(test_rows());
    let mut evaluated = test.evaluate(&judge).unwrap();
    test.measure(&mut evaluated, "PCA", &train("pca", 600))
        .unwrap();
    let evaluation = &evaluated.evaluation;
    let (own, others) = evaluation.variants.split_first().unwrap();
    assert!(own.metrics.precision.is_some() && own.metrics.threshold == Some(3.0));
    assert!(!others.is_empty());
    for other in others.iter().chain(&evaluation.baselines) {
        let metrics = &other.metrics;
        assert_eq!(
            (metrics.f1, metrics.threshold),
            (None, None),
            "{}",
            other.name
        );
        assert!(metrics.auroc > 0.0);
    }
    // Said once, however many there are.
    assert_eq!(evaluation.remarks.len(), 1, "{:?}", evaluation.remarks);
    let mut report = run_report(judge.model());
    report.evaluation = Some(evaluated.evaluation);
    let text = text(&report);
    assert!(
        text.contains("The threshold is in units of the score `combined`"),
        "{text}"
    );
}

#[test]
fn a_model_whose_calibration_is_too_small_for_the_rate_is_measured_without_flags() {
    let judge = Judge::new(egbad());
    let rate = judge.model().about().smallest_false_alarm_rate;
    let judge = judge.with_decision(Decision::FalseAlarms(rate)).unwrap();
    let test = TestSet::new(test_rows());
    let mut evaluated = test.evaluate(&judge).unwrap();
    assert!(evaluated.evaluation.remarks.is_empty());
    test.measure(&mut evaluated, "PCA", &train("pca", 100))
        .unwrap();
    assert_eq!(evaluated.evaluation.baselines[0].metrics.precision, None);
    let remark = &evaluated.evaluation.remarks[0];
    assert!(remark.starts_with("PCA is calibrated on"), "{remark}");
    // The highest scores can be flagged by any model.
    let test = TestSet::new(test_rows()).flagging_top(0.1).unwrap();
    let mut evaluated = test.evaluate(&judge).unwrap();
    test.measure(&mut evaluated, "PCA", &train("pca", 100))
        .unwrap();
    assert!(
        evaluated.evaluation.baselines[0]
            .metrics
            .precision
            .is_some()
    );
    assert!(TestSet::new(test_rows()).flagging_top(1.5).is_err());
}

#[test]
fn the_score_in_use_is_called_recommended_only_where_it_is() {
    let test = TestSet::new(test_rows());
    let table = |judge: &Judge| {
        let evaluation = test.evaluate(judge).unwrap().evaluation;
        assert_eq!(evaluation.recommended.as_deref(), Some("combined"));
        let mut report = run_report(judge.model());
        report.evaluation = Some(evaluation);
        text(&report)
    };
    let usual = table(&Judge::new(egbad()));
    assert!(usual.contains("combined (recommended)"), "{usual}");
    assert!(!usual.contains("in use"), "{usual}");
    let chosen = table(&Judge::new(egbad()).with_score("residual").unwrap());
    assert!(chosen.contains("residual (in use)"), "{chosen}");
    assert!(chosen.contains("combined (recommended)"), "{chosen}");
    // What an earlier version saved does not say which one is recommended.
    let judge = Judge::new(egbad());
    let mut evaluation = test.evaluate(&judge).unwrap().evaluation;
    evaluation.recommended = None;
    let report = Report {
        evaluation: Some(evaluation),
        ..Report::default()
    };
    assert!(!text(&report).contains("recommended"), "{}", text(&report));
}

#[test]
fn samples_that_trained_the_model_are_told() {
    let samples = crate::rows(0, 600, usize::MAX);
    let labels = vec![unlike::Label::Normal; 600];
    let labelled = unlike::LabelledSamples::new(samples, labels).unwrap();
    let caution = TestSet::new(labelled).caution(&egbad()).unwrap().unwrap();
    assert!(caution.contains("exactly the normal samples"), "{caution}");
    let caution = TestSet::new(test_rows())
        .caution(&egbad())
        .unwrap()
        .unwrap();
    assert!(caution.contains("trained on `rows` too"), "{caution}");
}
