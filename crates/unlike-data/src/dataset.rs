//! What a reader hands over: samples, their classes and labels, and what is worth knowing.

use std::{
    collections::BTreeMap,
    ops::Range,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use unlike_core::{
    Column, ColumnKind, ColumnSpec, Error, Label, LabelledSamples, Note, Result, Samples, Table,
    Values,
};

use crate::{
    images::{Masks, Unread},
    labels::{self, Classes, Convention, Labels},
    read::{BadRows, Format, ReadOptions},
    reading::Reading,
    table::Learned,
    words,
};

/// How notes about rows that were left out end.
const SKIPPED: &str = "left out because they cannot be read";
const UNREADABLE: &str = "cannot be read";
pub(crate) const LEFT_OUT: &str = "rows-left-out";

const CLASS_FOLDERS: &str = "put the images of each class into a sub-folder of its own";

/// A file's samples, with labels if it has any.
#[derive(Clone, Debug, PartialEq)]
pub struct DataSet {
    path: PathBuf,
    format: Format,
    samples: Samples,
    classes: Option<Classes>,
    labels: Option<Labels>,
    masks: Option<Masks>,
    parts: Vec<(String, Range<usize>)>,
    unread: Vec<Unread>,
    layout: Option<String>,
    notes: Vec<Note>,
    /// Columns whose names suggest labels, though nobody said so.
    label_like: Vec<String>,
    reading: Reading,
    skipped: Vec<Skipped>,
    /// What the format says about classes when the user says nothing.
    convention: Convention,
}

/// A row that was left out because it cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// Its id, if it could be read; else its number, after the name of the file where there are several.
    pub id: String,
    /// The file, where several were read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Its number in the file, counted as an editor does.
    pub row: u32,
    /// What is wrong with it.
    pub reason: String,
}

impl Skipped {
    /// The same as a row of one of several files; one without a name of its own is called by its number.
    pub(crate) fn call_by_file(&mut self, name: &str) {
        if self.id == self.row.to_string() {
            self.id = format!("{name}:{}", self.row);
        }
        self.file = Some(name.to_owned());
    }

    /// Where it is, and what is wrong with it.
    fn describe(&self) -> String {
        let file = self.file.as_ref().map(|file| format!("`{file}`, "));
        let file = file.unwrap_or_default();
        format!("{file}row {}: {}", self.row, self.reason)
    }
}

/// How many of all rows were left out, of which this is the first.
pub(crate) fn left_out(rule: BadRows, skipped: u64, all: u64, first: &Skipped) -> Note {
    let counted = words::counted(skipped, "row");
    let more = if skipped > 1 { ", and so on" } else { "" };
    let what = match rule {
        BadRows::Flag => UNREADABLE,
        BadRows::Fail | BadRows::Skip => SKIPPED,
    };
    let (all, place) = (words::count(all), first.describe());
    Note::new(format!("{counted} of {all} ({place}{more}) {what}")).coded(LEFT_OUT)
}

/// The error about a file all of whose rows were left out, of which this is the first.
pub(crate) fn none_left(path: &Path, first: &Skipped) -> Error {
    Error::NotEnough {
        what: format!("rows in `{}` that can be read", path.display()),
        found: format!("none ({}, and so on)", first.describe()),
        expected: "at least 1".into(),
        hint: None,
    }
}

/// The samples that training may see, and how many it may not.
#[derive(Clone, Debug, PartialEq)]
pub struct NormalsForTraining {
    /// Normal by label, or all samples where there are no labels.
    pub samples: Samples,
    /// How many samples the data set has.
    pub total: usize,
    /// Whether labels decided; otherwise every sample counts as normal.
    pub labelled: bool,
}

impl NormalsForTraining {
    /// `97,278 of 494,021 samples, labelled normal`: for progress and reports.
    pub fn describe(&self) -> String {
        let total = words::count(self.total);
        if self.labelled {
            format!(
                "{} of {total} samples, labelled normal",
                words::count(self.samples.len())
            )
        } else {
            format!("all {total} samples, taken as normal because there are no labels")
        }
    }
}

