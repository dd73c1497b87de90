use burn_tensor::{Tensor, TensorData};

/// Inverted dropout: elements are zeroed with `probability` and the others divided by
/// `1 - probability`, so that the expected value stays the same.
///
/// The mask is a pure function of `(seed, element index)`: it is recomputed in the backward pass
/// instead of being stored, and is the same on every device and for any number of threads. Give
/// every call of a training step its own seed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dropout {
    /// Share of elements that are zeroed, in `[0, 1)`.
    pub probability: f32,
    /// Which mask.
    pub seed: u64,
}

impl Dropout {
    /// An element is kept where the upper 24 bits of its hash are at least this.
    pub(crate) fn threshold(self) -> u32 {
        (self.probability.clamp(0.0, 1.0) * 16_777_216.0) as u32
    }

    /// What a kept element is multiplied by.
    pub(crate) fn scale(self) -> f32 {
        1.0 / (1.0 - self.probability)
    }

    /// Two 32-bit keys, so that the hash itself needs 32-bit lanes only.
    pub(crate) fn keys(self) -> (u32, u32) {
        let mixed = splitmix(self.seed);
        (mixed as u32, (mixed >> 32) as u32)
    }

    /// The factor of one element: 0 or [`scale`](Self::scale).
    #[cfg(test)]
    pub(crate) fn factor(self, index: u32) -> f32 {
        let (a, b) = self.keys();
        if hash(index, a, b) >> 8 >= self.threshold() {
            self.scale()
        } else {
            0.0
        }
    }

    /// `x` times the mask, through Burn's own operations.
    pub(crate) fn compose<const D: usize>(self, x: Tensor<D>) -> Tensor<D> {
        let shape = x.shape();
        let (a, b) = self.keys();
        let (threshold, scale) = (self.threshold(), self.scale());
        let mask: Vec<f32> = (0..shape.num_elements() as u32)
            .map(|index| {
                if hash(index, a, b) >> 8 >= threshold {
                    scale
                } else {
                    0.0
                }
            })
            .collect();
        let mask = Tensor::from_data(TensorData::new(mask, shape), &x.device());
        x * mask
    }
}

fn splitmix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A 32-bit integer hash of an element index under a 64-bit key: two multiply–xorshift rounds
/// (the constants are those of the `lowbias32` search by C. Wellons), with the key mixed in twice.
#[inline(always)]
pub(crate) fn hash(index: u32, a: u32, b: u32) -> u32 {
    let mut x = index ^ a;
    x = (x ^ (x >> 16)).wrapping_mul(0x7feb_352d);
    x = (x ^ (x >> 15)).wrapping_mul(0x846c_a68b);
    x = (x ^ (x >> 16)).wrapping_add(b);
    x = (x ^ (x >> 15)).wrapping_mul(0x7feb_352d);
    x ^ (x >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_have_the_asked_share_and_differ_by_seed() {
        let n = 100_000;
        for probability in [0.2_f32, 0.5] {
            let kept = |seed| {
                (0..n)
                    .filter(|&i| Dropout { probability, seed }.factor(i) > 0.0)
                    .collect::<Vec<u32>>()
            };
            let (a, b) = (kept(1), kept(2));
            let share = a.len() as f32 / n as f32;
            assert!((share - (1.0 - probability)).abs() < 0.01, "kept {share}");
            let both = a.iter().filter(|i| b.binary_search(i).is_ok()).count() as f32 / n as f32;
            assert!(
                (both - (1.0 - probability).powi(2)).abs() < 0.01,
                "both kept {both}"
            );
        }
    }
}
