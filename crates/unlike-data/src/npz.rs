//! NumPy archives: a table, or images, as `X` with their classes as `y`; or images in parts, each with its
//! labels, as MedMNIST has them (`train_images` and `train_labels`, `val_…`, `test_…`).

use std::io::{Cursor, Read};

use unlike_core::{Error, Note, Result};
use zip::{ZipArchive, result::ZipError};

use crate::{
    dataset::DataSet,
    images::{self, ImagePart},
    npy::{self, Array, Numbers, classes_of},
    read::{Format, ReadOptions},
    source::Source,
    words,
};

/// The array of samples, and the one of classes.
const SAMPLES: &str = "X";
const CLASSES: &str = "y";

/// What the names of images and of their labels end in, in parts.
const IMAGES: &str = "_images";
const LABELS: &str = "_labels";

/// Reads the arrays `X` and, if there, `y` of an archive, or parts of images.
pub(crate) fn read_npz(source: &Source, options: &ReadOptions) -> Result<DataSet> {
    let mut archive = Archive::open(source, options)?;
    if !archive.names.iter().any(|name| name == SAMPLES) {
        let parts = archive.parts();
        return match parts.is_empty() {
            true => Err(archive.without_samples()),
            false => read_parts(&mut archive, &parts),
        };
    }
    let classes = match &options.label_column {
        Some(name) if name != SAMPLES => archive.find(name),
        _ => archive.find(CLASSES),
    };
    let unknown = options.label_column.as_ref().filter(|_| classes.is_none());
    let bytes = archive.load(SAMPLES)?;
    let samples = Array::parse(source, &format!("the array `{SAMPLES}`"), &bytes)?;
    let count = samples.shape.first().copied().unwrap_or(0);
    let classes = match classes {
        Some(name) => {
            let texts = archive.classes(&name, count, &format!("row of `{SAMPLES}`"))?;
            let texts = texts.into_iter();
            Some(classes_of(source, &name, &Numbers::After(0), texts)?)
        }
        None => None,
    };
    match (samples.image_shape(), unknown) {
        (Some(_), Some(name)) => Err(Error::Setting {
            name: "label-column".into(),
            found: format!("`{name}`"),
            expected: format!("one of the arrays {}", words::quoted(&archive.names)),
            hint: None,
        }),
        (Some(shape), None) => {
            let part = ImagePart {
                name: "",
                shape,
                bytes: samples.stored(),
            };
            // It named an array, which was read.
            let options = ReadOptions {
                label_column: None,
                ..options.clone()
            };
            let notes = Vec::new();
            images::read_arrays(source, Format::Npz, &[part], classes, notes, &options)
        }
        (None, _) => npy::assemble(source, Format::Npz, &samples, classes, options),
    }
}

/// Reads images in parts.
fn read_parts(archive: &mut Archive<'_>, parts: &[String]) -> Result<DataSet> {
    let (source, options) = (archive.source, archive.options);
    let mut arrays = Vec::new();
    let mut classes = Some(Vec::new());
    let mut unlabelled = Vec::new();
    for part in parts {
        let name = format!("{part}{IMAGES}");
        let bytes = archive.load(&name)?;
        let array = Array::parse(source, &format!("the array `{name}`"), &bytes)?;
        let Some(shape) = array.image_shape() else {
            let found = format!("the array `{name}` of shape {:?}", array.shape);
            let expected =
                "images of bytes, [images, height, width] or [images, height, width, 1 or 3]";
            return Err(source
                .malformed(found, expected)
                .with_hint(array.image_hint()));
        };
        let start = array.offset_in(&bytes);
        let labels = archive.find(&format!("{part}{LABELS}"));
        if labels.is_none() {
            unlabelled.push(format!("{part}{LABELS}"));
        }
        classes = match (classes, labels) {
            (Some(all), Some(labels)) => {
                let texts = archive.classes(&labels, shape[0], &format!("image of `{name}`"))?;
                Some([all, texts].concat())
            }
            _ => None,
        };
        arrays.push((part, shape, start, bytes));
    }
    let arrays: Vec<ImagePart<'_>> = arrays
        .iter()
        .map(|(part, shape, start, bytes)| ImagePart {
            name: part,
            shape: *shape,
            bytes: &bytes[*start..start + shape.iter().product::<usize>()],
        })
        .collect();
    let classes = match classes {
        Some(texts) => {
            let texts = texts.into_iter();
            Some(classes_of(source, "labels", &Numbers::After(0), texts)?)
        }
        None => None,
    };
    let note = || {
        let text = format!(
            "there is no array {}, so that no image has a label",
            words::quoted(&unlabelled)
        );
        Note::new(text).coded("labels-absent")
    };
    let notes = (!unlabelled.is_empty() && unlabelled.len() < parts.len()).then(note);
    let notes = notes.into_iter().collect();
    images::read_arrays(source, Format::Npz, &arrays, classes, notes, options)
}

