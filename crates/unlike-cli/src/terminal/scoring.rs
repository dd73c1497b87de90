//! What the user sees of a table that is scored: a bar on a terminal, plain lines in a log.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use unlike::train::Flow;
use unlike_core::words::{count, duration};
use unlike_results::ScoringProgress;

use crate::terminal::{self, interrupt::Listener};

/// What takes less time needs no words.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often a log without a bar gets a line.
const LINE_EVERY: Duration = Duration::from_secs(30);
/// How often the bar changes.
const BAR_EVERY: Duration = Duration::from_millis(150);
/// Steps of the bar.
const STEPS: u64 = 1000;

/// Shows a scoring on stderr, and passes Ctrl-C on.
pub(crate) struct Progress {
    listener: Listener,
    bar: ProgressBar,
    began: Instant,
    told: Instant,
    /// How much was done before, of which nothing can be learned about speed.
    share_before: Option<f64>,
}

impl Progress {
    pub(crate) fn new() -> Self {
        let bar = terminal::bar(STEPS);
        let style = ProgressStyle::with_template("scoring {wide_bar} {percent:>3} %  {msg}");
        if let Ok(style) = style {
            bar.set_style(style.progress_chars("━╸ "));
        }
        let now = Instant::now();
        Self {
            listener: Listener::new(),
            bar,
            began: now,
            told: now,
            share_before: None,
        }
    }

    /// Says how far it is, now and then, and whether to go on.
    pub(crate) fn observe(&mut self, done: ScoringProgress) -> Flow {
        let share = done.share.unwrap_or(0.0);
        let before = *self.share_before.get_or_insert(match done.resumed {
            0 => 0.0,
            _ => share,
        });
        let every = match self.bar.is_hidden() {
            true => LINE_EVERY,
            false => BAR_EVERY,
        };
        let seconds = self.began.elapsed().as_secs_f64();
        if self.began.elapsed() >= PATIENCE && self.told.elapsed() >= every {
            self.told = Instant::now();
            let speed = (done.rows - done.resumed) as f64 / seconds;
            let left = (share > before).then(|| {
                let left = (1.0 - share) / (share - before) * seconds;
                format!("  {} left", duration(left))
            });
            let rows = count(done.rows as usize);
            let said = format!(
                "{rows} rows  {} rows/s{}",
                count(speed as usize),
                left.unwrap_or_default()
            );
            if self.bar.is_hidden() {
                terminal::say("scoring", &said);
            } else {
                self.bar.set_position((share * STEPS as f64) as u64);
                self.bar.set_message(said);
            }
        }
        match self.listener.asked() {
            true => Flow::Interrupt,
            false => Flow::Continue,
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(self) {
        self.bar.finish_and_clear();
    }
}
