//! Judges, as a server holds them.

use std::{sync::Arc, thread};

use unlike::{Decision, Judge, Samples};
use unlike_results::{Explainer, ScoreFormat, ScoreTable, save_explanations};

use crate::{egbad, rows, train};

#[test]
fn threads_that_share_a_judge_get_the_same_bits_as_one_after_the_other() {
    fn shared<T: Send + Sync>(value: T) -> Arc<T> {
        Arc::new(value)
    }
    let judge = shared(Judge::new(egbad()));
    // Requests of different sizes, so that batches differ.
    let requests: Vec<Samples> = (1..9).map(|i| rows(1000 * i, 17 * i, 5)).collect();
    let expected: Vec<_> = requests.iter().map(|r| judge.judge(r).unwrap()).collect();
    let threads: Vec<_> = (0..6)
        .map(|first: usize| {
            let (judge, requests) = (Arc::clone(&judge), requests.clone());
            thread::spawn(move || {
                let of = |i: usize| (first + i) % requests.len();
                let judged = (0..requests.len()).map(|i| (of(i), judge.judge(&requests[of(i)])));
                judged.collect::<Vec<_>>()
            })
        })
        .collect();
    for thread in threads {
        for (request, judged) in thread.join().unwrap() {
            assert_eq!(judged.unwrap(), expected[request]);
        }
    }
}

#[test]
fn a_judge_says_what_it_is_and_what_it_cannot_promise() {
    let judge = Judge::new(egbad());
    let about = judge.model().about();
    assert_eq!(
        (about.model.as_str(), about.score.as_str()),
        ("egbad", "combined")
    );
    assert_eq!(about.scores.first(), Some(&about.score));
    assert_eq!(
        about.smallest_false_alarm_rate,
        1.0 / (about.n_calibration + 1) as f64
    );
    assert!(about.smallest_false_alarm_rate > 0.001);
    let error = judge
        .with_decision(Decision::FalseAlarms(0.001))
        .unwrap_err();
    assert!(
        error.to_string().contains("false-alarm rate of 0.001"),
        "{error}"
    );

    let few = Judge::new(train("pca", 100));
    assert_eq!(
        few.decision(),
        Decision::FalseAlarms(few.model().about().smallest_false_alarm_rate)
    );
    assert!(
        few.notes()[0].contains("too few to promise"),
        "{:?}",
        few.notes()
    );
    let asked = few.with_decision(Decision::Threshold(1.0)).unwrap();
    assert!(asked.notes().is_empty());
}

#[test]
fn a_judge_with_another_score_judges_by_it() {
    let (own, other) = (
        Judge::new(egbad()),
        Judge::new(egbad()).with_score("residual").unwrap(),
    );
    let samples = rows(5000, 40, 10);
    let (by_own, by_other) = (own.judge(&samples).unwrap(), other.judge(&samples).unwrap());
    assert_eq!(
        (by_own.score.as_str(), by_other.score.as_str()),
        ("combined", "residual")
    );
    assert_eq!(by_own.parts, by_other.parts);
    let residuals = by_own.parts.get("residual").unwrap().iter();
    assert!(
        residuals
            .map(|&v| f64::from(v))
            .eq(by_other.scores.iter().copied())
    );
    assert_eq!(
        own.model().calibration_of("residual").unwrap(),
        *other.model().calibration()
    );
    let error = other.with_score("latent").unwrap_err().to_string();
    assert!(
        error.contains("`latent`") && error.contains("combined"),
        "{error}"
    );
}

#[test]
fn tables_and_reasons_are_in_the_library() {
    let judge = Judge::new(egbad());
    let samples = rows(5000, 40, 10);
    let judged = judge.judge(&samples).unwrap();
    let csv = ScoreTable::new(&judged).bytes(ScoreFormat::Csv).unwrap();
    let csv = String::from_utf8(csv).unwrap();
    assert!(
        csv.starts_with("id,score,p_value,q_value,anomalous,"),
        "{csv}"
    );
    assert_eq!(csv.lines().count(), 41);
    let read: f64 = csv
        .lines()
        .nth(1)
        .unwrap()
        .split(',')
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!(read, judged.scores[0]);
    assert_eq!(ScoreTable::new(&judged).objects().count(), 40);

    let folder = tempfile::tempdir().unwrap();
    let why = folder.path().join("why");
    let model = judge.model();
    let written = save_explanations(model, &samples, &judged, &why, ScoreFormat::Csv).unwrap();
    assert_eq!(written, [why.join("explanations.csv")]);
    let strangest = judged.ranking()[0];
    let reasons = Explainer::new(model, &samples).unwrap();
    let shares: f64 = reasons.reasons(strangest).iter().map(|r| r.share).sum();
    // Of what contributed; usual values are no reasons.
    assert!(shares > 0.5 && shares < 1.0 + 1e-9, "{shares}");
}

#[test]
fn reasons_are_unusual_values_or_values_that_do_not_go_together() {
    use unlike::core::{Column, Values};
    use unlike_results::Explainer;

    let model = crate::train("ecod", 600);
    let rows = |values: [[f64; 2]; 3]| {
        let column = |name: &str, at: usize| Column {
            name: name.into(),
            values: Values::Number(values.iter().map(|row| row[at]).collect()),
        };
        let columns = vec![column("size", 0), column("speed", 1)];
        unlike::Samples::Table(unlike::Table::new("t", columns).unwrap())
    };
    // Speed follows twice the size: ordinary; one value far out; both usual, and not together.
    let samples = rows([[0.5, 1.05], [0.5, 9.0], [0.9, 0.25]]);
    let explainer = Explainer::new(&model, &samples).unwrap();
    assert_eq!(explainer.reasons(0), []);
    let reasons = explainer.reasons(1);
    assert_eq!((reasons.len(), reasons[0].column), (1, "speed"));
    assert_eq!(reasons[0].usual, Some(false));
    // The central 90 % of the normals, not their extremes.
    let [low, high] = reasons[0]
        .typical
        .split_once(" to ")
        .map(|(a, b)| [a, b])
        .unwrap()
        .map(|text| text.parse::<f64>().unwrap());
    assert!(
        (0.05..0.3).contains(&low) && (1.7..2.05).contains(&high),
        "{low} {high}"
    );

    let model = crate::egbad();
    let explainer = Explainer::new(&model, &samples).unwrap();
    let reasons = explainer.reasons(2);
    assert!(
        reasons.iter().all(|reason| reason.usual == Some(true)),
        "{reasons:?}"
    );
}
