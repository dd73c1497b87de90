//! One training of a sweep: a process of its own, and what is kept of it beside its run folder.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Instant, SystemTime},
};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use unlike::Model;
use unlike_core::Error;
use unlike_results::Criteria;

use crate::{
    args::{DataArgs, DataPaths},
    environment,
    folders::write_text,
    run_folder::{has_model, has_state},
    terminal::failure::{self, Failure, Result},
};

/// A training that is asked for.
#[derive(Debug, Serialize)]
pub(super) struct Job {
    pub(super) data: String,
    pub(super) model: String,
    /// Those that were tried, `epochs=3-latent=8`.
    pub(super) settings: String,
    pub(super) seed: u64,
    /// The run folder.
    pub(super) run: PathBuf,
    #[serde(skip)]
    pub(super) path: PathBuf,
    #[serde(skip)]
    pub(super) held_out: Option<PathBuf>,
    /// All settings that are not as recommended, as a file has them.
    #[serde(skip)]
    pub(super) config: String,
    #[serde(skip)]
    pub(super) options: Vec<String>,
}

/// A training that ended by itself.
#[derive(Debug, Serialize)]
pub(super) struct Row<'a> {
    #[serde(flatten)]
    pub(super) job: &'a Job,
    /// Of its processes, reading included; none if it failed.
    pub(super) seconds: Option<f64>,
    #[serde(flatten)]
    pub(super) criteria: Criteria,
    /// Why it failed.
    pub(super) error: Option<String>,
}

/// What a file beside the run folder says of it.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    /// What the training depends on; another one makes it another training.
    key: String,
    /// Of all its processes so far.
    seconds: f64,
    trained: bool,
}

/// Why there is no model, in words; none if it was interrupted.
type Why = Option<String>;

fn told(why: impl Into<Failure>) -> Why {
    match why.into() {
        Failure::Error(error) => Some(failure::message(&error)),
        Failure::Interrupted(_) | Failure::OutputClosed => None,
    }
}

impl Job {
    /// Trains it, unless it is, and measures it; nothing if it was interrupted.
    pub(super) fn run(&self, unknown: Criteria, threads: usize) -> Option<Row<'_>> {
        let trained = self.trained(threads);
        let measured = trained.and_then(|seconds| {
            let criteria = self.measure(unknown.promised).map_err(told)?;
            Ok((Some(seconds), criteria, None))
        });
        let (seconds, criteria, error) = match measured {
            Ok(measured) => measured,
            Err(why) => (None, unknown, Some(why?)),
        };
        Some(Row {
            job: self,
            seconds,
            criteria,
            error,
        })
    }

    /// Trains it, unless it is, and says how long that took.
    fn trained(&self, threads: usize) -> Result<f64, Why> {
        let file = self.beside("json");
        let kept = fs::read_to_string(&file).unwrap_or_default();
        let mut kept: Kept = serde_json::from_str(&kept).unwrap_or_default();
        let key = self.key().map_err(told)?;
        if kept.key.is_empty() && (has_model(&self.run) || has_state(&self.run)) {
            let run = self.run.display();
            return Err(Some(format!(
                "`{run}` holds a training that no sweep began; --out names another folder"
            )));
        }
        let mut existing = (!kept.key.is_empty()).then_some("--overwrite");
        if kept.key != key {
            kept = Kept {
                key,
                ..Kept::default()
            };
        } else if kept.trained && has_model(&self.run) {
            return Ok(kept.seconds);
        } else if has_state(&self.run) {
            existing = Some("--resume");
        }
        kept.trained = false;
        let write = |path: &Path, text: &str| write_text(path, text).map_err(told);
        let made = self.run.parent().map_or(Ok(()), fs::create_dir_all);
        made.map_err(|error| told(Error::io("create", &self.run)(error)))?;
        write(&self.beside("toml"), &self.config)?;
        write(&file, &json!(kept).to_string())?;
        let began = Instant::now();
        let ended = self.train(threads, existing);
        kept.seconds += began.elapsed().as_secs_f64();
        kept.trained = ended.is_ok();
        write(&file, &json!(kept).to_string())?;
        ended.map(|()| kept.seconds)
    }

    /// Runs the process to its end; why it failed is what it says of it.
    fn train(&self, threads: usize, existing: Option<&str>) -> Result<(), Why> {
        let mut command = environment::program();
        command
            .args(["train", "--json", "--quiet"])
            .args(["--threads", &threads.to_string()])
            .args(["--seed", &self.seed.to_string()])
            .args([OsStr::new("--config"), self.beside("toml").as_ref()])
            .args([OsStr::new("--out"), self.run.as_ref()])
            .args(existing)
            .args(&self.options)
            .arg("--")
            .arg(&self.path)
            .stdin(Stdio::null());
        let ran = command.output();
        let ran = ran.map_err(|error| told(Error::io("start", command.get_program())(error)))?;
        let document: Value = serde_json::from_slice(&ran.stdout).unwrap_or_default();
        match (ran.status.code(), document["error"]["message"].as_str()) {
            (Some(0), _) => Ok(()),
            (Some(130), _) => Err(None),
            (_, Some(message)) => Err(Some(message.to_owned())),
            _ => {
                let last = String::from_utf8_lossy(&ran.stderr);
                let last = last.lines().last().unwrap_or_default();
                Err(Some(format!("its process ended by {}: {last}", ran.status)))
            }
        }
    }

    fn measure(&self, promised: f64) -> Result<Criteria> {
        let model = Model::load(&self.run)?;
        let samples = match &self.held_out {
            None => None,
            Some(path) => {
                let paths = DataPaths(std::slice::from_ref(path));
                let data = DataArgs::default().read_for(paths, &model)?;
                Some(data.into_normals_for_training()?.samples)
            }
        };
        Ok(Criteria::measure(model, promised, samples.as_ref())?)
    }

    /// What a training depends on.
    fn key(&self) -> Result<String> {
        let mut stamp = Stamp::default();
        stamp
            .add(&self.path)
            .map_err(Error::io("read", &self.path))?;
        let version = env!("CARGO_PKG_VERSION");
        let (path, options) = (self.path.display(), &self.options);
        Ok(format!(
            "{version} {path} {stamp:?} {options:?} {}",
            self.config
        ))
    }

    /// What is written outside the run folder.
    pub(super) fn files(&self) -> [PathBuf; 2] {
        ["json", "toml"].map(|ending| self.beside(ending))
    }

    /// The file of this ending beside the run folder.
    fn beside(&self, ending: &str) -> PathBuf {
        let mut name = self.run.clone().into_os_string();
        name.push(".");
        name.push(ending);
        name.into()
    }
}

/// Tells whether files are what they were: how many there are, how large, and when the last of them changed.
#[derive(Debug, Default)]
struct Stamp {
    files: u64,
    bytes: u64,
    changed: Option<SystemTime>,
}

impl Stamp {
    /// Adds a file, or all files of a folder; links to folders are not followed.
    fn add(&mut self, path: &Path) -> std::io::Result<()> {
        let about = fs::metadata(path)?;
        self.changed = self.changed.max(about.modified().ok());
        if !about.is_dir() {
            self.files += 1;
            self.bytes += about.len();
            return Ok(());
        }
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            let is_link = entry.file_type()?.is_symlink();
            if !(is_link && entry.path().is_dir()) {
                self.add(&entry.path())?;
            }
        }
        Ok(())
    }
}
