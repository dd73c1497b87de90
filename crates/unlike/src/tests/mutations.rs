//! A model file is data, and its checksum proves nothing about what it says: whatever it holds,
//! loading and scoring it give an error or finite numbers. They never panic, and never ask for more
//! memory than a model of this size can need.
//!
//! Every test changes a saved file at one place after the other, writes it with a right checksum, and
//! uses it. It does so in a process of its own, whose memory is limited: one that ran out of it could
//! not tell where.

use std::{
    io::Write as _,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    process::Command,
};

use serde_json::{Value, json};
use unlike_core::{
    Arrays, Column, Detector, Error, Explanations, Images, Result, Samples, Table, Values,
};

use unlike_features::{FeatureConfig, Onnx, Pool, Tiles};

use crate::{
    Model, RunOptions, TrainConfig, file, fit,
    model::KIND,
    train::{Flow, Observer, ResumeFile, Silent, StepReport},
};

/// Kilobytes of address space that a process gets which changes files.
const MEMORY: usize = 4_000_000;

/// Set in the process that changes files.
const CHILD: &str = "UNLIKE_TEST_CHANGES_FILES";

/// A folder in memory, where there is such a thing: thousands of files are flushed to it.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

/// Runs the test of this name, which calls this, in a process of its own.
fn alone(test: &str, run: impl FnOnce()) {
    if std::env::var_os(CHILD).is_some() {
        return run();
    }
    let limited = format!("ulimit -v {MEMORY}; exec \"$0\" \"$@\"");
    let mut command = match cfg!(target_os = "linux") {
        true => Command::new("sh"),
        false => Command::new(std::env::current_exe().unwrap()),
    };
    if cfg!(target_os = "linux") {
        command
            .args(["-c", &limited])
            .arg(std::env::current_exe().unwrap());
    }
    let test = format!("mutations::{test}");
    let output = command
        .args(["--exact", &test, "--nocapture", "--test-threads", "1"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    let last: Vec<&str> = told.lines().rev().take(60).collect();
    let last: Vec<&str> = last.into_iter().rev().collect();
    assert!(output.status.success(), "{}", last.join("\n"));
    let ran = String::from_utf8_lossy(&output.stdout);
    assert!(ran.contains("1 passed"), "no test of this name: {ran}");
}

/// Numbers in two columns, of which one has missing cells, and a category.
fn rows(n: usize) -> Samples {
    let wave = |i: usize, step: f64| (step * i as f64).sin();
    let numbers = |name: &str, value: &dyn Fn(usize) -> f64| Column {
        name: name.into(),
        values: Values::Number((0..n).map(value).collect()),
    };
    let gaps = |i: usize| match i % 7 {
        0 => f64::NAN,
        _ => wave(i, 0.3) + wave(i, 1.7),
    };
    let levels = ["left", "middle", "right"].map(str::to_owned);
    let columns = vec![
        numbers("a", &|i| wave(i, 0.7)),
        numbers("b", &gaps),
        Column {
            name: "side".into(),
            values: Values::Category {
                levels: levels.to_vec().into(),
                codes: (0..n).map(|i| (i * i % 3) as u32).collect(),
            },
        },
    ];
    Samples::Table(Table::new("rows", columns).unwrap())
}

/// Slopes in grey.
fn images(n: usize, side: usize) -> Samples {
    let pixel = |i: usize| ((i % side + i / side / 3 % 7) as f32 / side as f32).min(1.0);
    let pixels = (0..n * side * side).map(pixel).collect();
    let ids = (0..n).map(|i| i.to_string()).collect();
    Samples::Images(Images::new("images", [side, side, 1], pixels, ids).unwrap())
}

/// The recommended settings, made small, whatever the model's settings are called.
fn small(name: &str, samples: &Samples) -> TrainConfig {
    let recommended = TrainConfig::recommended(name, samples).unwrap();
    let text = recommended.to_toml().unwrap();
    let small = |line: &str| match line.split_once(" = ") {
        Some((key @ ("width" | "latent" | "trees" | "subsample"), _)) => format!("{key} = 8"),
        _ => line.to_owned(),
    };
    let text = text.lines().map(small).collect::<Vec<_>>().join("\n");
    TrainConfig {
        epochs: 2,
        batch_size: 16,
        members: 1,
        ..TrainConfig::from_toml(&text, "config.toml".as_ref()).unwrap()
    }
}

/// Takes a content with one change, and what that is.
type Use<'a> = &'a mut dyn FnMut(String, &Value, &Arrays);

/// Everything that is done to a description, at each of its places.
fn change_header(header: &Value, arrays: &Arrays, left_out: &[&str], use_it: Use<'_>) {
    let mut places = Vec::new();
    find_places(header, String::new(), &mut places);
    for place in places {
        if left_out.iter().any(|left_out| place.starts_with(left_out)) {
            continue;
        }
        let mut change = |how: &str, value: Option<Value>| {
            let mut header = header.clone();
            match value {
                Some(value) => *header.pointer_mut(&place).unwrap() = value,
                None => remove(&mut header, &place),
            }
            use_it(format!("{place} {how}"), &header, arrays);
        };
        change("removed", None);
        change("null", Some(Value::Null));
        match header.pointer(&place).unwrap() {
            Value::Number(_) => {
                let numbers = [
                    json!(0),
                    json!(1),
                    json!(2),
                    json!(-1),
                    json!(0.5),
                    json!(-0.5),
                    json!(300),
                    json!(16_777_216),
                    json!(1_000_000_000),
                    json!(u32::MAX),
                    json!(u64::MAX / 2),
                    json!(u64::MAX),
                    json!(1e-320),
                    json!(1e38),
                    json!(-1e308),
                ];
                for number in numbers {
                    change(&format!("= {number}"), Some(number));
                }
            }
            Value::String(text) => {
                for other in [String::new(), "other".into(), text.repeat(2)] {
                    change(&format!("= {other:?}"), Some(json!(other)));
                }
            }
            Value::Bool(flag) => change("flipped", Some(json!(!flag))),
            Value::Array(list) => {
                change("emptied", Some(json!([])));
                if let Some(last) = list.last() {
                    let longer = [list.as_slice(), std::slice::from_ref(last)].concat();
                    change("with its last twice", Some(Value::Array(longer)));
                    let reversed = list.iter().rev().cloned().collect();
                    change("reversed", Some(Value::Array(reversed)));
                }
            }
            Value::Object(_) => change("emptied", Some(json!({}))),
            Value::Null => {
                for value in [
                    json!(0),
                    json!(1),
                    json!(u64::MAX),
                    json!("other"),
                    json!([]),
                ] {
                    change(&format!("= {value}"), Some(value));
                }
            }
        }
    }
}

fn find_places(value: &Value, place: String, places: &mut Vec<String>) {
    let escaped = |key: &str| key.replace('~', "~0").replace('/', "~1");
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                find_places(value, format!("{place}/{}", escaped(key)), places);
            }
        }
        Value::Array(list) => {
            for (at, value) in list.iter().enumerate() {
                find_places(value, format!("{place}/{at}"), places);
            }
        }
        _ => {}
    }
    if !place.is_empty() {
        places.push(place);
    }
}

