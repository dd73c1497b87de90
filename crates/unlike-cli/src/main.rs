//! The command `unlike`: parse → plan → library call → render.
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

/// Training and scoring ask for buffers of some megabytes at every step; mimalloc keeps and reuses
/// them, where the system's allocator gives the pages back and faults them in again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    cli::main()
}
