//! One column of a text file while it is read: number or category, by content or as told.

use std::collections::HashMap;

use unlike_core::{ColumnKind, MISSING, Note, Result, Values};

use crate::{
    column_remarks::{ColumnRemarks, Rounded, Spelled},
    decimal::{Decimal, EXACT, Fits, is_grouped_by_point, spelled},
    moment::Order,
    sniff,
    source::{self, Source},
    words,
};

/// A column with more distinct numbers than this is a column of numbers with errors in it, not a category,
/// if fewer of its cells than one in `TEXTS_ONE_IN` are texts; or if its numbers nearly all differ, and no more
/// texts than `MARKS` stand among them, as `n/a` or `<0.5` do.
const DISTINCT_NUMBERS: usize = 20;
const TEXTS_ONE_IN: usize = 10;
const MARKS: usize = 2;

/// The cells that stand for a missing value: empty ones, these texts, and the same numbers however they
/// are written.
pub(crate) struct MissingCells<'a> {
    texts: &'a [String],
    numbers: Vec<f64>,
    /// Whether a listed text starts with this byte: almost no cell needs a comparison.
    first_bytes: [bool; 256],
    nan: bool,
}

impl<'a> MissingCells<'a> {
    pub(crate) fn new(texts: &'a [String]) -> Self {
        let mut first_bytes = [false; 256];
        for &byte in texts.iter().filter_map(|text| text.as_bytes().first()) {
            first_bytes[usize::from(byte)] = true;
        }
        let numbers = texts
            .iter()
            .filter_map(|text| sniff::number(text.as_bytes()));
        Self {
            texts,
            numbers: numbers.filter(|v| v.is_finite()).collect(),
            first_bytes,
            nan: texts.iter().any(|text| text.eq_ignore_ascii_case("nan")),
        }
    }

    pub(crate) fn contains(&self, cell: &[u8]) -> bool {
        let Some(&byte) = cell.first() else {
            return true;
        };
        let listed = self.first_bytes[usize::from(byte)]
            && self.texts.iter().any(|text| text.as_bytes() == cell);
        listed
            || (!self.numbers.is_empty() && sniff::number(cell).is_some_and(|v| self.is_number(v)))
    }

    /// Whether this number stands for a missing value.
    pub(crate) fn is_number(&self, value: f64) -> bool {
        self.numbers.contains(&value)
    }

    /// Whether NaN does, in files that hold numbers as such.
    pub(crate) fn is_nan_listed(&self) -> bool {
        self.nan
    }
}

/// What is known of a column before it is read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Told {
    /// Absent if the content decides.
    pub(crate) kind: Option<ColumnKind>,
    /// How its numbers are written; absent if the content decides.
    pub(crate) decimal: Option<Decimal>,
    /// Whether a cell that cannot be read is noted and its row left out; otherwise it is an error.
    pub(crate) skip: bool,
    /// Which decimal marks make numbers of all its texts, where all of the file was looked at and some
    /// are no plain numbers; absent if what is read decides.
    pub(crate) fits: Option<Fits>,
    /// In which order its dates are written; absent if what is read decides.
    pub(crate) order: Option<Order>,
    /// In which order they were written in training, for what leaves it open.
    pub(crate) trained_order: Option<Order>,
}

impl Told {
    /// Whether the content decides what it is, and how its numbers are written.
    fn is_open(self) -> bool {
        self.kind.is_none() && self.decimal.is_none()
    }

    /// Whether its cells are read as texts, which are then made numbers.
    pub(crate) fn is_spelled(self) -> bool {
        self.fits.is_some_and(|fits| fits != Fits::None)
    }
}

/// A cell of a file that says what its cells are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cell<'a> {
    Missing,
    Float(f64),
    /// Not as a number of 64 bits: 0.1 is to read `0.1`.
    Single(f32),
    Whole(i128),
    Truth(bool),
    Text(&'a [u8]),
}

impl Cell<'_> {
    fn number(self) -> Option<f64> {
        match self {
            Self::Float(value) => Some(value),
            Self::Single(value) => Some(value.into()),
            Self::Whole(value) => Some(value as f64),
            Self::Missing | Self::Truth(_) | Self::Text(_) => None,
        }
    }

    /// As a person would write it; adding zero makes one of -0 and 0.
    pub(crate) fn text(self) -> String {
        match self {
            Self::Missing => String::new(),
            Self::Float(value) => (value + 0.0).to_string(),
            Self::Single(value) => (value + 0.0).to_string(),
            Self::Whole(value) => value.to_string(),
            Self::Truth(value) => value.to_string(),
            Self::Text(text) => lossy(text),
        }
    }
}

