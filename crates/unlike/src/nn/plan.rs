//! Networks as data: which layers there are and what each reads, before there are weights.

use unlike_core::{FeatureShape, ImageShape};
use unlike_kernels::Activation;

use super::{Window, join};

/// A layer without its weights: y = dropout(act(norm(op(x) + b))).
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    pub(super) op: Op,
    pub(super) bias: bool,
    /// The spread of γ around 1.
    pub(super) norm: Option<f32>,
    pub(super) spectral: bool,
    pub(super) activation: Activation,
    pub(super) dropout: f32,
}

/// What a layer does to its inputs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Op {
    Dense {
        width: usize,
    },
    Conv {
        channels: usize,
        window: Window,
        up: bool,
    },
}

/// A fully connected layer that gives `width` numbers.
pub fn dense(width: usize) -> Layer {
    Layer::new(Op::Dense { width })
}

/// A convolution that gives maps of so many channels.
pub fn conv(channels: usize, window: Window) -> Layer {
    let up = false;
    Layer::new(Op::Conv {
        channels,
        window,
        up,
    })
}

/// A transposed convolution that gives maps of so many channels.
pub fn conv_up(channels: usize, window: Window) -> Layer {
    let up = true;
    Layer::new(Op::Conv {
        channels,
        window,
        up,
    })
}

/// Fully connected layers of these widths, all with this activation.
pub fn hidden(widths: &[usize], activation: Activation) -> Vec<Layer> {
    let layer = |&width: &usize| dense(width).act(activation);
    widths.iter().map(layer).collect()
}

impl Layer {
    fn new(op: Op) -> Self {
        Self {
            op,
            bias: true,
            norm: None,
            spectral: false,
            activation: Activation::Identity,
            dropout: 0.0,
        }
    }

    /// What comes after the product, or after the norm if there is one.
    #[must_use]
    pub fn act(self, activation: Activation) -> Self {
        Self { activation, ..self }
    }

    /// Batch norm in place of the bias, which it would take away again.
    #[must_use]
    pub fn norm(self) -> Self {
        self.norm_drawn(0.0)
    }

    /// [`norm`](Self::norm) whose γ is drawn from N(1, `spread`²).
    #[must_use]
    pub fn norm_drawn(self, spread: f32) -> Self {
        Self {
            norm: Some(spread),
            bias: false,
            ..self
        }
    }

    /// Divides the weight by its largest singular value, if that is asked for
    /// ([`Spectral`](super::Spectral)).
    #[must_use]
    pub fn spectral(self, spectral: bool) -> Self {
        Self { spectral, ..self }
    }

    /// [`spectral`](Self::spectral) norm if that is asked for, and otherwise batch [`norm`](Self::norm).
    #[must_use]
    pub fn spectral_or_norm(self, spectral: bool) -> Self {
        match spectral {
            true => self.spectral(true),
            false => self.norm(),
        }
    }

    /// Adds nothing after the product.
    #[must_use]
    pub fn without_bias(self) -> Self {
        Self {
            bias: false,
            ..self
        }
    }

    /// Drops outputs with this probability while training.
    #[must_use]
    pub fn dropout(self, probability: f32) -> Self {
        Self {
            dropout: probability,
            ..self
        }
    }
}

/// A network without its weights: inputs, layers over earlier values, and named outputs.
///
/// Values are rows or maps; a dense layer reads maps as rows, channels innermost. What goes in and
/// comes out is always rows, `[N, size]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    pub(super) nodes: Vec<Node>,
    pub(super) outputs: Vec<(&'static str, Value)>,
    stacks: u64,
}

/// An input of a network, or what one of its layers gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value(pub(super) usize);

/// How a value comes about.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) shape: FeatureShape,
    pub(super) made: Made,
    /// How many layers read it; an output counts as one more.
    pub(super) readers: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Made {
    Input,
    /// The same numbers in another shape.
    Reshaped(Value),
    Layer {
        layer: Layer,
        from: Vec<Value>,
        path: String,
        /// Layers that are drawn together: first their weights, then their singular vectors.
        stack: u64,
        /// Tells the dropping layers of one pass apart.
        number: u64,
    },
}

/// Dropping layers are numbered from here on in each further stack.
const NUMBERS: u64 = 100;

impl Plan {
    /// No values yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A network that is one stack after the other: `input` → all layers → the output `name`.
    pub fn chain<const N: usize>(
        input: &FeatureShape,
        stacks: [(&str, Vec<Layer>); N],
        name: &'static str,
    ) -> Self {
        let mut plan = Self::new();
        let mut value = plan.input(input);
        for (path, layers) in stacks {
            value = plan.stack(path, [value], layers);
        }
        plan.output(name, value)
    }

    /// The next input.
    pub fn input(&mut self, shape: &FeatureShape) -> Value {
        self.add(shape.clone(), Made::Input)
    }

