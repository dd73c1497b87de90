//! `unlike score`: the numbers, the formats, the decisions, the exit codes.

use serde_json::Value;
use unlike::Model;
use unlike_core::{Decision, Detector};

use crate::support::{Place, flows, with_model};

const SCORE: &str = "score model.safetensors new.csv";

/// The cells of a CSV text without quotes, below its header.
fn cells(text: &str) -> Vec<Vec<&str>> {
    text.lines()
        .skip(1)
        .map(|line| line.split(',').collect())
        .collect()
}

#[test]
fn the_file_holds_the_librarys_scores_bit_for_bit() {
    let place = with_model();
    let ran = place.run(SCORE).ends_with(0);
    let header = ran.stdout.lines().next().unwrap();
    assert_eq!(
        header,
        "id,score,p_value,q_value,anomalous,residual,feature,cross_entropy"
    );

    let model = Model::load(place.path("model.safetensors")).unwrap();
    let data = unlike_data::read(place.path("new.csv"), &Default::default()).unwrap();
    let scored = model.evaluate(data.samples()).unwrap();
    assert_eq!(model.score(data.samples()).unwrap(), scored.scores);
    let decision = Decision::FalseAlarms(model.calibration().smallest_rate().max(0.01));
    let decisions = decision
        .decide(&scored.scores, model.calibration())
        .unwrap();
    let rows = cells(&ran.stdout);
    assert_eq!(rows.len(), 200);
    for (i, row) in rows.iter().enumerate() {
        let number = |column: usize| row[column].parse::<f64>().unwrap().to_bits();
        assert_eq!(number(1), scored.scores[i].to_bits());
        assert_eq!(number(2), decisions.p_values[i].to_bits());
        assert_eq!(number(3), decisions.q_values[i].to_bits());
        assert_eq!(row[4], decisions.anomalous[i].to_string());
        assert_eq!(
            number(5),
            f64::from(scored.parts.get("residual").unwrap()[i]).to_bits()
        );
    }
}

#[test]
fn every_format_holds_the_same() {
    let place = with_model();
    let csv = place.run(SCORE).ends_with(0).stdout;
    for name in ["s.csv", "s.jsonl", "s.parquet"] {
        let ran = place.run(&format!("{SCORE} --out {name}")).ends_with(0);
        assert_eq!(ran.stdout, "", "{name}");
    }
    assert_eq!(place.read("s.csv"), csv.as_bytes());
    let lines = String::from_utf8(place.read("s.jsonl")).unwrap();
    for (line, row) in lines.lines().zip(cells(&csv)) {
        let object: Value = serde_json::from_str(line).unwrap();
        assert_eq!(object["id"], row[0]);
        assert_eq!(object["score"].as_f64(), row[1].parse().ok());
        assert_eq!(object["anomalous"].to_string(), row[4]);
    }
    let parquet = place.read("s.parquet");
    assert!(parquet.starts_with(b"PAR1") && parquet.ends_with(b"PAR1"));
    let json = place.run(&format!("{SCORE} --json")).ends_with(0).json();
    assert_eq!(json["rows"], 200);
    assert_eq!(json["scores"].as_array().unwrap().len(), 200);
    let json = place
        .run(&format!("{SCORE} --json --out s.csv --force"))
        .ends_with(0)
        .json();
    assert_eq!((&json["out"], json.get("scores")), (&"s.csv".into(), None));
}

