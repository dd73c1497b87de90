//! Libraries know no interface: what they say serves a command line, Python and a server alike.

use std::{fs, path::Path};

/// Commands of the command line, which no library's message may send anybody to.
const COMMANDS: [&str; 9] = [
    "train",
    "score",
    "eval",
    "calibrate",
    "report",
    "inspect",
    "data",
    "bench",
    "doctor",
];

/// Source files of the libraries, tests left out.
fn sources(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.display().to_string();
        if path.is_dir() && !path.ends_with("tests") {
            sources(&path, found);
        } else if name.ends_with(".rs") {
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
            found.push((name, code.to_owned()));
        }
    }
}

/// Whether a line holds a flag, as in `say --label-column`.
fn has_flag(line: &str) -> bool {
    let after = line
        .match_indices("--")
        .map(|(at, _)| (at, &line[at + 2..]));
    let mut flags = after.filter(|(at, rest)| {
        let letter = rest.starts_with(|c: char| c.is_ascii_lowercase());
        let alone = line[..*at]
            .chars()
            .next_back()
            .is_none_or(|c| " \"`({".contains(c));
        letter && alone
    });
    flags.next().is_some()
}

#[test]
fn messages_of_libraries_name_no_flags_and_no_commands() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = Vec::new();
    for entry in fs::read_dir(crates).unwrap() {
        let path = entry.unwrap().path();
        if path.join("src").is_dir() && !path.ends_with("unlike-cli") {
            sources(&path.join("src"), &mut found);
        }
    }
    assert!(found.len() > 50, "{} files", found.len());
    let mut bad = Vec::new();
    for (name, text) in &found {
        for (number, line) in (1..).zip(text.lines()) {
            let is_comment = line.trim_start().starts_with("//");
            let command = COMMANDS
                .iter()
                .any(|c| line.contains(&format!("unlike {c}")));
            if !is_comment && (has_flag(line) || command) {
                bad.push(format!("{name}:{number}: {}", line.trim()));
            }
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

#[test]
fn flags_are_told_from_other_dashes() {
    assert!(has_flag("say --label-column Label"));
    assert!(has_flag("\"--resume goes on with it"));
    assert!(!has_flag("a--b, i-- and --> or --"));
}
