//! Loops over slices, compiled for each instruction set; `S` decides how a multiply–add rounds.
//!
//! Sums are kept in [`SUMS`] interleaved partial sums and combined in a fixed order, so that they
//! are the same on every CPU with fused multiply–adds and for any number of threads.

pub(crate) use super::depthwise::{depthwise, finish_frozen};
use super::gemm::GROUP;
use super::math;
use super::simd::Simd;
use crate::activation::Activation;
use crate::blocks::AdamStep;
use crate::dropout::Dropout;
use crate::dropout::hash;

/// Interleaved partial sums of a reduction, and at least the lanes of any instruction set.
const SUMS: usize = 16;

/// A dropout mask, from the element with index `index` on.
#[derive(Clone, Copy)]
pub(crate) struct Mask {
    keys: (u32, u32),
    threshold: u32,
    scale: f32,
    index: u32,
}

impl Mask {
    /// The mask from element `index` of the whole tensor on.
    pub(crate) fn new(dropout: Dropout, index: usize) -> Self {
        Self {
            keys: dropout.keys(),
            threshold: dropout.threshold(),
            scale: dropout.scale(),
            index: index as u32,
        }
    }

    #[inline(always)]
    fn factor(&self, i: usize) -> f32 {
        let bits = hash(self.index.wrapping_add(i as u32), self.keys.0, self.keys.1);
        if bits >> 8 >= self.threshold {
            self.scale
        } else {
            0.0
        }
    }
}

/// `to[k][j] = b[j][k]` for the rows of `b`, each `k` long; `to` has rows of `width`, at least as
/// many as `b` has rows, and zeros after them.
#[inline(always)]
pub(crate) fn transpose<S: Simd>(b: &[f32], k: usize, to: &mut [f32], width: usize) {
    /// At least the lanes of any instruction set.
    const MOST: usize = 16;
    let lanes = S::LANES;
    let n = b.len().checked_div(k).unwrap_or(0);
    assert!(to.len() == k * width && n <= width);
    for first in (0..width).step_by(lanes) {
        let rows = n.saturating_sub(first).min(lanes);
        let span = (width - first).min(lanes);
        for first_k in (0..k).step_by(lanes) {
            let depth = (k - first_k).min(lanes);
            let to = &mut to[first_k * width + first..];
            if rows == lanes && depth == lanes {
                let from = &b[first * k + first_k..];
                debug_assert!(from.len() >= (lanes - 1) * k + lanes);
                // SAFETY: both blocks lie within their slices, as the lengths checked above imply,
                // and the instruction set is the one that this function is compiled for.
                unsafe { S::transpose(from.as_ptr(), k, to.as_mut_ptr(), width) };
                continue;
            }
            let mut block = [[0.0_f32; MOST]; MOST];
            for j in 0..rows {
                block[j][..depth].copy_from_slice(&b[(first + j) * k + first_k..][..depth]);
            }
            for i in 0..depth {
                for j in 0..span {
                    to[i * width + j] = block[j][i];
                }
            }
        }
    }
}

/// `to[i] = Σ w[rows[i], k] · x[k]` for `w [.., x.len()]`, with the sums over `k` in order and cut
/// into groups of [`GROUP`]: the bits of the same product by tiles, in which one column would fill
/// one lane of each vector.
///
/// Rows go in blocks, one for each lane: few enough that the processor fetches all of them early. The
/// last block overlaps the one before it, so that none is cut.
#[inline(always)]
pub(crate) fn matrix_vector<S: Simd>(w: &[f32], rows: &[usize], x: &[f32], to: &mut [f32]) {
    let (lanes, k, count) = (S::LANES, x.len(), rows.len());
    assert!(to.len() == count && rows.iter().all(|&row| (row + 1) * k <= w.len()));
    if count < lanes {
        for (to, &row) in to.iter_mut().zip(rows) {
            let w = &w[row * k..][..k];
            *to = 0.0;
            for (group, (w, x)) in w.chunks(GROUP).zip(x.chunks(GROUP)).enumerate() {
                let chain = |sum, (&w, &x)| S::mul_add(w, x, sum);
                let sum = w.iter().zip(x).fold(0.0, chain);
                *to = if group > 0 { *to + sum } else { sum };
            }
        }
        return;
    }
    let mut first = 0;
    while first < count {
        first = first.min(count - lanes);
        // SAFETY: these rows lie within `w`, as checked above, a block of them from `first` on lies
        // within `rows` and `to`, and the instruction set is this function's.
        unsafe {
            rows_vector::<S>(w.as_ptr(), &rows[first..], x, to[first..].as_mut_ptr());
        }
        first += lanes;
    }
}

