//! Killed or interrupted, then resumed: the same model to the last bit.

use std::{
    process::{Child, Command},
    thread::sleep,
    time::{Duration, Instant},
};

use crate::support::{Place, SMALL, flows};

const TRAIN: &str = "train flows.csv --config small.toml --model egbad --label-column label";

/// A training of some seconds, the state saved all the time.
fn long() -> Place {
    let place = Place::new();
    place.write("flows.csv", flows(3000, 0));
    place.write("small.toml", SMALL.replace("epochs = 3", "epochs = 60"));
    place
}

/// Starts a training, and comes back some time after it first saved its state.
fn start(place: &Place, options: &str, wait: Duration) -> Child {
    let line = format!("{TRAIN} --out killed --checkpoint-minutes 0.0005 {options}");
    let child = place.command(&line).spawn().unwrap();
    let began = Instant::now();
    while !place.path("killed/resume/state.safetensors").exists() {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "no state was saved"
        );
        sleep(Duration::from_millis(5));
    }
    sleep(wait);
    child
}

fn uninterrupted(place: &Place) -> Vec<u8> {
    place.run(&format!("{TRAIN} --out whole")).ends_with(0);
    place.read("whole/model.safetensors")
}

#[test]
fn kill_nine_and_resume_change_no_bit() {
    let place = long();
    let expected = uninterrupted(&place);
    // Three lives, ended at moments that differ from run to run; the last ones may be whole.
    for (life, options) in ["", "--resume", "--resume"].into_iter().enumerate() {
        // Late enough for an epoch to be over on a busy machine: only then is a word said of resuming.
        let moment = 400 + u64::from(std::process::id()) % 97 + 50 * life as u64;
        let mut child = start(&place, options, Duration::from_millis(moment));
        child.kill().unwrap();
        child.wait().unwrap();
        let killed = !place.path("killed/model.safetensors").exists();
        assert!(killed || life > 0, "it was done before it was killed");
    }
    let ran = place
        .run(&format!("{TRAIN} --out killed --resume"))
        .ends_with(0);
    assert!(ran.stderr.contains("resumed"), "{}", ran.stderr);
    assert_eq!(place.read("killed/model.safetensors"), expected);

    // The log of epochs has each epoch once, whatever the killed runs had written.
    let metrics = String::from_utf8(place.read("killed/metrics.jsonl")).unwrap();
    let epochs: Vec<u64> = metrics
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["epoch"]
                .as_u64()
                .unwrap()
        })
        .collect();
    assert_eq!(epochs, (1..=60).collect::<Vec<u64>>());
}

#[test]
#[cfg(unix)]
fn control_c_saves_and_says_how_to_go_on() {
    let place = long();
    let expected = uninterrupted(&place);
    let child = start(&place, "", Duration::from_millis(200));
    Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    assert_eq!(output.stdout, b"");
    let how = stderr
        .lines()
        .last()
        .unwrap()
        .strip_prefix("hint: the state is saved; go on with: unlike ");
    let how = how.unwrap_or_else(|| panic!("{stderr}"));
    assert!(how.ends_with(" --resume"), "{how}");
    place.run(how).ends_with(0);
    assert_eq!(place.read("killed/model.safetensors"), expected);
}

#[test]
fn a_finished_run_resumed_gives_its_model_again() {
    let place = Place::new();
    place.write("flows.csv", flows(600, 0));
    place.write("small.toml", SMALL);
    place.run(&format!("{TRAIN} --out run")).ends_with(0);
    let model = place.read("run/model.safetensors");
    std::fs::remove_file(place.path("run/model.safetensors")).unwrap();
    // The settings come from the folder.
    place
        .run("train flows.csv --out run --resume --label-column label")
        .ends_with(0);
    assert_eq!(place.read("run/model.safetensors"), model);
}

/// Every file below this folder of the place, with its content.
fn contents(place: &Place, folder: &str) -> Vec<(String, Vec<u8>)> {
    let files = place.files().into_iter();
    let within = files.filter(|file| file.starts_with(folder));
    within
        .map(|file| (file.clone(), place.read(&file)))
        .collect()
}

