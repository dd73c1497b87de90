//! Sums of all elements.

/// `Σ f(x)` in the order in which Burn adds on a CPU with vectors of 16 numbers, whatever this CPU
/// has: models that were trained with its sums come out the same, bit for bit.
pub(super) fn sum(x: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    const LANES: usize = 16;
    const VECTORS: usize = 8;
    let mut sums = [[0.0_f32; LANES]; VECTORS];
    let (vectors, rest) = x.as_chunks::<LANES>();
    let (blocks, vectors) = vectors.as_chunks::<VECTORS>();
    for block in blocks {
        for (sums, x) in sums.iter_mut().zip(block) {
            for (sum, &x) in sums.iter_mut().zip(x) {
                *sum += f(x);
            }
        }
    }
    let mut lanes: [f32; LANES] = std::array::from_fn(|i| {
        let [a, b, c, d, e, f, g, h] = sums.map(|sums| sums[i]);
        ((a + b) + (c + d)) + ((e + f) + (g + h))
    });
    for x in vectors {
        for (sum, &x) in lanes.iter_mut().zip(x) {
            *sum += f(x);
        }
    }
    let mut half = LANES / 2;
    while half > 0 {
        for i in 0..half {
            lanes[i] += lanes[i + half];
        }
        half /= 2;
    }
    lanes[0] + rest.iter().map(|&x| f(x)).sum::<f32>()
}
