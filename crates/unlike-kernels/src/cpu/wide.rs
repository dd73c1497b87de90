//! One fully connected block with a large weight, which is read from memory once for all rows.

use burn_flex::FlexTensor;
use burn_tensor::Tensor;

use super::buffer::Buffer;
use super::finish::Finish;
use super::finish::before;
use super::gemm::{Depth, Packed, Product, Right, Rows, Source, is_narrow, panels, right};
use super::geometry::{columns, panel_groups};
use super::graph::{Input, record};
use super::kernels::{Kernels, kernels};
use super::memory::values;
use super::row::{not_zero, row};
use super::threads::{Out, parallel_if};
use crate::activation::Activation;
use crate::dropout::Dropout;

/// From so many weights on, the caches do not hold them while rows go by in small blocks.
pub(crate) const LARGE: usize = 1 << 17;

/// Rows that a task computes at most.
const BLOCK: usize = 192;
/// Rows of a gradient that a task computes.
const GRADIENT_ROWS: usize = 48;
/// The gradients of so few inputs are computed one by one.
const THIN: usize = 2;
/// Rows of such a gradient that a task computes at most: blocks of [`Kernels::matrix_vector`].
const THIN_ROWS: usize = 64;

/// An input of [`wide`].
pub(crate) struct WideInput {
    /// `[rows, width]`
    pub(crate) x: Tensor<2>,
    /// Whether it comes out of a ReLU: where it is 0, its gradient goes no further.
    pub(crate) rectified: bool,
}

/// `dropout(act(Σ xᵢ · wᵢ + b))`, with `w` split by rows among the inputs.
pub(crate) fn wide(
    xs: Vec<WideInput>,
    w: Tensor<2>,
    b: Option<Tensor<1>>,
    act: Activation,
    dropout: Option<Dropout>,
) -> Tensor<2> {
    let rows = xs[0].x.dims()[0];
    let widths: Vec<usize> = xs.iter().map(|input| input.x.dims()[1]).collect();
    let rectified: Vec<bool> = xs.iter().map(|input| input.rectified).collect();
    let [inputs, n] = w.dims();
    assert!(
        xs.iter().all(|input| input.x.dims()[0] == rows) && widths.iter().sum::<usize>() == inputs,
        "linear: inputs of {widths:?} columns do not fit the weight {:?}",
        [inputs, n]
    );
    if let Some(b) = &b {
        assert_eq!(b.dims(), [n], "linear: the bias does not fit the weight");
    }
    let mut all: Vec<Input> = xs.into_iter().map(|input| Input::new(input.x)).collect();
    let count = all.len();
    all.push(Input::new(w));
    all.extend(b.map(Input::new));
    let layer = Wide {
        kernels: kernels(),
        rows,
        n,
        widths,
        rectified,
    };
    let y = {
        let xs: Vec<&[f32]> = all[..count].iter().map(Input::values).collect();
        let finish = Finish {
            bias: all.get(count + 1).map(Input::values),
            act,
            dropout,
        };
        layer.forward(&xs, all[count].values(), finish)
    };
    let y = y.into_tensor([rows, n]);
    let output = y.clone();
    let wanted: Vec<bool> = all.iter().map(Input::tracked).collect();
    let saved: Vec<FlexTensor> = all[..=count]
        .iter()
        .map(|input| input.tensor().clone())
        .collect();
    record(y, all, move |_| {
        Box::new(move |dy| {
            let biased = wanted.get(count + 1) == Some(&true);
            let (d, db) = before(
                layer.kernels,
                values(&dy),
                values(&output),
                n,
                act,
                dropout,
                biased,
            );
            let w = values(&saved[count]);
            let xs: Vec<&[f32]> = saved[..count].iter().map(values).collect();
            let mut gradients: Vec<Option<FlexTensor>> = layer
                .input_gradients(&xs, w, d.values(), &wanted)
                .into_iter()
                .zip(&layer.widths)
                .map(|(dx, &width)| dx.map(|dx| dx.into_tensor([rows, width])))
                .collect();
            let dw = wanted[count].then(|| layer.weight_gradient(&xs, d.values()));
            gradients.push(dw.map(|dw| dw.into_tensor([inputs, n])));
            if wanted.len() > count + 1 {
                gradients.push(db.map(|db| db.into_tensor([n])));
            }
            gradients
        })
    })
}

