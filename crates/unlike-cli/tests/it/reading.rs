//! The same rows in other files are the same rows.

use crate::support::{Place, flows, gzip, with_model};

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
    let ran = place.run("score model.safetensors new.csv").ends_with(0);
    assert!(
        ran.stderr
            .contains("column `label` is not known to the model and ignored"),
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
