//! Drives a report in headless Chromium: what its script does, by keyboard, and how it fits.
//!
//! Without the usual harness, so that a machine without Chromium says how many checks it skips.
//! `cargo test -p unlike-report --test browser -- REPORT.html FOLDER` takes pictures of a report of
//! one's own instead.

#![allow(clippy::print_stdout, reason = "what a test harness would print")]

mod chromium;
#[path = "../it/simulation.rs"]
mod simulation;

use std::{fs, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};
use chromium::Page;
use serde_json::json;
use unlike_report::{Report, Thresholds, html};

/// A check, by what it shows.
type Check = (&'static str, fn(&mut Page, &Report, &Path));

const CHECKS: [Check; 6] = [
    (
        "the page opens without complaint and asks for nothing",
        opens,
    ),
    ("the slider moves table and tiles, and goes back", slides),
    (
        "an image is enlarged, stepped and closed by keyboard",
        enlarges,
    ),
    ("maps and lines can be switched off", switches),
    (
        "nothing is cut off at 400 pixels, in both colour schemes",
        fits,
    ),
    ("without script and in print, the tables stay", stays),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&String> = arguments.iter().filter(|a| !a.starts_with('-')).collect();
    let pictures = words.len() == 2 && words[0].ends_with(".html");
    let listed = arguments.iter().any(|a| a == "--list");
    let wanted = pictures || words.is_empty() || words.iter().any(|w| "browser".contains(&***w));
    if listed || !wanted {
        return;
    }
    let n = CHECKS.len();
    let Some(program) = chromium::installed() else {
        let names = chromium::NAMES.join(", ");
        println!(
            "\nbrowser: SKIPPED all {n} checks of reports in a browser: none of {names} in PATH"
        );
        println!("test result: ok. 0 passed; 0 failed; {n} ignored\n");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut page = Page::open(&program, folder.path());
    if pictures {
        return photograph(&mut page, Path::new(words[0]), Path::new(words[1]));
    }
    let mut report = simulation::report(400, 0).unwrap();
    simulation::hang_gallery(&mut report);
    let path = folder.path().join("report.html");
    fs::write(&path, html(&report).unwrap()).unwrap();
    println!("\nrunning {n} checks in {}", program.display());
    for (name, check) in CHECKS {
        page.resize(1000);
        page.medium("screen", "light");
        page.visit(&path);
        check(&mut page, &report, &path);
        assert_eq!(page.complaints, Vec::<String>::new(), "{name}");
        println!("browser: {name} ... ok");
    }
    println!("\ntest result: ok. {n} passed; 0 failed; 0 ignored\n");
}

fn thresholds(report: &Report) -> &Thresholds {
    let evaluation = report.evaluation.as_ref().unwrap();
    evaluation.thresholds.as_ref().unwrap()
}

/// Found, missed and false alarms in the table; and how many tiles are flagged.
fn seen(page: &mut Page) -> ([u64; 3], u64) {
    let cells = "[...document.querySelectorAll('#threshold .value')].map(e => e.textContent)";
    let cells = page.value(cells);
    let number = |i: usize| cells[i].as_str().unwrap().replace(',', "").parse().unwrap();
    let flagged = page.value("document.querySelectorAll('.tile.is-flagged').length");
    ([0, 1, 2].map(number), flagged.as_u64().unwrap())
}

/// The same by the report's numbers.
fn expected(report: &Report, step: usize) -> ([u64; 3], u64) {
    let evaluation = report.evaluation.as_ref().unwrap();
    let step = thresholds(report).steps[step];
    let n_anomalous = evaluation.metrics().unwrap().n_anomalous as u64;
    let tiles = evaluation.gallery.as_ref().unwrap().lists().concat();
    let flagged = tiles
        .iter()
        .filter(|tile| step.threshold.is_some_and(|t| tile.case.score >= t));
    let table = [step.found, n_anomalous - step.found, step.false_alarms];
    (table, flagged.count() as u64)
}

fn opens(page: &mut Page, report: &Report, _: &Path) {
    let tiles = page.value("document.querySelectorAll('.tile img').length");
    let gallery = report
        .evaluation
        .as_ref()
        .unwrap()
        .gallery
        .as_ref()
        .unwrap();
    assert_eq!(tiles, gallery.lists().concat().len());
    let drawn = "[...document.querySelectorAll('.tile img')].every(e => e.naturalWidth > 0)";
    assert_eq!(page.value(drawn), true);
    assert_eq!(
        page.value("document.querySelector('#slider').hidden"),
        false
    );
}

fn slides(page: &mut Page, report: &Report, path: &Path) {
    let in_use = thresholds(report).in_use;
    let last = thresholds(report).steps.len() - 1;
    // What stands in the file is what the script says of the decision in use.
    let stands = page.text("#threshold-words");
    assert!(
        fs::read_to_string(path).unwrap().contains(&stands),
        "{stands}"
    );
    assert_eq!(seen(page), expected(report, in_use));
    page.focus("#threshold-slider");
    let mut before = seen(page);
    for (key, step) in [
        ("Home", 0),
        ("ArrowRight", 1),
        ("End", last),
        ("ArrowLeft", last - 1),
    ] {
        page.press(key);
        let now = seen(page);
        assert_eq!(now, expected(report, step), "{key}");
        assert_ne!(now.0, before.0, "{key}");
        before = now;
        let said = page.value(
            "document.querySelector('#threshold-slider').ariaValueText || \
             document.querySelector('#threshold-slider').getAttribute('aria-valuetext')",
        );
        assert_eq!(said, page.text("#threshold-words"));
    }
    assert_eq!(
        expected(report, 0).1,
        page.value("document.querySelectorAll('.tile').length")
    );
    page.focus("#threshold-back");
    page.press("Enter");
    assert_eq!(seen(page), expected(report, in_use));
    assert_eq!(page.text("#threshold-words"), stands);
    assert_eq!(page.value("document.activeElement.id"), "threshold-slider");
}

fn enlarges(page: &mut Page, _: &Report, _: &Path) {
    let open = "document.querySelector('#enlarged').open";
    let tiles = page.value("document.querySelectorAll('#gallery .tiles .tile').length");
    assert_eq!(page.value(open), false);
    page.focus("#gallery .tile .picture");
    page.press("Enter");
    assert_eq!(page.value(open), true);
    assert_eq!(page.text("#enlarged .place"), format!("1 of {tiles}"));
    let name = page.text("#enlarged .id");
    page.press("ArrowRight");
    assert_eq!(page.text("#enlarged .place"), format!("2 of {tiles}"));
    assert_ne!(page.text("#enlarged .id"), name);
    page.press("ArrowLeft");
    page.press("ArrowLeft");
    assert_eq!(page.text("#enlarged .place"), format!("{tiles} of {tiles}"));
    page.press("Escape");
    assert_eq!(page.value(open), false);
    // The reader goes on at the image that was seen last. A dialog tells that it closed a moment later.
    let at = "[...document.querySelectorAll('.tiles .picture')].indexOf(document.activeElement)";
    let last = tiles.as_u64().unwrap() - 1;
    let there = (0..200).any(|_| {
        let there = page.value(at) == last;
        if !there {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        there
    });
    assert!(there, "focus is at {} and not at {last}", page.value(at));
}

fn switches(page: &mut Page, _: &Report, _: &Path) {
    let display = |page: &mut Page, selector: &str| {
        page.value(&format!(
            "getComputedStyle(document.querySelector({selector:?})).display"
        ))
    };
    for (switch, marks) in [
        ("#show-map", ".tile .map"),
        ("#show-lines", ".tile .region"),
    ] {
        assert_eq!(display(page, marks), "inline");
        page.focus(switch);
        page.press(" ");
        assert_eq!(display(page, marks), "none");
    }
    // The same from the dialog, for what it shows.
    page.focus("#gallery .tile .picture");
    page.press("Enter");
    assert_eq!(display(page, "#enlarged .map"), "none");
    page.focus("#enlarged .switch");
    page.press("Enter");
    assert_eq!(display(page, "#enlarged .map"), "inline");
    assert_eq!(display(page, ".tiles .map"), "inline");
}

fn fits(page: &mut Page, _: &Report, _: &Path) {
    page.resize(400);
    let mut grounds = vec![];
    for scheme in ["light", "dark"] {
        page.medium("screen", scheme);
        for step in ["as it opens", "with an image enlarged"] {
            let wide = page.value("document.documentElement.scrollWidth");
            assert!(
                wide.as_u64().unwrap() <= 400,
                "{wide} pixels, {scheme}, {step}"
            );
            let dialog = page.value("document.querySelector('#enlarged').scrollWidth");
            assert!(
                dialog.as_u64().unwrap() <= 400,
                "{dialog} pixels, {scheme}, {step}"
            );
            if step == "as it opens" {
                page.focus("#gallery .tile .picture");
                page.press("Enter");
            } else {
                page.press("Escape");
            }
        }
        grounds.push(page.value("getComputedStyle(document.body).backgroundColor"));
    }
    assert_ne!(grounds[0], grounds[1]);
}

fn stays(page: &mut Page, report: &Report, path: &Path) {
    let height = "document.querySelector('#slider').getBoundingClientRect().height";
    assert_ne!(page.value(height), 0);
    page.medium("print", "light");
    assert_eq!(page.value(height), 0);
    page.medium("screen", "light");
    page.call(
        "Emulation.setScriptExecutionDisabled",
        json!({"value": true}),
    );
    page.visit(path);
    assert_eq!(page.value(height), 0);
    assert_eq!(seen(page), expected(report, thresholds(report).in_use));
    page.call(
        "Emulation.setScriptExecutionDisabled",
        json!({"value": false}),
    );
}

/// Takes pictures of a report, to be looked at.
fn photograph(page: &mut Page, report: &Path, folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let report = fs::canonicalize(report).unwrap();
    let take = |page: &mut Page, name: &str| {
        let png = STANDARD.decode(page.picture()).unwrap();
        fs::write(folder.join(format!("{name}.png")), png).unwrap();
    };
    for (scheme, width) in [
        ("light", 1000),
        ("dark", 1000),
        ("light", 400),
        ("dark", 400),
    ] {
        page.resize(width);
        page.medium("screen", scheme);
        page.visit(&report);
        for part in [
            "h1",
            "#threshold",
            "#gallery h3",
            "#gallery .tiles:last-of-type",
        ] {
            let to = format!("document.querySelector({part:?})?.scrollIntoView()");
            page.value(&to);
            let part = part.replace(|c: char| !c.is_alphanumeric(), "-");
            take(page, &format!("{scheme}-{width}-{part}"));
        }
        page.focus("#gallery .tile .picture");
        page.press("Enter");
        take(page, &format!("{scheme}-{width}-enlarged"));
    }
    for complaint in &page.complaints {
        println!("{complaint}");
    }
}
