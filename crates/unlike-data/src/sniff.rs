//! What a text file's first rows say about its delimiter and header.

use csv::ByteRecord;

use crate::{builder::MissingCells, clean::collapsed};

/// How many rows and bytes of a file decide.
const ROWS: usize = 200;
const BYTES: usize = 1 << 20;

/// The text without the mark that some programs put first.
pub(crate) fn without_bom(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// The byte order mark of UTF-16 that a text begins with, or could: without one, its first two characters and
/// three in four of those that follow are plain ones, each beside a NUL on the same side.
pub(crate) fn utf16_mark(bytes: &[u8]) -> Option<[u8; 2]> {
    /// Characters that are looked at, at most, and that have to be plain.
    const MOST: usize = 64;
    const FIRST: usize = 2;
    const BIG: [u8; 2] = [0xfe, 0xff];
    const LITTLE: [u8; 2] = [0xff, 0xfe];
    let mark = bytes.first_chunk().copied();
    if let Some(mark) = mark.filter(|mark| [BIG, LITTLE].contains(mark)) {
        return Some(mark);
    }
    let (pairs, _) = bytes.as_chunks::<2>();
    let pairs = &pairs[..pairs.len().min(MOST)];
    let plain = |byte: u8| byte.is_ascii_graphic() || b" \t\r\n".contains(&byte);
    let is_text = |high: usize| {
        let is_plain = |pair: &[u8; 2]| pair[high] == 0 && plain(pair[1 - high]);
        let (first, rest) = pairs.split_at_checked(FIRST)?;
        let plain = rest.iter().filter(|pair| is_plain(pair)).count();
        (first.iter().all(is_plain) && plain * 4 >= rest.len() * 3).then_some(())
    };
    is_text(0).map(|()| BIG).or(is_text(1).map(|()| LITTLE))
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

/// How many cells the first row that is not blank has, without keeping them.
pub(crate) fn cells_of_first_row(bytes: &[u8], delimiter: u8) -> usize {
    let mut quoted = false;
    let mut cells = 1;
    for &byte in bytes.trim_ascii_start() {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' | b'\r' if !quoted => break,
            _ => cells += usize::from(!quoted && byte == delimiter),
        }
    }
    cells
}

/// The cells of the first row, without the blanks around them.
pub(crate) fn first_row(bytes: &[u8], delimiter: u8) -> Vec<Vec<u8>> {
    let mut first = ByteRecord::new();
    match reader(bytes, delimiter).read_byte_record(&mut first) {
        Ok(true) => first.iter().map(|cell| trimmed(cell).to_vec()).collect(),
        _ => Vec::new(),
    }
}

/// The number of cells in the first row.
pub(crate) fn width(bytes: &[u8], delimiter: u8) -> usize {
    let mut first = ByteRecord::new();
    match reader(bytes, delimiter).read_byte_record(&mut first) {
        Ok(true) => first.len(),
        _ => 0,
    }
}

/// What stands between cells if not blanks, the most usual last.
pub(crate) const DELIMITERS: [u8; 4] = [b'|', b'\t', b';', b','];

/// The delimiter that splits most rows into one number of cells, the more cells the better; a blank
/// for columns that stand apart by any number of blanks.
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
    let best = DELIMITERS.into_iter().max_by_key(judge).unwrap_or(b',');
    // Nine rows in ten.
    if judge(&best).0 < 18 && are_columns_by_blanks(bytes) {
        return b' ';
    }
    best
}

/// Whether nearly all rows fall into one number of cells at their blanks, and most cells are numbers:
/// texts have blanks, too.
fn are_columns_by_blanks(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(BYTES)];
    let rows = sample(&collapsed(head), b' ');
    let Some(width) = rows.get(1).or(rows.first()).map(ByteRecord::len) else {
        return false;
    };
    let alike = rows.iter().filter(|r| r.len() == width).count();
    // The first row may hold names.
    let cells = || rows.iter().skip(usize::from(rows.len() > 1)).flatten();
    let numbers = cells().filter(|cell| number(cell).is_some()).count();
    width > 1 && alike * 10 >= rows.len() * 9 && numbers * 2 > cells().count()
}

/// What was found out about a text's first row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Whether it names the columns.
    pub(crate) names: bool,
    /// Whether that could be otherwise, because it holds numbers.
    pub(crate) doubtful: bool,
}

