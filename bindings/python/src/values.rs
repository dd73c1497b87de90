//! From the cells of a column of a frame to numbers or categories, as a model knows them or as they are.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
};

use unlike_core::{Column, ColumnKind, Error, MISSING, Note, Result, Samples, Table, Values};
use unlike_data::{DEFAULT_MISSING, DateColumns, DatePart, Moment, preprocess::FittedColumn};

/// What is made of columns of dates, by their names.
type Dates = BTreeMap<String, Vec<DatePart>>;

/// How truth is spelled: first as pandas and NumPy write it, then as other programs and people do.
const TRUTH: [[&str; 2]; 11] = [
    ["True", "False"],
    ["true", "false"],
    ["TRUE", "FALSE"],
    ["T", "F"],
    ["t", "f"],
    ["Yes", "No"],
    ["yes", "no"],
    ["YES", "NO"],
    ["Y", "N"],
    ["y", "n"],
    ["1", "0"],
];

/// How columns are read, beside what they hold.
pub(crate) struct Rules {
    /// What columns are told to be, by name.
    kinds: HashMap<String, ColumnKind>,
    /// How columns spell truth and untruth that a model knows, where that is not the usual way.
    spellings: HashMap<String, [&'static str; 2]>,
    /// What a model makes of dates; none where there is no model yet.
    known_dates: Option<Dates>,
    /// What is to be made of dates where there is none.
    dates: Vec<DatePart>,
    /// What was made of dates, and notes about that.
    learned: RefCell<(Dates, Vec<Note>)>,
    /// Columns that are left out.
    dropped: Vec<String>,
    /// Whether NaN stands for a missing value; otherwise it is refused.
    nan: bool,
    /// The number of the first row.
    first_row: usize,
}

impl Rules {
    /// `categories` are columns of categories whatever they look like; columns that a model knows are as it
    /// knows them.
    pub(crate) fn new(
        categories: &[String],
        dropped: Vec<String>,
        model: Option<&unlike::Model>,
        nan: bool,
        first_row: usize,
    ) -> Self {
        let mut kinds: HashMap<String, ColumnKind> = HashMap::new();
        let mut spellings = HashMap::new();
        let table = model.and_then(|model| model.preprocessing().as_table());
        for (name, column) in table.iter().flat_map(|table| table.columns()) {
            kinds.insert(name.clone(), column.kind());
            if let FittedColumn::Category(category) = column {
                let is_level = |text: &&str| category.levels.iter().any(|level| level == text);
                let spelling = TRUTH.into_iter().find(|pair| pair.iter().any(is_level));
                spellings.extend(spelling.map(|pair| (name.clone(), pair)));
            }
        }
        let told = categories
            .iter()
            .map(|name| (name.clone(), ColumnKind::Category));
        kinds.extend(told);
        Self {
            kinds,
            spellings,
            known_dates: model.map(|model| model.config().preprocessing.reading.dates.clone()),
            dates: DatePart::USUAL.to_vec(),
            learned: RefCell::default(),
            dropped,
            nan,
            first_row,
        }
    }

    /// The same, which makes these of dates if anything was said; a model makes what it knows.
    pub(crate) fn with_dates(self, asked: Option<Vec<DatePart>>) -> Self {
        let dates = asked.unwrap_or(self.dates);
        Self { dates, ..self }
    }

    /// What was made of dates, for a model to remember, and notes.
    pub(crate) fn into_learned(self) -> (Dates, Vec<Note>) {
        self.learned.into_inner()
    }

    /// A boolean as a text: as the model has seen it written, or as pandas writes it to files.
    pub(crate) fn boolean(&self, name: &str, value: bool) -> &'static str {
        let [truth, untruth] = self.spellings.get(name).copied().unwrap_or(TRUTH[0]);
        match value {
            true => truth,
            false => untruth,
        }
    }

