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
        name => name.replace('-', "_"),
    }
}

/// A note, in which settings are arguments: `image_size=28`.
pub(crate) fn worded(note: &Note) -> String {
    note.worded(|name, value| match value {
        None => format!("`{}`", argument(name)),
        Some(value) if value.parse::<f64>().is_ok_and(f64::is_finite) => {
            format!("`{}={value}`", argument(name))
        }
        Some(value) => format!("`{}={value:?}`", argument(name)),
    })
}

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
