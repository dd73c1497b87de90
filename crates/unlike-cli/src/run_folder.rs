//! The folder of a training: what is in it, who may write to it, and what may be written over.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::Write as _,
    path::{Path, PathBuf},
};

use unlike::{Model, TrainConfig, train::EpochReport};
use unlike_core::{
    Error, Result, Samples,
    files::{check_writable, write_atomically},
};
use unlike_results::{images::sheets, json_line};

use crate::{
    environment::Environment,
    events,
    folders::{NewFolders, write_text},
    inputs::refuse_over,
};

const MODEL: &str = "model.safetensors";
const CONFIG: &str = "config.toml";
const ENVIRONMENT: &str = "environment.json";
const METRICS: &str = "metrics.jsonl";
const REPORT: &str = "report.html";
/// What quickstart writes beside these.
const EVALUATION: &str = "evaluation.json";
const SCORES: &str = "scores.csv";
const STATE: &str = "resume/state.safetensors";
const LOCK: &str = "resume/lock";

/// What to do about a folder that a training already used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Existing {
    /// Say no.
    Refuse,
    /// Start again; the old model stays until the new one is there. Other files are written over.
    Overwrite,
    /// Start again, but only in the folder of a training.
    Replace,
    /// Go on.
    Resume,
}

/// The folder of a training. If neither a model nor a saved state came of it, and the folder was
/// not there before, then it is gone again in the end.
#[derive(Debug)]
pub(crate) struct RunFolder {
    root: PathBuf,
    existing: Existing,
    /// Given back before the folders that it lies in.
    _lock: Lock,
    folders: NewFolders,
}

impl RunFolder {
    /// Makes sure, before any work is done, that results can be written, that nobody else writes
    /// them there, and that they replace nothing that is read or that is somebody's own.
    pub(crate) fn prepare(root: &Path, existing: Existing, inputs: &[&Path]) -> Result<Self> {
        refuse_inputs(root, inputs)?;
        let state = root.join(STATE);
        let folders = NewFolders::create(state.parent().unwrap_or(root))?;
        let lock = Lock::take(root)?;
        let used = has_model(root) || has_state(root);
        if used && existing == Existing::Refuse {
            return Err(Error::Setting {
                name: "out".into(),
                found: format!("`{}`, which holds a training already", root.display()),
                expected: "a new folder".into(),
                hint: Some(
                    "--resume goes on with it, --overwrite starts it again, --out names another \
                     folder"
                        .into(),
                ),
            });
        }
        if !used && existing != Existing::Overwrite {
            refuse_foreign(root)?;
        }
        check_writable(&root.join(MODEL))?;
        Ok(Self {
            root: root.to_owned(),
            existing,
            _lock: lock,
            folders,
        })
    }

    /// Refuses to go on with a training of other settings or data than these where only its model can
    /// tell: without a saved state, training would begin anew and write over it.
    pub(crate) fn check_resumed(&self, config: &TrainConfig, samples: &Samples) -> Result<()> {
        let resumed = self.existing == Existing::Resume && self.model().exists();
        if !resumed || self.state().exists() {
            return Ok(());
        }
        let model = Model::load(self.model())?;
        if model.config() == config && model.trained_on(samples)? {
            return Ok(());
        }
        Err(Error::Mismatch {
            origin: Some(self.model().display().to_string()),
            found: "the model of another training".into(),
            expected: "the same settings and the same data".into(),
            hint: Some("--overwrite starts the training again, --out names another folder".into()),
        })
    }

    /// Training begins: writes down what is going to be done. From here on the folder is this
    /// training's; a training that is refused must not come here.
    pub(crate) fn begin(&self, config: &TrainConfig, environment: &Environment) -> Result<()> {
        if matches!(self.existing, Existing::Overwrite | Existing::Replace) {
            events::remove(&self.root)?;
            sheets::remove(&self.root)?;
            for stale in [self.state(), self.metrics()] {
                match fs::remove_file(&stale) {
                    Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                        return Err(Error::io("remove", stale)(e));
                    }
                    _ => {}
                }
            }
        }
        write_text(&self.config(), &config.to_toml()?)?;
        write_text(&self.environment(), &environment.json()?)
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.root.join(CONFIG)
    }

    pub(crate) fn model(&self) -> PathBuf {
        self.root.join(MODEL)
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.root.join(STATE)
    }

    pub(crate) fn metrics(&self) -> PathBuf {
        self.root.join(METRICS)
    }

    pub(crate) fn report(&self) -> PathBuf {
        self.root.join(REPORT)
    }

    pub(crate) fn environment(&self) -> PathBuf {
        self.root.join(ENVIRONMENT)
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        if self.folders.contains(&self.root) && !self.model().exists() && !self.state().exists() {
            for file in [self.config(), self.environment(), self.metrics()] {
                // What was never written cannot be removed.
                _ = fs::remove_file(file);
            }
            _ = events::remove(&self.root);
            _ = sheets::remove(&self.root);
        }
    }
}

