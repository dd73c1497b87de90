//! Files that are written: their permissions, and symbolic links in their places.
#![cfg(unix)]

use std::{fs, os::unix::fs::PermissionsExt as _, os::unix::fs::symlink};

use crate::support::{Place, model, ready_to_train, with_model};

const TRAIN: &str =
    "train flows.csv --model egbad --config small.toml --label-column label --out run";

fn mode(place: &Place, name: &str) -> u32 {
    fs::metadata(place.path(name)).unwrap().permissions().mode() & 0o777
}

/// Writes files of every kind under this umask, and returns the modes of all of them.
fn modes(umask: &str) -> Vec<(String, u32)> {
    let place = ready_to_train(300);
    let commands = [
        TRAIN,
        "score run flows.csv --out scores.csv",
        "score run flows.csv --out scores.jsonl --explain why",
        "score run flows.csv --out scores.parquet",
        "eval run flows.csv --label-column label --out evaluation",
        "calibrate run flows.csv --label-column label --out model2",
        "report run --out report.html",
    ];
    let commands = commands.map(|command| format!("unlike {command} > /dev/null"));
    let before = place.files();
    place
        .shell(&format!("umask {umask} && {}", commands.join(" && ")))
        .ends_with(0);
    let new = place.files().into_iter().filter(|f| !before.contains(f));
    new.map(|file| {
        let mode = mode(&place, &file);
        (file, mode)
    })
    .collect()
}

#[test]
fn new_files_get_what_the_umask_leaves() {
    for (umask, expected) in [("077", 0o600), ("022", 0o644), ("002", 0o664)] {
        let modes = modes(umask);
        assert!(modes.len() > 10, "{modes:?}");
        for (file, mode) in modes {
            assert_eq!(mode, expected, "{file} under {umask}: {mode:o}");
        }
    }
}

#[test]
fn files_in_the_place_of_which_there_is_a_link_go_where_it_leads() {
    let place = with_model();
    fs::create_dir(place.path("store")).unwrap();
    fs::rename(place.path("model.safetensors"), place.path("store/model")).unwrap();
    fs::set_permissions(place.path("store/model"), fs::Permissions::from_mode(0o640)).unwrap();
    symlink("store/model", place.path("model.safetensors")).unwrap();
    symlink("store/scores", place.path("scores.csv")).unwrap();
    place
        .run("calibrate model.safetensors new.csv --label-column label")
        .ends_with(0);
    place
        .run("score model.safetensors new.csv --out scores.csv")
        .ends_with(0);
    for link in ["model.safetensors", "scores.csv"] {
        assert!(place.path(link).is_symlink(), "{link}");
    }
    assert_ne!(place.read("store/model"), model());
    assert_eq!(mode(&place, "store/model"), 0o640);
    let scores = String::from_utf8(place.read("store/scores")).unwrap();
    assert!(scores.starts_with("id,score,"), "{scores}");
}