fn remove(header: &mut Value, place: &str) {
    let (parent, key) = place.rsplit_once('/').unwrap();
    let key = key.replace("~1", "/").replace("~0", "~");
    match header.pointer_mut(parent).unwrap() {
        Value::Object(map) => _ = map.remove(&key),
        Value::Array(list) => _ = list.remove(key.parse().unwrap()),
        _ => unreachable!("a place has something above it"),
    }
}

/// Everything that is done to each array.
fn change_arrays(header: &Value, arrays: &Arrays, use_it: Use<'_>) {
    for (name, array) in arrays.iter() {
        let mut change = |how: &str, change: Option<(Vec<usize>, Vec<f32>)>| {
            let mut changed = Arrays::new();
            for (other, array) in arrays.iter().filter(|(other, _)| *other != name) {
                changed.insert(other, &array.shape, array.values.clone());
            }
            if let Some((shape, values)) = change {
                changed.insert(name, &shape, values);
            }
            use_it(format!("array `{name}` {how}"), header, &changed);
        };
        let (shape, values) = (&array.shape, &array.values);
        change("removed", None);
        change("emptied", Some((vec![0], vec![])));
        change("a single number", Some((vec![], vec![1.0])));
        change("in one row", Some((vec![1, values.len()], values.clone())));
        change("on one axis", Some((vec![values.len()], values.clone())));
        let turned: Vec<usize> = shape.iter().rev().copied().collect();
        change("with its axes reversed", Some((turned, values.clone())));
        for axis in 0..shape.len() {
            for longer in [false, true] {
                let mut shape = shape.clone();
                match longer {
                    true => shape[axis] += 1,
                    false => shape[axis] = shape[axis].saturating_sub(1),
                }
                let size = shape.iter().product();
                let cut = values
                    .iter()
                    .copied()
                    .chain(std::iter::repeat(1.0))
                    .take(size);
                let how = format!("with {} on axis {axis}", shape[axis]);
                change(&how, Some((shape, cut.collect())));
            }
        }
        for value in [
            f32::NAN,
            f32::INFINITY,
            -1.0,
            0.0,
            0.5,
            2.0,
            1e7,
            3e38,
            -3e38,
            1e-40,
        ] {
            let all = vec![value; values.len()];
            change(&format!("all {value}"), Some((shape.clone(), all)));
            if let Some((_, rest)) = values.split_first() {
                let first = [&[value], rest].concat();
                change(
                    &format!("beginning with {value}"),
                    Some((shape.clone(), first)),
                );
            }
            if let Some((_, rest)) = values.split_last() {
                let last = [rest, &[value]].concat();
                change(&format!("ending with {value}"), Some((shape.clone(), last)));
            }
        }
        let reversed: Vec<f32> = values.iter().rev().copied().collect();
        change("reversed", Some((shape.clone(), reversed)));
    }
}

