//! The same training gives the same file: on any number of threads, after any interruption.

use std::{path::Path, time::Duration};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use unlike::{
    Detector, Error, Model, ModelConfig, RunOptions, Samples, Table, TrainConfig,
    core::{Column, Values},
    fit,
    models::{
        Kind, MODELS, anogan::Anogan, bigan::Bigan, egbad::Egbad, fanogan::Fanogan,
        ganomaly::Ganomaly,
    },
    settings::Share,
    train::{
        EpochChoice, EpochReport, Flow, Observer, ResumeFile, Schedule, Silent, Snapshot,
        StepReport, Stop, StopReason, with_threads,
    },
};

/// Rows on a curve in four columns, and a category that depends on them.
pub(crate) fn normals(rows: usize) -> Table {
    table(rows, 0.0, 11)
}

/// Rows far off that curve.
pub(crate) fn anomalies(rows: usize) -> Table {
    table(rows, 6.0, 12)
}

fn table(rows: usize, shift: f64, seed: u64) -> Table {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut columns = vec![Vec::new(); 4];
    let mut codes = Vec::with_capacity(rows);
    for _ in 0..rows {
        let t: f64 = rng.random_range(-1.0..1.0);
        for (column, value) in columns.iter_mut().zip([t, t * t, (3.0 * t).sin(), -t]) {
            column.push(value + rng.random_range(-0.05..0.05) + shift);
        }
        codes.push(u32::from(t > 0.0));
    }
    let mut all: Vec<Column> = ["a", "b", "c", "d"]
        .into_iter()
        .zip(columns)
        .map(|(name, values)| Column {
            name: name.into(),
            values: Values::Number(values),
        })
        .collect();
    let levels = ["left".to_owned(), "right".to_owned()].into();
    all.push(Column {
        name: "side".into(),
        values: Values::Category { levels, codes },
    });
    Table::new("a test", all).unwrap()
}

/// Makes searches short: a long one keeps no other laws.
pub(crate) fn shorten(model: &mut ModelConfig) {
    if let Some(anogan) = model.get_mut::<Anogan>() {
        anogan.search.descent.steps = 12;
    }
}

/// Switches spectral norm on where it is off, and off where it is on; `None` if the model has none.
pub(crate) fn switch_spectral_norm(mut model: ModelConfig) -> Option<ModelConfig> {
    if let Some(Bigan(egbad)) = model.get_mut() {
        egbad.spectral_norm ^= true;
    } else if let Some(egbad) = model.get_mut::<Egbad>() {
        egbad.spectral_norm ^= true;
    } else if let Some(anogan) = model.get_mut::<Anogan>() {
        anogan.spectral_norm ^= true;
    } else {
        model.get_mut::<Ganomaly>()?.spectral_norm ^= true;
    }
    Some(model)
}

fn config() -> TrainConfig {
    let mut config = TrainConfig::recommended_for("egbad", Kind::Table, 500).unwrap();
    config.epochs = 3;
    config.batch_size = 32;
    config.members = 1;
    config
}

fn file_of(config: &TrainConfig, options: &RunOptions, observer: &mut dyn Observer) -> Vec<u8> {
    let model = fit(config, &Samples::Table(normals(500)), options, observer).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    model.save(&path).unwrap();
    std::fs::read(path).unwrap()
}

#[test]
fn threads_do_not_change_a_bit_and_seeds_do() {
    let recommended = |name| ModelConfig::by_name(name, Kind::Table).unwrap();
    let all = ModelConfig::names().map(recommended);
    let switched = ModelConfig::names()
        .map(recommended)
        .filter_map(switch_spectral_norm);
    for mut model in all.chain(switched) {
        shorten(&mut model);
        let name = model.name();
        let members = if name == "egbad" { 2 } else { 1 };
        let config = TrainConfig {
            model,
            members,
            ..config()
        };
        let on = |threads| {
            with_threads(threads, || {
                file_of(&config, &RunOptions::default(), &mut Silent)
            })
            .unwrap()
        };
        let one = on(1);
        assert!(
            one == on(2) && one == on(3),
            "{name}: the model depends on the threads"
        );
        let other = TrainConfig {
            seed: 1,
            ..config.clone()
        };
        assert!(
            one != file_of(&other, &RunOptions::default(), &mut Silent),
            "{name}: the seed"
        );
    }
}

/// Stops after so many steps, as Ctrl-C does.
pub(crate) struct StopAfter(pub(crate) usize);

