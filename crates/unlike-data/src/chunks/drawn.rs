//! Some rows of files that are larger than memory, drawn at random from all of them.

use std::path::Path;

use unlike_core::{Note, Result, Samples};

use super::{
    BLOCK,
    file::look,
    is_file,
    lines::{Begun, Lines},
    npy::NpyFile,
};
use crate::{
    arrow_file::ArrowFile,
    builder::{MissingCells, ungroup, usual_mark},
    dataset::DataSet,
    decimal::Decimal,
    kept::Kept,
    parquet_content::Content,
    parquet_file::ParquetFile,
    read::{self, Format, ReadOptions},
    roles::{self, Role},
    several,
    source::Source,
    table::{Columns, told},
    text::Filled,
    typed::{self, Columnar},
    words,
};

/// How many rows are drawn, at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw {
    /// From 1 up.
    pub rows: usize,
    /// The same seed draws the same rows of the same files.
    pub seed: u64,
}

impl Draw {
    /// How many rows are drawn where nobody says how many: a gigabyte at 20 columns.
    pub const USUAL_ROWS: usize = 2_000_000;
}

/// What was drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// The rows that were taken.
    pub rows: u64,
    /// The rows that there are.
    pub of: u64,
}

impl Drawn {
    /// How many of how many, as a note; none where all were taken.
    pub fn note(&self) -> Option<Note> {
        let text = format!(
            "{} of {} drawn at random; to take more of them, say ",
            words::count(self.rows),
            words::counted(self.of, "row")
        );
        let note = Note::new(text).setting("max-training-rows");
        (self.rows < self.of).then(|| note.coded("rows-drawn"))
    }
}

/// Reads files as [`read_all`](crate::read_all) does, but no more than so many of their rows, each as likely
/// as any other, in their order; what columns hold is what it is in these rows. Memory grows with the rows
/// that are drawn, not with the files, where these are delimited text, NumPy arrays, Parquet or Arrow; other
/// files,
/// and images, are read as a whole, and images are all taken.
///
/// # Errors
/// As [`read_all`](crate::read_all); rows that are not drawn are looked at only as far as it takes to count
/// them.
pub fn read_drawn(
    paths: &[impl AsRef<Path>],
    options: &ReadOptions,
    draw: Draw,
) -> Result<(DataSet, Drawn)> {
    read_drawn_of(paths, options, draw, BLOCK)
}

/// The same, with so many bytes of a text at a time.
fn read_drawn_of(
    paths: &[impl AsRef<Path>],
    options: &ReadOptions,
    draw: Draw,
    block: usize,
) -> Result<(DataSet, Drawn)> {
    let paths: Vec<&Path> = paths.iter().map(AsRef::as_ref).collect();
    let mut counts = Vec::with_capacity(paths.len());
    for path in &paths {
        let counted = count(path, options, block)?;
        counts.push(match counted {
            None if paths.len() > 1 && is_file(path) => {
                Some(read::read(path, options)?.samples().len())
            }
            counted => counted,
        });
    }
    let all: usize = counts.iter().flatten().sum();
    if counts.iter().any(Option::is_none) || all <= draw.rows {
        let data = match paths[..] {
            [path] => read_one(path, options, None, block)?,
            _ => several::read_each(&paths, options, |_, path, options| {
                read_one(path, options, None, block)
            })?,
        };
        return Ok(data.drawn(draw));
    }
    let kept = Kept::draw(all, draw.rows, draw.seed);
    let mut starts = vec![0];
    for count in counts.iter().flatten() {
        starts.push(starts[starts.len() - 1] + count);
    }
    let read_part = |at: usize, path: &Path, options: &ReadOptions| {
        let kept = kept.part(starts[at], starts[at + 1]);
        read_one(path, options, Some(&kept), block)
    };
    let data = match paths[..] {
        [path] => read_part(0, path, options)?,
        _ => several::read_each(&paths, options, read_part)?,
    };
    let drawn = Drawn {
        rows: kept.count() as u64,
        of: all as u64,
    };
    Ok((data, drawn))
}

