//! The command `unlike`: parse → plan → library call → render.
//!
//! - `cli` is the command line: its commands, and how the process begins and ends.
//! - `args` holds the groups of options; `commands` one file a command, which plans, calls the
//!   library, and renders.
//! - `terminal` is all that people see: text, tables, progress, notes and errors in the words of this
//!   interface, Ctrl-C.
//! - The rest is the run folder: settings, environment, files for TensorBoard.
//!
//! `cli` sees `commands`, both see `args`, all see `terminal`; never the other way. Data goes to
//! stdout, everything else to stderr.

mod args;
mod cli;
mod commands;
mod config_file;
mod environment;
mod events;
mod find_data;
mod folders;
mod run_folder;
mod terminal;
mod training;

/// Training and scoring ask for buffers of some megabytes at every step; mimalloc keeps and reuses
/// them, where the system's allocator gives the pages back and faults them in again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    cli::main()
}
