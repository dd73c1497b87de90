//! From delimited text to a data set: which column plays which part, and of which kind it is.

use std::collections::BTreeMap;

use unlike_core::{
    Column, ColumnKind, ColumnSpec, Error, MISSING, Note, Result, Samples, Table, Values,
};

use crate::{
    builder::{Built, MissingCells, Told},
    clean::Clean,
    dataset::DataSet,
    labels::{Classes, Convention},
    read::{Format, ReadOptions},
    roles::{self, Role},
    sniff,
    source::{self, Source},
    text::{Shape, Text},
    words,
};

/// What a format knows about its columns before the file is read.
pub(crate) struct Layout {
    pub(crate) format: Format,
    pub(crate) delimiter: u8,
    pub(crate) shape: Shape,
    /// The kinds that the format knows, by position; the content decides beyond the end.
    pub(crate) kinds: Vec<ColumnKind>,
    /// The label column, where the format knows it.
    pub(crate) label: Option<&'static str>,
    /// A column that is never a feature in this format.
    pub(crate) dropped: Option<&'static str>,
    /// Which classes are normal if the user says nothing.
    pub(crate) convention: Convention,
}

/// Reads delimited text whose layout is found by looking.
pub(crate) fn read_csv(source: &Source, options: &ReadOptions) -> Result<DataSet> {
    if let Some((found, hint)) = sniff::other_text(&source.bytes) {
        return Err(source.malformed(found, "delimited text").with_hint(hint));
    }
    let missing = MissingCells::new(&options.missing);
    let mut clean = Clean::new(&source.bytes, options.comment, &missing);
    let delimiter = match options.delimiter {
        Some(delimiter) if delimiter.is_ascii() && !b"\"\r\n".contains(&delimiter) => delimiter,
        Some(delimiter) => {
            return Err(Error::Setting {
                name: "delimiter".into(),
                found: format!("`{}`", char::from(delimiter).escape_default()),
                expected: "one ASCII character other than a quote or a line end".into(),
                hint: None,
            });
        }
        None => clean
            .delimiter
            .unwrap_or_else(|| sniff::delimiter(&clean.bytes)),
    };
    if delimiter == b' ' {
        clean.collapse_blanks();
    }
    let named = options.has_header.is_none() && clean.names_columns(delimiter, &missing);
    let mut notes = std::mem::take(&mut clean.notes);
    let header = options.has_header.unwrap_or_else(|| {
        named || found_header(&clean.bytes, delimiter, &missing, options, &mut notes)
    });
    let text = Text::new(source, &clean.bytes, delimiter);
    let layout = Layout {
        format: Format::Csv,
        delimiter,
        shape: if header {
            text.header(&mut notes)?
        } else {
            text.numbered()?
        },
        kinds: Vec::new(),
        label: None,
        dropped: None,
        convention: Convention::ZeroOne,
    };
    read(&text, &layout, options, notes)
}

/// Whether the first row names the columns: those that a model knows, or else by looking. Where it
/// holds numbers, the user hears of it.
fn found_header(
    bytes: &[u8],
    delimiter: u8,
    missing: &MissingCells<'_>,
    options: &ReadOptions,
    notes: &mut Vec<Note>,
) -> bool {
    if let Some(expected) = options
        .expect
        .as_ref()
        .filter(|columns| !columns.is_empty())
    {
        let first = sniff::first_row(bytes, delimiter);
        let numbered = |(i, cell): (usize, &Vec<u8>)| *cell == (i + 1).to_string().into_bytes();
        let counts = first.iter().enumerate().all(numbered);
        let named = |c: &ColumnSpec| first.iter().any(|cell| *cell == c.name.as_bytes());
        if !counts && expected.iter().all(named) {
            return true;
        }
        // Names that are positions: no header in training, and so none here.
        let positions = |c: &ColumnSpec| {
            c.name
                .parse::<usize>()
                .is_ok_and(|at| (1..=first.len()).contains(&at))
        };
        if expected.iter().all(positions) {
            let header = sniff::header(bytes, delimiter, missing);
            return header.names && !header.doubtful;
        }
    }
    let header = sniff::header(bytes, delimiter, missing);
    if header.doubtful {
        let cells = sniff::first_row(bytes, delimiter);
        let cells = cells
            .iter()
            .map(|cell| String::from_utf8_lossy(cell).into_owned());
        let cells = words::limited(cells, 4);
        let note = match header.names {
            true => Note::new(format!(
                "the first row (`{cells}`) is read as the names of the columns; if it is data, say "
            ))
            .setting("no-header"),
            false => Note::new(format!(
                "the first row (`{cells}`) is read as data, and columns are numbered; if it names them, \
                 say "
            ))
            .setting("header"),
        };
        notes.push(note);
    }
    header.names
}