struct Wide {
    kernels: &'static Kernels,
    rows: usize,
    n: usize,
    widths: Vec<usize>,
    rectified: Vec<bool>,
}

impl Wide {
    fn forward(&self, xs: &[&[f32]], w: &[f32], finish: Finish<'_>) -> Buffer {
        let &Self {
            kernels,
            rows,
            n,
            ref widths,
            ..
        } = self;
        if rows == 1 && !is_narrow(n) {
            return row(kernels, xs, w, n, finish);
        }
        let mut y = Buffer::new(rows * n);
        let out = Out::new(&mut y);
        let mut rest = w;
        let parts: Vec<(&[f32], Depth, Packed<'_>)> = xs
            .iter()
            .zip(widths)
            .map(|(x, &width)| {
                let (part, after) = rest.split_at(width * n);
                rest = after;
                (
                    *x,
                    Depth::contiguous(width, 1),
                    right(kernels, part, n, rows),
                )
            })
            .collect();
        let blocks = rows.div_ceil(BLOCK);
        let all_panels = panels(kernels, n);
        let groups = panel_groups(all_panels, blocks);
        parallel_if(rows * w.len(), blocks * groups, |task| {
            let (block, group) = (task / groups, task % groups);
            let (first, end) = (rows * block / blocks, rows * (block + 1) / blocks);
            let panels = (
                all_panels * group / groups,
                all_panels * (group + 1) / groups,
            );
            for (i, ((x, depth, weight), width)) in parts.iter().zip(widths).enumerate() {
                let product = Product {
                    a: Rows::Steps(x[first * width..].as_ptr(), *width, end - first),
                    a_step: 1,
                    depth,
                    b: weight.right(),
                    n,
                    c: Rows::Steps(out.at(first * n), n, end - first),
                    panels,
                    add: i > 0,
                };
                // SAFETY: rows of `x` have `width` elements; these columns of these rows of the
                // output are this task's.
                unsafe { product.run(kernels) };
            }
            // SAFETY: as above.
            unsafe { finish.run(kernels, out, first..end, n, columns(kernels, n, panels)) };
        });
        y
    }

    /// Gradients of the inputs, where wanted: each as the transpose of `w · dᵀ`, which reads the
    /// weight as it lies. Both ways to compute it give the same bits.
    ///
    /// A few rows are taken one by one; where such a row of an input that comes out of a ReLU is 0,
    /// its gradient is 0 too, and a row of the weight is not read.
    fn input_gradients(
        &self,
        xs: &[&[f32]],
        w: &[f32],
        d: &[f32],
        wanted: &[bool],
    ) -> Vec<Option<Buffer>> {
        let &Self {
            kernels,
            rows,
            n,
            ref widths,
            ref rectified,
        } = self;
        let wanted = &wanted[..widths.len()];
        let thin = rows <= THIN;
        let transposed = (!thin && wanted.contains(&true)).then(|| {
            Source {
                weight: d,
                blocks: &[0],
                rows: n,
                n: rows,
                transposed: true,
            }
            .pack(kernels)
        });
        let mut first_row = 0;
        let inputs = xs.iter().zip(widths).zip(rectified).zip(wanted);
        let gradients = inputs.map(|(((x, &width), &rectified), &wanted)| {
            let part = &w[first_row * n..(first_row + width) * n];
            first_row += width;
            wanted.then(|| match &transposed {
                Some(d) => self.input_gradient(part, width, d),
                None => self.thin_input_gradient(part, rectified.then_some(x), width, d),
            })
        });
        gradients.collect()
    }

    /// From the transpose of `d`, packed.
    fn input_gradient(&self, w: &[f32], width: usize, d: &[f32]) -> Buffer {
        let &Self {
            kernels, rows, n, ..
        } = self;
        let depth = Depth::contiguous(n, 1);
        let mut swapped = Buffer::new(rows * width);
        let out = Out::new(&mut swapped);
        parallel_if(rows * w.len(), width.div_ceil(GRADIENT_ROWS), |task| {
            let (first, end) = (task * GRADIENT_ROWS, width.min((task + 1) * GRADIENT_ROWS));
            let product = Product {
                a: Rows::Steps(w[first * n..].as_ptr(), n, end - first),
                a_step: 1,
                depth: &depth,
                b: Right::Packed(d),
                n: rows,
                c: Rows::Steps(out.at(first * rows), rows, end - first),
                panels: (0, panels(kernels, rows)),
                add: false,
            };
            // SAFETY: rows of the weight have `n` elements; these rows of the output are this
            // task's.
            unsafe { product.run(kernels) };
        });
        let mut dx = Buffer::new(rows * width);
        (kernels.transpose)(&swapped, rows, &mut dx, width);
        dx
    }

    /// From `d` as it is; where `x` is given and 0, so is the gradient.
    fn thin_input_gradient(&self, w: &[f32], x: Option<&[f32]>, width: usize, d: &[f32]) -> Buffer {
        let &Self {
            kernels, rows, n, ..
        } = self;
        let mut dx = match x {
            Some(_) => Buffer::zeroed(rows * width),
            None => Buffer::new(rows * width),
        };
        let out = Out::new(&mut dx);
        let mut all: Vec<usize> = (0..width).collect();
        for (row, d) in d.chunks_exact(n).enumerate() {
            let counts = match x {
                Some(x) => not_zero(&x[row * width..][..width], &mut all),
                None => &all[..],
            };
            let tasks = counts.len().div_ceil(THIN_ROWS);
            parallel_if(counts.len() * n, tasks, |task| {
                // As many for each: a few that are left over would fill no block.
                let cut = |task: usize| counts.len() * task / tasks;
                let counts = &counts[cut(task)..cut(task + 1)];
                let mut found = [0.0; THIN_ROWS];
                let found = &mut found[..counts.len()];
                (kernels.matrix_vector)(w, counts, d, found);
                for (&at, &found) in counts.iter().zip(&*found) {
                    // SAFETY: every row of the weight is one task's.
                    unsafe { *out.at(row * width + at) = found };
                }
            });
        }
        dx
    }

    fn weight_gradient(&self, xs: &[&[f32]], d: &[f32]) -> Buffer {
        let &Self {
            kernels,
            rows,
            n,
            ref widths,
            ..
        } = self;
        let inputs: usize = widths.iter().sum();
        let mut dw = Buffer::new(inputs * n);
        if rows == 0 {
            dw.fill(0.0);
            return dw;
        }
        let out = Out::new(&mut dw);
        let mut first_row = 0;
        for (x, &width) in xs.iter().zip(widths) {
            let depth = Depth::contiguous(rows, width as isize);
            let tasks = width.div_ceil(GRADIENT_ROWS);
            parallel_if(rows * width * n, tasks, |task| {
                let (first, end) = (width * task / tasks, width * (task + 1) / tasks);
                let product = Product {
                    a: Rows::Steps(x[first..].as_ptr(), 1, end - first),
                    a_step: width as isize,
                    depth: &depth,
                    b: Right::Plain(d),
                    n,
                    c: Rows::Steps(out.at((first_row + first) * n), n, end - first),
                    panels: (0, panels(kernels, n)),
                    add: false,
                };
                // SAFETY: a column of `x` has an element every `width` for `rows` rows; these rows
                // of the gradient are this task's.
                unsafe { product.run(kernels) };
            });
            first_row += width;
        }
        dw
    }
}