/// What to do about a NaN or an infinity in a file that holds numbers as such. `in_python` puts a
/// missing value in its place.
pub(crate) fn not_finite_hint(value: f64, in_python: &str) -> Note {
    match value.is_nan() {
        true => Note::new("if NaN stands for a missing value, say ").set("missing", "NaN"),
        false => Note::new(format!("if it stands for a missing value, {in_python}")),
    }
}

/// Collects the cells of one column.
pub(crate) struct ColumnBuilder<'a> {
    source: &'a Source,
    name: &'a str,
    missing: &'a MissingCells<'a>,
    told: Told,
    cells: Held,
    bad: Vec<BadCell>,
}

/// Where a cell cannot be read, as a position among the rows, and why.
pub(crate) type BadCell = (usize, String);

/// The first text of a column of numbers: where it is, and how many cells are the same.
struct OddText<'a> {
    row: u32,
    text: &'a str,
    count: usize,
}

enum Held {
    Number(Numbers),
    Category(Categories),
}

/// What the points in plain numbers can be.
#[derive(Debug, Default)]
enum Points {
    #[default]
    None,
    /// All of them, at these positions, can stand between thousands; the first as it is written, and its row.
    Grouping(Vec<usize>, (u32, String)),
    /// At least one stands before a fraction.
    Decimal,
}

impl Points {
    /// Looks at a number that has a point, at this position.
    fn look(&mut self, number: &[u8], at: usize, row: u32) {
        if !is_grouped_by_point(number) {
            *self = Self::Decimal;
            return;
        }
        match self {
            Self::None => *self = Self::Grouping(vec![at], (row, lossy(number))),
            Self::Grouping(all, _) => all.push(at),
            Self::Decimal => {}
        }
    }
}

#[derive(Default)]
struct Numbers {
    values: Vec<f64>,
    any: bool,
    points: Points,
    texts: usize,
    first_not_finite: Option<(u32, String)>,
    /// Whole numbers that floating-point numbers cannot hold, and the first.
    rounded: usize,
    first_rounded: Option<(u32, String)>,
    /// The first that begins with zeros, as codes do.
    first_padded: Option<(u32, String)>,
}

/// What became of a column.
pub(crate) struct Built {
    pub(crate) values: Values,
    /// What the user should know about how the column was read.
    pub(crate) remarks: ColumnRemarks,
    /// Whether it holds texts after numbers, and must be read again as texts.
    pub(crate) again: bool,
    /// The decimal marks under which all of its texts are numbers.
    pub(crate) fits: Fits,
    /// Whether one of its texts shows which mark that is.
    pub(crate) marked: bool,
    /// How its numbers were written, if not plainly.
    pub(crate) decimal: Option<Decimal>,
    points: Points,
    /// Cells that cannot be read, where these are no error.
    pub(crate) bad: Vec<BadCell>,
}

impl Built {
    /// Makes numbers of texts that all spell some. `told` wins over `usual`, which decides where the
    /// texts leave the mark open.
    pub(crate) fn spell_out(
        &mut self,
        told: Option<Decimal>,
        usual: Decimal,
        missing: &MissingCells<'_>,
        rows: &[u32],
    ) {
        let Some(decimal) = self.fits.decimal(told, usual) else {
            return;
        };
        let Values::Category { levels, codes } = &self.values else {
            return;
        };
        let number = |level: &String| {
            let value = spelled(level, decimal);
            value.filter(|&v| !missing.is_number(v)).unwrap_or(f64::NAN)
        };
        let by_level: Vec<f64> = levels.iter().map(number).collect();
        let plain = |&code: &u32| {
            code == MISSING || sniff::number(levels[code as usize].as_bytes()).is_some()
        };
        if let Some(at) = codes.iter().position(|code| !plain(code)) {
            let level = codes[at] as usize;
            let open = self.fits == Fits::Both && told.is_none();
            self.remarks.spelled = Some(Spelled {
                row: rows[at],
                text: levels[level].clone(),
                value: by_level[level],
                otherwise: open.then(|| decimal.other()),
            });
        }
        let value = |&code: &u32| match code {
            MISSING => f64::NAN,
            code => by_level[code as usize],
        };
        self.decimal = Some(decimal);
        self.values = Values::Number(codes.iter().map(value).collect());
    }
}

