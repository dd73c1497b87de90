//! The command `unlike`: parse → plan → library call → render.
//!
//! - `cli` is the command line: one clap structure a command, each with its help.
//! - `commands` holds one file a command: it plans, calls the library, and renders.
//! - `failure` says what went wrong and ends the process with the right exit code.
//! - Everything else serves the commands: reading arguments, progress, tables of scores, folders.
//!
//! Data goes to stdout, everything else to stderr.

mod augment_args;
mod cases;
mod cli;
mod columns;
mod commands;
mod config_file;
mod data_args;
mod decision_args;
mod device_arg;
mod environment;
mod epoch_rows;
mod epoch_table;
mod evaluation;
mod events;
mod explanations;
mod failure;
mod find_data;
mod folders;
mod heat;
mod image_args;
mod inputs;
mod interrupt;
mod layout;
mod map_files;
mod maps;
mod observer;
mod output;
mod parquet_file;
mod raster;
mod run_folder;
mod run_report;
mod scoring;
mod sheets;
mod split_args;
mod survey;
mod terminal;
mod training;

/// Training and scoring ask for buffers of some megabytes at every step; mimalloc keeps and reuses
/// them, where the system's allocator gives the pages back and faults them in again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    cli::main()
}
