//! Why samples got their scores, in a folder.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use unlike::{Judged, Model};
use unlike_core::{Error, Result, Samples, files::write_atomically};

use crate::{
    images,
    reasons::{Explainer, Reason},
    score_rows::{csv_error, json_line, number},
    score_table::ScoreFormat,
};

/// The name of the file of reasons in a folder of explanations: one line per row in JSON Lines, one
/// per reason in CSV.
pub fn explanations_of(folder: &Path, format: ScoreFormat) -> PathBuf {
    folder.join(match format {
        ScoreFormat::JsonLines => "explanations.jsonl",
        ScoreFormat::Csv | ScoreFormat::Parquet => "explanations.csv",
    })
}

/// Writes why these samples, which were [judged](unlike::Judge::judge) in this order, got their
/// scores, and gives the files and folders that it wrote.
///
/// For rows, and images that are seen as one row of features: the columns that contributed most, in the
/// file that [`explanations_of`] names. For images:
///
/// - `maps.npy`: `[N, height, width]`, 32-bit floats, at the size that the model sees.
/// - `maps.csv`: a line for each of them, `id,row,width,height,pixel_threshold,boxes`. `row` counts from 0
///   along the first axis of the array; width and height are those of the original image in pixels;
///   `boxes` is JSON, `[[x, y, width, height], …]` in the original's pixels from its left and top, one for
///   each connected region of the map that is at least the [pixel threshold](crate::pixel_threshold),
///   that with the highest value first.
/// - `overlays/`: the map over the original image, at its own size, with a line around these regions. For
///   each flagged sample, ten at least and a hundred at most. Images of more than 4,096 pixels a side are
///   made smaller; those of less than 256, enlarged by a whole number.
/// - `most-anomalous.png`: those with the highest scores, small, beside what the model makes of them.
///
/// Overlays of an earlier run are removed.
///
/// # Errors
/// If the samples do not fit the model, or a file cannot be written.
pub fn save_explanations(
    model: &Model,
    samples: &Samples,
    judged: &Judged,
    folder: impl AsRef<Path>,
    format: ScoreFormat,
) -> Result<Vec<PathBuf>> {
    let folder = folder.as_ref();
    fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    match model.has_maps() {
        true => images::files::save(model, samples, judged, folder),
        false => {
            let path = explanations_of(folder, format);
            save_reasons(&Explainer::new(model, samples)?, judged, &path, format)?;
            Ok(vec![path])
        }
    }
}

/// The files that [`save_explanations`] may write into a folder itself, for tables or for images.
pub fn explanation_files(folder: impl AsRef<Path>, format: ScoreFormat) -> Vec<PathBuf> {
    let folder = folder.as_ref();
    let images = images::files::NAMES.map(|name| folder.join(name));
    [vec![explanations_of(folder, format)], images.to_vec()].concat()
}

fn save_reasons(
    explainer: &Explainer<'_>,
    judged: &Judged,
    path: &Path,
    format: ScoreFormat,
) -> Result<()> {
    write_atomically(path, |to| {
        write_header(to, format, path)?;
        for row in 0..judged.len() {
            let reasons = explainer.reasons(row);
            let said = encoded(&judged.ids[row], &reasons, format, path)?;
            let decided = Decided {
                id: &judged.ids[row],
                score: judged.scores[row],
                p_value: judged.decisions.p_values[row],
                anomalous: judged.decisions.anomalous[row],
            };
            write_row(to, &decided, &said, format, path)?;
        }
        Ok(())
    })
}

/// What a line of JSON says of a row beside its reasons.
pub(crate) struct Decided<'a> {
    pub(crate) id: &'a str,
    pub(crate) score: f64,
    pub(crate) p_value: f64,
    pub(crate) anomalous: bool,
}

/// Writes what stands above the reasons.
pub(crate) fn write_header(to: &mut dyn Write, format: ScoreFormat, path: &Path) -> Result<()> {
    const NAMES: &[u8] = b"id,rank,column,contribution,share,found,typical\n";
    match format {
        ScoreFormat::JsonLines => Ok(()),
        ScoreFormat::Csv | ScoreFormat::Parquet => {
            to.write_all(NAMES).map_err(Error::io("write", path))
        }
    }
}

/// The reasons of a row before anything is decided about it: lines of CSV, or JSON.
pub(crate) fn encoded(
    id: &str,
    reasons: &[Reason<'_>],
    format: ScoreFormat,
    path: &Path,
) -> Result<Vec<u8>> {
    match format {
        ScoreFormat::JsonLines => {
            serde_json::to_vec(reasons).map_err(|e| Error::io("write", path)(e.into()))
        }
        ScoreFormat::Csv | ScoreFormat::Parquet => {
            let mut writer = csv::Writer::from_writer(Vec::new());
            for (reason, rank) in reasons.iter().zip(1..) {
                let Reason {
                    column,
                    contribution,
                    share,
                    found,
                    ..
                } = reason;
                let typical = reason.typical_in_words();
                let (rank, contribution, share) =
                    (format!("{rank}"), number(*contribution), number(*share));
                writer
                    .write_record([id, &rank, column, &contribution, &share, found, &typical])
                    .map_err(|e| csv_error(e, path))?;
            }
            let bytes = writer.into_inner();
            bytes.map_err(|e| Error::io("write", path)(e.into_error()))
        }
    }
}

/// Writes the reasons of a row that was decided about, which [`encoded`] gave.
pub(crate) fn write_row(
    to: &mut dyn Write,
    row: &Decided<'_>,
    encoded: &[u8],
    format: ScoreFormat,
    path: &Path,
) -> Result<()> {
    match format {
        ScoreFormat::JsonLines => {
            let reasons: Value =
                serde_json::from_slice(encoded).map_err(|e| Error::io("write", path)(e.into()))?;
            let line = json!({
                "id": row.id,
                "score": row.score,
                "p_value": row.p_value,
                "anomalous": row.anomalous,
                "reasons": reasons,
            });
            json_line(to, &line, path)
        }
        ScoreFormat::Csv | ScoreFormat::Parquet => {
            to.write_all(encoded).map_err(Error::io("write", path))
        }
    }
}
