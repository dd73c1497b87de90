//! Images that come as arrays of bytes.

use unlike_core::{Note, Result};

use super::{ByteImages, check};
use crate::{
    dataset::DataSet,
    labels::Classes,
    read::{Format, ReadOptions},
    source::Source,
};

/// Some images of a file.
pub(crate) struct ImagePart<'a> {
    /// Empty if there is only one part.
    pub(crate) name: &'a str,
    /// `[images, height, width, channels]`, none of them 0, channels 1 or 3.
    pub(crate) shape: [usize; 4],
    pub(crate) bytes: &'a [u8],
}

/// The data set of these parts, with a class for each image of all of them, and what else is worth knowing.
pub(crate) fn read_arrays(
    source: &Source,
    format: Format,
    parts: &[ImagePart<'_>],
    classes: Option<Classes>,
    notes: Vec<Note>,
    options: &ReadOptions,
) -> Result<DataSet> {
    check(options)?;
    let [_, height, width, channels] = parts.first().map_or([0; 4], |part| part.shape);
    let mut all = ByteImages {
        height,
        width,
        channels,
        bytes: Vec::with_capacity(parts.iter().map(|part| part.bytes.len()).sum()),
        ids: Vec::new(),
        classes,
        parts: Vec::new(),
        notes,
    };
    for part in parts {
        let [count, high, wide, deep] = part.shape;
        if [high, wide, deep] != [height, width, channels] {
            return Err(source.malformed(
                format!(
                    "images of {wide} × {high} pixels and {deep} channels in the part `{}`",
                    part.name
                ),
                format!("{width} × {height} and {channels}, as in the first part"),
            ));
        }
        let start = all.ids.len();
        all.bytes.extend_from_slice(part.bytes);
        if part.name.is_empty() {
            all.ids.extend((0..count).map(|i| i.to_string()));
        } else {
            all.ids
                .extend((0..count).map(|i| format!("{}:{i}", part.name)));
            all.parts.push((part.name.to_owned(), start..start + count));
        }
    }
    all.into_data_set(&source.path, format, options)
}
