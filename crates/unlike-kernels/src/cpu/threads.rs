//! A small pool for loops of a few microseconds: workers spin briefly between two loops before
//! they sleep, so that a training step of many small loops does not pay a wake-up for each.
//!
//! Which thread runs which task is left open; every task writes its own part of the output and
//! computes it in an order that no other task influences, so results do not depend on the number
//! of threads.

use std::cell::UnsafeCell;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, TryLockError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// How long a worker looks for the next loop before it sleeps.
const SPIN: Duration = Duration::from_micros(60);

static WANTED: AtomicUsize = AtomicUsize::new(0);

/// Sets how many threads the CPU kernels use; 0 is one for every available core, the default.
///
/// Results are bit-identical for every number. The kernels' threads are their own: a loop that is
/// started while another thread already uses them runs on its caller alone. Burn's own operations
/// use the `rayon` pool and are not affected.
pub fn set_threads(threads: usize) {
    WANTED.store(threads, Ordering::Relaxed);
}

/// How many threads the CPU kernels use at most, at least 1.
pub fn threads() -> usize {
    static AVAILABLE: OnceLock<usize> = OnceLock::new();
    match WANTED.load(Ordering::Relaxed) {
        0 => *AVAILABLE.get_or_init(|| thread::available_parallelism().map_or(1, |n| n.get())),
        n => n,
    }
}

/// Runs `task(0)`, …, `task(count - 1)`, each once, on up to [`threads`] threads; a panic of a
/// task comes back on the caller.
pub(crate) fn parallel(count: usize, task: impl Fn(usize) + Sync) {
    let helpers = threads().min(count).saturating_sub(1);
    if helpers == 0 {
        return (0..count).for_each(task);
    }
    match Pool::get().try_lock() {
        Ok(mut pool) => pool.run(count, helpers, &task),
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner().run(count, helpers, &task),
        Err(TryLockError::WouldBlock) => (0..count).for_each(task),
    }
}

/// [`parallel`] where `operations` (about one multiply–add each) are worth it, else in turn.
pub(crate) fn parallel_if(operations: usize, count: usize, task: impl Fn(usize) + Sync) {
    /// About two microseconds on one core, a few times what handing out a loop costs.
    const WORTH_IT: usize = 1 << 17;
    if operations < WORTH_IT {
        (0..count).for_each(task);
    } else {
        parallel(count, task);
    }
}

/// Memory that the tasks of a loop write disjoint parts of.
#[derive(Clone, Copy)]
pub(crate) struct Out<'a> {
    first: *mut f32,
    len: usize,
    memory: PhantomData<&'a mut [f32]>,
}

// SAFETY: the memory is borrowed exclusively, and whoever writes through the pointer promises that
// no other task touches the same elements.
unsafe impl Sync for Out<'_> {}
// SAFETY: as above.
unsafe impl Send for Out<'_> {}

impl<'a> Out<'a> {
    pub(crate) fn new(memory: &'a mut [f32]) -> Self {
        Self {
            first: memory.as_mut_ptr(),
            len: memory.len(),
            memory: PhantomData,
        }
    }

    /// Pointer to an element, or to the end.
    pub(crate) fn at(self, index: usize) -> *mut f32 {
        debug_assert!(index <= self.len);
        self.first.wrapping_add(index)
    }

    /// # Safety
    /// Nobody else accesses these elements while the slice is in use.
    pub(crate) unsafe fn slice(self, first: usize, len: usize) -> &'a mut [f32] {
        assert!(first + len <= self.len);
        // SAFETY: within the borrowed memory, and the caller vouches for exclusive access.
        unsafe { std::slice::from_raw_parts_mut(self.first.add(first), len) }
    }
}

type Task = *const (dyn Fn(usize) + Sync);

/// What the caller publishes; written only while no worker is inside a loop.
struct Job {
    task: Option<Task>,
    count: usize,
    helpers: usize,
}

/// `STATE` is `generation << 32 | OPEN | workers inside`.
const OPEN: u64 = 1 << 31;
const INSIDE: u64 = OPEN - 1;

struct Shared {
    state: AtomicU64,
    next: AtomicUsize,
    failed: AtomicBool,
    job: UnsafeCell<Job>,
}

// SAFETY: `job` is written by the one caller that holds the pool's lock while `state` has no
// worker inside and is not open, and read by workers that entered an open state; entering and
// opening synchronise through `state`.
unsafe impl Sync for Shared {}

struct Worker {
    thread: Thread,
    asleep: &'static AtomicBool,
}

struct Pool {
    shared: &'static Shared,
    workers: Vec<Worker>,
}

