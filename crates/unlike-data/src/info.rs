//! What is in a data set, for people and as JSON.

use serde::Serialize;
use std::path::Path;

use unlike_core::{ColumnKind, Error, ImageShape, MISSING, Note, Result, Samples, Values};

use crate::{
    dataset::DataSet,
    images::{Duplicates, ImageOptions, Survey},
    read::{self, Format, ReadOptions},
    several::read_all,
    source::archive_of,
};

/// How many of the most frequent levels are listed.
const TOP: usize = 5;

/// What is in a data set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DataInfo {
    /// The file or folder.
    pub path: String,
    /// How it was read; none if it cannot be.
    pub format: Option<Format>,
    /// Why it cannot be read as data, if so.
    pub problem: Option<Problem>,
    /// Delimiter and header of delimited text.
    pub layout: Option<String>,
    /// Samples.
    pub rows: usize,
    /// The columns of a table; none for images.
    pub columns: Vec<ColumnInfo>,
    /// The size at which images are read; none for tables.
    pub image: Option<ImageShape>,
    /// What the files of images are; none for other data.
    pub files: Option<Survey>,
    /// The parts that images belong to, if files or folders say so.
    pub parts: Vec<LevelCount>,
    /// Images that are there more than once; none for tables.
    pub duplicates: Option<Duplicates>,
    /// How many images have a mask, if any has.
    pub masks: Option<usize>,
    /// What holds the classes, if anything does.
    pub class_name: Option<String>,
    /// Each class, most frequent first.
    pub classes: Vec<LevelCount>,
    /// Normal samples, if it is said what normal means.
    pub normal: Option<usize>,
    /// Anomalous samples, if it is said what normal means.
    pub anomalous: Option<usize>,
    /// How classes became labels, as a clause for people.
    pub label_rule: Option<String>,
    /// What a user should know about how the file was read; as JSON with codes.
    #[serde(serialize_with = "unlike_core::serialize_coded")]
    pub notes: Vec<Note>,
}

/// Why a file or folder is no data as it stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Problem {
    /// What is wrong, as an error says it.
    pub message: String,
    /// What to do about it.
    pub hint: Option<Note>,
}

/// What is in a column.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ColumnInfo {
    /// Its name, or its number from 1.
    pub name: String,
    /// Number or category.
    pub kind: ColumnKind,
    /// Missing cells.
    pub missing: usize,
    /// Whether no two cells differ, missing ones left out.
    pub constant: bool,
    /// Statistics of a column of numbers that has any.
    pub number: Option<NumberInfo>,
    /// How many levels a category has.
    pub levels: Option<usize>,
    /// Its most frequent levels, at most five.
    pub top: Vec<LevelCount>,
}

/// Statistics of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct NumberInfo {
    /// The smallest.
    pub min: f64,
    /// The mean.
    pub mean: f64,
    /// The largest.
    pub max: f64,
}

/// A text and how often it occurs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LevelCount {
    /// The text.
    pub level: String,
    /// How many rows hold it.
    pub count: usize,
}

