//! Reports as files.

use unlike::Judge;
use unlike_results::{TestSet, load_report, run_report, save_evaluation, save_report};

use crate::{egbad, test_rows};

#[test]
fn an_evaluation_is_saved_and_read_again() {
    let judge = Judge::new(egbad());
    let evaluated = TestSet::new(test_rows()).evaluate(&judge).unwrap();
    let mut report = run_report(judge.model());
    report.evaluation = Some(evaluated.evaluation);
    let folder = tempfile::tempdir().unwrap();
    save_evaluation(&report, &evaluated.judged, folder.path()).unwrap();
    for file in ["evaluation.json", "report.html", "scores.csv"] {
        assert!(folder.path().join(file).exists(), "{file}");
    }
    assert_eq!(load_report(folder.path()).unwrap(), report);
    let html = std::fs::read(folder.path().join("report.html")).unwrap();
    let again = folder.path().join("again.html");
    save_report(&load_report(folder.path()).unwrap(), &again).unwrap();
    assert_eq!(std::fs::read(again).unwrap(), html);
}

#[test]
fn a_model_alone_has_the_report_of_its_training() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    egbad().save(&path).unwrap();
    let report = load_report(&path).unwrap();
    assert_eq!(
        (report.run.model.as_str(), report.evaluation),
        ("EGBAD", None)
    );
    assert!(report.training.is_some() && report.data.is_some());
    let error = save_report(&load_report(&path).unwrap(), folder.path().join("r.pdf"));
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains(".html, .md or .json")
    );
}
