//! One of the files that are read in parts.

use std::{collections::BTreeMap, path::Path};

use unlike_core::{Note, Result};

use super::{Part, Position, input::Input, npy::NpyFile, text::TextFile, typed::TypedChunks};
use crate::{
    arrow_file::ArrowFile,
    dataset::{self, DataSet},
    decimal::Decimal,
    npy,
    parquet_content::Content,
    parquet_file::ParquetFile,
    read::{self, Format, ReadOptions},
    source::Source,
};

/// What the beginning of a file says, before and after what is counted in it.
#[derive(Default)]
pub(super) struct Head(pub(super) [Vec<Note>; 2]);

/// A file that is read some rows at a time, or at once.
pub(super) enum File {
    /// Read at once, and not yet handed out.
    Whole(Option<Box<DataSet>>),
    Text(Box<TextFile>),
    Npy(Box<NpyFile>),
    Parquet(Box<TypedChunks<ParquetFile>>),
    Arrow(Box<TypedChunks<ArrowFile>>),
}

impl File {
    pub(super) fn head(&self) -> Head {
        Head(match self {
            Self::Whole(data) => {
                let notes = data.as_ref().map(|data| data.notes().to_vec());
                [notes.unwrap_or_default(), Vec::new()]
            }
            Self::Text(text) => text.notes.clone(),
            Self::Npy(npy) => [npy.notes.clone(), Vec::new()],
            Self::Parquet(parquet) => [parquet.plan.notes.clone(), Vec::new()],
            Self::Arrow(arrow) => [arrow.plan.notes.clone(), Vec::new()],
        })
        .without_left_out()
    }

    pub(super) fn next(&mut self, rows: usize) -> Result<Option<Part>> {
        match self {
            Self::Whole(data) => Ok(data.take().map(|data| Part {
                data: *data,
                remarks: BTreeMap::new(),
            })),
            Self::Text(text) => text.next(rows),
            Self::Npy(npy) => npy.next(rows),
            Self::Parquet(parquet) => parquet.next(rows),
            Self::Arrow(arrow) => arrow.next(rows),
        }
    }

    pub(super) fn skip(&mut self, to: &Position) -> Result<()> {
        let rows = to.rows;
        match self {
            Self::Whole(data) => *data = None,
            Self::Text(text) => text.skip(rows, to.surveyed)?,
            Self::Npy(npy) => npy.skip(rows),
            Self::Parquet(parquet) => parquet.skip(rows)?,
            Self::Arrow(arrow) => arrow.skip(rows)?,
        }
        Ok(())
    }

    pub(super) fn rows(&self) -> u64 {
        match self {
            // All of them.
            Self::Whole(_) => u64::MAX,
            Self::Text(text) => text.rows(),
            Self::Npy(npy) => npy.rows(),
            Self::Parquet(parquet) => parquet.rows(),
            Self::Arrow(arrow) => arrow.rows(),
        }
    }

    pub(super) fn name(&self, at: usize) -> &str {
        match self {
            Self::Whole(_) => "",
            Self::Text(text) => text.name(at),
            Self::Npy(npy) => npy.name(at),
            Self::Parquet(parquet) => parquet.name(at),
            Self::Arrow(arrow) => arrow.name(at),
        }
    }

    pub(super) fn ignored(&self) -> &[String] {
        match self {
            Self::Whole(_) => &[],
            Self::Text(text) => &text.ignored,
            Self::Npy(npy) => &npy.ignored,
            Self::Parquet(parquet) => &parquet.plan.ignored,
            Self::Arrow(arrow) => &arrow.plan.ignored,
        }
    }

    pub(super) fn comments(&self) -> Option<Note> {
        match self {
            Self::Text(text) => text.comments(),
            Self::Whole(_) | Self::Npy(_) | Self::Parquet(_) | Self::Arrow(_) => None,
        }
    }

    pub(super) fn decimals(&self) -> BTreeMap<String, Decimal> {
        match self {
            Self::Text(text) => text.decimals(),
            Self::Parquet(parquet) => parquet.decimals(),
            Self::Arrow(arrow) => arrow.decimals(),
            Self::Whole(_) | Self::Npy(_) => BTreeMap::new(),
        }
    }

    pub(super) fn share(&self) -> Option<f64> {
        match self {
            Self::Whole(data) => Some(if data.is_none() { 1.0 } else { 0.0 }),
            Self::Text(text) => text.share(),
            Self::Npy(npy) => Some(npy.share()),
            Self::Parquet(parquet) => Some(parquet.share()),
            Self::Arrow(arrow) => Some(arrow.share()),
        }
    }
}

impl Head {
    fn without_left_out(mut self) -> Self {
        for notes in &mut self.0 {
            notes.retain(|note| note.code() != dataset::LEFT_OUT);
        }
        self
    }
}

/// A file whose rows can be read some at a time, if it is larger than what is read at once.
pub(super) fn open_part(path: &Path, options: &ReadOptions, block: usize) -> Result<Option<File>> {
    let Some((format, head)) = look(path, options, block)? else {
        return Ok(None);
    };
    Ok(Some(match format {
        Format::Npy => File::Npy(Box::new(NpyFile::open(path, &head.bytes, options)?)),
        Format::Parquet => {
            let file = ParquetFile::open(path, Content::on_disk(path)?)?;
            File::Parquet(Box::new(TypedChunks::open(file, options)?))
        }
        Format::Arrow => {
            let file = ArrowFile::on_disk(path, options)?;
            File::Arrow(Box::new(TypedChunks::open(file, options)?))
        }
        text => File::Text(Box::new(TextFile::open(path, text, options, block)?)),
    }))
}

/// The format and the beginning of such a file.
pub(super) fn look(
    path: &Path,
    options: &ReadOptions,
    block: usize,
) -> Result<Option<(Format, Source)>> {
    let mut input = Input::open(path, options.max_unpacked)?;
    let mut head = Vec::new();
    if input.read(&mut head, block.max(1))? || head.starts_with(b"PK") {
        return Ok(None);
    }
    // Arrays and what is recognised by names need more than a test may allow.
    let is_plain = input.is_plain();
    input.read(&mut head, 4096)?;
    let (encoding, _) = read::encoding(&head, options);
    let source = Source {
        path: path.to_owned(),
        bytes: match encoding {
            None => head,
            // Text, whose format is found in its own characters.
            Some(encoding) => {
                head.truncate(head.len() / 2 * 2);
                let nameless = Source::without_content(path);
                encoding.decoded(&head, &nameless).unwrap_or_default()
            }
        },
    };
    let format = match options.format {
        Some(format) => format,
        None => read::recognise(&source)?,
    };
    let in_parts = match format {
        // A list of images is no table.
        Format::Csv if read::is_listing(&source, options) => false,
        Format::Csv | Format::Kdd => true,
        Format::Npy => is_plain && !npy::holds_images(&source),
        Format::Parquet | Format::Arrow => is_plain,
        _ => false,
    };
    Ok(in_parts.then_some((format, source)))
}