/// [`matrix_vector`] of the first `LANES` of `rows`.
///
/// # Safety
/// The CPU has the instruction set; these rows of `w` and so many elements of `to` are the caller's.
#[inline(always)]
unsafe fn rows_vector<S: Simd>(w: *const f32, rows: &[usize], x: &[f32], to: *mut f32) {
    let (lanes, k) = (S::LANES, x.len());
    let mut starts = [w; SUMS];
    for (start, row) in starts[..lanes].iter_mut().zip(rows) {
        *start = w.wrapping_add(row * k);
    }
    let starts = &starts[..lanes];
    for (group, x) in x.chunks(GROUP).enumerate() {
        // SAFETY: the caller vouches for `lanes` rows of `k` elements, and every block ends within
        // them.
        unsafe {
            let mut sum = S::zero();
            let mut at = group * GROUP;
            let blocks = x.chunks_exact(lanes);
            let rest = blocks.remainder();
            for x in blocks {
                sum = S::fma_columns(starts, at, x.as_ptr(), sum);
                at += lanes;
            }
            for (i, &x) in rest.iter().enumerate() {
                let mut column = [0.0_f32; SUMS];
                for (value, start) in column.iter_mut().zip(starts) {
                    *value = *start.add(at + i);
                }
                sum = S::fma(S::load(column.as_ptr()), S::splat(x), sum);
            }
            match group > 0 {
                true => S::store(to, S::add(S::load(to), sum)),
                false => S::store(to, sum),
            }
        }
    }
}

/// `to[j] = Σ x[k] · w[k, first + j]` for `w [x.len(), n]`, over the given `k` only, in ascending
/// order: those at which `x` is not 0, or all. A chain of multiply–adds is not changed by a zero, so
/// the bits are those of all; the weights that a zero would be multiplied by are not read.
#[inline(always)]
pub(crate) fn vector_matrix<S: Simd>(
    x: &[f32],
    ks: &[usize],
    w: &[f32],
    n: usize,
    first: usize,
    to: &mut [f32],
) {
    assert!(w.len() == x.len() * n && first + to.len() <= n);
    let mut at = Columns { x, ks, w, n, first };
    // SAFETY: the instruction set is this function's.
    unsafe {
        let mut to = to;
        // As many columns as there are registers for their sums, then all that are left.
        while S::WIDTH == 4 && to.len() >= 16 * S::LANES {
            to = at.next::<S, 16, false>(to);
        }
        while to.len() >= 8 * S::LANES {
            to = at.next::<S, 8, false>(to);
        }
        match (to.len() / S::LANES, to.len() % S::LANES) {
            (0, 0) => to,
            (0, _) => at.next::<S, 1, true>(to),
            (1, 0) => at.next::<S, 1, false>(to),
            (1, _) => at.next::<S, 2, true>(to),
            (2, 0) => at.next::<S, 2, false>(to),
            (2, _) => at.next::<S, 3, true>(to),
            (3, 0) => at.next::<S, 3, false>(to),
            (3, _) => at.next::<S, 4, true>(to),
            (4, 0) => at.next::<S, 4, false>(to),
            (4, _) => at.next::<S, 5, true>(to),
            (5, 0) => at.next::<S, 5, false>(to),
            (5, _) => at.next::<S, 6, true>(to),
            (6, 0) => at.next::<S, 6, false>(to),
            (6, _) => at.next::<S, 7, true>(to),
            (_, 0) => at.next::<S, 7, false>(to),
            (_, _) => at.next::<S, 8, true>(to),
        };
    }
}

/// What [`vector_matrix`] has yet to compute.
struct Columns<'a> {
    x: &'a [f32],
    ks: &'a [usize],
    w: &'a [f32],
    n: usize,
    first: usize,
}

impl Columns<'_> {
    /// `V` vectors of columns, of which `CUT` cuts the last; gives the output after them.
    ///
    /// # Safety
    /// The CPU has the instruction set.
    #[inline(always)]
    unsafe fn next<'a, S: Simd, const V: usize, const CUT: bool>(
        &mut self,
        to: &'a mut [f32],
    ) -> &'a mut [f32] {
        let &mut Self { x, ks, w, n, first } = self;
        let width = (V * S::LANES).min(to.len());
        let part = width - (V - 1) * S::LANES;
        let (to, rest) = to.split_at_mut(width);
        // SAFETY: slices of `width` elements, which are `V` vectors or, with `CUT`, `part` of the last
        // one; the caller vouches for the instruction set.
        unsafe {
            let mut sums = [S::zero(); V];
            for &k in ks {
                let row = w[k * n + first..][..width].as_ptr();
                let value = S::splat(x[k]);
                for (v, sum) in sums.iter_mut().enumerate() {
                    let weights = match CUT && v == V - 1 {
                        true => S::load_part(row.add(v * S::LANES), part),
                        false => S::load(row.add(v * S::LANES)),
                    };
                    *sum = S::fma(value, weights, *sum);
                }
            }
            for (v, &sum) in sums.iter().enumerate() {
                let to = to.as_mut_ptr().add(v * S::LANES);
                match CUT && v == V - 1 {
                    true => S::store_part(to, part, sum),
                    false => S::store(to, sum),
                }
            }
        }
        self.first += width;
        rest
    }
}

