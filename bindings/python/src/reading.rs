//! Samples out of files, as the command line reads them.

use std::path::PathBuf;

use pyo3::prelude::*;
use serde::Deserialize;
use unlike::{ConfigFile, Model};
use unlike_core::{Error, Note, Result};
use unlike_data::{
    BadRows, DataSet, DatePart, Draw, Fit, ImageOptions, ImageSize, MaskRule, ReadOptions, found,
    read_all, read_drawn, read_images,
};

use crate::{background, errors::OrRaise, samples::Samples, training, values::ORIGIN};

/// How files are read, in the words of `unlike.Data`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Options {
    format: Option<String>,
    label_column: Option<String>,
    normal_label: Vec<String>,
    anomalous_label: Vec<String>,
    drop_columns: Vec<String>,
    id_column: Option<String>,
    category_columns: Vec<String>,
    delimiter: Option<String>,
    comment: Option<String>,
    bad_rows: Option<String>,
    max_unpacked: Option<usize>,
    max_columns: Option<usize>,
    max_training_rows: Option<usize>,
    encoding: Option<String>,
    dates: Option<Vec<String>>,
    decimal: Option<String>,
    missing: Option<Vec<String>>,
    header: Option<bool>,
    /// Height and width.
    image_size: Option<[usize; 2]>,
    channels: Option<String>,
    fit: Option<Fit>,
    skip_unreadable: bool,
    ignore_masks: bool,
    image_memory: Option<usize>,
}

/// Reads the options that Python gives as JSON.
pub(crate) fn options(text: &str) -> Result<Options> {
    serde_json::from_str(text).map_err(|error| Error::Setting {
        name: "options of `unlike.Data`".into(),
        found: error.to_string(),
        expected: "those that it has".into(),
        hint: None,
    })
}

/// Bytes of the unit in which options give memory.
const MIB: usize = 1 << 20;

impl Options {
    /// Whether rows that cannot be read have their place among the others.
    pub(crate) fn flags_bad_rows(&self) -> bool {
        self.bad_rows.as_deref() == Some(BadRows::Flag.name())
    }

    fn read_options(&self) -> Result<ReadOptions> {
        let usual = ReadOptions::default();
        let bad_rows = self.bad_rows.as_deref();
        let named = |rule: &BadRows| bad_rows == Some(rule.name());
        let known = BadRows::ALL.into_iter().find(named);
        if let (Some(found), None) = (bad_rows, known) {
            let names = BadRows::ALL.map(BadRows::name).join(", ");
            return refused("bad-rows", found, &format!("one of {names}"));
        }
        Ok(ReadOptions {
            format: self.format.as_deref().map(str::parse).transpose()?,
            label_column: self.label_column.clone(),
            normal_labels: self.normal_label.clone(),
            anomalous_labels: self.anomalous_label.clone(),
            drop_columns: self.drop_columns.clone(),
            id_column: self.id_column.clone(),
            category_columns: self.category_columns.clone(),
            delimiter: character("delimiter", self.delimiter.as_deref())?,
            comment: character("comment", self.comment.as_deref())?,
            bad_rows: known.unwrap_or_default(),
            max_unpacked: self.max_unpacked.map(|mib| mib.saturating_mul(MIB)),
            max_columns: self.max_columns.unwrap_or(usual.max_columns),
            encoding: self.encoding.as_deref().map(str::parse).transpose()?,
            dates: self.dates.as_deref().map(date_parts).transpose()?,
            decimal: self.decimal.as_deref().map(str::parse).transpose()?,
            missing: self.missing.clone().unwrap_or(usual.missing),
            has_header: self.header,
            image: self.image_options()?,
            ..ReadOptions::default()
        })
    }

