//! `unlike train`: what it writes and says, and what does not change the model.

use crate::support::{flows, ready_to_train};

const TRAIN: &str = "train flows.csv --config small.toml --model egbad --label-column label";

#[test]
fn a_run_folder_holds_everything() {
    let place = ready_to_train(600);
    let ran = place.run(TRAIN).ends_with(0);
    assert_eq!(ran.stdout, "", "stdout is for data only");
    let mut expected = vec!["flows.csv".to_owned(), "small.toml".to_owned()];
    for file in [
        "config.toml",
        "environment.json",
        "events.out.tfevents.0000000001.unlike",
        "metrics.jsonl",
        "model.safetensors",
        "report.html",
        "resume/state.safetensors",
    ] {
        expected.push(format!("runs/egbad-flows/{file}"));
    }
    expected.sort();
    assert_eq!(place.files(), expected);
    assert!(
        ran.stderr.contains("540 of 600 samples, labelled normal"),
        "{}",
        ran.stderr
    );
    let rows: Vec<&str> = ran
        .stderr
        .lines()
        .filter(|l| l.starts_with(['1', '2', '3']))
        .collect();
    assert_eq!(rows.len(), 3, "one row per epoch\n{}", ran.stderr);

    let metrics = String::from_utf8(place.read("runs/egbad-flows/metrics.jsonl")).unwrap();
    let epochs: Vec<serde_json::Value> = metrics
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        epochs
            .iter()
            .map(|e| e["epoch"].as_u64())
            .collect::<Vec<_>>(),
        [Some(1), Some(2), Some(3)]
    );
    let environment: serde_json::Value =
        serde_json::from_slice(&place.read("runs/egbad-flows/environment.json")).unwrap();
    assert_eq!(environment["command"], format!("unlike {TRAIN}"));
    assert_eq!(environment["device"], "cpu");
}

#[test]
fn the_written_settings_repeat_the_run() {
    let place = ready_to_train(600);
    place
        .run(&format!(
            "{TRAIN} --seed 7 --epochs 2 --batch-size 50 --scaling standard"
        ))
        .ends_with(0);
    let again =
        "train flows.csv --config runs/egbad-flows/config.toml --label-column label --out again";
    place.run(again).ends_with(0);
    assert_eq!(
        place.read("again/model.safetensors"),
        place.read("runs/egbad-flows/model.safetensors")
    );
    assert_eq!(
        place.read("again/config.toml"),
        place.read("runs/egbad-flows/config.toml")
    );
}

#[test]
fn a_test_after_each_epoch_shows_what_eval_will_say_and_changes_nothing() {
    let place = ready_to_train(600);
    let split = "--split merged-80-20";
    place
        .run(&format!("{TRAIN} {split} --out plain"))
        .ends_with(0);
    let ran = place
        .run(&format!("{TRAIN} {split} --test-each-epoch --out a --json"))
        .ends_with(0);
    assert_eq!(
        place.read("a/model.safetensors"),
        place.read("plain/model.safetensors")
    );
    let document = ran.json();
    let epochs = document["test_by_epoch"].as_array().unwrap();
    assert_eq!(epochs.len(), 3);
    let chosen = document["provenance"]["chosen_epoch"].as_u64().unwrap();
    let score = document["score"].as_str().unwrap();
    let shown = &epochs[chosen as usize - 1][score];
    let eval = format!("eval a flows.csv --label-column label {split} --json");
    let measured = place.run(&eval).ends_with(0).json();
    let measured = &measured["evaluation"]["variants"][0]["metrics"];
    for name in ["auroc", "average_precision"] {
        assert_eq!(shown[name], measured[name], "{name}");
    }
    let text = place
        .run(&format!("{TRAIN} {split} --test-each-epoch --out b"))
        .ends_with(0);
    let sentence = format!("at epoch {chosen}, which was chosen without labels");
    assert!(text.stdout.contains(&sentence), "{}", text.stdout);
    assert!(
        text.stdout.lines().all(|line| line.chars().count() <= 80),
        "{}",
        text.stdout
    );
}

#[test]
fn the_model_does_not_depend_on_threads_but_on_the_seed() {
    let place = ready_to_train(600);
    for (name, options) in [
        ("one", "--threads 1"),
        ("two", "--threads 2"),
        ("other", "--threads 2 --seed 1"),
    ] {
        place
            .run(&format!("{TRAIN} --out {name} {options}"))
            .ends_with(0);
    }
    assert_eq!(
        place.read("one/model.safetensors"),
        place.read("two/model.safetensors")
    );
    assert_ne!(
        place.read("one/model.safetensors"),
        place.read("other/model.safetensors")
    );
}

