//! Work on a thread of its own, while the one that asked for it listens to Ctrl-C.
//!
//! Python runs the handlers of signals on its main thread, between two steps of its interpreter. So the
//! caller hands its work to another thread, lets go of the interpreter, and asks for signals ten times a
//! second.

use std::{
    panic::resume_unwind,
    sync::{
        Arc, RwLock,
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use unlike_core::{Error, Result};

use crate::errors::OrRaise;

/// How often signals are asked for: a tenth of the half second in which people expect an answer.
const PAUSE: Duration = Duration::from_millis(50);

/// The threads that work is limited to, if somebody said so.
static POOL: RwLock<Option<Arc<ThreadPool>>> = RwLock::new(None);

/// Limits the work of the whole process, training and scoring, to this many threads; results do not depend
/// on it. Without it, there is one thread per core.
#[pyfunction]
pub(crate) fn set_threads(py: Python<'_>, threads: usize) -> PyResult<()> {
    const MOST: usize = 1024;
    let refused = |hint: Option<String>| Error::Setting {
        name: "threads".into(),
        found: threads.to_string(),
        expected: format!("from 1 to {MOST}"),
        hint: hint.map(Into::into),
    };
    if !(1..=MOST).contains(&threads) {
        return Err(refused(None)).or_raise(py);
    }
    let pool = ThreadPoolBuilder::new().num_threads(threads).build();
    let pool = pool
        .map_err(|error| refused(Some(error.to_string())))
        .or_raise(py)?;
    unlike_kernels::set_threads(threads);
    *POOL
        .write()
        .unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(Arc::new(pool));
    Ok(())
}

/// Runs work that tells nothing before it is done.
///
/// # Errors
/// What the work returns; or at once, while the work comes to its end unheard, what a handler of signals
/// raises, as Ctrl-C does.
pub(crate) fn run<T: Send + 'static>(
    py: Python<'_>,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> PyResult<T> {
    let mut running = Running::<T, ()>::start(move |_| work());
    loop {
        if let Some(Told::Done(result)) = running.wait(py) {
            return result.or_raise(py);
        }
        py.check_signals()?;
    }
}

/// What work tells.
pub(crate) enum Told<T, E> {
    /// Something on its way.
    Event(E),
    /// It is done.
    Done(Result<T>),
}

/// Work that is under way.
pub(crate) struct Running<T, E> {
    told: Receiver<Told<T, E>>,
    thread: Option<JoinHandle<()>>,
}

impl<T: Send + 'static, E: Send + 'static> Running<T, E> {
    /// Begins it.
    pub(crate) fn start(
        work: impl FnOnce(Box<dyn Fn(E) + Send>) -> Result<T> + Send + 'static,
    ) -> Self {
        let (sender, told) = mpsc::channel();
        let events: Sender<Told<T, E>> = sender.clone();
        let tell = Box::new(move |event| {
            // Nobody listens any more: whoever asked for the work was interrupted.
            _ = events.send(Told::Event(event));
        });
        let pool = POOL
            .read()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .clone();
        let thread = thread::spawn(move || {
            let result = match pool {
                Some(pool) => pool.install(|| work(tell)),
                None => work(tell),
            };
            _ = sender.send(Told::Done(result));
        });
        Self {
            told,
            thread: Some(thread),
        }
    }

    /// What it tells next, or nothing if that takes a while.
    ///
    /// # Panics
    /// If the work did.
    pub(crate) fn wait(&mut self, py: Python<'_>) -> Option<Told<T, E>> {
        let told = &mut self.told;
        match py.detach(move || told.recv_timeout(PAUSE)) {
            Ok(told) => Some(told),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => {
                if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join) {
                    resume_unwind(panic);
                }
                None
            }
        }
    }
}
