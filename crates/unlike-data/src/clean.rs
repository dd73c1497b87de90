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
    /// What is done to text that follows.
    pub(crate) then: Cleaning,
}

/// What is taken out of a text, stretch by stretch.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cleaning {
    pub(crate) comments: Option<Comments>,
    blanks: Option<Blanks>,
}

impl Cleaning {
    /// Whole lines that follow those that were given before; the last ones of the file if `is_last`.
    pub(crate) fn clean(
        &mut self,
        lines: Vec<u8>,
        is_last: bool,
        missing: &MissingCells<'_>,
    ) -> Vec<u8> {
        let mut bytes = lines;
        if is_last {
            bytes.truncate(without_end_mark(&bytes).len());
        }
        if let Some(comments) = &mut self.comments {
            bytes = comments.take(&bytes, missing);
        }
        if let Some(blanks) = &mut self.blanks {
            bytes = blanks.collapse(&bytes);
        }
        bytes
    }
}

/// The text without what CP/M and DOS programs write at its end.
fn without_end_mark(bytes: &[u8]) -> &[u8] {
    match bytes.trim_ascii_end() {
        [text @ .., 0x1a] => text,
        _ => bytes,
    }
}

/// Lines that are no rows.
#[derive(Clone, Debug)]
pub(crate) struct Comments {
    mark: u8,
    count: usize,
    /// Whether a quote is open.
    quoted: bool,
    /// Whether a row was met.
    pub(crate) rows: bool,
    /// The last comment before the first row: where it began, and its text.
    heading: Option<(usize, Vec<u8>)>,
    /// Whether it is the only one.
    only: bool,
}

impl Comments {
    fn new(mark: u8) -> Self {
        Self {
            mark,
            count: 0,
            quoted: false,
            rows: false,
            heading: None,
            only: true,
        }
    }

    /// The lines without comments, of which only the line ends stay.
    fn take(&mut self, bytes: &[u8], missing: &MissingCells<'_>) -> Vec<u8> {
        let mut kept = Vec::with_capacity(bytes.len());
        for line in bytes.split_inclusive(|&b| b == b'\n') {
            let content = line.trim_ascii();
            let cell = content.split(|b| b",;\t|".contains(b)).next();
            let missing = cell.is_some_and(|cell| missing.contains(sniff::trimmed(cell)));
            if !self.quoted && content.first() == Some(&self.mark) && !missing {
                if !self.rows {
                    self.only = self.heading.is_none();
                    self.heading = Some((kept.len(), content[1..].trim_ascii_start().to_vec()));
                }
                self.count += 1;
                if line.ends_with(b"\n") {
                    kept.push(b'\n');
                }
                continue;
            }
            self.rows |= !content.is_empty();
            if line.iter().filter(|&&b| b == b'"').count() % 2 == 1 {
                self.quoted = !self.quoted;
            }
            kept.extend(line);
        }
        kept
    }

    /// How many were left out, in words.
    pub(crate) fn note(&self) -> Option<Note> {
        let lines = words::counted(self.count, "comment line");
        let mark = char::from(self.mark);
        let text = format!("{lines}, beginning with `{mark}`, left out");
        (self.count > 0).then(|| Note::new(text).coded("comments-left-out"))
    }
}

/// Blanks between cells, for text whose columns stand apart by them.
#[derive(Clone, Debug)]
struct Blanks {
    /// Whether a quote is open.
    quoted: bool,
    /// Whether blanks are to be written before the next cell of the line.
    blank: bool,
    /// Whether the line has no cell yet.
    start: bool,
}

impl Blanks {
    fn new() -> Self {
        Self {
            quoted: false,
            blank: false,
            start: true,
        }
    }

    /// One blank for each run of blanks and tabs outside quotes; none at the ends of lines.
    fn collapse(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        for &byte in bytes {
            match byte {
                b' ' | b'\t' if !self.quoted => {
                    self.blank = true;
                    continue;
                }
                b'\n' | b'\r' if !self.quoted => {
                    (self.blank, self.start) = (false, true);
                    out.push(byte);
                    continue;
                }
                b'"' => self.quoted = !self.quoted,
                _ => {}
            }
            if self.blank && !self.start {
                out.push(b' ');
            }
            (self.blank, self.start) = (false, false);
            out.push(byte);
        }
        out
    }
}

impl<'a> Clean<'a> {
    /// `told` is what the user says that comments begin with.
    pub(crate) fn new(bytes: &'a [u8], told: Option<u8>, missing: &MissingCells<'_>) -> Self {
        let bytes = sniff::without_bom(bytes);
        let mut clean = Self {
            bytes: Cow::Borrowed(without_end_mark(bytes)),
            delimiter: None,
            heading: None,
            notes: Vec::new(),
            then: Cleaning::default(),
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
        let mut comments = Comments::new(mark);
        let kept = comments.take(&self.bytes, missing);
        let (only, heading) = (comments.only, comments.heading.take());
        let then = self.then.comments.insert(comments);
        if !then.rows {
            return;
        }
        let Some(note) = then.note() else {
            return;
        };
        // One word above one column of numbers is its name; more are a remark.
        let is_word = |text: &[u8]| only && !text.is_empty() && !text.contains(&b' ');
        self.heading = heading.filter(|(_, text)| {
            sniff::width(text, sniff::delimiter(&kept)) > 1 || (is_word(text) && !told)
        });
        self.bytes = Cow::Owned(kept);
        self.notes.push(note);
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
        let blanks = self.then.blanks.insert(Blanks::new());
        self.bytes = Cow::Owned(blanks.collapse(&self.bytes));
    }
}

/// One blank for each run of blanks and tabs outside quotes; none at the ends of lines.
pub(crate) fn collapsed(bytes: &[u8]) -> Vec<u8> {
    Blanks::new().collapse(bytes)
}

fn line_end(bytes: &[u8]) -> usize {
    let end = bytes.iter().position(|&b| b == b'\n' || b == b'\r');
    end.unwrap_or(bytes.len())
}