/// The files of a run folder that stand beside its model.
const FILES: [&str; 4] = [CONFIG, ENVIRONMENT, METRICS, REPORT];

/// Refuses a folder in which a file that is read would be written over. The settings of the training
/// that the folder holds may be read and written again.
fn refuse_inputs(root: &Path, inputs: &[&Path]) -> Result<()> {
    let is_own = is_training(root);
    let written = FILES.into_iter().chain([MODEL, STATE, EVALUATION, SCORES]);
    for name in written.filter(|&name| name != CONFIG || !is_own) {
        refuse_over(&root.join(name), inputs)?;
    }
    Ok(())
}

/// Whether a folder holds a finished training.
pub(crate) fn has_model(root: &Path) -> bool {
    root.join(MODEL).exists()
}

/// Whether a training in a folder can go on.
pub(crate) fn has_state(root: &Path) -> bool {
    root.join(STATE).exists()
}

/// Whether a training was begun in a folder.
fn is_training(root: &Path) -> bool {
    has_model(root) || has_state(root) || Environment::load(&root.join(ENVIRONMENT)).is_some()
}

/// Refuses a folder with files of the names that a training writes, which no training wrote.
fn refuse_foreign(root: &Path) -> Result<()> {
    if is_training(root) {
        return Ok(());
    }
    let there = FILES.into_iter().find(|name| root.join(name).exists());
    let Some(name) = there else {
        return Ok(());
    };
    Err(Error::Setting {
        name: "out".into(),
        found: format!(
            "`{}`, which holds a `{name}` that no training wrote",
            root.display()
        ),
        expected: "a new folder, or that of a training".into(),
        hint: Some("--overwrite replaces the file, --out names another folder".into()),
    })
}

/// Keeps others from training into a folder. The system gives it back when the process ends, however
/// that happens.
#[derive(Debug)]
struct Lock {
    path: PathBuf,
    _file: File,
}

impl Lock {
    /// Takes the lock of a run folder whose sub-folder for it exists.
    fn take(root: &Path) -> Result<Self> {
        let path = root.join(LOCK);
        loop {
            let mut options = OpenOptions::new();
            let file = options.write(true).create(true).truncate(false).open(&path);
            let file = file.map_err(Error::io("create", &path))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Err(Error::Setting {
                        name: "out".into(),
                        found: format!("`{}`, into which a training is running", root.display()),
                        expected: "a folder of its own for each training".into(),
                        hint: Some(
                            "wait until that training is done, stop it, or name another folder \
                             with --out"
                                .into(),
                        ),
                    });
                }
                // Some file systems have no locks; there it is the user who must take care.
                Err(TryLockError::Error(e)) if e.kind() == std::io::ErrorKind::Unsupported => {}
                Err(TryLockError::Error(e)) => return Err(Error::io("lock", path)(e)),
            }
            // A training that ended in between took its file away: another one is not kept out by it.
            if is_at(&file, &path) {
                return Ok(Self { path, _file: file });
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // While it is still locked. Where that is refused it stays, which does no harm.
        _ = fs::remove_file(&self.path);
    }
}

/// Whether an open file is the one that is found under this path.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    match (file.metadata(), fs::metadata(path)) {
        (Ok(mine), Ok(there)) => (mine.dev(), mine.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

/// Whether an open file is the one that is found under this path: always, where a file that is open
/// cannot be taken away.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}

/// One line of JSON per epoch, always in step with the training's history.
#[derive(Debug)]
pub(crate) struct MetricsFile {
    path: PathBuf,
    file: Option<File>,
}

impl MetricsFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, file: None }
    }

    /// Replaces the file by the epochs that are already done: a killed run may have written more
    /// than it saved, or half a line.
    pub(crate) fn start(&mut self, history: &[EpochReport]) -> Result<()> {
        write_atomically(&self.path, |w| {
            history
                .iter()
                .try_for_each(|report| json_line(w, report, &self.path))
        })?;
        let file = OpenOptions::new().append(true).open(&self.path);
        self.file = Some(file.map_err(Error::io("write", &self.path))?);
        Ok(())
    }

    /// Adds an epoch.
    pub(crate) fn append(&mut self, report: &EpochReport) -> Result<()> {
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        let mut line = Vec::new();
        json_line(&mut line, report, &self.path)?;
        file.write_all(&line)
            .map_err(Error::io("write", &self.path))
    }
}
