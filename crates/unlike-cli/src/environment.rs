//! The machine and the command that a result came from; never part of a model file.

use std::path::Path;

use chrono::{SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use unlike_core::{Error, Result};
use unlike_report::Fact;

use crate::device_arg::CPU;

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

    /// The same for a report's footer.
    pub(crate) fn facts(&self) -> Vec<Fact> {
        let mut facts = vec![
            Fact::new("processor", &self.cpu),
            Fact::new("instruction sets", self.cpu_features.join(", ")),
            Fact::new("cores", self.cores.to_string()),
            Fact::new("threads used", self.threads.to_string()),
            Fact::new("memory", gigabytes(self.memory_bytes)),
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

/// This process's command line with further arguments, quoted for a shell; `--overwrite` is left
/// out, since a repeated command should not destroy what the first one made.
pub(crate) fn command_line(more: &[&str]) -> String {
    let typed = std::env::args_os()
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

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// `23.5 GiB`.
pub(crate) fn gigabytes(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30))
}

/// The instruction set that the kernels use; none where they take the portable path.
fn cpu_features() -> Vec<String> {
    let used = Some(unlike_kernels::instruction_set());
    let used = used.filter(|&set| set != "portable");
    used.map(str::to_owned).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn words_are_quoted_only_where_a_shell_needs_it() {
        assert_eq!(quoted("runs/egbad-shuttle"), "runs/egbad-shuttle");
        assert_eq!(quoted("it's here"), r"'it'\''s here'");
        assert_eq!(quoted(""), "''");
    }
}
