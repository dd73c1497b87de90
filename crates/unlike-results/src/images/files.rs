//! Explanations of images in a folder: all maps as numbers, and the strangest to look at.

use std::{
    fs,
    path::{Path, PathBuf},
};

use unlike::{Judged, Model};
use unlike_core::{
    Detector, Error, ImageShape, InputSpec, Result, Samples, files::write_atomically,
};

use super::{
    Raster,
    maps::{Strips, each_chunk},
    outline::boxes,
    pixel_threshold, write_png,
};
use crate::score_rows::{csv_error, number};

/// Images in the folder, at most.
const MOST: usize = 100;
/// Images in the folder, even if fewer are flagged.
const LEAST: usize = 10;
/// Rows and columns of the sheet.
const SHEET: [usize; 2] = [10, 2];
/// Pixels of the longer side of an image in the folder, at least and at most, and on the sheet.
const SIDES: [usize; 2] = [256, 4096];
const SMALL_SIDE: usize = 128;

const INDEX: &str = "maps.csv";
const MAPS: &str = "maps.npy";
const OVERLAYS: &str = "overlays";
const MOST_ANOMALOUS: &str = "most-anomalous.png";

/// The files that [`save`] writes into the folder itself.
pub(crate) const NAMES: [&str; 3] = [MAPS, INDEX, MOST_ANOMALOUS];

/// Writes what [`save_explanations`](crate::save_explanations) says of images, and gives what it wrote.
pub(crate) fn save(
    model: &Model,
    samples: &Samples,
    judged: &Judged,
    folder: &Path,
) -> Result<Vec<PathBuf>> {
    let threshold = pixel_threshold(model, judged.decision, judged.decisions.threshold)?;
    let (numbers, index) = (folder.join(MAPS), folder.join(INDEX));
    let found = save_maps(model, samples, &numbers, threshold)?;
    save_index(samples, judged, &found, &index, threshold)?;
    let overlays = folder.join(OVERLAYS);
    fs::create_dir_all(&overlays).map_err(Error::io("create", &overlays))?;
    remove_earlier(&overlays)?;
    let mut order = judged.ranking();
    order.truncate(judged.decisions.count().clamp(LEAST, MOST));

    let mut written = vec![numbers, index, overlays.clone()];
    let chosen = samples.select(&order);
    let Some(strips) = Strips::new(model, &chosen, threshold)? else {
        return Ok(written);
    };
    for (place, &sample) in order.iter().enumerate() {
        let path = overlays.join(file_name(place + 1, &judged.ids[sample]));
        write_png(&path, &strips.overlay(place, SIDES)?)?;
    }
    let [rows, columns] = SHEET;
    let places: Vec<usize> = (0..order.len().min(rows * columns)).collect();
    let line = |places: &[usize]| -> Result<Vec<Raster>> {
        let strip = |&place: &usize| strips.strip(place, None, SMALL_SIDE);
        let strips: Result<Vec<_>> = places.iter().map(strip).collect();
        Ok(strips?.concat())
    };
    let lines: Vec<Vec<Raster>> = places.chunks(columns).map(line).collect::<Result<_>>()?;
    if let Some(sheet) = Raster::grid(&lines) {
        let path = folder.join(MOST_ANOMALOUS);
        write_png(&path, &sheet)?;
        written.push(path);
    }
    Ok(written)
}

/// `007-carpet_hole_007.png`: by rank, and with as much of the id as every system takes in a name.
/// Ranks make names unique, and keep them from leading out of the folder.
fn file_name(rank: usize, id: &str) -> String {
    const LONGEST: usize = 80;
    let stem = match id.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() && ending.len() <= 4 => stem,
        _ => id,
    };
    let safe = |c: char| match c {
        c if c.is_ascii_alphanumeric() || "-_".contains(c) => c,
        _ => '_',
    };
    // The end of a long id tells it from its neighbours.
    let skip = stem.chars().count().saturating_sub(LONGEST);
    let name: String = stem.chars().skip(skip).map(safe).collect();
    format!("{rank:03}-{name}.png")
}