    fn image_options(&self) -> Result<ImageOptions> {
        let usual = ImageOptions::default();
        Ok(ImageOptions {
            size: self
                .image_size
                .map(|[height, width]| ImageSize { height, width }),
            channels: match self.channels.as_deref() {
                None => None,
                Some("grey") => Some(1),
                Some("colour") => Some(3),
                Some(other) => return refused("channels", other, "`grey` or `colour`"),
            },
            fit: self.fit.unwrap_or(usual.fit),
            masks: match self.ignore_masks {
                true => MaskRule::Ignore,
                false => usual.masks,
            },
            skip_unreadable: self.skip_unreadable,
            memory: self
                .image_memory
                .map_or(usual.memory, |mib| mib.saturating_mul(MIB)),
            ..usual
        })
    }
}

/// The numbers that are to be made of dates.
pub(crate) fn date_parts(parts: &[String]) -> Result<Vec<DatePart>> {
    parts.iter().map(|part| part.parse()).collect()
}

fn refused<T>(name: &str, found: &str, expected: &str) -> Result<T> {
    Err(Error::Setting {
        name: name.into(),
        found: format!("`{found}`"),
        expected: expected.into(),
        hint: None,
    })
}

fn character(name: &str, text: Option<&str>) -> Result<Option<u8>> {
    match text.map(|text| (text, text.as_bytes())) {
        None => Ok(None),
        Some((_, &[byte])) => Ok(Some(byte)),
        Some((text, _)) => refused(name, text, "one character, of ASCII"),
    }
}

/// Reads the normals of files to train a model of these settings on.
#[pyfunction]
#[pyo3(signature = (paths, options, model, settings, features))]
pub(crate) fn read_for_training(
    py: Python<'_>,
    paths: Vec<PathBuf>,
    options: &str,
    model: &str,
    settings: &str,
    features: Option<training::Features>,
) -> PyResult<Samples> {
    let told = self::options(options).or_raise(py)?;
    let config = training::config_file(model, settings).or_raise(py)?;
    let features = training::features(features).or_raise(py)?;
    background::run(py, move || {
        let mut options = told.read_options()?;
        let features = features.map_or_else(|| config.features(), |f| Ok(Some(f)))?;
        options.image = ConfigFile::images_for(features.as_ref(), options.image);
        let draw = Draw {
            rows: told.max_training_rows.unwrap_or(Draw::USUAL_ROWS),
            seed: config.seed().unwrap_or_default(),
        };
        if draw.rows == 0 {
            return refused("max-training-rows", "0", "a number from 1 up");
        }
        let (data, drawn) = match &paths[..] {
            [_] => read_drawn(&found(&paths)?, &options, draw).map(|(data, d)| (data, d.note()))?,
            several => (read_images(ORIGIN, several, &options)?, None),
        };
        let data = match data.folder_parts() {
            Some([train, _]) => data.select(&train),
            None => data,
        };
        let normals = data.normals_for_training()?.samples;
        let (mut reading, fit) = (data.reading().clone(), options.image.fit);
        reading.max_training_rows = told.max_training_rows;
        let notes: Vec<Note> = data.notes().iter().cloned().chain(drawn).collect();
        Ok(Samples::read(normals, reading, fit, &notes))
    })
}

/// How files are read for a model.
pub(crate) fn options_for(model: &Model, options: Options, labels: bool) -> Result<ReadOptions> {
    let options = ReadOptions {
        without_labels: !labels,
        ..options.read_options()?
    };
    let mut options = model.preprocessing().read_options(options);
    options.remembered = Some(model.config().preprocessing.reading.clone());
    Ok(options)
}

/// Reads files as a model knows them, all at once.
pub(crate) fn read_for(
    paths: &[PathBuf],
    options: Options,
    model: &Model,
    labels: bool,
) -> Result<DataSet> {
    let options = options_for(model, options, labels)?;
    let is_table = model.preprocessing().as_table().is_some();
    let data = match paths {
        several @ [_, _, ..] if !is_table => read_images(ORIGIN, several, &options)?,
        _ => read_all(&found(paths)?, &options)?,
    };
    if options.bad_rows == BadRows::Fail {
        return Ok(data);
    }
    let unfit = model.preprocessing().unfit_rows(data.samples());
    data.without_rows(unfit, &options)
}
