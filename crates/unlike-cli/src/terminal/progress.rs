//! What the user sees of a training: a bar on a terminal, plain lines in a log, one row per epoch.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use unlike::train::{EpochReport, Flow, Observer, Plan, Snapshot, StepReport};
use unlike_core::{
    Error, Result, Samples,
    words::{self, count, duration},
};
use unlike_results::{short_loss_name, warning_kind};

use crate::terminal::{
    self,
    epoch_rows::{Rows, digits, line_every},
    interrupt::Listener,
    say,
};

/// How often a log without a bar gets a line within an epoch.
const LINE_EVERY: Duration = Duration::from_secs(30);
/// How often the bar's text changes.
const TEXT_EVERY: Duration = Duration::from_millis(150);

/// Keeps something of every epoch: a file, a table. An error ends the training.
pub(crate) trait Record: Send {
    /// Training begins; `history` holds the epochs that an interrupted run already did.
    fn start(&mut self, _history: &[EpochReport]) -> Result<()> {
        Ok(())
    }

    /// After an epoch.
    fn epoch(&mut self, report: &EpochReport, snapshot: &Snapshot<'_>) -> Result<()>;
}

/// What is to be done when training begins, and not if it is refused.
pub(crate) type Beginning<'a> = Box<dyn FnOnce() -> Result<()> + Send + 'a>;

/// Shows a training on stderr, keeps its records, and passes Ctrl-C on.
pub(crate) struct Progress<'a> {
    listener: Listener,
    /// What people call one sample.
    noun: &'static str,
    beginning: Option<Beginning<'a>>,
    records: Vec<Box<dyn Record + 'a>>,
    bar: ProgressBar,
    plan: Option<Plan>,
    rows: Option<Rows>,
    /// The latest epoch's line, unless it was shown.
    unshown: Option<String>,
    told: Instant,
    /// Kinds of warnings that the user has read.
    warned: Vec<String>,
    failure: Option<Error>,
}

impl<'a> Progress<'a> {
    /// Shows a training on such samples.
    pub(crate) fn new(samples: &Samples) -> Self {
        Self {
            listener: Listener::new(),
            noun: samples.noun(),
            beginning: None,
            records: Vec::new(),
            bar: ProgressBar::hidden(),
            plan: None,
            rows: None,
            unshown: None,
            told: Instant::now(),
            warned: Vec::new(),
            failure: None,
        }
    }

    /// Also does this when training begins.
    pub(crate) fn with_beginning(mut self, beginning: Beginning<'a>) -> Self {
        self.beginning = Some(beginning);
        self
    }

    /// Also keeps this record, after those that are there.
    pub(crate) fn with(mut self, record: impl Record + 'a) -> Self {
        self.records.push(Box::new(record));
        self
    }

    /// The error of a record, if that is what stopped training.
    pub(crate) fn finish(mut self) -> Option<Error> {
        // The last epoch always has its line, also where early stopping made it the last.
        if let Some(row) = self.unshown.take() {
            self.line(&row);
        }
        self.bar.finish_and_clear();
        self.failure
    }

    fn remaining(&self, epoch: usize, step: usize, samples_per_second: f64) -> Option<f64> {
        let plan = self.plan.as_ref()?;
        let done = (epoch - 1) * plan.steps_per_epoch + step;
        let left = (plan.epochs * plan.steps_per_epoch).saturating_sub(done) * plan.batch_size;
        (samples_per_second > 0.0).then(|| left as f64 / samples_per_second)
    }

    fn line(&self, text: &str) {
        if self.bar.is_hidden() {
            terminal::line(text);
        } else {
            self.bar.println(text);
        }
    }

    /// Training has begun, or is over already: baselines do not tell when they begin.
    pub(crate) fn begin(&mut self) -> Result<()> {
        self.beginning
            .take()
            .map_or(Ok(()), |beginning| beginning())
    }

    fn flow(&mut self, result: Result<()>) -> Flow {
        if let Err(error) = result {
            self.failure.get_or_insert(error);
        }
        if self.failure.is_some() || self.listener.asked() {
            Flow::Interrupt
        } else {
            Flow::Continue
        }
    }
}

