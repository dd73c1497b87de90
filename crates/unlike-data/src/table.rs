//! From delimited text to a data set: which column plays which part, and of which kind it is.

use std::collections::BTreeMap;

use unlike_core::{
    Column, ColumnKind, ColumnSpec, Error, MISSING, Note, Result, Samples, Table, Values,
};

use crate::{
    builder::{Built, MissingCells, Told},
    clean::Clean,
    dataset::DataSet,
    dates::{self, DateColumns, DatePart, Orders},
    decimal::Decimal,
    labels::{Classes, Convention},
    moment::Order,
    read::{BadRows, Format, ReadOptions},
    roles::{self, Role},
    sniff,
    source::{self, Source},
    text::{Pass, Shape, Text},
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
    let Found {
        clean,
        layout,
        notes,
    } = find_layout(source, options)?;
    let text = Text::new(source, &clean.bytes, layout.delimiter);
    read(
        &text.allowing_empty(options.allow_empty),
        &layout,
        options,
        notes,
    )
}

/// What looking at delimited text, or at its beginning, tells.
pub(crate) struct Found<'a> {
    pub(crate) clean: Clean<'a>,
    pub(crate) layout: Layout,
    pub(crate) notes: Vec<Note>,
}

/// Looks at delimited text, of which the beginning is enough.
pub(crate) fn find_layout<'a>(source: &'a Source, options: &ReadOptions) -> Result<Found<'a>> {
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
    let cells = sniff::cells_of_first_row(&clean.bytes, delimiter);
    if cells > options.max_columns {
        return Err(source
            .malformed_at(
                source::row(1),
                words::counted(cells, "column"),
                format!("at most {}", words::count(options.max_columns)),
            )
            .with_hint(
                Note::new("if these are columns, allow more with ").setting("max-columns"),
            ));
    }
    if delimiter == b' ' {
        clean.collapse_blanks();
    }
    let named = options.has_header.is_none() && clean.names_columns(delimiter, &missing);
    let mut notes = std::mem::take(&mut clean.notes);
    let header = options.has_header.unwrap_or_else(|| {
        named || found_header(&clean.bytes, delimiter, &missing, options, &mut notes)
    });
    let text = Text::new(source, &clean.bytes, delimiter).allowing_empty(options.allow_empty);
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
    Ok(Found {
        clean,
        layout,
        notes,
    })
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
        let named = |c: &ColumnSpec| first.iter().any(|cell| *cell == c.name.as_bytes());
        let position = |c: &ColumnSpec| {
            c.name
                .parse::<usize>()
                .is_ok_and(|at| (1..=first.len()).contains(&at))
        };
        let (are_named, are_positions) =
            (expected.iter().all(named), expected.iter().all(position));
        let trained = options.remembered.as_ref().and_then(|r| r.found_header);
        let header = || sniff::header(bytes, delimiter, missing);
        match (trained, are_named, are_positions) {
            (Some(true), true, _) | (None, true, false) => return true,
            // Columns of arrays are called so as well; the file has to say it by itself.
            (None, true, true) => return header().names,
            // No header in training, and so none here, unless it is beyond doubt.
            (Some(false) | None, _, true) => {
                let header = header();
                return header.names && !header.doubtful;
            }
            _ => {}
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
        notes.push(note.coded("header-in-doubt"));
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
    let names = &layout.shape.names;
    let roles = roles::assign(names, options, layout.label, layout.dropped, &mut notes)?;
    let told = told(&roles, layout, options);
    let wanted: Vec<usize> = (0..names.len())
        .filter(|&at| roles[at] != Role::Dropped)
        .collect();
    let missing = MissingCells::new(&options.missing);
    let Pass {
        built,
        rows,
        ragged,
        ..
    } = text.columns(&layout.shape, &told, &wanted, &missing)?;
    let columns = wanted.into_iter().zip(built).collect();
    let read = Columns {
        source: text.source,
        layout,
        roles: &roles,
        told: &told,
        columns,
        rows,
        ragged,
    };
    read.assemble(options, notes)
}

/// Columns as they stand in a file, and what is known of them.
pub(crate) struct Columns<'a> {
    pub(crate) source: &'a Source,
    pub(crate) layout: &'a Layout,
    pub(crate) roles: &'a [Role],
    pub(crate) told: &'a [Told],
    /// Those that are not dropped, by position.
    pub(crate) columns: Vec<(usize, Built)>,
    pub(crate) rows: Vec<u32>,
    /// Rows that were left out already, by their numbers in the file.
    pub(crate) ragged: Vec<(u32, String)>,
}

