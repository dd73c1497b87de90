//! A list of images as a delimited text: a column of paths, and, if there are any, columns of classes,
//! parts and masks.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use unlike_core::{Error, Note, Result};

use super::{
    folder,
    formats::{self, Kind},
    layout::Image,
    names::{self, Part},
    skipped::{Skipped, Unread},
};
use crate::{
    dataset::DataSet,
    labels::Convention,
    read::ReadOptions,
    sniff,
    source::{self, Source},
    words,
};

/// Names of columns, in lower case, the likeliest first.
const PATHS: [&str; 13] = [
    "path",
    "image_path",
    "image",
    "img_path",
    "img",
    "file",
    "filename",
    "file_name",
    "filepath",
    "file_path",
    "image_name",
    "picture",
    "images",
];
const CLASSES: [&str; 11] = [
    "label",
    "class",
    "class_name",
    "category",
    "target",
    "label_index",
    "anomaly",
    "is_anomaly",
    "anomalous",
    "defect",
    "y",
];
const PARTS: [&str; 6] = ["split", "set", "subset", "part", "partition", "phase"];
const MASKS: [&str; 6] = [
    "mask",
    "mask_path",
    "mask_name",
    "ground_truth",
    "gt",
    "segmentation",
];

/// Columns that play no part, at most: a table of features may name images, too.
const OTHERS: usize = 3;

/// A text whose header names a column of images.
pub(crate) struct List<'a> {
    source: &'a Source,
    delimiter: u8,
    names: Vec<String>,
    path: usize,
    class: Option<usize>,
    part: Option<usize>,
    mask: Option<usize>,
}

impl<'a> List<'a> {
    /// Looks whether a text is such a list: its header says so, and its first path is that of an image.
    pub(crate) fn of(source: &'a Source, options: &ReadOptions) -> Option<Self> {
        let bytes = sniff::without_bom(&source.bytes);
        let delimiter = options
            .delimiter
            .unwrap_or_else(|| sniff::delimiter(&source.bytes));
        if sniff::cells_of_first_row(bytes, delimiter) > options.max_columns {
            return None;
        }
        let mut rows = sniff::reader(bytes, delimiter).into_byte_records();
        let header = rows.next()?.ok()?;
        let names: Vec<String> = header.iter().map(text).collect();
        let lower: Vec<String> = names.iter().map(|name| name.to_lowercase()).collect();
        let column = |known: &[&str]| {
            known
                .iter()
                .find_map(|name| lower.iter().position(|column| column == name))
        };
        let path = column(&PATHS)?;
        let class = match &options.label_column {
            Some(asked) => names.iter().position(|name| name == asked),
            None => column(&CLASSES),
        };
        let (part, mask) = (column(&PARTS), column(&MASKS));
        let played = [Some(path), class, part, mask]
            .into_iter()
            .flatten()
            .count();
        let known = |name: &String| {
            [&PATHS[..], &CLASSES, &PARTS, &MASKS]
                .concat()
                .contains(&name.as_str())
        };
        let others = lower.iter().filter(|name| !known(name)).count();
        if others > OTHERS.max(played) {
            return None;
        }
        let list = Self {
            source,
            delimiter,
            names,
            path,
            class,
            part,
            mask,
        };
        let first = rows.find_map(|row| {
            let row = row.ok()?;
            row.get(path).map(text).filter(|cell| !cell.is_empty())
        })?;
        let named = PathBuf::from(&first);
        let is_image = match list.find(&first) {
            Some(path) => matches!(
                formats::of_file(&path),
                Ok(Kind::Image(_) | Kind::Unread(_))
            ),
            None => formats::of(&named, &[]) != Kind::Other,
        };
        is_image.then_some(list)
    }

    /// Reads the images that are listed.
    pub(crate) fn read(&self, options: &ReadOptions) -> Result<DataSet> {
        if let Some(asked) = &options.label_column
            && self.class.is_none()
        {
            return Err(Error::Setting {
                name: "label-column".into(),
                found: format!("`{asked}`"),
                expected: format!("one of the columns {}", words::quoted(&self.names)),
                hint: words::did_you_mean(asked, self.names.iter().map(String::as_str))
                    .map(Into::into),
            });
        }
        let mut skipped = Skipped::new(&self.source.path, options.image.skip_unreadable);
        let mut notes = Vec::new();
        let images = self.images(&mut skipped, &mut notes)?;
        let class = self.class.map(|column| self.names[column].as_str());
        let named = images.iter().filter_map(|image| image.class.as_deref());
        let convention = match named.into_iter().any(names::is_normal) {
            true => Convention::Folders,
            false => Convention::ZeroOne,
        };
        folder::assemble(
            &self.source.path,
            class.unwrap_or("label"),
            images,
            skipped,
            notes,
            convention,
            options,
        )
    }