impl DataSet {
    /// At most so many of the rows, each as likely as any other, in their order; all images.
    pub fn drawn(self, draw: Draw) -> (Self, Drawn) {
        let all = self.samples().len();
        let rows = match self.samples() {
            Samples::Table(_) => draw.rows.min(all),
            Samples::Images(_) => all,
        };
        let drawn = Drawn {
            rows: rows as u64,
            of: all as u64,
        };
        if rows == all {
            return (self, drawn);
        }
        let kept = Kept::draw(all, draw.rows, draw.seed);
        (self.select(&kept.positions(all)), drawn)
    }
}

/// Options in which what they do not say is as in training, and what is worth knowing about that.
fn settled(options: &ReadOptions) -> (ReadOptions, Vec<Note>) {
    match &options.remembered {
        Some(remembered) => remembered.settle(options.clone()),
        None => (options.clone(), Vec::new()),
    }
}

/// How many rows a file has, if that can be told without reading all of it at once.
fn count(path: &Path, options: &ReadOptions, block: usize) -> Result<Option<usize>> {
    let (options, _) = settled(options);
    if !is_file(path) {
        return Ok(None);
    }
    let Some((format, head)) = look(path, &options, block)? else {
        return Ok(None);
    };
    Ok(Some(match format {
        Format::Npy => NpyFile::open(path, &head.bytes, &options)?.count(),
        Format::Parquet => ParquetFile::open(path, Content::on_disk(path)?)?.rows(),
        Format::Arrow => ArrowFile::on_disk(path, &options)?.rows(),
        text => {
            let Begun {
                mut lines, layout, ..
            } = Lines::begin(path, text, &options, block)?;
            let how = (&layout.shape, layout.delimiter);
            let source = Source::without_content(path);
            lines.each(&source, how, usize::MAX, |_, _| Ok(()))?
        }
    }))
}

/// Reads a file, those of its rows that are kept.
fn read_one(
    path: &Path,
    asked: &ReadOptions,
    kept: Option<&Kept>,
    block: usize,
) -> Result<DataSet> {
    let (options, notes) = settled(asked);
    let found = match is_file(path) {
        true => look(path, &options, block)?,
        false => None,
    };
    let Some((format, head)) = found else {
        let data = read::read(path, asked)?;
        return Ok(match kept {
            Some(kept) => data.select(&kept.positions(data.samples().len())),
            None => data,
        });
    };
    let data = match format {
        Format::Npy => {
            let mut npy = NpyFile::open(path, &head.bytes, &options)?;
            match kept {
                Some(kept) => npy.drawn(kept)?,
                None => npy.drawn(&Kept::all(npy.count()))?,
            }
        }
        Format::Parquet => {
            let file = ParquetFile::open(path, Content::on_disk(path)?)?;
            typed::read_all(&file, &options, kept, None)?
        }
        Format::Arrow => {
            typed::read_all(&ArrowFile::on_disk(path, &options)?, &options, kept, None)?
        }
        text => read_text(path, text, &options, kept, block)?,
    };
    Ok(data.with_first_notes(notes))
}

