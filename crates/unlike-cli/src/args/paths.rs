//! DATA on the command line: a file, several, a pattern, a folder of images, or standard input.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use unlike_data::{DataSet, ReadOptions};

use crate::terminal::{self, failure::Result};

/// What stands for standard input where a file is read.
const STDIN: &str = "-";

/// What the user named: at least one path or pattern.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DataPaths<'a>(pub(crate) &'a [PathBuf]);

impl DataPaths<'_> {
    /// The files that are meant.
    pub(crate) fn files(self) -> Result<Vec<PathBuf>> {
        let file = |path: &PathBuf| match path.as_os_str() == STDIN && cfg!(unix) {
            // Read as a whole before anything is looked at, as pipes are.
            true => PathBuf::from("/dev/stdin"),
            false => path.clone(),
        };
        let paths: Vec<PathBuf> = self.0.iter().map(file).collect();
        Ok(unlike_data::found(&paths)?)
    }

    /// Reads them as one.
    pub(crate) fn read(self, options: &ReadOptions) -> Result<DataSet> {
        Ok(unlike_data::read_all(&self.files()?, options)?)
    }

    /// The first, which gives folders of results their names.
    pub(crate) fn first(&self) -> &Path {
        self.0.first().map_or(Path::new(""), PathBuf::as_path)
    }

    /// What folders of results are called by: `shuttle` for `data/shuttle.npz`.
    pub(crate) fn name(self) -> String {
        let first = self.first();
        // Of `..`, what the folder is called.
        let whole = first.canonicalize().unwrap_or_default();
        let name = first.file_name().or_else(|| whole.file_name());
        let name = name.unwrap_or_default().to_string_lossy();
        let name = if name == STDIN { "stdin".into() } else { name };
        let stem = name.split('.').find(|part| !part.is_empty());
        stem.unwrap_or("data").to_owned()
    }

    /// What is read, for those who must not write over it.
    pub(crate) fn inputs(self) -> Vec<PathBuf> {
        // What is not there is told when it is read.
        self.files().unwrap_or_else(|_| self.0.to_vec())
    }

    /// As messages name it.
    pub(crate) fn shown(self) -> String {
        match self.0 {
            [first, second, _, ..] => format!(
                "{}, {} and {} more",
                first.display(),
                second.display(),
                self.0.len() - 2
            ),
            paths => {
                let paths = paths.iter().map(|path| path.display().to_string());
                paths.collect::<Vec<_>>().join(", ")
            }
        }
    }

    /// As it is typed in a shell.
    pub(crate) fn typed(self) -> String {
        let paths = self
            .0
            .iter()
            .map(|path| terminal::quoted(&path.display().to_string()));
        paths.collect::<Vec<_>>().join(" ")
    }

    /// In documents: a text, or an array of several.
    pub(crate) fn json(self) -> Value {
        let path = |path: &PathBuf| path.display().to_string();
        match self.0 {
            [one] => json!(path(one)),
            several => several.iter().map(path).collect(),
        }
    }
}