/// Makes whole numbers of those whose points can all stand between thousands, where other columns have decimal
/// commas and none has a decimal point: `1.133` beside `2.205,76` is 1133.
pub(crate) fn ungroup(built: &mut [Built]) {
    let is_point = |b: &Built| matches!(b.points, Points::Decimal);
    if built.iter().any(is_point) || usual_mark(built, Decimal::Point) != Decimal::Comma {
        return;
    }
    for column in built {
        let (Points::Grouping(all, (row, text)), Values::Number(values)) =
            (std::mem::take(&mut column.points), &mut column.values)
        else {
            continue;
        };
        for &at in &all {
            values[at] = (values[at] * 1000.0).round();
        }
        column.decimal = Some(Decimal::Comma);
        column.remarks.spelled = Some(Spelled {
            row,
            value: values[all[0]],
            text,
            otherwise: Some(Decimal::Point),
        });
    }
}

/// The decimal mark where a column leaves it open: that of the other columns, or else this.
pub(crate) fn usual_mark(built: &[Built], otherwise: Decimal) -> Decimal {
    let says = |b: &Built| match b.fits {
        Fits::One(decimal) if b.marked => Some(decimal),
        _ => None,
    };
    usual(built.iter().filter_map(says), otherwise)
}

/// As [`usual_mark`], of what the other columns say.
pub(crate) fn usual(says: impl Iterator<Item = Decimal>, otherwise: Decimal) -> Decimal {
    let (mut point, mut comma) = (false, false);
    for decimal in says {
        match decimal {
            Decimal::Point => point = true,
            Decimal::Comma => comma = true,
        }
    }
    match (point, comma) {
        (true, false) => Decimal::Point,
        (false, true) => Decimal::Comma,
        _ => otherwise,
    }
}

/// What takes the cells of a column, one after the other.
pub(crate) trait Cells {
    /// Adds a cell; `row` is its row in the file.
    fn push_cell(&mut self, cell: Cell<'_>, row: u32) -> Result<()>;
}

impl<'a> ColumnBuilder<'a> {
    pub(crate) fn new(
        source: &'a Source,
        name: &'a str,
        missing: &'a MissingCells<'a>,
        told: Told,
        rows: usize,
    ) -> Self {
        let cells = match told.kind {
            Some(ColumnKind::Category) => Held::Category(Categories::with_capacity(rows)),
            _ => Held::Number(Numbers {
                values: Vec::with_capacity(rows),
                ..Numbers::default()
            }),
        };
        Self {
            source,
            name,
            missing,
            told,
            cells,
            bad: Vec::new(),
        }
    }

    /// Collects texts, whatever they spell.
    pub(crate) fn of_texts(self, rows: usize) -> Self {
        Self {
            cells: Held::Category(Categories::with_capacity(rows)),
            ..self
        }
    }

    /// How many cells there are so far.
    pub(crate) fn len(&self) -> usize {
        match &self.cells {
            Held::Number(numbers) => numbers.values.len(),
            Held::Category(categories) => categories.codes.len(),
        }
    }

    fn is_number_told(&self) -> bool {
        self.told.kind == Some(ColumnKind::Number)
    }