impl DataSet {
    /// Resolves the classes to labels, by the user's rule or the format's convention.
    pub(crate) fn new(
        path: &Path,
        format: Format,
        samples: Samples,
        classes: Option<Classes>,
        convention: Convention,
        options: &ReadOptions,
    ) -> Result<Self> {
        let (normal, anomalous) = (&options.normal_labels, &options.anomalous_labels);
        let labels = match &classes {
            Some(classes) => {
                let told = !normal.is_empty() || !anomalous.is_empty();
                let remembered = options.remembered.as_ref().filter(|_| !told);
                let as_in_training = remembered.and_then(|r| {
                    labels::as_in_training(classes, &r.normal_labels, &r.anomalous_labels)
                });
                match as_in_training {
                    Some(labels) => Some(labels),
                    None => labels::resolve(classes, normal, anomalous, convention)?,
                }
            }
            None => {
                if let Some(class) = normal.iter().chain(anomalous).next() {
                    let setting = if normal.is_empty() {
                        "anomalous-label"
                    } else {
                        "normal-label"
                    };
                    return Err(Error::Setting {
                        name: setting.into(),
                        found: format!("`{class}`, but nothing holds classes"),
                        expected: "classes to go with it".into(),
                        hint: Some(match &samples {
                            Samples::Table(_) => {
                                Note::new("name their column with ").setting("label-column")
                            }
                            Samples::Images(_) => CLASS_FOLDERS.into(),
                        }),
                    });
                }
                None
            }
        };
        let named = [&normal[..], anomalous].concat();
        let in_case = classes.as_ref().and_then(|c| c.differ_in_case(&named));
        Ok(Self {
            path: path.to_owned(),
            format,
            samples,
            classes,
            labels,
            masks: None,
            parts: Vec::new(),
            unread: Vec::new(),
            layout: None,
            notes: in_case.into_iter().collect(),
            label_like: Vec::new(),
            reading: Reading::told(options),
            skipped: Vec::new(),
            convention,
        })
    }

    /// A table of the columns that are expected, without rows: what an empty file is where it is allowed.
    pub(crate) fn empty(path: &Path, format: Format, options: &ReadOptions) -> Result<Self> {
        let column = |spec: &ColumnSpec| Column {
            name: spec.name.as_str().into(),
            values: match spec.kind {
                ColumnKind::Number => Values::Number(Vec::new()),
                ColumnKind::Category => Values::Category {
                    levels: Vec::new().into(),
                    codes: Vec::new(),
                },
            },
        };
        let columns = options.expect.iter().flatten().map(column).collect();
        let table = Table::new(path.display().to_string(), columns)?;
        Self::new(
            path,
            format,
            Samples::Table(table),
            None,
            Convention::None,
            options,
        )
    }

    /// With what the content said about how it is read.
    pub(crate) fn with_found(mut self, found: Learned) -> Self {
        let Learned {
            decimals,
            dates,
            date_orders,
            header,
            left_out,
        } = found;
        self.reading.decimals = decimals;
        self.reading.dates = dates;
        self.reading.date_orders = date_orders;
        self.reading.found_header = header;
        self.reading.drop_columns.extend(left_out);
        self
    }

    pub(crate) fn with_layout(self, layout: String) -> Self {
        Self {
            layout: Some(layout),
            ..self
        }
    }

    pub(crate) fn with_masks(self, masks: Masks) -> Self {
        Self {
            masks: Some(masks),
            ..self
        }
    }

    pub(crate) fn with_parts(self, parts: Vec<(String, Range<usize>)>) -> Self {
        Self { parts, ..self }
    }

    pub(crate) fn with_unread(self, unread: Vec<Unread>) -> Self {
        Self { unread, ..self }
    }

    pub(crate) fn with_notes(mut self, notes: Vec<Note>) -> Self {
        self.notes.extend(notes);
        self
    }

    /// With these notes before the others.
    pub(crate) fn with_first_notes(mut self, mut notes: Vec<Note>) -> Self {
        notes.append(&mut self.notes);
        self.notes = notes;
        self
    }

    pub(crate) fn with_label_like(self, label_like: Vec<String>) -> Self {
        Self { label_like, ..self }
    }

    /// The samples at these positions, in this order, with their classes, labels and masks, as a
    /// data set without [`parts`](Self::parts).
    ///
    /// # Panics
    /// If there is no sample at a position.
    #[must_use]
    pub fn select(&self, positions: &[usize]) -> Self {
        Self {
            path: self.path.clone(),
            format: self.format,
            samples: self.samples.select(positions),
            classes: self.classes.as_ref().map(|c| c.select(positions)),
            labels: self.labels.as_ref().map(|l| l.select(positions)),
            masks: self.masks.as_ref().map(|m| m.select(positions)),
            parts: Vec::new(),
            unread: self.unread.clone(),
            layout: self.layout.clone(),
            notes: self.notes.clone(),
            label_like: self.label_like.clone(),
            reading: self.reading.clone(),
            skipped: self.skipped.clone(),
            convention: self.convention,
        }
    }

    pub(crate) fn with_reading(self, reading: Reading) -> Self {
        Self { reading, ..self }
    }

    pub(crate) fn with_skipped(self, skipped: Vec<Skipped>) -> Self {
        Self { skipped, ..self }
    }

    pub(crate) fn convention(&self) -> Convention {
        self.convention
    }

