//! Images that were left out, and why.

use std::path::{Path, PathBuf};

use serde::Serialize;
use unlike_core::{Error, Result};

use super::{decode::UNSUPPORTED, walk::Walked};
use crate::words;

/// An image that was not read, so that nothing is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unread {
    /// Its path within the folder.
    pub id: String,
    /// Why it was not read, as a clause for people.
    pub reason: String,
}

/// What was left out so far.
pub(super) struct Skipped<'a> {
    root: &'a Path,
    /// Whether what cannot be read is left out, rather than an error.
    lenient: bool,
    /// What was damaged, in the words of its error.
    damaged: Vec<String>,
    unread: Vec<Unread>,
    own: Vec<PathBuf>,
}

impl<'a> Skipped<'a> {
    pub(super) fn new(root: &'a Path, lenient: bool) -> Self {
        Self {
            root,
            lenient,
            damaged: Vec::new(),
            unread: Vec::new(),
            own: Vec::new(),
        }
    }

    /// Takes note of a failure, or passes it on. An image that is whole, but of a kind that is not read,
    /// is no failure of the user's.
    pub(super) fn accept(&mut self, error: Error) -> Result<()> {
        let unsupported =
            matches!(&error, Error::Malformed { found, .. } if found.starts_with(UNSUPPORTED));
        if !self.lenient && !unsupported {
            return Err(error);
        }
        let id = match &error {
            Error::Malformed { path, .. } | Error::Io { path, .. } => id(self.root, path),
            _ => String::new(),
        };
        let reason = match &error {
            Error::Malformed { found, .. } => found.clone(),
            other => other.to_string(),
        };
        self.unread.push(Unread { id, reason });
        self.damaged.push(error.to_string());
        Ok(())
    }

    /// Takes note of an image of a format that is not read.
    pub(super) fn add(&mut self, unread: Unread) {
        self.unread.push(unread);
    }

    /// Takes note of what a walk left out.
    pub(super) fn walked(&mut self, walked: &Walked) {
        let unread = walked.unread.iter().map(|(path, format)| Unread {
            id: id(self.root, path),
            reason: format!("the format {format}"),
        });
        self.unread.extend(unread);
        self.own.extend(walked.own.iter().cloned());
    }

    /// Sentences for people.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if !self.damaged.is_empty() {
            notes.push(format!(
                "{} left out: {}",
                words::counted(self.damaged.len(), "unreadable file"),
                words::limited(self.damaged.iter().cloned(), 3)
            ));
        }
        let formats = self
            .unread
            .iter()
            .filter(|u| u.reason.starts_with("the format "));
        let formats: Vec<&Unread> = formats.collect();
        if !formats.is_empty() {
            let named = formats
                .iter()
                .map(|u| format!("`{}` ({})", u.id, &u.reason[11..]));
            notes.push(format!(
                "{} left out, because {} not read: {}",
                words::counted(formats.len(), "image"),
                match formats.len() {
                    1 => "its format is",
                    _ => "their formats are",
                },
                words::limited(named, 8)
            ));
        }
        if !self.own.is_empty() {
            let named = self.own.iter().map(|path| format!("`{}`", path.display()));
            notes.push(format!(
                "what unlike wrote itself is no data: {} left out",
                words::limited(named, 4)
            ));
        }
        notes
    }

    pub(super) fn into_unread(self) -> Vec<Unread> {
        self.unread
    }
}

/// A path within a folder, with `/` between its parts on every system.
pub(super) fn id(root: &Path, path: &Path) -> String {
    let inside = path.strip_prefix(root).unwrap_or(path);
    let parts = inside.components().map(|c| c.as_os_str().to_string_lossy());
    let id = parts.collect::<Vec<_>>().join("/");
    match id.is_empty() {
        true => ".".into(),
        false => id,
    }
}