    /// Adds a cell; `row` is its row in the file.
    pub(crate) fn push(&mut self, cell: &[u8], row: u32) -> Result<()> {
        let cell = sniff::trimmed(cell);
        let missing = self.missing.contains(cell);
        let told = self.is_number_told();
        match &mut self.cells {
            Held::Number(numbers) if missing => numbers.values.push(f64::NAN),
            Held::Number(numbers) => match number(cell, self.told.decimal) {
                Some(value) if self.missing.is_number(value) => numbers.values.push(f64::NAN),
                Some(value) if value.is_finite() => {
                    numbers.any = true;
                    let is_open = !matches!(numbers.points, Points::Decimal);
                    if is_open && self.told.is_open() && cell.contains(&b'.') {
                        numbers.points.look(cell, numbers.values.len(), row);
                    }
                    numbers.values.push(value);
                    if numbers.first_padded.is_none() && !told && is_padded(cell) {
                        numbers.first_padded = Some((row, lossy(cell)));
                    }
                    if value.abs() >= EXACT && is_rounded(cell, value) {
                        numbers.rounded += 1;
                        numbers
                            .first_rounded
                            .get_or_insert_with(|| (row, lossy(cell)));
                    }
                }
                Some(_) if self.told.skip => {
                    numbers.any = true;
                    self.bad
                        .push((numbers.values.len(), reason(self.name, cell)));
                    numbers.values.push(f64::NAN);
                }
                Some(_) => {
                    if told {
                        return Err(self.not_finite(row, &lossy(cell)));
                    }
                    numbers.any = true;
                    numbers.values.push(f64::NAN);
                    numbers
                        .first_not_finite
                        .get_or_insert_with(|| (row, lossy(cell)));
                }
                None if numbers.any || told => {
                    numbers.any = true;
                    numbers.values.push(f64::NAN);
                    numbers.texts += 1;
                }
                None => {
                    let mut categories = Categories::with_capacity(numbers.values.capacity());
                    categories.codes.resize(numbers.values.len(), MISSING);
                    self.cells = Held::Category(categories);
                    return self.push(cell, row);
                }
            },
            Held::Category(categories) if missing => categories.codes.push(MISSING),
            Held::Category(categories) => {
                let place = categories.codes.len();
                if categories.push(cell).is_err() {
                    if self.told.skip {
                        categories.codes.push(MISSING);
                        self.bad.push((place, reason(self.name, cell)));
                        return Ok(());
                    }
                    return Err(self
                        .source
                        .not_utf8(source::cell(row.into(), self.name), cell));
                }
            }
        }
        Ok(())
    }

    fn push_missing(&mut self) {
        match &mut self.cells {
            Held::Number(numbers) => numbers.values.push(f64::NAN),
            Held::Category(categories) => categories.codes.push(MISSING),
        }
    }

    fn push_number(&mut self, cell: Cell<'_>, row: u32) -> Result<()> {
        let value = cell.number().unwrap_or(f64::NAN);
        if self.missing.is_number(value) || (value.is_nan() && self.missing.is_nan_listed()) {
            self.push_missing();
            return Ok(());
        }
        if !value.is_finite() {
            if !self.told.skip {
                return Err(self
                    .at(row, format!("{value}"), "a finite number")
                    .with_hint(not_finite_hint(value, "put null in its place")));
            }
            let place = self.len();
            self.bad
                .push((place, reason(self.name, cell.text().as_bytes())));
            self.push_missing();
            return Ok(());
        }
        match &mut self.cells {
            Held::Number(numbers) => {
                numbers.any = true;
                numbers.values.push(value);
                if let Cell::Whole(whole) = cell
                    && value as i128 != whole
                {
                    numbers.rounded += 1;
                    numbers
                        .first_rounded
                        .get_or_insert_with(|| (row, whole.to_string()));
                }
            }
            // Digits are UTF-8.
            Held::Category(categories) => _ = categories.push(cell.text().as_bytes()),
        }
        Ok(())
    }

    /// The column, given the row number in the file of each of its cells.
    pub(crate) fn finish(mut self, rows: &[u32]) -> Result<Built> {
        let (mut again, mut fits) = (false, Fits::None);
        let mut remarks = ColumnRemarks::default();
        let mut marked = false;
        let mut salvaged = None;
        match &self.cells {
            Held::Number(numbers) if numbers.texts > 0 => again = true,
            Held::Number(numbers) => {
                if let Some((row, text)) = &numbers.first_not_finite {
                    return Err(self.not_finite(*row, text));
                }
                remarks.without_values = !numbers.any && !rows.is_empty();
                remarks.padded.clone_from(&numbers.first_padded);
                remarks.rounded = numbers.first_rounded.as_ref().map(|first| Rounded {
                    count: numbers.rounded,
                    first: Some(first.clone()),
                });
            }
            Held::Category(categories) if categories.levels.is_empty() => {
                remarks.without_values = !rows.is_empty();
            }
            Held::Category(_) if self.told.kind == Some(ColumnKind::Category) => {}
            Held::Category(categories) => {
                let texts = categories.levels.iter().map(String::as_str);
                fits = self.told.fits.unwrap_or_else(|| Fits::of(texts.clone()));
                marked = fits != Fits::None && texts.clone().any(|text| text.contains([',', '.']));
                if fits == Fits::None {
                    match self.mixed(categories, rows) {
                        Ok(note) => remarks.mixed = note,
                        Err(_) if self.told.skip => salvaged = Some(self.salvaged(categories)),
                        Err(error) => return Err(error),
                    }
                }
            }
        }
        if let Some((values, mut bad)) = salvaged {
            self.bad.append(&mut bad);
            self.cells = Held::Number(Numbers {
                values,
                ..Numbers::default()
            });
        }
        let bad = std::mem::take(&mut self.bad);
        let points = match &mut self.cells {
            Held::Number(numbers) => std::mem::take(&mut numbers.points),
            Held::Category(_) => Points::None,
        };
        Ok(Built {
            points,
            values: self.into_values(),
            remarks,
            again,
            fits,
            marked,
            decimal: None,
            bad,
        })
    }

