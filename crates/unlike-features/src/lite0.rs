//! EfficientNet-Lite0 up to 112 channels, frozen: 0.7 million parameters, in the binary.
//!
//! Google, 2020 (Apache-2.0; `weights/NOTICE`): Tan and Le, "EfficientNet: Rethinking model scaling for
//! convolutional neural networks", ICML 2019, in the variant for phones, without squeeze-and-excitation
//! and with ReLU6. Each block is that of Sandler et al., "MobileNetV2: Inverted residuals and linear
//! bottlenecks", CVPR 2018. Batch norms are folded into the convolutions.
//!
//! Padding is TensorFlow's `SAME`: at stride 2, an image of even size is padded on the right and below
//! only.

use std::sync::LazyLock;

use safetensors::{Dtype, SafeTensors};
use unlike_core::{ImageShape, Result};
use unlike_kernels::{Depthwise, Pointwise};

use crate::{
    map::Map,
    network::{Network, Tap},
};

static WEIGHTS: &[u8] = include_bytes!("../weights/lite0.safetensors");

/// Window, stride, expansion, channels in and out, and repeats of each stage.
const STAGES: [(usize, usize, usize, usize, usize, usize); 5] = [
    (3, 1, 1, 32, 16, 1),
    (3, 2, 6, 16, 24, 2),
    (5, 2, 6, 24, 40, 2),
    (3, 2, 6, 40, 80, 3),
    (5, 1, 6, 80, 112, 3),
];

/// Side and stride of the first convolution.
const STEM: (usize, usize) = (3, 2);

/// The stages, as settings name them, with their channels.
pub(crate) const TAPS: [(&str, usize); 5] = [
    ("stage1", 16),
    ("stage2", 24),
    ("stage3", 40),
    ("stage4", 80),
    ("stage5", 112),
];

/// Pixels that a place of each stage is apart from the next.
const STRIDES: [usize; 5] = [2, 4, 8, 16, 16];

/// The network.
#[derive(Debug)]
pub struct Lite0 {
    stem: Pointwise,
    stages: Vec<Vec<Block>>,
}

/// An inverted residual: 1 × 1 wider, depthwise, 1 × 1 narrower, plus the input where sizes agree.
#[derive(Debug)]
struct Block {
    expand: Option<Pointwise>,
    depthwise: Depthwise,
    project: Pointwise,
    residual: bool,
}

