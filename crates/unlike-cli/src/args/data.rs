//! The options that say how DATA is read.

use clap::{Args, builder::PossibleValuesParser};
use unlike::{ConfigFile, Model, features::FeatureConfig};
use unlike_core::Error;
use unlike_data::{
    BadRows, DataInfo, DataSet, DatePart, Decimal, Draw, Drawn, Fit, Format, ReadOptions, Reading,
    read_drawn,
};

use super::{image::ImageArgs, paths::DataPaths};
use crate::terminal::{self, failure::Result};

/// How DATA is read, where that differs from what the file itself suggests.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Reading DATA")]
pub(crate) struct DataArgs {
    /// The file format [default: recognised by content]
    #[arg(long, value_name = "FORMAT", value_parser = PossibleValuesParser::new(Format::ALL.map(Format::name)))]
    format: Option<String>,
    /// The column (or array of an .npz file) that holds the labels
    #[arg(long, value_name = "COLUMN")]
    label_column: Option<String>,
    /// Labels that are normal; all others are anomalous [default: 0, `normal.` in KDD Cup 99,
    /// sub-folders called good or normal]
    #[arg(long, value_name = "LABEL,…", value_delimiter = ',')]
    normal_label: Vec<String>,
    /// Labels that are anomalous; all others are normal
    #[arg(long, value_name = "LABEL,…", value_delimiter = ',')]
    anomalous_label: Vec<String>,
    /// Columns to leave out
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',')]
    drop_columns: Vec<String>,
    /// The column whose cells name the rows [default: the row's number in the file]
    #[arg(long, value_name = "COLUMN")]
    id_column: Option<String>,
    /// Columns of numbers that are categories all the same
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',')]
    category_columns: Vec<String>,
    /// What stands between cells: a character, `tab`, or `space` for any number of blanks [default:
    /// found by content]
    #[arg(long, value_name = "CHARACTER")]
    delimiter: Option<String>,
    /// Lines that begin with it are no rows [default: # or %, if the file begins with it]
    #[arg(long, value_name = "CHARACTER")]
    comment: Option<String>,
    /// What becomes of rows that cannot be read or lack a value that training always had: the first is an
    /// error; or they are left out, counted and named; or `score` reports them, too, as anomalous and
    /// with the reason, and others leave them out [default: fail]
    #[arg(long, value_name = "HOW", value_parser = PossibleValuesParser::new(BadRows::ALL.map(BadRows::name)))]
    bad_rows: Option<String>,
    /// The most MiB that a packed file may become [default: 64 and 200 times its size]
    #[arg(long, value_name = "MIB")]
    max_unpacked: Option<usize>,
    /// The most columns of a delimited text [default: 131072]
    #[arg(long, value_name = "N")]
    max_columns: Option<usize>,
    /// How a text is written: utf-8, utf-16, latin-1 or windows-1252 [default: utf-8, or what the file's
    /// mark says]
    #[arg(long, value_name = "NAME")]
    encoding: Option<String>,
    /// Numbers to make of columns of dates: hour, weekday, month, elapsed (days since 1970), or none
    /// [default: hour,weekday,month]
    #[arg(long, value_name = "PART,…", value_delimiter = ',')]
    dates: Option<Vec<String>>,
    /// What stands before the fraction of numbers such as 1,234: point or comma [default: found by
    /// content]
    #[arg(long, value_name = "MARK", value_parser = PossibleValuesParser::new(Decimal::ALL.map(Decimal::name)))]
    decimal: Option<String>,
    /// Cells that stand for a missing value, beside empty ones: these texts, and the same numbers however they
    /// are written [default: NA, N/A, #N/A, <NA>, NULL, null, ?]
    #[arg(long, value_name = "TEXT,…", value_delimiter = ',')]
    missing: Option<Vec<String>>,
    /// The first row names the columns [default: found by content]
    #[arg(long, overrides_with = "no_header")]
    header: bool,
    /// The first row is data; columns are called 1, 2, …
    #[arg(long)]
    no_header: bool,
    #[command(flatten)]
    images: ImageArgs,
}

impl DataArgs {
    /// Looks at DATA, whatever it is.
    pub(crate) fn look(&self, data: DataPaths<'_>) -> Result<DataInfo> {
        Ok(DataInfo::of_paths(&data.files()?, &self.options()?)?)
    }

    /// The options that a model does not remember, as they are typed: of labels, the model knows.
    pub(crate) fn typed(&self) -> String {
        match &self.format {
            Some(format) => format!(" --format {format}"),
            None => String::new(),
        }
    }

    /// Whether a column is to be left out.
    pub(crate) fn drops(&self, column: &str) -> bool {
        self.drop_columns.iter().any(|name| name == column)
    }

    /// Reads DATA to train on, no more of its rows than `draw` says if it says so, with the column `by` that
    /// says which group a row belongs to, even if it is dropped. `fit` is how images come to their size,
    /// `features` what detectors see of them, and `remembered` what a file of settings says about the data.
    pub(crate) fn read_for_training(
        &self,
        data: DataPaths<'_>,
        draw: Option<Draw>,
        by: Option<&str>,
        fit: Fit,
        features: Option<&FeatureConfig>,
        remembered: Option<Reading>,
    ) -> Result<(DataSet, Option<Drawn>)> {
        let mut options = self.options()?;
        options.image.fit = fit;
        options.drop_columns.retain(|name| Some(&**name) != by);
        options.image = ConfigFile::images_for(features, options.image);
        options.remembered = remembered;
        let (data, drawn) = match draw {
            Some(draw) => {
                let (data, drawn) = read_drawn(&data.files()?, &options, draw)?;
                (data, Some(drawn))
            }
            None => (data.read(&options)?, None),
        };
        terminal::notes(data.notes());
        Ok((data, drawn))
    }