    pub(crate) fn label_like(&self) -> &[String] {
        &self.label_like
    }

    /// With rows that were left out while they were read.
    pub(crate) fn without_ragged(mut self, ragged: Vec<(u32, String)>) -> Self {
        let skipped = |(row, reason): (u32, String)| Skipped {
            id: row.to_string(),
            file: None,
            row,
            reason,
        };
        self.skipped = ragged.into_iter().map(skipped).collect();
        self
    }

    /// The same without the rows at these positions, for these reasons; they are counted and named.
    ///
    /// # Errors
    /// If no row is left, unless the options allow that, or report such rows.
    pub fn without_rows(self, bad: BTreeMap<usize, String>, options: &ReadOptions) -> Result<Self> {
        if bad.is_empty() && self.skipped.is_empty() {
            return Ok(self);
        }
        let all = self.samples.len();
        let good: Vec<usize> = (0..all).filter(|place| !bad.contains_key(place)).collect();
        let mut data = match bad.is_empty() {
            true => self,
            false => {
                let of_row = |place: usize| match &self.samples {
                    Samples::Table(table) => {
                        let file = Some(table.file(place)).filter(|&file| file != table.origin());
                        (file.map(str::to_owned), table.row_number(place))
                    }
                    Samples::Images(_) => (None, place as u32 + 1),
                };
                let mut data = self.select(&good);
                let skipped = bad.into_iter().map(|(place, reason)| {
                    let (file, row) = of_row(place);
                    Skipped {
                        id: self.samples.id(place),
                        file,
                        row,
                        reason,
                    }
                });
                data.skipped.extend(skipped);
                data
            }
        };
        if data.skipped.iter().all(|skipped| skipped.file.is_none()) {
            data.skipped.sort_by_key(|skipped| skipped.row);
        }
        let first = &data.skipped[0];
        let may_be_empty = options.allow_empty || options.bad_rows == BadRows::Flag;
        if good.is_empty() && !may_be_empty {
            return Err(none_left(&data.path, first));
        }
        let skipped = data.skipped.len() as u64;
        let all = good.len() as u64 + skipped;
        let note = left_out(options.bad_rows, skipped, all, first);
        // Of earlier ones, if there are any, the count is no longer right.
        data = data.without_left_out_note();
        data.notes.push(note);
        Ok(data)
    }

    /// The same without the note that counts rows that were left out.
    pub(crate) fn without_left_out_note(mut self) -> Self {
        self.notes.retain(|note| note.code() != LEFT_OUT);
        self
    }

    /// The same as one of several files: rows without ids are called by its name and their numbers.
    pub(crate) fn of_file(mut self, name: &str, origin: &str) -> Result<Self> {
        if let Samples::Table(table) = self.samples {
            self.samples = Samples::Table(Table::stacked(origin, vec![table.called(name)])?);
        }
        for row in &mut self.skipped {
            row.call_by_file(name);
        }
        Ok(self)
    }

    /// Rows that were left out because they cannot be read, in the order of the file.
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// The file or folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How it was read.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Where images are anomalous, if masks lie beside them.
    pub fn masks(&self) -> Option<&Masks> {
        self.masks.as_ref()
    }

    /// Images that were not read, so that nothing is known of them: of formats that are not read, or,
    /// if that was allowed, damaged.
    pub fn unread(&self) -> &[Unread] {
        &self.unread
    }

    /// A sentence about [`unread`](Self::unread) images, if there are any.
    pub fn unread_note(&self) -> Option<String> {
        let named = self
            .unread
            .iter()
            .map(|u| format!("`{}` ({})", u.id, u.reason));
        (!self.unread.is_empty()).then(|| {
            format!(
                "{} not read, so that nothing is known of {}: {}",
                words::counted(self.unread.len(), "image"),
                if self.unread.len() == 1 { "it" } else { "them" },
                words::limited(named, 8)
            )
        })
    }

    /// The positions to train on and those to test on, where the folders of images say which these are:
    /// what lies in `test` is tested on, and what lies in `train` or `validation`, or beside these, is
    /// trained on, except for what is anomalous beside these.
    pub fn folder_parts(&self) -> Option<[Vec<usize>; 2]> {
        let range = |part: &str| self.parts.iter().find(|(name, _)| name == part);
        let (_, test) = range("test").filter(|_| self.format == Format::Images)?;
        let placed = |at: &usize| self.parts.iter().any(|(_, range)| range.contains(at));
        let anomalous = |at: &usize| {
            let labels = self.labels.as_ref().map(Labels::values);
            labels.is_some_and(|labels| labels[*at] == Label::Anomalous)
        };
        let tested = |at: &usize| test.contains(at) || (anomalous(at) && !placed(at));
        let (test, train): (Vec<usize>, Vec<usize>) = (0..self.samples.len()).partition(tested);
        (!train.is_empty()).then_some([train, test])
    }

