//! The same rows in other files are the same rows.

use crate::support::{Place, flows, gzip, noise, with_model};

#[test]
fn line_ends_byte_order_marks_and_compression_change_nothing() {
    let place = with_model();
    let text = flows(200, 1000);
    place.write("crlf.csv", text.replace('\n', "\r\n"));
    place.write("bom.csv", format!("\u{feff}{text}"));
    place.write("packed.csv.gz", gzip(&text));
    place.write("packed-without-the-name.csv", gzip(&text));
    let semicolons = text.replace(',', ";");
    place.write("semicolons.csv", semicolons);
    let expected = place
        .run("score model.safetensors new.csv")
        .ends_with(0)
        .stdout;
    for name in [
        "crlf.csv",
        "bom.csv",
        "packed.csv.gz",
        "packed-without-the-name.csv",
        "semicolons.csv",
    ] {
        let found = place
            .run(&format!("score model.safetensors {name}"))
            .ends_with(0)
            .stdout;
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn columns_are_found_by_name() {
    let place = with_model();
    place.write(
        "ordered.csv",
        "size,speed,colour\n0.1,0.2,red\n0.9,0.1,blue\n",
    );
    place.write(
        "reordered.csv",
        "colour,size,speed\nred,0.1,0.2\nblue,0.9,0.1\n",
    );
    let score = |name: &str| {
        place
            .run(&format!("score model.safetensors {name}"))
            .ends_with(0)
            .stdout
    };
    assert_eq!(score("ordered.csv"), score("reordered.csv"));
}

#[test]
fn an_unseen_category_counts_as_other_and_is_counted() {
    let place = with_model();
    place.write(
        "new.csv",
        "size,speed,colour\n0.1,0.2,violet\n0.2,0.4,red\n0.1,0.2,violet\n",
    );
    let ran = place.run("score model.safetensors new.csv").ends_with(0);
    assert_eq!(ran.stdout.lines().count(), 4);
    assert!(
        ran.stderr.contains("column `colour`: 2 rows"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("violet"), "{}", ran.stderr);
}

#[test]
fn columns_that_the_model_does_not_know_are_ignored_aloud() {
    let place = with_model();
    let text = flows(20, 0).replacen("label", "weather", 1);
    place.write("new.csv", text);
    let ran = place.run("score model.safetensors new.csv").ends_with(0);
    assert!(
        ran.stderr
            .contains("column `weather` is not known to the model and ignored"),
        "{}",
        ran.stderr
    );
}

#[test]
fn ids_come_from_the_file() {
    let place = with_model();
    place.write(
        "named.csv",
        "name,size,speed,colour\nada,0.1,0.2,red\n\"bob, jr\",0.9,0.1,blue\n",
    );
    let ran = place
        .run("score model.safetensors named.csv --id-column name")
        .ends_with(0);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(
        lines[1].starts_with("ada,") && lines[2].starts_with("\"bob, jr\","),
        "{}",
        ran.stdout
    );
    // Without, rows are called by their line in the file; the header is line 1.
    let ran = place.run("score model.safetensors named.csv").ends_with(0);
    assert!(
        ran.stdout.lines().nth(1).unwrap().starts_with("2,"),
        "{}",
        ran.stdout
    );
}

#[test]
fn data_info_counts_what_is_there() {
    let place = Place::new();
    place.write("flows.csv", flows(200, 0));
    let ran = place
        .run("data info flows.csv --label-column label")
        .ends_with(0);
    insta::assert_snapshot!(ran.stdout);
    let json = place
        .run("data info flows.csv --label-column label --json")
        .ends_with(0)
        .json();
    assert_eq!(
        (&json["rows"], &json["anomalous"]),
        (&200.into(), &20.into())
    );
    let ran = place.run("data info flows.csv").ends_with(0);
    assert!(ran.stderr.contains("looks like labels"), "{}", ran.stderr);
}

/// Rows of `id,amount,kind,state`, with -999 where a value is missing and one row in ten bad.
fn orders(rows: usize) -> String {
    let mut text = "id;amount;kind;state\n".to_owned();
    for i in 0..rows {
        let amount = match i % 7 {
            3 => "-999".to_owned(),
            _ => format!("{:.2}", 10.0 * noise(i)).replace('.', ","),
        };
        let state = if i % 10 == 9 { "bad" } else { "ok" };
        text.push_str(&format!("order-{i};{amount};{};{state}\n", i % 3));
    }
    text
}

#[test]
fn what_training_was_told_the_model_knows() {
    let place = Place::new();
    place.write("orders.csv", orders(300));
    let told = "--id-column id --label-column state --normal-label ok --category-columns kind --missing -999";
    place
        .run(&format!(
            "train orders.csv --model knn --seed -1 {told} --out run"
        ))
        .ends_with(0);
    // Not told again: a missing value, numbers with commas, a category, ids.
    place.write(
        "new.csv",
        "id;amount;kind\nA;-999,0;1.0\nB;5,5;2\nC;1.000,25;2\n",
    );
    let ran = place.run("score run new.csv --json").ends_with(0);
    let scores = ran.json()["scores"].as_array().unwrap().clone();
    let ids: Vec<&str> = scores.iter().map(|s| s["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["A", "B", "C"]);
    let p = |i: usize| scores[i]["p_value"].as_f64().unwrap();
    assert!(p(0) > 0.1 && p(1) > 0.1 && p(2) < 0.05, "{scores:?}");
    assert!(
        ran.stderr
            .contains("column `amount`: 1 of 3 values far from the training range")
    );
    let json = place.run("eval run orders.csv --json").ends_with(0).json();
    assert_eq!(
        json["evaluation"]["variants"][0]["metrics"]["n_anomalous"],
        30
    );
    // What is said now wins.
    let ran = place.run("score run new.csv --missing x").ends_with(0);
    assert!(
        ran.stderr
            .contains("in training, it was --missing -999; here it is --missing x"),
        "{}",
        ran.stderr
    );
    // Going on needs no options, and neither does another model with the same settings.
    place
        .run("train orders.csv --resume --out run")
        .ends_with(0);
    place
        .run("train orders.csv --config run/config.toml --out again")
        .ends_with(0);
    assert_eq!(
        place.read("run/model.safetensors"),
        place.read("again/model.safetensors")
    );
}

#[test]
fn calibrating_on_what_was_trained_on_is_told() {
    let place = Place::new();
    place.write("flows.csv", flows(300, 0));
    place.write("other.csv", flows(300, 5000));
    place
        .run("train flows.csv --model pca --label-column label --out run")
        .ends_with(0);
    // The same rows in another order, a third of them, and others.
    let all = flows(300, 0);
    let mut lines: Vec<&str> = all.lines().collect();
    lines[1..].reverse();
    place.write("shuffled.csv", lines.join("\n"));
    place.write("third.csv", lines[..101].join("\n"));
    for (name, seen) in [
        (
            "flows.csv",
            "holds exactly the normal samples that the model was trained on",
        ),
        (
            "shuffled.csv",
            "100 % of the normal samples in `shuffled.csv` equal samples",
        ),
        (
            "third.csv",
            "100 % of the normal samples in `third.csv` equal samples",
        ),
        ("other.csv", ""),
    ] {
        let line = format!("calibrate run {name} --out {name}.safetensors");
        let ran = place.run(&line).ends_with(0);
        assert_eq!(
            ran.stderr.contains("trained on"),
            !seen.is_empty(),
            "{}",
            ran.stderr
        );
        assert!(ran.stderr.contains(seen), "{}", ran.stderr);
    }
}

#[test]
fn several_files_are_read_one_after_the_other() {
    let place = with_model();
    let text = flows(30, 1000);
    let (header, rows) = text.split_once('\n').unwrap();
    let lines: Vec<&str> = rows.lines().collect();
    for (name, part) in [("day/1.csv", &lines[..10]), ("day/2.csv", &lines[10..])] {
        place.write(name, format!("{header}\n{}\n", part.join("\n")));
    }
    let columns = |stdout: &str, from: usize| -> Vec<String> {
        let lines = stdout.lines().skip(1);
        let line = |line: &str| line.split(',').skip(from).collect::<Vec<_>>().join(",");
        lines.map(line).collect()
    };
    place.write("all.csv", &text);
    let one = place.run("score model.safetensors all.csv").ends_with(0);
    for line in ["day/1.csv day/2.csv", "day/?.csv"] {
        let ran = place
            .run(&format!("score model.safetensors {line}"))
            .ends_with(0);
        assert_eq!(columns(&ran.stdout, 1), columns(&one.stdout, 1));
        assert!(ran.stdout.contains("\n2.csv:2,"), "{}", ran.stdout);
        assert!(
            ran.stderr
                .contains("2 files read one after the other: `1.csv`, `2.csv`")
        );
    }
    // What is read is not written over, whichever file it is.
    let ran = place
        .run("score model.safetensors day/*.csv --out day/2.csv --force")
        .ends_with(2);
    assert!(
        ran.stderr.contains("day/2.csv`, which is read"),
        "{}",
        ran.stderr
    );
    let ran = place
        .run("train day/1.csv day/2.csv --model pca --label-column label")
        .ends_with(0);
    assert!(
        ran.stderr.contains("27 of 30 samples, labelled normal"),
        "{}",
        ran.stderr
    );
    assert!(
        place
            .files()
            .contains(&"runs/pca-1/model.safetensors".to_owned())
    );
    let ran = place
        .run("score model.safetensors nothing/*.csv --json")
        .ends_with(2);
    assert!(
        ran.stderr
            .contains("`nothing/*.csv`, which matches nothing"),
        "{}",
        ran.stderr
    );
}

#[test]
fn what_was_scored_can_be_scored_again_as_parquet() {
    let place = with_model();
    place
        .run("score model.safetensors new.csv --out first.parquet")
        .ends_with(0);
    place
        .run("train first.parquet --model knn --drop-columns anomalous --id-column id --out run")
        .ends_with(0);
    let ran = place
        .run("score run first.parquet --json")
        .ends_with(0)
        .json();
    assert_eq!(ran["rows"], 200);
    assert_eq!(ran["scores"][0]["id"], "2");
    let info = place
        .run("data info first.parquet --json")
        .ends_with(0)
        .json();
    assert_eq!(info["format"], "parquet");
    assert_eq!(info["layout"], "columns with names and types");
}

#[test]
fn names_in_files_do_not_move_the_cursor() {
    let place = Place::new();
    let rows: String = (0..60)
        .map(|i| format!("{i},{},t\u{1b}[8m{}\n", i * i % 7, i % 2))
        .collect();
    place.write("odd.csv", format!("a\u{1b}[2Jb,c\u{202e}d,e\n{rows}"));
    let info = place.run("data info odd.csv").ends_with(0);
    place
        .run("train odd.csv --model pca --out run")
        .ends_with(0);
    let inspected = place.run("inspect run").ends_with(0);
    place.write("other.csv", "a\u{1b}[2Jx,e\n1,2\n");
    let failed = place.run("score run other.csv").ends_with(2);
    for ran in [info, inspected, failed] {
        let said = ran.stdout + &ran.stderr;
        assert!(!said.contains(['\u{1b}', '\u{202e}']), "{said:?}");
        assert!(said.contains("a\\u{1b}[2J"), "{said}");
    }
}

#[test]
fn texts_of_any_length_are_shown_in_a_line() {
    let place = Place::new();
    let mut text = "a,b\n".to_owned();
    for i in 0..30 {
        let cell = if i == 7 {
            "q".repeat(100_000)
        } else {
            "p".into()
        };
        text.push_str(&format!("{cell},{i}.5\n"));
    }
    place.write("t.csv", text);
    let ran = place.run("data info t.csv").ends_with(0);
    assert!(ran.stdout.contains("2 levels: p (29)"), "{}", ran.stdout);
    assert!(ran.stdout.len() < 2000, "{} bytes", ran.stdout.len());
}

#[test]
fn many_notes_of_a_kind_are_counted() {
    let place = Place::new();
    let names: Vec<String> = (0..40).map(|i| format!("c{i}")).collect();
    let row = format!("1.5{}\n", ",".repeat(39));
    place.write("t.csv", names.join(",") + "\n" + &row.repeat(30));
    let ran = place.run("data info t.csv").ends_with(0);
    assert_eq!(ran.stderr.matches("has no value in any row").count(), 10);
    let more = "29 more notes of the kind `column-without-values`";
    assert!(ran.stderr.contains(more), "{}", ran.stderr);
    let json = place.run("data info t.csv --json").ends_with(0).json();
    assert_eq!(json["notes"].as_array().unwrap().len(), 39);
}