    /// The numbers that are made of a column of dates; see [`DateColumns`].
    ///
    /// # Errors
    /// If the column is told to be one of numbers or categories.
    pub(crate) fn dates(
        &self,
        name: &str,
        cells: impl Iterator<Item = Option<Moment>> + Clone,
    ) -> Result<Vec<Column>> {
        if self.kinds.contains_key(name) {
            return Err(self.unread(name, "dates, which are neither numbers nor categories"));
        }
        let Some(known) = &self.known_dates else {
            let made = DateColumns::new(name, cells, &self.dates, false);
            let (dates, notes) = &mut *self.learned.borrow_mut();
            dates.insert(name.to_owned(), made.parts);
            notes.push(made.note);
            return Ok(made.columns);
        };
        match known.get(name) {
            Some(parts) => Ok(DateColumns::new(name, cells, parts, true).columns),
            // The model says that it does not know the column, whatever is in it.
            None => Ok(vec![Column {
                name: name.into(),
                values: Values::Number(cells.map(|_| f64::NAN).collect()),
            }]),
        }
    }

    /// Whether the column is left out.
    pub(crate) fn is_dropped(&self, name: &str) -> bool {
        self.dropped.iter().any(|dropped| dropped == name)
    }

    /// Refuses names of columns that are not there.
    ///
    /// # Errors
    /// If a column to leave out, or of `categories`, is not among `names`.
    pub(crate) fn check_names(&self, names: &[&str], categories: &[String]) -> Result<()> {
        let told = [
            ("drop-columns", &self.dropped[..]),
            ("category-columns", categories),
        ];
        for (setting, asked) in told {
            if let Some(absent) = asked.iter().find(|name| !names.contains(&name.as_str())) {
                return Err(Error::Setting {
                    name: setting.into(),
                    found: format!("`{absent}`"),
                    expected: format!("some of the columns {}", listed(names)),
                    hint: None,
                });
            }
        }
        Ok(())
    }

    /// Whether a model knows the column as one of dates.
    pub(crate) fn is_date(&self, name: &str) -> bool {
        let known = self.known_dates.as_ref();
        known.is_some_and(|dates| dates.contains_key(name))
    }

    /// Whether the column is told to be one of numbers.
    pub(crate) fn is_number(&self, name: &str) -> bool {
        self.kinds.get(name) == Some(&ColumnKind::Number)
    }

    /// A column of numbers. `text` is a number as a person would write it, for a column of categories.
    ///
    /// # Errors
    /// If a number is not finite.
    pub(crate) fn numbers<T: Copy>(
        &self,
        name: &str,
        cells: impl Iterator<Item = Option<T>>,
        number: impl Fn(T) -> f64,
        text: impl Fn(T) -> String,
    ) -> Result<Column> {
        let values = match self.kinds.get(name) {
            Some(ColumnKind::Category) => {
                let mut levels = Levels::default();
                for (row, cell) in cells.enumerate() {
                    let value = cell.map_or(Ok(f64::NAN), |v| self.check(name, row, number(v)))?;
                    levels.add(cell.filter(|_| !value.is_nan()).map(&text).as_deref());
                }
                levels.into()
            }
            _ => {
                let value = |(row, cell): (usize, Option<T>)| match cell {
                    None => Ok(f64::NAN),
                    Some(value) => self.check(name, row, number(value)),
                };
                Values::Number(cells.enumerate().map(value).collect::<Result<_>>()?)
            }
        };
        Ok(Column {
            name: name.into(),
            values,
        })
    }