impl Observer for StopAfter {
    fn step(&mut self, _: &StepReport<'_>) -> Flow {
        self.0 = self.0.saturating_sub(1);
        if self.0 == 0 {
            Flow::Interrupt
        } else {
            Flow::Continue
        }
    }
}

pub(crate) fn keeping(path: &Path, resume: bool) -> RunOptions {
    RunOptions {
        resume_file: Some(ResumeFile(path.to_owned())),
        checkpoint_every: Duration::ZERO,
        resume,
        ..RunOptions::default()
    }
}

#[test]
fn an_interrupted_training_ends_in_the_same_file() {
    interrupt(&config());
    let model = switch_spectral_norm(config().model).unwrap();
    interrupt(&TrainConfig { model, ..config() });
    interrupt(&TrainConfig {
        members: 3,
        ..config()
    });
}

/// Of the 36 steps a half is of the first stage, or a third, which ends with the first epoch.
#[test]
fn an_interrupted_training_of_two_stages_ends_in_the_same_file() {
    for share in [0.5, 0.334] {
        let mut model = ModelConfig::by_name("fanogan", Kind::Table).unwrap();
        let fanogan = model.get_mut::<Fanogan>().unwrap();
        fanogan.gan_share = Share::of(share);
        let switch = (36.0 * f64::from(fanogan.gan_share.get())) as usize;
        assert!([18, 12].contains(&switch));
        let config = TrainConfig { model, ..config() };
        // In the middle of each stage, before, exactly at and after the switch.
        interrupt_after(&config, &[6, switch - 1, switch, switch + 1, 30]);
    }
}

fn interrupt(config: &TrainConfig) {
    let steps_per_epoch = 400 / 32;
    // In the first epoch, on its last step, in the second, and in the very last step.
    let stops = [
        1,
        7,
        steps_per_epoch,
        steps_per_epoch + 5,
        3 * steps_per_epoch,
    ];
    interrupt_after(config, &stops);
}

fn interrupt_after(config: &TrainConfig, stops: &[usize]) {
    let samples = Samples::Table(normals(500));
    let uninterrupted = file_of(config, &RunOptions::default(), &mut Silent);
    for &stop in stops {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let stopped = fit(
            config,
            &samples,
            &keeping(&path, false),
            &mut StopAfter(stop),
        );
        assert!(
            matches!(stopped, Err(Error::Interrupted)),
            "stop after {stop}"
        );
        let resumed = file_of(config, &keeping(&path, true), &mut Silent);
        assert!(
            resumed == uninterrupted,
            "a stop after {stop} steps changed the model"
        );
        let again = file_of(config, &keeping(&path, true), &mut Silent);
        assert!(
            again == uninterrupted,
            "resuming a finished training changed the model"
        );
    }
}

#[test]
fn a_resume_file_of_another_training_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    file_of(&config(), &keeping(&path, false), &mut Silent);
    let other = TrainConfig {
        seed: 5,
        ..config()
    };
    let samples = Samples::Table(normals(500));
    let error = fit(&other, &samples, &keeping(&path, true), &mut Silent).unwrap_err();
    assert!(error.to_string().contains("another training"), "{error}");
}

#[test]
fn every_network_moves_and_the_average_follows() {
    let before = file_of(
        &TrainConfig {
            epochs: 1,
            ..config()
        },
        &RunOptions::default(),
        &mut Silent,
    );
    let after = file_of(
        &TrainConfig {
            epochs: 2,
            ..config()
        },
        &RunOptions::default(),
        &mut Silent,
    );
    let arrays = |file: &[u8]| {
        let file = safetensors::SafeTensors::deserialize(file).unwrap();
        let weights = |(name, _): &(String, _)| name.starts_with("model.");
        let all = file.tensors().into_iter().filter(weights);
        let bytes = |(name, view): (String, safetensors::tensor::TensorView<'_>)| {
            (name, view.data().to_vec())
        };
        all.map(bytes).collect::<std::collections::BTreeMap<_, _>>()
    };
    let (before, after) = (arrays(&before), arrays(&after));
    assert_eq!(before.len(), 26, "E 4, G 6, D 8 and its 8 singular vectors");
    for (name, weights) in &before {
        // A direction of one number is 1 or −1 for ever.
        let moves = name != "model.discriminator.logit.spectral.u";
        assert_eq!(after[name] != *weights, moves, "`{name}` in an epoch");
    }
}

#[test]
fn too_few_samples_are_named() {
    let few = Samples::Table(normals(3));
    let error = fit(&config(), &few, &RunOptions::default(), &mut Silent).unwrap_err();
    assert!(error.to_string().contains("normal samples: 3"), "{error}");
}

