//! Every model of networks on a graphics processor, against the CPU. A machine without one can do it
//! in software: Mesa's lavapipe is a Vulkan driver (mesa-vulkan-drivers on Debian).

use std::{io::Write as _, path::Path, sync::OnceLock};

use unlike::{
    Detector, Error, Explanations, Model, RunOptions, Samples, TrainConfig, backend,
    core::conformance,
    fit,
    models::{Kind, ganomaly::Ganomaly},
    settings::Width,
    train::{Flow, Observer, Silent, StepReport},
};

use crate::{images, training};

/// Losses of the first steps of the same training, relative to the larger of the CPU's and
/// [`SMALLEST`]: sums are rounded in another order, and every update passes that on.
const LOSS_TOLERANCE: f64 = 1e-4;
/// Scores and their parts by the same weights, alike.
const SCORE_TOLERANCE: f64 = 1e-4;
/// Below this, differences of losses, parts and explanations count as they are.
const SMALLEST: f64 = 0.1;
/// The same of scores: combined ones are in units of a spread and near 0 for most normals.
const SPREAD: f64 = 1.0;

const NAMES: [&str; 5] = ["egbad", "bigan", "anogan", "fanogan", "ganomaly"];

/// Whether there is a graphics processor; if not, that is said where nobody can miss it.
fn there() -> bool {
    static THERE: OnceLock<bool> = OnceLock::new();
    *THERE.get_or_init(|| {
        let (there, what) = match backend::describe("wgpu") {
            Ok(adapter) => (true, adapter),
            Err(error) => (
                false,
                format!(
                    "SKIPPED, ALL OF THEM: {error}; {}",
                    error.hint().map_or("", |hint| hint)
                ),
            ),
        };
        // Past libtest, which keeps what passing tests print to itself.
        let line = format!("\n*** tests on a graphics processor: {what} ***\n");
        std::io::stderr().write_all(line.as_bytes()).unwrap();
        there
    })
}

