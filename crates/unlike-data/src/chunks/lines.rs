//! A delimited text that is read stretch by stretch: whole lines, as UTF-8, without comments.

use std::path::Path;

use unlike_core::{Note, Result};

use super::input::Input;
use crate::{
    builder::MissingCells,
    clean::Cleaning,
    encoding::Encoding,
    kdd,
    read::{self, Format, ReadOptions},
    sniff,
    source::Source,
    table::{self, Found, Layout},
    text::{self, Shape, Stretch, Text},
};

/// A text of which some bytes are in memory.
pub(crate) struct Lines {
    input: Input,
    decoder: Decoder,
    cleaning: Cleaning,
    missing: Vec<String>,
    /// The beginning of a line whose end was not read yet.
    cut: Vec<u8>,
    /// What was read and is still to be looked at, from `at` on.
    text: Vec<u8>,
    at: usize,
    line: u32,
    is_first: bool,
    ended: bool,
    end: u8,
    /// Bytes that are read at a time.
    block: usize,
}

/// What the beginning of a text tells.
pub(crate) struct Begun {
    pub(crate) lines: Lines,
    pub(crate) layout: Layout,
    /// About the encoding, and about the rest.
    pub(crate) notes: [Vec<Note>; 2],
}

impl Lines {
    /// Looks at the beginning of a text of this format; `block` bytes are read at a time.
    pub(crate) fn begin(
        path: &Path,
        format: Format,
        options: &ReadOptions,
        block: usize,
    ) -> Result<Begun> {
        let mut lines = Self {
            input: Input::open(path, options.max_unpacked)?,
            decoder: Decoder::default(),
            cleaning: Cleaning::default(),
            missing: options.missing.clone(),
            cut: Vec::new(),
            text: Vec::new(),
            at: 0,
            line: 1,
            is_first: true,
            ended: false,
            end: b'\n',
            block,
        };
        let mut head = Vec::new();
        // No less than what tells how the text is written.
        lines.ended = lines.input.read(&mut head, block.max(128))?;
        let (encoding, note) = read::encoding(&head, options);
        lines.decoder = Decoder::new(encoding, &head);
        let source = Source::without_content(path);
        let mut bytes = lines.decoder.decode(head, lines.ended, &source)?;
        let of_encoding = note.map(|encoding| encoding.found_in(&source)).into_iter();
        let of_encoding: Vec<Note> = of_encoding.collect();
        lines.end = text::line_end(&bytes);
        loop {
            let head = Source {
                path: path.to_owned(),
                bytes: lines.whole(bytes),
            };
            if !lines.ended && !has_a_row(&head, options.max_columns) {
                bytes = lines.more(head.bytes, &source)?;
                lines.end = text::line_end(&bytes);
                continue;
            }
            let (layout, cleaned, notes) = match format {
                Format::Kdd => {
                    let bytes = sniff::without_bom(&head.bytes);
                    let layout = kdd::layout(Text::new(&head, bytes, b',').width()?);
                    (layout, bytes.to_vec(), Vec::new())
                }
                _ => {
                    let Found {
                        clean,
                        layout,
                        mut notes,
                    } = table::find_layout(&head, options)?;
                    // They are counted to the end.
                    notes.retain(|note| note.code() != "comments-left-out");
                    lines.cleaning = clean.then;
                    (layout, clean.bytes.into_owned(), notes)
                }
            };
            let only_comments = lines.cleaning.comments.as_ref().is_some_and(|c| !c.rows);
            if only_comments && !lines.ended {
                bytes = lines.more(head.bytes, &source)?;
                continue;
            }
            lines.text = cleaned;
            return Ok(Begun {
                lines,
                layout,
                notes: [of_encoding, notes],
            });
        }
    }

