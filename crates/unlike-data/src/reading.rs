//! What training was told about its data, so that scoring need not be told again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use unlike_core::Note;

use crate::{
    dates::DatePart,
    decimal::Decimal,
    encoding::Encoding,
    moment::Order,
    read::{DEFAULT_MISSING, Format, ReadOptions},
    words,
};

/// What the user said about how training data are to be read, and how numbers were written in them.
/// Saved in models; [`ReadOptions::remembered`] reads new data so, and what new options say wins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Reading {
    /// As the field of [`ReadOptions`] of this name, and all that follow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    #[allow(missing_docs, reason = "as in ReadOptions")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_column: Option<String>,
    #[allow(missing_docs, reason = "as in ReadOptions")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub normal_labels: Vec<String>,
    #[allow(missing_docs, reason = "as in ReadOptions")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub anomalous_labels: Vec<String>,
    #[allow(missing_docs, reason = "as in ReadOptions")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub drop_columns: Vec<String>,
    #[allow(missing_docs, reason = "as in ReadOptions")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_column: Option<String>,
    #[allow(missing_docs, reason = "as in ReadOptions")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub category_columns: Vec<String>,
    #[allow(missing_docs, reason = "as in ReadOptions")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<char>,
    #[allow(missing_docs, reason = "as in ReadOptions")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<char>,
    /// The cells that stand for a missing value, if they are not the usual ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<Vec<String>>,
    #[allow(missing_docs, reason = "as in ReadOptions")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_header: Option<bool>,
    /// Whether the first row of delimited text named the columns, which new data can leave open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found_header: Option<bool>,
    #[allow(missing_docs, reason = "as in ReadOptions")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimal: Option<Decimal>,
    /// Columns whose numbers are not written plainly, and what stands before their fractions.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub decimals: BTreeMap<String, Decimal>,
    #[allow(missing_docs, reason = "as in ReadOptions")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// The most rows that were drawn to train on, if the user said so. New data are not drawn from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_training_rows: Option<usize>,
    /// Columns that held dates, and the numbers that were made of them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub dates: BTreeMap<String, Vec<DatePart>>,
    /// Those of them whose days or months come first, and which: new dates can leave it open.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub date_orders: BTreeMap<String, Order>,
}

impl Reading {
    /// What these options say that differs from what they say by themselves.
    pub(crate) fn told(options: &ReadOptions) -> Self {
        let missing = &options.missing;
        Self {
            format: options.format,
            label_column: options.label_column.clone(),
            normal_labels: options.normal_labels.clone(),
            anomalous_labels: options.anomalous_labels.clone(),
            drop_columns: options.drop_columns.clone(),
            id_column: options.id_column.clone(),
            category_columns: options.category_columns.clone(),
            delimiter: options.delimiter.map(char::from),
            comment: options.comment.map(char::from),
            missing: (*missing != DEFAULT_MISSING).then(|| missing.clone()),
            has_header: options.has_header,
            found_header: None,
            decimal: options.decimal,
            decimals: BTreeMap::new(),
            encoding: options.encoding,
            max_training_rows: None,
            dates: BTreeMap::new(),
            date_orders: BTreeMap::new(),
        }
    }

    /// This on top of what was remembered: what one does not say is as in the other.
    #[must_use]
    pub fn over(self, below: &Self) -> Self {
        fn list(above: Vec<String>, below: &[String]) -> Vec<String> {
            match above.is_empty() {
                true => below.to_vec(),
                false => above,
            }
        }
        let labelled = !self.normal_labels.is_empty() || !self.anomalous_labels.is_empty();
        let (normal, anomalous): (&[String], &[String]) = match labelled {
            true => (&[], &[]),
            false => (&below.normal_labels, &below.anomalous_labels),
        };
        Self {
            format: self.format.or(below.format),
            label_column: self.label_column.or_else(|| below.label_column.clone()),
            normal_labels: list(self.normal_labels, normal),
            anomalous_labels: list(self.anomalous_labels, anomalous),
            drop_columns: list(self.drop_columns, &below.drop_columns),
            id_column: self.id_column.or_else(|| below.id_column.clone()),
            category_columns: list(self.category_columns, &below.category_columns),
            delimiter: self.delimiter.or(below.delimiter),
            comment: self.comment.or(below.comment),
            missing: self.missing.or_else(|| below.missing.clone()),
            has_header: self.has_header.or(below.has_header),
            found_header: self.found_header.or(below.found_header),
            decimal: self.decimal.or(below.decimal),
            decimals: match self.decimals.is_empty() {
                true => below.decimals.clone(),
                false => self.decimals,
            },
            encoding: self.encoding.or(below.encoding),
            max_training_rows: self.max_training_rows.or(below.max_training_rows),
            dates: match self.dates.is_empty() {
                true => below.dates.clone(),
                false => self.dates,
            },
            date_orders: match self.date_orders.is_empty() {
                true => below.date_orders.clone(),
                false => self.date_orders,
            },
        }
    }

    /// Options in which what they do not say is as in training, where it does not depend on the
    /// columns of the file; and a sentence about each thing that they say otherwise.
    pub(crate) fn settle(&self, mut options: ReadOptions) -> (ReadOptions, Vec<Note>) {
        let mut notes = Vec::new();
        let told = Self::told(&options);
        let mut differs = |name: &str, told: Option<String>, trained: Option<String>| {
            if let (Some(told), Some(trained)) = (told, trained)
                && told != trained
            {
                notes.push(
                    Note::new("in training, it was ")
                        .set(name, trained)
                        .text("; here it is ")
                        .set(name, told)
                        .coded("differs-from-training"),
                );
            }
        };
        let list = |texts: &[String]| (!texts.is_empty()).then(|| texts.join(","));
        let texts = |texts: &Option<Vec<String>>| texts.as_ref().map(|texts| texts.join(","));
        let sign = |c: Option<char>| c.map(String::from);
        differs("missing", texts(&told.missing), texts(&self.missing));
        differs("label-column", told.label_column, self.label_column.clone());
        differs("id-column", told.id_column, self.id_column.clone());
        let pairs = [
            ("normal-label", &told.normal_labels, &self.normal_labels),
            (
                "anomalous-label",
                &told.anomalous_labels,
                &self.anomalous_labels,
            ),
            ("drop-columns", &told.drop_columns, &self.drop_columns),
            (
                "category-columns",
                &told.category_columns,
                &self.category_columns,
            ),
        ];
        for (name, told, trained) in pairs {
            differs(name, list(told), list(trained));
        }
        differs("delimiter", sign(told.delimiter), sign(self.delimiter));
        differs("comment", sign(told.comment), sign(self.comment));
        let decimal = |d: Option<Decimal>| d.map(|d| d.name().to_owned());
        differs("decimal", decimal(told.decimal), decimal(self.decimal));

        if let (None, Some(missing)) = (&told.missing, &self.missing) {
            options.missing.clone_from(missing);
        }
        options.has_header = options.has_header.or(self.has_header);
        let ascii = |c: Option<char>| c.and_then(|c| u8::try_from(c).ok());
        options.delimiter = options.delimiter.or(ascii(self.delimiter));
        options.comment = options.comment.or(ascii(self.comment));
        options.decimal = options.decimal.or(self.decimal);
        options.encoding = options.encoding.or(self.encoding);
        (options, notes)
    }
}

/// Columns that played a part in training and are not in the file, which is no error.
pub(crate) fn absent(part: &str, name: &str) -> Note {
    let text = format!(
        "column `{}`, {part} in training, is not in this file",
        words::shortened(name)
    );
    Note::new(text).coded("column-absent")
}
