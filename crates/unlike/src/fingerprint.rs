//! Telling whether two sets of samples are the same.

use rayon::prelude::*;
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
            for size in images.shape() {
                hash.update((size as u64).to_le_bytes());
            }
            let digests = (0..images.len()).into_par_iter().map(|p| digest(images, p));
            // In order, so that of several images that cannot be read the first one is reported.
            for digest in digests.collect::<Vec<_>>() {
                hash.update(digest?);
            }
        }
        (Samples::Table(table), InputSpec::Table { columns }) => {
            for spec in columns {
                text(&mut hash, &spec.name);
                match table.column(&spec.name).map(|column| &column.values) {
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
        (Samples::Table(_), InputSpec::Image { .. }) => {}
    }
    let digest = hash.finalize();
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
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
}
