//! Several files as one data set.

use std::{
    collections::{HashMap, hash_map::Entry},
    path::{Path, PathBuf},
};

use unlike_core::{ColumnSpec, Error, Note, Result, Samples, Table, Values};

use crate::{
    dataset::DataSet,
    labels::Classes,
    read::{ReadOptions, read},
    rows, source, words,
};

/// The files that paths and patterns name: a path with `*`, `?` or `[` that is no file stands for all
/// that it matches, in alphabetical order.
///
/// # Errors
/// If a pattern matches nothing, or is none.
pub fn found(paths: &[impl AsRef<Path>]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::with_capacity(paths.len());
    for path in paths.iter().map(AsRef::as_ref) {
        let text = path.to_string_lossy();
        if !text.contains(['*', '?', '[']) || path.exists() {
            found.push(path.to_owned());
            continue;
        }
        let bad = |found: String| Error::Setting {
            name: "data".into(),
            found,
            expected: "files that are there".into(),
            hint: Some("check the path; relative paths start at the current folder".into()),
        };
        let matches = glob::glob(&text)
            .map_err(|error| bad(format!("`{text}`, which is no pattern ({})", error.msg)))?;
        let before = found.len();
        for path in matches {
            found.push(path.map_err(|error| {
                let path = error.path().to_owned();
                Error::io("read", &path)(error.into())
            })?);
        }
        if found.len() == before {
            return Err(bad(format!("`{text}`, which matches nothing")));
        }
    }
    Ok(found)
}

/// Reads files as one data set, in this order: one file as [`read`] does, of several the rows one file
/// after the other. The first file says which kinds columns are of, and how numbers and dates are
/// written; the others have the same columns, in any order. Rows without ids are called by file and
/// number, `b.csv:17`.
///
/// # Errors
/// As [`read`]; if several are given and one holds images; if the columns differ.
pub fn read_all(paths: &[impl AsRef<Path>], options: &ReadOptions) -> Result<DataSet> {
    if let [path] = paths {
        return read(path, options);
    }
    let paths: Vec<&Path> = paths.iter().map(AsRef::as_ref).collect();
    read_each(&paths, options, |_, path, options| read(path, options))
}

/// As [`read_all`] of several files, each of which `read` reads, given its position.
pub(crate) fn read_each(
    paths: &[&Path],
    options: &ReadOptions,
    mut read: impl FnMut(usize, &Path, &ReadOptions) -> Result<DataSet>,
) -> Result<DataSet> {
    let names = short_names(paths);
    // Classes are judged together: not every file has all of them.
    let mut each = ReadOptions {
        normal_labels: Vec::new(),
        anomalous_labels: Vec::new(),
        ..options.clone()
    };
    let mut parts: Vec<DataSet> = Vec::new();
    for (at, path) in paths.iter().enumerate() {
        let part = read(at, path, &each)?;
        let Samples::Table(table) = part.samples() else {
            return Err(Error::Mismatch {
                origin: Some(format!("`{}`", path.display())),
                found: "images among several files".into(),
                expected: "files of rows, or one folder of images".into(),
                hint: Some("put the images into one folder, or name them in a list".into()),
            });
        };
        if options.expect.is_none() {
            expect(&mut each, table);
        }
        if parts.is_empty() {
            let reading = part.reading().clone();
            each.remembered = Some(match &each.remembered {
                Some(remembered) => reading.over(remembered),
                None => reading,
            });
        }
        parts.push(part);
    }
    together(&names, parts, options)
}

/// Columns of which a file has shown the kind are read so from the next file on.
fn expect(options: &mut ReadOptions, table: &Table) {
    let known = options.expect.get_or_insert_default();
    for column in table.columns() {
        let has_value = match &column.values {
            Values::Number(values) => values.iter().any(|v| !v.is_nan()),
            Values::Category { levels, .. } => !levels.is_empty(),
        };
        if has_value && !known.iter().any(|c| *c.name == *column.name) {
            known.push(ColumnSpec {
                name: column.name.to_string(),
                kind: column.values.kind(),
            });
        }
    }
}

