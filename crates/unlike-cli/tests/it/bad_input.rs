//! Bad DATA: a message that names the place, exit code 2, and nothing written.

use crate::support::{Place, SMALL, flows, gzip, with_model};

const TRAIN: &str = "train data.csv --model egbad --config small.toml --label-column label";

/// Runs a command that must fail; nothing but the named files may be there afterwards.
#[track_caller]
fn refused(place: &Place, line: &str) -> String {
    let before = place.files();
    let ran = place.run(line).ends_with(2);
    assert_eq!(ran.stdout, "", "stdout is for data only");
    assert_eq!(place.files(), before, "something was written");
    ran.stderr
}

/// Trains on this content, which must fail.
#[track_caller]
fn training_on(content: impl AsRef<[u8]>) -> String {
    let place = Place::new();
    place.write("data.csv", content);
    place.write("small.toml", SMALL);
    refused(&place, TRAIN)
}

/// Scores this content with a model of the columns size, speed (numbers) and colour (category).
#[track_caller]
fn scoring_of(content: impl AsRef<[u8]>) -> String {
    let place = with_model();
    place.write("bad.csv", content);
    let out = refused(
        &place,
        "score model.safetensors bad.csv --out scores.csv --explain why",
    );
    assert!(!place.path("scores.csv").exists());
    out
}

#[test]
fn an_empty_file() {
    insta::assert_snapshot!(training_on(""));
}

#[test]
fn a_file_that_is_not_there() {
    let place = Place::new();
    place.write("small.toml", SMALL);
    insta::assert_snapshot!(refused(&place, TRAIN));
}

#[test]
fn a_header_only() {
    insta::assert_snapshot!(training_on("size,speed,colour,label\n"));
}

#[test]
fn a_ragged_row() {
    insta::assert_snapshot!(training_on(
        flows(50, 0) + "0.5,0.1\n" + &flows(5, 60)[24..]
    ));
}

#[test]
fn text_in_a_numeric_column() {
    insta::assert_snapshot!(scoring_of("size,speed,colour\n0.1,0.2,red\n0.1,fast,red\n"));
}

#[test]
fn nan_and_infinity() {
    let mut found = String::new();
    for bad in ["NaN", "inf", "-Infinity"] {
        found += &scoring_of(format!("size,speed,colour\n0.1,0.2,red\n0.1,{bad},red\n"));
        found += &training_on(format!("{}0.1,{bad},red,0\n", flows(50, 0)));
    }
    insta::assert_snapshot!(found);
}

#[test]
fn a_column_missing() {
    insta::assert_snapshot!(scoring_of("size,colour\n0.1,red\n"));
}

#[test]
fn a_column_renamed() {
    insta::assert_snapshot!(scoring_of("size,Speed,colour\n0.1,0.2,red\n"));
}

#[test]
fn a_missing_value_where_training_had_none() {
    insta::assert_snapshot!(scoring_of("size,speed,colour\n0.1,,red\n"));
}

#[test]
fn no_normal_rows() {
    insta::assert_snapshot!(training_on("size,label\n1,1\n2,1\n3,1\n4,1\n5,1\n"));
}

#[test]
fn too_few_normal_rows() {
    insta::assert_snapshot!(training_on("size,label\n1,0\n2,1\n3,0\n4,1\n5,0\n"));
}

#[test]
fn a_wrong_label_value() {
    let place = Place::new();
    place.write("data.csv", flows(50, 0));
    place.write("small.toml", SMALL);
    insta::assert_snapshot!(refused(&place, &format!("{TRAIN} --normal-label benign")));
}

#[test]
fn a_label_column_that_is_not_there() {
    let place = Place::new();
    place.write("data.csv", flows(50, 0));
    insta::assert_snapshot!(refused(
        &place,
        "train data.csv --model pca --label-column labl"
    ));
}

#[test]
fn a_gzip_file_cut_short() {
    let whole = gzip(&flows(400, 0));
    let cut = training_on(&whole[..whole.len() / 2]);
    assert!(
        cut.contains("`data.csv`: gzip data that ends too early"),
        "{cut}"
    );
    insta::assert_snapshot!(cut.lines().last().unwrap_or_default());
}

#[test]
fn data_of_another_kind_than_the_models() {
    let place = with_model();
    // A NumPy array of two columns without names.
    let header = "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2), }";
    let mut npy = b"\x93NUMPY\x01\x00".to_vec();
    let padded = format!("{header:<117}\n");
    npy.extend((padded.len() as u16).to_le_bytes());
    npy.extend(padded.as_bytes());
    npy.extend([1.0f64, 2.0].map(f64::to_le_bytes).concat());
    place.write("new.npy", npy);
    let score = |data: &str| {
        refused(
            &place,
            &format!("score model.safetensors {data} --out s.csv"),
        )
    };
    place.write("image.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
    insta::assert_snapshot!(
        ["new.npy", "model.safetensors", "image.png"]
            .map(score)
            .concat()
    );
}

#[test]
fn labels_asked_for_where_there_are_none() {
    let place = with_model();
    // The model knows what held its labels; here they are in another column.
    let text = String::from_utf8(place.read("new.csv")).unwrap();
    place.write("new.csv", text.replacen("label", "class", 1));
    insta::assert_snapshot!(refused(
        &place,
        "eval model.safetensors new.csv --out evaluation"
    ));
}
