//! What flags samples: groups, folds, ties, thresholds that labels choose, probabilities.

use crate::support::{Place, flows, noise, with_model};

/// Rows of two machines, of which the second runs hotter; every so-many-th is far too hot.
fn machines(rows: usize, from: usize, odd: usize) -> String {
    let mut text = "machine,heat,load,label\n".to_owned();
    for i in from..from + rows {
        let machine = ["a", "b"][i % 2];
        let anomalous = i % odd == odd - 1;
        let heat = noise(3 * i) * if machine == "b" { 3.0 } else { 1.0 }
            + if anomalous { 9.0 } else { 0.0 };
        let load = noise(3 * i + 1);
        text.push_str(&format!(
            "{machine},{heat:.4},{load:.4},{}\n",
            u8::from(anomalous)
        ));
    }
    text
}

#[test]
fn each_group_is_compared_with_its_own_normals() {
    let place = Place::new();
    place.write("train.csv", machines(2000, 0, usize::MAX));
    place.write("new.csv", machines(1000, 10_000, usize::MAX));
    place.write(
        "other.csv",
        machines(40, 20_000, usize::MAX).replace("a,", "c,"),
    );
    let train = "train train.csv --model knn --label-column label --drop-columns machine";
    place.run(&format!("{train} --out pooled")).ends_with(0);
    let ran = place
        .run(&format!("{train} --out grouped --calibrate-by machine"))
        .ends_with(0);
    assert!(
        ran.stderr.contains("2 groups by `machine`, of "),
        "{}",
        ran.stderr
    );
    let flagged = |model: &str| {
        let json = place
            .run(&format!("score {model} new.csv --false-alarms 0.1 --json"))
            .ends_with(0)
            .json();
        let flag = |group: usize| {
            let rows = json["scores"]
                .as_array()
                .unwrap()
                .iter()
                .skip(group)
                .step_by(2);
            rows.filter(|row| row["anomalous"] == true).count()
        };
        (flag(0), flag(1), json)
    };
    let (a, b, _) = flagged("pooled");
    assert!(b > 2 * a, "pooled: {a} of a, {b} of b");
    let (a, b, json) = flagged("grouped");
    assert!(
        (20..90).contains(&a) && (20..90).contains(&b),
        "grouped: {a} of a, {b} of b"
    );
    assert_eq!(
        (&json["threshold"], &json["false_alarm_range"]),
        (&().into(), &().into())
    );
    // What was promised is held against what came of it, machine by machine.
    place.write("labelled.csv", machines(1000, 30_000, 20));
    let eval = "eval grouped labelled.csv --label-column label";
    let ran = place.run(&format!("{eval} --out measured")).ends_with(0);
    assert!(ran.stdout.contains("Decisions by group"), "{}", ran.stdout);
    let json = place.run(&format!("{eval} --json")).ends_with(0).json();
    let by_group = &json["evaluation"]["by_group"];
    assert_eq!(by_group["by"], "machine");
    // Where groups have thresholds of their own, there is no slider for one.
    assert!(json["evaluation"]["thresholds"].is_null());
    for (at, name) in ["a", "b"].into_iter().enumerate() {
        let group = &by_group["groups"][at];
        assert_eq!(group["group"], name);
        assert!(group["n_held_out"].as_u64().unwrap() > 50, "{group}");
        assert!(group["n_normal"].as_u64().unwrap() > 400, "{group}");
        let tenth = &group["rates"][3];
        assert_eq!(tenth["promised"], 0.1);
        let observed = tenth["observed"].as_f64().unwrap();
        assert!((0.03..0.2).contains(&observed), "{group}");
    }
    let page = String::from_utf8(place.read("measured/report.html")).unwrap();
    assert!(page.contains("<h3>By group</h3>") && page.contains("group by machine"));
    let none = place
        .run("eval pooled labelled.csv --label-column label")
        .ends_with(0);
    assert!(!none.stdout.contains("by group"), "{}", none.stdout);
    // A machine that nothing is known of, and a rate that no group can promise.
    let ran = place.run("score grouped other.csv").ends_with(0);
    assert!(
        ran.stderr
            .contains("20 rows of groups by `machine` without held-out normals"),
        "{}",
        ran.stderr
    );
    assert!(
        !ran.stderr.contains("is not known to the model"),
        "{}",
        ran.stderr
    );
    place
        .run("score grouped new.csv --false-alarms 0.001")
        .ends_with(2);
    let ran = place
        .run("eval grouped new.csv --label-column label --json")
        .ends_with(2);
    assert!(
        ran.stderr.contains("anomalous samples to measure on"),
        "{}",
        ran.stderr
    );
    // Other normals, grouped or not.
    let line = "calibrate grouped new.csv --label-column label --out";
    let json = place.run(&format!(
        "{line} by.safetensors --calibrate-by machine --json"
    ));
    let json = json.ends_with(0).json();
    assert_eq!(
        json["groups"]["held_out"],
        serde_json::json!({"a": 500, "b": 500})
    );
    let json = place
        .run(&format!("{line} all.safetensors --json"))
        .ends_with(0)
        .json();
    assert_eq!(json["groups"], serde_json::Value::Null);
    assert_eq!(
        json["notes"].to_string().matches("groups-dropped").count(),
        1
    );
    let ran = place.run("inspect by.safetensors").ends_with(0);
    assert!(
        ran.stdout.contains("2 groups by `machine`"),
        "{}",
        ran.stdout
    );
    let ran = place
        .run(&format!("{line} no.safetensors --calibrate-by engine"))
        .ends_with(2);
    assert!(ran.stderr.contains("no column `engine`"), "{}", ran.stderr);
}

