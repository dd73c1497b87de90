//! Work on a thread of its own, while the one that asked for it listens to Ctrl-C.
//!
//! Python runs the handlers of signals on its main thread, between two steps of its interpreter. So the
//! caller hands its work to another thread, lets go of the interpreter, and asks for signals ten times a
//! second.

use std::{
    panic::resume_unwind,
    sync::{
        Mutex, MutexGuard, PoisonError,
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use pyo3::prelude::*;
use rayon::ThreadPool;
use unlike::train::thread_pool;
use unlike_core::{Result, check_setting};

use crate::errors::OrRaise;

/// How often signals are asked for: a tenth of the half second in which people expect an answer.
const PAUSE: Duration = Duration::from_millis(50);

/// The threads that each piece of work is limited to, if somebody said so.
static LIMIT: Mutex<Limit> = Mutex::new(Limit {
    threads: None,
    free: Vec::new(),
});

struct Limit {
    threads: Option<usize>,
    /// Pools of so many threads that no work is using: as many as there was work at once, less those in
    /// use. Of one pool for all, calls would wait for each other.
    free: Vec<ThreadPool>,
}

impl Limit {
    fn get() -> MutexGuard<'static, Self> {
        LIMIT.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does the work within the limit there is now.
    fn keep<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        let (threads, free) = {
            let mut limit = Self::get();
            (limit.threads, limit.free.pop())
        };
        let Some(threads) = threads else {
            return work();
        };
        let pool = match free {
            Some(pool) => pool,
            None => thread_pool(threads)?,
        };
        let done = pool.install(work);
        let mut limit = Self::get();
        if limit.threads == Some(threads) {
            limit.free.push(pool);
        }
        done
    }
}

/// Limits each training and each scoring to this many threads; results do not depend on it. Calls from several
/// threads of Python, which may run at once, have so many each. Without it, there is one thread per core
/// for all.
#[pyfunction]
pub(crate) fn set_threads(py: Python<'_>, threads: usize) -> PyResult<()> {
    // More threads than any machine has are a slip.
    const MOST: usize = 1024;
    let holds = (1..=MOST).contains(&threads);
    check_setting("threads", threads, holds, &format!("from 1 to {MOST}")).or_raise(py)?;
    // One now, to hear at once if there cannot be so many.
    let free = vec![thread_pool(threads).or_raise(py)?];
    unlike_kernels::set_threads(threads);
    *Limit::get() = Limit {
        threads: Some(threads),
        free,
    };
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
        let thread = thread::spawn(move || {
            let result = Limit::keep(|| work(tell));
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