    /// The numbers of a column of numbers in which some cells are none, and those cells.
    fn salvaged(&self, categories: &Categories) -> (Vec<f64>, Vec<BadCell>) {
        let mut bad = Vec::new();
        let mut value = |(place, &code): (usize, &u32)| {
            if code == MISSING {
                return f64::NAN;
            }
            let text = categories.levels[code as usize].as_bytes();
            let value = number(text, self.told.decimal).filter(|v| v.is_finite());
            value.unwrap_or_else(|| {
                bad.push((place, reason(self.name, text)));
                f64::NAN
            })
        };
        let values = categories
            .codes
            .iter()
            .enumerate()
            .map(&mut value)
            .collect();
        (values, bad)
    }

    fn into_values(self) -> Values {
        match self.cells {
            Held::Number(numbers) => Values::Number(numbers.values),
            Held::Category(c) => Values::Category {
                levels: c.levels.into(),
                codes: c.codes,
            },
        }
    }

    /// Looks at texts that nobody declared a category: numbers among them are a mistake in the file or
    /// worth a note.
    fn mixed(&self, categories: &Categories, rows: &[u32]) -> Result<Option<Note>> {
        let finite = |level: &String| {
            number(level.as_bytes(), self.told.decimal).is_some_and(f64::is_finite)
        };
        let numeric: Vec<bool> = categories.levels.iter().map(finite).collect();
        if self.is_number_told() {
            let is_text = |&code: &u32| code != MISSING && !numeric[code as usize];
            let Some(at) = categories.codes.iter().position(is_text) else {
                return Ok(None);
            };
            let text = &categories.levels[categories.codes[at] as usize];
            return Err(self
                .at(
                    rows[at],
                    format!("the text `{}`", words::shortened(text)),
                    "a number",
                )
                .with_hint(format!(
                    "correct it, or leave the cell empty if the value is missing; `{}` is a column of \
                     numbers",
                    self.name
                )));
        }
        if !numeric.contains(&true) {
            return Ok(None);
        }
        let of_text = |&&code: &&u32| code != MISSING && !numeric[code as usize];
        let texts = categories.codes.iter().filter(of_text).count();
        let all = categories
            .codes
            .iter()
            .filter(|&&code| code != MISSING)
            .count();
        let Some(first) = categories.codes.iter().position(|code| of_text(&code)) else {
            return Ok(None);
        };
        let odd = OddText {
            row: rows[first],
            text: &categories.levels[categories.codes[first] as usize],
            count: categories
                .codes
                .iter()
                .filter(|&&code| code == categories.codes[first])
                .count(),
        };
        let numbers = all - texts;
        let distinct = numeric.iter().filter(|&&n| n).count();
        let are_marks = numeric.len() - distinct <= MARKS && distinct * 2 > numbers;
        if distinct > DISTINCT_NUMBERS && (texts * TEXTS_ONE_IN < all || are_marks) {
            return Err(self.odd_text(&odd, numbers));
        }
        Ok(Some(self.not_all_numbers(&odd)))
    }

    fn not_all_numbers(&self, odd: &OddText<'_>) -> Note {
        let text = format!(
            "column `{}` is read as a category, because not all of its cells are numbers (row {}: \
             `{}`)",
            self.name,
            odd.row,
            words::shortened(odd.text)
        );
        let note = Note::new(text).coded("numbers-among-texts");
        match odd.count {
            0 | 1 => note,
            _ => note
                .text("; if that stands for a missing value, say ")
                .set("missing", odd.text),
        }
    }