#[test]
fn files_without_labels_are_all_normal() {
    let place = ready_to_train(600);
    let unlabelled: String = flows(300, 0)
        .lines()
        .map(|line| line.rsplit_once(',').unwrap().0.to_owned() + "\n")
        .collect();
    place.write("plain.csv", unlabelled);
    let ran = place.run("train plain.csv --model pca").ends_with(0);
    assert!(
        ran.stderr.contains("all 300 samples, taken as normal"),
        "{}",
        ran.stderr
    );
}

#[test]
fn fewer_rows_than_a_batch_make_one_batch() {
    let place = ready_to_train(600);
    place.write("flows.csv", flows(40, 0));
    let ran = place
        .run(&format!("{TRAIN} --batch-size 1000"))
        .ends_with(0);
    assert!(ran.stderr.contains("a single batch"), "{}", ran.stderr);
    place.run("score runs/egbad-flows flows.csv").ends_with(0);
}

#[test]
fn a_constant_column_is_noted_and_kept() {
    let place = ready_to_train(600);
    let text = flows(300, 0)
        .replace("size,", "unit,size,")
        .replace("\n0.", "\n5,0.");
    place.write("flows.csv", text);
    let ran = place.run(TRAIN).ends_with(0);
    assert!(ran.stderr.contains("`unit`"), "{}", ran.stderr);
    // A value that training never saw there is a departure, not an error.
    place.write(
        "new.csv",
        "unit,size,speed,colour\n5,0.5,1.0,red\n6,0.5,1.0,red\n",
    );
    let json = place
        .run("score runs/egbad-flows new.csv --json")
        .ends_with(0)
        .json();
    let score = |i: usize| json["scores"][i]["score"].as_f64().unwrap();
    assert!(score(1) > score(0), "{json}");
}

#[test]
fn another_score_can_be_the_models() {
    let place = ready_to_train(600);
    let json = place
        .run(&format!("{TRAIN} --score paper --json"))
        .ends_with(0)
        .json();
    assert_eq!(json["score"], "paper");
    let inspected = place
        .run("inspect runs/egbad-flows --json")
        .ends_with(0)
        .json();
    assert_eq!(inspected["score"], "paper");
    // A score that the model does not offer is refused; the folder that was made for it is gone.
    let ran = place
        .run(&format!("{TRAIN} --score latent --out other"))
        .ends_with(2);
    assert!(ran.stderr.contains("`latent`"), "{}", ran.stderr);
    assert!(!place.path("other/model.safetensors").exists());
}

#[test]
fn what_to_do_next_names_data_that_make_sense() {
    let place = ready_to_train(300);
    let next = |more: &str| -> String {
        let line = "train flows.csv --model knn --label-column label --overwrite --out run";
        let ran = place.run(&format!("{line} {more}")).ends_with(0);
        let next = ran
            .stderr
            .lines()
            .find_map(|line| line.strip_prefix("next "));
        next.unwrap_or_else(|| panic!("{}", ran.stderr))
            .trim()
            .to_owned()
    };
    let said = next("");
    assert!(
        !said.contains("flows.csv") && said.starts_with("unlike score run with new rows"),
        "{said}"
    );
    let said = next("--split merged-80-20 --split-seed 3");
    assert_eq!(
        said,
        "unlike eval run flows.csv --split merged-80-20 --split-seed 3"
    );
    // And it can be done.
    place
        .run(said.strip_prefix("unlike ").unwrap())
        .ends_with(0);
}

#[test]
fn settings_are_shown_with_a_line_on_each_and_can_be_used() {
    let place = ready_to_train(300);
    let ran = place.run("config egbad --preset paper").ends_with(0);
    assert!(
        ran.stdout.contains("# Adam's step\nlearning_rate = "),
        "{}",
        ran.stdout
    );
    let json = place
        .run("config egbad --preset paper --json")
        .ends_with(0)
        .json();
    assert_eq!(json["batch_size"], 50);
    assert_ne!(json, place.run("config egbad --json").ends_with(0).json());
    place.write("knn.toml", place.run("config knn").ends_with(0).stdout);
    place
        .run("train flows.csv --config knn.toml --label-column label --out run")
        .ends_with(0);
    let of = place.run("config --of run --json").ends_with(0).json();
    assert_eq!(of["model"]["model"], "knn");
    let ran = place.run("config knn --preset paper").ends_with(2);
    assert!(
        ran.stderr
            .contains("one of the models anogan, bigan, egbad, fanogan"),
        "{}",
        ran.stderr
    );
    place.run("config").ends_with(2);
}