    /// What is in memory, as a stretch of the file of so many rows at most.
    pub(crate) fn stretch<'a>(
        &'a self,
        source: &'a Source,
        delimiter: u8,
        most: usize,
        usual: Option<crate::Decimal>,
    ) -> Text<'a> {
        Text::new(source, &self.text[self.at..], delimiter).stretch(Stretch {
            line: self.line,
            is_first: self.is_first,
            is_last: self.ended,
            most,
            end: self.end,
            usual,
        })
    }

    /// Goes on after what was read of a stretch; reads more where none of its rows was whole. Says whether
    /// that was the end of the file.
    pub(crate) fn advance(
        &mut self,
        end: (usize, u32),
        rows: usize,
        source: &Source,
    ) -> Result<bool> {
        let is_over = self.go_on(end, rows, source)?;
        // A mark of UTF-8 would be left out where it begins a text.
        if !self.is_first && self.text[self.at..].starts_with(b"\xef\xbb\xbf") {
            self.text.insert(self.at, self.end);
            self.line -= 1;
        }
        Ok(is_over)
    }

    fn go_on(&mut self, (bytes, line): (usize, u32), rows: usize, source: &Source) -> Result<bool> {
        // Without a row, the names of the columns are read again.
        if rows > 0 || !self.is_first {
            self.is_first = false;
            self.at += bytes;
            self.line = line;
        }
        let left = self.text.len() - self.at;
        if self.ended {
            return Ok(rows == 0);
        }
        if rows > 0 && left >= self.block / 2 {
            return Ok(false);
        }
        self.text.drain(..self.at);
        self.at = 0;
        let mut bytes = Vec::new();
        self.ended = self.input.read(&mut bytes, self.block)?;
        let decoded = self.decoder.decode(bytes, self.ended, source)?;
        let mut bytes = std::mem::take(&mut self.cut);
        bytes.extend(decoded);
        let bytes = self.whole(bytes);
        let missing = MissingCells::new(&self.missing);
        self.text
            .extend(self.cleaning.clean(bytes, self.ended, &missing));
        Ok(false)
    }

    /// How much of the file was read, from 0 to 1; none of packed files.
    pub(crate) fn share(&self) -> Option<f64> {
        self.input.share(self.text.len() - self.at + self.cut.len())
    }

    /// How many comments were left out so far, as a note.
    pub(crate) fn comments(&self) -> Option<Note> {
        self.cleaning.comments.as_ref()?.note()
    }

    /// Calls `f` with the cells of each row that is left, and its number.
    pub(crate) fn each(
        &mut self,
        source: &Source,
        (shape, delimiter): (&Shape, u8),
        most: usize,
        mut f: impl FnMut(&csv::ByteRecord, u32) -> Result<()>,
    ) -> Result<usize> {
        let mut read = 0;
        while read < most {
            let text = self.stretch(source, delimiter, most - read, None);
            let (rows, end) = text.each(shape, &mut f)?;
            read += rows;
            if self.advance(end, rows, source)? {
                break;
            }
        }
        Ok(read)
    }

    /// The beginning of the text, and what follows it.
    fn more(&mut self, head: Vec<u8>, source: &Source) -> Result<Vec<u8>> {
        let mut bytes = head;
        bytes.append(&mut self.cut);
        let mut more = Vec::new();
        self.ended = self.input.read(&mut more, self.block)?;
        bytes.extend(self.decoder.decode(more, self.ended, source)?);
        Ok(bytes)
    }

    /// The lines whose ends are there; what follows them waits for the next bytes.
    fn whole(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        if !self.ended
            && let Some(last) = bytes.iter().rposition(|&byte| byte == self.end)
        {
            self.cut = bytes.split_off(last + 1);
        }
        bytes
    }
}

/// Whether the beginning of a text holds a whole row, which may name the columns; or more columns than are
/// allowed, so that the rest of the row does not matter.
fn has_a_row(head: &Source, most_columns: usize) -> bool {
    let bytes = sniff::without_bom(&head.bytes);
    let is_wide = |&delimiter: &u8| sniff::cells_of_first_row(bytes, delimiter) > most_columns;
    if sniff::DELIMITERS.iter().any(is_wide) {
        return true;
    }
    if !bytes.trim_ascii_start().contains(&text::line_end(bytes)) {
        return false;
    }
    let text = Text::new(head, bytes, b',').stretch(Stretch {
        line: 1,
        is_first: false,
        is_last: false,
        most: 1,
        end: text::line_end(bytes),
        usual: None,
    });
    let shape = Shape {
        names: Vec::new(),
        from: String::new(),
        header: false,
    };
    text.each(&shape, |_, _| Ok(()))
        .is_ok_and(|(rows, _)| rows > 0)
}

/// Makes UTF-8 of bytes that come some at a time.
#[derive(Default)]
struct Decoder {
    encoding: Option<Encoding>,
    /// What says the order of bytes, for those that follow the first.
    mark: Vec<u8>,
    /// Bytes of a character whose rest was not read yet.
    rest: Vec<u8>,
}

impl Decoder {
    fn new(encoding: Option<Encoding>, head: &[u8]) -> Self {
        let mark = match encoding {
            Some(Encoding::Utf16) => sniff::utf16_mark(head),
            _ => None,
        };
        Self {
            encoding,
            mark: mark.map_or_else(Vec::new, Vec::from),
            rest: Vec::new(),
        }
    }

    fn decode(&mut self, bytes: Vec<u8>, is_last: bool, source: &Source) -> Result<Vec<u8>> {
        let Some(encoding) = self.encoding else {
            return Ok(bytes);
        };
        if encoding != Encoding::Utf16 {
            return encoding.decoded(&bytes, source);
        }
        let mut pairs = std::mem::take(&mut self.rest);
        pairs.extend(bytes);
        if !is_last {
            let mut whole = pairs.len() / 2 * 2;
            let big = self.mark.first() == Some(&0xfe);
            let high = |pair: &[u8]| (0xd8..0xdc).contains(&pair[usize::from(!big)]);
            if whole >= 2 && high(&pairs[whole - 2..whole]) {
                whole -= 2;
            }
            self.rest = pairs.split_off(whole);
        }
        if !pairs.starts_with(&self.mark) {
            pairs.splice(0..0, self.mark.iter().copied());
        }
        encoding.decoded(&pairs, source)
    }
}
