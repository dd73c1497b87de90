//! Seeded splits.

use proptest::prelude::*;
use unlike_core::Label::{self, Anomalous, Normal};
use unlike_data::{
    ReadOptions,
    split::{half_split, hold_out, kdd_survey, merged_80_20},
};

use crate::{csv_text, csv_with};

fn labels(normal: usize, anomalous: usize) -> Vec<Label> {
    [vec![Normal; normal], vec![Anomalous; anomalous]].concat()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn hold_out_parts_everything_once(n in 2_usize..500, fraction in 0.001..0.999, seed: u64) {
        let (train, held_out) = hold_out(n, fraction, seed).unwrap();
        let mut all = [train.clone(), held_out.clone()].concat();
        prop_assert!(train.is_sorted() && held_out.is_sorted());
        all.sort_unstable();
        prop_assert_eq!(all, (0..n).collect::<Vec<_>>());
        prop_assert!(!train.is_empty() && !held_out.is_empty());
        let wanted = (n as f64 * fraction).round() as usize;
        prop_assert_eq!(held_out.len(), wanted.clamp(1, n - 1));
        prop_assert_eq!(hold_out(n, fraction, seed).unwrap(), (train, held_out));
    }

    #[test]
    fn half_split_drops_anomalies_only(normal in 20_usize..300, anomalous in 20_usize..300, seed: u64) {
        let labels = labels(normal, anomalous);
        let split = half_split(&labels, 0.2, seed).unwrap();
        prop_assert!(split.train().iter().all(|&p| labels[p] == Normal));
        prop_assert!(split.train().iter().all(|p| !split.test().contains(p)));
        let of = |label| split.test_labels().iter().filter(|&&l| l == label).count();
        prop_assert_eq!(split.train().len() + of(Normal), normal);
        let share = of(Anomalous) as f64 / split.test().len() as f64;
        prop_assert!(share <= 0.2 || of(Anomalous) == 1, "{}", share);
        for (&position, &label) in split.test().iter().zip(split.test_labels()) {
            prop_assert_eq!(labels[position], label);
        }
    }
}

#[test]
fn seeds_differ() {
    assert_ne!(
        hold_out(100, 0.5, 0).unwrap(),
        hold_out(100, 0.5, 1).unwrap()
    );
}

#[test]
fn hold_out_refuses_what_leaves_nothing() {
    let message = |n, fraction| hold_out(n, fraction, 0).unwrap_err().to_string();
    for fraction in [0.0, 1.0, -0.5, f64::NAN] {
        assert_eq!(
            message(10, fraction),
            format!("`held-out fraction` is {fraction}; expected a number between 0 and 1")
        );
    }
    assert_eq!(message(1, 0.5), "samples to split: 1; expected at least 2");
}

#[test]
fn merged_keeps_all_anomalies_for_the_test() {
    let labels = labels(100, 30);
    let split = merged_80_20(&labels, 7).unwrap();
    assert_eq!((split.train().len(), split.test().len()), (80, 50));
    assert_eq!(
        split
            .test_labels()
            .iter()
            .filter(|&&l| l == Anomalous)
            .count(),
        30
    );
    assert_eq!(
        split.describe(),
        "merged 80/20 split (seed 7): training on 80 normals (80 %), testing on the other 20 and all \
         30 anomalies"
    );
    let message = merged_80_20(&labels[..100], 0).unwrap_err().to_string();
    assert_eq!(
        message,
        "labelled samples to split: 100 normal, 0 anomalous; expected at least 2 normal and 1 \
         anomalous"
    );
}

#[test]
fn half_split_says_what_it_dropped() {
    let split = half_split(&labels(400, 400), 0.2, 3).unwrap();
    let of = |label| split.test_labels().iter().filter(|&&l| l == label).count();
    let (normal, anomalous) = (of(Normal), of(Anomalous));
    assert_eq!(anomalous, normal / 4);
    assert_eq!(
        split.describe(),
        "random halves (seed 3): training on the 187 normals of one half, without its 213 anomalies; \
         testing on the other half, 213 normals and 53 anomalies (19.9 %), 134 other anomalies \
         dropped at random so that no more than 20 % are left"
    );
}

#[test]
fn the_survey_protocol_swaps_the_roles() {
    let rows: String = (0..200)
        .map(|i| format!("{i},{}\n", if i % 5 == 0 { "normal." } else { "smurf." }))
        .collect();
    let options = ReadOptions {
        label_column: Some("k".into()),
        ..ReadOptions::default()
    };
    let data = csv_with(&format!("v,k\n{rows}"), &options);
    let split = kdd_survey(&data, 0).unwrap();
    assert_eq!(
        split.train_samples(data.samples()).len(),
        split.train().len()
    );
    let test = split.test_samples(data.samples()).unwrap();
    let classes = data.classes().unwrap();
    for (&position, &label) in split.test().iter().zip(test.labels()) {
        assert_eq!(classes.class(position) == "normal.", label == Anomalous);
    }
    assert!(split.describe().starts_with(
        "the survey's KDD99 protocol: attacks, the majority, are what is learned, and `normal.` \
         records are the anomalies; random halves (seed 0): training on the "
    ));

    let unlabelled = csv_text("v\n1\n2\n");
    let message = kdd_survey(&unlabelled, 0).unwrap_err().to_string();
    assert!(message.ends_with(
        "samples without classes; expected KDD Cup 99 records, `normal.` among their labels"
    ));
}
