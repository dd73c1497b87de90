//! Layers of a network that is not trained: on slices, one image at a time, on the caller's thread.
//!
//! Images are NHWC. The bits of an output do not depend on how many are computed together.

use super::{
    gemm::{Depth, Packed, Product, Rows, Source, panels},
    kernels::kernels,
};

/// Rows of the output that are finished while they are in the cache.
const BLOCK: usize = 48;

/// A 1 × 1 convolution, or any product with a fixed matrix, with bias and possibly a ReLU6.
pub struct Pointwise {
    /// `[inputs, outputs]`, in panels.
    weight: Packed<'static>,
    bias: Vec<f32>,
    inputs: usize,
    cap: f32,
}

impl Pointwise {
    /// With `weight` `[inputs, bias.len()]`; `relu6` clamps what comes out to [0, 6].
    ///
    /// # Panics
    /// If the weight is not of that size.
    pub fn new(weight: &[f32], bias: Vec<f32>, relu6: bool) -> Self {
        let n = bias.len();
        let inputs = weight.len() / n.max(1);
        assert!(n > 0 && weight.len() == inputs * n, "a weight of this size");
        let source = Source {
            weight,
            blocks: &[0],
            rows: inputs,
            n,
            transposed: false,
        };
        Self {
            weight: source.packed(kernels()),
            bias,
            inputs,
            cap: if relu6 { 6.0 } else { f32::INFINITY },
        }
    }

    /// Channels of the input.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Channels of the output.
    pub fn outputs(&self) -> usize {
        self.bias.len()
    }

    /// From `x` `[pixels, inputs]` to `y` `[pixels, outputs]`.
    ///
    /// # Panics
    /// If the two are not of as many pixels.
    pub fn run(&self, x: &[f32], y: &mut [f32]) {
        let (kernels, n, k) = (kernels(), self.outputs(), self.inputs);
        let pixels = y.len() / n;
        assert_eq!((x.len(), y.len()), (pixels * k, pixels * n), "whole pixels");
        let depth = Depth::contiguous(k, 1);
        for (x, y) in x.chunks(BLOCK * k).zip(y.chunks_mut(BLOCK * n)) {
            let rows = y.len() / n;
            let product = Product {
                a: Rows::Steps(x.as_ptr(), k, rows),
                a_step: 1,
                depth: &depth,
                b: self.weight.right(),
                n,
                c: Rows::Steps(y.as_mut_ptr(), n, rows),
                panels: (0, panels(kernels, n)),
                add: false,
            };
            // SAFETY: the pointers go over all of `x` and of `y`, which is borrowed exclusively.
            unsafe { product.run(kernels) };
            match self.cap.is_finite() {
                true => (kernels.finish_frozen)(y, &self.bias, self.cap),
                false => add_bias(y, &self.bias),
            }
        }
    }
}

fn add_bias(y: &mut [f32], bias: &[f32]) {
    for row in y.chunks_exact_mut(bias.len()) {
        for (y, b) in row.iter_mut().zip(bias) {
            *y += b;
        }
    }
}

impl std::fmt::Debug for Pointwise {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pointwise({} → {})", self.inputs, self.outputs())
    }
}

/// A depthwise convolution of 3 × 3 or 5 × 5, with bias and ReLU6.
#[derive(Debug)]
pub struct Depthwise {
    /// `[side, side, channels]`
    weight: Vec<f32>,
    bias: Vec<f32>,
    side: usize,
    stride: usize,
}

impl Depthwise {
    /// With `weight` `[side, side, bias.len()]`.
    ///
    /// # Panics
    /// If the side is neither 3 nor 5, the stride is 0, or the weight is not of that size.
    pub fn new(weight: Vec<f32>, bias: Vec<f32>, side: usize, stride: usize) -> Self {
        assert!(matches!(side, 3 | 5) && stride > 0, "a window of 3 or 5");
        let size = side * side * bias.len();
        assert!(size > 0 && weight.len() == size, "a weight of this size");
        Self {
            weight,
            bias,
            side,
            stride,
        }
    }

    /// Pixels of a side of the window.
    pub fn side(&self) -> usize {
        self.side
    }

    /// Pixels from window to window.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Channels of input and output.
    pub fn channels(&self) -> usize {
        self.bias.len()
    }

    /// One row of the output, `[n, channels]`, from as many rows of the input as the window is high:
    /// each `[(n - 1) · stride + side, channels]` or longer, with what pads the image already there.
    ///
    /// # Panics
    /// If there are not `side` rows, or they are shorter.
    pub fn row(&self, rows: &[&[f32]], y: &mut [f32]) {
        assert_eq!(rows.len(), self.side, "the rows of the window");
        let kernels = kernels();
        (kernels.depthwise)(rows, &self.weight, &self.bias, self.stride, y);
        (kernels.finish_frozen)(y, &[], 6.0);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cpu::kernels::available;
    use crate::tests::random;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        #[test]
        fn a_product_does_not_depend_on_the_other_pixels(
            pixels in 1_usize..120, k in 1_usize..300, n in 1_usize..90, relu6: bool, seed: u64,
        ) {
            let (x, w, bias) = (random(pixels * k, seed), random(k * n, seed ^ 1), random(n, seed ^ 2));
            let layer = Pointwise::new(&w, bias.clone(), relu6);
            let mut all = vec![f32::NAN; pixels * n];
            layer.run(&x, &mut all);
            for (pixel, found) in all.chunks_exact(n).enumerate() {
                let x = &x[pixel * k..][..k];
                let mut alone = vec![f32::NAN; n];
                layer.run(x, &mut alone);
                prop_assert_eq!(&alone[..], found);
                for (j, &found) in found.iter().enumerate() {
                    let sum: f64 = (0..k).map(|i| f64::from(x[i]) * f64::from(w[i * n + j])).sum();
                    let sum = sum + f64::from(bias[j]);
                    let expected = if relu6 { sum.clamp(0.0, 6.0) } else { sum };
                    prop_assert!((f64::from(found) - expected).abs() < 1e-4, "{} {}", found, expected);
                }
            }
        }

        #[test]
        fn a_depthwise_row_is_the_sum_over_its_window(
            n in 1_usize..20, channels in 1_usize..70, five: bool, stride in 1_usize..4, seed: u64,
        ) {
            let side = if five { 5 } else { 3 };
            let width = (n - 1) * stride + side;
            let x = random(side * width * channels, seed);
            let (w, bias) = (random(side * side * channels, seed ^ 1), random(channels, seed ^ 2));
            let rows: Vec<&[f32]> = x.chunks_exact(width * channels).collect();
            let mut same = Vec::new();
            for kernels in available() {
                let mut y = vec![f32::NAN; n * channels];
                (kernels.depthwise)(&rows, &w, &bias, stride, &mut y);
                for (at, &found) in y.iter().enumerate() {
                    let (column, c) = (at / channels, at % channels);
                    let mut sum = f64::from(bias[c]);
                    for i in 0..side {
                        for j in 0..side {
                            let x = rows[i][(column * stride + j) * channels + c];
                            sum += f64::from(x) * f64::from(w[(i * side + j) * channels + c]);
                        }
                    }
                    prop_assert!((f64::from(found) - sum).abs() < 1e-5, "{} {}", found, sum);
                }
                if kernels.fused {
                    same.push(y);
                }
            }
            prop_assert!(same.windows(2).all(|pair| pair[0] == pair[1]));
        }
    }
}