#[test]
fn decisions_follow_the_options() {
    let place = with_model();
    let flagged = |options: &str| {
        let json = place
            .run(&format!("{SCORE} --json {options}"))
            .ends_with(0)
            .json();
        json["flagged"].as_u64().unwrap()
    };
    let csv = place.run(SCORE).ends_with(0).stdout;
    let column = |at: usize| -> Vec<f64> {
        cells(&csv)
            .iter()
            .map(|row| row[at].parse().unwrap())
            .collect()
    };
    let up_to = |at: usize, rate: f64| column(at).iter().filter(|v| **v <= rate).count() as u64;
    assert_eq!(flagged("--false-alarms 0.2"), up_to(2, 0.2));
    let smallest = column(3).into_iter().fold(1.0, f64::min);
    assert!(smallest < 1.0, "no rate below 1 flags a row");
    assert_eq!(flagged(&format!("--fdr {smallest}")), up_to(3, smallest));
    assert!(up_to(3, smallest) > 0);
    assert_eq!(flagged(&format!("--fdr {}", 0.9 * smallest)), 0);
    assert!(flagged("--false-alarms 0.2") > flagged("--false-alarms 0.05"));
    assert_eq!(flagged("--threshold 1e300"), 0);
    assert_eq!(flagged("--threshold -1e300"), 200);
    assert_ne!(
        place
            .run(&format!("{SCORE} --score paper"))
            .ends_with(0)
            .stdout,
        place.run(SCORE).ends_with(0).stdout
    );
}

