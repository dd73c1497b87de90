//! What stands in delimited text beside its rows: comments, Excel's line `sep=;`, an old end-of-file
//! mark. Taken out so that the numbers of lines stay.

use std::borrow::Cow;

use unlike_core::Note;

use crate::{builder::MissingCells, sniff, words};

/// The characters by which a file's first lines are taken for comments.
const COMMENTS: [u8; 2] = [b'#', b'%'];

/// A text's rows and nothing else.
pub(crate) struct Clean<'a> {
    pub(crate) bytes: Cow<'a, [u8]>,
    /// What the file's own first line says that stands between cells.
    pub(crate) delimiter: Option<u8>,
    /// The last comment before the first row, which may name the columns: where it begins in the
    /// bytes, and its text.
    heading: Option<(usize, Vec<u8>)>,
    pub(crate) notes: Vec<Note>,
}

impl<'a> Clean<'a> {
    /// `told` is what the user says that comments begin with.
    pub(crate) fn new(bytes: &'a [u8], told: Option<u8>, missing: &MissingCells<'_>) -> Self {
        let bytes = sniff::without_bom(bytes);
        let bytes = match bytes.trim_ascii_end() {
            // What CP/M and DOS programs write at the end of a text.
            [text @ .., 0x1a] => text,
            _ => bytes,
        };
        let mut clean = Self {
            bytes: Cow::Borrowed(bytes),
            delimiter: None,
            heading: None,
            notes: Vec::new(),
        };
        clean.take_separator();
        if let Some(mark) = told.or_else(|| clean.first_mark()) {
            clean.take_comments(mark, told.is_some(), missing);
        }
        clean
    }

    /// Excel's first line, `sep=;`.
    fn take_separator(&mut self) {
        let end = line_end(&self.bytes);
        let line = self.bytes[..end].trim_ascii();
        let line = line.strip_prefix(b"\"").unwrap_or(line);
        let is_separator = line.len() >= 5 && line[..4].eq_ignore_ascii_case(b"sep=");
        let rest = if is_separator { &line[4..] } else { &[] };
        let delimiter = match rest {
            [byte] | [byte, b'"'] if byte.is_ascii() => Some(*byte),
            // A tab goes with the blanks around the line.
            _ => None,
        };
        let tab = self.bytes[..end]
            .to_ascii_lowercase()
            .starts_with(b"sep=\t");
        if let Some(delimiter) = delimiter.or(tab.then_some(b'\t')) {
            self.delimiter = Some(delimiter);
            self.bytes = Cow::Owned(self.bytes[end..].to_vec());
            // The line stays as a blank one, so that rows keep their numbers.
        }
    }

    /// What the first line that is not blank begins with, if comments do.
    fn first_mark(&self) -> Option<u8> {
        let first = *self.bytes.trim_ascii_start().first()?;
        let text = self.bytes.trim_ascii_start();
        (COMMENTS.contains(&first) && !text.starts_with(b"#N/A")).then_some(first)
    }

    fn take_comments(&mut self, mark: u8, told: bool, missing: &MissingCells<'_>) {
        let bytes = &self.bytes;
        let mut kept = Vec::with_capacity(bytes.len());
        let (mut count, mut quoted, mut rows) = (0usize, false, false);
        let (mut heading, mut only) = (None, true);
        for line in bytes.split_inclusive(|&b| b == b'\n') {
            let content = line.trim_ascii();
            let cell = content.split(|b| b",;\t|".contains(b)).next();
            let missing = cell.is_some_and(|cell| missing.contains(sniff::trimmed(cell)));
            if !quoted && content.first() == Some(&mark) && !missing {
                if !rows {
                    only = heading.is_none();
                    heading = Some((kept.len(), content[1..].trim_ascii_start().to_vec()));
                }
                count += 1;
                if line.ends_with(b"\n") {
                    kept.push(b'\n');
                }
                continue;
            }
            rows |= !content.is_empty();
            if line.iter().filter(|&&b| b == b'"').count() % 2 == 1 {
                quoted = !quoted;
            }
            kept.extend(line);
        }
        if count == 0 || !rows {
            return;
        }
        // One word above one column of numbers is its name; more are a remark.
        let is_word = |text: &[u8]| only && !text.is_empty() && !text.contains(&b' ');
        self.heading = heading.filter(|(_, text)| {
            sniff::width(text, sniff::delimiter(&kept)) > 1 || (is_word(text) && !told)
        });
        self.bytes = Cow::Owned(kept);
        let lines = words::counted(count, "comment line");
        let mark = char::from(mark);
        self.notes.push(
            Note::new(format!("{lines}, beginning with `{mark}`, left out"))
                .coded("comments-left-out"),
        );
    }

    /// Puts back the last comment before the rows if it names the columns: it has as many cells as the
    /// first row, which does not name them itself. Says whether it does.
    pub(crate) fn names_columns(&mut self, delimiter: u8, missing: &MissingCells<'_>) -> bool {
        let Some((at, text)) = self.heading.take() else {
            return false;
        };
        let width = sniff::width(&self.bytes, delimiter);
        if sniff::width(&text, delimiter) != width
            || sniff::header(&self.bytes, delimiter, missing).names
        {
            return false;
        }
        self.bytes.to_mut().splice(at..at, text);
        self.notes.push(
            Note::new("the comment above the first row names the columns")
                .coded("comment-names-columns"),
        );
        true
    }

    /// Makes one blank of each run of blanks between cells, and none of those at the ends of lines, for
    /// text whose columns stand apart by blanks.
    pub(crate) fn collapse_blanks(&mut self) {
        self.bytes = Cow::Owned(collapsed(&self.bytes));
    }
}

/// One blank for each run of blanks and tabs outside quotes; none at the ends of lines.
pub(crate) fn collapsed(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let (mut quoted, mut blank, mut start) = (false, false, true);
    for &byte in bytes {
        match byte {
            b' ' | b'\t' if !quoted => {
                blank = true;
                continue;
            }
            b'\n' | b'\r' if !quoted => {
                (blank, start) = (false, true);
                out.push(byte);
                continue;
            }
            b'"' => quoted = !quoted,
            _ => {}
        }
        if blank && !start {
            out.push(b' ');
        }
        (blank, start) = (false, false);
        out.push(byte);
    }
    out
}

fn line_end(bytes: &[u8]) -> usize {
    let end = bytes.iter().position(|&b| b == b'\n' || b == b'\r');
    end.unwrap_or(bytes.len())
}
