//! Ctrl-C: the first one asks training to save and stop; otherwise, and the second time, it ends
//! the process at once.

use std::sync::{
    Once,
    atomic::{AtomicBool, Ordering},
};

/// Whether somebody looks at [`ASKED`] and stops by himself.
static LISTENING: AtomicBool = AtomicBool::new(false);
static ASKED: AtomicBool = AtomicBool::new(false);

/// While it lives, Ctrl-C (and SIGTERM) sets a flag instead of ending the process.
#[derive(Debug)]
pub(crate) struct Listener(());

impl Listener {
    /// Starts to listen. Where the system refuses the handler, Ctrl-C ends the process as ever.
    pub(crate) fn new() -> Self {
        static HANDLER: Once = Once::new();
        HANDLER.call_once(|| {
            _ = ctrlc::set_handler(|| {
                if !LISTENING.load(Ordering::SeqCst) || ASKED.swap(true, Ordering::SeqCst) {
                    #[allow(clippy::exit, reason = "the user wants the process to end now")]
                    std::process::exit(130);
                }
            });
        });
        LISTENING.store(true, Ordering::SeqCst);
        Self(())
    }

    /// Whether the user wants to stop.
    pub(crate) fn asked(&self) -> bool {
        ASKED.load(Ordering::Relaxed)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        LISTENING.store(false, Ordering::SeqCst);
    }
}
