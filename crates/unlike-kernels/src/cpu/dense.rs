//! Networks of fully connected blocks as one operation.
//!
//! No row of a batch depends on another, so a task takes a few rows through all layers while they
//! are in the cache, and a network costs one parallel loop forward and three backward, whatever
//! its depth.

use burn_tensor::Tensor;

use super::buffer::Buffer;
use super::elementwise::Mask;
use super::gemm::{Depth, Packed, Product, Right, Rows, Source as Packing, panels, right};
use super::graph::{Input, MOST_PARENTS, record};
use super::kernels::{Kernels, kernels};
use super::memory::values;
use super::threads::{Out, parallel_if, threads};
use super::wide::{LARGE, WideInput, wide};
use crate::activation::Activation;
use crate::blocks::{Dense, Source};
use crate::dropout::Dropout;

/// Rows that a task takes through the network at most.
const BLOCK: usize = 24;
/// Rows of a weight's gradient that a task computes.
const GRADIENT_ROWS: usize = 24;

/// One input of a layer, and the rows of the layer's weight that belong to it.
struct Part {
    source: Source,
    first_row: usize,
    width: usize,
    depth: Depth,
}

struct Layer {
    columns: usize,
    /// Columns of all layers before it: where it begins in memory that all layers share.
    start: usize,
    parts: Vec<Part>,
    act: Activation,
    dropout: Option<Dropout>,
    /// Where its weight and bias are in the list of all inputs.
    weight: usize,
    bias: Option<usize>,
}

impl Layer {
    /// Whether the output is the affine part itself.
    fn is_affine(&self) -> bool {
        self.act == Activation::Identity && self.dropout.is_none()
    }
}

/// The shapes of a network.
struct Plan {
    kernels: &'static Kernels,
    rows: usize,
    widths: Vec<usize>,
    layers: Vec<Layer>,
}

pub(crate) fn dense(xs: Vec<Tensor<2>>, layers: Vec<Dense>) -> Tensor<2> {
    let tracked = xs.iter().filter(|x| x.is_tracked()).count()
        + layers
            .iter()
            .map(|layer| {
                let bias = layer.b.as_ref().is_some_and(Tensor::is_tracked);
                usize::from(layer.w.is_tracked()) + usize::from(bias)
            })
            .sum::<usize>();
    let sides: Vec<[usize; 2]> = layers.iter().map(|layer| layer.w.dims()).collect();
    let large = sides.iter().any(|[rows, columns]| rows * columns >= LARGE);
    if large || layers.len() > 1 && tracked > MOST_PARENTS {
        return one_by_one(&xs, layers);
    }
    let shapes: Vec<[usize; 2]> = xs.iter().map(Tensor::dims).collect();
    let rows = shapes[0][0];
    let widths = shapes.iter().map(|shape| shape[1]).collect();
    assert!(
        shapes.iter().all(|shape| shape[0] == rows) && !layers.is_empty(),
        "dense: inputs of different lengths, or no layer"
    );
    let mut inputs: Vec<Input> = xs.into_iter().map(Input::new).collect();
    let mut plan = Plan {
        kernels: kernels(),
        rows,
        widths,
        layers: Vec::new(),
    };
    for (layer, sides) in layers.into_iter().zip(sides) {
        let Dense {
            w,
            b,
            act,
            dropout,
            from,
        } = layer;
        let b = b.map(Input::new);
        let biases = b.as_ref().map(|b| b.values().len());
        plan.add(sides, biases, act, dropout, &from, inputs.len());
        inputs.push(Input::new(w));
        inputs.extend(b);
    }
    let wanted: Vec<bool> = inputs.iter().map(Input::tracked).collect();
    let keep = wanted.contains(&true);
    let (hidden, y) = {
        let values: Vec<&[f32]> = inputs.iter().map(Input::values).collect();
        plan.forward(&values, keep)
    };
    let y = y.into_tensor([rows, plan.last().columns]);
    let last = y.clone();
    record(y, inputs, move |saved| {
        Box::new(move |dy| {
            let inputs: Vec<&[f32]> = saved.iter().map(values).collect();
            plan.backward(&inputs, [&hidden, values(&last)], values(&dy), &wanted)
                .into_iter()
                .zip(&saved)
                .map(|(gradient, input)| {
                    gradient.map(|g| g.into_tensor(input.layout().shape().clone()))
                })
                .collect()
        })
    })
}