/// Whether the first row names the columns.
///
/// It does if its cells are text over columns of numbers. Where no column holds numbers, it does if
/// its cells are distinct and none of them occurs again in its column. A first row of `0, 1, 2, …`
/// is what pandas writes for columns without names; other evenly spaced whole numbers (years, say) are
/// names where they cannot be values, see [`are_names`].
pub(crate) fn header(bytes: &[u8], delimiter: u8, missing: &MissingCells<'_>) -> Header {
    let sure = |names| Header {
        names,
        doubtful: false,
    };
    let doubtful = |names| Header {
        names,
        doubtful: true,
    };
    let rows = sample(bytes, delimiter);
    let Some((first, rest)) = rows.split_first() else {
        return sure(false);
    };
    let names: Vec<&[u8]> = first.iter().map(trimmed).collect();
    if rest.is_empty() {
        return sure(names.iter().all(|name| number(name).is_none()));
    }
    // Files that were put one after the other hold their header again.
    let is_text = names.iter().all(|name| number(name).is_none());
    let is_header_again = |row: &ByteRecord| is_text && row.iter().eq(first.iter());
    let column_of = |column: usize| -> Option<Vec<f64>> {
        let others = rest.iter().filter(|row| !is_header_again(row));
        let cells = others.filter_map(|r| r.get(column)).map(trimmed);
        let present: Vec<&[u8]> = cells.filter(|c| !missing.contains(c)).collect();
        let values: Option<Vec<f64>> = present.iter().map(|cell| number(cell)).collect();
        values.filter(|values| !values.is_empty())
    };
    // Without the name of an index, which pandas leaves empty.
    let index = names.len() > 1 && names[0].is_empty();
    let counting = &names[usize::from(index)..];
    let counts_up = |(i, name): (usize, &&[u8])| **name == *i.to_string().as_bytes();
    if (counting.len() > 2 || index) && counting.iter().enumerate().all(counts_up) {
        return doubtful(true);
    }
    let columns: Vec<Option<Vec<f64>>> = (0..names.len()).map(column_of).collect();
    let (mut text_over_numbers, mut numbers_over_numbers) = (0, 0);
    for (name, values) in names.iter().zip(&columns) {
        if values.is_none() {
            continue;
        }
        if number(name).is_some() {
            numbers_over_numbers += 1;
        } else if !name.is_empty() {
            text_over_numbers += 1;
        }
    }
    if text_over_numbers + numbers_over_numbers > 0 {
        let texts = text_over_numbers > numbers_over_numbers;
        return match texts || numbers_over_numbers == 0 {
            true => sure(texts),
            false => doubtful(are_names(&names, &columns, rest)),
        };
    }
    sure(are_distinct_texts(&names, rest))
}

/// Whether the texts of a first row are distinct and none of them occurs again in its column.
fn are_distinct_texts(names: &[&[u8]], rest: &[ByteRecord]) -> bool {
    let mut distinct = names.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    distinct.len() == names.len()
        && names.iter().all(|name| number(name).is_none())
        && !names.iter().enumerate().any(|n| occurs_again(n, rest))
}

fn occurs_again((column, name): (usize, &&[u8]), rest: &[ByteRecord]) -> bool {
    let mut cells = rest.iter().filter_map(|r| r.get(column));
    cells.any(|cell| trimmed(cell) == *name)
}

/// Whether the numbers of a first row are names: whole, all different and evenly spaced, with no text
/// beside them that occurs again in its column; and they cannot be values, because most lie outside
/// their columns by more than the columns' whole range, or, of three or more numbers that follow each
/// other, because no column below holds whole numbers only.
fn are_names(names: &[&[u8]], columns: &[Option<Vec<f64>>], rest: &[ByteRecord]) -> bool {
    const FEWEST_ROWS: usize = 3;
    let plain = |name: &[u8]| -> Option<i64> {
        let digits = name.iter().all(u8::is_ascii_digit);
        let text = std::str::from_utf8(name).ok().filter(|_| digits)?;
        text.parse().ok()
    };
    let mut whole: Vec<(i64, &[f64])> = Vec::new();
    for (i, (name, values)) in names.iter().zip(columns).enumerate() {
        match (number(name), values) {
            (Some(_), Some(values)) => match plain(name) {
                Some(value) => whole.push((value, values)),
                None => return false,
            },
            (Some(_), None) => return false,
            (None, _) if occurs_again((i, name), rest) => return false,
            (None, _) => {}
        }
    }
    if whole.len() < 2 || rest.len() < FEWEST_ROWS {
        return false;
    }
    let steps: Vec<i64> = whole
        .windows(2)
        .map(|w| w[1].0.saturating_sub(w[0].0))
        .collect();
    if steps[0] == 0 || steps.iter().any(|&step| step != steps[0]) {
        return false;
    }
    let is_outside = |(name, values): &&(i64, &[f64])| {
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let away = (low - *name as f64).max(*name as f64 - high);
        // Rows that count on are as far from the next ones as these from each other.
        away > (high - low).max(1.0)
    };
    let outside = whole.iter().filter(is_outside).count();
    let follow = whole.len() > 2 && steps[0].abs() == 1;
    let fractions = |(_, values): &(i64, &[f64])| values.iter().any(|v| v.fract() != 0.0);
    outside * 2 > whole.len() || (follow && whole.iter().all(fractions))
}

