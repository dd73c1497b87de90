//! Training, watched from Python.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{self, Sender},
    },
    time::{Duration, Instant},
};

use pyo3::{exceptions::PyKeyboardInterrupt, prelude::*, types::PyDict};
use unlike::{
    ConfigFile, RunOptions,
    train::{EpochReport, Flow, Observer, Plan, Snapshot, StepReport},
};
use unlike_core::{Error, Result};
use unlike_features::{FeatureConfig, FeatureOptions, Pool};
use unlike_results::warning_kind;

use crate::{
    background::{Running, Told},
    errors::OrRaise,
    model::Model,
    registry::json,
    samples::Samples,
};

/// How long a training that has not begun to step may go on unheard after Ctrl-C.
const PATIENCE: Duration = Duration::from_millis(300);

/// What detectors see of images, as constructors have it: which, of what, by which stages, and in tiles of
/// which side and overlap.
pub(crate) type Features = (
    Option<String>,
    Option<String>,
    Option<Vec<String>>,
    Option<usize>,
    Option<usize>,
);

/// The settings of a program.
pub(crate) fn config_file(model: &str, settings: &str) -> Result<ConfigFile> {
    let settings = serde_json::from_str(settings).map_err(|error| Error::Setting {
        name: "settings".into(),
        found: error.to_string(),
        expected: "JSON".into(),
        hint: None,
    })?;
    ConfigFile::given(model, &settings)
}

/// Features, if any were chosen.
pub(crate) fn features(chosen: Option<Features>) -> Result<Option<FeatureConfig>> {
    let Some((features, pool, taps, tile, overlap)) = chosen else {
        return Ok(None);
    };
    let pool = match pool.as_deref() {
        Some("image") => Some(Pool::Image),
        Some("patches") => Some(Pool::Patches),
        Some("both") => Some(Pool::Both),
        Some(other) => {
            return Err(Error::Setting {
                name: "feature-pool".into(),
                found: format!("`{other}`"),
                expected: "`patches`, `image` or `both`".into(),
                hint: None,
            });
        }
        None => None,
    };
    FeatureOptions {
        features,
        pool,
        taps: taps.unwrap_or_default(),
        tile,
        overlap,
        ..FeatureOptions::default()
    }
    .config()
}

/// Where a training is.
#[derive(Debug, Default)]
struct Progress {
    /// Asks it to finish.
    stop: AtomicBool,
    epoch: AtomicUsize,
    step: AtomicUsize,
    steps_per_epoch: AtomicUsize,
    epochs: AtomicUsize,
}

/// What a training tells while it runs.
enum Event {
    /// An epoch is over; it waits to be told whether to finish.
    Epoch(EpochReport, Sender<bool>),
    Warning(String),
}

/// Asks a training to finish when it goes out of scope.
struct StopOnDrop(Arc<Progress>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop.store(true, Ordering::Relaxed);
    }
}

struct Watch {
    progress: Arc<Progress>,
    tell: Box<dyn Fn(Event) + Send>,
    /// Whether somebody wants to hear of epochs.
    heard: bool,
}

impl Watch {
    fn flow(&self) -> Flow {
        match self.progress.stop.load(Ordering::Relaxed) {
            true => Flow::Finish,
            false => Flow::Continue,
        }
    }
}

impl Observer for Watch {
    fn started(&mut self, plan: &Plan, _: &[EpochReport]) {
        self.progress.epochs.store(plan.epochs, Ordering::Relaxed);
        self.progress
            .steps_per_epoch
            .store(plan.steps_per_epoch, Ordering::Relaxed);
    }

    fn step(&mut self, report: &StepReport<'_>) -> Flow {
        self.progress.epoch.store(report.epoch, Ordering::Relaxed);
        self.progress.step.store(report.step, Ordering::Relaxed);
        self.flow()
    }

    fn epoch(&mut self, report: &EpochReport, _: &Snapshot<'_>) -> Flow {
        if self.heard {
            let (answer, answered) = mpsc::channel();
            (self.tell)(Event::Epoch(report.clone(), answer));
            // No answer comes where nobody is left to give one.
            if answered.recv().unwrap_or(true) {
                return Flow::Finish;
            }
        }
        self.flow()
    }

    fn warning(&mut self, text: &str) {
        (self.tell)(Event::Warning(text.to_owned()));
    }
}