/// Every layer as a node of its own, for networks with large weights, or with more parameters than
/// a node can have.
fn one_by_one(xs: &[Tensor<2>], layers: Vec<Dense>) -> Tensor<2> {
    let mut outputs: Vec<(Tensor<2>, Activation)> = Vec::new();
    for (index, layer) in layers.into_iter().enumerate() {
        let inputs = layer.from.iter().map(|source| match *source {
            Source::Input(i) => WideInput {
                x: xs[i].clone(),
                rectified: false,
            },
            Source::Layer(i) => match outputs.get(i) {
                Some((x, act)) => WideInput {
                    x: x.clone(),
                    rectified: *act == Activation::Relu,
                },
                None => panic!("dense: layer {index} takes the output of layer {i}"),
            },
        });
        let inputs: Vec<WideInput> = inputs.collect();
        let act = layer.act;
        let y = if layer.w.shape().num_elements() >= LARGE {
            wide(inputs, layer.w, layer.b, act, layer.dropout)
        } else {
            let from = (0..inputs.len()).map(Source::Input).collect();
            let xs = inputs.into_iter().map(|input| input.x).collect();
            dense(xs, vec![Dense { from, ..layer }])
        };
        outputs.push((y, act));
    }
    match outputs.pop() {
        Some((y, _)) => y,
        None => panic!("dense: no layer"),
    }
}

impl Plan {
    fn add(
        &mut self,
        w: [usize; 2],
        b: Option<usize>,
        act: Activation,
        dropout: Option<Dropout>,
        from: &[Source],
        weight: usize,
    ) {
        let [rows, columns] = w;
        let mut first_row = 0;
        let parts: Vec<Part> = from
            .iter()
            .map(|&source| {
                let width = match source {
                    Source::Input(i) => self.widths[i],
                    Source::Layer(i) => self.layers[i].columns,
                };
                first_row += width;
                let depth = Depth::contiguous(width, 1);
                Part {
                    source,
                    first_row: first_row - width,
                    width,
                    depth,
                }
            })
            .collect();
        assert!(
            first_row == rows && b.is_none_or(|b| b == columns),
            "dense: inputs of {first_row} columns and a bias of {b:?} do not fit the weight {w:?}"
        );
        let bias = b.map(|_| weight + 1);
        let start = self
            .layers
            .last()
            .map_or(0, |last| last.start + last.columns);
        self.layers.push(Layer {
            columns,
            start,
            parts,
            act,
            dropout,
            weight,
            bias,
        });
    }

    /// How many tasks share the rows: blocks of about half the largest size on every thread.
    fn blocks(&self) -> usize {
        let each = (self.rows + threads() * BLOCK / 4) / (threads() * BLOCK / 2).max(1);
        (each.max(1) * threads())
            .max(self.rows.div_ceil(BLOCK))
            .min(self.rows)
    }

    fn block(&self, index: usize, blocks: usize) -> (usize, usize) {
        let first = self.rows * index / blocks;
        (first, self.rows * (index + 1) / blocks - first)
    }

    fn last(&self) -> &Layer {
        &self.layers[self.layers.len() - 1]
    }

    /// Columns of all hidden layers.
    fn hidden_columns(&self) -> usize {
        self.last().start
    }