    /// How images come to their size, if the user said so.
    pub(crate) fn fit(&self) -> Option<Fit> {
        self.images.fit()
    }

    /// Reads DATA as a model knows it: columns are of the model's kinds, whatever the cells look
    /// like, images come to the model's size as they did in training, and what training was told
    /// about its data holds unless options say otherwise.
    pub(crate) fn read_for(&self, data: DataPaths<'_>, model: &Model) -> Result<DataSet> {
        self.read_as(data, model, None, self.options()?)
    }

    /// As [`read_for`](Self::read_for), with the column that says which group a row belongs to.
    pub(crate) fn read_grouped(
        &self,
        data: DataPaths<'_>,
        model: &Model,
        by: Option<&str>,
    ) -> Result<DataSet> {
        self.read_as(data, model, by, self.options()?)
    }

    /// As [`read_for`](Self::read_for), without the labels that training knew of: scoring needs none.
    pub(crate) fn read_to_score(
        &self,
        data: DataPaths<'_>,
        model: &Model,
        allow_empty: bool,
    ) -> Result<DataSet> {
        self.read_as(data, model, None, self.to_score(allow_empty)?)
    }

    /// How a table is read for scoring.
    pub(crate) fn options_to_score(&self, model: &Model, allow_empty: bool) -> Result<ReadOptions> {
        self.known_to(model, None, self.to_score(allow_empty)?)
    }

    fn to_score(&self, allow_empty: bool) -> Result<ReadOptions> {
        Ok(ReadOptions {
            allow_empty,
            without_labels: true,
            ..self.options()?
        })
    }

    fn read_as(
        &self,
        data: DataPaths<'_>,
        model: &Model,
        by: Option<&str>,
        options: ReadOptions,
    ) -> Result<DataSet> {
        let options = self.known_to(model, by, options)?;
        let data = data.read(&options)?;
        let data = match options.bad_rows {
            BadRows::Fail => data,
            BadRows::Flag | BadRows::Skip => {
                let unfit = model.preprocessing().unfit_rows(data.samples());
                data.without_rows(unfit, &options)?
            }
        };
        terminal::notes(data.notes());
        Ok(data)
    }

    /// These options, where they say nothing else, as training was told.
    fn known_to(
        &self,
        model: &Model,
        by: Option<&str>,
        options: ReadOptions,
    ) -> Result<ReadOptions> {
        let mut options = model.preprocessing().read_options(options);
        let mut reading = model.config().preprocessing.reading.clone();
        // What says which group a row belongs to need not be a feature.
        let by = by.or(model.grouped_by());
        reading.drop_columns.retain(|name| Some(&**name) != by);
        options.remembered = Some(reading);
        self.images.check_against(&options.image)?;
        Ok(options)
    }

    fn bad_rows(&self) -> BadRows {
        let named = |rule: &BadRows| self.bad_rows.as_deref() == Some(rule.name());
        BadRows::ALL.into_iter().find(named).unwrap_or_default()
    }

    fn options(&self) -> Result<ReadOptions> {
        Ok(ReadOptions {
            format: self.format.as_deref().map(str::parse).transpose()?,
            label_column: self.label_column.clone(),
            normal_labels: self.normal_label.clone(),
            anomalous_labels: self.anomalous_label.clone(),
            drop_columns: self.drop_columns.clone(),
            id_column: self.id_column.clone(),
            category_columns: self.category_columns.clone(),
            delimiter: self.delimiter.as_deref().map(delimiter).transpose()?,
            comment: self.comment.as_deref().map(comment).transpose()?,
            decimal: self.decimal.as_deref().map(str::parse).transpose()?,
            bad_rows: self.bad_rows(),
            max_unpacked: self.max_unpacked.map(|mib| mib.saturating_mul(1 << 20)),
            max_columns: self
                .max_columns
                .unwrap_or_else(|| ReadOptions::default().max_columns),
            encoding: self.encoding.as_deref().map(str::parse).transpose()?,
            dates: self.dates.as_deref().map(dates).transpose()?,
            missing: self
                .missing
                .clone()
                .unwrap_or_else(|| ReadOptions::default().missing),
            has_header: (self.header || self.no_header).then_some(self.header),
            image: self.images.options(),
            ..ReadOptions::default()
        })
    }
}

fn delimiter(text: &str) -> Result<u8> {
    match text.as_bytes() {
        _ if text == "tab" || text == "\\t" => Ok(b'\t'),
        _ if text == "space" => Ok(b' '),
        &[byte] => Ok(byte),
        _ => Err(Error::Setting {
            name: "delimiter".into(),
            found: format!("`{text}`"),
            expected: "one character, `tab` or `space`".into(),
            hint: None,
        }
        .into()),
    }
}

fn dates(parts: &[String]) -> Result<Vec<DatePart>> {
    match parts {
        [none] if none == "none" => Ok(Vec::new()),
        parts => Ok(parts
            .iter()
            .map(|p| p.parse())
            .collect::<Result<_, Error>>()?),
    }
}

fn comment(text: &str) -> Result<u8> {
    match text.as_bytes() {
        &[byte] if byte.is_ascii_graphic() => Ok(byte),
        _ => Err(Error::Setting {
            name: "comment".into(),
            found: format!("`{text}`"),
            expected: "one character".into(),
            hint: None,
        }
        .into()),
    }
}
