//! Training: one function, no labels.

mod augment;
mod batches;
mod beside;
mod config;
mod divergence;
mod observer;
mod prepared;
mod state;

use std::{
    ops::ControlFlow,
    time::{Duration, Instant},
};

use unlike_core::{Error, Note, Result, Samples, ScoreParts, ScoreRule, Scorer, words};
use unlike_data::Preprocessing;

pub use augment::Augmentation;
pub use config::{EpochChoice, HoldOut, Schedule, TrainConfig};
pub use observer::{
    EpochReport, Flow, HeldOutPart, Observer, Plan, Silent, Snapshot, StepReport, Stop, StopReason,
};
pub use state::ResumeFile;

use crate::{
    backend::{self, Device},
    fingerprint::{Sketch, fingerprint},
    looks::{Look, Rules},
    members,
    method::{Batch, Losses, StepContext, Trainee},
    model::{Model, Parts, Provenance},
    sight::Sight,
};
use batches::{Batches, Feed};
use beside::Company;
pub(crate) use beside::{Beside, IMAGE, names as names_beside};
pub(crate) use prepared::Prepared;
use state::{Best, Progress};

/// Where training runs and what it leaves on the disk; nothing here but the device changes the result.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Where the networks live; see [`backend::device`].
    pub device: String,
    /// Where to keep what an interrupted training needs to go on; nothing is kept if absent.
    pub resume_file: Option<ResumeFile>,
    /// How often to write it.
    pub checkpoint_every: Duration,
    /// Whether to go on from it. A file that is not there means starting from the beginning.
    pub resume: bool,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            device: "cpu".into(),
            resume_file: None,
            checkpoint_every: Duration::from_secs(120),
            resume: false,
        }
    }
}

/// Learns what is normal from samples that carry no labels.
///
/// A seeded part of the samples is held out: one half (`validation`) measures every epoch and fits
/// the combined score, the other (`calibration`) turns scores into p-values and is used for
/// nothing else, so that p-values hold for new normals.
///
/// The same configuration and samples give the same model on the CPU, bit for bit, on any number of
/// threads and after any number of interruptions, with the same program on a processor with the same
/// vector instructions. (Our own kernels do not tell AVX2 from AVX-512; the mathematical functions of
/// the system, and the libraries behind some baselines, may tell one machine from another.) On other
/// devices sums are rounded as the driver
/// orders them: the first steps agree with the CPU's to about 1e-4, and later ones drift apart.
///
/// # Errors
/// If a setting is outside its range, there are too few samples, a loss stops being a number or grows
/// beyond all measure ([`Error::Diverged`]), the observer interrupts it ([`Error::Interrupted`]), or a
/// file cannot be written.
pub fn fit(
    config: &TrainConfig,
    samples: &Samples,
    options: &RunOptions,
    observer: &mut dyn Observer,
) -> Result<Model> {
    let config = &config.clone().open()?;
    config.check()?;
    let device = backend::device(&options.device)?;
    let split = config.hold_out.split(samples.len(), config.seed)?;
    let [train, validation, calibration] =
        [&split.train, &split.validation, &split.calibration].map(|part| samples.select(part));
    let preprocessing = Preprocessing::fit(&train, &config.preprocessing)?;
    if let Some(augmentation) = &config.augmentation {
        augmentation.check_for(&preprocessing.shape())?;
    }
    let mut sight = Sight::new(preprocessing, config)?;
    let config = &config.clone().with_taps_of(sight.extraction.as_ref());
    let n_train = train.len();
    if sight.extraction.is_some() && config.augmentation.as_ref().is_some_and(|a| !a.is_off()) {
        return Err(Error::Setting {
            name: "augmentation".into(),
            found: "asked for".into(),
            expected: "nothing, because features are made once of every image".into(),
            hint: Some(Note::new("changes are for pixels: choose these with ").setting("features")),
        });
    }
    let rows = Prepared::fit(&mut sight, &train, config.seed)?;
    let places = rows.as_ref().map_or(1, |rows| rows.len() / n_train);
    let held_out = [&validation, &calibration];
    let company = Company::fit(config, samples, places, held_out, options, observer)?;
    let validation = Prepared::new(&sight, validation)?;
    let data = Data {
        train: match rows {
            Some(rows) => rows,
            None => Prepared::new(&sight, train)?,
        },
        measured: validation.measured(config.seed)?,
        validation,
        calibration: Prepared::new(&sight, calibration)?,
    };
    let provenance = Provenance {
        unlike_version: env!("CARGO_PKG_VERSION").to_owned(),
        origin: samples.origin().to_owned(),
        fingerprint: fingerprint(samples, &sight.preprocessing.input())?,
        rows: Sketch::of(samples, &sight.preprocessing.input()),
        n_train,
        n_validation: data.validation.len(),
        n_calibration: data.calibration.len(),
        chosen_epoch: None,
        stopped: None,
        epochs: Vec::new(),
    };
    let run = Run {
        config,
        options,
        device,
        data,
        sight: &sight,
        company: &company,
        provenance,
    };
    let network = members::trainee(config, run.data.train.shape(), &run.device)?;
    match network {
        Some(network) => run.train(network, observer),
        None => {
            if config.augmentation.as_ref().is_some_and(|a| !a.is_off()) {
                return Err(Error::Setting {
                    name: "augmentation".into(),
                    found: "asked for".into(),
                    expected: "nothing, because baselines are fitted to the images as they are"
                        .into(),
                    hint: None,
                });
            }
            let scorer = config.model.fit(&*run.data.train.all()?, config.seed)?;
            run.finish(scorer, &single_part_rule, None, &Progress::default())
        }
    }
}