#[test]
fn the_state_of_another_training_is_refused_and_nothing_is_changed() {
    let place = Place::new();
    place.write("flows.csv", flows(600, 0));
    place.write("other.csv", flows(600, 600));
    place.write("small.toml", SMALL);
    place.run(&format!("{TRAIN} --out run")).ends_with(0);
    let before = contents(&place, "run");
    let refused = |line: &str| {
        let ran = place.run(line).ends_with(2);
        assert_eq!(contents(&place, "run"), before, "{line}");
        ran.stderr
    };
    let settings = format!("{TRAIN} --out run --seed 5 --resume");
    insta::assert_snapshot!(refused(&settings));
    let data = TRAIN.replace("flows.csv", "other.csv");
    let told = refused(&format!("{data} --out run --resume"));
    assert!(told.contains("the state of another training"), "{told}");
}

#[test]
fn the_model_of_another_baseline_is_not_written_over() {
    let place = Place::new();
    place.write("flows.csv", flows(300, 0));
    place.write("other.csv", flows(300, 600));
    let line = "train flows.csv --model iforest --label-column label --out run";
    place.run(line).ends_with(0);
    let before = contents(&place, "run");
    for other in [
        format!("{line} --seed 5 --resume"),
        format!("{} --resume", line.replace("flows.csv", "other.csv")),
    ] {
        let told = place.run(&other).ends_with(2).stderr;
        assert!(told.contains("the model of another training"), "{told}");
        assert_eq!(contents(&place, "run"), before, "{other}");
    }
    place.run(&format!("{line} --resume")).ends_with(0);
    let model = before
        .iter()
        .find(|(file, _)| file.ends_with("model.safetensors"));
    assert_eq!(place.read("run/model.safetensors"), model.unwrap().1);
}

#[test]
fn the_only_run_of_the_data_is_found() {
    let place = Place::new();
    place.write("flows.csv", flows(600, 0));
    place.write("small.toml", SMALL);
    let resume = "train flows.csv --label-column label --resume";
    let none = place.run(resume).ends_with(2).stderr;
    place.run(TRAIN).ends_with(0);
    let model = place.read("runs/egbad-flows/model.safetensors");
    std::fs::remove_file(place.path("runs/egbad-flows/model.safetensors")).unwrap();
    place.run(resume).ends_with(0);
    assert_eq!(place.read("runs/egbad-flows/model.safetensors"), model);
    place
        .run("train flows.csv --label-column label --model pca")
        .ends_with(0);
    let several = place.run(resume).ends_with(2).stderr;
    insta::assert_snapshot!(none + &several);
}

#[test]
fn two_trainings_do_not_share_a_folder() {
    let place = Place::new();
    place.write("flows.csv", flows(3000, 0));
    // It runs until it is killed.
    place.write(
        "small.toml",
        SMALL.replace("epochs = 3", "epochs = 1000000"),
    );
    let mut child = start(&place, "", Duration::ZERO);
    let config = place.read("killed/config.toml");
    for option in ["", "--resume", "--overwrite", "--seed 1 --overwrite"] {
        let line = format!("{TRAIN} --out killed {option}");
        let ran = place.run(&line).ends_with(2);
        assert!(
            ran.stderr
                .contains("`killed`, into which a training is running"),
            "{}",
            ran.stderr
        );
        assert!(ran.stderr.contains("\nhint: "), "{}", ran.stderr);
        assert_eq!(place.read("killed/config.toml"), config, "{option}");
    }
    assert_eq!(child.try_wait().unwrap(), None, "the first one goes on");
    child.kill().unwrap();
    child.wait().unwrap();
    // What a killed training leaves does not keep the next one out.
    place.write("small.toml", SMALL);
    place
        .run(&format!("{TRAIN} --out killed --overwrite"))
        .ends_with(0);
    assert!(!place.path("killed/resume/lock").exists());
}
