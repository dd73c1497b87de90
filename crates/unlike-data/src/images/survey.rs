//! What is in a folder of images, file by file, whatever is wrong with some of them.

use std::{collections::HashMap, path::Path};

use rayon::prelude::*;
use serde::Serialize;
use sha2::{Digest, Sha256};
use unlike_core::{Images, Result, Samples};

use super::{
    decode::{self, Header},
    folder::headers,
    skipped::{Skipped, Unread, id},
    walk,
};
use crate::{dataset::DataSet, info::LevelCount, source::Source};

/// What the files of images are.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Survey {
    /// Images that can be read, pages and masks included.
    pub images: usize,
    /// Their own sizes, `640 × 480`, most frequent first.
    pub sizes: Vec<LevelCount>,
    /// Their formats.
    pub formats: Vec<LevelCount>,
    /// What their values are: grey, colour, with transparency, more than 8 bits.
    pub modes: Vec<LevelCount>,
    /// Images that cannot be read, and why.
    pub unread: Vec<Unread>,
    /// Files that are no images, by ending.
    pub other_files: Vec<LevelCount>,
    /// Files and folders that this project wrote, which are no data.
    pub own: Vec<String>,
}

impl Survey {
    /// Looks at a folder, or at one file of an image.
    ///
    /// # Errors
    /// If the folder cannot be read at all.
    pub(crate) fn of(root: &Path) -> Result<Self> {
        if root.is_file() {
            return Ok(match decode::headers(&Source::load(root)?) {
                Ok(headers) => Self::default().with(&headers),
                Err(_) => Self::default(),
            });
        }
        let mut skipped = Skipped::new(root, true);
        let walked = walk::walk(root, &mut skipped)?;
        skipped.walked(&walked);
        let read: Vec<_> = walked.images.par_iter().map(|path| headers(path)).collect();
        let mut found = Vec::new();
        for result in read {
            match result {
                Ok(headers) => found.extend(headers),
                Err(error) => skipped.accept(error)?,
            }
        }
        let others = walked.other.iter();
        let others = others.map(|(ending, count)| LevelCount {
            level: ending.clone(),
            count: *count,
        });
        let mut other_files: Vec<LevelCount> = others.collect();
        order(&mut other_files);
        let own = walked.own.iter().map(|path| id(root, path)).collect();
        Ok(Self {
            unread: skipped.into_unread(),
            other_files,
            own,
            ..Self::default().with(&found)
        })
    }

    fn with(self, headers: &[Header]) -> Self {
        let size = |h: &Header| format!("{} × {}", h.size.width, h.size.height);
        Self {
            images: headers.len(),
            sizes: counts(headers.iter().map(size)),
            formats: counts(headers.iter().map(|h| h.format.name().to_owned())),
            modes: counts(headers.iter().map(Header::mode)),
            ..self
        }
    }
}

/// Images that are the same, pixel for pixel, at the size at which they are read.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Duplicates {
    /// Images that are the same as one before them.
    pub images: usize,
    /// How many of these stand in another part, as `train` and `test` are.
    pub across_parts: usize,
    /// How many are normal where the one before is anomalous, or the other way round.
    pub across_labels: usize,
    /// The first pairs, those across parts and labels before others.
    pub examples: Vec<[String; 2]>,
}

impl Duplicates {
    /// Compares all images of a data set.
    ///
    /// # Errors
    /// If an image can no longer be read.
    pub(crate) fn of(data: &DataSet) -> Result<Option<Self>> {
        /// Pairs that are named, at most.
        const EXAMPLES: usize = 5;
        let Samples::Images(images) = data.samples() else {
            return Ok(None);
        };
        let part = |at: usize| {
            data.parts()
                .iter()
                .position(|(_, range)| range.contains(&at))
        };
        let label = |at: usize| data.labels().map(|labels| labels.values()[at]);
        let digests: Vec<Result<[u8; 32]>> = (0..images.len())
            .into_par_iter()
            .map(|at| digest(images, at))
            .collect();
        let mut first: HashMap<[u8; 32], usize> = HashMap::new();
        let mut found = Self::default();
        let mut pairs = Vec::new();
        for (at, digest) in digests.into_iter().enumerate() {
            let earlier = *first.entry(digest?).or_insert(at);
            if earlier == at {
                continue;
            }
            let [parts, labels] = [part(at) != part(earlier), label(at) != label(earlier)];
            found.images += 1;
            found.across_parts += usize::from(parts);
            found.across_labels += usize::from(labels);
            pairs.push((!(parts || labels), [earlier, at]));
        }
        pairs.sort();
        let named = pairs.iter().take(EXAMPLES);
        found.examples = named
            .map(|(_, pair)| pair.map(|at| images.id(at)))
            .collect();
        Ok(Some(found))
    }
}

fn digest(images: &Images, at: usize) -> Result<[u8; 32]> {
    if let Some(digest) = images.known_digest(at) {
        return Ok(digest);
    }
    let bytes: Vec<u8> = images
        .image(at)?
        .iter()
        .flat_map(|v| v.to_le_bytes())
        .collect();
    Ok(Sha256::digest(bytes).into())
}

fn counts(texts: impl Iterator<Item = String>) -> Vec<LevelCount> {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for text in texts {
        *counts.entry(text).or_default() += 1;
    }
    let counts = counts.into_iter();
    let mut counts: Vec<_> = counts
        .map(|(level, count)| LevelCount { level, count })
        .collect();
    order(&mut counts);
    counts
}

/// Most frequent first, ties by name.
fn order(counts: &mut [LevelCount]) {
    counts.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.level.cmp(&b.level)));
}