/// Bias, activation and dropout of rows of `bias.len()` (or of any length without a bias).
#[inline(always)]
pub(crate) fn finish<S: Simd>(
    rows: &mut [f32],
    bias: Option<&[f32]>,
    act: Activation,
    mask: Option<Mask>,
) {
    match act {
        Activation::Identity => affine(rows, bias, |x| x),
        Activation::Relu => affine(rows, bias, |x| if x > 0.0 { x } else { 0.0 }),
        Activation::LeakyRelu(slope) => {
            affine(rows, bias, |x| if x > 0.0 { x } else { x * slope });
        }
        Activation::Tanh => affine(rows, bias, |x| math::tanh::<S>(x)),
        Activation::Sigmoid => affine(rows, bias, |x| math::sigmoid::<S>(x)),
    }
    if let Some(mask) = mask {
        for (i, value) in rows.iter_mut().enumerate() {
            *value *= mask.factor(i);
        }
    }
}

#[inline(always)]
fn affine(rows: &mut [f32], bias: Option<&[f32]>, f: impl Fn(f32) -> f32) {
    match bias {
        Some(bias) => {
            for row in rows.chunks_exact_mut(bias.len()) {
                for (value, &bias) in row.iter_mut().zip(bias) {
                    *value = f(*value + bias);
                }
            }
        }
        None => {
            for value in rows {
                *value = f(*value);
            }
        }
    }
}

/// Gradient before the activation, from the gradient `dy` and the block's output `y`; its sums
/// over the rows are added to `sums`.
#[inline(always)]
pub(crate) fn finish_backward<S: Simd>(
    dy: &[f32],
    y: &[f32],
    dx: &mut [f32],
    sums: Option<&mut [f32]>,
    act: Activation,
    mask: Option<Mask>,
) {
    let scale = mask.map_or(1.0, |mask| mask.scale);
    let undo = 1.0 / scale;
    match act {
        Activation::Identity => through(dy, y, dx, mask, |d, _| d),
        Activation::Relu => through(dy, y, dx, mask, |d, y| if y > 0.0 { d } else { 0.0 }),
        Activation::LeakyRelu(slope) => {
            through(dy, y, dx, mask, |d, y| if y > 0.0 { d } else { d * slope });
        }
        Activation::Tanh => through(dy, y, dx, mask, |d, y| {
            let y = y * undo;
            d * S::mul_add(-y, y, 1.0)
        }),
        Activation::Sigmoid => through(dy, y, dx, mask, |d, y| {
            let y = y * undo;
            d * (y * (1.0 - y))
        }),
    }
    if let Some(sums) = sums {
        add_rows::<S>(dx, sums);
    }
}

#[inline(always)]
fn through(dy: &[f32], y: &[f32], dx: &mut [f32], mask: Option<Mask>, f: impl Fn(f32, f32) -> f32) {
    match mask {
        Some(mask) => {
            for (i, (dx, (&dy, &y))) in dx.iter_mut().zip(dy.iter().zip(y)).enumerate() {
                *dx = f(dy * mask.factor(i), y);
            }
        }
        None => {
            for (dx, (&dy, &y)) in dx.iter_mut().zip(dy.iter().zip(y)) {
                *dx = f(dy, y);
            }
        }
    }
}

/// Adds every row of `x` to `sums`, in order.
#[inline(always)]
pub(crate) fn add_rows<S: Simd>(x: &[f32], sums: &mut [f32]) {
    for row in x.chunks_exact(sums.len()) {
        for (sum, &value) in sums.iter_mut().zip(row) {
            *sum += value;
        }
    }
}