fn together(names: &[String], parts: Vec<DataSet>, options: &ReadOptions) -> Result<DataSet> {
    let origin = words::limited(names.iter().cloned(), 3);
    let mut notes = vec![files_read(names)];
    notes.extend(told_twice(names, &parts));
    let mut seen: Vec<String> = Vec::new();
    for (name, part) in names.iter().zip(&parts) {
        for note in part.notes() {
            if !seen.iter().any(|text| **text == **note) {
                seen.push(note.to_string());
                notes.push(Note::new(format!("`{name}`: ")).then(note.clone()));
            }
        }
    }
    let classes = classes(&parts)?;
    let mut skipped = Vec::new();
    for (name, part) in names.iter().zip(&parts) {
        skipped.extend(part.skipped().iter().cloned().map(|mut row| {
            row.call_by_file(name);
            row
        }));
    }
    let first = &parts[0];
    let (format, convention) = (first.format(), first.convention());
    let (reading, layout) = (first.reading().clone(), first.layout().map(str::to_owned));
    let label_like = first.label_like().to_vec();
    let tables = names.iter().zip(parts).map(|(name, part)| {
        match part.into_samples() {
            Samples::Table(table) => Ok(table.called(name.as_str())),
            // Refused before.
            Samples::Images(images) => Err(Error::Mismatch {
                origin: Some(images.origin().to_owned()),
                found: "images".into(),
                expected: "rows".into(),
                hint: None,
            }),
        }
    });
    let table = Table::stacked(origin.as_str(), tables.collect::<Result<_>>()?)?;
    let data = DataSet::new(
        Path::new(&origin),
        format,
        Samples::Table(table),
        classes,
        convention,
        options,
    )?;
    let told = data.reading().clone();
    Ok(data
        .with_reading(told.over(&reading))
        .with_layout(layout.unwrap_or_default())
        .with_label_like(label_like)
        .with_skipped(skipped)
        .with_notes(notes))
}

/// Which files hold the same rows as an earlier one, in the same order.
fn told_twice(names: &[String], parts: &[DataSet]) -> Vec<Note> {
    let mut first_with: HashMap<Vec<u64>, &str> = HashMap::new();
    let mut notes = Vec::new();
    for (name, part) in names.iter().zip(parts) {
        let Samples::Table(table) = part.samples() else {
            continue;
        };
        match first_with.entry(rows::fingerprints(table)) {
            Entry::Vacant(place) => _ = place.insert(name),
            Entry::Occupied(place) => {
                notes.push(same_rows(name, table.rows(), place.get()));
            }
        }
    }
    notes
}

/// That files are read as one.
pub(crate) fn files_read(names: &[String]) -> Note {
    let files = words::counted(names.len(), "file");
    let text = format!("{files} read one after the other: {}", words::quoted(names));
    Note::new(text).coded("files-read")
}

/// That a file holds the rows of an earlier one.
pub(crate) fn same_rows(name: &str, rows: usize, earlier: &str) -> Note {
    let rows = words::counted(rows, "row");
    let text = format!("`{name}` holds the same {rows} as `{earlier}`: each counts twice");
    Note::new(text).coded("same-rows-twice")
}

/// The classes of all files, if all have some.
fn classes(parts: &[DataSet]) -> Result<Option<Classes>> {
    let with = parts.iter().filter(|part| part.classes().is_some()).count();
    if with == 0 {
        return Ok(None);
    }
    if let Some(without) = parts.iter().find(|part| part.classes().is_none()) {
        return Err(Error::Mismatch {
            origin: Some(format!("`{}`", without.path().display())),
            found: "no labels".into(),
            expected: "labels in all files, or in none".into(),
            hint: None,
        });
    }
    let all: Vec<&Classes> = parts.iter().filter_map(DataSet::classes).collect();
    Ok(Some(Classes::stacked(&all)))
}

/// The names of files, or their whole paths where names repeat.
pub(crate) fn short_names(paths: &[&Path]) -> Vec<String> {
    let short: Vec<String> = paths.iter().map(|path| source::file_name(path)).collect();
    let mut distinct: Vec<&String> = short.iter().collect();
    distinct.sort_unstable();
    distinct.dedup();
    if distinct.len() == short.len() {
        return short;
    }
    paths
        .iter()
        .map(|path| path.display().to_string())
        .collect()
}