    fn odd_text(&self, odd: &OddText<'_>, numbers: usize) -> unlike_core::Error {
        let text = words::shortened(odd.text);
        let (found, hint) = match odd.count {
            0 | 1 => (
                format!("the text `{text}`"),
                Note::new("correct it, leave the cell empty if the value is missing, or say "),
            ),
            count => (
                format!("the text `{text}`, as in {} cells", words::count(count)),
                Note::new("if it stands for a missing value, say ")
                    .set("missing", odd.text)
                    .text("; or say "),
            ),
        };
        let expected = format!(
            "a number, as in {} other cells of this column",
            words::count(numbers)
        );
        self.at(odd.row, found, expected).with_hint(
            hint.set("category-columns", self.name)
                .text(" if the column holds categories"),
        )
    }

    fn not_finite(&self, row: u32, text: &str) -> unlike_core::Error {
        self.at(row, format!("`{}`", words::shortened(text)), "a finite number").with_hint(
            "leave the cell empty, or write NA, where a value is missing; correct it where it is not",
        )
    }

    fn at(
        &self,
        row: u32,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> unlike_core::Error {
        self.source
            .malformed_at(source::cell(row.into(), self.name), found, expected)
    }
}

impl Cells for ColumnBuilder<'_> {
    fn push_cell(&mut self, cell: Cell<'_>, row: u32) -> Result<()> {
        match cell {
            Cell::Missing => self.push_missing(),
            Cell::Text(text) => return self.push(text, row),
            Cell::Truth(value) if self.is_number_told() => {
                return self.push(if value { b"1" } else { b"0" }, row);
            }
            Cell::Truth(value) => return self.push(value.to_string().as_bytes(), row),
            Cell::Float(_) | Cell::Single(_) | Cell::Whole(_) => self.push_number(cell, row)?,
        }
        Ok(())
    }
}

/// Distinct texts, coded in order of first appearance.
#[derive(Default)]
struct Categories {
    levels: Vec<String>,
    codes: Vec<u32>,
    by_text: HashMap<Box<[u8]>, u32>,
    last: Option<u32>,
}

impl Categories {
    fn with_capacity(rows: usize) -> Self {
        Self {
            codes: Vec::with_capacity(rows),
            ..Self::default()
        }
    }

    fn push(&mut self, text: &[u8]) -> Result<(), std::str::Utf8Error> {
        // Files repeat themselves: most cells are as the one above.
        let code = match self
            .last
            .filter(|&c| self.levels[c as usize].as_bytes() == text)
        {
            Some(code) => code,
            None => match self.by_text.get(text) {
                Some(&code) => code,
                None => {
                    let code = self.levels.len() as u32;
                    self.levels.push(std::str::from_utf8(text)?.to_owned());
                    self.by_text.insert(text.into(), code);
                    code
                }
            },
        };
        self.last = Some(code);
        self.codes.push(code);
        Ok(())
    }
}

fn lossy(cell: &[u8]) -> String {
    String::from_utf8_lossy(cell).into_owned()
}

/// What is wrong with a cell of a row that is left out.
fn reason(name: &str, cell: &[u8]) -> String {
    format!("column `{name}`: `{}`", words::shortened(&lossy(cell)))
}

/// The cell as a number, infinite or NaN if it spells that out; with a decimal comma if that is how the
/// column is written.
pub(crate) fn number(cell: &[u8], decimal: Option<Decimal>) -> Option<f64> {
    match decimal {
        Some(Decimal::Comma) if cell.contains(&b'.') || cell.contains(&b',') => {
            spelled(std::str::from_utf8(cell).ok()?, Decimal::Comma)
        }
        _ => sniff::number(cell),
    }
}

/// Whether a cell is of digits, three or more, of which the first is a zero: two are as clocks and calendars
/// show them.
fn is_padded(cell: &[u8]) -> bool {
    cell.len() > 2 && cell[0] == b'0' && cell.iter().all(u8::is_ascii_digit)
}

/// Whether a cell spells a whole number that is not this value.
fn is_rounded(cell: &[u8], value: f64) -> bool {
    let digits = cell.trim_ascii().strip_prefix(b"+").unwrap_or(cell);
    let unsigned = digits.strip_prefix(b"-").unwrap_or(digits);
    unsigned.iter().all(u8::is_ascii_digit) && format!("{value:.0}").as_bytes() != digits
}