/// Sum of `f` over two slices of one length.
#[inline(always)]
fn sum(a: &[f32], b: &[f32], f: impl Fn(f32, f32) -> f32) -> f32 {
    let mut sums = [0.0_f32; SUMS];
    let (a_main, a_rest) = a.as_chunks::<SUMS>();
    let (b_main, b_rest) = b.as_chunks::<SUMS>();
    for (a, b) in a_main.iter().zip(b_main) {
        for i in 0..SUMS {
            sums[i] += f(a[i], b[i]);
        }
    }
    for (sum, (&a, &b)) in sums.iter_mut().zip(a_rest.iter().zip(b_rest)) {
        *sum += f(a, b);
    }
    let mut half = SUMS / 2;
    while half > 0 {
        for i in 0..half {
            sums[i] += sums[i + half];
        }
        half /= 2;
    }
    sums[0]
}

/// Sum of the binary cross-entropy of `sigmoid(x)` with `target`.
#[inline(always)]
pub(crate) fn bce<S: Simd>(x: &[f32], target: f32) -> f32 {
    sum(x, x, |x, _| math::softplus::<S>(x) - target * x)
}

/// `scale` times the gradient of [`bce`].
#[inline(always)]
pub(crate) fn bce_backward<S: Simd>(x: &[f32], target: f32, scale: f32, dx: &mut [f32]) {
    for (dx, &x) in dx.iter_mut().zip(x) {
        *dx = scale * (math::sigmoid::<S>(x) - target);
    }
}

/// Sum of absolute differences.
#[inline(always)]
pub(crate) fn l1<S: Simd>(a: &[f32], b: &[f32]) -> f32 {
    sum(a, b, |a, b| (a - b).abs())
}

/// `scale` times the gradient of [`l1`] in `a`; 0 where both are equal.
#[inline(always)]
pub(crate) fn l1_backward<S: Simd>(a: &[f32], b: &[f32], scale: f32, da: &mut [f32]) {
    for (da, (&a, &b)) in da.iter_mut().zip(a.iter().zip(b)) {
        let up = if a > b { scale } else { 0.0 };
        let down = if a < b { scale } else { 0.0 };
        *da = up - down;
    }
}

/// Sum of squared differences.
#[inline(always)]
pub(crate) fn mse<S: Simd>(a: &[f32], b: &[f32]) -> f32 {
    sum(a, b, |a, b| (a - b) * (a - b))
}

/// `scale` times half the gradient of [`mse`] in `a`.
#[inline(always)]
pub(crate) fn mse_backward<S: Simd>(a: &[f32], b: &[f32], scale: f32, da: &mut [f32]) {
    for (da, (&a, &b)) in da.iter_mut().zip(a.iter().zip(b)) {
        *da = scale * (a - b);
    }
}

/// One Adam update in place, with the step's [`AdamStep::corrections`].
#[inline(always)]
pub(crate) fn adam<S: Simd>(
    param: &mut [f32],
    grad: &[f32],
    m: &mut [f32],
    v: &mut [f32],
    step: &AdamStep,
    (rate, root): (f32, f32),
) {
    let &AdamStep {
        beta1,
        beta2,
        epsilon,
        weight_decay,
        ..
    } = step;
    let (rest1, rest2) = (1.0 - beta1, 1.0 - beta2);
    for (((p, &g), m), v) in param.iter_mut().zip(grad).zip(m).zip(v) {
        let g = S::mul_add(weight_decay, *p, g);
        *m = S::mul_add(beta1, *m, rest1 * g);
        *v = S::mul_add(beta2, *v, rest2 * g * g);
        *p -= rate * *m / S::mul_add(v.sqrt(), root, epsilon);
    }
}

/// `average = decay * average + (1 - decay) * value`
#[inline(always)]
pub(crate) fn ema<S: Simd>(average: &mut [f32], value: &[f32], decay: f32) {
    let rest = 1.0 - decay;
    for (average, &value) in average.iter_mut().zip(value) {
        *average = S::mul_add(decay, *average, rest * value);
    }
}

/// Mean and sum of squared distances from it for each column of some rows; both start at 0.
#[inline(always)]
pub(crate) fn moments<S: Simd>(x: &[f32], mean: &mut [f32], spread: &mut [f32]) {
    add_rows::<S>(x, mean);
    let share = 1.0 / (x.len() / mean.len()) as f32;
    mean.iter_mut().for_each(|mean| *mean *= share);
    for row in x.chunks_exact(mean.len()) {
        for ((spread, &mean), &x) in spread.iter_mut().zip(mean.iter()).zip(row) {
            let distance = x - mean;
            *spread = S::mul_add(distance, distance, *spread);
        }
    }
}