/// Trains a model: `settings` as JSON lie over the recommended ones.
///
/// `on_epoch` is called with what is known after each epoch, as JSON, and ends the training if it returns
/// `True`; `on_wait` several times a second with where the training is. Gives the model, warnings, and
/// whether the user interrupted it; the model is then that of the best epoch so far.
#[pyfunction]
#[pyo3(signature = (model, settings, features, samples, device, score, on_epoch, on_wait))]
#[allow(clippy::too_many_arguments, reason = "Python names them")]
pub(crate) fn fit(
    py: Python<'_>,
    model: &str,
    settings: &str,
    features: Option<Features>,
    samples: &Samples,
    device: &str,
    score: Option<String>,
    on_epoch: Option<Bound<'_, PyAny>>,
    on_wait: Option<Bound<'_, PyAny>>,
) -> PyResult<(Model, Vec<String>, bool)> {
    let config = config_file(model, settings).or_raise(py)?;
    let features = self::features(features).or_raise(py)?;
    let (reading, image_fit) = (samples.reading.clone(), samples.fit);
    let data = Arc::clone(&samples.samples);
    let options = RunOptions {
        device: device.to_owned(),
        ..RunOptions::default()
    };
    let progress = Arc::new(Progress::default());
    let seen = Arc::clone(&progress);
    let heard = on_epoch.is_some();
    let mut running = Running::start(move |tell| {
        let mut config = config.for_samples(&data, features)?;
        config.preprocessing.reading = reading;
        config.preprocessing.image_fit = image_fit;
        let mut watch = Watch {
            progress: seen,
            tell,
            heard,
        };
        let model = unlike::fit(&config, &data, &options, &mut watch)?;
        match score {
            Some(name) => model.with_score(&name),
            None => Ok(model),
        }
    });

    // However this ends, nobody listens afterwards.
    let _stop = StopOnDrop(Arc::clone(&progress));
    // Each kind of warning once, with its first words.
    let mut warnings: Vec<String> = Vec::new();
    let mut interrupted: Option<(PyErr, Instant)> = None;
    loop {
        let called = match running.wait(py) {
            Some(Told::Done(result)) => {
                return match (result.or_raise(py), interrupted) {
                    (Ok(model), stopped) => {
                        Ok((Model::new(model, device), warnings, stopped.is_some()))
                    }
                    (Err(error), None) => Err(error),
                    // There is no model yet that could be kept.
                    (Err(error), Some((interrupt, _))) => {
                        interrupt.set_cause(py, Some(error));
                        Err(interrupt)
                    }
                };
            }
            Some(Told::Event(Event::Warning(text))) => {
                let same = |told: &String| warning_kind(told) == warning_kind(&text);
                if !warnings.iter().any(same) {
                    warnings.push(text);
                }
                Ok(())
            }
            Some(Told::Event(Event::Epoch(report, answer))) => {
                let enough = ask(py, on_epoch.as_ref(), &report);
                // A training that is gone needs no answer.
                _ = answer.send(*enough.as_ref().unwrap_or(&true));
                enough.map(drop)
            }
            None => match &on_wait {
                Some(call) => call.call1((where_it_is(py, &progress)?,)).map(drop),
                None => Ok(()),
            },
        };
        // Ctrl-C may come while Python code runs, or while this waits.
        match (called.and_then(|()| py.check_signals()), &interrupted) {
            (Ok(()), Some((error, since)))
                if progress.step.load(Ordering::Relaxed) == 0 && since.elapsed() > PATIENCE =>
            {
                // It does not look whether somebody wants to stop it: nothing is kept.
                return Err(error.clone_ref(py));
            }
            (Ok(()), _) => {}
            (Err(error), None) if error.is_instance_of::<PyKeyboardInterrupt>(py) => {
                progress.stop.store(true, Ordering::Relaxed);
                interrupted = Some((error, Instant::now()));
            }
            (Err(error), _) => return Err(error),
        }
    }
}

/// Whether somebody has enough after an epoch.
fn ask(
    py: Python<'_>,
    on_epoch: Option<&Bound<'_, PyAny>>,
    report: &EpochReport,
) -> PyResult<bool> {
    match on_epoch {
        Some(call) => call.call1((json(py, report)?,))?.is_truthy(),
        None => Ok(false),
    }
}

fn where_it_is<'py>(py: Python<'py>, progress: &Progress) -> PyResult<Bound<'py, PyDict>> {
    let place = PyDict::new(py);
    for (name, value) in [
        ("epoch", &progress.epoch),
        ("step", &progress.step),
        ("epochs", &progress.epochs),
        ("steps_per_epoch", &progress.steps_per_epoch),
    ] {
        place.set_item(name, value.load(Ordering::Relaxed))?;
    }
    Ok(place)
}
