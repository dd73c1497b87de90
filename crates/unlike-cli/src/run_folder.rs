//! The folder of a training: what is in it, and what may be written over.

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
};

use unlike::train::EpochReport;
use unlike_core::{
    Error, Result,
    files::{check_writable, write_atomically},
};

use crate::output::json_line;

/// What to do about a folder that a training already used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Existing {
    /// Say no.
    Refuse,
    /// Start again; the old model stays until the new one is there.
    Overwrite,
    /// Go on.
    Resume,
}

/// The folder of a training.
#[derive(Debug)]
pub(crate) struct RunFolder {
    root: PathBuf,
    /// The topmost folder that did not exist before.
    created: Option<PathBuf>,
}

impl RunFolder {
    /// Makes sure, before any work is done, that results can be written.
    pub(crate) fn prepare(root: &Path, existing: Existing) -> Result<Self> {
        let missing = |p: &&Path| !p.as_os_str().is_empty() && !p.exists();
        let created = root
            .ancestors()
            .take_while(missing)
            .last()
            .map(Path::to_owned);
        let folder = Self {
            root: root.to_owned(),
            created,
        };
        let used = [folder.model(), folder.state()]
            .into_iter()
            .any(|p| p.exists());
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
        let state_folder = folder.root.join("resume");
        fs::create_dir_all(&state_folder)
            .map_err(Error::io("create", &state_folder))
            .inspect_err(|_| {
                folder.discard();
            })?;
        check_writable(&folder.model()).inspect_err(|_| folder.discard())?;
        if existing == Existing::Overwrite {
            for stale in [folder.state(), folder.metrics()] {
                match fs::remove_file(&stale) {
                    Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                        return Err(Error::io("remove", stale)(e));
                    }
                    _ => {}
                }
            }
        }
        Ok(folder)
    }

    /// Removes the folder if this run made it and nothing worth keeping is in it.
    pub(crate) fn discard(&self) {
        if let Some(created) = &self.created
            && !self.model().exists()
            && !self.state().exists()
        {
            // Best effort: the failure that led here is what the user should read about.
            _ = fs::remove_dir_all(&self.root);
            let parents = self.root.ancestors().skip(1);
            parents
                .take_while(|p| p.starts_with(created))
                .for_each(|p| _ = fs::remove_dir(p));
        }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.root.join("config.toml")
    }

    pub(crate) fn model(&self) -> PathBuf {
        self.root.join("model.safetensors")
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.root.join("resume").join("state.safetensors")
    }

    pub(crate) fn metrics(&self) -> PathBuf {
        self.root.join("metrics.jsonl")
    }

    pub(crate) fn report(&self) -> PathBuf {
        self.root.join("report.html")
    }

    pub(crate) fn environment(&self) -> PathBuf {
        self.root.join("environment.json")
    }
}

/// Writes a text file as a whole or not at all.
pub(crate) fn write_text(path: &Path, text: &str) -> Result<()> {
    write_atomically(path, |w| {
        w.write_all(text.as_bytes())
            .map_err(Error::io("write", path))
    })
}

/// Creates a folder for results and makes sure that files can be written there.
pub(crate) fn create_folder(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    check_writable(&folder.join("report.html"))
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