/// Held-out samples that tell how large the contribution of a feature is for normals, at most.
const TYPICAL_SAMPLES: usize = 10_000;

/// The parts of the scores of all these samples.
fn parts(look: &Look, scorer: &dyn Scorer, samples: &Prepared<'_>) -> Result<ScoreParts> {
    let mut all = ScoreParts::default();
    samples.in_chunks(|chunk| {
        all.extend(look.parts(scorer, chunk, None)?);
        Ok(())
    })?;
    Ok(all)
}

/// Every part of a baseline is a score.
fn single_part_rule(held_out: &ScoreParts) -> Result<Rules> {
    Ok(held_out
        .names()
        .map(|part| (part.to_owned(), ScoreRule::single(part)))
        .collect())
}

struct Data<'a> {
    train: Prepared<'a>,
    validation: Prepared<'a>,
    /// What measures an epoch, if that is not the validation part as it is.
    measured: Option<Prepared<'a>>,
    calibration: Prepared<'a>,
}

struct Run<'a> {
    config: &'a TrainConfig,
    options: &'a RunOptions,
    device: Device,
    data: Data<'a>,
    sight: &'a Sight,
    company: &'a Company,
    provenance: Provenance,
}

type MakeRules<'a> = &'a dyn Fn(&ScoreParts) -> Result<Rules>;