/// The numbers of a normalisation, one of each for every channel.
#[derive(Clone, Copy)]
pub(crate) struct Normal<'a> {
    pub(crate) mean: &'a [f32],
    /// `1 / sqrt(variance + epsilon)`
    pub(crate) rate: &'a [f32],
    /// `gamma * rate`
    pub(crate) scale: &'a [f32],
    /// `beta - mean * scale`
    pub(crate) shift: &'a [f32],
}

/// `y = dropout(act(x * scale + shift))`
#[inline(always)]
pub(crate) fn normalise<S: Simd>(
    x: &[f32],
    scale: &[f32],
    shift: &[f32],
    y: &mut [f32],
    act: Activation,
    mask: Option<Mask>,
) {
    let columns = scale.len();
    for (y, x) in y.chunks_exact_mut(columns).zip(x.chunks_exact(columns)) {
        for (((y, &x), &scale), &shift) in y.iter_mut().zip(x).zip(scale).zip(shift) {
            *y = S::mul_add(x, scale, shift);
        }
        finish::<S>(y, None, act, None);
    }
    if let Some(mask) = mask {
        for (i, value) in y.iter_mut().enumerate() {
            *value *= mask.factor(i);
        }
    }
}

/// Calls `each(i, column, x, d)` with the gradient `d` before the activation, row by row.
macro_rules! for_each_before {
    ($x:ident, $dy:ident, $normal:ident, $act:ident, $mask:ident, |$i:ident, $c:ident, $v:ident, $d:ident| $each:expr) => {{
        let columns = $normal.mean.len();
        let (scales, shifts) = (&$normal.scale[..columns], &$normal.shift[..columns]);
        macro_rules! rows {
            (|$pre:ident, $g:ident| $derivative:expr) => {
                for (row, (x, dy)) in
                    $x.chunks_exact(columns).zip($dy.chunks_exact(columns)).enumerate()
                {
                    for $c in 0..columns {
                        let $i = row * columns + $c;
                        let $v = x[$c];
                        let $pre = S::mul_add($v, scales[$c], shifts[$c]);
                        let $g = match &$mask {
                            Some(mask) => dy[$c] * mask.factor($i),
                            None => dy[$c],
                        };
                        let $d = $derivative;
                        $each;
                    }
                }
            };
        }
        match $act {
            Activation::Identity => rows!(|_pre, g| g),
            Activation::Relu => rows!(|pre, g| if pre > 0.0 { g } else { 0.0 }),
            Activation::LeakyRelu(slope) => rows!(|pre, g| if pre > 0.0 { g } else { g * slope }),
            Activation::Tanh => rows!(|pre, g| {
                let y = math::tanh::<S>(pre);
                g * S::mul_add(-y, y, 1.0)
            }),
            Activation::Sigmoid => rows!(|pre, g| {
                let y = math::sigmoid::<S>(pre);
                g * (y * (1.0 - y))
            }),
        }
    }};
}

/// Adds to `sums` the gradients of `gamma` (first half) and of `beta` (second half).
#[inline(always)]
pub(crate) fn normal_sums<S: Simd>(
    x: &[f32],
    dy: &[f32],
    normal: Normal<'_>,
    sums: &mut [f32],
    act: Activation,
    mask: Option<Mask>,
) {
    let columns = normal.mean.len();
    let (means, rates) = (&normal.mean[..columns], &normal.rate[..columns]);
    let (gammas, betas) = sums.split_at_mut(columns);
    let betas = &mut betas[..columns];
    for_each_before!(x, dy, normal, act, mask, |i, c, v, d| {
        let standard = (v - means[c]) * rates[c];
        gammas[c] = S::mul_add(d, standard, gammas[c]);
        betas[c] += d;
    });
}

/// Gradient of the input: `scale * (d - share * (sum of d + standard x * sum of d * standard x))`.
#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "the body of one loop")]
pub(crate) fn normal_backward<S: Simd>(
    x: &[f32],
    dy: &[f32],
    normal: Normal<'_>,
    sums: &[f32],
    share: f32,
    dx: &mut [f32],
    act: Activation,
    mask: Option<Mask>,
) {
    let columns = normal.mean.len();
    let (means, rates) = (&normal.mean[..columns], &normal.rate[..columns]);
    let (gammas, betas) = (&sums[..columns], &sums[columns..2 * columns]);
    let factors = &normal.scale[..columns];
    let dx = &mut dx[..x.len()];
    for_each_before!(x, dy, normal, act, mask, |i, c, v, d| {
        let standard = (v - means[c]) * rates[c];
        let common = S::mul_add(standard, gammas[c], betas[c]);
        dx[i] = factors[c] * S::mul_add(-share, common, d);
    });
}