    /// The output of a layer from `[hidden layers, last layer]`.
    fn output<'a>(&self, layer: usize, [hidden, last]: [&'a [f32]; 2]) -> &'a [f32] {
        let Layer { start, columns, .. } = self.layers[layer];
        match layer + 1 == self.layers.len() {
            true => last,
            false => &hidden[self.rows * start..self.rows * (start + columns)],
        }
    }

    /// Outputs of the hidden layers, one after the other, and of the last; without `keep` the
    /// former are not returned.
    fn forward(&self, inputs: &[&[f32]], keep: bool) -> (Buffer, Buffer) {
        let &Self {
            kernels,
            rows,
            ref layers,
            ..
        } = self;
        let last = layers.len() - 1;
        let mut hidden = Buffer::new(if keep {
            rows * self.hidden_columns()
        } else {
            0
        });
        let mut y = Buffer::new(rows * self.last().columns);
        let weights: Vec<Packed<'_>> = layers
            .iter()
            .flat_map(|layer| self.operands(layer, inputs[layer.weight]))
            .collect();
        let (hidden_out, out) = (Out::new(&mut hidden), Out::new(&mut y));
        let blocks = self.blocks();
        let operations = rows * layers.iter().map(|l| inputs[l.weight].len()).sum::<usize>();
        parallel_if(operations, blocks, |block| {
            let (first, height) = self.block(block, blocks);
            // Without `keep`, hidden layers live for this block only.
            let mut own = Buffer::new(if keep {
                0
            } else {
                height * self.hidden_columns()
            });
            let own = Out::new(&mut own);
            let at = |index: usize| {
                let Layer { start, columns, .. } = layers[index];
                match (index == last, keep) {
                    (true, _) => out.at(first * columns),
                    (false, true) => hidden_out.at(rows * start + first * columns),
                    (false, false) => own.at(height * start),
                }
            };
            let mut weights = weights.iter();
            for (index, layer) in layers.iter().enumerate() {
                let columns = layer.columns;
                let y = at(index);
                for (part, weight) in layer.parts.iter().zip(&mut weights) {
                    let x: *const f32 = match part.source {
                        Source::Input(i) => inputs[i][first * part.width..].as_ptr(),
                        Source::Layer(i) => at(i),
                    };
                    let product = Product {
                        a: Rows::Steps(x, part.width, height),
                        a_step: 1,
                        depth: &part.depth,
                        b: weight.right(),
                        n: columns,
                        c: Rows::Steps(y, columns, height),
                        panels: (0, panels(kernels, columns)),
                        add: part.first_row > 0,
                    };
                    // SAFETY: every input has `height` rows of its width from row `first` on, and
                    // so have the outputs, whose rows belong to this task alone.
                    unsafe { product.run(kernels) };
                }
                // SAFETY: rows of this task, which no pointer above is used for any more.
                let done = unsafe { std::slice::from_raw_parts_mut(y, height * columns) };
                let mask = layer
                    .dropout
                    .map(|dropout| Mask::new(dropout, first * columns));
                (kernels.finish)(done, layer.bias.map(|b| inputs[b]), layer.act, mask);
            }
        });
        (hidden, y)
    }

    /// The parts of a layer's weight as right operands.
    fn operands<'a>(
        &'a self,
        layer: &'a Layer,
        weight: &'a [f32],
    ) -> impl Iterator<Item = Packed<'a>> {
        let n = layer.columns;
        layer.parts.iter().map(move |part| {
            let rows = &weight[part.first_row * n..(part.first_row + part.width) * n];
            right(self.kernels, rows, n, self.rows)
        })
    }

    /// Gradients of all inputs, weights and biases, where wanted.
    fn backward(
        &self,
        inputs: &[&[f32]],
        ys: [&[f32]; 2],
        dy: &[f32],
        wanted: &[bool],
    ) -> Vec<Option<Buffer>> {
        let &Self {
            rows, ref layers, ..
        } = self;
        // A gradient flows through a layer where anything before it wants one.
        let mut flows: Vec<bool> = Vec::new();
        let wants = |source: Source, flows: &[bool]| match source {
            Source::Input(i) => wanted[i],
            Source::Layer(i) => flows[i],
        };
        for layer in layers {
            let own = wanted[layer.weight] || layer.bias.is_some_and(|b| wanted[b]);
            flows.push(own || layer.parts.iter().any(|part| wants(part.source, &flows)));
        }
        let weights: Vec<Option<Packed<'_>>> = layers
            .iter()
            .zip(&flows)
            .flat_map(|(layer, &here)| layer.parts.iter().map(move |part| (layer, part, here)))
            .map(|(layer, part, here)| {
                let wanted = here && wants(part.source, &flows);
                wanted.then(|| self.transposed(layer, part, inputs[layer.weight]))
            })
            .collect();
        // Gradients before the activations; that of an affine last layer is `dy` itself.
        let kept = self.hidden_columns()
            + if self.last().is_affine() {
                0
            } else {
                self.last().columns
            };
        let mut ds = Buffer::new(rows * kept);
        let mut gradients: Vec<Option<Buffer>> = wanted
            .iter()
            .enumerate()
            .map(|(i, &wanted)| {
                // An input may be given and not used.
                let used = |part: &Part| part.source == Source::Input(i);
                let used = i >= self.widths.len()
                    || layers.iter().any(|layer| layer.parts.iter().any(used));
                wanted.then(|| match used && rows > 0 {
                    true => Buffer::new(inputs[i].len()),
                    false => Buffer::zeroed(inputs[i].len()),
                })
            })
            .collect();
        if rows == 0 {
            return gradients;
        }
        {
            let ds = Out::new(&mut ds);
            let dxs: Vec<Option<Out<'_>>> = gradients
                .iter_mut()
                .map(|g| g.as_deref_mut().map(Out::new))
                .collect();
            let blocks = self.blocks();
            let operations: usize = layers
                .iter()
                .flat_map(|layer| layer.parts.iter().map(|part| part.width * layer.columns))
                .zip(&weights)
                .map(|(operations, weight)| weight.as_ref().map_or(0, |_| operations))
                .sum();
            parallel_if(operations * rows + 4 * dy.len(), blocks, |block| {
                self.backward_block(block, blocks, ys, dy, &weights, &flows, ds, &dxs);
            });
        }
        let before = |index: usize| {
            let Layer { start, columns, .. } = layers[index];
            match index + 1 == layers.len() && layers[index].is_affine() {
                true => dy,
                false => &ds[rows * start..rows * (start + columns)],
            }
        };
        self.parameters(inputs, ys, before, &mut gradients);
        gradients
    }

    /// The transpose of a part of a weight, as a right operand.
    fn transposed(&self, layer: &Layer, part: &Part, weight: &[f32]) -> Packed<'static> {
        let n = layer.columns;
        let weight = &weight[part.first_row * n..(part.first_row + part.width) * n];
        Packing {
            weight,
            blocks: &[0],
            rows: n,
            n: part.width,
            transposed: true,
        }
        .packed(self.kernels)
    }

    /// Takes the gradient of a few rows back through all layers.
    #[expect(clippy::too_many_arguments, reason = "the body of one loop")]
    fn backward_block(
        &self,
        block: usize,
        blocks: usize,
        ys: [&[f32]; 2],
        dy: &[f32],
        weights: &[Option<Packed<'_>>],
        flows: &[bool],
        ds: Out<'_>,
        dxs: &[Option<Out<'_>>],
    ) {
        let &Self {
            kernels,
            rows: all,
            ref layers,
            ref widths,
        } = self;
        let (first, height) = self.block(block, blocks);
        let last = layers.len() - 1;
        // Gradients of the outputs of hidden layers, and what is written already.
        let mut hidden = Buffer::new(height * self.hidden_columns());
        let hidden = Out::new(&mut hidden);
        let mut written = vec![false; last + widths.len()];
        let mut weights = weights;
        for (index, layer) in layers.iter().enumerate().rev() {
            let (rest, parts) = weights.split_at(weights.len() - layer.parts.len());
            weights = rest;
            if !flows[index] {
                continue;
            }
            let &Layer { columns, start, .. } = layer;
            let rows = first * columns..(first + height) * columns;
            let dy: &[f32] = if index == last {
                &dy[rows.clone()]
            } else {
                // SAFETY: this task's own memory; later layers, which wrote it, are done with.
                let dy = unsafe { hidden.slice(height * start, height * columns) };
                if !written[index] {
                    // No layer that leads to the output uses this one.
                    dy.fill(0.0);
                }
                dy
            };
            let d: &[f32] = if index == last && layer.is_affine() {
                dy
            } else {
                // SAFETY: the rows of this task.
                let d = unsafe { ds.slice(all * start + rows.start, rows.len()) };
                let mask = layer.dropout.map(|dropout| Mask::new(dropout, rows.start));
                let y = &self.output(index, ys)[rows];
                (kernels.finish_backward)(dy, y, d, None, layer.act, mask);
                d
            };
            for (part, weight) in layer.parts.iter().zip(parts) {
                let Some(weight) = weight else { continue };
                let (to, slot) = match part.source {
                    Source::Layer(i) => (Some(hidden.at(height * layers[i].start)), i),
                    Source::Input(i) => (dxs[i].map(|dx| dx.at(first * part.width)), last + i),
                };
                let Some(to) = to else { continue };
                let product = Product {
                    a: Rows::Steps(d.as_ptr(), columns, height),
                    a_step: 1,
                    depth: &Depth::contiguous(columns, 1),
                    b: weight.right(),
                    n: part.width,
                    c: Rows::Steps(to, part.width, height),
                    panels: (0, panels(kernels, part.width)),
                    add: written[slot],
                };
                // SAFETY: `d` has `height` rows of `columns`, the output `height` rows of the
                // part's width, and these rows belong to this task alone.
                unsafe { product.run(kernels) };
                written[slot] = true;
            }
        }
    }

    /// Gradients of the weights and biases: sums over the rows, in order.
    fn parameters<'a>(
        &self,
        inputs: &[&[f32]],
        ys: [&[f32]; 2],
        before: impl Fn(usize) -> &'a [f32] + Sync,
        gradients: &mut [Option<Buffer>],
    ) {
        let &Self {
            kernels,
            rows,
            ref layers,
            ..
        } = self;
        struct Task<'a> {
            layer: usize,
            /// Which rows of which part of the weight; all of the bias if absent.
            rows: Option<(&'a Part, usize, usize)>,
        }
        let mut tasks = Vec::new();
        let mut operations = 0;
        for (layer, plan) in layers.iter().enumerate() {
            if gradients[plan.weight].is_some() {
                for part in &plan.parts {
                    let parts = part.width.div_ceil(GRADIENT_ROWS);
                    operations += part.width * plan.columns * rows;
                    tasks.extend((0..parts).map(|i| {
                        let cut = |i: usize| part.width * i / parts;
                        Task {
                            layer,
                            rows: Some((part, cut(i), cut(i + 1))),
                        }
                    }));
                }
            }
            if plan.bias.is_some_and(|bias| gradients[bias].is_some()) {
                operations += plan.columns * rows;
                tasks.push(Task { layer, rows: None });
            }
        }
        let outs: Vec<Option<Out<'_>>> = gradients
            .iter_mut()
            .map(|g| g.as_deref_mut().map(Out::new))
            .collect();
        parallel_if(operations, tasks.len(), |task| {
            let Task { layer, rows: part } = tasks[task];
            let plan = &layers[layer];
            let columns = plan.columns;
            let Some((part, first, end)) = part else {
                if let Some(out) = plan.bias.and_then(|bias| outs[bias]) {
                    // SAFETY: the bias is this task's.
                    let db = unsafe { out.slice(0, columns) };
                    db.fill(0.0);
                    (kernels.add_rows)(before(layer), db);
                }
                return;
            };
            let Some(out) = outs[plan.weight] else { return };
            let x = match part.source {
                Source::Input(i) => inputs[i],
                Source::Layer(i) => self.output(i, ys),
            };
            let step = part.width as isize;
            let to = out.at((part.first_row + first) * columns);
            let product = Product {
                a: Rows::Steps(x[first..].as_ptr(), 1, end - first),
                a_step: step,
                depth: &Depth::contiguous(rows, step),
                b: Right::Plain(before(layer)),
                n: columns,
                c: Rows::Steps(to, columns, end - first),
                panels: (0, panels(kernels, columns)),
                add: false,
            };
            // SAFETY: a column of `x` has an element every `width` for `rows` rows; the rows of the
            // gradient have `columns` elements and are this task's.
            unsafe { product.run(kernels) };
        });
    }
}