/// An archive, and the names of its arrays.
struct Archive<'a> {
    source: &'a Source,
    options: &'a ReadOptions,
    zip: ZipArchive<Cursor<&'a [u8]>>,
    names: Vec<String>,
    /// Bytes that were unpacked so far: parts may not add up to more than one file may.
    unpacked: usize,
}

impl<'a> Archive<'a> {
    fn open(source: &'a Source, options: &'a ReadOptions) -> Result<Self> {
        let zip = ZipArchive::new(Cursor::new(&source.bytes[..]));
        let zip = zip.map_err(|error| damaged(source, error))?;
        let mut names = Vec::new();
        for name in zip.file_names() {
            let name = name.map_err(|error| damaged(source, error))?;
            names.extend(name.strip_suffix(".npy").map(str::to_owned));
        }
        Ok(Self {
            source,
            options,
            zip,
            names,
            unpacked: 0,
        })
    }

    fn find(&self, name: &str) -> Option<String> {
        self.names.iter().find(|n| *n == name).cloned()
    }

    /// The parts that images are in, the training part first and the test part last.
    fn parts(&self) -> Vec<String> {
        let parts = self.names.iter().filter_map(|n| n.strip_suffix(IMAGES));
        let mut parts: Vec<String> = parts.map(str::to_owned).collect();
        parts.sort_by_key(|part| match part.as_str() {
            "train" => 0,
            "test" => 2,
            _ => 1,
        });
        parts
    }

    /// The bytes of an array, which is there.
    fn load(&mut self, name: &str) -> Result<Vec<u8>> {
        let source = self.source;
        let mut bytes = Vec::new();
        let member = self.zip.by_name(&format!("{name}.npy"));
        let member = member.map_err(|error| damaged(source, error))?;
        let most = source.most(self.options.max_unpacked);
        let most = most.saturating_sub(self.unpacked);
        let read = member.take(most as u64 + 1).read_to_end(&mut bytes);
        if bytes.len() > most {
            return Err(source.too_large(source.bytes.len(), self.options.max_unpacked));
        }
        read.map_err(|error| damaged(source, error.into()))?;
        self.unpacked += bytes.len();
        Ok(bytes)
    }

    /// The classes in an array, one for each of so many of what is called so.
    fn classes(&mut self, name: &str, count: usize, what: &str) -> Result<Vec<Option<String>>> {
        let bytes = self.load(name)?;
        let array = Array::parse(self.source, &format!("the array `{name}`"), &bytes)?;
        array.classes(self.source, (count, what))
    }

    fn without_samples(&self) -> Error {
        let found = match self.names.is_empty() {
            true => "a zip archive without arrays".to_owned(),
            false => format!("an archive of the arrays {}", words::quoted(&self.names)),
        };
        self.source
            .malformed(found, format!("an array `{SAMPLES}`, [rows, columns]"))
            .with_hint("save it with numpy.savez(path, X=X, y=y)")
    }
}

fn damaged(source: &Source, error: ZipError) -> Error {
    let text = error.to_string();
    if text.contains("ompression method not supported") {
        return source
            .malformed(
                format!("a zip archive that is packed in a way that is not read ({text})"),
                "arrays that are stored or deflated",
            )
            .with_hint("save it with numpy.savez or numpy.savez_compressed");
    }
    source
        .malformed(format!("a damaged zip archive ({text})"), "a NumPy archive")
        .with_hint("the file was cut short or damaged; copy or download it again")
}
