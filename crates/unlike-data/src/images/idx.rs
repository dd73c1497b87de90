//! IDX, the format of MNIST and Fashion-MNIST: a file of images and one of labels.

use std::path::{Path, PathBuf};

use unlike_core::{Error, Result};

use super::ByteImages;
use crate::{
    dataset::DataSet,
    labels::Classes,
    read::{Format, ReadOptions},
    source::{Source, file_name},
    words,
};

/// Unsigned bytes are the only type that image sets use.
const UNSIGNED_BYTE: u8 = 0x08;

/// Whether the first bytes are those of an IDX file of images.
pub(crate) fn is_idx(bytes: &[u8]) -> bool {
    matches!(bytes, [0, 0, UNSIGNED_BYTE, 3 | 4, ..])
}

/// The image files of a folder, the training part first. Of files that differ in their spelling or in
/// compression only, as downloads leave them beside each other, the first is taken, not compressed before
/// compressed; the others come second.
pub(super) fn files(folder: &Path) -> Result<[Vec<PathBuf>; 2]> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(Error::io("read", folder))? {
        let path = entry.map_err(Error::io("read", folder))?.path();
        let name = file_name(&path);
        if name.contains("images") && name.contains("idx3") && path.is_file() {
            let plain = plain_name(&name);
            files.push((
                !name.starts_with("train"),
                plain,
                name.ends_with(".gz"),
                name,
                path,
            ));
        }
    }
    files.sort();
    let mut known: Vec<String> = Vec::new();
    let (mut first, mut again) = (Vec::new(), Vec::new());
    for (_, plain, _, _, path) in files {
        if known.contains(&plain) {
            again.push(path);
        } else {
            known.push(plain);
            first.push(path);
        }
    }
    Ok([first, again])
}

/// A name as all spell it: `train-images.idx3-ubyte.gz` is `train-images-idx3-ubyte`.
fn plain_name(name: &str) -> String {
    let lower = name.to_lowercase();
    lower
        .strip_suffix(".gz")
        .unwrap_or(&lower)
        .replace(['.', '_'], "-")
}

/// Reads image files and the label files beside them, one after the other.
///
/// A file that holds the very images of one before it is left out: counted twice, an image would stand on
/// both sides of a split.
pub(super) fn read(
    path: &Path,
    files: &[PathBuf],
    again: &[PathBuf],
    options: &ReadOptions,
) -> Result<DataSet> {
    let mut all: Option<ByteImages> = None;
    let mut seen: Vec<(u32, usize)> = Vec::new();
    let mut left_out: Vec<String> = again.iter().map(|path| file_name(path)).collect();
    let mut labels = Some(Vec::new());
    for file in files {
        let source = Source::load(file)?;
        let [count, height, width, channels] = shape(&source)?;
        let name = file_name(file);
        let known = (source.checksum(), source.bytes.len());
        if seen.contains(&known) {
            left_out.push(name);
            continue;
        }
        seen.push(known);
        let found = labels_beside(file, count)?;
        let all = all.get_or_insert_with(|| ByteImages {
            height,
            width,
            channels,
            bytes: Vec::new(),
            ids: Vec::new(),
            classes: None,
            parts: Vec::new(),
            notes: Vec::new(),
        });
        if [all.height, all.width, all.channels] != [height, width, channels] {
            return Err(source.malformed(
                format!("images of {width} × {height} pixels"),
                format!("{} × {}, as in the other file", all.width, all.height),
            ));
        }
        let start = all.ids.len();
        all.parts.push((name.clone(), start..start + count));
        let prefix = if files.len() > 1 {
            format!("{name}:")
        } else {
            String::new()
        };
        all.ids.extend((0..count).map(|i| format!("{prefix}{i}")));
        all.bytes.extend_from_slice(
            &source.bytes[source.bytes.len() - count * height * width * channels..],
        );
        match found {
            Some(found) => {
                labels = labels.map(|mut labels: Vec<u8>| {
                    labels.extend(found);
                    labels
                })
            }
            None => {
                all.notes
                    .push(format!("`{name}` has no file of labels beside it").into());
                labels = None;
            }
        }
    }
    let Some(mut all) = all else {
        return Err(Error::NotEnough {
            what: format!("IDX files of images in `{}`", path.display()),
            found: "none".into(),
            expected: "at least 1".into(),
            hint: None,
        });
    };
    if !left_out.is_empty() {
        let note = format!(
            "{} left out: the same images under another name",
            words::quoted(&left_out)
        );
        all.notes.insert(0, note.into());
    }
    all.classes =
        labels.map(|labels| Classes::numbered("labels", &labels, |digit| digit.to_string()));
    all.into_data_set(path, Format::Idx, options)
}