/// Keeps the losses of every step.
#[derive(Default)]
struct Steps(Vec<Vec<(&'static str, f64)>>);

impl Observer for Steps {
    fn step(&mut self, report: &StepReport<'_>) -> Flow {
        self.0.push(report.losses.to_vec());
        Flow::Continue
    }
}

fn samples(kind: Kind) -> Samples {
    match kind {
        Kind::Table => Samples::Table(training::normals(160)),
        Kind::Images => images::normals(160),
    }
}

/// Narrow networks, and three updates of them.
fn config(name: &str, kind: Kind) -> TrainConfig {
    let mut config = match kind {
        Kind::Table => TrainConfig::recommended_for(name, kind, 160).unwrap(),
        Kind::Images => images::config(name, 160, 1),
    };
    config.epochs = 1;
    config.batch_size = 32;
    config.members = 1;
    training::shorten(&mut config.model);
    if let (Some(ganomaly), Kind::Images) = (config.model.get_mut::<Ganomaly>(), kind) {
        ganomaly.networks.width = Some(Width::of(8));
    }
    config
}

fn on(device: &str) -> RunOptions {
    RunOptions {
        device: device.into(),
        ..RunOptions::default()
    }
}

#[track_caller]
fn close(what: &str, found: f64, expected: f64, tolerance: f64) {
    close_above(SMALLEST, what, found, expected, tolerance);
}

#[track_caller]
fn close_above(smallest: f64, what: &str, found: f64, expected: f64, tolerance: f64) {
    let error = (found - expected).abs() / expected.abs().max(smallest);
    assert!(error <= tolerance, "{what}: {found}, on the CPU {expected}");
}

/// The model of a file gives the same parts and scores on both devices.
fn scores_agree(what: &str, path: &Path, samples: &Samples) {
    let [cpu, wgpu] = ["cpu", "wgpu"].map(|device| Model::load_on(path, device).unwrap());
    let [expected, found] = [&cpu, &wgpu].map(|model| model.evaluate(samples).unwrap());
    for ((part, expected), (_, found)) in expected.parts.iter().zip(found.parts.iter()) {
        for (&expected, &found) in expected.iter().zip(found) {
            close(&format!("{what}, {part}"), found, expected, SCORE_TOLERANCE);
        }
    }
    for score in cpu.score_names().map(str::to_owned).collect::<Vec<_>>() {
        let [expected, found] = ["cpu", "wgpu"].map(|device| {
            let model = Model::load_on(path, device).unwrap();
            model.with_score(&score).unwrap().score(samples).unwrap()
        });
        for (&expected, &found) in expected.iter().zip(&found) {
            let what = format!("{what}, {score}");
            close_above(SPREAD, &what, found, expected, SCORE_TOLERANCE);
        }
    }
    let explain = |model: &Model| match model.explain(samples).unwrap() {
        Explanations::Maps { values, .. } | Explanations::Columns { values, .. } => values,
    };
    for (found, expected) in explain(&wgpu).into_iter().zip(explain(&cpu)) {
        let (found, expected) = (f64::from(found), f64::from(expected));
        close(
            &format!("{what}, explanation"),
            found,
            expected,
            SCORE_TOLERANCE,
        );
    }
}

#[test]
fn training_and_scoring_agree_with_the_cpu() {
    if !there() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for kind in [Kind::Table, Kind::Images] {
        let samples = samples(kind);
        let some = samples.select(&(0..40).collect::<Vec<_>>());
        for name in NAMES {
            let config = config(name, kind);
            let [expected, found] = ["cpu", "wgpu"].map(|device| {
                let mut steps = Steps::default();
                let model = fit(&config, &samples, &on(device), &mut steps).unwrap();
                let path = folder.path().join(format!("{name}-{kind:?}-{device}"));
                model.save(&path).unwrap();
                scores_agree(&format!("{name}, {kind:?}, from {device}"), &path, &some);
                steps.0
            });
            assert_eq!(found.len(), expected.len());
            assert!(found.len() >= 3, "{name}: {} updates", found.len());
            for (step, (found, expected)) in found.iter().zip(&expected).enumerate() {
                for ((loss, expected), (_, found)) in expected.iter().zip(found) {
                    let what = format!("{name}, {kind:?}, step {}, {loss}", step + 1);
                    close(&what, *found, *expected, LOSS_TOLERANCE);
                }
            }
        }
    }
}

#[test]
fn models_on_a_graphics_processor_keep_the_laws_of_scores() {
    if !there() {
        return;
    }
    for (name, kind) in [("ganomaly", Kind::Images), ("egbad", Kind::Table)] {
        let samples = samples(kind);
        let model = fit(&config(name, kind), &samples, &on("wgpu"), &mut Silent).unwrap();
        let some = samples.select(&(0..20).collect::<Vec<_>>());
        let violations = conformance::check(&model, &some);
        assert!(violations.is_empty(), "{name}: {violations:#?}");
    }
}

#[test]
fn an_interrupted_training_goes_on_and_may_change_the_device() {
    if !there() {
        return;
    }
    let kind = Kind::Table;
    let (config, samples) = (config("ganomaly", kind), samples(kind));
    let mut whole = Steps::default();
    fit(&config, &samples, &on("cpu"), &mut whole).unwrap();
    for (first, second) in [("wgpu", "wgpu"), ("cpu", "wgpu"), ("wgpu", "cpu")] {
        let folder = tempfile::tempdir().unwrap();
        let options = |device: &str, resume| RunOptions {
            device: device.into(),
            ..training::keeping(&folder.path().join("state"), resume)
        };
        let stopped = fit(
            &config,
            &samples,
            &options(first, false),
            &mut training::StopAfter(2),
        );
        assert!(matches!(stopped, Err(Error::Interrupted)));
        let mut rest = Steps::default();
        fit(&config, &samples, &options(second, true), &mut rest).unwrap();
        assert_eq!(rest.0.len() + 2, whole.0.len());
        for (found, expected) in rest.0.iter().zip(&whole.0[2..]) {
            for ((loss, expected), (_, found)) in expected.iter().zip(found) {
                let what = format!("from {first} to {second}, {loss}");
                close(&what, *found, *expected, LOSS_TOLERANCE);
            }
        }
    }
}