impl Pool {
    fn get() -> &'static Mutex<Self> {
        static POOL: OnceLock<Mutex<Pool>> = OnceLock::new();
        POOL.get_or_init(|| {
            let shared = Box::leak(Box::new(Shared {
                state: AtomicU64::new(0),
                next: AtomicUsize::new(0),
                failed: AtomicBool::new(false),
                job: UnsafeCell::new(Job {
                    task: None,
                    count: 0,
                    helpers: 0,
                }),
            }));
            Mutex::new(Pool {
                shared,
                workers: Vec::new(),
            })
        })
    }

    fn run(&mut self, count: usize, helpers: usize, task: &(dyn Fn(usize) + Sync)) {
        while self.workers.len() < helpers {
            let index = self.workers.len();
            let shared = self.shared;
            let asleep: &'static AtomicBool = Box::leak(Box::new(AtomicBool::new(false)));
            let spawned = thread::Builder::new()
                .name(format!("unlike-{index}"))
                .spawn(move || work(shared, index, asleep));
            match spawned {
                Ok(handle) => {
                    self.workers.push(Worker {
                        thread: handle.thread().clone(),
                        asleep,
                    });
                }
                // The loop then runs on the threads that the system does grant.
                Err(_) => break,
            }
        }
        let shared = self.shared;
        // SAFETY: the lock of the pool is held and the last loop was closed and left by all
        // workers, so nobody else reads or writes the job; the lifetime of `task` is erased, which
        // is sound because this function does not return before every worker has left the loop.
        unsafe {
            *shared.job.get() = Job {
                task: Some(std::mem::transmute::<
                    *const (dyn Fn(usize) + Sync + '_),
                    Task,
                >(task)),
                count,
                helpers,
            };
        }
        shared.next.store(0, Ordering::Relaxed);
        let generation = (shared.state.load(Ordering::Relaxed) >> 32).wrapping_add(1);
        shared
            .state
            .store(generation << 32 | OPEN, Ordering::SeqCst);
        for worker in self.workers.iter().take(helpers) {
            if worker.asleep.load(Ordering::SeqCst) {
                worker.thread.unpark();
            }
        }
        let outcome = catch_unwind(AssertUnwindSafe(|| drain(shared, count, task)));
        shared.state.fetch_and(!OPEN, Ordering::AcqRel);
        let mut rounds = 0_u32;
        while shared.state.load(Ordering::Acquire) & INSIDE != 0 {
            rounds += 1;
            if rounds.is_multiple_of(1024) {
                thread::yield_now();
            }
            std::hint::spin_loop();
        }
        let failed = shared.failed.swap(false, Ordering::Relaxed);
        if let Err(payload) = outcome {
            resume_unwind(payload);
        }
        assert!(!failed, "a kernel thread panicked");
    }
}

/// Takes tasks until none is left.
fn drain(shared: &Shared, count: usize, task: &(dyn Fn(usize) + Sync)) {
    loop {
        let index = shared.next.fetch_add(1, Ordering::Relaxed);
        if index >= count {
            return;
        }
        task(index);
    }
}

/// What a worker does for the life of the process.
fn work(shared: &'static Shared, index: usize, asleep: &'static AtomicBool) {
    let mut seen = 0;
    loop {
        let state = wait(shared, seen, asleep);
        seen = state >> 32;
        if shared
            .state
            .compare_exchange(state, state + 1, Ordering::AcqRel, Ordering::Relaxed)
            .is_err()
        {
            // Another worker entered first, or the loop was closed: look again.
            seen = seen.wrapping_sub(1);
            std::hint::spin_loop();
            continue;
        }
        // SAFETY: this worker is counted inside an open loop, so the caller neither writes the job
        // nor returns, and the task that it points to is alive.
        let (task, count, helpers) = unsafe {
            let job = &*shared.job.get();
            (job.task.map(|task| &*task), job.count, job.helpers)
        };
        if let Some(task) = task
            && index < helpers
            && catch_unwind(AssertUnwindSafe(|| drain(shared, count, task))).is_err()
        {
            shared.failed.store(true, Ordering::Relaxed);
        }
        shared.state.fetch_sub(1, Ordering::Release);
    }
}

/// Returns an open state of a generation that the worker has not seen.
fn wait(shared: &Shared, seen: u64, asleep: &AtomicBool) -> u64 {
    let fresh = |state: u64| state & OPEN != 0 && state >> 32 != seen;
    let mut since = None;
    let mut rounds = 0_u32;
    loop {
        let state = shared.state.load(Ordering::Acquire);
        if fresh(state) {
            return state;
        }
        rounds += 1;
        if rounds.is_multiple_of(128) {
            let since = *since.get_or_insert_with(Instant::now);
            if since.elapsed() > SPIN {
                asleep.store(true, Ordering::SeqCst);
                while !fresh(shared.state.load(Ordering::SeqCst)) {
                    thread::park();
                }
                asleep.store(false, Ordering::SeqCst);
            }
        }
        std::hint::spin_loop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_runs_once_and_panics_come_back() {
        set_threads(3);
        for count in [0, 1, 2, 3, 7, 100] {
            for _ in 0..200 {
                let hits: Vec<AtomicUsize> = (0..count).map(|_| AtomicUsize::new(0)).collect();
                parallel(count, |i| {
                    hits[i].fetch_add(1, Ordering::Relaxed);
                });
                assert!(hits.iter().all(|hit| hit.load(Ordering::Relaxed) == 1));
            }
        }
        let outer = AtomicUsize::new(0);
        parallel(4, |_| {
            parallel(5, |_| _ = outer.fetch_add(1, Ordering::Relaxed))
        });
        assert_eq!(
            outer.load(Ordering::Relaxed),
            20,
            "nested loops run on their caller"
        );
        let failed = catch_unwind(|| parallel(64, |i| assert!(i != 40)));
        assert!(failed.is_err());
        parallel(8, |_| ());
        set_threads(0);
    }
}
