//! Work on a thread of its own, while the one that asked for it listens to Ctrl-C.
//!
//! Python runs the handlers of signals on its main thread, between two steps of its interpreter. So the
//! caller hands its work to another thread, lets go of the interpreter, and asks for signals ten times a
//! second.

use std::{
    num::NonZero,
    panic::resume_unwind,
    process,
    sync::{
        Mutex, MutexGuard, OnceLock, TryLockError,
        atomic::{AtomicUsize, Ordering},
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

/// How many threads each piece of work is limited to; 0 until somebody said so.
static LIMIT: AtomicUsize = AtomicUsize::new(0);

/// The process that loaded this module. One that was forked off it has none of its threads, so that work which
/// is handed to the pool of the whole process would wait for ever.
static LOADED_BY: OnceLock<u32> = OnceLock::new();

/// Pools that no work is using, and the processes whose threads they are: as many as there was work at once, less
/// those in use. Of one pool for all, calls would wait for each other.
static FREE: Mutex<Vec<(u32, ThreadPool)>> = Mutex::new(Vec::new());

/// Remembers which process this is.
pub(crate) fn loaded() {
    LOADED_BY.get_or_init(process::id);
}

/// Does the work within the limit there is now, and in a forked process on threads of that process.
fn keep<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let here = process::id();
    let is_fork = LOADED_BY.get().is_some_and(|&first| first != here);
    let threads = match LIMIT.load(Ordering::Relaxed) {
        0 if !is_fork => return work(),
        0 => thread::available_parallelism().map_or(1, NonZero::get),
        limit => limit,
    };
    let pool = match taken(here, threads) {
        Some(pool) => pool,
        None => thread_pool(threads)?,
    };
    let done = pool.install(work);
    if let Some(mut free) = free() {
        free.push((here, pool));
    }
    done
}

/// The free pools, unless somebody else is looking at them: perhaps a thread that was not there any more after a
/// fork, for which nobody should wait.
fn free() -> Option<MutexGuard<'static, Vec<(u32, ThreadPool)>>> {
    match FREE.try_lock() {
        Ok(free) => Some(free),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

/// A free pool of this process with so many threads.
fn taken(here: u32, threads: usize) -> Option<ThreadPool> {
    let mut free = free()?;
    while let Some((of, pool)) = free.pop() {
        if of != here {
            // Its threads are not there, and cannot be told to end.
            std::mem::forget(pool);
        } else if pool.current_num_threads() == threads {
            return Some(pool);
        }
    }
    None
}

/// Limits each training and each scoring to this many threads; results do not depend on it. Calls from several
/// threads of Python, which may run at once, have so many each. Without it, there is one thread per core
/// for all; in a forked process, for each.
#[pyfunction]
pub(crate) fn set_threads(py: Python<'_>, threads: usize) -> PyResult<()> {
    // More threads than any machine has are a slip.
    const MOST: usize = 1024;
    let holds = (1..=MOST).contains(&threads);
    check_setting("threads", threads, holds, &format!("from 1 to {MOST}")).or_raise(py)?;
    // One now, to hear at once if there cannot be so many.
    let pool = thread_pool(threads).or_raise(py)?;
    unlike_kernels::set_threads(threads);
    LIMIT.store(threads, Ordering::Relaxed);
    if let Some(mut free) = free() {
        free.push((process::id(), pool));
    }
    Ok(())
}

/// Does work that is too short for Ctrl-C to matter.
///
/// # Errors
/// What the work returns.
pub(crate) fn briefly<T: Send>(
    py: Python<'_>,
    work: impl FnOnce() -> Result<T> + Send,
) -> PyResult<T> {
    py.detach(|| keep(work)).or_raise(py)
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
            let result = keep(|| work(tell));
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