#[test]
fn a_small_calibration_is_said_plainly() {
    let place = with_model();
    let ran = place.run(SCORE).ends_with(0);
    assert!(
        ran.stderr
            .contains("too few to promise a false-alarm rate of 0.01"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("flagging at 0.0"), "{}", ran.stderr);
}

#[test]
fn exit_codes_tell_whether_something_was_found() {
    let place = with_model();
    place
        .run(&format!("{SCORE} --fail-on-anomaly --threshold -1e300"))
        .ends_with(1);
    place
        .run(&format!("{SCORE} --fail-on-anomaly --threshold 1e300"))
        .ends_with(0);
    place
        .run(&format!("{SCORE} --threshold -1e300"))
        .ends_with(0);
}

#[test]
fn stdout_carries_data_only() {
    let place = with_model();
    let ran = place.run(SCORE).ends_with(0);
    assert!(
        ran.stdout.lines().all(|line| line.split(',').count() == 8),
        "{}",
        ran.stdout
    );
    insta::assert_snapshot!(ran.stderr);
}

#[test]
fn a_reader_that_has_read_enough_is_no_error() {
    let place = with_model();
    let ran = place.shell("unlike score model.safetensors new.csv 2> err | head -n 1");
    assert_eq!(ran.stdout.lines().count(), 1);
    let error = String::from_utf8(place.read("err")).unwrap();
    assert!(
        !error.contains("error") && !error.contains("panick"),
        "{error}"
    );
}

#[test]
fn explanations_name_columns_and_cells() {
    let place = with_model();
    place.write("odd.csv", "size,speed,colour\n0.5,1.0,red\n0.5,77.0,red\n");
    place
        .run("score model.safetensors odd.csv --out s.csv --explain why")
        .ends_with(0);
    let text = String::from_utf8(place.read("why/explanations.csv")).unwrap();
    assert!(
        text.starts_with("id,rank,column,contribution,share,found,typical\n"),
        "{text}"
    );
    let odd = text
        .lines()
        .find(|line| line.starts_with("3,1,"))
        .unwrap_or_else(|| panic!("{text}"));
    assert!(odd.contains(",speed,") && odd.contains(",77,"), "{odd}");
    place
        .run("score model.safetensors odd.csv --out s.jsonl --explain why")
        .ends_with(0);
    let text = String::from_utf8(place.read("why/explanations.jsonl")).unwrap();
    let second: Value = serde_json::from_str(text.lines().nth(1).unwrap()).unwrap();
    assert_eq!(
        (&second["id"], &second["reasons"][0]["column"]),
        (&"3".into(), &"speed".into())
    );
}

#[test]
fn scores_do_not_depend_on_threads() {
    let place: Place = with_model();
    let one = place
        .run(&format!("{SCORE} --threads 1"))
        .ends_with(0)
        .stdout;
    assert_eq!(
        place
            .run(&format!("{SCORE} --threads 2"))
            .ends_with(0)
            .stdout,
        one
    );
}

#[test]
fn a_bad_row_does_not_stop_the_night() {
    let place = with_model();
    let mut text = flows(20, 1000);
    text.push_str("0.5,much,red,0\n0.5,0.5\n,1,blue,0\n0.25,0.5,blue,0\n");
    place.write("new.csv", text);
    place.run("score model.safetensors new.csv").ends_with(2);
    let ran = place
        .run("score model.safetensors new.csv --bad-rows skip --json")
        .ends_with(0);
    let json = ran.json();
    assert_eq!(json["rows"], 21);
    assert_eq!(json["skipped"].as_array().unwrap().len(), 3);
    assert_eq!(json["skipped"][2]["row"], 24);
    assert_eq!(
        json["skipped"][2]["reason"],
        "column `size`: a missing value"
    );
    assert!(
        ran.stderr
            .contains("3 rows of 24 (row 22: column `speed`: `much`"),
        "{}",
        ran.stderr
    );
    assert_eq!(
        ran.stderr.matches("left out because").count(),
        1,
        "{}",
        ran.stderr
    );
}

#[test]
fn rows_that_cannot_be_read_are_reported_as_anomalous() {
    let place = with_model();
    let text = flows(4, 1000);
    let lines: Vec<&str> = text.lines().collect();
    place.write(
        "new.csv",
        format!(
            "{}\n0.5,much,red,0\n{}\n{}\n0.5,0.5\n{}\n",
            lines[0], lines[1], lines[2], lines[3]
        ),
    );
    let score = |more: &str| {
        place.run(&format!(
            "score model.safetensors new.csv --bad-rows flag --threshold 1000 {more}"
        ))
    };
    let ran = score("").ends_with(0);
    let rows: Vec<Vec<&str>> = ran.stdout.lines().map(|l| l.split(',').collect()).collect();
    let width = rows[0].len();
    assert_eq!(rows[0][width - 1], "reason");
    let ids: Vec<&str> = rows[1..].iter().map(|row| row[0]).collect();
    assert_eq!(ids, ["2", "3", "4", "5", "6"]);
    assert_eq!(rows[1][1..5], ["", "", "", "true"]);
    assert_eq!(rows[1][width - 1], "column `speed`: `much`");
    assert_eq!(rows[4][width - 1], "2 cells instead of 4");
    assert_eq!(rows[2][width - 1], "");
    assert!(
        ran.stderr.contains("2 rows of these could not be read"),
        "{}",
        ran.stderr
    );
    score("--fail-on-anomaly").ends_with(1);
    let json = score("--json").ends_with(0).json();
    assert_eq!((&json["rows"], &json["flagged"]), (&3.into(), &2.into()));
    assert_eq!(json["flagged_skipped"], 2);
    assert_eq!(json["scores"][0]["score"], serde_json::Value::Null);
    assert_eq!(json["scores"].as_array().unwrap().len(), 5);
    let notes = json["notes"].as_array().unwrap();
    let codes: Vec<&str> = notes.iter().map(|n| n["code"].as_str().unwrap()).collect();
    assert!(codes.contains(&"rows-left-out"), "{codes:?}");
    score("--out s.parquet").ends_with(0);
    let info = place.run("data info s.parquet --json").ends_with(0).json();
    assert_eq!(info["rows"], 5);
    // By their ids, where these can be read.
    let named = "name,size,speed,colour\nada,0.1,much,red\nbob,0.2,0.4,red\n";
    place.write("named.csv", named);
    let line = "score model.safetensors named.csv --bad-rows flag --id-column name";
    let ran = place.run(line).ends_with(0);
    assert!(ran.stdout.contains("\nada,,,,true,"), "{}", ran.stdout);
    // Nothing but bad rows, and nothing at all.
    place.write("bad.csv", "size,speed,colour\n1,2\n");
    let ran = place
        .run("score model.safetensors bad.csv --bad-rows flag")
        .ends_with(0);
    assert_eq!(ran.stdout.lines().count(), 2);
    place
        .run("score model.safetensors bad.csv --bad-rows skip")
        .ends_with(2);
    // Left out elsewhere, and counted there.
    place.write("flows.csv", flows(200, 0) + "1,2\n");
    let eval = place
        .run("eval model.safetensors flows.csv --label-column label --bad-rows flag --json")
        .ends_with(0)
        .json();
    let cautions = eval["evaluation"]["cautions"].to_string();
    assert!(
        cautions.contains("1 row that could not be read"),
        "{cautions}"
    );
    let ran = place
        .run("score model.safetensors new.csv --bad-rows skip --threshold 1000 --fail-on-anomaly");
    ran.ends_with(3);
}

#[test]
fn an_empty_batch_gives_an_empty_result_where_that_is_asked_for() {
    let place = with_model();
    place.write("header.csv", "colour,size,speed\n");
    place.write("nothing.csv", "");
    place.write("nothing.json", "[]");
    place.write("other.csv", "a,b\n");
    for name in ["header.csv", "nothing.csv", "nothing.json"] {
        let line = format!("score model.safetensors {name}");
        place.run(&line).ends_with(2);
        let ran = place
            .run(&format!("{line} --allow-empty --fail-on-anomaly --fdr 0.1"))
            .ends_with(0);
        assert_eq!(ran.stdout.lines().count(), 1, "{name}: {}", ran.stdout);
        assert!(ran.stdout.starts_with("id,score,"), "{}", ran.stdout);
        let json = place
            .run(&format!(
                "{line} --allow-empty --explain why --force --json"
            ))
            .ends_with(0)
            .json();
        assert_eq!(
            (&json["rows"], &json["scores"]),
            (&0.into(), &serde_json::json!([]))
        );
    }
    let ran = place
        .run("score model.safetensors header.csv --allow-empty --out s.parquet")
        .ends_with(0);
    assert!(!ran.stderr.contains("no value"), "{}", ran.stderr);
    // Columns are looked at all the same.
    let ran = place
        .run("score model.safetensors other.csv --allow-empty")
        .ends_with(2);
    assert!(ran.stderr.contains("no columns `size`"), "{}", ran.stderr);
}

#[test]
fn rows_in_both_parts_of_a_split_are_counted_aloud() {
    let place = with_model();
    let text = flows(50, 0);
    let rows = text.split_once('\n').unwrap().1;
    place.write("twice.csv", format!("{text}{rows}"));
    let ran = place
        .run("eval model.safetensors twice.csv --label-column label --split merged-80-20")
        .ends_with(0);
    assert!(
        ran.stderr
            .contains(" rows to test on equal rows to train on, value for value"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_budget_and_a_rate_that_can_flag_nothing_say_what_to_expect() {
    let place = with_model();
    let ran = place
        .run("score model.safetensors new.csv --budget 5 --json")
        .ends_with(0);
    let json = ran.json();
    assert!(json["flagged"].as_u64().unwrap() <= 5);
    assert!(json["expected_false_alarms"].as_f64().unwrap() > 0.0);
    assert!(
        ran.stderr.contains("if all 200 rows were normal, about "),
        "{}",
        ran.stderr
    );
    place
        .run("eval model.safetensors new.csv --label-column label --budget 20")
        .ends_with(0);
    // One row that stands out among many, and a calibration of some dozens.
    let mut text = flows(8, 1000);
    for _ in 0..60 {
        text.push_str("0.5,1.05,red,0\n");
    }
    place.write("new.csv", text + "0.5,99,red,1\n");
    let ran = place
        .run("score model.safetensors new.csv --fdr 0.02")
        .ends_with(0);
    assert!(
        ran.stderr
            .contains("no sample can be flagged at a false-discovery rate of 0.02"),
        "{}",
        ran.stderr
    );
}
