//! From classes to labels by rule.

use unlike_core::{Error, Label};
use unlike_data::ReadOptions;

use crate::{File, csv_text, csv_with, names};

const FLOWERS: &str = "size,kind\n1,rose\n2,tulip\n3,rose\n4,weed\n";

fn by(label: &str, normal: &[&str], anomalous: &[&str]) -> ReadOptions {
    let list = |texts: &[&str]| texts.iter().map(|&t| t.to_owned()).collect();
    ReadOptions {
        label_column: Some(label.into()),
        normal_labels: list(normal),
        anomalous_labels: list(anomalous),
        ..ReadOptions::default()
    }
}

const N: Label = Label::Normal;
const A: Label = Label::Anomalous;

#[test]
fn what_is_not_named_falls_to_the_other_side() {
    let data = csv_with(FLOWERS, &by("kind", &["rose"], &[]));
    assert_eq!(data.labels().unwrap().values(), [N, A, N, A]);
    assert_eq!(
        data.labels().unwrap().rule(),
        "by `kind`, normal: `rose`; anomalous: `tulip`, `weed`"
    );
    let data = csv_with(FLOWERS, &by("kind", &[], &["weed"]));
    assert_eq!(data.labels().unwrap().values(), [N, N, N, A]);
    let data = csv_with(FLOWERS, &by("kind", &["rose", "tulip"], &["weed"]));
    assert_eq!(data.labels().unwrap().values(), [N, N, N, A]);
    assert_eq!(names(&data), ["size"]);
    assert_eq!(
        data.classes().unwrap().counts(),
        [("rose", 2), ("tulip", 1), ("weed", 1)]
    );
}

#[test]
fn normals_are_what_training_gets() {
    let data = csv_with(FLOWERS, &by("kind", &["rose"], &[]));
    let normals = data.normals_for_training().unwrap();
    assert_eq!(normals.describe(), "2 of 4 samples, labelled normal");
    assert_eq!([normals.samples.id(0), normals.samples.id(1)], ["2", "4"]);
    assert_eq!(data.labelled().unwrap().count(A), 2);

    let normals = csv_text("a\n1\n2\n").normals_for_training().unwrap();
    assert_eq!(
        normals.describe(),
        "all 2 samples, taken as normal because there are no labels"
    );
}

#[test]
fn zero_is_normal_and_one_anomalous_by_convention() {
    for text in ["v,y\n5,0\n6,1\n", "v,y\n5,0.0\n6,1.0\n"] {
        let data = csv_with(text, &by("y", &[], &[]));
        assert_eq!(data.labels().unwrap().values(), [N, A]);
    }
    // The other convention, 1 and -1, is not guessed.
    let data = csv_with("v,y\n5,1\n6,-1\n", &by("y", &[], &[]));
    assert!(data.labels().is_none());
    let data = csv_with("v,y\n5,1\n6,-1\n", &by("y", &["1"], &[]));
    assert_eq!(data.labels().unwrap().values(), [N, A]);
}

#[test]
fn numbers_match_however_they_are_written() {
    let data = csv_with("v,y\n5,0.0\n6,2.0\n", &by("y", &["0"], &[]));
    assert_eq!(data.labels().unwrap().values(), [N, A]);
}

#[test]
fn columns_that_look_like_labels_are_noted_not_used() {
    let data = csv_text("v,Label\n5,0\n6,1\n");
    assert_eq!(names(&data), ["v", "Label"]);
    assert!(data.classes().is_none());
    assert_eq!(
        data.notes(),
        ["column `Label` looks like labels, but is a feature until you say `label-column = Label`"]
    );
    let error = data.labelled().unwrap_err();
    assert_eq!(
        error.hint().map(|hint| hint.as_str()),
        Some("the column `Label` looks like labels: say `label-column = Label`")
    );
}

fn error_of(text: &str, options: &ReadOptions) -> (String, Option<String>) {
    let file = File::new("t.csv", text);
    let error = file.read(options).expect_err("an error");
    (file.shown(&error), error.hint().map(ToString::to_string))
}

#[test]
fn an_unknown_class_is_refused_with_the_known_ones() {
    let (message, hint) = error_of(FLOWERS, &by("kind", &["rosa"], &[]));
    assert_eq!(
        message,
        "`normal-label` is `rosa`, which does not occur in `kind`; expected one of `rose` (2), \
         `tulip` (1), `weed` (1)"
    );
    assert_eq!(hint.as_deref(), Some("did you mean `rose`?"));
}

#[test]
fn a_class_cannot_be_both() {
    let (message, _) = error_of(FLOWERS, &by("kind", &["rose"], &["weed", "rose"]));
    assert_eq!(
        message,
        "`anomalous-label` is `rose`, which normal-label names too; expected each class under one \
         of the two"
    );
}

#[test]
fn classes_that_neither_side_names_are_refused() {
    let (message, hint) = error_of(FLOWERS, &by("kind", &["rose"], &["weed"]));
    assert_eq!(
        message,
        "`normal-label and anomalous-label` is silent about `tulip` of `kind`; expected every class \
         under one of the two"
    );
    assert_eq!(
        hint.as_deref(),
        Some("give only one of them, and all other classes fall to the other side")
    );
}

#[test]
fn a_rule_without_a_label_column_is_refused() {
    let options = ReadOptions {
        normal_labels: vec!["rose".into()],
        ..ReadOptions::default()
    };
    let (message, hint) = error_of(FLOWERS, &options);
    assert_eq!(
        message,
        "`normal-label` is `rose`, but nothing holds classes; expected classes to go with it"
    );
    assert_eq!(
        hint.as_deref(),
        Some("name their column with `label-column`")
    );
}

#[test]
fn undecided_classes_stop_training_and_evaluation() {
    let file = File::new("t.csv", FLOWERS);
    let data = file.read(&by("kind", &[], &[])).unwrap();
    let expected = "`t.csv`: the classes `rose` (2), `tulip` (1), `weed` (1) in `kind`; expected to \
                    be told which are normal";
    let errors: [Error; 2] = [
        data.normals_for_training().unwrap_err(),
        data.labelled().unwrap_err(),
    ];
    for error in errors {
        assert_eq!(file.shown(&error), expected);
        assert_eq!(
            error.hint().map(|hint| hint.as_str()),
            Some("say `normal-label` or `anomalous-label` with one or more of them")
        );
    }
}

#[test]
fn training_needs_a_normal() {
    let file = File::new("t.csv", "v,y\n5,1\n6,1\n");
    let data = file.read(&by("y", &[], &[])).unwrap();
    let error = data.normals_for_training().unwrap_err();
    assert_eq!(
        file.shown(&error),
        "normal samples in `t.csv`: none of 2 (by `y`, normal: none; anomalous: `1`); expected at \
         least 1"
    );
    assert_eq!(
        error.hint().map(|hint| hint.as_str()),
        Some("say which classes are normal with `normal-label`")
    );
}

#[test]
fn evaluation_needs_labels() {
    let file = File::new("t.csv", "a\n1\n2\n");
    let error = file
        .read(&ReadOptions::default())
        .unwrap()
        .labelled()
        .unwrap_err();
    assert_eq!(
        file.shown(&error),
        "`t.csv`: samples without labels; expected labelled samples"
    );
    assert_eq!(
        error.hint().map(|hint| hint.as_str()),
        Some("name the column that holds the labels with `label-column`")
    );
}
