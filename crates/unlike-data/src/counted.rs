//! How often something was done to a file, for tests.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Mutex,
};

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Work {
    /// The beginning was read.
    Start,
    /// All of it was read.
    Load,
    /// Its pixels were decoded.
    Decode,
}

static COUNTS: Mutex<BTreeMap<(PathBuf, Work), usize>> = Mutex::new(BTreeMap::new());

/// Counts one more.
pub(crate) fn count(path: &Path, work: Work) {
    let mut counts = COUNTS.lock().unwrap();
    *counts.entry((path.to_owned(), work)).or_default() += 1;
}

/// How often it was done so far.
pub(crate) fn times(path: &Path, work: Work) -> usize {
    let counts = COUNTS.lock().unwrap();
    counts.get(&(path.to_owned(), work)).copied().unwrap_or(0)
}