/// `[images, height, width, channels]`; the data are the last bytes of the file.
fn shape(source: &Source) -> Result<[usize; 4]> {
    let bad = |found: String, expected: &str| source.malformed(found, expected);
    let &[0, 0, kind, rank, ref rest @ ..] = &source.bytes[..] else {
        return Err(bad("no IDX header".into(), "an IDX file of images"));
    };
    if kind != UNSIGNED_BYTE {
        return Err(bad(
            format!("IDX values of type {kind:#04x}"),
            "unsigned bytes (0x08)",
        ));
    }
    if !(3..=4).contains(&rank) {
        return Err(bad(
            format!(
                "an IDX file of {}",
                words::counted(u32::from(rank), "dimension")
            ),
            "images: 3 dimensions, or 4 with channels",
        ));
    }
    let Some((header, data)) = rest.split_at_checked(4 * usize::from(rank)) else {
        return Err(bad(
            "an IDX header that is cut short".into(),
            "a whole file",
        ));
    };
    let size = |bytes: &[u8]| bytes.iter().fold(0, |n, &b| n << 8 | usize::from(b));
    let sizes: Vec<usize> = header.chunks_exact(4).map(size).collect();
    let shape = [
        sizes[0],
        sizes[1],
        sizes[2],
        sizes.get(3).copied().unwrap_or(1),
    ];
    let wanted = shape
        .iter()
        .try_fold(1_usize, |n, &size| n.checked_mul(size));
    if wanted != Some(data.len()) {
        return Err(bad(
            format!(
                "{} of data for images of shape {sizes:?}",
                words::counted(data.len(), "byte")
            ),
            "one byte for each value",
        )
        .with_hint("the file was cut short or damaged; copy or download it again"));
    }
    if data.is_empty() || ![1, 3].contains(&shape[3]) {
        return Err(bad(
            format!("images of shape {sizes:?}"),
            "at least one image, grey or colour",
        ));
    }
    Ok(shape)
}

/// The labels of the file whose name says that it belongs to these images.
fn labels_beside(images: &Path, count: usize) -> Result<Option<Vec<u8>>> {
    let name = file_name(images);
    let name = name
        .replace("images", "labels")
        .replace("idx3", "idx1")
        .replace("idx4", "idx1");
    let toggled = match name.strip_suffix(".gz") {
        Some(plain) => plain.to_owned(),
        None => format!("{name}.gz"),
    };
    // Some have a dot where others have a hyphen.
    let dashed = [&name, &toggled].map(|name| name.replace(".idx1", "-idx1"));
    let dotted = [&name, &toggled].map(|name| name.replace("-idx1", ".idx1"));
    let names = [[name, toggled], dashed, dotted].concat();
    let beside = names.into_iter().map(|name| images.with_file_name(name));
    let mut beside = beside;
    let Some(path) = beside.find(|path| path != images && path.is_file()) else {
        return Ok(None);
    };
    let source = Source::load(&path)?;
    let &[0, 0, UNSIGNED_BYTE, 1, a, b, c, d, ref labels @ ..] = &source.bytes[..] else {
        return Err(source.malformed("no IDX header of labels", "an IDX file of labels"));
    };
    let stated = u32::from_be_bytes([a, b, c, d]) as usize;
    if stated != labels.len() {
        return Err(source
            .malformed(
                format!(
                    "{} of {} that its header states",
                    words::counted(labels.len(), "label"),
                    words::count(stated)
                ),
                "all of them",
            )
            .with_hint("the file was cut short or damaged; copy or download it again"));
    }
    if stated != count {
        return Err(source.malformed(
            words::counted(stated, "label"),
            format!(
                "{}, one for each image of `{}`",
                words::count(count),
                images.display()
            ),
        ));
    }
    Ok(Some(labels.to_vec()))
}
