//! Telling whether two sets of samples are the same, or have samples in common.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use unlike_core::{Images, InputSpec, Result, Samples, Values};

/// Values that are brought to bytes at a time.
const BLOCK: usize = 4096;

/// SHA-256 over what a model reads of these samples, in their order, as hexadecimal digits.
///
/// # Errors
/// If an image can no longer be read.
pub(crate) fn fingerprint(samples: &Samples, input: &InputSpec) -> Result<String> {
    let mut hash = Sha256::new();
    hash.update((samples.len() as u64).to_le_bytes());
    match (samples, input) {
        (Samples::Images(images), _) => {
            let shape = images.shape();
            for size in [shape.height, shape.width, shape.channels] {
                hash.update((size as u64).to_le_bytes());
            }
            let digests = (0..images.len()).into_par_iter().map(|p| digest(images, p));
            // In order, so that of several images that cannot be read the first one is reported.
            for digest in digests.collect::<Vec<_>>() {
                hash.update(digest?);
            }
        }
        (Samples::Table(table), InputSpec::Table { columns }) => {
            let by_name = table.by_name();
            for spec in columns {
                text(&mut hash, &spec.name);
                match by_name.get(spec.name.as_str()).map(|column| &column.values) {
                    None => hash.update([0]),
                    Some(Values::Number(values)) => {
                        hash.update([1]);
                        for block in values.chunks(BLOCK) {
                            let bytes: Vec<u8> =
                                block.iter().flat_map(|v| v.to_le_bytes()).collect();
                            hash.update(bytes);
                        }
                    }
                    Some(category @ Values::Category { .. }) => {
                        hash.update([2]);
                        // Codes depend on which levels a file has, texts do not.
                        (0..table.rows()).for_each(|row| text(&mut hash, &category.text(row)));
                    }
                }
            }
        }
        // Images are expected: no such model was trained on a table.
        (Samples::Table(_), InputSpec::Image(_)) => {}
    }
    let digest = hash.finalize();
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Rows that a [`Sketch`] keeps.
const SKETCH: usize = 1024;

/// A part of the rows of a table that others can be looked up in: those with the smallest hashes.
/// Whatever the order and the number of other rows, a row that is smaller than the largest of them is
/// among them if it was in the table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sketch {
    /// Ascending.
    hashes: Vec<u64>,
}

impl Sketch {
    /// Of what a model reads of these samples; empty for images.
    pub(crate) fn of(samples: &Samples, input: &InputSpec) -> Self {
        let mut hashes = row_hashes(samples, input);
        hashes.sort_unstable();
        hashes.dedup();
        hashes.truncate(SKETCH);
        Self { hashes }
    }

    /// The share of these samples that equal one of the sketched ones, as far as it can be told: exactly
    /// up to 1,024 distinct sketched rows, and from those of the samples that would be in it beyond.
    pub(crate) fn share_of(&self, samples: &Samples, input: &InputSpec) -> Option<f64> {
        let largest = match self.hashes.len() {
            SKETCH => *self.hashes.last()?,
            _ => u64::MAX,
        };
        let mut hashes = row_hashes(samples, input);
        hashes.retain(|&hash| hash <= largest);
        let found = hashes
            .iter()
            .filter(|h| self.hashes.binary_search(h).is_ok());
        (!hashes.is_empty() && !self.hashes.is_empty())
            .then(|| found.count() as f64 / hashes.len() as f64)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }
}

/// One hash per row of a table, the same on every machine; none for images.
fn row_hashes(samples: &Samples, input: &InputSpec) -> Vec<u64> {
    let (Samples::Table(table), InputSpec::Table { columns }) = (samples, input) else {
        return Vec::new();
    };
    let by_name = table.by_name();
    let values = |name: &str| by_name.get(name).map(|column| &column.values);
    let columns: Vec<Option<&Values>> = columns.iter().map(|spec| values(&spec.name)).collect();
    let hash = |row: usize| {
        let mut hash = Sha256::new();
        for values in &columns {
            match values {
                None => hash.update([0]),
                // Adding zero makes one of -0 and 0.
                Some(Values::Number(values)) => hash.update((values[row] + 0.0).to_le_bytes()),
                Some(category) => text(&mut hash, &category.text(row)),
            }
        }
        let digest = hash.finalize();
        digest
            .iter()
            .take(8)
            .fold(0, |all, &byte| all << 8 | u64::from(byte))
    };
    (0..table.rows()).into_par_iter().map(hash).collect()
}

/// SHA-256 over the values of an image, which is read only if its source does not know it.
fn digest(images: &Images, position: usize) -> Result<[u8; 32]> {
    if let Some(digest) = images.known_digest(position) {
        return Ok(digest);
    }
    let pixels = images.image(position)?;
    let bytes: Vec<u8> = pixels.iter().flat_map(|v| v.to_le_bytes()).collect();
    Ok(Sha256::digest(bytes).into())
}

/// A text and its end.
fn text(hash: &mut Sha256, text: &str) {
    hash.update((text.len() as u64).to_le_bytes());
    hash.update(text);
}

#[cfg(test)]
mod tests {
    use unlike_core::Table;

    use super::*;

    fn table(names: &[&str], values: &[f64]) -> Samples {
        Samples::Table(Table::from_rows("t", names, values).unwrap())
    }

    #[test]
    fn known_columns_and_their_values_count_and_nothing_else() {
        let input = InputSpec::Table {
            columns: ["a", "b"]
                .map(|name| unlike_core::ColumnSpec {
                    name: name.into(),
                    kind: unlike_core::ColumnKind::Number,
                })
                .to_vec(),
        };
        let of =
            |names: &[&str], values: &[f64]| fingerprint(&table(names, values), &input).unwrap();
        let own = of(&["a", "b"], &[1.0, 2.0, 3.0, 4.0]);
        assert_eq!(own, of(&["b", "x", "a"], &[2.0, 9.0, 1.0, 4.0, 9.0, 3.0]));
        assert_ne!(own, of(&["a", "b"], &[1.0, 2.0, 3.0, 5.0]));
        assert_ne!(own, of(&["a", "b"], &[3.0, 4.0, 1.0, 2.0]));
        assert_ne!(own, of(&["a", "b"], &[1.0, 2.0]));
    }

    #[test]
    fn rows_in_common_are_counted_whatever_their_order() {
        let input = InputSpec::Table {
            columns: vec![unlike_core::ColumnSpec {
                name: "a".into(),
                kind: unlike_core::ColumnKind::Number,
            }],
        };
        let rows = |from: u32, to: u32| {
            let values: Vec<f64> = (from..to).rev().map(f64::from).collect();
            table(&["a"], &values)
        };
        let few = Sketch::of(&rows(0, 100), &input);
        assert_eq!(few.share_of(&rows(50, 150), &input), Some(0.5));
        assert_eq!(few.share_of(&rows(100, 150), &input), Some(0.0));
        let many = Sketch::of(&rows(0, 50_000), &input);
        let half = many.share_of(&rows(40_000, 60_000), &input).unwrap();
        assert!((half - 0.5).abs() < 0.1, "{half}");
        assert_eq!(Sketch::default().share_of(&rows(0, 9), &input), None);
    }
}