    /// The files that samples came from and the positions that each filled, if a folder's files were
    /// read one after the other (MNIST's and CIFAR-10's training and test parts); for folders of images
    /// with sub-folders such as `train` and `test`, these.
    pub fn parts(&self) -> &[(String, Range<usize>)] {
        &self.parts
    }

    /// What was found out about the file's layout, as a clause for people: delimiter and header.
    pub fn layout(&self) -> Option<&str> {
        self.layout.as_deref()
    }

    /// The samples, without labels.
    pub fn samples(&self) -> &Samples {
        &self.samples
    }

    /// The samples, without labels.
    pub fn into_samples(self) -> Samples {
        self.samples
    }

    /// The class of each sample, as the file spells it.
    pub fn classes(&self) -> Option<&Classes> {
        self.classes.as_ref()
    }

    /// What each sample is; absent if the file has no classes, or nothing says which are normal.
    pub fn labels(&self) -> Option<&Labels> {
        self.labels.as_ref()
    }

    /// What a user should know about how the file was read, one sentence each, in file order.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// What the user said about how it is to be read, and how numbers were written, for a model to
    /// remember.
    pub fn reading(&self) -> &Reading {
        &self.reading
    }

    /// The samples with their labels, for evaluation.
    ///
    /// # Errors
    /// If there are none, or nothing says which classes are normal.
    pub fn labelled(&self) -> Result<LabelledSamples> {
        self.clone().into_labelled()
    }

    /// As [`labelled`](Self::labelled), without a copy of the samples.
    ///
    /// # Errors
    /// As [`labelled`](Self::labelled).
    pub fn into_labelled(self) -> Result<LabelledSamples> {
        match self.labels {
            Some(labels) => LabelledSamples::new(self.samples, labels.into_values()),
            None => Err(self.undecided()),
        }
    }

    /// The samples that training may see: the normal ones where there are labels, else all.
    ///
    /// # Errors
    /// If there are classes but nothing says which are normal, or no sample is normal.
    pub fn normals_for_training(&self) -> Result<NormalsForTraining> {
        let total = self.samples.len();
        let Some(labels) = &self.labels else {
            if self.classes.is_some() {
                return Err(self.undecided());
            }
            return Ok(NormalsForTraining {
                samples: self.samples.clone(),
                total,
                labelled: false,
            });
        };
        let normal = |(i, label): (usize, &Label)| (*label == Label::Normal).then_some(i);
        let positions: Vec<usize> = labels
            .values()
            .iter()
            .enumerate()
            .filter_map(normal)
            .collect();
        if positions.is_empty() {
            return Err(Error::NotEnough {
                what: format!("normal samples in `{}`", self.path.display()),
                found: format!("none of {} ({})", words::count(total), labels.rule()),
                expected: "at least 1".into(),
                hint: Some(Note::new("say which classes are normal with ").setting("normal-label")),
            });
        }
        Ok(NormalsForTraining {
            samples: self.samples.select(&positions),
            total,
            labelled: true,
        })
    }

    /// As [`normals_for_training`](Self::normals_for_training), without a copy of the samples where all of
    /// them are taken.
    ///
    /// # Errors
    /// As there.
    pub fn into_normals_for_training(self) -> Result<NormalsForTraining> {
        match (&self.labels, &self.classes) {
            (None, None) => Ok(NormalsForTraining {
                total: self.samples.len(),
                samples: self.samples,
                labelled: false,
            }),
            _ => self.normals_for_training(),
        }
    }

    fn undecided(&self) -> Error {
        let origin = Some(format!("`{}`", self.path.display()));
        match &self.classes {
            Some(classes) => Error::Mismatch {
                origin,
                found: format!("the classes {} in `{}`", classes.listed(), classes.name()),
                expected: "to be told which are normal".into(),
                hint: Some(
                    Note::new("say ")
                        .setting("normal-label")
                        .text(" or ")
                        .setting("anomalous-label")
                        .text(" with one or more of them"),
                ),
            },
            None => Error::Mismatch {
                origin,
                found: "samples without labels".into(),
                expected: "labelled samples".into(),
                hint: Some(match (&self.samples, self.label_like.first()) {
                    (Samples::Images(_), _) => CLASS_FOLDERS.into(),
                    (_, Some(column)) => {
                        Note::new(format!("the column `{column}` looks like labels: say "))
                            .set("label-column", column)
                    }
                    (_, None) => Note::new("name the column that holds the labels with ")
                        .setting("label-column"),
                }),
            },
        }
    }
}