impl Lite0 {
    /// The one that is in the binary.
    pub fn bundled() -> &'static Self {
        static NETWORK: LazyLock<Lite0> = LazyLock::new(|| {
            let weights =
                SafeTensors::deserialize(WEIGHTS).expect("the file that the crate is built with");
            Lite0::new(&weights)
        });
        &NETWORK
    }

    fn new(weights: &SafeTensors<'_>) -> Self {
        let array = |name: String| -> Vec<f32> {
            let array = weights.tensor(&name).expect("every layer of the network");
            assert_eq!(array.dtype(), Dtype::F16);
            let halves = array.data().chunks_exact(2);
            halves
                .map(|b| widened(u16::from_le_bytes([b[0], b[1]])))
                .collect()
        };
        let pair = |layer: &str| {
            [
                array(format!("{layer}.weight")),
                array(format!("{layer}.bias")),
            ]
        };
        let pointwise = |layer: &str, relu6| {
            let [weight, bias] = pair(layer);
            Pointwise::new(&weight, bias, relu6)
        };
        let block = |stage: usize, repeat: usize| {
            let (side, stride, expansion, inputs, outputs, _) = STAGES[stage];
            let (inputs, stride) = if repeat == 0 {
                (inputs, stride)
            } else {
                (outputs, 1)
            };
            let name = |layer: &str| format!("stage{stage}.{repeat}.{layer}");
            let [weight, bias] = pair(&name("depthwise"));
            Block {
                expand: (expansion > 1).then(|| pointwise(&name("expand"), true)),
                depthwise: Depthwise::new(weight, bias, side, stride),
                project: pointwise(&name("project"), false),
                residual: stride == 1 && inputs == outputs,
            }
        };
        let stages = (0..STAGES.len()).map(|stage| {
            (0..STAGES[stage].5)
                .map(|repeat| block(stage, repeat))
                .collect()
        });
        Self {
            stem: pointwise("stem", true),
            stages: stages.collect(),
        }
    }

    /// The network with the stages that are read of images of this size.
    pub(crate) fn reading(&'static self, stages: Vec<usize>, image: ImageShape) -> Stages {
        let tap = |&stage: &usize| {
            let (name, channels) = TAPS[stage];
            let places = |length: usize| length.div_ceil(STRIDES[stage]);
            Tap {
                name: name.to_owned(),
                grid: [places(image.height), places(image.width)],
                channels,
            }
        };
        Stages {
            network: self,
            image,
            taps: stages.iter().map(tap).collect(),
            stages,
        }
    }

    /// What the stages up to the `last` one say of an image of one or three channels,
    /// values in [-1, 1].
    pub fn stages(&self, image: &[f32], size: impl Into<ImageShape>, last: usize) -> Vec<Map> {
        let mut map = self.stem(image, size.into());
        let mut maps: Vec<Map> = Vec::with_capacity(last + 1);
        for blocks in &self.stages[..=last] {
            for block in blocks {
                map = block.run(&map);
            }
            maps.push(map.clone());
        }
        maps
    }

    /// [height, width, 1 or 3] → [⌈height / 2⌉, ⌈width / 2⌉, 32]
    fn stem(&self, image: &[f32], size: ImageShape) -> Map {
        let ImageShape {
            height,
            width,
            channels,
        } = size;
        let (side, stride) = STEM;
        let (out_height, top) = same(height, side, stride);
        let (out_width, left) = same(width, side, stride);
        // 0 to 255, less 127, divided by 128, as in training.
        let pixel = |v: f32| (v * 127.5 + 0.5) / 128.0;
        let outputs = self.stem.outputs();
        let mut values = vec![0.0; out_height * out_width * outputs];
        let mut windows = vec![0.0; out_width * side * side * 3]; // [out_width, side, side, 3]
        for (y, out) in values.chunks_exact_mut(out_width * outputs).enumerate() {
            windows.fill(0.0);
            for (x, window) in windows.chunks_exact_mut(side * side * 3).enumerate() {
                for (tap, to) in window.chunks_exact_mut(3).enumerate() {
                    let y = (y * stride + tap / side).wrapping_sub(top);
                    let x = (x * stride + tap % side).wrapping_sub(left);
                    if y < height && x < width {
                        let from = &image[(y * width + x) * channels..][..channels];
                        // Grey is the same in all three.
                        for (c, to) in to.iter_mut().enumerate() {
                            *to = pixel(from[c % channels]);
                        }
                    }
                }
            }
            self.stem.run(&windows, out);
        }
        Map {
            height: out_height,
            width: out_width,
            channels: outputs,
            values,
        }
    }
}

/// Some of the network's stages, for images of one size.
#[derive(Debug)]
pub(crate) struct Stages {
    network: &'static Lite0,
    image: ImageShape,
    stages: Vec<usize>,
    taps: Vec<Tap>,
}

impl Network for Stages {
    fn name(&self) -> &str {
        "lite0"
    }

    fn taps(&self) -> &[Tap] {
        &self.taps
    }

    fn maps(&self, image: &[f32]) -> Result<Vec<Map>> {
        let last = self.stages.iter().copied().max().unwrap_or(0);
        let maps = self.network.stages(image, self.image, last);
        Ok(self
            .stages
            .iter()
            .map(|&stage| maps[stage].clone())
            .collect())
    }
}

