//! The options that every command takes.

use std::num::NonZeroUsize;

/// Options that every command takes.
#[derive(clap::Args, Clone, Copy, Debug)]
pub(crate) struct Common {
    /// Print one JSON document on stdout, errors included
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub(crate) json: bool,
    /// Threads to use; results do not depend on it [default: one per core]
    #[arg(long, global = true, value_name = "N", help_heading = "Everywhere")]
    threads: Option<NonZeroUsize>,
}

impl Common {
    /// The number of threads, if the user named one.
    pub(crate) fn threads(&self) -> Option<usize> {
        self.threads.map(NonZeroUsize::get)
    }
}