impl Run<'_> {
    /// From a scorer to a model: fits the score on the validation part, the p-values on the
    /// calibration part.
    fn finish(
        &self,
        scorer: Box<dyn Scorer>,
        rules: MakeRules<'_>,
        chosen_epoch: Option<usize>,
        progress: &Progress,
    ) -> Result<Model> {
        let held_out = &self.data.validation;
        let first = self.config.relative;
        let (look, validation, scores) = Look::fit(self.sight, held_out, &*scorer, rules, first)?;
        let calibration = parts(&look, &*scorer, &self.data.calibration)?;
        let (calibration, scores) = self.company.join([validation, calibration], scores)?;
        let typical = match self.sight.grid() {
            None => {
                let some = held_out.some(TYPICAL_SAMPLES)?;
                mean_columns(&scorer.contributions(&some)?, some.shape().size())
            }
            Some(_) => Vec::new(),
        };
        let provenance = Provenance {
            chosen_epoch,
            // The last epoch is never early.
            stopped: progress
                .stopped
                .filter(|stop| stop.after_epoch < self.config.epochs),
            epochs: progress
                .history
                .iter()
                .map(EpochReport::without_clock)
                .collect(),
            ..self.provenance.clone()
        };
        Model::new(Parts {
            scores,
            calibration,
            beside: self.company.models(),
            config: self.config.clone(),
            sight: self.sight.clone(),
            look,
            typical_contributions: typical,
            scorer,
            provenance,
        })
    }

    fn train(&self, mut network: Box<dyn Trainee>, observer: &mut dyn Observer) -> Result<Model> {
        let config = self.config;
        let n = self.data.train.len();
        let batch_size = config.batch_size.min(n);
        let steps_per_epoch = n / batch_size;
        let plan = Plan {
            model: config.model.name(),
            members: config.members,
            n_train: self.provenance.n_train,
            n_validation: self.data.validation.len(),
            n_calibration: self.data.calibration.len(),
            features: self.data.train.shape().size(),
            epochs: config.epochs,
            batch_size,
            steps_per_epoch,
        };

        let fingerprint = state::fingerprint(config, &self.provenance.fingerprint);
        let mut progress = Progress::default();
        if let Some(file) = self
            .options
            .resume_file
            .as_ref()
            .filter(|_| self.options.resume)
            && let Some((saved, arrays)) = file.load(&fingerprint)?
        {
            saved.check(file, config.epochs, steps_per_epoch)?;
            network.restore(&arrays)?;
            progress = saved;
        }
        observer.started(&plan, &progress.history);
        let save = |network: &dyn Trainee, progress: &Progress| match &self.options.resume_file {
            Some(file) => file.save(&fingerprint, progress, &network.save()),
            None => Ok(()),
        };

        let pool = match &self.data.train {
            Prepared::Images { .. } => Some(thread_pool(rayon::current_num_threads())?),
            Prepared::Rows(_) => None,
        };
        let feed = Feed {
            samples: &self.data.train,
            augmentation: config.augmentation.as_ref(),
            pool: pool.as_ref(),
            seed: config.seed,
            size: batch_size,
            latent: network.latent(),
            other: network.needs_other_samples(),
        };
        let mut last_saved = Instant::now();
        while progress.epoch < config.epochs && progress.stopped.is_none() {
            let epoch_began = Instant::now();
            let first_step = progress.step_in_epoch;
            let batches = Batches::new(&feed, progress.epoch as u64);
            let mut asked = Flow::Continue;
            let flow = batches.each(first_step..steps_per_epoch, |batch| {
                let report = self.step(network.as_mut(), batch, &mut progress, steps_per_epoch)?;
                let since = epoch_began.elapsed().as_secs_f64();
                let done = progress.step_in_epoch - first_step;
                asked = observer.step(&StepReport {
                    epoch: progress.epoch + 1,
                    step: progress.step_in_epoch,
                    losses: &report.0,
                    samples_per_second: (done * batch_size) as f64 / since.max(1e-9),
                });
                if asked != Flow::Continue {
                    return Ok(ControlFlow::Break(()));
                }
                if last_saved.elapsed() >= self.options.checkpoint_every {
                    save(network.as_ref(), &progress)?;
                    last_saved = Instant::now();
                }
                Ok(ControlFlow::Continue(()))
            })?;
            if flow.is_break() {
                if asked == Flow::Interrupt {
                    save(network.as_ref(), &progress)?;
                    return Err(Error::Interrupted);
                }
                progress.stop(StopReason::Observer);
                break;
            }

            let done = (steps_per_epoch - first_step) * batch_size;
            let seconds = epoch_began.elapsed().as_secs_f64();
            self.end_epoch(
                network.as_ref(),
                &mut progress,
                done as f64 / seconds,
                seconds,
            )?;
            let Some(report) = progress.history.last() else {
                break;
            };
            for warning in &report.warnings {
                observer.warning(warning);
            }
            let model = || {
                let scorer = network.scorer();
                self.finish(
                    scorer,
                    &|parts| network.rules(parts),
                    Some(report.epoch),
                    &Progress::default(),
                )
            };
            let scorer = || network.scorer();
            let snapshot = Snapshot::new(&model, &scorer, self.sight);
            match observer.epoch(report, &snapshot) {
                Flow::Continue => {}
                Flow::Interrupt => {
                    save(network.as_ref(), &progress)?;
                    return Err(Error::Interrupted);
                }
                Flow::Finish => progress.stop(StopReason::Observer),
            }
        }
        // Kept after the end too: resuming a finished run gives its model again.
        save(network.as_ref(), &progress)?;

        let rules = |parts: &ScoreParts| network.rules(parts);
        let (scorer, epoch) = match &progress.best {
            Some(best) => {
                let shape = self.data.train.shape();
                let scorer = members::restore(config, shape, &best.arrays, &self.device)?;
                (scorer, Some(best.epoch))
            }
            None => {
                // Finished within the first epoch, or before all networks have learned.
                let (step, of) = (progress.epoch as u64, config.epochs as u64);
                if !network.can_score(step.max(1), of) {
                    return Err(Error::NotEnough {
                        what: "training before the model can score".into(),
                        found: words::counted(progress.epoch, "epoch"),
                        expected: format!("more of the {of}: not all of its networks have begun"),
                        hint: None,
                    });
                }
                (network.scorer(), None)
            }
        };
        self.finish(scorer, &rules, epoch, &progress)
    }

    /// One update; adds its losses to the epoch's.
    fn step(
        &self,
        network: &mut dyn Trainee,
        batch: Batch,
        progress: &mut Progress,
        steps_per_epoch: usize,
    ) -> Result<Losses> {
        let step = (progress.epoch * steps_per_epoch + progress.step_in_epoch) as u64;
        let steps = (self.config.epochs * steps_per_epoch) as u64;
        let context = StepContext {
            step,
            steps,
            seed: self.config.seed,
            learning_rate_scale: self.config.schedule.scale(step, steps),
        };
        let losses = network.step(batch, &context)?;
        let (epoch, nth) = (progress.epoch + 1, progress.step_in_epoch + 1);
        let place = || format!(", epoch {epoch}, step {nth}");
        if let Some((name, value)) = losses.0.iter().find(|(_, value)| !value.is_finite()) {
            return Err(Error::NotFinite {
                what: format!("the loss `{name}` ({value})"),
                location: place(),
                hint: Some(divergence::HINT.into()),
            });
        }
        divergence::check_losses(&losses.0, place)?;
        progress.add(&losses);
        progress.step_in_epoch += 1;
        Ok(losses)
    }

    /// Measures held-out normals, keeps the network if it is the best so far, and moves on.
    fn end_epoch(
        &self,
        network: &dyn Trainee,
        progress: &mut Progress,
        samples_per_second: f64,
        seconds: f64,
    ) -> Result<()> {
        // Both counts are of epochs.
        let (done, of) = (progress.epoch as u64 + 1, self.config.epochs as u64);
        let can_score = network.can_score(done, of);
        let mut held_out = Vec::new();
        if can_score {
            let (scorer, most) = network.measure();
            let measured = self.data.measured.as_ref().unwrap_or(&self.data.validation);
            let parts = measured.parts_of_some(&*scorer, most)?;
            let measure = |(part, values): (&str, &[f32])| HeldOutPart::measure(part, values);
            held_out.extend(parts.iter().map(measure));
        }
        let mut report = EpochReport {
            epoch: progress.epoch + 1,
            losses: progress.take_means(),
            held_out,
            best_so_far: true,
            warnings: Vec::new(),
            samples_per_second,
            seconds,
        };
        if can_score && !report.criterion().is_finite() {
            return Err(Error::NotFinite {
                what: "the score of held-out normals".into(),
                location: format!(", epoch {}", report.epoch),
                hint: Some("lower the learning rate".into()),
            });
        }
        divergence::check_epoch(progress.history.first(), &report)?;
        report.warnings = observer::warnings(&report.losses);
        progress.epoch += 1;
        progress.step_in_epoch = 0;
        progress.history.push(report);
        let since_best = progress.best_epoch().map(|best| progress.epoch - best);
        let last = self.config.choice == EpochChoice::Last;
        let keep = can_score && (last || since_best == Some(0));
        if keep {
            let (epoch, arrays) = (progress.epoch, network.scorer().arrays());
            progress.best = Some(Best { epoch, arrays });
        }
        if let Some(report) = progress.history.last_mut() {
            report.best_so_far = keep;
        }
        if self
            .config
            .patience
            .is_some_and(|patience| since_best.is_some_and(|since| since >= patience))
        {
            progress.stop(StopReason::Patience);
        }
        Ok(())
    }
}