/// Steps of different length do not depend on how many epochs there will be.
fn constant(epochs: usize) -> TrainConfig {
    // So fast, and without an average that lags behind, that the best epoch soon comes.
    let config = with(&config(), &[("learning_rate", 0.01), ("ema", 0.0)]);
    TrainConfig {
        epochs,
        schedule: Schedule::Constant,
        ..config
    }
}

/// The same settings with these values for some of them, wherever the model keeps them.
fn with(config: &TrainConfig, values: &[(&str, f64)]) -> TrainConfig {
    let text = config.to_toml().unwrap();
    let changed = text.lines().map(|line| {
        let key = line.split_once(" = ").map_or("", |(key, _)| key);
        match values.iter().find(|(name, _)| *name == key) {
            Some((_, value)) => format!("{key} = {value:?}"),
            None => line.to_owned(),
        }
    });
    let changed = changed.collect::<Vec<_>>().join("\n");
    TrainConfig::from_toml(&changed, Path::new("config.toml")).unwrap()
}

fn trained(config: &TrainConfig, observer: &mut dyn Observer) -> Model {
    let samples = Samples::Table(normals(500));
    fit(config, &samples, &RunOptions::default(), observer).unwrap()
}

#[track_caller]
fn assert_same_scores(a: &Model, b: &Model) {
    let some = Samples::Table(normals(50));
    assert_eq!(a.score(&some).unwrap(), b.score(&some).unwrap());
    assert_eq!(a.calibration(), b.calibration());
}

#[test]
fn patience_ends_a_training_whichever_epoch_is_chosen() {
    for choice in [EpochChoice::Last, EpochChoice::HeldOut] {
        let patient = TrainConfig {
            choice,
            patience: Some(2),
            ..constant(200)
        };
        let model = trained(&patient, &mut Silent);
        let provenance = model.provenance();
        let done = provenance.epochs.len();
        let means: Vec<f64> = provenance
            .epochs
            .iter()
            .map(|e| e.held_out[0].mean)
            .collect();
        let best = |means: &[f64]| {
            let best = (0..means.len()).min_by(|&a, &b| means[a].total_cmp(&means[b]));
            best.unwrap() + 1
        };
        // Not one epoch too early, and none too late.
        assert_eq!(best(&means) + 2, done, "{choice:?}: {means:?}");
        assert!((1..done).all(|n| n - best(&means[..n]) < 2), "{means:?}");
        assert!(done < 200, "{choice:?}: it never stopped");
        let stop = Stop {
            after_epoch: done,
            reason: StopReason::Patience,
        };
        assert_eq!(provenance.stopped, Some(stop));
        let chosen = match choice {
            EpochChoice::Last => done,
            EpochChoice::HeldOut => done - 2,
        };
        assert_eq!(provenance.chosen_epoch, Some(chosen));
        let shorter = TrainConfig {
            choice,
            ..constant(done)
        };
        let shorter = trained(&shorter, &mut Silent);
        assert_eq!(shorter.provenance().stopped, None);
        assert_same_scores(&model, &shorter);
    }
}

/// Is content after so many epochs and steps.
struct FinishAfter {
    epochs: usize,
    steps: usize,
}

impl Observer for FinishAfter {
    fn step(&mut self, report: &StepReport<'_>) -> Flow {
        match self.steps > 0 && (report.epoch, report.step) == (self.epochs + 1, self.steps) {
            true => Flow::Finish,
            false => Flow::Continue,
        }
    }

    fn epoch(&mut self, report: &EpochReport, _: &Snapshot<'_>) -> Flow {
        match self.steps == 0 && report.epoch == self.epochs {
            true => Flow::Finish,
            false => Flow::Continue,
        }
    }
}

#[test]
fn a_training_that_is_finished_early_keeps_its_best_model() {
    for choice in [EpochChoice::Last, EpochChoice::HeldOut] {
        let with = |epochs| TrainConfig {
            choice,
            ..constant(epochs)
        };
        for (epochs, steps) in [(1, 0), (4, 0), (4, 5)] {
            let model = trained(&with(50), &mut FinishAfter { epochs, steps });
            let stop = Stop {
                after_epoch: epochs,
                reason: StopReason::Observer,
            };
            assert_eq!(model.provenance().stopped, Some(stop));
            assert_eq!(model.provenance().epochs.len(), epochs);
            let shorter = trained(&with(epochs), &mut Silent);
            let chosen = shorter.provenance().chosen_epoch;
            assert_eq!(model.provenance().chosen_epoch, chosen);
            assert_same_scores(&model, &shorter);
        }
        // Content with the last epoch: nothing was early.
        let model = trained(
            &with(3),
            &mut FinishAfter {
                epochs: 3,
                steps: 0,
            },
        );
        assert_eq!(model.provenance().stopped, None);
    }
    // Better than nothing.
    let model = trained(
        &constant(50),
        &mut FinishAfter {
            epochs: 0,
            steps: 3,
        },
    );
    assert_eq!(model.provenance().chosen_epoch, None);
    assert_eq!(
        model.provenance().stopped.map(|stop| stop.after_epoch),
        Some(0)
    );
    assert_eq!(model.calibration().len(), 50);
}

