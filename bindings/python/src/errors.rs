//! The library's errors as Python's, in Python's words.

use std::{error::Error as _, path::Path};

use pyo3::{exceptions::PyKeyboardInterrupt, prelude::*};
use unlike_core::{Error, Note};

/// The module that holds the exceptions, and the warning that notes are given as.
const MODULE: &str = "unlike._errors";

/// The result of what the library does.
pub(crate) trait OrRaise<T> {
    /// The value, or the error as an exception.
    fn or_raise(self, py: Python<'_>) -> PyResult<T>;
}

impl<T> OrRaise<T> for unlike_core::Result<T> {
    fn or_raise(self, py: Python<'_>) -> PyResult<T> {
        self.map_err(|error| exception(py, &error))
    }
}

/// A setting as an argument: `image-size` is `image_size`. A detector's `score` is scikit-learn's, a method.
pub(crate) fn argument(name: &str) -> String {
    match name.strip_prefix("model.").unwrap_or(name) {
        "score" => "score_name".to_owned(),
        "no-header" => "header".to_owned(),
        name => name.replace('-', "_"),
    }
}

/// A note, in which settings are arguments: `image_size=28`.
pub(crate) fn worded(note: &Note) -> String {
    note.worded(spelled)
}

/// A setting that somebody could give, as an argument.
fn spelled(name: &str, value: Option<&str>) -> String {
    let argument = argument(name);
    let is_text = TEXTS.contains(&name);
    match (name, value) {
        ("no-header", _) => "`header=False`".to_owned(),
        (name, None) if SWITCHES.contains(&name) => format!("`{argument}=True`"),
        (_, None) => format!("`{argument}`"),
        (_, Some(value)) if !is_text && value.parse::<f64>().is_ok_and(f64::is_finite) => {
            format!("`{argument}={value}`")
        }
        (_, Some(value)) => format!("`{argument}={value:?}`"),
    }
}

/// Settings that the command line gives without a value.
const SWITCHES: [&str; 3] = ["header", "skip-unreadable", "ignore-masks"];

/// Settings whose values are texts, even those that look like numbers.
const TEXTS: [&str; 9] = [
    "anomalous-label",
    "category-columns",
    "comment",
    "delimiter",
    "drop-columns",
    "id-column",
    "label-column",
    "missing",
    "normal-label",
];

/// Notes in these words.
pub(crate) fn all_worded(notes: &[Note]) -> Vec<String> {
    notes.iter().map(worded).collect()
}

fn exception(py: Python<'_>, error: &Error) -> PyErr {
    let class = match error {
        Error::Interrupted => return PyKeyboardInterrupt::new_err("interrupted"),
        Error::Io { .. } => "FileError",
        Error::Setting { .. } => "SettingError",
        Error::NotFinite { .. } | Error::Diverged { .. } => "TrainingError",
        _ => "InputError",
    };
    let hint = match error {
        Error::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            Some("check the path; relative paths start at the current folder".to_owned())
        }
        _ => error.hint().map(worded),
    };
    let made = py
        .import(MODULE)
        .and_then(|module| module.getattr(class))
        .and_then(|class| class.call1((message(error), hint)));
    match made {
        Ok(exception) => PyErr::from_value(exception),
        Err(error) => error,
    }
}

/// The error and what caused it, on one line.
fn message(error: &Error) -> String {
    let mut text = match error {
        Error::Setting {
            name,
            found,
            expected,
            ..
        } => {
            let expected = match expected.as_str() {
                "usize" | "u64" => "a whole number",
                "f32" | "f64" => "a number",
                other => other,
            };
            format!("`{}` is {found}; expected {expected}", argument(name))
        }
        Error::Malformed {
            path,
            location,
            found,
            expected,
            ..
        } if path == Path::new(crate::model::BYTES) => {
            format!("{}{location}: {found}; expected {expected}", path.display())
        }
        other => other.to_string(),
    };
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // The number is of no use to those who can read the words.
        let words = cause_text.split(" (os error").next().unwrap_or_default();
        text.push_str(&format!(": {words}"));
        source = cause.source();
    }
    text
}
