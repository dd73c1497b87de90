//! How a command ends: exit codes, and errors as a person or a program reads them.

use std::error::Error as _;

use serde_json::json;
use unlike_core::Error;

use crate::terminal;

/// How a command that did its work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Exit code 0.
    Done,
    /// Exit code 1: `--fail-on-anomaly` was given, and a sample was flagged.
    AnomaliesFound,
    /// Exit code 3: `--fail-on-anomaly` was given, and no sample was flagged, but images or rows were not read.
    Unread,
    /// Exit code 2: all of what was begun failed, and each of it was told.
    Failed,
}

/// Why a command did not do its work.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Exit code 2.
    Error(Error),
    /// Exit code 130: the user stopped it; the text says how to go on.
    Interrupted(String),
    /// Exit code 0: whoever read stdout has read enough, as `head` does.
    OutputClosed,
}

pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Interrupted => Self::Interrupted("nothing was saved".into()),
            error => Self::Error(error),
        }
    }
}

/// Reports a failure, if there is one, and gives the exit code.
pub(crate) fn finish(result: Result<Outcome>, json: bool) -> u8 {
    match result {
        Ok(Outcome::Done) | Err(Failure::OutputClosed) => 0,
        Ok(Outcome::AnomaliesFound) => 1,
        Ok(Outcome::Failed) => 2,
        Ok(Outcome::Unread) => 3,
        Err(Failure::Error(error)) => report(&message(&error), hint(&error).as_deref(), json, 2),
        Err(Failure::Interrupted(hint)) => report("interrupted", Some(&hint), json, 130),
    }
}

/// Writes `error: …` and `hint: …` to stderr and, for programs, one JSON document to stdout.
fn report(message: &str, hint: Option<&str>, json: bool, code: u8) -> u8 {
    terminal::error_line(&terminal::shown(&format!("error: {message}"), false));
    if let Some(hint) = hint {
        terminal::error_line(&terminal::shown(&format!("hint: {hint}"), false));
    }
    if json {
        print_error_document(message, hint, code);
    }
    code
}

/// `{"error": {…}}` on stdout, where a program with `--json` looks.
pub(crate) fn print_error_document(message: &str, hint: Option<&str>, code: u8) {
    let error = json!({ "message": message, "hint": hint, "exit_code": code });
    // Nobody is left to tell if this fails.
    _ = terminal::print_json(&json!({ "error": error }));
}

/// The error and what caused it, on one line.
pub(crate) fn message(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // The number is of no use to those who can read the words.
        let words = cause_text.split(" (os error").next().unwrap_or_default();
        text.push_str(&format!(": {}", lower_first(words)));
        source = cause.source();
    }
    text
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(letters).collect()
    })
}

fn hint(error: &Error) -> Option<String> {
    use std::io::ErrorKind;
    let Error::Io { action, source, .. } = error else {
        return error.hint().map(terminal::flags);
    };
    let hint = match (source.kind(), *action) {
        (ErrorKind::NotFound, "read") => {
            "check the path; relative paths start at the current folder"
        }
        (ErrorKind::IsADirectory, "read") => "name a file in it",
        (ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge, _) => {
            "free some space, or write to another folder with --out"
        }
        (ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem, "read") => {
            "the file belongs to somebody else; ask for the right to read it"
        }
        (
            ErrorKind::PermissionDenied
            | ErrorKind::ReadOnlyFilesystem
            | ErrorKind::NotADirectory
            | ErrorKind::NotFound,
            _,
        ) => "choose a folder that you can write to, with --out",
        _ => return None,
    };
    Some(hint.to_owned())
}