#[test]
fn a_finished_training_stays_finished() {
    for (epochs, steps) in [(0, 3), (2, 0), (2, 5)] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let mut finish = FinishAfter { epochs, steps };
        let finished = file_of(&constant(50), &keeping(&path, false), &mut finish);
        let again = file_of(&constant(50), &keeping(&path, true), &mut Silent);
        assert!(finished == again, "after {epochs} epochs and {steps} steps");
    }
}

#[test]
fn a_training_that_runs_away_is_no_success() {
    let samples = Samples::Table(normals(500));
    for name in ["egbad", "ganomaly"] {
        let recommended = TrainConfig::recommended_for(name, Kind::Table, 500).unwrap();
        let wild = TrainConfig {
            epochs: 20,
            members: 1,
            ..with(&recommended, &[("learning_rate", 10_000.0)])
        };
        let error = fit(&wild, &samples, &RunOptions::default(), &mut Silent).unwrap_err();
        assert!(matches!(error, Error::Diverged { .. }), "{name}: {error}");
        assert!(error.to_string().contains("epoch"), "{name}: {error}");
        assert!(error.hint().unwrap().contains("learning rate"), "{name}");
    }
}

/// Names the folder for the models, and the instruction set, in a process that uses another one.
const OTHER_SET: &str = "UNLIKE_TEST_INSTRUCTION_SET";

/// Trains every kind of network on the instruction set that it was told.
fn train_on_another_set(told: &str) {
    let (set, folder) = told.split_once(' ').unwrap();
    assert!(unlike_kernels::use_instruction_set(set), "{set}");
    assert_eq!(unlike_kernels::instruction_set(), set);
    for name in MODELS
        .iter()
        .filter(|entry| entry.networks)
        .map(|entry| entry.name)
    {
        let mut model = ModelConfig::by_name(name, Kind::Table).unwrap();
        shorten(&mut model);
        let rows = TrainConfig { model, ..config() };
        let file = file_of(&rows, &RunOptions::default(), &mut Silent);
        std::fs::write(format!("{folder}/{name}-table"), file).unwrap();
        let images = crate::images::config(name, 90, 2);
        let normals = crate::images::normals(90);
        let model = fit(&images, &normals, &RunOptions::default(), &mut Silent).unwrap();
        model.save(format!("{folder}/{name}-images")).unwrap();
    }
}

#[test]
fn the_width_of_vectors_does_not_change_a_bit() {
    if let Ok(told) = std::env::var(OTHER_SET) {
        return train_on_another_set(&told);
    }
    // The portable path rounds twice where the others round once.
    let sets = unlike_kernels::instruction_sets();
    let fused = sets.into_iter().filter(|&set| set != "portable");
    let mut first = None;
    for set in fused {
        let folder = tempfile::tempdir().unwrap();
        let name = "training::the_width_of_vectors_does_not_change_a_bit";
        let ran = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name])
            .env(OTHER_SET, format!("{set} {}", folder.path().display()))
            .output()
            .unwrap();
        assert!(ran.status.success(), "{set}: {ran:?}");
        let entries = std::fs::read_dir(folder.path()).unwrap();
        let files = entries.map(|entry| entry.unwrap().path());
        let files: std::collections::BTreeMap<_, _> = files
            .map(|path| {
                (
                    path.file_name().unwrap().to_owned(),
                    std::fs::read(&path).unwrap(),
                )
            })
            .collect();
        let networks = MODELS.iter().filter(|entry| entry.networks).count();
        assert_eq!(files.len(), 2 * networks, "{set}: {ran:?}");
        let (set_of_first, expected) = first.get_or_insert((set, files.clone()));
        for (name, file) in files {
            assert!(
                expected[&name] == file,
                "{name:?}: {set} and {set_of_first} differ"
            );
        }
    }
}
