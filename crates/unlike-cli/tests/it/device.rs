//! `--device`: what a user reads who asks for a device that is not there.

use crate::support::{SMALL, flows, ready_to_train, with_model};

const TRAIN: &str = "train flows.csv --model egbad --config small.toml --label-column label";

#[test]
fn every_command_that_runs_networks_refuses_an_unknown_device_before_it_does_anything() {
    let place = with_model();
    place.write("flows.csv", flows(600, 0));
    place.write("small.toml", SMALL);
    let before = place.files();
    for line in [
        TRAIN,
        "score model.safetensors new.csv",
        "eval model.safetensors new.csv --label-column label --out evaluation",
        "calibrate model.safetensors new.csv",
        "quickstart",
        "bench speed --cases egbadkdd_score",
    ] {
        let ran = place.run(&format!("{line} --device tpu")).ends_with(2);
        assert!(
            ran.stderr.contains("`device` is `tpu`; expected cpu"),
            "{line}: {}",
            ran.stderr
        );
        assert_eq!(place.files(), before, "{line}");
    }
}

#[cfg(not(feature = "wgpu"))]
#[test]
fn a_build_without_graphics_says_how_to_get_one_with_it() {
    let place = ready_to_train(600);
    let ran = place.run(&format!("{TRAIN} --device wgpu")).ends_with(2);
    insta::assert_snapshot!(ran.stderr);
    let doctor = place.run("doctor --json").ends_with(0).json();
    assert_eq!(doctor["devices"], serde_json::json!(["cpu"]));
    assert!(doctor["graphics_adapter"].is_null());
}

#[cfg(all(feature = "wgpu", target_os = "linux"))]
#[test]
fn a_machine_without_a_driver_is_told_so_without_a_panic() {
    let place = ready_to_train(600);
    place.write("none.json", "");
    let line = format!("{TRAIN} --device wgpu").replace("train", "unlike train");
    let without = "VK_ICD_FILENAMES=none.json VK_DRIVER_FILES=none.json";
    let ran = place.shell(&format!("{without} {line}")).ends_with(2);
    insta::assert_snapshot!(ran.stderr);
    assert_eq!(place.files(), ["flows.csv", "none.json", "small.toml"]);
    let doctor = place
        .shell(&format!("{without} unlike doctor"))
        .ends_with(0);
    assert!(
        doctor
            .stdout
            .contains("cpu; not wgpu, for which no graphics adapter"),
        "{}",
        doctor.stdout
    );
}

/// On a machine that has a graphics processor, or does its work in software.
#[cfg(feature = "wgpu")]
#[test]
fn the_record_of_a_run_names_the_adapter() {
    let place = ready_to_train(600);
    let doctor = place.run("doctor --json").ends_with(0).json();
    let Some(adapter) = doctor["graphics_adapter"].as_str() else {
        // The tests of the library say so where nobody can miss it.
        return;
    };
    let ran = place
        .run(&format!("{TRAIN} --device wgpu --out run"))
        .ends_with(0);
    let told = format!("\ndevice    {adapter}\n");
    assert!(ran.stderr.contains(&told), "{}", ran.stderr);
    let environment: serde_json::Value =
        serde_json::from_slice(&place.read("run/environment.json")).unwrap();
    assert_eq!(environment["device"], adapter);
    let report = String::from_utf8(place.read("run/report.html")).unwrap();
    assert!(report.contains(adapter), "{adapter}");

    place.write("new.csv", flows(200, 1000));
    let [cpu, wgpu] = ["cpu", "wgpu"].map(|device| {
        let line = format!("score run new.csv --json --device {device}");
        place.run(&line).ends_with(0).json()
    });
    assert_eq!(cpu["device"], "cpu");
    assert_eq!(wgpu["device"], adapter);
    let scores = |json: &serde_json::Value| -> Vec<f64> {
        let rows = json["scores"].as_array().unwrap().iter();
        rows.map(|row| row["score"].as_f64().unwrap()).collect()
    };
    for (cpu, wgpu) in scores(&cpu).into_iter().zip(scores(&wgpu)) {
        assert!(
            (cpu - wgpu).abs() <= 1e-4 * cpu.abs().max(1.0),
            "{cpu}, {wgpu}"
        );
    }
    let baseline = "train flows.csv --model pca --label-column label --out pca --device wgpu";
    let json = place.run(&format!("{baseline} --json")).ends_with(0).json();
    assert_eq!(json["device"], "cpu");
}

#[test]
fn the_instruction_set_that_is_told_is_the_one_that_kernels_use() {
    let used = unlike_kernels::instruction_set();
    let expected = match used {
        "portable" => serde_json::json!([]),
        used => serde_json::json!([used]),
    };
    let place = ready_to_train(300);
    let doctor = place.run("doctor --json").ends_with(0).json();
    assert_eq!(doctor["environment"]["cpu_features"], expected);
    place
        .run("train flows.csv --model pca --label-column label --out run")
        .ends_with(0);
    let environment: serde_json::Value =
        serde_json::from_slice(&place.read("run/environment.json")).unwrap();
    assert_eq!(environment["cpu_features"], expected);
}
