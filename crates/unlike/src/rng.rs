//! Randomness as a pure function of the seed and of what it is for.
//!
//! Nothing carries generator state from step to step, so a resumed run draws exactly what the
//! uninterrupted one would have drawn.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// What random numbers are drawn for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The first weights of a network.
    Initialisation = 1,
    /// The split into training and held-out samples.
    HoldOut = 2,
    /// The order of an epoch.
    Order = 3,
    /// Latent samples z of a step.
    Latent = 4,
    /// Dropout masks of a step.
    Dropout = 5,
    /// Changes to a training image.
    Augmentation = 6,
    /// Where a search for z begins.
    Search = 7,
    /// Points between real and generated samples.
    Interpolation = 8,
    /// Which patches of an image train.
    Patches = 9,
    /// Noise on the samples of a step.
    Noise = 10,
    /// The seed of one of several networks side by side.
    Member = 11,
}

/// The generator for the `index`-th use of a purpose.
pub fn rng(seed: u64, purpose: Purpose, index: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream((purpose as u64) << 56 | (index & ((1 << 56) - 1)));
    rng
}

/// A seed for the `index`-th use of a purpose, for generators that take one number.
pub fn seed(seed: u64, purpose: Purpose, index: u64) -> u64 {
    use rand::Rng;
    rng(seed, purpose, index).next_u64()
}

/// `count` numbers from N(0, 1).
pub fn normals(rng: &mut ChaCha8Rng, count: usize) -> Vec<f32> {
    (0..count).map(|_| StandardNormal.sample(rng)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purposes_and_indices_do_not_share_numbers() {
        let draw = |purpose, index| normals(&mut rng(7, purpose, index), 4);
        assert_eq!(draw(Purpose::Latent, 3), draw(Purpose::Latent, 3));
        assert_ne!(draw(Purpose::Latent, 3), draw(Purpose::Latent, 4));
        assert_ne!(draw(Purpose::Latent, 3), draw(Purpose::Order, 3));
    }
}
