//! `unlike score` on tables that are read some rows at a time: the same bytes, whatever is held at a time,
//! and whatever ended it in between.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use crate::support::{Place, flows, with_model};

const SCORE: &str = "score model.safetensors new.csv";

/// The same, seven rows at a time.
const IN_PARTS: &str = "--chunk-rows 7";

/// Bad rows, cells that training did not know, numbers far away, and a column that nobody knows.
fn odd() -> String {
    let text = flows(60, 1000);
    let lines = text.lines().enumerate().map(|(at, line)| match at {
        0 => format!("{line},extra"),
        15 => "0.5,much,red,0,x".into(),
        22 => "0.5,0.5".into(),
        31 => ",1,blue,0,x".into(),
        40 => "0.25,0.5,mauve,0,x".into(),
        47 => "0.25,1e9,\"blue, or so\",0,x".into(),
        _ => format!("{line},x"),
    });
    lines.collect::<Vec<String>>().join("\n") + "\n"
}

#[test]
fn results_do_not_depend_on_what_is_held_at_a_time() {
    let place = with_model();
    place.write("new.csv", odd());
    for options in [
        "--bad-rows flag",
        "--bad-rows skip --fdr 0.5",
        "--bad-rows flag --budget 3",
        "--bad-rows skip --threshold 2",
        "--bad-rows skip --fdr 0.3 --storey --ties half",
        "--bad-rows flag --ties random --score residual",
    ] {
        let line = format!("{SCORE} {options}");
        let whole = place.run(&line).ends_with(0);
        let parts = place.run(&format!("{line} {IN_PARTS}")).ends_with(0);
        assert_eq!(parts.stdout, whole.stdout, "{options}");
        assert_eq!(parts.stderr, whole.stderr, "{options}");
        let [whole, parts] = ["", IN_PARTS].map(|how| {
            let ran = place.run(&format!("{line} --json --fail-on-anomaly {how}"));
            (ran.code, ran.stdout)
        });
        assert_eq!(parts, whole, "{options}");
        for format in ["csv", "jsonl", "parquet"] {
            for (name, how) in [("whole", ""), ("parts", IN_PARTS)] {
                let out = format!("--out {name}.{format} --explain {name}-{format}");
                place
                    .run(&format!("{line} {out} --force {how}"))
                    .ends_with(0);
            }
            let same = |whole: &str, parts: &str| {
                assert!(place.read(whole) == place.read(parts), "{options}: {parts}");
            };
            same(&format!("whole.{format}"), &format!("parts.{format}"));
            let reasons = match format {
                "jsonl" => "explanations.jsonl",
                _ => "explanations.csv",
            };
            same(
                &format!("whole-{format}/{reasons}"),
                &format!("parts-{format}/{reasons}"),
            );
        }
    }
    let left: Vec<String> = place.files();
    assert!(!left.iter().any(|f| f.contains("resume")), "{left:?}");
}

#[test]
fn an_error_late_in_the_file_leaves_nothing() {
    let place = with_model();
    place.write("new.csv", flows(60, 1000) + "0.5,much,red,0\n");
    let whole = place.run(SCORE).ends_with(2);
    let parts = place.run(&format!("{SCORE} {IN_PARTS}")).ends_with(2);
    assert_eq!(parts.stderr, whole.stderr);
    assert_eq!((&*parts.stdout, &*whole.stdout), ("", ""));
    let before = place.files();
    let line = format!("{SCORE} --out s.csv --explain why {IN_PARTS}");
    place.run(&line).ends_with(2);
    assert_eq!(place.files(), before);
}

#[test]
fn killed_and_resumed_is_as_if_nothing_had_been() {
    let place = with_model();
    let more = flows(3000, 2000).replace('\n', ",x\n");
    place.write("new.csv", odd() + more.split_once('\n').unwrap().1);
    for format in ["csv", "jsonl", "parquet"] {
        let line = format!("{SCORE} --bad-rows flag --fdr 0.5 --explain why --force");
        let whole = place
            .run(&format!("{line} --out whole.{format}"))
            .ends_with(0);
        let explained = place.files().into_iter().find(|f| f.starts_with("why/"));
        let explained = explained.unwrap();
        let reasons = place.read(&explained);
        let parts = format!("{line} --out parts.{format} --chunk-rows 7");
        let left = place.path(&format!("parts.{format}.unlike-resume"));
        let mut more = "";
        let mut sizes = Vec::new();
        for _ in 0..3 {
            let mut child = place.command(&format!("{parts} {more}")).spawn().unwrap();
            let began = Instant::now();
            let before = sizes.last().copied().unwrap_or(0);
            let size = || std::fs::metadata(&left).map_or(0, |file| file.len());
            while size() <= before + 2000 && child.try_wait().unwrap().is_none() {
                assert!(
                    began.elapsed() < Duration::from_secs(60),
                    "nothing was saved"
                );
                sleep(Duration::from_millis(1));
            }
            child.kill().unwrap();
            child.wait().unwrap();
            sizes.push(size());
            more = "--resume";
        }
        assert!(sizes[0] > 2000 && sizes[0] < sizes[2], "{sizes:?}");
        assert!(!place.path(&format!("parts.{format}")).exists());
        // What a lost machine leaves may end in the middle.
        let mut bytes = std::fs::read(&left).unwrap();
        bytes.truncate(bytes.len() - 11);
        std::fs::write(&left, bytes).unwrap();
        let other = place.run(&format!("{parts} --resume --ties half"));
        assert!(other.stderr.contains("other options"), "{}", other.stderr);
        let ran = place.run(&format!("{parts} --resume")).ends_with(0);
        let name = format!("whole.{format}");
        assert!(
            place.read(&name) == place.read(&format!("parts.{format}")),
            "{format}"
        );
        assert!(place.read(&explained) == reasons, "{format}");
        assert_eq!(
            ran.stderr.replace("parts.", "whole."),
            whole.stderr,
            "{format}"
        );
        assert!(!left.exists());
        std::fs::remove_dir_all(place.path("why")).unwrap();
    }
}

#[test]
#[cfg(unix)]
fn control_c_keeps_what_was_scored_and_says_how_to_go_on() {
    let place: Place = with_model();
    place.write("new.csv", flows(4000, 2000));
    let line = format!("{SCORE} --out s.csv --chunk-rows 3");
    let child = place.command(&line).spawn().unwrap();
    let left = place.path("s.csv.unlike-resume");
    let began = Instant::now();
    while !left.exists() {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "nothing was saved"
        );
        sleep(Duration::from_millis(1));
    }
    let id = child.id();
    place.shell(&format!("kill -INT {id}")).ends_with(0);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("go on with: unlike score"), "{said}");
    assert!(said.contains("--resume"), "{said}");
    // Data that were touched are other data, as far as anybody can tell.
    let data = place.path("new.csv");
    let then = std::fs::metadata(&data).unwrap().modified().unwrap();
    place.write("new.csv", flows(4000, 2000));
    let ran = place.run(&format!("{line} --resume")).ends_with(2);
    assert!(
        ran.stderr.contains("other data, or data that have changed")
            && ran.stderr.contains("--force"),
        "{}",
        ran.stderr
    );
    let ran = place.run(&line).ends_with(2);
    assert!(ran.stderr.contains("--resume goes on"), "{}", ran.stderr);
    let file = std::fs::File::options().write(true).open(&data).unwrap();
    file.set_modified(then).unwrap();
    place.run(&format!("{line} --resume")).ends_with(0);
    assert!(!left.exists());
    let whole = place.run(SCORE).ends_with(0).stdout;
    assert!(place.read("s.csv") == whole.as_bytes());
}