/// Writes a file of every change, and tells of those that end in a panic.
fn survive(path: &Path, kind: &str, left_out: &[&str], use_it: impl Fn() -> Result<()>) {
    use_it().unwrap();
    let (header, arrays, networks): (Value, Arrays, _) = file::read(path, kind).unwrap();
    let (mut refused, mut panics) = (0, Vec::new());
    let mut try_it = |what: String, header: &Value, arrays: &Arrays| {
        // Read where memory runs out.
        writeln!(std::io::stderr(), "{what}").unwrap();
        // Not to the disk: that would take minutes.
        std::fs::write(
            path,
            file::content(kind, header, arrays, &networks).unwrap(),
        )
        .unwrap();
        match catch_unwind(AssertUnwindSafe(&use_it)) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                assert!(!error.to_string().is_empty());
                refused += 1;
            }
            Err(_) => panics.push(what),
        }
    };
    change_header(&header, &arrays, left_out, &mut try_it);
    // A saved state's arrays are read as those of a model are, and it takes a training to use them.
    if kind == KIND {
        change_arrays(&header, &arrays, &mut try_it);
    }
    assert!(panics.is_empty(), "panics: {panics:#?}");
    assert!(refused > 100, "only {refused} changes were noticed");
}

/// Does with a model file what can be done with one.
fn use_model(path: &Path, samples: &Samples) -> Result<()> {
    let all_finite = |values: &[f64]| assert!(values.iter().all(|v| v.is_finite()), "{values:?}");
    let model = Model::load(path)?;
    let names: Vec<String> = model.score_names().map(str::to_owned).collect();
    _ = (model.parameters(), model.config().to_toml()?);
    if let Some(table) = model.preprocessing().as_table() {
        assert_eq!(table.feature_names().len(), table.width());
        _ = table
            .columns()
            .iter()
            .filter(|(_, c)| c.is_constant())
            .count();
    }
    let scored = model.evaluate(samples)?;
    assert_eq!(scored.scores.len(), samples.len());
    all_finite(&scored.scores);
    scored
        .parts
        .iter()
        .for_each(|(_, values)| assert!(values.iter().all(|v| v.is_finite())));
    all_finite(&model.calibration().p_values(&scored.scores));
    match model.explain(samples)? {
        Explanations::Columns { names, values } => {
            assert_eq!(values.len(), names.len() * samples.len());
            assert!(values.iter().all(|v| v.is_finite()), "{values:?}");
        }
        Explanations::Maps {
            height,
            width,
            values,
        } => {
            assert_eq!(values.len(), height * width * samples.len());
            assert!(values.iter().all(|v| v.is_finite()), "{values:?}");
        }
    }
    model.reconstructions(samples)?;
    model.generated(2, 0)?;
    for name in names {
        let model = Model::load(path)?.with_score(&name)?;
        all_finite(&model.score(samples)?);
    }
    model.recalibrate(samples)?;
    Ok(())
}