impl Block {
    /// [h, w, i] → [⌈h / stride⌉, ⌈w / stride⌉, o], row by row: the wide maps in between exist for as
    /// many rows only as the window is high.
    fn run(&self, x: &Map) -> Map {
        let (side, stride) = (self.depthwise.side(), self.depthwise.stride());
        let (out_height, top) = same(x.height, side, stride);
        let (out_width, left) = same(x.width, side, stride);
        let wide = self.depthwise.channels();
        let row = ((out_width - 1) * stride + side).max(left + x.width) * wide;
        // Padded rows of the input; the row `p` is in the place `p % side`.
        let mut ring = vec![vec![0.0; row]; side];
        let mut ready = 0;
        let mut deep = vec![0.0; out_width * wide];
        let outputs = self.project.outputs();
        let mut values = vec![0.0; out_height * out_width * outputs];
        for (y, out) in values.chunks_exact_mut(out_width * outputs).enumerate() {
            let first = y * stride;
            for p in ready.max(first)..first + side {
                let to = &mut ring[p % side][left * wide..][..x.width * wide];
                let from = p.wrapping_sub(top);
                if from >= x.height {
                    to.fill(0.0);
                    continue;
                }
                let from = &x.values[from * x.width * x.channels..][..x.width * x.channels];
                match &self.expand {
                    Some(expand) => expand.run(from, to), // [w, i] → [w, wide]
                    None => to.copy_from_slice(from),
                }
            }
            ready = first + side;
            let rows: [&[f32]; 5] =
                std::array::from_fn(|i| &ring[(first + i.min(side - 1)) % side][..]);
            self.depthwise.row(&rows[..side], &mut deep); // [out_width, wide]
            self.project.run(&deep, out); // [out_width, o]
            if self.residual {
                for (out, x) in out.iter_mut().zip(&x.values[y * out_width * outputs..]) {
                    *out += x;
                }
            }
        }
        Map {
            height: out_height,
            width: out_width,
            channels: outputs,
            values,
        }
    }
}

/// Length of the output, and what pads the input before it, with TensorFlow's `SAME`.
fn same(length: usize, side: usize, stride: usize) -> (usize, usize) {
    let out = length.div_ceil(stride);
    (out, ((out - 1) * stride + side).saturating_sub(length) / 2)
}

/// A 16-bit float as one of 32.
fn widened(half: u16) -> f32 {
    let sign = u32::from(half >> 15) << 31;
    let (exponent, fraction) = (u32::from(half >> 10 & 0x1f), u32::from(half & 0x3ff));
    match exponent {
        // Subnormal: a whole number of 2⁻²⁴.
        0 => f32::from_bits(sign | (fraction as f32 * 2.0_f32.powi(-24)).to_bits()),
        31 => f32::from_bits(sign | 0x7f80_0000 | fraction << 13),
        _ => f32::from_bits(sign | (exponent + 112) << 23 | fraction << 13),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_widened_exactly() {
        for (half, value) in [
            (0x0000, 0.0),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x3555, 0.333_251_95),
            (0x0001, 5.960_464_5e-8),
            (0x7bff, 65_504.0),
        ] {
            assert_eq!(widened(half), value, "{half:#x}");
        }
        assert_eq!(widened(0x7c00), f32::INFINITY);
    }

    #[test]
    fn an_even_image_is_padded_on_one_side_and_an_odd_one_on_both() {
        assert_eq!(same(224, 3, 2), (112, 0));
        assert_eq!(same(225, 3, 2), (113, 1));
        assert_eq!(same(56, 5, 2), (28, 1));
        assert_eq!(same(14, 5, 1), (14, 2));
        assert_eq!(same(1, 3, 2), (1, 1));
    }

    #[test]
    fn images_of_any_size_have_maps_of_the_stages_sizes() {
        for [height, width, channels] in [[224, 224, 3], [33, 50, 1], [1, 1, 3], [2, 7, 1]] {
            let image = vec![0.25; height * width * channels];
            let maps = Lite0::bundled().stages(&image, [height, width, channels], 4);
            let mut size = [height.div_ceil(2), width.div_ceil(2)];
            for (stage, map) in maps.iter().enumerate() {
                let stride = STAGES[stage].1;
                size = size.map(|length: usize| length.div_ceil(stride));
                assert_eq!([map.height, map.width], size);
                assert_eq!(map.channels, TAPS[stage].1);
                assert!(map.values.iter().all(|v| v.is_finite()));
            }
        }
    }
}