    /// A column of texts, in which the usual ones stand for a missing value. Texts that spell numbers are
    /// numbers where a model knows the column as such.
    ///
    /// # Errors
    /// If a text is to be a number and is none.
    pub(crate) fn texts<'a>(
        &self,
        name: &str,
        cells: impl Iterator<Item = Option<&'a str>>,
    ) -> Result<Column> {
        let present = |text: &&str| !DEFAULT_MISSING.contains(text);
        let cells = cells.map(|cell| cell.map(str::trim).filter(present));
        let values = match self.kinds.get(name) {
            Some(ColumnKind::Number) => {
                let value = |(row, cell): (usize, Option<&str>)| match cell.map(str::parse) {
                    None => Ok(f64::NAN),
                    Some(Ok(value)) => self.check(name, row, value),
                    Some(Err(_)) => {
                        let found = format!("the text `{}`", cell.unwrap_or_default());
                        Err(self.refuse(name, row, &found, "a number, as in training"))
                    }
                };
                Values::Number(cells.enumerate().map(value).collect::<Result<_>>()?)
            }
            _ => {
                let mut levels = Levels::default();
                cells.for_each(|cell| levels.add(cell));
                levels.into()
            }
        };
        Ok(Column {
            name: name.into(),
            values,
        })
    }

    /// A column whose type holds neither numbers nor texts.
    pub(crate) fn unread(&self, name: &str, found: &str) -> Error {
        Error::Mismatch {
            origin: Some(ORIGIN.into()),
            found: format!("column `{name}` holds {found}"),
            expected: "numbers, texts, categories, booleans or dates".into(),
            hint: Some("leave the column out, or make numbers or texts of it".into()),
        }
    }

    /// The table of these columns.
    ///
    /// # Errors
    /// If a name repeats, or there is no column.
    pub(crate) fn table(&self, columns: Vec<Column>, ids: Option<Vec<String>>) -> Result<Samples> {
        if columns.is_empty() {
            return Err(Error::NotEnough {
                what: format!("columns of {ORIGIN}"),
                found: "none".into(),
                expected: "at least 1".into(),
                hint: None,
            });
        }
        let mut table = Table::new(ORIGIN, columns)?;
        let rows = table.rows();
        // As Python counts. More rows than this number has digits for are refused by the table itself.
        let number = |row: usize| u32::try_from(self.first_row + row).unwrap_or(u32::MAX);
        table = table.with_row_numbers((0..rows).map(number).collect());
        if let Some(ids) = ids.filter(|ids| ids.len() == rows) {
            table = table.with_ids(ids);
        }
        Ok(Samples::Table(table))
    }

    fn check(&self, name: &str, row: usize, value: f64) -> Result<f64> {
        if value.is_finite() || (value.is_nan() && self.nan) {
            return Ok(value);
        }
        let error = self.refuse(name, row, &value.to_string(), "a finite number");
        Err(match value.is_nan() {
            true => error.with_hint(
                "if NaN stands for a missing value, say so: unlike.Data(X, missing=\"NaN\"); in frames it does",
            ),
            false => error,
        })
    }

    fn refuse(&self, name: &str, row: usize, found: &str, expected: &str) -> Error {
        Error::Mismatch {
            origin: Some(ORIGIN.into()),
            found: format!("row {}, column `{name}`: {found}", self.first_row + row),
            expected: expected.into(),
            hint: None,
        }
    }
}

/// What messages call samples in memory.
pub(crate) const ORIGIN: &str = "X";

/// Distinct texts in order of first appearance, and one code per cell.
#[derive(Default)]
struct Levels {
    codes: Vec<u32>,
    by_text: HashMap<String, u32>,
    levels: Vec<String>,
}

impl Levels {
    fn add(&mut self, text: Option<&str>) {
        let code = match text.map(|text| (text, self.by_text.get(text))) {
            None => MISSING,
            Some((_, Some(&code))) => code,
            Some((text, None)) => {
                let code = self.levels.len() as u32;
                self.by_text.insert(text.to_owned(), code);
                self.levels.push(text.to_owned());
                code
            }
        };
        self.codes.push(code);
    }
}

impl From<Levels> for Values {
    fn from(levels: Levels) -> Self {
        Self::Category {
            levels: levels.levels.into(),
            codes: levels.codes,
        }
    }
}

/// The first of these names.
fn listed(names: &[&str]) -> String {
    const MOST: usize = 20;
    let more = if names.len() > MOST { ", …" } else { "" };
    format!("{}{more}", names[..names.len().min(MOST)].join(", "))
}
