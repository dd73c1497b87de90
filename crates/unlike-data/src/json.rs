//! JSON whose objects are rows: one a line (JSON lines), or in an array.
//!
//! The objects are written down as delimited text and read as such, so that columns are numbers,
//! categories, ids and labels by the same rules.

use std::{borrow::Cow, collections::HashMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::Value;
use unlike_core::{Error, Result};

use crate::{
    labels::Convention,
    read::{Format, ReadOptions},
    sniff,
    source::{self, Source},
    table::{self, Layout},
    text::{Shape, Text},
    words,
};

/// Whether a text is JSON, and not delimited text that begins with a bracket.
pub(crate) fn recognise(bytes: &[u8]) -> bool {
    let text = sniff::without_bom(bytes).trim_ascii_start();
    match text {
        [b'{', ..] => true,
        [b'[', rest @ ..] => {
            // Of lines, each with an array, the first may be all that is there yet.
            let line = text.split(|&b| b == b'\n').next().unwrap_or_default();
            matches!(rest.trim_ascii_start(), [b'{' | b'[' | b']', ..])
                || serde_json::from_slice::<Vec<serde_json::Value>>(line).is_ok()
        }
        _ => false,
    }
}

/// The cells of a row, by their columns, in the order of the file.
struct Row(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Cells;
        impl<'de> Visitor<'de> for Cells {
            type Value = Row;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object, which is a row")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Row, A::Error> {
                let mut cells = Vec::with_capacity(map.size_hint().unwrap_or(0));
                while let Some(cell) = map.next_entry()? {
                    cells.push(cell);
                }
                Ok(Row(cells))
            }
        }
        deserializer.deserialize_map(Cells)
    }
}

/// The cells of a row that are there, by the places of their columns.
type Sparse = Vec<(usize, String)>;

/// All rows as cells of columns.
struct Cells {
    names: Vec<String>,
    places: HashMap<String, usize>,
    /// By column, how many rows there were when it was last met, that one included.
    met: Vec<usize>,
    rows: Vec<Sparse>,
    most_columns: usize,
    /// Rows times columns, at most: names that each row has others of make a table of nothing.
    most_cells: usize,
}

impl Cells {
    fn new(bytes: usize, most_columns: usize) -> Self {
        Self {
            names: Vec::new(),
            places: HashMap::new(),
            met: Vec::new(),
            rows: Vec::new(),
            most_columns,
            most_cells: (1 << 24) + 4 * bytes,
        }
    }

    fn add(&mut self, row: Row) -> Result<(), String> {
        let mut cells = Vec::with_capacity(row.0.len());
        for (name, value) in row.0 {
            self.add_cell(&mut cells, name, value)?;
        }
        self.rows.push(cells);
        let columns = self.names.len();
        if columns > self.most_columns {
            return Err(format!(
                "with those before it, {}, more than {}",
                words::counted(columns, "name"),
                words::count(self.most_columns)
            ));
        }
        if columns.saturating_mul(self.rows.len()) > self.most_cells {
            return Err(format!(
                "with those before it, {} in {}, nearly all without a value",
                words::counted(columns, "name"),
                words::counted(self.rows.len(), "row")
            ));
        }
        Ok(())
    }

    /// Objects within a row become columns of their own: `{"a": {"b": 1}}` is the column `a.b`.
    fn add_cell(&mut self, cells: &mut Sparse, name: String, value: Value) -> Result<(), String> {
        let text = match value {
            Value::Null => None,
            Value::Bool(value) => Some(value.to_string()),
            Value::Number(number) => Some(number.to_string()),
            Value::String(text) => Some(text),
            Value::Array(_) => return Err(format!("an array in `{}`", words::shortened(&name))),
            Value::Object(object) => {
                for (inner, value) in object {
                    self.add_cell(cells, format!("{name}.{inner}"), value)?;
                }
                return Ok(());
            }
        };
        let place = match self.places.get(&name) {
            Some(&place) => place,
            None => {
                self.places.insert(name.clone(), self.names.len());
                self.names.push(name);
                self.met.push(0);
                self.names.len() - 1
            }
        };
        let row = self.rows.len() + 1;
        if std::mem::replace(&mut self.met[place], row) == row {
            let name = words::shortened(&self.names[place]);
            return Err(format!("the name `{name}` twice in one object"));
        }
        cells.extend(text.map(|text| (place, text)));
        Ok(())
    }

    /// One line a row, without a header; line ends within texts become blanks, so that rows are lines.
    fn text(&self) -> Result<Vec<u8>, csv::Error> {
        let mut writer = csv::WriterBuilder::new()
            .has_headers(false)
            .quote_style(csv::QuoteStyle::NonNumeric)
            .from_writer(Vec::new());
        let mut line: Vec<Cow<'_, str>> = Vec::with_capacity(self.names.len());
        for cells in &self.rows {
            line.clear();
            line.resize(self.names.len(), Cow::Borrowed(""));
            for (place, text) in cells {
                line[*place] = match text.contains(['\n', '\r']) {
                    true => text.replace(['\n', '\r'], " ").into(),
                    false => text.into(),
                };
            }
            writer.write_record(line.iter().map(|cell| cell.as_bytes()))?;
        }
        writer.into_inner().map_err(|e| e.into_error().into())
    }
}

/// Reads rows that are objects.
pub(crate) fn read(source: &Source, options: &ReadOptions) -> Result<crate::DataSet> {
    let bytes = sniff::without_bom(&source.bytes);
    let mut cells = Cells::new(bytes.len(), options.max_columns);
    let refused = |found: String, row: u64| {
        source
            .malformed_at(
                source::row(row),
                found,
                "an object per row, of texts and numbers",
            )
            .with_hint("in Python: pandas.DataFrame.to_json(path, orient=\"records\", lines=True)")
    };
    if bytes.trim_ascii_start().starts_with(b"[") {
        let rows: Vec<Row> = serde_json::from_slice(bytes).map_err(|error| {
            refused(
                format!("JSON that is no array of objects ({error})"),
                error.line() as u64,
            )
        })?;
        for (i, row) in rows.into_iter().enumerate() {
            cells
                .add(row)
                .map_err(|found| refused(found, i as u64 + 1))?;
        }
    } else {
        let rows = serde_json::Deserializer::from_slice(bytes).into_iter::<Row>();
        for row in rows {
            let at = cells.rows.len() as u64 + 1;
            let row = row.map_err(|error| {
                let line = error.line() as u64;
                refused(format!("damaged JSON ({error})"), line.max(1))
            })?;
            cells.add(row).map_err(|found| refused(found, at))?;
        }
    }
    if cells.rows.is_empty() && options.allow_empty {
        return crate::DataSet::empty(&source.path, Format::Json, options);
    }
    if cells.rows.is_empty() {
        return Err(source.malformed("no object", "at least one row"));
    }
    let width = cells.names.len();
    let unwritable = |e: csv::Error| Error::io("read", &source.path)(std::io::Error::other(e));
    let text = cells.text().map_err(unwritable)?;
    let layout = Layout {
        format: Format::Json,
        delimiter: b',',
        shape: Shape {
            names: cells.names,
            from: format!("the {}", words::counted(width, "name")),
            header: false,
        },
        kinds: Vec::new(),
        label: None,
        dropped: None,
        convention: Convention::ZeroOne,
    };
    // Null and absent names become empty cells, which are missing.
    let text = Text::new(source, &text, b',');
    table::read(&text, &layout, options, Vec::new())
}
