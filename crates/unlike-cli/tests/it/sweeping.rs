//! Many trainings, each as it would be alone, that go on where they were.

use std::{
    fs,
    process::Command,
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::{Place, SMALL, flows};

/// Two data sets and normals for each.
fn place() -> Place {
    let place = Place::new();
    for (name, from) in [
        ("one", 0),
        ("two", 2000),
        ("more/a", 4000),
        ("more/b", 6000),
    ] {
        place.write(&format!("{name}.csv"), flows(600, from));
    }
    place.write("small.toml", SMALL);
    place
}

const SWEEP: &str =
    "sweep one.csv two.csv --models egbad --config small.toml --held-out more/a.csv more/b.csv";
const LABELS: &str = "-- --label-column label";

fn rows(place: &Place, line: &str) -> Vec<Value> {
    let ran = place.run(line).ends_with(0);
    ran.json().as_array().unwrap().clone()
}

#[test]
fn a_sweep_is_many_trainings_and_trains_again_what_changed() {
    let place = place();
    let line = format!("{SWEEP} --seeds 0,3 --set egbad.latent=4,6 --promised 0.1 --json {LABELS}");
    let first = rows(&place, &line);
    let names = first.iter().map(|row| row["run"].as_str().unwrap());
    assert_eq!(
        names.collect::<Vec<_>>(),
        [
            "sweep/one/egbad-latent=4-0",
            "sweep/one/egbad-latent=4-3",
            "sweep/one/egbad-latent=6-0",
            "sweep/one/egbad-latent=6-3",
            "sweep/two/egbad-latent=4-0",
            "sweep/two/egbad-latent=4-3",
            "sweep/two/egbad-latent=6-0",
            "sweep/two/egbad-latent=6-3",
        ]
    );
    // One of them, alone: the same model, and the same criteria.
    let alone =
        "train two.csv --model egbad --config alone.toml --seed 3 --label-column label --out alone";
    place.write("alone.toml", SMALL.replace("latent = 4", "latent = 6"));
    place.run(alone).ends_with(0);
    let model = |run: &str| place.read(&format!("{run}/model.safetensors"));
    assert!(model("sweep/two/egbad-latent=6-3") == model("alone"));
    let score = "score alone more/b.csv --false-alarms 0.1 --label-column label --out scores.csv";
    place.run(score).ends_with(0);
    let scored = String::from_utf8(place.read("scores.csv")).unwrap();
    let labels = String::from_utf8(place.read("more/b.csv")).unwrap();
    let normal = scored.lines().skip(1).zip(labels.lines().skip(1));
    let normal: Vec<&str> = normal
        .filter(|(_, row)| row.ends_with(",0"))
        .map(|(s, _)| s)
        .collect();
    let flagged = normal.iter().filter(|row| row.contains(",true")).count();
    assert_eq!(
        first[7]["false_alarms"],
        flagged as f64 / normal.len() as f64
    );
    assert!(first[7]["tail"].as_f64().unwrap() > 0.5 && first[7]["promised"] == 0.1);

    // Nothing is trained again; then what has other settings, and of one data set another file.
    let stamps = || {
        first
            .iter()
            .map(|row| stamp(&place, row))
            .collect::<Vec<_>>()
    };
    let before = stamps();
    assert_eq!(rows(&place, &line), first);
    assert_eq!(stamps(), before);
    rows(&place, &line.replace("latent=4,6", "latent=4,5"));
    assert_eq!(stamps(), before);
    place.write("one.csv", flows(500, 0));
    rows(&place, &line);
    let same: Vec<bool> = stamps().iter().zip(&before).map(|(a, b)| a == b).collect();
    assert_eq!(same, [false, false, false, false, true, true, true, true]);
    place
        .run(&line.replace(" --json", "").replace("0,3", "0"))
        .ends_with(0);
}

fn stamp(place: &Place, row: &Value) -> std::time::SystemTime {
    let model = format!("{}/model.safetensors", row["run"].as_str().unwrap());
    fs::metadata(place.path(&model))
        .unwrap()
        .modified()
        .unwrap()
}

#[test]
fn what_fails_stops_no_other_and_is_told() {
    let place = place();
    place.write("two.csv", "size,speed,colour,label\n1,2,red,0\n");
    let line = format!("{SWEEP} --json {LABELS}");
    let told = rows(&place, &line);
    assert!(told[0]["error"].is_null() && told[0]["seconds"].as_f64().unwrap() > 0.0);
    let why = told[1]["error"].as_str().unwrap();
    assert!(why.contains("expected at least"), "{why}");
    assert!(told[1]["seconds"].is_null() && told[1]["false_alarms"].is_null());
    // It is tried again.
    place.write("two.csv", flows(600, 2000));
    assert!(rows(&place, &line)[1]["error"].is_null());
    // Without other normals, those that calibrate tell something.
    let alone = line.replace("--held-out more/a.csv more/b.csv", "");
    let told = rows(&place, &alone);
    assert!(told[0]["false_alarms"].is_null() && told[0]["tail"].as_f64().unwrap() > 0.0);
    // What somebody trained there is not written over.
    fs::remove_file(place.path("sweep/one/egbad-0.json")).unwrap();
    for _ in 0..2 {
        let why = rows(&place, &line)[0]["error"].as_str().unwrap().to_owned();
        assert!(why.contains("that no sweep began"), "{why}");
    }
    // Where nothing came to an end, the whole failed.
    let ran =
        place.run("sweep two.csv --models egbad --config small.toml --json -- --label-column no");
    assert!(
        ran.ends_with(2).json()[0]["error"]
            .as_str()
            .unwrap()
            .contains("`no`")
    );
}

#[test]
fn folders_are_called_by_their_names_and_looked_through() {
    let place = place();
    let tile = |i: u8| [b"P5 4 4 255\n".to_vec(), (0..16).map(|p| p * i).collect()].concat();
    for i in 0..30 {
        fs::create_dir_all(place.path("tiles/set/good")).unwrap();
        place.write(&format!("tiles/set/good/{i}.pgm"), tile(i % 15));
    }
    let line = "sweep tiles/set/.. --models knn --json";
    let first = rows(&place, line);
    assert_eq!(first[0]["run"], "sweep/tiles/knn-0");
    let before = stamp(&place, &first[0]);
    assert_eq!(stamp(&place, &rows(&place, line)[0]), before);
    fs::remove_file(place.path("tiles/set/good/7.pgm")).unwrap();
    assert!(stamp(&place, &rows(&place, line)[0]) > before);
}

#[test]
fn what_a_sweep_cannot_do_is_told_before_it_begins() {
    let place = place();
    for (more, expected) in [
        ("--seeds 1,1", "`sweep/one/egbad-1` twice"),
        (
            "--held-out one.csv",
            "`held-out` is 3 paths; expected 2, one for each DATA",
        ),
        ("--set latent", "expected a setting and its values"),
        (
            "--set knn.k=1",
            "`set` is knn.k; expected a setting, of all models or of one that --models names",
        ),
        ("--set seed=1,2", "--seeds has those"),
        ("--promised 1", "`promised` is 1"),
    ] {
        let ran = place.run(&format!("{SWEEP} {more}")).ends_with(2);
        assert!(ran.stderr.contains(expected), "{}", ran.stderr);
    }
    let ran = place
        .run("sweep one.csv --models knn --held-out ./one.csv")
        .ends_with(2);
    let expected = "other normals than those that are trained on";
    assert!(ran.stderr.contains(expected), "{}", ran.stderr);
    assert!(!place.path("sweep").exists());
}

#[test]
#[cfg(unix)]
fn control_c_ends_all_trainings_and_the_same_command_goes_on() {
    let place = place();
    place.write("small.toml", SMALL.replace("epochs = 3", "epochs = 200"));
    let options = format!("{LABELS} --checkpoint-minutes 0.0005");
    let line = format!("{SWEEP} --at-once 1 {options}");
    let mut command = place.command(&line);
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let sweep = command.spawn().unwrap();
    let began = Instant::now();
    while !place
        .path("sweep/one/egbad-0/resume/state.safetensors")
        .exists()
    {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "no state was saved"
        );
        sleep(Duration::from_millis(5));
    }
    sleep(Duration::from_millis(100));
    // As a terminal does: all processes of the group.
    let group = format!("-{}", sweep.id());
    Command::new("kill")
        .args(["-INT", "--", &group])
        .status()
        .unwrap();
    let ended = sweep.wait_with_output().unwrap();
    let stderr = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(130), "{stderr}");
    let how = stderr.lines().last().unwrap();
    let how = how.strip_prefix("hint: what is trained is kept; go on with: unlike ");
    assert!(!place.path("sweep/one/egbad-0/model.safetensors").exists());
    let log = "sweep/one/egbad-0/metrics.jsonl";
    let epochs = String::from_utf8(place.read(log)).unwrap();
    let ran = place
        .run(how.unwrap_or_else(|| panic!("{stderr}")))
        .ends_with(0);
    assert!(ran.stdout.contains("two   egbad"), "{}", ran.stdout);
    // It went on, rather than began anew: the log has the same first lines.
    let now = String::from_utf8(place.read(log)).unwrap();
    assert!(now.len() > epochs.len() && !epochs.is_empty());
    let whole =
        "train one.csv --model egbad --config small.toml --seed 0 --label-column label --out whole";
    place.run(whole).ends_with(0);
    let model = |run: &str| place.read(&format!("{run}/model.safetensors"));
    assert!(model("sweep/one/egbad-0") == model("whole"));
}