    /// Layers one after the other, named `path.0`, `path.1`, …; the first reads all of `from`, side by
    /// side. Gives what the last one gives.
    ///
    /// # Panics
    /// If there is no layer but more than one value to read, if a convolution reads rows, or if its
    /// window is larger than what it reads.
    pub fn stack(
        &mut self,
        path: &str,
        from: impl Into<Vec<Value>>,
        layers: impl IntoIterator<Item = Layer>,
    ) -> Value {
        let from = from.into();
        let last = self.stack_values(path, from.clone(), layers).pop();
        last.unwrap_or_else(|| match from[..] {
            [value] => value,
            _ => panic!(
                "`{path}`: no layer that brings {} values together",
                from.len()
            ),
        })
    }

    /// A [`stack`](Self::stack); gives what each of its layers gives.
    ///
    /// # Panics
    /// As there.
    pub fn stack_values(
        &mut self,
        path: &str,
        from: impl Into<Vec<Value>>,
        layers: impl IntoIterator<Item = Layer>,
    ) -> Vec<Value> {
        let (mut from, mut values) = (from.into(), Vec::new());
        for (i, layer) in layers.into_iter().enumerate() {
            let value = self.place(join(path, &i.to_string()), from, layer, i as u64);
            values.push(value);
            from = vec![value];
        }
        self.stacks += 1;
        values
    }

    /// One layer, named `path`.
    ///
    /// # Panics
    /// As [`stack`](Self::stack).
    pub fn layer(&mut self, path: &str, from: impl Into<Vec<Value>>, layer: Layer) -> Value {
        let value = self.place(path.to_owned(), from.into(), layer, 0);
        self.stacks += 1;
        value
    }

    /// The same numbers in another shape.
    ///
    /// # Panics
    /// If it has room for more or fewer.
    pub fn reshape(&mut self, value: Value, shape: FeatureShape) -> Value {
        let old = &self.nodes[value.0].shape;
        assert_eq!(old.size(), shape.size(), "{old:?} as {shape:?}");
        self.read(&[value]);
        self.add(shape, Made::Reshaped(value))
    }

    /// Names an output.
    #[must_use]
    pub fn output(mut self, name: &'static str, value: Value) -> Self {
        self.read(&[value]);
        self.outputs.push((name, value));
        self
    }

    /// The shape of a value of one sample.
    pub fn shape(&self, value: Value) -> &FeatureShape {
        &self.nodes[value.0].shape
    }

    fn place(&mut self, path: String, from: Vec<Value>, layer: Layer, at: u64) -> Value {
        let shape = match layer.op {
            Op::Dense { width } => FeatureShape::Row { width },
            Op::Conv {
                channels,
                window,
                up,
            } => {
                let [from] = from[..] else {
                    panic!("`{path}`: a convolution reads one value");
                };
                let &FeatureShape::Image(ImageShape { height, width, .. }) = self.shape(from)
                else {
                    panic!("`{path}`: a convolution reads maps");
                };
                let [height, width] = [height, width].map(|side| {
                    let side = window.applied(side, up);
                    side.unwrap_or_else(|| panic!("`{path}`: {window:?} is too large"))
                });
                FeatureShape::Image(ImageShape {
                    height,
                    width,
                    channels,
                })
            }
        };
        self.read(&from);
        let (stack, number) = (self.stacks, NUMBERS * self.stacks + at);
        self.add(
            shape,
            Made::Layer {
                layer,
                from,
                path,
                stack,
                number,
            },
        )
    }

    fn add(&mut self, shape: FeatureShape, made: Made) -> Value {
        self.nodes.push(Node {
            shape,
            made,
            readers: 0,
        });
        Value(self.nodes.len() - 1)
    }

    fn read(&mut self, values: &[Value]) {
        for value in values {
            self.nodes[value.0].readers += 1;
        }
    }

    /// The numbers of one sample that these values have together.
    pub(super) fn size_of(&self, values: &[Value]) -> usize {
        values.iter().map(|&value| self.shape(value).size()).sum()
    }

    /// Trained numbers, batch norm's and biases left out.
    pub(super) fn weights(&self) -> usize {
        let count = |node: &Node| {
            let Made::Layer { layer, from, .. } = &node.made else {
                return 0;
            };
            match layer.op {
                Op::Dense { width } => self.size_of(from).saturating_mul(width),
                Op::Conv {
                    channels, window, ..
                } => {
                    let inputs = channels_of(self.shape(from[0]));
                    (window.size * window.size * inputs).saturating_mul(channels)
                }
            }
        };
        self.nodes
            .iter()
            .fold(0, |sum, node| sum.saturating_add(count(node)))
    }
}

/// The channels of maps; a row is one of as many channels as it has numbers.
pub(super) fn channels_of(shape: &FeatureShape) -> usize {
    match *shape {
        FeatureShape::Row { width } | FeatureShape::Patch { width, .. } => width,
        FeatureShape::Image(ImageShape { channels, .. }) => channels,
    }
}
