//! Experiments of many cells: what is kept, what goes on, and what the pages say.

use std::{
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

use unlike_bench::{
    Bench, Cell, Cells, Experiment, Key, Measured, Origin, Outcome, Preset, Running, Seconds, Set,
    Survey, Tables, between_marks, run, survey_html, survey_markdown, tables_html, tables_markdown,
};
use unlike_core::{Error, Result};

const ONE: Running = Running {
    at_once: 1,
    threads: 1,
    retry: false,
};

fn origin() -> Origin {
    Origin {
        unlike_version: "1.2.3".into(),
        date: "2026-01-01T00:00:00Z".into(),
        cpu: "a processor".into(),
        threads: 1,
        at_once: 1,
        command: "unlike bench tables data".into(),
    }
}

/// The bundled tables, by two quick models.
fn bundled() -> Tables {
    let mut tables = Tables::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data"));
    tables.models = vec!["pca".into(), "ecod".into()];
    tables.seeds = vec![0, 1];
    tables
}

fn without_clock(mut cell: Cell) -> Cell {
    if let Outcome::Measured(measured) = &mut cell.outcome {
        measured.seconds = Seconds::default();
    }
    cell
}

#[test]
fn cells_are_kept_and_computed_once_and_agree_when_computed_again() {
    let folder = tempfile::tempdir().unwrap();
    let cells = Cells::new(folder.path().join("a"));
    let bench = bundled();
    let seen = AtomicUsize::new(0);
    let watch = |progress: unlike_bench::Progress<'_>| {
        let done = seen.fetch_add(1, Ordering::Relaxed) + 1;
        assert_eq!((progress.done, progress.of), (done, 8));
        assert!(progress.left >= 0.0);
    };
    let ran = run(&bench, &cells, ONE, &origin(), &watch).unwrap();
    assert_eq!((ran.computed, ran.kept, ran.failed), (8, 0, 0));
    let again = run(&bench, &cells, ONE, &origin(), &|_| unreachable!()).unwrap();
    assert_eq!((again.computed, again.kept), (0, 8));

    // Two at once, elsewhere: the same numbers, to the last digit.
    let other = Cells::new(folder.path().join("b"));
    let two = Running { at_once: 2, ..ONE };
    run(&bench, &other, two, &origin(), &|_| {}).unwrap();
    let [a, b] = [&cells, &other].map(|cells| {
        let all = cells.all().unwrap().into_iter();
        all.map(without_clock).collect::<Vec<_>>()
    });
    assert_eq!(a, b);
    assert!(
        a.iter()
            .all(|cell| cell.measured().unwrap().used().auroc > 0.5)
    );

    // A cell that is gone is computed again, and only that one.
    let lost = folder.path().join("a/desk/thyroid/half/pca-rows-1.json");
    std::fs::remove_file(&lost).unwrap();
    let ran = run(&bench, &cells, ONE, &origin(), &|_| {}).unwrap();
    assert_eq!((ran.computed, ran.kept), (1, 7));
    let all: Vec<Cell> = cells
        .all()
        .unwrap()
        .into_iter()
        .map(without_clock)
        .collect();
    assert_eq!(all, a);

    let text = tables_markdown(&all);
    for part in [
        "| PCA, `distance` | 2 | 2 |",
        "ECOD",
        "Friedman",
        "| thyroid |",
        "8 cells by unlike 1.2.3",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let page = tables_html(&all);
    assert!(page.contains("<svg") && page.contains("critical difference"));

    // A file that is no cell is named.
    std::fs::write(&lost, "{\n \"key\": 3}").unwrap();
    let error = cells.all().unwrap_err().to_string();
    assert!(error.contains("pca-rows-1.json`, row 2"), "{error}");
}

/// Three cells, of which one fails and one panics.
struct Failing;

impl Bench for Failing {
    fn keys(&self) -> Result<Vec<Key>> {
        let key = |task: &str| Key {
            preset: Preset::Desk,
            set: "thyroid".into(),
            task: task.into(),
            model: "pca".into(),
            features: "rows".into(),
            seed: 0,
        };
        Ok(vec![key("fails"), key("panics"), key("half")])
    }

    fn experiment(&self, key: &Key) -> Result<Experiment> {
        match &*key.task {
            "fails" => Err(Error::NotEnough {
                what: "patience".into(),
                found: "none".into(),
                expected: "some".into(),
                hint: None,
            }),
            "panics" => panic!("on purpose"),
            _ => bundled().experiment(key),
        }
    }
}

#[test]
fn what_fails_is_recorded_and_the_others_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let cells = Cells::new(folder.path());
    let ran = run(&Failing, &cells, ONE, &origin(), &|_| {}).unwrap();
    assert_eq!((ran.computed, ran.failed), (3, 2));
    let text = tables_markdown(&cells.all().unwrap());
    assert!(
        text.contains("Failed: pca on thyroid, fails, rows, seed 0 (") && text.contains("patience")
    );
    assert!(text.contains("a panic"), "{text}");
    let retry = Running { retry: true, ..ONE };
    let kept = run(&Failing, &cells, ONE, &origin(), &|_| {}).unwrap();
    assert_eq!((kept.computed, kept.kept), (0, 3));
    let again = run(&Failing, &cells, retry, &origin(), &|_| {}).unwrap();
    assert_eq!((again.computed, again.kept, again.failed), (2, 1, 2));
}

