//! What a text file's first rows say about its delimiter and header.

use csv::ByteRecord;

use crate::builder::MissingCells;

/// How many rows and bytes of a file decide.
const ROWS: usize = 200;
const BYTES: usize = 1 << 20;

/// The text without the mark that some programs put first.
pub(crate) fn without_bom(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// UTF-16 by its byte order mark.
pub(crate) fn is_utf16(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff])
}

/// Text has no NUL; every binary format met so far has one early.
pub(crate) fn is_binary(bytes: &[u8]) -> bool {
    bytes[..bytes.len().min(8192)].contains(&0)
}

/// A reader that leaves all judgement to us: any number of cells a row, no header.
pub(crate) fn reader(bytes: &[u8], delimiter: u8) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(bytes)
}

/// A cell without surrounding blanks.
pub(crate) fn trimmed(cell: &[u8]) -> &[u8] {
    cell.trim_ascii()
}

/// The cell as a number; infinite or NaN if it spells that out.
pub(crate) fn number(cell: &[u8]) -> Option<f64> {
    std::str::from_utf8(cell).ok()?.parse().ok()
}

/// The first rows of a text; a row that the sample's end may have cut is left out.
fn sample(bytes: &[u8], delimiter: u8) -> Vec<ByteRecord> {
    let bytes = without_bom(bytes);
    let head = &bytes[..bytes.len().min(BYTES)];
    let mut rows: Vec<ByteRecord> = reader(head, delimiter)
        .into_byte_records()
        .take(ROWS)
        .map_while(Result::ok)
        .collect();
    if head.len() < bytes.len() && rows.len() < ROWS && rows.len() > 1 {
        rows.pop();
    }
    rows
}

/// The delimiter that splits most rows into one number of cells, the more cells the better.
pub(crate) fn delimiter(bytes: &[u8]) -> u8 {
    let judge = |&candidate: &u8| {
        let rows = sample(bytes, candidate);
        let width = rows.first().map_or(0, ByteRecord::len);
        let alike = rows.iter().filter(|r| r.len() == width).count();
        // Per mille, so that one ragged row (an error to be reported later) decides nothing.
        let share = if width > 1 {
            alike * 1000 / rows.len()
        } else {
            0
        };
        (share / 50, width)
    };
    // `max_by_key` keeps the last of equals: the comma.
    [b'|', b'\t', b';', b',']
        .into_iter()
        .max_by_key(judge)
        .unwrap_or(b',')
}

/// Whether the first row names the columns.
///
/// It does if its cells are text over columns of numbers. Where no column holds numbers, it does if
/// its cells are distinct and none of them occurs again in its column. A first row of `0, 1, 2, …`
/// is what pandas writes for columns without names.
pub(crate) fn header(bytes: &[u8], delimiter: u8, missing: &MissingCells<'_>) -> bool {
    let rows = sample(bytes, delimiter);
    let Some((first, rest)) = rows.split_first() else {
        return false;
    };
    let names: Vec<&[u8]> = first.iter().map(trimmed).collect();
    if rest.is_empty() {
        return names.iter().all(|name| number(name).is_none());
    }
    let counts_up = |(i, name): (usize, &&[u8])| **name == *i.to_string().as_bytes();
    if names.len() > 2 && names.iter().enumerate().all(counts_up) {
        return true;
    }
    let (mut text_over_numbers, mut numbers_over_numbers) = (0, 0);
    for (column, name) in names.iter().enumerate() {
        let mut cells = rest
            .iter()
            .filter_map(|r| r.get(column))
            .map(trimmed)
            .filter(|c| !missing.contains(c))
            .peekable();
        if cells.peek().is_none() || !cells.all(|cell| number(cell).is_some()) {
            continue;
        }
        if number(name).is_some() {
            numbers_over_numbers += 1;
        } else if !name.is_empty() {
            text_over_numbers += 1;
        }
    }
    if text_over_numbers + numbers_over_numbers > 0 {
        return text_over_numbers > numbers_over_numbers;
    }
    let again = |(column, name): (usize, &&[u8])| {
        rest.iter()
            .filter_map(|r| r.get(column))
            .any(|cell| trimmed(cell) == *name)
    };
    let mut distinct = names.clone();
    distinct.sort_unstable();
    distinct.dedup();
    distinct.len() == names.len()
        && names.iter().all(|name| number(name).is_none())
        && !names.iter().enumerate().any(again)
}
