//! One row of a depthwise convolution, compiled for each instruction set.

use super::simd::Simd;

/// `to[x][c] = bias[c] + Σᵢⱼ rows[i][x · stride + j][c] · weight[i][j][c]` with `K` rows and `K` taps
/// in each: a chain of multiply–adds over the taps in order, which begins at the bias.
///
/// Each of `rows` is `[width, c]`, `weight` `[K, K, c]`, `to` `[n, c]`.
#[inline(always)]
pub(crate) fn depthwise<S: Simd>(
    rows: &[&[f32]],
    weight: &[f32],
    bias: &[f32],
    stride: usize,
    to: &mut [f32],
) {
    match rows.len() {
        3 => taps::<S, 3>(rows, weight, bias, stride, to),
        5 => taps::<S, 5>(rows, weight, bias, stride, to),
        other => unreachable!("a window of {other} × {other}"),
    }
}

#[inline(always)]
fn taps<S: Simd, const K: usize>(
    rows: &[&[f32]],
    weight: &[f32],
    bias: &[f32],
    stride: usize,
    to: &mut [f32],
) {
    let channels = bias.len();
    let n = to.len() / channels.max(1);
    if n == 0 {
        return;
    }
    let read = ((n - 1) * stride + K) * channels;
    assert!(rows.iter().all(|row| row.len() >= read));
    assert_eq!((weight.len(), to.len()), (K * K * channels, n * channels));
    let rows: [*const f32; K] = std::array::from_fn(|i| rows[i].as_ptr());
    let whole = channels - channels % S::LANES;
    for at in (0..whole).step_by(S::LANES) {
        // SAFETY: the instruction set is the CPU's, since this is reached through its kernels only;
        // `at + LANES <= channels`, and the lengths were checked above.
        unsafe {
            let mut w = [[S::zero(); K]; K];
            for (i, w) in w.iter_mut().enumerate() {
                for (j, w) in w.iter_mut().enumerate() {
                    *w = S::load(weight.as_ptr().add((i * K + j) * channels + at));
                }
            }
            let bias = S::load(bias.as_ptr().add(at));
            for x in 0..n {
                let mut sum = bias;
                for i in 0..K {
                    let row = rows[i].add(x * stride * channels + at);
                    for j in 0..K {
                        sum = S::fma(S::load(row.add(j * channels)), w[i][j], sum);
                    }
                }
                S::store(to.as_mut_ptr().add(x * channels + at), sum);
            }
        }
    }
    for c in whole..channels {
        for x in 0..n {
            let mut sum = bias[c];
            for i in 0..K {
                for j in 0..K {
                    // SAFETY: within the lengths that were checked above.
                    let value = unsafe { *rows[i].add((x * stride + j) * channels + c) };
                    sum = S::mul_add(value, weight[(i * K + j) * channels + c], sum);
                }
            }
            to[x * channels + c] = sum;
        }
    }
}

/// `clamp(y + bias, 0, cap)` for each row of `y`; without a bias, `clamp(y, 0, cap)`.
#[inline(always)]
pub(crate) fn finish_frozen<S: Simd>(y: &mut [f32], bias: &[f32], cap: f32) {
    if bias.is_empty() {
        for y in y {
            *y = y.clamp(0.0, cap);
        }
        return;
    }
    for row in y.chunks_exact_mut(bias.len()) {
        for (y, b) in row.iter_mut().zip(bias) {
            *y = (*y + b).clamp(0.0, cap);
        }
    }
}