#[test]
fn what_is_not_there_is_named_before_anything_is_computed() {
    let mut tables = bundled();
    tables.sets = vec!["thyroids".into()];
    let error = tables.keys().unwrap_err().to_string();
    assert!(
        error.contains("`thyroids`") && error.contains("thyroid, cardio"),
        "{error}"
    );
    let folder = tempfile::tempdir().unwrap();
    assert!(Tables::new(folder.path()).keys().is_err());
    let mut survey = Survey::new(folder.path());
    survey.sets = vec![Set::Mnist];
    survey.classes = vec!["eleven".into()];
    assert!(survey.keys().unwrap_err().to_string().contains("eleven"));
    survey.models = vec!["wgan".into()];
    assert!(survey.keys().is_err());
}

/// MNIST's form with few images: of every class, strokes at another place.
fn small_mnist(folder: &Path) {
    let image = |class: usize, i: usize| {
        let mut image = vec![0_u8; 28 * 28];
        for at in 0..12 {
            image[(8 + at) * 28 + 2 * class + i % 5] = 200 + (i % 40) as u8;
        }
        image
    };
    let images = |per_class: usize| -> (Vec<u8>, Vec<u8>) {
        let count = 10 * per_class;
        let header = |magic: u8, sizes: &[usize]| {
            let sizes = sizes.iter().flat_map(|&size| (size as u32).to_be_bytes());
            [0, 0, 8, magic]
                .into_iter()
                .chain(sizes)
                .collect::<Vec<u8>>()
        };
        let (mut pixels, mut labels) = (header(3, &[count, 28, 28]), header(1, &[count]));
        for i in 0..count {
            pixels.extend(image(i % 10, i / 10));
            labels.push((i % 10) as u8);
        }
        (pixels, labels)
    };
    let folder = folder.join("mnist");
    std::fs::create_dir(&folder).unwrap();
    for (part, per_class) in [("train", 40), ("t10k", 10)] {
        let (pixels, labels) = images(per_class);
        std::fs::write(folder.join(format!("{part}-images-idx3-ubyte")), pixels).unwrap();
        std::fs::write(folder.join(format!("{part}-labels-idx1-ubyte")), labels).unwrap();
    }
}

#[test]
fn the_survey_takes_one_class_for_anomalous_or_for_normal() {
    let folder = tempfile::tempdir().unwrap();
    small_mnist(folder.path());
    let mut survey = Survey::new(folder.path());
    survey.sets = vec![Set::Mnist];
    survey.models = vec!["pca".into(), "knn".into()];
    survey.classes = vec!["3".into()];
    survey.seeds = vec![0];
    let cells = Cells::new(folder.path().join("results"));
    run(&survey, &cells, ONE, &origin(), &|_| {}).unwrap();
    survey.one_normal = true;
    run(&survey, &cells, ONE, &origin(), &|_| {}).unwrap();
    let all = cells.all().unwrap();
    let of = |task: &str| -> Vec<&Measured> {
        let cells = all.iter().filter(|cell| cell.key.task == task);
        cells.map(|cell| cell.measured().unwrap()).collect()
    };
    // 450 of nine classes, of which 360 train; 50 of the other.
    for measured in of("anomalous-3") {
        assert_eq!((measured.n_train, measured.n_test), (360, 140));
        assert!((measured.prevalence - 50.0 / 140.0).abs() < 1e-12);
        assert_eq!(measured.score, "relative");
    }
    // The official parts: 40 of the class train; 100 test, of which 10 are of the class.
    for measured in of("normal-3") {
        assert_eq!((measured.n_train, measured.n_test), (40, 100));
        assert!((measured.prevalence - 0.9).abs() < 1e-12);
    }
    assert_eq!(all.len(), 4);
    let text = survey_markdown(&all);
    assert!(
        text.contains("MNIST, one class anomalous, pixels"),
        "{text}"
    );
    assert!(text.contains("MNIST, one class normal, pixels"), "{text}");
    // One class of ten gives no mean to set beside a published one.
    assert!(
        text.contains("| *GANomaly, its paper* |") && !text.contains("(ours"),
        "{text}"
    );
    assert!(survey_html(&all).contains("AUROC by class"));
}

#[test]
fn tables_are_written_between_the_marks_and_nowhere_else() {
    let text =
        "before\n<!-- cells of survey: begin -->\nold\n<!-- cells of survey: end -->\nafter\n";
    let new = between_marks(text, "survey", "| new |\n").unwrap();
    assert!(new.starts_with("before\n<!-- cells of survey: begin -->\n\n| new |\n"));
    assert!(new.ends_with("<!-- cells of survey: end -->\nafter\n") && !new.contains("old"));
    assert_eq!(between_marks(&new, "survey", "| new |").unwrap(), new);
    let error = between_marks(text, "tables", "").unwrap_err().to_string();
    assert!(error.contains("cells of tables: begin"), "{error}");
}

#[test]
fn the_tables_of_the_results_are_what_the_cells_say() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = std::fs::read_to_string(root.join("RESULTS.md")).unwrap();
    for (name, markdown) in [
        ("survey", survey_markdown as fn(&[Cell]) -> String),
        ("tables", tables_markdown),
    ] {
        let cells = Cells::new(root.join("results").join(name)).all().unwrap();
        assert!(!cells.is_empty(), "{name}");
        let again = between_marks(&text, name, &markdown(&cells)).unwrap();
        let changed = again.lines().zip(text.lines()).find(|(a, b)| a != b);
        assert!(
            again == text,
            "`unlike bench {name} --show --into RESULTS.md` makes {changed:?}"
        );
    }
}
