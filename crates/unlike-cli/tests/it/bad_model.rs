//! Bad MODEL and bad settings.

use crate::support::{Place, flows, model, with_model};

#[track_caller]
fn refused(place: &Place, line: &str) -> String {
    let before = place.files();
    let ran = place.run(line).ends_with(2);
    assert_eq!(ran.stdout, "", "stdout is for data only");
    assert_eq!(place.files(), before, "something was written");
    ran.stderr
}

#[test]
fn a_model_file_cut_anywhere() {
    let place = with_model();
    for length in (0..model().len()).step_by(1024) {
        place.write("model.safetensors", &model()[..length]);
        let error = refused(&place, "score model.safetensors new.csv --out scores.csv");
        assert!(
            error.starts_with("error: `model.safetensors`: a damaged file"),
            "{length}: {error}"
        );
        assert!(error.contains("\nhint: "), "{length}: {error}");
    }
}

#[test]
fn a_model_file_with_a_flipped_byte() {
    let place = with_model();
    let length = model().len();
    // Every byte of the start, where the description is, thinned out; then some of the arrays.
    for at in (0..2048)
        .step_by(61)
        .chain((2048..length).step_by(length / 40))
    {
        let mut bytes = model().to_vec();
        bytes[at] ^= 0x10;
        place.write("model.safetensors", bytes);
        let error = refused(&place, "score model.safetensors new.csv --out scores.csv");
        assert!(
            error.starts_with("error: `model.safetensors`: "),
            "{at}: {error}"
        );
    }
}

#[test]
fn a_model_of_a_newer_format() {
    let place = with_model();
    let mut bytes = model().to_vec();
    let format = b"\"format\":\"1\"";
    let at = bytes
        .windows(format.len())
        .position(|w| w == format)
        .unwrap();
    bytes[at + format.len() - 2] = b'9';
    place.write("model.safetensors", bytes);
    insta::assert_snapshot!(refused(&place, "inspect model.safetensors"));
}

#[test]
fn a_file_that_is_no_model() {
    let place = with_model();
    std::fs::create_dir(place.path("empty")).unwrap();
    let lines = [
        "score new.csv new.csv",
        "score nothing new.csv",
        "score empty new.csv",
    ];
    insta::assert_snapshot!(lines.map(|line| refused(&place, line)).concat());
}

#[test]
fn settings_out_of_range() {
    let place = with_model();
    place.write(
        "unknown.toml",
        "epochs = 3\n[model]\nmodel = \"egbad\"\nlatency = 5\n",
    );
    place.write("many.toml", "[hold_out]\nvalidation = 0.9\n");
    let lines = [
        "train new.csv --config unknown.toml",
        "train new.csv --model pca --config many.toml",
        "train new.csv --model pca --device cuda",
        "train new.csv --model egbat",
        "train new.csv",
        "score model.safetensors new.csv --false-alarms 0",
        "score model.safetensors new.csv --false-alarms 0.000001",
        "score model.safetensors new.csv --score latent",
        "score model.safetensors new.csv --out scores.xlsx",
        "data info new.csv --delimiter ab",
    ];
    let told = lines.map(|line| format!("$ unlike {line}\n{}\n", refused(&place, line)));
    insta::assert_snapshot!(told.concat());
}

#[test]
fn errors_are_json_too() {
    let place = Place::new();
    place.write("flows.csv", flows(10, 0));
    for line in [
        "inspect nothing --json",
        "train flows.csv --model nothing --json",
    ] {
        let ran = place.run(line).ends_with(2);
        let error = &ran.json()["error"];
        assert_eq!(error["exit_code"], 2, "{line}");
        let message = error["message"].as_str().unwrap();
        assert!(ran.stderr.contains(message), "{message}\n{}", ran.stderr);
    }
}
