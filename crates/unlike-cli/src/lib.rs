//! The command `unlike` as a function, [`run`]: parse → plan → library call → render.
//!
//! - `cli` is the command line: its commands, and how the process begins and ends.
//! - `args` holds the groups of options; `commands` one file a command, which plans, calls the
//!   library, and renders.
//! - `terminal` is all that people see: text, tables, progress, notes and errors in the words of this
//!   interface; and Ctrl-C.
//! - The rest is the run folder: what it holds, its environment, files for TensorBoard, and `training`,
//!   which fills it.
//!
//! Each sees only what stands below it here: `cli`, `commands`, `training` and the run folder, `args`,
//! `terminal`. Data goes to stdout, everything else to stderr.

mod args;
mod cli;
mod commands;
mod environment;
mod events;
mod find_data;
mod folders;
mod inputs;
mod run_folder;
mod terminal;
mod training;

use std::ffi::OsString;

/// Runs the command line `words`, the name of the program first, and gives the exit code of the
/// process. It writes to stdout and stderr, listens to Ctrl-C while it trains, and with `--threads`
/// sets the number of threads of the process.
///
/// The program `unlike` is this function; so is the command that comes with the Python package. `program` is what
/// starts it, as a sweep does for each of its trainings: a path, and words that come before those of the command line.
pub fn run(program: Vec<OsString>, words: impl IntoIterator<Item = OsString>) -> u8 {
    cli::run(program, words.into_iter().collect())
}