/// A text whose format is not read, by name, and what to do about it.
pub(crate) fn other_text(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    let head = without_bom(&bytes[..bytes.len().min(BYTES)]);
    let mut lines = head.split(|&b| b == b'\n').map(<[u8]>::trim_ascii);
    let first = lines.clone().find(|line| !line.is_empty())?;
    if first.starts_with(b"version https://git-lfs.github.com/spec/") {
        return Some((
            "a pointer of Git LFS, which stands for a file that is elsewhere",
            "fetch the file itself with `git lfs pull`",
        ));
    }
    let word = lines.find(|line| !line.is_empty() && !line.starts_with(b"%"));
    let is_arff = |line: &[u8]| line.len() > 9 && line[..9].eq_ignore_ascii_case(b"@relation");
    if word.is_some_and(is_arff) {
        return Some((
            "an ARFF file",
            "save the data as CSV; in Python: pandas.DataFrame(scipy.io.arff.loadarff(path)[0]).to_csv",
        ));
    }
    if first.starts_with(b"<") {
        return Some(("XML or HTML", "save the data as CSV"));
    }
    if first.starts_with(b"%PDF") {
        return Some(("a PDF document", "save the data as CSV"));
    }
    are_sparse_rows(head).then_some((
        "rows of `position:value` pairs (libsvm, SVMlight)",
        "save the data as an array; in Python: numpy.savez(path, X=X.toarray(), y=y) after \
         sklearn.datasets.load_svmlight_file",
    ))
}

/// Whether all of the first rows are a number and then `position:value` pairs.
fn are_sparse_rows(head: &[u8]) -> bool {
    const ROWS: usize = 5;
    let is_pair = |word: &[u8]| {
        let Some(at) = word.iter().position(|&b| b == b':') else {
            return false;
        };
        let position = &word[..at];
        let named = position == b"qid";
        (named || (!position.is_empty() && position.iter().all(u8::is_ascii_digit)))
            && number(&word[at + 1..]).is_some()
    };
    let mut rows = 0;
    let mut pairs = 0;
    let lines = head.split(|&b| b == b'\n');
    // The last line may be cut off.
    let whole = lines.clone().count().saturating_sub(1).max(1);
    for line in lines.take(whole) {
        let line = line.split(|&b| b == b'#').next().unwrap_or_default();
        let mut words = line
            .split(u8::is_ascii_whitespace)
            .filter(|word| !word.is_empty());
        let Some(label) = words.next() else {
            continue;
        };
        let is_label = label
            .split(|&b| b == b',')
            .all(|part| number(part).is_some());
        let rest: Vec<&[u8]> = words.collect();
        if !is_label || !rest.iter().all(|word| is_pair(word)) {
            return false;
        }
        pairs += rest.len();
        rows += 1;
        if rows == ROWS {
            break;
        }
    }
    // A time of day is a pair, too; rows of one pair each are no data set.
    pairs > rows
}

/// A binary format that is not read, by name, and what to do about it.
pub(crate) fn other_binary(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    const KNOWN: [(&[u8], &str, &str); 13] = [
        (
            b"FEA1",
            "a Feather file of the first version",
            "in Python: pandas.read_feather(path).to_parquet(\"data.parquet\")",
        ),
        (
            b"\x89HDF\r\n\x1a\n",
            "an HDF5 file",
            "in Python: pandas.read_hdf(path).to_csv(\"data.csv\", index=False)",
        ),
        (
            b"\xd0\xcf\x11\xe0",
            "a workbook of an old Excel",
            "save the sheet as CSV",
        ),
        (
            b"MATLAB 5.0",
            "a MATLAB file",
            "in Python: numpy.save(path, scipy.io.loadmat(path)[\"X\"])",
        ),
        (
            b"SQLite format 3\0",
            "an SQLite database",
            "save the table as CSV",
        ),
        (b"\x80\x02", PICKLE, FROM_PICKLE),
        (b"\x80\x03", PICKLE, FROM_PICKLE),
        (b"\x80\x04", PICKLE, FROM_PICKLE),
        (b"\x80\x05", PICKLE, FROM_PICKLE),
        (b"ORC", "an ORC file", "save the data as CSV or Parquet"),
        (
            b"Obj\x01",
            "an Avro file",
            "save the data as CSV or Parquet",
        ),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it first"),
        (b"Rar!", "a RAR archive", "unpack it first"),
    ];
    const PICKLE: &str = "pickled Python objects, which are programs and not only data";
    const FROM_PICKLE: &str = "save the data as CSV, Parquet or with numpy.save";
    let known = KNOWN.iter().find(|(magic, ..)| bytes.starts_with(magic));
    known.map(|&(_, name, hint)| (name, hint))
}
