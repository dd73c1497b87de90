//! `unlike eval`, `calibrate`, `inspect`, `report`.

use crate::support::{Place, flows, model, with_model};

const EVAL: &str = "eval model.safetensors new.csv --label-column label";

#[test]
fn an_evaluation_has_metrics_with_intervals_and_promises() {
    let place = with_model();
    let json = place
        .run(&format!("{EVAL} --json --out evaluation"))
        .ends_with(0)
        .json();
    let evaluation = &json["evaluation"];
    let own = &evaluation["variants"][0];
    assert_eq!(own["name"], "combined");
    let metrics = &own["metrics"];
    for key in [
        "auroc",
        "average_precision",
        "f1_max",
        "precision",
        "recall",
        "f1",
    ] {
        let value = metrics[key].as_f64().unwrap();
        let [low, high] = [0, 1].map(|i| metrics[format!("{key}_ci95")][i].as_f64().unwrap());
        assert!(low <= value && value <= high, "{key}: {low} {value} {high}");
    }
    assert_eq!(
        (&metrics["n_normal"], &metrics["n_anomalous"]),
        (&180.into(), &20.into())
    );
    assert_eq!(metrics["prevalence"], 0.1);
    assert_eq!(evaluation["variants"].as_array().unwrap().len(), 5);
    assert_eq!(evaluation["false_alarms"].as_array().unwrap().len(), 4);
    assert_eq!(
        place.files(),
        [
            "evaluation/evaluation.json",
            "evaluation/report.html",
            "evaluation/scores.csv",
            "model.safetensors",
            "new.csv"
        ]
    );
    let saved: serde_json::Value =
        serde_json::from_slice(&place.read("evaluation/evaluation.json")).unwrap();
    assert_eq!(saved["evaluation"], json["evaluation"]);
}

#[test]
fn worse_than_chance_is_said() {
    let place = with_model();
    let ran = place
        .run(&format!("{EVAL} --normal-label 1 --json"))
        .ends_with(0);
    let auroc = ran.json()["evaluation"]["variants"][0]["metrics"]["auroc"]
        .as_f64()
        .unwrap();
    assert!(auroc < 0.5, "{auroc}");
    let text = place
        .run(&format!("{EVAL} --normal-label 1"))
        .ends_with(0)
        .stdout;
    assert!(text.contains("chance"), "{text}");
}

#[test]
fn other_models_stand_beside() {
    let place = with_model();
    place.write("flows.csv", flows(600, 0));
    for baseline in ["pca", "iforest"] {
        place
            .run(&format!(
                "train flows.csv --model {baseline} --label-column label --out {baseline}"
            ))
            .ends_with(0);
    }
    let ran = place.run(&format!(
        "{EVAL} --baseline pca --baseline iforest/model.safetensors"
    ));
    let text = ran.ends_with(0).stdout;
    assert!(
        text.contains("PCA (pca)") && text.contains("isolation forest"),
        "{text}"
    );
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
}

#[test]
fn new_normals_renew_the_calibration() {
    let place = with_model();
    let calibrate = "calibrate model.safetensors new.csv --label-column label";
    let json = place
        .run(&format!("{calibrate} --out other.safetensors --json"))
        .ends_with(0)
        .json();
    assert_eq!(json["n_calibration"], 180);
    assert_eq!(place.read("model.safetensors"), model());
    let inspect = |name: &str| {
        place
            .run(&format!("inspect {name} --json"))
            .ends_with(0)
            .json()
    };
    assert_eq!(inspect("other.safetensors")["n_calibration"], 180);
    assert_eq!(
        inspect("other.safetensors")["parameters"],
        inspect("model.safetensors")["parameters"]
    );
    place.run(calibrate).ends_with(0);
    assert_eq!(
        place.read("model.safetensors"),
        place.read("other.safetensors")
    );
}

#[test]
fn inspect_shows_what_is_in_a_model() {
    let place = with_model();
    let text = place.run("inspect model.safetensors").ends_with(0).stdout;
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    insta::assert_snapshot!(text);
}

#[test]
fn reports_are_written_again() {
    let place = with_model();
    place.run(&format!("{EVAL} --out evaluation")).ends_with(0);
    let html = place.read("evaluation/report.html");
    std::fs::remove_file(place.path("evaluation/report.html")).unwrap();
    place.run("report evaluation").ends_with(0);
    assert_eq!(place.read("evaluation/report.html"), html);
    place.run("report evaluation --out e.md").ends_with(0);
    assert!(
        String::from_utf8(place.read("e.md"))
            .unwrap()
            .contains("AUROC")
    );
    place
        .run("report model.safetensors --out training.html")
        .ends_with(0);
    assert!(
        String::from_utf8(place.read("training.html"))
            .unwrap()
            .contains("EGBAD")
    );
    let ran = place.run("report evaluation --out e.pdf").ends_with(2);
    insta::assert_snapshot!(ran.stderr);
}

#[test]
fn the_doctor_knows_the_machine() {
    let json = Place::new().run("doctor --json").ends_with(0).json();
    assert!(json["environment"]["cores"].as_u64().unwrap() >= 1);
    assert!(json["egbad_training_samples_per_second"].as_f64().unwrap() > 0.0);
    assert_eq!(json["current_folder_writable"], true);
    assert_eq!(json["devices"][0], "cpu");
}

#[test]
fn a_threshold_is_not_applied_to_a_baselines_scores() {
    let place = with_model();
    place.write("flows.csv", flows(600, 0));
    place
        .run("train flows.csv --model pca --label-column label --out pca")
        .ends_with(0);
    let line = format!("{EVAL} --baseline pca --threshold 2.5");
    let json = place.run(&format!("{line} --json")).ends_with(0).json();
    let evaluation = &json["evaluation"];
    assert_eq!(evaluation["variants"][0]["metrics"]["threshold"], 2.5);
    let baseline = &evaluation["baselines"][0]["metrics"];
    assert!(baseline["threshold"].is_null() && baseline["f1"].is_null());
    assert!(baseline["auroc"].as_f64().unwrap() > 0.5);
    let text = place.run(&line).ends_with(0).stdout;
    assert!(
        text.contains("The threshold is in units of the score `combined`"),
        "{text}"
    );
}

#[test]
fn the_score_that_somebody_chose_is_not_called_recommended() {
    let place = with_model();
    let text = place
        .run(&format!("{EVAL} --score residual"))
        .ends_with(0)
        .stdout;
    assert!(text.contains("residual (in use)"), "{text}");
    assert!(text.contains("combined (recommended)"), "{text}");
}
