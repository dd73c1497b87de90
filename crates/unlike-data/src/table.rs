//! From delimited text to a data set: which column plays which part, and of which kind it is.

use unlike_core::{Column, ColumnKind, Error, MISSING, Note, Result, Samples, Table, Values};

use crate::{
    builder::{Built, MissingCells},
    dataset::DataSet,
    labels::{Classes, Convention},
    read::{Format, ReadOptions},
    roles::{self, Role},
    sniff,
    source::{self, Source},
    text::{Shape, Text},
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
        None => sniff::delimiter(&source.bytes),
    };
    let text = Text::new(source, delimiter);
    let mut notes = Vec::new();
    let missing = MissingCells::new(&options.missing);
    let header = options
        .has_header
        .unwrap_or_else(|| sniff::header(&source.bytes, delimiter, &missing));
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

/// Reads delimited text of a known layout.
pub(crate) fn read(
    text: &Text<'_>,
    layout: &Layout,
    options: &ReadOptions,
    mut notes: Vec<Note>,
) -> Result<DataSet> {
    let source = text.source;
    let names = &layout.shape.names;
    let roles = roles::assign(names, options, layout.label, layout.dropped)?;
    let kinds = kinds(&roles, layout, options);
    let wanted: Vec<usize> = (0..names.len())
        .filter(|&at| roles[at] != Role::Dropped)
        .collect();
    let missing = MissingCells::new(&options.missing);
    let (built, rows) = text.columns(&layout.shape, &kinds, &wanted, &missing)?;

    let mut columns = Vec::with_capacity(wanted.len());
    let (mut classes, mut ids) = (None, None);
    for (at, Built { values, note, .. }) in wanted.into_iter().zip(built) {
        match roles[at] {
            Role::Label => classes = Some(self::classes(source, &names[at], values, &rows)?),
            Role::Id => ids = Some((0..rows.len()).map(|row| values.text(row)).collect()),
            Role::Feature | Role::Dropped => {
                notes.extend(note.map(Note::from));
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
    })
}

impl Layout {
    fn describe(&self) -> String {
        let delimiter = match self.delimiter {
            b'\t' => "tab".to_owned(),
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

/// The kind that each column is told to be, if it is.
fn kinds(roles: &[Role], layout: &Layout, options: &ReadOptions) -> Vec<Option<ColumnKind>> {
    let told = options.kinds();
    let kind = |at: usize| match roles[at] {
        Role::Feature => told
            .get(layout.shape.names[at].as_str())
            .or_else(|| layout.kinds.get(at))
            .copied(),
        _ => Some(ColumnKind::Category),
    };
    (0..roles.len()).map(kind).collect()
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
