//! The machine and the command that a result came from; never part of a model file.

use std::{ffi::OsString, path::Path, process::Command, sync::Mutex};

use chrono::{SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use unlike_core::{Error, Result, words};
use unlike_report::{Fact, Report};

use crate::{args::CPU, terminal::quoted};

/// Where and how a command ran.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Environment {
    pub(crate) unlike_version: String,
    /// RFC 3339, UTC.
    pub(crate) date: String,
    /// As it was typed, quoted for a shell.
    pub(crate) command: String,
    pub(crate) os: String,
    pub(crate) architecture: String,
    pub(crate) cpu: String,
    /// The instruction set that the kernels use, if they use one.
    pub(crate) cpu_features: Vec<String>,
    /// Cores that this process may use.
    pub(crate) cores: usize,
    /// Threads that it used.
    pub(crate) threads: usize,
    pub(crate) memory_bytes: u64,
    pub(crate) free_memory_bytes: u64,
    /// Where networks ran, with the adapter's name; empty in the records of earlier versions.
    #[serde(default)]
    pub(crate) device: String,
}

impl Environment {
    /// Looks at this machine; `device` is where networks run.
    pub(crate) fn here(threads: Option<usize>, device: String) -> Self {
        let mut system = sysinfo::System::new();
        system.refresh_memory();
        system.refresh_cpu_list(sysinfo::CpuRefreshKind::nothing());
        let cpu = system
            .cpus()
            .first()
            .map(|c| c.brand().trim().to_owned())
            .unwrap_or_default();
        let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
        Self {
            unlike_version: env!("CARGO_PKG_VERSION").into(),
            date: Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true),
            command: command_line(&[]),
            os: sysinfo::System::long_os_version().unwrap_or_else(|| std::env::consts::OS.into()),
            architecture: std::env::consts::ARCH.into(),
            cpu: if cpu.is_empty() {
                "unknown".into()
            } else {
                cpu
            },
            cpu_features: cpu_features(),
            cores,
            threads: threads.unwrap_or(cores),
            memory_bytes: system.total_memory(),
            free_memory_bytes: system.available_memory(),
            device,
        }
    }

    /// Reads what [`json`](Self::json) wrote; nothing if the file is not there or is another program's.
    pub(crate) fn load(path: &Path) -> Option<Self> {
        serde_json::from_str(&std::fs::read_to_string(path).ok()?).ok()
    }

    /// What a run folder remembers.
    pub(crate) fn json(&self) -> Result<String> {
        serde_json::to_string_pretty(self)
            .map_err(|e| Error::io("write", "environment.json")(e.into()))
    }

    /// A report with where and how it came about.
    pub(crate) fn sign(&self, mut report: Report) -> Report {
        report.run.date = Some(self.date.clone());
        report.run.command = Some(self.command.clone());
        report.environment = self.facts();
        report
    }

    /// For a report's footer.
    fn facts(&self) -> Vec<Fact> {
        let mut facts = vec![
            Fact::new("processor", &self.cpu),
            Fact::new("instruction sets", self.cpu_features.join(", ")),
            Fact::new("cores", self.cores.to_string()),
            Fact::new("threads used", self.threads.to_string()),
            Fact::new("memory", words::memory(self.memory_bytes)),
            Fact::new(
                "operating system",
                format!("{}, {}", self.os, self.architecture),
            ),
            Fact::new("unlike", &self.unlike_version),
        ];
        // Every result before there was a choice came from the CPU.
        if !matches!(self.device.as_str(), "" | CPU) {
            facts.insert(0, Fact::new("device", &self.device));
        }
        facts
    }
}

/// The command line: the process's own where `unlike` is the program, but not where another one runs it.
static WORDS: Mutex<Vec<OsString>> = Mutex::new(Vec::new());

/// What starts this program: a path, and words that come before those of a command line.
static PROGRAM: Mutex<Vec<OsString>> = Mutex::new(Vec::new());

/// Keeps what starts this program, and the command line, the name of the program first, for the record.
pub(crate) fn set_words(program: Vec<OsString>, words: &[OsString]) {
    if let Ok(mut kept) = PROGRAM.lock() {
        *kept = program;
    }
    if let Ok(mut kept) = WORDS.lock() {
        *kept = words.to_vec();
    }
}

/// This program, to be started with a command line of its own.
pub(crate) fn program() -> Command {
    let mut words = PROGRAM
        .lock()
        .map(|kept| kept.clone())
        .unwrap_or_default()
        .into_iter();
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words);
    command
}

/// The command line with further arguments, quoted for a shell; `--overwrite` is left
/// out, since a repeated command should not destroy what the first one made.
pub(crate) fn command_line(more: &[&str]) -> String {
    let words = WORDS.lock().map(|kept| kept.clone()).unwrap_or_default();
    let typed = words
        .iter()
        .skip(1)
        .map(|a| a.to_string_lossy().into_owned());
    let typed = typed.filter(|a| a != "--overwrite" && !more.contains(&a.as_str()));
    let words = typed
        .chain(more.iter().map(|&a| a.to_owned()))
        .map(|a| quoted(&a));
    std::iter::once("unlike".to_owned())
        .chain(words)
        .collect::<Vec<_>>()
        .join(" ")
}

/// The instruction set that the kernels use; none where they take the portable path.
fn cpu_features() -> Vec<String> {
    let used = Some(unlike_kernels::instruction_set());
    let used = used.filter(|&set| set != "portable");
    used.map(str::to_owned).into_iter().collect()
}
