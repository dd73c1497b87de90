//! What people see: text on stdout and stderr, which is written here and nowhere else.
//!
//! `layout` aligns it, `progress` shows a training, `epoch_rows` and `epoch_table` its epochs;
//! `failure` says what went wrong, and `interrupt` listens to Ctrl-C.

pub(crate) mod epoch_rows;
pub(crate) mod epoch_table;
pub(crate) mod failure;
pub(crate) mod interrupt;
pub(crate) mod layout;
pub(crate) mod progress;
pub(crate) mod scoring;

use std::{
    collections::BTreeMap,
    io::{self, IsTerminal, Write},
    sync::atomic::{AtomicBool, Ordering},
};

use indicatif::ProgressBar;
use serde::Serialize;
use unlike_core::{CodedNote, Note, words::counted};
use unlike_report::terminal::Style;

use failure::{Failure, Result};

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

/// Writes a result for people to stdout. Whatever files and columns are called, it cannot move the cursor
/// or turn the direction of writing: of what a terminal obeys, only our own colours are left.
pub(crate) fn print(text: &str) -> Result<()> {
    write(shown(text, true).as_bytes())
}

/// The text in which characters that a terminal obeys, or that hide what is written, are escaped. Line ends
/// stay, and our colours if they are `coloured`.
pub(crate) fn shown(text: &str, coloured: bool) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let colour = match c {
            '\x1b' if coloured => colour(rest),
            _ => 0,
        };
        match c {
            _ if colour > 0 => shown.push_str(&rest[..colour]),
            '\n' => shown.push(c),
            _ if c.is_control() || is_hidden(c) => shown.extend(c.escape_unicode()),
            _ => shown.push(c),
        }
        rest = &rest[colour.max(c.len_utf8())..];
    }
    shown
}

/// The length of the sequence that sets a colour or a weight, if the text begins with one; 0 otherwise.
fn colour(text: &str) -> usize {
    let Some(sequence) = text.strip_prefix("\x1b[") else {
        return 0;
    };
    let Some((numbers, _)) = sequence.split_once('m') else {
        return 0;
    };
    // Bold, faint, colours and their end: nothing that hides.
    let is_ours = |number: &str| match number {
        "" | "0" | "1" | "2" | "22" => true,
        colour => {
            colour.len() == 2 && colour.starts_with(['3', '9']) && colour.parse::<u8>().is_ok()
        }
    };
    match numbers.split(';').all(is_ours) {
        true => "\x1b[".len() + numbers.len() + 1,
        false => 0,
    }
}

/// Whether a character turns the direction of what follows.
fn is_hidden(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
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

/// Writes a result of any size to stdout, as `content` makes it.
pub(crate) fn write_with(
    content: impl FnOnce(&mut (dyn Write + Send)) -> unlike_core::Result<()>,
) -> Result<()> {
    let mut out = io::BufWriter::new(io::stdout());
    let written = content(&mut out).and_then(|()| {
        out.flush()
            .map_err(unlike_core::Error::io("write", "stdout"))
    });
    // What is left in the buffer would be written when it is dropped.
    _ = out.into_parts();
    match written {
        Err(unlike_core::Error::Io { source, .. })
            if source.kind() == io::ErrorKind::BrokenPipe =>
        {
            Err(Failure::OutputClosed)
        }
        written => Ok(written?),
    }
}

/// The column at which the texts of [`say`] begin.
const LABEL: usize = 10;

/// Whether the user wants to hear of errors alone.
static QUIET: AtomicBool = AtomicBool::new(false);

/// From now on stderr gets errors alone, or what it usually gets.
pub(crate) fn set_quiet(quiet: bool) {
    QUIET.store(quiet, Ordering::Relaxed);
}

/// A bar of this many steps, which shows on a terminal of a user who wants to see it.
pub(crate) fn bar(steps: u64) -> ProgressBar {
    match QUIET.load(Ordering::Relaxed) {
        true => ProgressBar::hidden(),
        false => ProgressBar::new(steps),
    }
}

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
    line(&textwrap::fill(&shown(text, false), options));
}

/// Notes, one line each; of many that are about the same, the first ones and how many more.
pub(crate) fn notes(notes: &[Note]) {
    const OF_A_KIND: usize = 10;
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for note in notes {
        let of_kind = kinds.entry(note.code()).or_default();
        *of_kind += 1;
        if *of_kind <= OF_A_KIND {
            say("note", &flags(note));
        }
    }
    for (code, count) in kinds {
        if count > OF_A_KIND {
            let more = counted(count - OF_A_KIND, "more note");
            say(
                "note",
                &format!("{more} of the kind `{code}`; --json has all of them"),
            );
        }
    }
}

/// Notes for documents: in this interface's words, with their codes.
pub(crate) fn coded(notes: &[Note]) -> Vec<CodedNote> {
    let note = |note: &Note| CodedNote::worded(note, flag);
    notes.iter().map(note).collect()
}

fn flag(name: &str, value: Option<&str>) -> String {
    match value {
        None => format!("--{name}"),
        Some(value) => format!("--{name} {}", quoted(value)),
    }
}

/// A note in this interface's words, in which settings are flags.
pub(crate) fn flags(note: &Note) -> String {
    note.worded(flag)
}

/// A word as it is typed in a shell.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// A whole line on stderr, unless the user wants to hear of errors alone.
pub(crate) fn line(text: &str) {
    if !QUIET.load(Ordering::Relaxed) {
        error_line(text);
    }
}

/// A whole line of an error on stderr. A terminal that is gone is no reason to stop working.
pub(crate) fn error_line(text: &str) {
    _ = writeln!(io::stderr().lock(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_worded_as_flags_that_a_shell_takes() {
        let note = Note::new("say ")
            .set("label-column", "is it")
            .text(" or ")
            .set("image-size", 28)
            .text(", or see ")
            .setting("format");
        assert_eq!(
            flags(&note),
            "say --label-column 'is it' or --image-size 28, or see --format"
        );
    }

    #[test]
    fn what_a_terminal_obeys_is_escaped_but_for_our_colours() {
        let name = "a\x1b[2J\x1b]0;title\x07\r\u{202e}b\tc";
        let escaped = "a\\u{1b}[2J\\u{1b}]0;title\\u{7}\\u{d}\\u{202e}b\\u{9}c";
        assert_eq!(shown(name, true), escaped);
        assert_eq!(
            shown("\x1b[1;31mred\x1b[0m\nö", true),
            "\x1b[1;31mred\x1b[0m\nö"
        );
        assert_eq!(shown("\x1b[1mx", false), "\\u{1b}[1mx");
        assert_eq!(shown("\x1b[", true), "\\u{1b}[");
        assert_eq!(shown("\x1b[8mx", true), "\\u{1b}[8mx");
    }

    #[test]
    fn words_are_quoted_only_where_a_shell_needs_it() {
        assert_eq!(quoted("runs/egbad-shuttle"), "runs/egbad-shuttle");
        assert_eq!(quoted("it's here"), r"'it'\''s here'");
        assert_eq!(quoted(""), "''");
    }
}