/// Reads delimited text of a known layout.
pub(crate) fn read(
    text: &Text<'_>,
    layout: &Layout,
    options: &ReadOptions,
    mut notes: Vec<Note>,
) -> Result<DataSet> {
    let source = text.source;
    let names = &layout.shape.names;
    let roles = roles::assign(names, options, layout.label, layout.dropped, &mut notes)?;
    let told = told(&roles, layout, options);
    let wanted: Vec<usize> = (0..names.len())
        .filter(|&at| roles[at] != Role::Dropped)
        .collect();
    let missing = MissingCells::new(&options.missing);
    let (built, rows) = text.columns(&layout.shape, &told, &wanted, &missing)?;

    let mut columns = Vec::with_capacity(wanted.len());
    let (mut classes, mut ids) = (None, None);
    let mut decimals = BTreeMap::new();
    for (at, built) in wanted.into_iter().zip(built) {
        let Built {
            values,
            notes: of_column,
            decimal,
            ..
        } = built;
        if let Some(decimal) = decimal {
            decimals.insert(names[at].clone(), decimal);
        }
        match roles[at] {
            Role::Label => classes = Some(self::classes(source, &names[at], values, &rows)?),
            Role::Id => ids = Some((0..rows.len()).map(|row| values.text(row)).collect()),
            Role::Feature | Role::Dropped => {
                notes.extend(of_column);
                columns.push(Column {
                    name: names[at].as_str().into(),
                    values,
                });
            }
        }
    }
    let mut table = Table::new(source.name(), columns)?.with_row_numbers(rows);
    if let Some(ids) = ids {
        table = table.with_ids(ids);
    }
    let label_like = match classes {
        None => roles::label_like(names, &roles),
        Some(_) => Vec::new(),
    };
    if options.expect.is_none() {
        notes.extend(label_like.iter().map(|name| {
            Note::new(format!(
                "column `{name}` looks like labels, but is a feature until you say "
            ))
            .set("label-column", name)
        }));
    }
    let samples = Samples::Table(table);
    DataSet::new(
        &source.path,
        layout.format,
        samples,
        classes,
        layout.convention,
        options,
    )
    .map(|data| {
        data.with_layout(layout.describe())
            .with_notes(notes)
            .with_label_like(label_like)
            .with_decimals(decimals)
    })
}

impl Layout {
    fn describe(&self) -> String {
        let delimiter = match self.delimiter {
            b'\t' => "tab".to_owned(),
            b' ' => "blanks".to_owned(),
            other => format!("`{}`", char::from(other)),
        };
        let names = match (self.format, self.shape.header) {
            (Format::Csv, true) => "the first row names the columns",
            (Format::Csv, false) => "no header, columns are numbered",
            _ => "columns as the format has them",
        };
        format!("cells separated by {delimiter}, {names}")
    }
}

/// What is known of each column: the kind that it is told to be, and how numbers are written.
fn told(roles: &[Role], layout: &Layout, options: &ReadOptions) -> Vec<Told> {
    let told = options.kinds();
    let decimals = options.remembered.as_ref().map(|r| &r.decimals);
    let of_column = |at: usize| {
        let name = layout.shape.names[at].as_str();
        let kind = match roles[at] {
            Role::Feature => told.get(name).or_else(|| layout.kinds.get(at)).copied(),
            _ => Some(ColumnKind::Category),
        };
        let remembered = decimals.and_then(|decimals| decimals.get(name)).copied();
        Told {
            kind,
            decimal: options.decimal.or(remembered),
        }
    };
    (0..roles.len()).map(of_column).collect()
}

/// The label column as classes; a sample without one is an error.
fn classes(source: &Source, name: &str, values: Values, rows: &[u32]) -> Result<Classes> {
    let Values::Category { levels, codes } = values else {
        return Err(source.malformed(format!("numbers in the label column `{name}`"), "classes"));
    };
    if let Some(at) = codes.iter().position(|&code| code == MISSING) {
        return Err(source
            .malformed_at(
                source::cell(rows[at].into(), name),
                "no label",
                "a label in every row",
            )
            .with_hint("remove the row, or give it a class of its own"));
    }
    Ok(Classes::new(name, levels.to_vec(), codes))
}
