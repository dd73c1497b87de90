//! The same training gives the same file: on any number of threads, after any interruption.

use std::{ops::ControlFlow, path::Path, time::Duration};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use unlike::{
    Error, ModelConfig, RunOptions, Samples, Table, TrainConfig,
    core::{Column, Values},
    fit,
    models::{
        Kind, anogan::Anogan, bigan::Bigan, egbad::Egbad, fanogan::Fanogan, ganomaly::Ganomaly,
    },
    settings::Share,
    train::{Observer, ResumeFile, Silent, StepReport, with_threads},
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
        let config = TrainConfig { model, ..config() };
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
    fn step(&mut self, _: &StepReport<'_>) -> ControlFlow<()> {
        self.0 = self.0.saturating_sub(1);
        if self.0 == 0 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
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
