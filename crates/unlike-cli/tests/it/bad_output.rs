//! Places that cannot be written to: the user hears of it early, and nothing is left half-written.

use crate::support::{Place, flows, model, ready_to_train, with_model};

const TRAIN: &str = "train flows.csv --model egbad --config small.toml --label-column label";

#[test]
fn a_folder_below_a_file() {
    let place = ready_to_train(300);
    let before = place.files();
    let ran = place
        .run(&format!("{TRAIN} --out flows.csv/run"))
        .ends_with(2);
    insta::assert_snapshot!(ran.stderr);
    assert_eq!(place.files(), before);

    let place = with_model();
    let before = place.files();
    for line in [
        "score model.safetensors new.csv --out new.csv/scores.csv",
        "score model.safetensors new.csv --explain new.csv/why",
        "eval model.safetensors new.csv --label-column label --out new.csv/evaluation",
        "calibrate model.safetensors new.csv --label-column label --out new.csv/model2",
        "report model.safetensors --out new.csv/report.html",
    ] {
        let ran = place.run(line).ends_with(2);
        assert!(
            ran.stderr.contains("error: cannot create `new.csv/"),
            "{line}: {}",
            ran.stderr
        );
        assert!(ran.stderr.contains("hint: "), "{line}: {}", ran.stderr);
        assert_eq!(place.files(), before, "{line}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_read_only_file_system() {
    let place = ready_to_train(300);
    let before = place.files();
    // Nobody can create files there, not even root.
    let ran = place
        .run(&format!("{TRAIN} --out /proc/unlike-test"))
        .ends_with(2);
    assert!(
        ran.stderr
            .contains("error: cannot create `/proc/unlike-test"),
        "{}",
        ran.stderr
    );
    assert_eq!(place.files(), before);
}

#[test]
fn a_full_disk_while_saving_a_model() {
    // Files may grow to four blocks; a write beyond is an error as on a full disk.
    let place = ready_to_train(300);
    let line = format!("trap '' XFSZ; ulimit -f 4; unlike {TRAIN} --out run");
    let ran = place.shell(&line).ends_with(2);
    assert!(
        ran.stderr.contains("error: cannot write `run/"),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr.contains("hint: free some space"),
        "{}",
        ran.stderr
    );
    assert!(!place.path("run/model.safetensors").exists());
    assert_eq!(temporary(&place), Vec::<String>::new());
}

#[test]
fn a_full_disk_leaves_the_old_model() {
    let place = with_model();
    let line = "trap '' XFSZ; ulimit -f 4; unlike calibrate model.safetensors new.csv \
                --label-column label";
    let ran = place.shell(line).ends_with(2);
    assert!(
        ran.stderr
            .contains("error: cannot write `model.safetensors`"),
        "{}",
        ran.stderr
    );
    assert_eq!(place.read("model.safetensors"), model());
    assert_eq!(temporary(&place), Vec::<String>::new());
}

#[test]
fn a_full_disk_while_writing_scores() {
    let place = with_model();
    let line = "trap '' XFSZ; ulimit -f 4; unlike score model.safetensors new.csv --out scores.csv";
    let ran = place.shell(line).ends_with(2);
    assert!(
        ran.stderr.contains("error: cannot write `scores.csv`"),
        "{}",
        ran.stderr
    );
    assert!(!place.path("scores.csv").exists());
    assert_eq!(temporary(&place), Vec::<String>::new());
}

#[test]
fn a_folder_that_holds_a_training() {
    let place = with_model();
    place.write("flows.csv", flows(300, 0));
    std::fs::create_dir(place.path("run")).unwrap();
    place.write("run/model.safetensors", model());
    let line = "train flows.csv --model pca --label-column label --out run";
    insta::assert_snapshot!(place.run(line).ends_with(2).stderr);
    assert_eq!(place.read("run/model.safetensors"), model());
    place.run(&format!("{line} --overwrite")).ends_with(0);
    assert_ne!(place.read("run/model.safetensors"), model());
}

#[test]
fn what_is_read_is_not_written_over_under_any_name() {
    let place = with_model();
    place
        .run("eval model.safetensors new.csv --label-column label --out evaluation")
        .ends_with(0);
    std::fs::copy(place.path("new.csv"), place.path("evaluation/scores.csv")).unwrap();
    std::fs::create_dir(place.path("run")).unwrap();
    std::fs::hard_link(place.path("model.safetensors"), place.path("run/model.csv")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("new.csv", place.path("link.csv")).unwrap();
    #[cfg(not(unix))]
    std::fs::hard_link(place.path("new.csv"), place.path("link.csv")).unwrap();
    std::fs::create_dir(place.path("why")).unwrap();
    std::fs::hard_link(place.path("new.csv"), place.path("why/explanations.csv")).unwrap();
    let before = place.files();
    let contents: Vec<_> = before.iter().map(|file| place.read(file)).collect();
    for line in [
        "score model.safetensors new.csv --out new.csv",
        "score model.safetensors new.csv --out run/../new.csv",
        "score model.safetensors new.csv --out link.csv",
        "score model.safetensors link.csv --out new.csv",
        "score model.safetensors new.csv --out run/model.csv",
        "score model.safetensors new.csv --explain why",
        "eval model.safetensors evaluation/scores.csv --label-column label --out evaluation",
        "calibrate model.safetensors new.csv --label-column label --out link.csv",
        "report evaluation --out evaluation/evaluation.json",
        "report evaluation/evaluation.json --out evaluation/evaluation.json",
    ] {
        let ran = place.run(line).ends_with(2);
        assert!(
            ran.stderr.contains(", which is read: `"),
            "{line}: {}",
            ran.stderr
        );
        assert!(ran.stderr.contains("\nhint: "), "{line}: {}", ran.stderr);
        assert_eq!(place.files(), before, "{line}");
        for (file, content) in before.iter().zip(&contents) {
            assert!(place.read(file) == *content, "{line}: {file}");
        }
    }
}

#[test]
fn a_training_writes_over_nothing_that_it_reads_or_that_is_not_its_own() {
    let place = ready_to_train(100);
    // The data, and the settings, under names that a run folder has.
    place.write("metrics.jsonl", flows(100, 0));
    place.write("config.toml", "model = { model = \"pca\" }\n");
    place.write("mine/report.html", "mine");
    place.write("mine/notes.txt", "mine");
    let before = place.files();
    let contents: Vec<_> = before.iter().map(|file| place.read(file)).collect();
    for (line, expected) in [
        (
            "train metrics.jsonl --format csv --model pca --label-column label --out .",
            "which is read: `",
        ),
        (
            "train metrics.jsonl --format csv --model pca --label-column label --out . --overwrite",
            "which is read: `",
        ),
        (
            "train flows.csv --config config.toml --label-column label --out . --overwrite",
            "which is read: `",
        ),
        (
            "train flows.csv --model pca --label-column label --out .",
            "that no training wrote",
        ),
        (
            "train flows.csv --model pca --label-column label --out mine",
            "that no training wrote",
        ),
        (
            "quickstart --data flows.csv --out mine",
            "that no training wrote",
        ),
    ] {
        let ran = place.run(line).ends_with(2);
        assert!(ran.stderr.contains(expected), "{line}: {}", ran.stderr);
        assert!(ran.stderr.contains("\nhint: "), "{line}: {}", ran.stderr);
        assert_eq!(place.files(), before, "{line}");
        for (file, content) in before.iter().zip(&contents) {
            assert!(place.read(file) == *content, "{line}: {file}");
        }
    }
    // Where it is wanted, and beside files of other names.
    place
        .run("train flows.csv --model pca --label-column label --out mine --overwrite")
        .ends_with(0);
    assert_eq!(place.read("mine/notes.txt"), b"mine");
    // The settings of the training that a folder holds may be those of the next.
    place
        .run("train flows.csv --config mine/config.toml --out mine --overwrite")
        .ends_with(0);
}

#[test]
fn results_that_are_there_are_replaced_only_where_that_is_wanted() {
    let place = with_model();
    place.write("model2.safetensors", model());
    place.write("empty.csv", "");
    place
        .run("score model.safetensors new.csv --out empty.csv")
        .ends_with(0);
    for (line, file) in [
        ("score model.safetensors new.csv --out out.csv", "out.csv"),
        (
            "score model.safetensors new.csv --explain why",
            "why/explanations.csv",
        ),
        (
            "eval model.safetensors new.csv --label-column label --out e",
            "e/scores.csv",
        ),
        (
            "eval model.safetensors new.csv --label-column label --out e",
            "e/report.html",
        ),
        (
            "calibrate model.safetensors new.csv --label-column label --out c.safetensors",
            "c.safetensors",
        ),
        ("report e --out r.md", "r.md"),
    ] {
        if !place.path(file).exists() {
            place.run(line).ends_with(0);
        }
        place.write(file, "an older result");
        let ran = place.run(line).ends_with(2);
        assert!(
            ran.stderr.contains("which is there already"),
            "{line}: {}",
            ran.stderr
        );
        assert!(
            ran.stderr.contains("hint: --force"),
            "{line}: {}",
            ran.stderr
        );
        assert_eq!(place.read(file), b"an older result", "{line}");
        place.run(&format!("{line} --force")).ends_with(0);
        assert_ne!(place.read(file), b"an older result", "{line}");
    }
    // These renew what they are given.
    place
        .run("calibrate model.safetensors new.csv --label-column label --out ./model.safetensors")
        .ends_with(0);
    place.run("report e").ends_with(0);
    // Beside what is read, whatever is wanted.
    std::fs::hard_link(place.path("model2.safetensors"), place.path("e2.csv")).unwrap();
    std::fs::create_dir(place.path("e2")).unwrap();
    std::fs::hard_link(
        place.path("model2.safetensors"),
        place.path("e2/scores.csv"),
    )
    .unwrap();
    let ran = place
        .run("eval model.safetensors new.csv --label-column label --baseline model2.safetensors --out e2 --force")
        .ends_with(2);
    assert!(
        ran.stderr.contains("which is read: `model2.safetensors`"),
        "{}",
        ran.stderr
    );
}

/// Temporary files that were left behind.
fn temporary(place: &Place) -> Vec<String> {
    let of_ours = |name: &String| {
        name.rsplit('/')
            .next()
            .is_some_and(|n| n.starts_with(".unlike-"))
    };
    place.files().into_iter().filter(of_ours).collect()
}
