//! Rows that are drawn.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Which rows are kept, by their positions.
pub(crate) struct Kept {
    bits: Vec<u64>,
    count: usize,
}

impl Kept {
    /// So many of all, each set of them as likely as any other: selection sampling (Fan, Muller and
    /// Rezucha 1962; Knuth, volume 2, 3.4.2, algorithm S).
    pub(crate) fn draw(all: usize, rows: usize, seed: u64) -> Self {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        let mut left = rows.min(all);
        let mut kept = Self {
            bits: vec![0; all.div_ceil(64)],
            count: left,
        };
        for row in 0..all {
            if left > 0 && generator.random_range(0..all - row) < left {
                kept.bits[row / 64] |= 1 << (row % 64);
                left -= 1;
            }
        }
        kept
    }

    pub(crate) fn all(count: usize) -> Self {
        Self {
            bits: vec![u64::MAX; count.div_ceil(64)],
            count,
        }
    }

    pub(crate) fn contains(&self, row: usize) -> bool {
        let word = self.bits.get(row / 64).copied().unwrap_or(0);
        word >> (row % 64) & 1 == 1
    }

    pub(crate) fn count(&self) -> usize {
        self.count
    }

    pub(crate) fn positions(&self, all: usize) -> Vec<usize> {
        (0..all).filter(|&row| self.contains(row)).collect()
    }

    /// Those from one position to another, counted from the first.
    pub(crate) fn part(&self, from: usize, to: usize) -> Self {
        let mut part = Self {
            bits: vec![0; (to - from).div_ceil(64)],
            count: 0,
        };
        for row in (from..to).filter(|&row| self.contains(row)) {
            let at = row - from;
            part.bits[at / 64] |= 1 << (at % 64);
            part.count += 1;
        }
        part
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_is_as_likely_as_any_other() {
        let mut counts = [0; 10];
        for seed in 0..6000 {
            let kept = Kept::draw(10, 3, seed);
            let rows: Vec<usize> = (0..10).filter(|&row| kept.contains(row)).collect();
            assert_eq!(rows.len(), 3);
            rows.into_iter().for_each(|row| counts[row] += 1);
        }
        // 1,800 each, with a standard deviation of 35.
        assert!(
            counts.iter().all(|&n| (1650..1950).contains(&n)),
            "{counts:?}"
        );
    }
}