/// Removes what [`file_name`] named.
fn remove_earlier(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder).map_err(Error::io("read", folder))? {
        let path = entry.map_err(Error::io("read", folder))?.path();
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned());
        let ours = name.is_some_and(|name| {
            let bytes = name.as_bytes();
            bytes.len() > 4
                && bytes[..3].iter().all(u8::is_ascii_digit)
                && bytes[3] == b'-'
                && name.ends_with(".png")
        });
        if ours {
            fs::remove_file(&path).map_err(Error::io("remove", &path))?;
        }
    }
    Ok(())
}

/// The maps as 32-bit floats in NumPy's format, version 1.0 (numpy.lib.format). Gives the boxes of the
/// regions of each that are at least the threshold.
fn save_maps(
    model: &Model,
    samples: &Samples,
    path: &Path,
    threshold: f64,
) -> Result<Vec<Vec<[u32; 4]>>> {
    let (InputSpec::Image(ImageShape { height, width, .. }), Samples::Images(images)) =
        (model.input(), samples)
    else {
        return Ok(Vec::new());
    };
    let mut found = Vec::with_capacity(samples.len());
    write_atomically(path, |to| {
        let io = || Error::io("write", path);
        to.write_all(&npy_header([samples.len(), height, width]))
            .map_err(io())?;
        each_chunk(model, samples, |first, _, maps| {
            let bytes: Vec<u8> = maps.iter().flat_map(|v| v.to_le_bytes()).collect();
            for (i, map) in (first..).zip(maps.chunks_exact(height * width)) {
                found.push(boxes(map, width, images.frame(i), threshold));
            }
            to.write_all(&bytes).map_err(io())
        })
    })?;
    Ok(found)
}

/// Which map belongs to which image, and where it is high.
fn save_index(
    samples: &Samples,
    judged: &Judged,
    found: &[Vec<[u32; 4]>],
    path: &Path,
    threshold: f64,
) -> Result<()> {
    let Samples::Images(images) = samples else {
        return Ok(());
    };
    write_atomically(path, |to| {
        let mut writer = csv::Writer::from_writer(to);
        let mut write = |cells: &[&str]| writer.write_record(cells).map_err(|e| csv_error(e, path));
        write(&["id", "row", "width", "height", "pixel_threshold", "boxes"])?;
        for (row, boxes) in found.iter().enumerate() {
            let [width, height] = images.frame(row).original.map(|side| side.to_string());
            let boxes = serde_json::json!(boxes).to_string();
            let (row_text, threshold) = (row.to_string(), number(threshold));
            write(&[
                &judged.ids[row],
                &row_text,
                &width,
                &height,
                &threshold,
                &boxes,
            ])?;
        }
        writer.flush().map_err(Error::io("write", path))
    })
}

/// Magic, version, length, and a Python dictionary that ends in a line break on a multiple of 64.
fn npy_header([n, height, width]: [usize; 3]) -> Vec<u8> {
    let mut text =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({n}, {height}, {width}), }}");
    let bare = 10 + text.len() + 1;
    text.push_str(&" ".repeat(bare.next_multiple_of(64) - bare));
    text.push('\n');
    let mut header = b"\x93NUMPY\x01\x00".to_vec();
    header.extend((text.len() as u16).to_le_bytes());
    header.extend(text.as_bytes());
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_in_the_folder_whatever_the_id() {
        for (id, name) in [
            ("17", "001-17.png"),
            ("good/0001.png", "001-good_0001.png"),
            ("../../etc/passwd", "001-______etc_passwd.png"),
            ("a\\b:c\0.jpeg", "001-a_b_c_.png"),
            ("", "001-.png"),
            (".png", "001-_png.png"),
            ("v1.release notes", "001-v1_release_notes.png"),
            ("Größe", "001-Gr__e.png"),
        ] {
            assert_eq!(file_name(1, id), name);
        }
        let long = file_name(12, &"x".repeat(5000));
        assert_eq!(long.len(), 80 + 8);
    }

    #[test]
    fn the_header_fills_whole_blocks() {
        let header = npy_header([1000, 28, 28]);
        assert!(header.len().is_multiple_of(64) && header.ends_with(b"\n"));
        assert_eq!(usize::from(header[8]), header.len() - 10);
    }
}
