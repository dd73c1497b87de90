//! Errors of the vocabulary: what was found, where, and what was expected.

use std::path::PathBuf;

use crate::note::Note;

/// The result of everything in this crate and of every [`Detector`](crate::Detector).
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong between a file and a decision.
///
/// Messages are lower case, without a full stop, and name the place. [`Error::hint`] adds what to
/// do next, where that is known.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused to read or write.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// A verb: `read`, `write`, `create`, `rename`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },

    /// A file's content is not what its format asks for.
    #[error("`{}`{}: {found}; expected {expected}", path.display(), location)]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where in the file.
        location: Location,
        /// What was there.
        found: String,
        /// What should have been there.
        expected: String,
        /// What to do about it.
        hint: Option<Note>,
    },

    /// Samples do not fit the detector they were given to.
    #[error("{}{found}; expected {expected}", .origin.as_ref().map(|o| format!("{o}: ")).unwrap_or_default())]
    Mismatch {
        /// Where the samples came from (a file, or a sample's id), if known.
        origin: Option<String>,
        /// What was there.
        found: String,
        /// What should have been there.
        expected: String,
        /// What to do about it.
        hint: Option<Note>,
    },

    /// A setting is outside its range.
    #[error("`{name}` is {found}; expected {expected}")]
    Setting {
        /// The setting, as the user writes it.
        name: String,
        /// The value that was given.
        found: String,
        /// The values that are possible.
        expected: String,
        /// What to do about it.
        hint: Option<Note>,
    },

    /// There is not enough to work with.
    #[error("{what}: {found}; expected {expected}")]
    NotEnough {
        /// What there is too little of.
        what: String,
        /// How much there is.
        found: String,
        /// How much is needed.
        expected: String,
        /// What to do about it.
        hint: Option<Note>,
    },

    /// Training or scoring left the numbers that a computer can hold.
    #[error("{what} is not finite{}", location)]
    NotFinite {
        /// The quantity.
        what: String,
        /// Where it happened.
        location: String,
        /// What to do about it.
        hint: Option<Note>,
    },

    /// Training ran away: its numbers are finite, and mean nothing any more.
    #[error("training diverged: {what} is {found}{location}; expected {expected}")]
    Diverged {
        /// The quantity.
        what: String,
        /// Its value.
        found: String,
        /// Where it happened.
        location: String,
        /// The values that it can sensibly have.
        expected: String,
        /// What to do about it.
        hint: Option<Note>,
    },

    /// The user asked to stop; what was done so far is kept.
    #[error("interrupted")]
    Interrupted,
}

impl Error {
    /// What the user can do next, as one sentence without a full stop. A [`Note`] reads as a `str`
    /// in the words of no interface; [`Note::worded`] gives it an interface's.
    pub fn hint(&self) -> Option<&Note> {
        match self {
            Self::Malformed { hint, .. }
            | Self::Mismatch { hint, .. }
            | Self::Setting { hint, .. }
            | Self::NotEnough { hint, .. }
            | Self::NotFinite { hint, .. }
            | Self::Diverged { hint, .. } => hint.as_ref(),
            Self::Io { .. } | Self::Interrupted => None,
        }
    }

    /// An [`Error::Io`] for `map_err`.
    pub fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }

    /// Adds a hint, replacing one that is there: a text, or a [`Note`] that names settings.
    #[must_use]
    pub fn with_hint(mut self, text: impl Into<Note>) -> Self {
        match &mut self {
            Self::Malformed { hint, .. }
            | Self::Mismatch { hint, .. }
            | Self::Setting { hint, .. }
            | Self::NotEnough { hint, .. }
            | Self::NotFinite { hint, .. }
            | Self::Diverged { hint, .. } => *hint = Some(text.into()),
            Self::Io { .. } | Self::Interrupted => {}
        }
        self
    }
}

/// Refuses a setting for which `holds` is not true.
///
/// # Errors
/// [`Error::Setting`] with these words: `expected` says the range, as in "at least 1".
pub fn check_setting(name: &str, found: impl ToString, holds: bool, expected: &str) -> Result<()> {
    if holds {
        return Ok(());
    }
    Err(Error::Setting {
        name: name.into(),
        found: found.to_string(),
        expected: expected.into(),
        hint: None,
    })
}

/// A place in a file; every part is optional.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Location {
    /// Row, counted from 1 as an editor shows it (a CSV header is row 1).
    pub row: Option<u64>,
    /// Column name, or its number from 1 where it has no name.
    pub column: Option<String>,
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(row) = self.row {
            write!(f, ", row {row}")?;
        }
        if let Some(column) = &self.column {
            write!(f, ", column `{column}`")?;
        }
        Ok(())
    }
}
