//! Convolution blocks.

use std::sync::Arc;

use burn_tensor::Tensor;

use super::buffer::Buffer;
pub(crate) use super::conv_passes::Packs;
use super::conv_passes::Weight;
use super::finish::Finish;
use super::finish::before;
use super::geometry::Geometry;
use super::graph::{Input, record};
use super::kernels::{Kernels, kernels};
use super::memory::values;
use super::threads::{Out, parallel_if};
use crate::activation::Activation;
use crate::blocks::ConvInputs;
use crate::dropout::Dropout;

/// What is rearranged of a weight that stays as it is: for the way there and for the way back.
pub(crate) type BothPacks = Arc<[Packs; 2]>;

/// From which grid to which.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// A convolution: from the fine grid to the coarse.
    Down,
    /// A transposed convolution: from the coarse grid to the fine.
    Up,
}

/// The same numbers `COUNT` times, each with a graph of gradients of its own: computed once.
pub(crate) fn conv2d<const COUNT: usize>(
    inputs: [ConvInputs; COUNT],
    packs: Option<&BothPacks>,
    stride: usize,
    padding: usize,
    act: Activation,
    dropout: Option<Dropout>,
) -> [Tensor<4>; COUNT] {
    let [images, height, width, _] = inputs[0].x.dims();
    let kernel = inputs[0].w.dims()[0];
    let size = |fine: usize| match (fine + 2 * padding).checked_sub(kernel) {
        Some(rest) => rest / stride + 1,
        None => panic!("conv2d: a kernel of {kernel} is larger than {fine} pixels with padding"),
    };
    let coarse = [height, width].map(size);
    let fine = [height, width];
    let geometry = Geometry {
        images,
        coarse,
        fine,
        kernel,
        stride,
        padding,
    };
    block(Way::Down, geometry, inputs, packs, act, dropout)
}

pub(crate) fn conv_transpose2d(
    inputs: ConvInputs,
    packs: Option<&BothPacks>,
    stride: usize,
    padding: usize,
    output_padding: usize,
    act: Activation,
    dropout: Option<Dropout>,
) -> Tensor<4> {
    let [images, height, width, _] = inputs.x.dims();
    let kernel = inputs.w.dims()[0];
    let size = |coarse: usize| match ((coarse - 1) * stride + kernel + output_padding)
        .checked_sub(2 * padding)
    {
        Some(size) if size > 0 => size,
        _ => panic!("conv_transpose2d: padding {padding} leaves nothing of {coarse} pixels"),
    };
    assert!(
        output_padding < stride,
        "conv_transpose2d: the output padding exceeds the stride"
    );
    let coarse = [height, width];
    let fine = coarse.map(size);
    let geometry = Geometry {
        images,
        coarse,
        fine,
        kernel,
        stride,
        padding,
    };
    let [y] = block(Way::Up, geometry, [inputs], packs, act, dropout);
    y
}

fn block<const COUNT: usize>(
    way: Way,
    geometry: Geometry,
    inputs: [ConvInputs; COUNT],
    packs: Option<&BothPacks>,
    act: Activation,
    dropout: Option<Dropout>,
) -> [Tensor<4>; COUNT] {
    let ConvInputs { x, w, b } = &inputs[0];
    let x_shape = x.dims();
    let w_shape = w.dims();
    let [kernel, other, channels, n] = w_shape;
    assert!(
        kernel == other && channels == x_shape[3] && geometry.stride > 0,
        "convolution: the weight {w_shape:?} does not fit the images {x_shape:?}"
    );
    if let Some(b) = b {
        assert_eq!(
            b.dims(),
            [n],
            "convolution: the bias does not fit the weight"
        );
    }
    let kernels = kernels();
    let inputs = inputs.map(|ConvInputs { x, w, b }| -> Vec<Input> {
        [Some(Input::new(x)), Some(Input::new(w)), b.map(Input::new)]
            .into_iter()
            .flatten()
            .collect()
    });
    let finish = Finish {
        bias: inputs[0].get(2).map(Input::values),
        act,
        dropout,
    };
    let [x, values_of_w] = [0, 1].map(|i| inputs[0][i].values());
    let w = Weight {
        values: values_of_w,
        transposed: false,
        packs: packs.map(|packs| &packs[0]),
    };
    let (y, [height, width]) = match way {
        Way::Down => (geometry.gather(kernels, x, w, finish), geometry.coarse),
        Way::Up => (geometry.scatter(kernels, x, w, finish), geometry.fine),
    };
    let y = y.into_tensor([geometry.images, height, width, n]);
    inputs.map(|inputs| {
        let [x, w] = [0, 1].map(|i| inputs[i].tensor().clone());
        let wanted: Vec<bool> = inputs.iter().map(Input::tracked).collect();
        let packs = packs.cloned();
        let output = y.clone();
        record(y.clone(), inputs, move |_| {
            Box::new(move |dy| {
                let biased = wanted.get(2) == Some(&true);
                let (d, db) = before(
                    kernels,
                    values(&dy),
                    values(&output),
                    n,
                    act,
                    dropout,
                    biased,
                );
                let (d, x) = (d.values(), values(&x));
                let w = Weight {
                    values: values(&w),
                    transposed: true,
                    packs: packs.as_ref().map(|packs| &packs[1]),
                };
                let dx = wanted[0].then(|| match way {
                    Way::Down => geometry.scatter(kernels, d, w, Finish::NONE),
                    Way::Up => geometry.gather(kernels, d, w, Finish::NONE),
                });
                let dw = wanted[1].then(|| match way {
                    Way::Down => geometry.outer(kernels, x, d),
                    Way::Up => {
                        let swapped = geometry.outer(kernels, d, x);
                        transposed(kernels, &swapped, kernel * kernel, n, channels)
                    }
                });
                let mut gradients = vec![
                    dx.map(|dx| dx.into_tensor(x_shape)),
                    dw.map(|dw| dw.into_tensor(w_shape)),
                ];
                if wanted.len() > 2 {
                    gradients.push(db.map(|db| db.into_tensor([n])));
                }
                gradients
            })
        })
    })
}

/// Transposes each of `blocks` matrices `[rows, columns]`.
fn transposed(kernels: &Kernels, x: &[f32], blocks: usize, rows: usize, columns: usize) -> Buffer {
    let mut y = Buffer::new(x.len());
    let size = rows * columns;
    let out = Out::new(&mut y);
    parallel_if(x.len(), blocks, |block| {
        let from = &x[block * size..][..size];
        // SAFETY: every task has its own block.
        let to = unsafe { out.slice(block * size, size) };
        (kernels.transpose)(from, columns, to, rows);
    });
    y
}
