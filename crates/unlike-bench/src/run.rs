//! Many cells, several at once, each saved when it is done.

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use unlike::train::thread_pool;
use unlike_core::{Error, Result};

use crate::{
    cell::{Cell, Cells, Key, Origin, Outcome},
    experiment::Experiment,
};

/// An experiment of many cells.
pub trait Bench: Sync {
    /// Its cells, in the order in which they are computed.
    ///
    /// # Errors
    /// If what is asked for is not there.
    fn keys(&self) -> Result<Vec<Key>>;

    /// What one of them computes.
    ///
    /// # Errors
    /// If its data cannot be read, or the model has no such settings.
    fn experiment(&self, key: &Key) -> Result<Experiment>;
}

/// How to run.
#[derive(Clone, Copy, Debug)]
pub struct Running {
    /// Cells that are computed at once.
    pub at_once: usize,
    /// Threads of each.
    pub threads: usize,
    /// Whether cells that failed before are tried again.
    pub retry: bool,
}

/// How far a run is, after a cell.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// The cell.
    pub cell: &'a Cell,
    /// Its clock time, in seconds, reading included.
    pub took: f64,
    /// Cells that are done, in all.
    pub done: usize,
    /// Cells that are to be done, in all.
    pub of: usize,
    /// Seconds until the end, as cells of the same models took so far.
    pub left: f64,
}

/// What a run came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ran {
    /// Cells that were computed.
    pub computed: usize,
    /// Cells that were there already.
    pub kept: usize,
    /// Cells among the computed ones that failed.
    pub failed: usize,
}

/// Computes the cells that are not there yet; what fails is recorded, and the others go on.
///
/// # Errors
/// If the experiment has no such cells, a file cannot be written, or threads cannot be started.
pub fn run(
    bench: &dyn Bench,
    cells: &Cells,
    running: Running,
    origin: &Origin,
    watch: &(dyn Fn(Progress<'_>) + Sync),
) -> Result<Ran> {
    let all = bench.keys()?;
    let mut open = Vec::new();
    let mut clock = Clock::default();
    for key in &all {
        match cells.get(key)? {
            Some(cell) if !(running.retry && cell.measured().is_none()) => {
                let seconds = cell.measured().map(|m| m.seconds.train + m.seconds.score);
                clock.saw(&key.model, seconds.unwrap_or(0.0));
            }
            _ => open.push(key),
        }
    }
    let kept = all.len() - open.len();
    let state = Mutex::new(State {
        clock,
        ran: Ran {
            kept,
            ..Ran::default()
        },
        error: None,
    });
    let next = AtomicUsize::new(0);
    let work = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(&key) = open.get(at) else { return };
            if lock(&state).error.is_some() {
                return;
            }
            let began = Instant::now();
            let outcome = compute(bench, key);
            let took = began.elapsed().as_secs_f64();
            let cell = Cell {
                key: key.clone(),
                outcome,
                origin: origin.clone(),
            };
            let mut state = lock(&state);
            if let Err(error) = cells.put(&cell) {
                state.error = Some(error);
                return;
            }
            state.ran.computed += 1;
            state.ran.failed += usize::from(cell.measured().is_none());
            state.clock.saw(&key.model, took);
            let waiting = open.iter().skip(state.ran.computed).map(|key| &*key.model);
            let left = state.clock.of(waiting) / running.at_once.max(1) as f64;
            watch(Progress {
                cell: &cell,
                took,
                done: kept + state.ran.computed,
                of: all.len(),
                left,
            });
        }
    };
    let pools: Vec<_> = (0..running.at_once.max(1).min(open.len().max(1)))
        .map(|_| thread_pool(running.threads.max(1)))
        .collect::<Result<_>>()?;
    std::thread::scope(|scope| {
        for pool in &pools {
            scope.spawn(|| pool.install(work));
        }
    });
    let state = state.into_inner().unwrap_or_else(PoisonError::into_inner);
    match state.error {
        Some(error) => Err(error),
        None => Ok(state.ran),
    }
}

/// One cell; whatever goes wrong is its outcome.
fn compute(bench: &dyn Bench, key: &Key) -> Outcome {
    let computed = catch_unwind(AssertUnwindSafe(|| {
        bench
            .experiment(key)
            .and_then(|experiment| experiment.run())
    }));
    match computed {
        Ok(Ok(measured)) => Outcome::Measured(Box::new(measured)),
        Ok(Err(error)) => Outcome::Failed(error.to_string()),
        Err(_) => Outcome::Failed("a panic, which is a fault of unlike".into()),
    }
}

struct State {
    clock: Clock,
    ran: Ran,
    error: Option<Error>,
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long cells take, by model.
#[derive(Default)]
struct Clock {
    /// Seconds and cells.
    seen: HashMap<String, (f64, f64)>,
}

impl Clock {
    fn saw(&mut self, model: &str, seconds: f64) {
        let (sum, count) = self.seen.entry(model.to_owned()).or_default();
        *sum += seconds;
        *count += 1.0;
    }

    /// Seconds that cells of these models will take; a model that was not seen takes what the others
    /// do on average.
    fn of<'a>(&self, models: impl Iterator<Item = &'a str>) -> f64 {
        let (sum, count) = self
            .seen
            .values()
            .fold((0.0, 0.0), |(a, b), (s, c)| (a + s, b + c));
        let usual = if count > 0.0 { sum / count } else { 0.0 };
        let one = |model: &str| match self.seen.get(model) {
            Some((sum, count)) => sum / count,
            None => usual,
        };
        models.map(one).sum()
    }
}