    fn images(&self, skipped: &mut Skipped<'_>, notes: &mut Vec<Note>) -> Result<Vec<Image>> {
        let bytes = sniff::without_bom(&self.source.bytes);
        let mut images = Vec::new();
        let (mut seen, mut again) = (BTreeSet::new(), Vec::new());
        for row in sniff::reader(bytes, self.delimiter)
            .into_byte_records()
            .skip(1)
        {
            let row = row.map_err(|error| {
                self.source
                    .malformed(error.to_string(), "rows of delimited text")
            })?;
            let start = row.position().map_or(0, |place| place.byte() as usize);
            let number = || row_number(bytes, start);
            let cell = |column: Option<usize>| {
                let cell = row.get(column?).map(text)?;
                (!cell.is_empty()).then_some(cell)
            };
            let Some(named) = cell(Some(self.path)) else {
                // A row that says something, but not of which image, is not read.
                if row.iter().any(|cell| !cell.trim_ascii().is_empty()) {
                    skipped.accept(
                        self.source
                            .malformed_at(
                                source::cell(number(), &self.names[self.path]),
                                "an empty cell",
                                "the path of an image",
                            )
                            .with_hint(super::decode::skip()),
                    )?;
                }
                continue;
            };
            let Some(path) = self.find(&named) else {
                skipped.accept(self.missing(number(), self.path, &named))?;
                continue;
            };
            if !seen.insert(path.clone()) {
                again.push(named);
                continue;
            }
            if let Ok(Kind::Unread(format)) = formats::of_file(&path) {
                skipped.add(Unread {
                    id: named,
                    reason: format!("the format {format}"),
                });
                continue;
            }
            let class = cell(self.class);
            if let (Some(column), None) = (self.class, &class) {
                return Err(self.source.malformed_at(
                    source::cell(number(), &self.names[column]),
                    "an empty cell",
                    "a class for each image",
                ));
            }
            let mut masks = Vec::new();
            if let (Some(column), Some(named)) = (self.mask, cell(self.mask)) {
                match self.find(&named) {
                    Some(mask) => masks.push(mask),
                    None => {
                        skipped.accept(self.missing(number(), column, &named))?;
                        continue;
                    }
                }
            }
            let part = cell(self.part).and_then(|cell| names::part(&cell));
            images.push(Image {
                id: named,
                part: part.map(|(part, _)| part),
                class,
                masks,
                ..Image::new(&self.source.path, path)
            });
        }
        if !again.is_empty() {
            notes.push(Note::new(format!(
                "{} listed more than once, and read once: {}",
                words::counted(again.len(), "image"),
                words::quoted(&again)
            )));
        }
        // Those of a part come one after the other.
        images.sort_by_key(|image: &Image| match image.part {
            Some(Part::Train) => 0,
            Some(Part::Validation) => 1,
            None => 2,
            Some(Part::Test) => 3,
        });
        Ok(images)
    }

    /// The file that a cell names: from the list's folder, or from one of those that it lies in.
    fn find(&self, named: &str) -> Option<PathBuf> {
        /// Folders up, at most: lists are kept beside what they list, or in a folder for lists.
        const UP: usize = 3;
        let folders = || {
            self.source
                .path
                .parent()
                .into_iter()
                .flat_map(Path::ancestors)
                .take(UP)
        };
        let slashed = named.replace('\\', "/");
        [named, &slashed].iter().find_map(|named| {
            let mut paths = folders().map(|folder| folder.join(named));
            paths.find(|path| path.is_file())
        })
    }

    fn missing(&self, row: u64, column: usize, named: &str) -> Error {
        self.source
            .malformed_at(
                source::cell(row, &self.names[column]),
                format!("`{}`, which is not there", words::shortened(named)),
                "the path of a file, from the folder of this list",
            )
            .with_hint(super::decode::skip())
    }
}

/// The row at a place in a text, as an editor counts: the reader of cells passes over empty rows, and
/// says that the next one begins there.
fn row_number(bytes: &[u8], start: usize) -> u64 {
    let blank = |byte: &&u8| b"\r\n".contains(byte);
    let empty = bytes[start..].iter().take_while(blank).count();
    let before = bytes[..start + empty].iter().filter(|byte| **byte == b'\n');
    1 + before.count() as u64
}

fn text(cell: &[u8]) -> String {
    String::from_utf8_lossy(sniff::trimmed(cell)).into_owned()
}
