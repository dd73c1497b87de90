//! The command line.

use std::{collections::HashSet, ffi::OsString};

use clap::{CommandFactory, Parser, Subcommand, error::ErrorKind};
use unlike::train::with_threads;

use crate::{
    args::Common,
    commands::{
        bench, calibrate, compare, config, data_info, doctor, eval, inspect, quickstart, report,
        score, sweep, train,
    },
    environment,
    terminal::{
        self,
        failure::{self, Outcome, Result},
    },
};

const EXAMPLES: &str = "\
Examples:
  unlike quickstart                           what it does, on real data
  unlike data info flows.csv                  what is in a file
  unlike train flows.csv --model egbad        learn what normal rows look like
  unlike eval runs/egbad-flows labelled.csv   how well it finds anomalies
  unlike score runs/egbad-flows new.csv --false-alarms 0.001 --out scores.csv
  unlike train tiles/good --model pca         learn from good images
  unlike score runs/pca-good tiles/new        and look at new ones

DATA is a .csv, .json, .npy, .npz, .parquet, .arrow or KDD Cup 99 file, packed
(.gz, .zst, .bz2, .xz, .zip) or not, whose rows are samples (- reads standard
input), or several of the same columns (or a pattern in quotes: 'logs/*.csv');
or a folder of images (sub-folders are labels), or one of MNIST or CIFAR-10
files. Training uses normal samples only: those that labels call normal, or all
where there are no labels. MODEL is a folder that `unlike train` made, or a
model file.

Results go to stdout, everything else to stderr; notes have codes in --json.
Exit codes: 0 done, 1 anomalies found and 3 none found, but rows or images that
were not read (with --fail-on-anomaly), 2 error, 130 interrupted.";

/// Learns what normal looks like from normal examples alone, then finds what is unlike it
#[derive(Parser, Debug)]
#[command(name = "unlike", version, after_help = EXAMPLES, arg_required_else_help = true)]
#[command(subcommand_required = true, max_term_width = 80)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Quickstart(quickstart::QuickstartArgs),
    Train(Box<train::TrainArgs>),
    #[command(alias = "predict")]
    Score(score::ScoreArgs),
    #[command(alias = "evaluate")]
    Eval(eval::EvalArgs),
    Calibrate(calibrate::CalibrateArgs),
    Report(report::ReportArgs),
    Inspect(inspect::InspectArgs),
    Compare(compare::CompareArgs),
    Sweep(sweep::SweepArgs),
    Config(config::ConfigArgs),
    /// Look at files of data
    #[command(subcommand)]
    Data(DataCommand),
    #[command(subcommand)]
    Bench(bench::BenchCommand),
    Doctor(doctor::DoctorArgs),
}

#[derive(Subcommand, Debug)]
enum DataCommand {
    Info(data_info::DataInfoArgs),
}

impl Command {
    fn run(self, common: Common) -> Result<Outcome> {
        match self {
            Self::Quickstart(args) => args.run(common),
            Self::Train(args) => args.run(common),
            Self::Score(args) => args.run(common),
            Self::Eval(args) => args.run(common),
            Self::Calibrate(args) => args.run(common),
            Self::Report(args) => args.run(common),
            Self::Inspect(args) => args.run(common),
            Self::Compare(args) => args.run(common),
            Self::Sweep(args) => args.run(common),
            Self::Config(args) => args.run(common),
            Self::Data(DataCommand::Info(args)) => args.run(common),
            Self::Bench(command) => command.run(common),
            Self::Doctor(args) => args.run(common),
        }
    }
}

/// Reads the command line and runs it; gives the exit code.
pub(crate) fn run(program: Vec<OsString>, words: Vec<OsString>) -> u8 {
    environment::set_words(program, &words);
    let json = words.iter().any(|word| word == "--json");
    let words = joined(words.into_iter(), &Cli::command());
    let Cli { common, command } = match Cli::try_parse_from(words) {
        Ok(cli) => cli,
        Err(error) => return refuse(&error, json),
    };
    terminal::set_quiet(common.quiet);
    let result = match common.threads() {
        Some(threads) => {
            // The kernels have threads of their own beside rayon's.
            unlike_kernels::set_threads(threads);
            let run = with_threads(threads, || command.run(common));
            run.map_err(Into::into).flatten()
        }
        None => command.run(common),
    };
    failure::finish(result, common.json)
}

/// The words of the command line, in which a value that begins with a hyphen is joined to its option:
/// `--missing -999` says the same as `--missing=-999`. Words with two hyphens are options, and so are
/// `-h` and `-V`, the only short ones.
fn joined(words: impl Iterator<Item = OsString>, command: &clap::Command) -> Vec<OsString> {
    let mut options = HashSet::new();
    collect_options(command, &mut options);
    let mut joined: Vec<OsString> = Vec::new();
    let mut open = false;
    let mut only_values = false;
    for word in words {
        let text = word.to_string_lossy();
        let is_value = text.len() > 1
            && text.starts_with('-')
            && !text.starts_with("--")
            && !["-h", "-V"].contains(&&*text);
        match joined.last_mut().filter(|_| open && is_value) {
            Some(option) => {
                option.push("=");
                option.push(&word);
                open = false;
            }
            None => {
                only_values |= text == "--";
                open = !only_values && options.contains(&*text);
                joined.push(word);
            }
        }
    }
    joined
}

/// The options that take a value, as they are typed, of a command and those below it.
fn collect_options(command: &clap::Command, options: &mut HashSet<String>) {
    let with_value = command
        .get_arguments()
        .filter(|arg| arg.get_action().takes_values());
    options.extend(with_value.filter_map(|arg| arg.get_long().map(|long| format!("--{long}"))));
    for below in command.get_subcommands() {
        collect_options(below, options);
    }
}

/// Shows help where it was asked for, or what is wrong with the command line.
fn refuse(error: &clap::Error, json: bool) -> u8 {
    // Help goes to stdout, errors to stderr; nobody is left to tell if that fails.
    _ = error.print();
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        return 0;
    }
    if json {
        let text = error.to_string();
        let message = text.lines().next().unwrap_or_default();
        let message = message.strip_prefix("error: ").unwrap_or(message);
        failure::print_error_document(message, None, 2);
    }
    2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn values_may_begin_with_a_hyphen() {
        let joined = |line: &str| {
            let words = line.split(' ').map(OsString::from);
            let words = super::joined(words, &Cli::command());
            let texts = words.iter().map(|word| word.to_string_lossy());
            texts.collect::<Vec<_>>().join(" ")
        };
        for (line, expected) in [
            (
                "unlike train d --missing -999",
                "unlike train d --missing=-999",
            ),
            (
                "unlike train d --anomalous-label -1,-2 --json",
                "unlike train d --anomalous-label=-1,-2 --json",
            ),
            (
                "unlike train d --label-column --json",
                "unlike train d --label-column --json",
            ),
            ("unlike train d --seed -h", "unlike train d --seed -h"),
            ("unlike train d --resume -x", "unlike train d --resume -x"),
            (
                "unlike train d --id-column - -x",
                "unlike train d --id-column - -x",
            ),
            (
                "unlike score m -- --missing -9",
                "unlike score m -- --missing -9",
            ),
            (
                "unlike score m d --missing=a -9",
                "unlike score m d --missing=a -9",
            ),
        ] {
            assert_eq!(joined(line), expected);
        }
    }
}