fn models(name: &str, samples: &Samples) {
    let folder = folder();
    let path = folder.path().join("model");
    let config = small(name, samples);
    let model = fit(&config, samples, &RunOptions::default(), &mut Silent).unwrap();
    model.save(&path).unwrap();
    let some = samples.select(&[0, 1, 2]);
    survive(&path, KIND, &[], || use_model(&path, &some));
}

#[test]
fn egbad() {
    alone("egbad", || models("egbad", &rows(80)));
}

#[test]
fn ganomaly_for_images() {
    alone("ganomaly_for_images", || {
        models("ganomaly", &images(40, 16))
    });
}

#[test]
fn pca() {
    alone("pca", || models("pca", &rows(80)));
}

#[test]
fn knn() {
    alone("knn", || models("knn", &rows(80)));
}

#[test]
fn iforest() {
    alone("iforest", || models("iforest", &rows(80)));
}

#[test]
fn ecod_for_images() {
    alone("ecod_for_images", || models("ecod", &images(40, 4)));
}

/// PCA of what these features say of images.
fn features(features: FeatureConfig) {
    let folder = folder();
    let path = folder.path().join("model");
    let samples = images(30, 24);
    let config = TrainConfig::recommended_with("pca", &samples, Some(&features)).unwrap();
    let model = fit(&config, &samples, &RunOptions::default(), &mut Silent).unwrap();
    model.save(&path).unwrap();
    let some = samples.select(&[0, 1, 2]);
    survive(&path, KIND, &[], || use_model(&path, &some));
}

#[test]
fn windows_in_tiles() {
    alone("windows_in_tiles", || {
        let (side, overlap) = (16, 4);
        let tiles = Some(Tiles { side, overlap });
        features(FeatureConfig::dct(Pool::Patches).with_tiles(tiles));
    });
}

#[test]
fn a_network_of_places_and_of_the_whole() {
    alone("a_network_of_places_and_of_the_whole", || {
        let folder = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../unlike-features/tests/golden"
        );
        let network = Onnx::new(format!("{folder}/small.onnx"));
        features(FeatureConfig::Onnx(network).with_pool(Pool::Both));
    });
}

/// Interrupts a training after so many steps.
struct StopAfter(usize);

impl Observer for StopAfter {
    fn step(&mut self, _: &StepReport<'_>) -> Flow {
        self.0 -= 1;
        match self.0 {
            0 => Flow::Interrupt,
            _ => Flow::Continue,
        }
    }
}

#[test]
fn the_state_of_a_training() {
    alone("the_state_of_a_training", || {
        let folder = folder();
        let path = folder.path().join("state");
        let samples = rows(80);
        let config = TrainConfig {
            epochs: 3,
            ..small("egbad", &samples)
        };
        let options = |resume| RunOptions {
            resume_file: Some(ResumeFile(path.clone())),
            resume,
            ..RunOptions::default()
        };
        // In the second epoch of four steps each.
        let stopped = fit(&config, &samples, &options(false), &mut StopAfter(6));
        assert!(matches!(stopped, Err(Error::Interrupted)));
        survive(&path, "unlike-resume", &[], || {
            // Going on writes the file anew.
            let saved = std::fs::read(&path).unwrap();
            let went_on = fit(&config, &samples, &options(true), &mut Silent);
            std::fs::write(&path, saved).unwrap();
            let scores = went_on?.score(&samples)?;
            assert!(scores.iter().all(|v| v.is_finite()));
            Ok(())
        });
    });
}
