//! The help of every command, as it stands on a terminal of 80 columns.

use crate::support::Place;

#[test]
fn every_command_explains_itself() {
    let place = Place::new();
    for command in [
        "",
        "quickstart",
        "train",
        "score",
        "eval",
        "calibrate",
        "report",
        "inspect",
        "compare",
        "sweep",
        "config",
        "data info",
        "doctor",
        "bench",
        "bench speed",
    ] {
        let ran = place.run(&format!("{command} --help")).ends_with(0);
        assert_eq!(ran.stderr, "");
        for line in ran.stdout.lines() {
            assert!(line.chars().count() <= 80, "{command}: {line}");
            assert!(line.trim_end() == line, "a line that was broken: {line}");
        }
        insta::assert_snapshot!(format!("help_{}", command.replace(' ', "_")), ran.stdout);
    }
}

#[test]
fn a_typing_mistake_is_answered_with_a_suggestion() {
    let place = Place::new();
    let lines = [
        "trian data.csv",
        "train data.csv --model pca --epoch 3",
        "score m d --fdr 0.1 --false-alarms 0.1",
    ];
    insta::assert_snapshot!(
        lines
            .map(|line| place.run(line).ends_with(2).stderr)
            .join("\n")
    );
}

#[test]
fn the_version_is_told() {
    let ran = Place::new().run("--version").ends_with(0);
    assert_eq!(
        ran.stdout,
        format!("unlike {}\n", env!("CARGO_PKG_VERSION"))
    );
}