/// The mean of each column of row-major values.
fn mean_columns(values: &[f32], width: usize) -> Vec<f32> {
    let mut sums = vec![0.0f64; width];
    for row in values.chunks_exact(width) {
        for (sum, &v) in sums.iter_mut().zip(row) {
            *sum += f64::from(v);
        }
    }
    let rows = (values.len() / width.max(1)).max(1) as f64;
    sums.into_iter().map(|sum| (sum / rows) as f32).collect()
}

/// Runs `f` with the work of networks, baselines and preprocessing limited to this many threads.
///
/// The limit on networks holds for the whole process and stays; the one on the rest ends with `f`.
///
/// # Errors
/// If the threads cannot be started.
pub fn with_threads<T: Send>(threads: usize, f: impl FnOnce() -> T + Send) -> Result<T> {
    let pool = thread_pool(threads)?;
    unlike_kernels::set_threads(threads);
    Ok(pool.install(f))
}

/// Threads to which the work of baselines and preprocessing can be limited; that of networks is by
/// [`set_threads`](unlike_kernels::set_threads).
///
/// # Errors
/// If the threads cannot be started.
pub fn thread_pool(threads: usize) -> Result<rayon::ThreadPool> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|e| Error::Setting {
            name: "threads".into(),
            found: threads.to_string(),
            expected: "a number of threads that the system can start".into(),
            hint: Some(e.to_string().into()),
        })
}