impl Columns<'_> {
    /// Makes a data set: labels and ids have their places, dates become numbers, and texts of which
    /// nearly every row has another are left out.
    pub(crate) fn assemble(self, options: &ReadOptions, mut notes: Vec<Note>) -> Result<DataSet> {
        let Self {
            source,
            layout,
            roles,
            told,
            columns: built,
            rows,
            ragged,
        } = self;
        let names = &layout.shape.names;
        let mut columns = Vec::with_capacity(built.len());
        let (mut classes, mut ids) = (None, None);
        let mut found = Learned {
            header: (layout.format == Format::Csv).then_some(layout.shape.header),
            ..Learned::default()
        };
        let mut names_only = Vec::new();
        let mut bad: BTreeMap<usize, String> = BTreeMap::new();
        for (at, built) in built {
            let name = names[at].as_str();
            for (place, reason) in built.bad {
                bad.entry(place).or_insert(reason);
            }
            if let Some(decimal) = built.decimal {
                found.decimals.insert(name.to_owned(), decimal);
            }
            let values = built.values;
            match roles[at] {
                Role::Label => {
                    let values = match options.bad_rows {
                        BadRows::Fail => values,
                        BadRows::Flag | BadRows::Skip => without_gaps(name, values, &mut bad),
                    };
                    classes = Some(self::classes(source, name, values, &rows)?);
                }
                Role::Id => ids = Some((0..rows.len()).map(|row| values.text(row)).collect()),
                Role::Feature | Role::Dropped => {
                    if let Some(parts) = dates_of(name, &values, told[at], options) {
                        let order = order_of(&values, told[at]);
                        if let Some(order @ (Order::Day | Order::Month)) = order {
                            found.date_orders.insert(name.to_owned(), order);
                        }
                        let dates = (&values, order);
                        let made = date_columns(source, name, dates, &parts, &rows, options)?;
                        if options.expect.is_none() {
                            notes.push(made.note);
                        }
                        found.dates.insert(name.to_owned(), made.parts);
                        columns.extend(made.columns);
                        continue;
                    }
                    let column = Column {
                        name: name.into(),
                        values,
                    };
                    let undecided = options.expect.is_none() && told[at].kind.is_none();
                    match undecided.then(|| names_rows(&column)).flatten() {
                        Some(note) => names_only.push((column, note)),
                        None => {
                            notes.extend(built.remarks.notes(&column.name));
                            notes.extend(undecided.then(|| unclear_dates(&column)).flatten());
                            columns.push(column);
                        }
                    }
                }
            }
        }
        // Something has to be left to learn from.
        let all = columns.is_empty();
        for (column, note) in names_only {
            if all {
                columns.push(column);
            } else {
                notes.push(note);
                found.left_out.push(column.name.to_string());
            }
        }
        let mut table = Table::new(source.name(), columns)?.with_row_numbers(rows);
        if let Some(ids) = ids {
            table = table.with_ids(ids);
        }
        let label_like = match classes {
            None => roles::label_like(names, roles),
            Some(_) => Vec::new(),
        };
        if options.expect.is_none() {
            notes.extend(label_like.iter().map(|name| {
                Note::new(format!(
                    "column `{name}` looks like labels, but is a feature until you say "
                ))
                .set("label-column", name)
                .coded("looks-like-labels")
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
                .with_found(found)
                .without_ragged(ragged)
        })?
        .without_rows(bad, options)
    }
}

/// A label column in which rows without a label are bad rows; they get any class until they are left
/// out.
fn without_gaps(name: &str, values: Values, bad: &mut BTreeMap<usize, String>) -> Values {
    match values {
        Values::Category { levels, mut codes } if !levels.is_empty() => {
            for (place, code) in codes.iter_mut().enumerate().filter(|(_, c)| **c == MISSING) {
                bad.entry(place)
                    .or_insert_with(|| format!("column `{name}`: no label"));
                *code = 0;
            }
            Values::Category { levels, codes }
        }
        other => other,
    }
}

/// What the content of a file says about how it is read, for a model to remember.
#[derive(Debug, Default)]
pub(crate) struct Learned {
    /// Columns whose numbers are not written plainly.
    pub(crate) decimals: BTreeMap<String, Decimal>,
    /// Columns of dates, and what was made of them.
    pub(crate) dates: BTreeMap<String, Vec<DatePart>>,
    /// Those of them in which the day or the month comes first.
    pub(crate) date_orders: BTreeMap<String, Order>,
    /// Whether the first row named the columns, of delimited text.
    pub(crate) header: Option<bool>,
    /// Columns that were left out because they name rows.
    pub(crate) left_out: Vec<String>,
}

/// What is made of a column if it holds dates: what training made, or what is asked for.
fn dates_of(
    name: &str,
    values: &Values,
    told: Told,
    options: &ReadOptions,
) -> Option<Vec<DatePart>> {
    if options.expect.is_some() {
        return options.remembered.as_ref()?.dates.get(name).cloned();
    }
    let Values::Category { levels, .. } = values else {
        return None;
    };
    let undeclared = told.kind.is_none() && !levels.is_empty();
    let is_dates = undeclared && dates::moments(levels.iter().map(String::as_str)).is_some();
    let usual = || DatePart::USUAL.to_vec();
    is_dates.then(|| options.dates.clone().unwrap_or_else(usual))
}

/// In which order the dates of a column are written.
fn order_of(values: &Values, told: Told) -> Option<Order> {
    let Values::Category { levels, .. } = values else {
        return told.order;
    };
    let orders = || Orders::of(levels.iter().map(String::as_str));
    told.order.or_else(|| orders().one_or(told.trained_order))
}

fn date_columns(
    source: &Source,
    name: &str,
    (values, order): (&Values, Option<Order>),
    parts: &[DatePart],
    rows: &[u32],
    options: &ReadOptions,
) -> Result<DateColumns> {
    let (levels, codes) = match values {
        Values::Category { levels, codes } => (&levels[..], codes.clone()),
        // No date at all, or numbers where dates are expected.
        Values::Number(numbers) => match numbers.iter().position(|v| !v.is_nan()) {
            None => (&[][..], vec![MISSING; numbers.len()]),
            Some(at) => return Err(no_date(source, name, &values.text(at), rows[at])),
        },
    };
    let texts = || levels.iter().map(String::as_str);
    let moments = order.and_then(|order| dates::moments_in(order, texts()));
    let Some(moments) = moments else {
        let is_date = |text: &str| match order {
            Some(order) => dates::moments_in(order, [text].into_iter()).is_some(),
            None => dates::moments([text].into_iter()).is_some(),
        };
        let bad = codes
            .iter()
            .position(|&code| code != MISSING && !is_date(&levels[code as usize]));
        let at = bad.unwrap_or(0);
        return Err(no_date(source, name, &values.text(at), rows[at]));
    };
    let dates = codes.iter().map(|&code| match code {
        MISSING => None,
        code => Some(moments[code as usize]),
    });
    Ok(DateColumns::new(
        name,
        dates,
        parts,
        options.expect.is_some(),
    ))
}

/// About a category whose levels are all dates.
fn unclear_dates(column: &Column) -> Option<Note> {
    let Values::Category { levels, .. } = &column.values else {
        return None;
    };
    let why = dates::unclear(levels.iter().map(String::as_str))?;
    let text = format!(
        "column `{}` holds dates {why} and is read as a category; written as 2024-03-05, they become numbers",
        column.name
    );
    Some(Note::new(text).coded("dates-unclear"))
}

pub(crate) fn no_date(source: &Source, name: &str, text: &str, row: u32) -> Error {
    source
        .malformed_at(
            source::cell(row.into(), name),
            format!("`{}`", words::shortened(text)),
            "a date, as in training",
        )
        .with_hint("leave the cell empty if the value is missing")
}

/// Why a column is left out, if it names rows or holds free text: nothing can be learned from what
/// occurs once.
fn names_rows(column: &Column) -> Option<Note> {
    /// Fewer cells say nothing about a column.
    const FEWEST: usize = 10;
    /// Words of a text that nobody would call a name.
    const WORDS: usize = 4;
    let Values::Category { levels, codes } = &column.values else {
        return None;
    };
    let name = &column.name;
    let present = codes.iter().filter(|&&code| code != MISSING).count();
    let counted = format!(
        "{} of {}",
        words::count(levels.len()),
        words::count(present)
    );
    let word_count: usize = levels.iter().map(|l| l.split_whitespace().count()).sum();
    let what = if present >= FEWEST && levels.len() * 10 >= present * 9 {
        format!("column `{name}` has another text in nearly every row ({counted})")
    } else if present >= FEWEST && levels.len() * 2 >= present && word_count >= WORDS * levels.len()
    {
        format!("column `{name}` holds free text ({counted} differ)")
    } else {
        return None;
    };
    Some(
        Note::new(what + " and is left out; to show it with each row, say ")
            .set("id-column", name)
            .text(", and to learn from it, ")
            .set("category-columns", name)
            .coded("column-left-out"),
    )
}

impl Layout {
    fn describe(&self) -> String {
        if let Format::Parquet | Format::Arrow = self.format {
            return "columns with names and types".to_owned();
        }
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
pub(crate) fn told(roles: &[Role], layout: &Layout, options: &ReadOptions) -> Vec<Told> {
    let told = options.kinds();
    let decimals = options.remembered.as_ref().map(|r| &r.decimals);
    let of_column = |at: usize| {
        let name = layout.shape.names[at].as_str();
        let kind = match roles[at] {
            Role::Feature => told.get(name).or_else(|| layout.kinds.get(at)).copied(),
            _ => Some(ColumnKind::Category),
        };
        let remembered = decimals.and_then(|decimals| decimals.get(name)).copied();
        let orders = options.remembered.as_ref().map(|r| &r.date_orders);
        Told {
            kind,
            decimal: options.decimal.or(remembered),
            skip: options.bad_rows != BadRows::Fail,
            fits: None,
            order: None,
            trained_order: orders.and_then(|orders| orders.get(name)).copied(),
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