fn read_text(
    path: &Path,
    format: Format,
    options: &ReadOptions,
    kept: Option<&Kept>,
    block: usize,
) -> Result<DataSet> {
    let source = Source::without_content(path);
    let begin = || Lines::begin(path, format, options, block);
    let Begun {
        lines,
        layout,
        notes: [mut notes, more],
    } = begin()?;
    let mut of_columns = Vec::new();
    let names = &layout.shape.names;
    let roles = roles::assign(
        names,
        options,
        layout.label,
        layout.dropped,
        &mut of_columns,
    )?;
    let told = told(&roles, &layout, options);
    let wanted: Vec<usize> = (0..names.len())
        .filter(|&at| roles[at] != Role::Dropped)
        .collect();
    let missing = MissingCells::new(&options.missing);
    let fill = |mut lines: Lines, wanted: &[usize], as_texts: bool| {
        let reserve = kept.map_or(0, Kept::count);
        let columns = (wanted, as_texts);
        let mut filled = Filled::new(&source, &layout.shape, &told, columns, &missing, reserve);
        let mut at = 0;
        let mut is_kept = || {
            at += 1;
            kept.is_none_or(|kept| kept.contains(at - 1))
        };
        loop {
            let text = lines.stretch(&source, layout.delimiter, usize::MAX, None);
            let (rows, end) = text.fill(&mut filled, Some(&mut is_kept))?;
            if lines.advance(end, rows, &source)? {
                let comments = lines.comments();
                return filled.finish().map(|filled| (filled, comments));
            }
        }
    };
    let ((mut built, rows, ragged), comments) = fill(lines, &wanted, false)?;
    if rows.is_empty() && ragged.is_empty() && !options.allow_empty {
        return Err(source.malformed("a header and no rows", "at least one row below the header"));
    }
    // Numbers do not remember how they were written.
    let again: Vec<usize> = (0..built.len()).filter(|&i| built[i].again).collect();
    if !again.is_empty() {
        let columns: Vec<usize> = again.iter().map(|&i| wanted[i]).collect();
        let ((second, ..), _) = fill(begin()?.lines, &columns, true)?;
        for (i, column) in again.into_iter().zip(second) {
            built[i] = column;
        }
    }
    let by_delimiter = match layout.delimiter {
        b';' => Decimal::Comma,
        _ => Decimal::Point,
    };
    ungroup(&mut built);
    let usual = usual_mark(&built, by_delimiter);
    for (column, &at) in built.iter_mut().zip(&wanted) {
        column.spell_out(told[at].decimal, usual, &missing, &rows);
    }
    notes.extend(comments);
    notes.extend(more);
    notes.extend(of_columns);
    let columns = Columns {
        source: &source,
        layout: &layout,
        roles: &roles,
        told: &told,
        columns: wanted.iter().copied().zip(built).collect(),
        rows,
        ragged,
    };
    columns.assemble(options, notes)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_is_drawn_is_as_if_the_file_held_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let text = |rows: &[usize]| {
            let row = |&i: &usize| format!("{i},\"{}\",\"{},5\",t{}\n", i * 7, i, i % 3);
            "n,x,y,t\n".to_owned() + &rows.iter().map(row).collect::<String>()
        };
        let all: Vec<usize> = (0..200).collect();
        let path = folder.path().join("t.csv");
        fs::write(&path, text(&all)).unwrap();
        let draw = Draw { rows: 40, seed: 1 };
        let options = ReadOptions::default();
        let mut first = None;
        for block in [50, 1000, 1 << 20] {
            let (data, drawn) = read_drawn_of(&[&path], &options, draw, block).unwrap();
            assert_eq!(drawn, Drawn { rows: 40, of: 200 });
            assert!(
                drawn
                    .note()
                    .unwrap()
                    .contains("40 of 200 rows drawn at random")
            );
            let Samples::Table(table) = data.samples() else {
                panic!("a table");
            };
            let values = |name: &str| table.column(name).unwrap().values.clone();
            let numbers: Vec<u32> = (0..40).map(|row| table.row_number(row)).collect();
            let rows: Vec<usize> = numbers.iter().map(|&number| number as usize - 2).collect();
            let small = folder.path().join("s.csv");
            fs::write(&small, text(&rows)).unwrap();
            let expected = read::read(&small, &options).unwrap();
            let Samples::Table(expected) = expected.samples() else {
                panic!("a table");
            };
            for column in expected.columns() {
                let found = values(&column.name);
                let texts = |v: &unlike_core::Values| -> Vec<String> {
                    (0..40).map(|row| v.text(row)).collect()
                };
                assert_eq!(texts(&found), texts(&column.values), "{}", column.name);
            }
            assert_eq!(*first.get_or_insert(numbers.clone()), numbers);
        }
        // Of several files as of one; and all of them where there are no more.
        let half = |name: &str, rows: &[usize]| {
            fs::write(folder.path().join(name), text(rows)).unwrap();
            folder.path().join(name)
        };
        let halves = [half("a.csv", &all[..90]), half("b.csv", &all[90..])];
        for (rows, block) in [(40, 50), (40, 1 << 20), (500, 50)] {
            let draw = Draw { rows, seed: 1 };
            let (data, drawn) = read_drawn_of(&halves, &options, draw, block).unwrap();
            assert_eq!(drawn.rows, rows.min(200) as u64);
            assert_eq!(data.samples().len(), rows.min(200));
            assert_eq!(drawn.note().is_some(), rows < 200);
        }
    }
}