#[test]
fn a_papers_settings_train() {
    let place = ready_to_train(300);
    let line = "train flows.csv --model ganomaly --preset paper --epochs 1 --label-column label";
    place.run(&format!("{line} --out run")).ends_with(0);
    let of = place.run("config --of run --json").ends_with(0).json();
    assert_eq!((&of["batch_size"], &of["epochs"]), (&64.into(), &1.into()));
    let ran = place
        .run("train flows.csv --model knn --preset paper --out no")
        .ends_with(2);
    assert!(
        ran.stderr.contains("`preset` is `paper` for knn"),
        "{}",
        ran.stderr
    );
    assert!(!place.path("no").exists());
}

#[test]
fn runs_stand_side_by_side() {
    let place = ready_to_train(400);
    place.write("test.csv", crate::support::flows(300, 5000));
    for model in ["knn", "ecod"] {
        let line = format!("train flows.csv --model {model} --label-column label --out {model}");
        place.run(&line).ends_with(0);
    }
    place
        .run("eval knn test.csv --out knn --force")
        .ends_with(0);
    let ran = place.run("compare knn ecod").ends_with(0);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(
        lines[0].contains("AUROC") && lines.len() == 3,
        "{}",
        ran.stdout
    );
    let json = place.run("compare knn ecod --json").ends_with(0).json();
    assert!(json[0]["evaluation"]["auroc"].as_f64().unwrap() > 0.5);
    assert_eq!(json[1]["evaluation"], serde_json::Value::Null);
    assert_eq!(json[1]["model"], "ecod");
    place.write("ecod/evaluation.json", "{");
    let ran = place.run("compare knn ecod").ends_with(2);
    assert!(
        ran.stderr.contains("ecod/evaluation.json`, row 1"),
        "{}",
        ran.stderr
    );
}

#[test]
fn of_many_rows_some_are_drawn_and_it_is_said() {
    let place = ready_to_train(600);
    let train = |out: &str, options: &str| {
        let line = format!("train flows.csv --model pca --label-column label --out {out} --json");
        place.run(&format!("{line} {options}")).ends_with(0)
    };
    let ran = train("some", "--max-training-rows 200 --seed 3");
    assert!(
        ran.stderr.contains(
            "200 of 600 rows drawn at random; to take more of them, say --max-training-rows"
        ),
        "{}",
        ran.stderr
    );
    let json = ran.json();
    assert_eq!(
        json["rows_drawn"],
        serde_json::json!({"rows": 200, "of": 600})
    );
    assert!(json["provenance"]["n_train"].as_u64().unwrap() < 200);
    train("same", "--max-training-rows 200 --seed 3");
    train("other", "--max-training-rows 200 --seed 4");
    // What was said is remembered, for another training by the same settings.
    train("again", "--config some/config.toml");
    let model = |run: &str| place.read(&format!("{run}/model.safetensors"));
    assert!(model("some") == model("same") && model("some") == model("again"));
    assert!(model("some") != model("other"));
    let all = train("all", "--max-training-rows all").json();
    assert_eq!(
        all["rows_drawn"],
        serde_json::json!({"rows": 600, "of": 600})
    );
    // What is tested on is not trained on, whatever is drawn.
    let split = "--split merged-80-20 --max-training-rows 50";
    let ran = train("split", split);
    assert!(ran.stderr.contains("50 of "), "{}", ran.stderr);
    place
        .run("train flows.csv --model pca --max-training-rows 0")
        .ends_with(2);
}

#[test]
fn who_wants_to_hear_of_errors_alone_does() {
    let place = ready_to_train(300);
    let quiet = place.run(&format!("{TRAIN} --quiet")).ends_with(0);
    assert_eq!((&*quiet.stdout, &*quiet.stderr), ("", ""));
    let score = "score runs/egbad-flows flows.csv";
    let usual = place.run(score).ends_with(0);
    let quiet = place.run(&format!("{score} --quiet")).ends_with(0);
    assert!(usual.stderr.contains("note"), "{}", usual.stderr);
    assert_eq!((quiet.stdout, &*quiet.stderr), (usual.stdout, ""));
    // What is there already is an error.
    let refused = place.run(&format!("{TRAIN} --quiet")).ends_with(2);
    assert!(refused.stderr.starts_with("error: "), "{}", refused.stderr);
}