impl Observer for Progress<'_> {
    fn started(&mut self, plan: &Plan, history: &[EpochReport]) {
        let noun = self.noun;
        let side_by_side = match plan.members {
            1 => String::new(),
            members => format!(", {members} side by side,"),
        };
        say(
            "training",
            &format!(
                "{}{side_by_side} on {} of {} each; {} more choose the epoch, {} calibrate",
                plan.model,
                words::counted(plan.n_train, noun),
                words::counted(plan.features, "feature"),
                count(plan.n_validation),
                count(plan.n_calibration)
            ),
        );
        if plan.n_train < 2 * plan.batch_size && plan.steps_per_epoch == 1 {
            say(
                "note",
                &format!("the training {noun}s make a single batch, so an epoch is one update"),
            );
        }
        if let Some(last) = history.last() {
            say(
                "resumed",
                &format!("after epoch {} of {}", last.epoch, plan.epochs),
            );
        }
        self.bar = terminal::bar((plan.epochs * plan.steps_per_epoch) as u64);
        let style = ProgressStyle::with_template("{prefix} {wide_bar} {percent:>3} %  {msg}");
        if let Ok(style) = style {
            self.bar.set_style(style.progress_chars("━╸ "));
        }
        self.plan = Some(plan.clone());
        let written = self.begin().and_then(|()| {
            let mut records = self.records.iter_mut();
            records.try_for_each(|record| record.start(history))
        });
        _ = self.flow(written);
    }

    fn beside(&mut self, name: &str) {
        let what = match name {
            "image" => "a detector of images as a whole",
            model => model,
        };
        say(
            "beside",
            &format!("{what} trains first, on the same {}s", self.noun),
        );
    }

    fn step(&mut self, report: &StepReport<'_>) -> Flow {
        let every = if self.bar.is_hidden() {
            LINE_EVERY
        } else {
            TEXT_EVERY
        };
        if let Some(plan) = &self.plan
            && self.told.elapsed() >= every
        {
            let StepReport {
                epoch,
                step,
                losses,
                samples_per_second,
            } = *report;
            self.told = Instant::now();
            let left = self
                .remaining(epoch, step, samples_per_second)
                .map_or_else(String::new, |s| format!("  {} left", duration(s)));
            let speed = format!("{} samples/s{left}", count(samples_per_second as usize));
            if self.bar.is_hidden() {
                let share = 100 * step / plan.steps_per_epoch;
                let losses: Vec<String> = losses
                    .iter()
                    .map(|(name, v)| format!("{} {}", short_loss_name(name), digits(*v)))
                    .collect();
                self.line(&format!(
                    "epoch {epoch}/{} {share} %  {}  {speed}",
                    plan.epochs,
                    losses.join("  ")
                ));
            } else {
                self.bar
                    .set_position(((epoch - 1) * plan.steps_per_epoch + step) as u64);
                self.bar
                    .set_prefix(format!("epoch {epoch}/{}", plan.epochs));
                self.bar.set_message(speed);
            }
        }
        self.flow(Ok(()))
    }

    fn epoch(&mut self, report: &EpochReport, snapshot: &Snapshot<'_>) -> Flow {
        let epochs = self.plan.as_ref().map_or(report.epoch, |plan| plan.epochs);
        let steps = self.plan.as_ref().map_or(0, |plan| plan.steps_per_epoch);
        let left = self.remaining(report.epoch, steps, report.samples_per_second);
        // A training of several stages reports other losses in each.
        let first = !self.rows.as_ref().is_some_and(|rows| rows.fit(report));
        if first {
            self.rows = None;
        }
        let rows = self.rows.get_or_insert_with(|| Rows::new(report, epochs));
        let (header, row) = (rows.header(), rows.row(report, epochs, left));
        if first {
            self.line(&header);
        }
        if first || report.epoch.is_multiple_of(line_every(epochs)) || report.epoch == epochs {
            self.line(&row);
            self.unshown = None;
        } else {
            self.unshown = Some(row);
        }
        self.told = Instant::now();
        let mut records = self.records.iter_mut();
        let result = records.try_for_each(|record| record.epoch(report, snapshot));
        self.flow(result)
    }

    /// Only the first of each kind: what one epoch warns of, the next one often does too.
    fn warning(&mut self, text: &str) {
        let kind = warning_kind(text);
        if !self.warned.iter().any(|w| w == kind) {
            self.warned.push(kind.to_owned());
            self.bar.suspend(|| say("warning", text));
        }
    }
}
