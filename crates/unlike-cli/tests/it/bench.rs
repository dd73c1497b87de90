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
