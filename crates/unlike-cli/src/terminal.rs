//! Writing to stdout and stderr: the only file that does.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;
use unlike_report::terminal::Style;

use crate::failure::{Failure, Result};

/// The widest line of text; longer ones are hard to read on any terminal.
const WIDEST: usize = 100;
/// The width where none is known.
const USUAL: usize = 80;

/// How text on stdout is laid out.
pub(crate) fn style() -> Style {
    let terminal = io::stdout().is_terminal();
    let colour = terminal && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    Style {
        width: if terminal { width() } else { USUAL },
        colour,
    }
}

/// The width of the terminal, within what is comfortable to read.
fn width() -> usize {
    terminal_size::terminal_size().map_or(USUAL, |w| usize::from(w.0.0).clamp(40, WIDEST))
}

/// Writes a result to stdout.
pub(crate) fn print(text: &str) -> Result<()> {
    write(text.as_bytes())
}

/// Writes one JSON document to stdout.
pub(crate) fn print_json(document: &impl Serialize) -> Result<()> {
    let mut text = serde_json::to_string_pretty(document)
        .map_err(|e| unlike_core::Error::io("write", "stdout")(e.into()))?;
    text.push('\n');
    write(text.as_bytes())
}

/// Writes bytes to stdout, all of them at once or not at all.
pub(crate) fn write(bytes: &[u8]) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Err(Failure::OutputClosed),
        Err(e) => Err(unlike_core::Error::io("write", "stdout")(e).into()),
    }
}

/// The column at which the texts of [`say`] begin.
const LABEL: usize = 10;

/// Tells the user on stderr: a word in the first column, and a text beside it.
pub(crate) fn say(label: &str, text: &str) {
    let lead = format!("{label:<LABEL$}");
    let indent = " ".repeat(LABEL);
    // Lines are broken for people only, so that programs can search them.
    let width = if io::stderr().is_terminal() {
        width()
    } else {
        usize::MAX
    };
    let options = textwrap::Options::new(width)
        .initial_indent(&lead)
        .subsequent_indent(&indent)
        .break_words(false);
    error_line(&textwrap::fill(text, options));
}

/// Notes, one line each.
pub(crate) fn notes(notes: &[String]) {
    for note in notes {
        say("note", note);
    }
}

/// A whole line on stderr. A terminal that is gone is no reason to stop working.
pub(crate) fn error_line(text: &str) {
    _ = writeln!(io::stderr().lock(), "{text}");
}

/// A count with commas between thousands, as reports show it.
pub(crate) fn count(n: usize) -> String {
    let digits = n.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .filter_map(|g| std::str::from_utf8(g).ok())
        .collect();
    groups.join(",")
}

/// `1 row`, `2 rows`.
pub(crate) fn counted(n: usize, noun: &str) -> String {
    format!("{} {noun}{}", count(n), if n == 1 { "" } else { "s" })
}

/// A span of time: `3.2 s`, `3 min 12 s`, `2 h 05 min`.
pub(crate) fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        ..60 if seconds < 59.95 => format!("{seconds:.1} s"),
        ..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole % 3600 / 60),
    }
}

/// A rate as a person writes it: at most four significant digits, without a tail of zeros.
pub(crate) fn rate(rate: f64) -> String {
    let digits = (3 - rate.abs().log10().floor() as i32).clamp(0, 12) as usize;
    let text = format!("{rate:.digits$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_a_person_writes_them() {
        assert_eq!(
            [count(7), count(1234), count(494_021)],
            ["7", "1,234", "494,021"]
        );
        assert_eq!([counted(1, "row"), counted(0, "row")], ["1 row", "0 rows"]);
        assert_eq!(
            [duration(3.25), duration(59.97), duration(7500.0)],
            ["3.2 s", "1 min 00 s", "2 h 05 min"]
        );
        assert_eq!(
            [rate(0.01), rate(1.0 / 41.0), rate(0.05)],
            ["0.01", "0.02439", "0.05"]
        );
    }
}