#[test]
fn few_normals_calibrate_by_folds() {
    let place = Place::new();
    place.write("few.csv", machines(60, 0, usize::MAX));
    place.write("new.csv", machines(200, 5000, 10));
    let train = "train few.csv --model knn --label-column label";
    let ran = place
        .run(&format!("{train} --folds 6 --out run --json"))
        .ends_with(0);
    let json = ran.json();
    assert_eq!(json["folds"], 6);
    assert!(json["smallest_false_alarm_rate"].as_f64().unwrap() < 0.02);
    assert!(
        ran.stderr.contains("cross-conformal, by 6 folds"),
        "{}",
        ran.stderr
    );
    let json = place
        .run("score run new.csv --false-alarms 0.05 --json")
        .ends_with(0)
        .json();
    assert!(
        (20..40).contains(&json["flagged"].as_u64().unwrap()),
        "{}",
        json["flagged"]
    );
    // Held out once, six of them promise nothing below 1/7.
    place.run(&format!("{train} --out once")).ends_with(0);
    place
        .run("score once new.csv --false-alarms 0.05")
        .ends_with(2);
    for folds in ["1", "61"] {
        let ran = place
            .run(&format!("{train} --folds {folds} --out no"))
            .ends_with(2);
        assert!(
            ran.stderr.contains("from 2 to the 60 normals"),
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn labels_choose_thresholds_and_tell_probabilities() {
    let place = with_model();
    place.write("labelled.csv", flows(300, 3000));
    for (aim, least) in [
        ("f1", "f1"),
        ("recall=0.9", "recall"),
        ("cost=10:1", "recall"),
    ] {
        let line = "eval model.safetensors labelled.csv --label-column label --json";
        let ran = place
            .run(&format!("{line} --choose-threshold {aim}"))
            .ends_with(0);
        let chosen = &ran.json()["evaluation"]["chosen_threshold"];
        assert!(chosen[least].as_f64().unwrap() > 0.4, "{aim}: {chosen}");
        let threshold = chosen["threshold"].as_f64().unwrap();
        assert!(
            ran.stderr.contains(&format!("--threshold {threshold:?}")),
            "{}",
            ran.stderr
        );
        let flagged = place
            .run(&format!(
                "score model.safetensors labelled.csv --json --threshold {threshold:?}"
            ))
            .ends_with(0)
            .json();
        assert_eq!(flagged["flagged"], chosen["flagged"]);
    }
    let line = "eval model.safetensors labelled.csv --label-column label";
    let ran = place
        .run(&format!("{line} --choose-threshold best"))
        .ends_with(2);
    assert!(
        ran.stderr
            .contains("`choose-threshold` is `best`; expected f1"),
        "{}",
        ran.stderr
    );

    let calibrate = "calibrate model.safetensors labelled.csv --label-column label";
    place
        .run(&format!(
            "{calibrate} --probabilities --out probable.safetensors"
        ))
        .ends_with(0);
    let ran = place.run("score probable.safetensors new.csv").ends_with(0);
    let header: Vec<&str> = ran.stdout.lines().next().unwrap().split(',').collect();
    assert_eq!(
        header[5..8],
        ["probability", "probability_low", "probability_high"]
    );
    let rows: Vec<Vec<f64>> = ran
        .stdout
        .lines()
        .skip(1)
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            [1, 5, 6, 7].map(|at| cells[at].parse().unwrap()).to_vec()
        })
        .collect();
    for pair in rows.windows(2) {
        let (a, b) = (&pair[0], &pair[1]);
        assert!(a[2] <= a[1] && a[1] <= a[3]);
        assert!(
            a[0] > b[0] || a[1] <= b[1],
            "more probable with a higher score: {a:?} {b:?}"
        );
    }
    place
        .run("score probable.safetensors new.csv --out s.parquet")
        .ends_with(0);
    let ran = place.run("inspect probable.safetensors").ends_with(0);
    assert!(
        ran.stdout
            .contains("from 270 normal and 30 anomalous samples"),
        "{}",
        ran.stdout
    );
    // Of another score they say nothing.
    let ran = place
        .run("score probable.safetensors new.csv --score residual")
        .ends_with(0);
    assert!(!ran.stdout.contains("probability"), "{}", ran.stdout);
    let ran = place
        .run("calibrate model.safetensors new.csv --drop-columns label --probabilities --out x");
    ran.ends_with(2);
}

#[test]
fn ties_and_storeys_estimate_are_options() {
    let place = with_model();
    let flagged = |more: &str| {
        let ran = place.run(&format!("score model.safetensors new.csv --json {more}"));
        ran.ends_with(0).json()
    };
    let (plain, storey) = (flagged("--fdr 0.2"), flagged("--fdr 0.2 --storey"));
    assert!(storey["flagged"].as_u64() >= plain["flagged"].as_u64());
    assert_eq!(storey["decision"], serde_json::json!({"fdr-storey": 0.2}));
    let above = flagged("--false-alarms 0.1 --ties above");
    assert!(above["threshold"].is_number());
    let [low, high] = [0, 1].map(|i| above["false_alarm_range"][i].as_f64().unwrap());
    assert!(low < 0.1 && 0.1 < high);
    let random = flagged("--false-alarms 0.1 --ties random");
    assert_eq!(random["threshold"], serde_json::Value::Null);
    // The same again, and each p-value no larger than if all that tie counted.
    assert_eq!(
        random["scores"],
        flagged("--false-alarms 0.1 --ties random")["scores"]
    );
    let p = |json: &serde_json::Value| -> Vec<f64> {
        let rows = json["scores"].as_array().unwrap().iter();
        rows.map(|row| row["p_value"].as_f64().unwrap()).collect()
    };
    assert!(
        p(&random)
            .iter()
            .zip(p(&above))
            .all(|(random, above)| *random <= above)
    );
    place
        .run("score model.safetensors new.csv --storey")
        .ends_with(2);
    place
        .run("score model.safetensors new.csv --ties up")
        .ends_with(2);
}
