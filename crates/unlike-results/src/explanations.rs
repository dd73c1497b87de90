//! Why samples got their scores, in a folder.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::json;
use unlike::{Judged, Model};
use unlike_core::{Error, Result, Samples, files::write_atomically};

use crate::{
    images,
    reasons::{Explainer, Reason},
    score_table::{ScoreFormat, csv_error, json_line, number},
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
    write_atomically(path, |to| match format {
        ScoreFormat::JsonLines => (0..judged.len()).try_for_each(|row| {
            let line = json!({
                "id": judged.ids[row],
                "score": judged.scores[row],
                "p_value": judged.decisions.p_values[row],
                "anomalous": judged.decisions.anomalous[row],
                "reasons": explainer.reasons(row),
            });
            json_line(to, &line, path)
        }),
        ScoreFormat::Csv | ScoreFormat::Parquet => {
            let mut writer = csv::Writer::from_writer(to);
            let mut write =
                |cells: &[&str]| writer.write_record(cells).map_err(|e| csv_error(e, path));
            write(&[
                "id",
                "rank",
                "column",
                "contribution",
                "share",
                "found",
                "typical",
            ])?;
            for row in 0..judged.len() {
                for (reason, rank) in explainer.reasons(row).iter().zip(1..) {
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
                    write(&[
                        &judged.ids[row],
                        &rank,
                        column,
                        &contribution,
                        &share,
                        found,
                        &typical,
                    ])?;
                }
            }
            writer.flush().map_err(Error::io("write", path))
        }
    })
}