impl DataInfo {
    /// Looks at a file or folder, whatever it is. What cannot be read is told in the info, not as an
    /// error; images that cannot be read are left out and counted.
    ///
    /// # Errors
    /// If there is nothing at this path, or the system refuses to show it.
    pub fn of_path(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Self> {
        Self::of_paths(&[path], options)
    }

    /// As [`of_path`](Self::of_path), of several files as one data set.
    ///
    /// # Errors
    /// As there.
    pub fn of_paths(paths: &[impl AsRef<Path>], options: &ReadOptions) -> Result<Self> {
        let [path] = paths else {
            return Ok(Self::new(&read_all(paths, options)?));
        };
        let path = path.as_ref();
        if archive_of(path).is_none() {
            std::fs::metadata(path).map_err(Error::io("read", path))?;
        }
        let lenient = ReadOptions {
            image: ImageOptions {
                skip_unreadable: true,
                ..options.image.clone()
            },
            ..options.clone()
        };
        let read = read::read(path, &lenient).and_then(|data| {
            let duplicates = Duplicates::of(&data)?;
            Ok((data, duplicates))
        });
        let of_images = match &read {
            Ok((data, _)) => data.format() == Format::Images,
            Err(_) => path.is_dir(),
        };
        let files = of_images.then(|| Survey::of(path)).transpose()?;
        Ok(match read {
            Ok((data, duplicates)) => Self {
                files,
                duplicates,
                ..Self::new(&data)
            },
            Err(error) => Self {
                files,
                ..Self::unread(path, &error)
            },
        })
    }

    fn unread(path: &Path, error: &Error) -> Self {
        let mut message = error.to_string();
        if let Some(cause) = std::error::Error::source(error) {
            message = format!("{message}: {cause}");
        }
        Self {
            path: path.display().to_string(),
            format: None,
            problem: Some(Problem {
                message,
                hint: error.hint().cloned(),
            }),
            layout: None,
            rows: 0,
            columns: Vec::new(),
            image: None,
            files: None,
            parts: Vec::new(),
            duplicates: None,
            masks: None,
            class_name: None,
            classes: Vec::new(),
            normal: None,
            anomalous: None,
            label_rule: None,
            notes: Vec::new(),
        }
    }

    /// Counts what is in a data set.
    pub fn new(data: &DataSet) -> Self {
        let (columns, image) = match data.samples() {
            Samples::Table(table) => {
                let info = |c: &unlike_core::Column| ColumnInfo::new(&c.name, &c.values);
                (table.columns().iter().map(info).collect(), None)
            }
            Samples::Images(images) => (Vec::new(), Some(images.shape())),
        };
        let count = |label| data.labels().map(|labels| labels.count(label));
        let level = |(level, count): (&str, usize)| LevelCount {
            level: level.to_owned(),
            count,
        };
        Self {
            path: data.path().display().to_string(),
            format: Some(data.format()),
            problem: None,
            layout: data.layout().map(str::to_owned),
            rows: data.samples().len(),
            columns,
            image,
            files: None,
            parts: data
                .parts()
                .iter()
                .map(|(part, range)| level((part, range.len())))
                .collect(),
            duplicates: None,
            masks: data
                .masks()
                .map(|m| (0..m.len()).filter(|&i| m.mask(i).is_some()).count()),
            class_name: data.classes().map(|c| c.name().to_owned()),
            classes: data
                .classes()
                .map_or_else(Vec::new, |c| c.counts().into_iter().map(level).collect()),
            normal: count(unlike_core::Label::Normal),
            anomalous: count(unlike_core::Label::Anomalous),
            label_rule: data.labels().map(|labels| labels.rule().to_owned()),
            notes: data.notes().to_vec(),
        }
    }
}

impl ColumnInfo {
    fn new(name: &str, values: &Values) -> Self {
        let plain = Self {
            name: name.to_owned(),
            kind: values.kind(),
            missing: 0,
            constant: true,
            number: None,
            levels: None,
            top: Vec::new(),
        };
        match values {
            Values::Number(values) => {
                let present = || values.iter().copied().filter(|v| !v.is_nan());
                let n = present().count();
                let number = present()
                    .reduce(f64::min)
                    .zip(present().reduce(f64::max))
                    .map(
                        // Divided before they are summed: finite numbers may have an infinite sum.
                        |(min, max)| NumberInfo {
                            min,
                            mean: present().map(|v| v / n as f64).sum::<f64>().clamp(min, max),
                            max,
                        },
                    );
                Self {
                    missing: values.len() - n,
                    constant: number.is_none_or(|n| n.min == n.max),
                    number,
                    ..plain
                }
            }
            Values::Category { levels, codes } => {
                let mut counts = vec![0; levels.len()];
                let mut missing = 0;
                for &code in codes {
                    match code {
                        MISSING => missing += 1,
                        code => counts[code as usize] += 1,
                    }
                }
                let mut seen: Vec<LevelCount> = levels
                    .iter()
                    .zip(counts)
                    .filter(|(_, count)| *count > 0)
                    .map(|(level, count)| LevelCount {
                        level: level.clone(),
                        count,
                    })
                    .collect();
                seen.sort_by(|a, b| b.count.cmp(&a.count).then(a.level.cmp(&b.level)));
                let distinct = seen.len();
                seen.truncate(TOP);
                Self {
                    missing,
                    constant: distinct <= 1,
                    levels: Some(distinct),
                    top: seen,
                    ..plain
                }
            }
        }
    }
}
