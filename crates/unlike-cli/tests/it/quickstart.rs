//! `unlike quickstart` on a small file of its own.

use crate::support::{Place, noise};

/// Records in the layout of KDD Cup 99, two attacks for every normal one.
fn kdd(rows: usize) -> String {
    let mut text = String::new();
    for i in 0..rows {
        let normal = i % 3 == 0;
        let service = if normal {
            "http"
        } else {
            ["ecr_i", "private"][i % 2]
        };
        text.push_str(&format!("{},tcp,{service},SF", i % 7));
        for column in 4..41 {
            let value = noise(41 * i + column) + if normal && column > 30 { 1.0 } else { 0.0 };
            match column {
                6 | 11 | 20 | 21 => text.push_str(",0"),
                _ => text.push_str(&format!(",{value:.3}")),
            }
        }
        text.push_str(if normal { ",normal.\n" } else { ",smurf.\n" });
    }
    text
}

#[test]
fn the_whole_line_runs_and_stands_beside_published_numbers_and_baselines() {
    let place = Place::new();
    place.write("records", kdd(1500));
    let line = "quickstart --data records --epochs 2 --out result";
    let ran = place.run(&format!("{line} --json")).ends_with(0);
    let json = ran.json();
    let names = |list: &str| -> Vec<String> {
        let list = json["evaluation"][list].as_array().unwrap().iter();
        list.map(|m| m["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names("variants")[..2], ["combined", "paper"]);
    assert_eq!(
        names("published"),
        [
            "EGBAD, its paper",
            "EGBAD, the survey",
            "GANomaly, the survey"
        ]
    );
    assert_eq!(
        names("baselines"),
        ["PCA", "k nearest neighbours", "isolation forest"]
    );
    assert_eq!(json["evaluation"]["published"][0]["f1"], 0.9372);
    assert_eq!(json["evaluation"]["published"][1]["f1"], 0.9486);
    assert_eq!(json["test_by_epoch"].as_array().unwrap().len(), 2);
    // The rule of the published numbers: a fifth of the test set is flagged.
    let metrics = &json["evaluation"]["variants"][0]["metrics"];
    let n = |key: &str| metrics[key].as_f64().unwrap();
    let flagged = n("recall") * n("n_anomalous") / n("precision");
    assert!(
        (flagged / (n("n_normal") + n("n_anomalous")) - 0.2).abs() < 0.01,
        "{flagged}"
    );
    assert!(
        json["run"]["protocol"]
            .as_str()
            .unwrap()
            .contains("`normal.`")
    );
    for file in [
        "model.safetensors",
        "report.html",
        "evaluation.json",
        "scores.csv",
        "config.toml",
    ] {
        assert!(place.path("result").join(file).exists(), "{file}");
    }

    // Again, as text: an earlier quickstart is replaced.
    let text = place.run(line).ends_with(0).stdout;
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    assert!(
        text.contains("Zenati") && text.contains("never sees it"),
        "{text}"
    );
}

#[test]
fn other_data_is_refused() {
    let place = Place::new();
    place.write("flows.csv", crate::support::flows(50, 0));
    let ran = place.run("quickstart --data flows.csv").ends_with(2);
    assert!(ran.stderr.contains("error: `flows.csv`"), "{}", ran.stderr);
    assert_eq!(place.files(), ["flows.csv"]);
    assert!(!place.path("runs").exists());
}
