//! `unlike bench`: what it prints; how fast things are is no test's business.

use crate::support::Place;

#[test]
fn a_case_is_measured_under_its_name_and_unit() {
    let place = Place::new();
    let line = "bench speed --cases egbadkdd_score --json";
    let json = place.run(line).ends_with(0).json();
    let results = json["results"].as_array().unwrap();
    assert_eq!(results.len(), 1);
    assert_eq!(results[0]["case"], "egbadkdd_score");
    assert_eq!(results[0]["variant"], "unlike");
    assert_eq!(results[0]["unit"], "samples/s");
    assert!(results[0]["value"].as_f64().unwrap() > 0.0);

    let ran = place.run("bench speed --cases egbadkdd_train").ends_with(0);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{}", ran.stdout);
    assert!(lines[2].starts_with("egbadkdd_train ") && lines[2].ends_with(" samples/s"));
    assert!(
        lines.iter().all(|line| line.chars().count() <= 80),
        "{lines:?}"
    );
}

#[test]
fn an_unknown_case_is_refused_with_the_known_ones() {
    let ran = Place::new().run("bench speed --cases resnet").ends_with(2);
    assert!(ran.stderr.contains("ganomaly32_score1"), "{}", ran.stderr);
}

/// The bundled data.
const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data");

#[test]
fn tables_are_computed_cell_by_cell_and_kept() {
    let place = Place::new();
    let line =
        format!("bench tables {DATA} --models pca,ecod --seeds 0 --sets thyroid --out cells");
    let ran = place.run(&line).ends_with(0);
    assert!(
        ran.stdout.contains("| PCA, `distance` | 1 | 1 |"),
        "{}",
        ran.stdout
    );
    assert!(ran.stderr.contains("1 of 2"), "{}", ran.stderr);
    let cell = place.path("cells/tables/desk/thyroid/half/pca-rows-0.json");
    let before = std::fs::read_to_string(&cell).unwrap();
    assert!(before.contains("\"command\"") && before.contains("\"auroc\""));

    // Nothing is computed twice; and the tables go where they belong.
    let marks = "x\n<!-- cells of tables: begin -->\n<!-- cells of tables: end -->\ny\n";
    std::fs::write(place.path("R.md"), marks).unwrap();
    let again = format!("{line} --into R.md --html page.html");
    let ran = place.run(&again).ends_with(0);
    assert!(
        ran.stderr.contains("0 cells computed, 2 kept"),
        "{}",
        ran.stderr
    );
    assert_eq!(std::fs::read_to_string(&cell).unwrap(), before);
    let written = std::fs::read_to_string(place.path("R.md")).unwrap();
    assert!(written.starts_with("x\n") && written.ends_with("y\n") && written.contains("ECOD"));
    assert!(
        std::fs::read_to_string(place.path("page.html"))
            .unwrap()
            .contains("<table>")
    );

    // Without the marks nothing is written.
    std::fs::write(place.path("plain.md"), "mine\n").unwrap();
    let ran = place.run(&format!("{line} --into plain.md")).ends_with(2);
    assert!(
        ran.stderr.contains("cells of tables: begin"),
        "{}",
        ran.stderr
    );
    assert_eq!(
        std::fs::read_to_string(place.path("plain.md")).unwrap(),
        "mine\n"
    );
}

#[test]
fn what_a_benchmark_does_not_have_is_refused() {
    let place = Place::new();
    for (line, told) in [
        (
            format!("bench tables {DATA} --sets shuttle --models pca"),
            "`shuttle`",
        ),
        (
            format!("bench tables {DATA} --models patchcore"),
            "patchcore",
        ),
        ("bench tables nowhere --models pca".to_owned(), "nowhere"),
        ("bench survey --sets svhn".to_owned(), "svhn"),
        (
            "bench survey --sets mnist --classes eleven".to_owned(),
            "eleven",
        ),
    ] {
        let ran = place.run(&line).ends_with(2);
        assert!(ran.stderr.contains(told), "{line}: {}", ran.stderr);
    }
    // A set that is not there is a cell that failed, with its reason, and not the end of the others.
    let line =
        "bench survey --data nowhere --sets mnist --classes 1 --models pca --seeds 0 --out cells";
    let ran = place.run(line).ends_with(0);
    assert!(
        ran.stdout.contains("Failed: pca on mnist"),
        "{}",
        ran.stdout
    );
}
