//! A [`Plan`] with weights: what runs, trains and is saved.

use std::sync::Arc;

use rand_chacha::ChaCha8Rng;
use unlike_core::{Arrays, FeatureShape, ImageShape, Result, check_setting};
use unlike_kernels::{Source, dense, reshaped};

use super::{
    Init, Network, Pass, Plan, Value, Visitor,
    conv::Conv,
    dense::Linear,
    join,
    plan::{Made, Node, Op, channels_of},
    weights::Weights,
};
use crate::backend::{Device, Tensor};

/// A network: a plan, and the weights of its layers.
#[derive(Clone, Debug)]
pub struct Net {
    plan: Arc<Plan>,
    /// One for each of the plan's values; inputs have none.
    layers: Vec<Option<Built>>,
}

#[derive(Clone, Debug)]
enum Built {
    Dense(Linear),
    Conv(Conv),
}

/// The weights of one network, at most: 8 GiB of them.
const MOST_WEIGHTS: usize = 1 << 31;

impl Net {
    /// With weights drawn in the order of the plan.
    ///
    /// # Errors
    /// If there would be more weights than any machine for this has room for.
    pub fn draw(
        plan: &Arc<Plan>,
        init: Init,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Result<Self> {
        let weights = plan.weights();
        let found = format!("so wide that a network has {weights} weights");
        let fits = weights <= MOST_WEIGHTS;
        check_setting("networks", found, fits, "at most 2,147,483,648")?;
        Self::build(plan, "", &mut Weights::drawn(init, rng, device))
    }

    /// With the arrays under `path`.
    ///
    /// # Errors
    /// If an array is missing, or has another shape than the plan says; it is named.
    pub fn load(plan: &Arc<Plan>, path: &str, arrays: &Arrays, device: &Device) -> Result<Self> {
        Self::build(plan, path, &mut Weights::loaded(arrays, device))
    }

    fn build(plan: &Arc<Plan>, path: &str, weights: &mut Weights<'_>) -> Result<Self> {
        let mut layers: Vec<Option<Built>> = Vec::with_capacity(plan.nodes.len());
        let mut unfinished = Vec::new();
        for (at, node) in plan.nodes.iter().enumerate() {
            layers.push(build_layer(plan, node, path, weights)?);
            if node.layer().is_some_and(|(layer, _)| layer.spectral) {
                unfinished.push(at);
            }
            // The weights of a stack come first, then its singular vectors.
            let next = plan.nodes.get(at + 1);
            if next.and_then(Node::layer).map(|l| l.1) != node.layer().map(|l| l.1) {
                for at in unfinished.drain(..) {
                    let Made::Layer { path: name, .. } = &plan.nodes[at].made else {
                        continue;
                    };
                    match &mut layers[at] {
                        Some(Built::Dense(l)) => l.build_spectral(&join(path, name), weights)?,
                        Some(Built::Conv(l)) => l.build_spectral(&join(path, name), weights)?,
                        None => {}
                    }
                }
            }
        }
        Ok(Self {
            plan: Arc::clone(plan),
            layers,
        })
    }

    /// What it was built from.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// All outputs, in the order of the plan: inputs [N, size of each] → outputs [N, size of each].
    ///
    /// # Panics
    /// If the plan has another number of inputs or outputs.
    pub fn forward<const I: usize, const O: usize>(
        &self,
        inputs: [Tensor<2>; I],
        pass: Pass,
    ) -> [Tensor<2>; O] {
        assert_eq!(self.plan.outputs.len(), O, "as many outputs as asked for");
        let mut run = Run::new(self, inputs, pass);
        std::array::from_fn(|i| run.row(self.plan.outputs[i].1))
    }

    /// The first output of a network with one input: x [N, size] → [N, size of the output].
    ///
    /// # Panics
    /// If there are more inputs, or no outputs.
    pub fn apply(&self, x: Tensor<2>, pass: Pass) -> Tensor<2> {
        Run::new(self, [x], pass).row(self.plan.outputs[0].1)
    }

    /// One output, without what only the others need: inputs [N, size of each] → [N, size of it].
    ///
    /// # Panics
    /// If there is no output of this name, or another number of inputs.
    pub fn tap<const I: usize>(
        &self,
        output: &str,
        inputs: [Tensor<2>; I],
        pass: Pass,
    ) -> Tensor<2> {
        Run::new(self, inputs, pass).row(self.output(output))
    }

    /// The first output, from what the output `tap` is: [N, size of it] → [N, size of the first].
    ///
    /// # Panics
    /// If there is no output `tap`, or the first needs more than that.
    pub fn after(&self, tap: &str, value: Tensor<2>, pass: Pass) -> Tensor<2> {
        let mut run = Run {
            net: self,
            pass,
            done: vec![None; self.layers.len()],
        };
        run.done[self.output(tap).0] = Some(Now::Row(value));
        run.row(self.plan.outputs[0].1)
    }

    /// [`tap`](Self::tap) for two losses: gradients of the first result go on to what made x, those of
    /// the second to the weights. x [N, size] → [N, size of the output], the same numbers twice.
    ///
    /// Convolutions are computed once, as one training pass; nothing is dropped.
    pub fn tap_twice(&self, output: &str, x: Tensor<2>) -> [Tensor<2>; 2] {
        let chain = self.chain(self.output(output));
        let [frozen, trained] = [x.clone(), x.detach()];
        let convs: Option<Vec<&Conv>> = chain.iter().map(|&value| self.conv(value)).collect();
        let Some(convs) = convs.filter(|convs| !convs.is_empty()) else {
            return [
                self.tap(output, [frozen], Pass::Frozen { dropout: 0 }),
                self.tap(output, [trained], Pass::Train { dropout: 0 }),
            ];
        };
        let shape = &self.plan.nodes[0].shape;
        let maps = [frozen, trained].map(|x| as_maps(x, shape)); // [N, H, W, C]
        let maps = convs
            .into_iter()
            .fold(maps, |maps, conv| conv.forward_twice(maps)); // [N, H', W', C']
        maps.map(as_rows) // [N, H'·W'·C']
    }

    /// ∂y/∂x of the first output y, one number a sample, of a chain whose activations are linear in
    /// pieces: x [N, size] → [N, size]. x itself gets no gradient; the weights do, so that a loss of
    /// these slopes trains them.
    ///
    /// Each piece of such a network is a product of its weights and of masks, which do not change
    /// where the weights move a little. So its slope is the same product the other way round, and
    /// gradients of the slope need first derivatives only.
    ///
    /// # Panics
    /// If a layer has a norm or drops outputs, or y has more than one number.
    pub fn input_gradient(&self, x: Tensor<2>) -> Tensor<2> {
        let n = x.dims()[0];
        let chain = self.chain(self.plan.outputs[0].1);
        for (layer, _) in chain.iter().filter_map(|v| self.plan.nodes[v.0].layer()) {
            let plain = layer.norm.is_none() && !layer.spectral && layer.dropout == 0.0;
            assert!(plain, "a slope of layers without norm and dropout");
        }
        let mut run = Run::new(self, [x.inner()], Pass::Frozen { dropout: 0 });
        let ys: Vec<Tensor<2>> = chain.iter().map(|&value| run.row_alone(value)).collect();
        let last = ys.last().map_or([0, 0], |y| y.dims());
        assert_eq!(last, [n, 1], "one number a sample");
        let device = ys[ys.len() - 1].device();
        let mut gradient: Tensor<2> = Tensor::ones([n, 1], &device);
        for (&value, y) in chain.iter().zip(ys).rev() {
            let node = &self.plan.nodes[value.0];
            gradient = match &self.layers[value.0] {
                Some(Built::Dense(layer)) => layer.backward(gradient, y), // [N, inputs]
                Some(Built::Conv(layer)) => {
                    let maps = |h| as_maps(h, &node.shape);
                    let FeatureShape::Image(ImageShape { height, .. }) =
                        *self.plan.shape(node.from()[0])
                    else {
                        unreachable!("convolutions read maps");
                    };
                    let gradient = layer.backward(maps(gradient), maps(y), height);
                    as_rows(gradient) // [N, H·W·C]
                }
                None => gradient,
            };
        }
        gradient // [N, size]
    }

    fn output(&self, name: &str) -> Value {
        let found = self.plan.outputs.iter().find(|output| output.0 == name);
        found.unwrap_or_else(|| panic!("an output `{name}`")).1
    }

    fn conv(&self, value: Value) -> Option<&Conv> {
        match &self.layers[value.0] {
            Some(Built::Conv(conv)) => Some(conv),
            _ => None,
        }
    }

    /// The values from the only input, itself left out, to this one.
    fn chain(&self, end: Value) -> Vec<Value> {
        let mut chain = Vec::new();
        let mut value = end;
        while self.plan.nodes[value.0].made != Made::Input {
            chain.push(value);
            let [before] = self.plan.nodes[value.0].from()[..] else {
                panic!("a network of layers one after the other");
            };
            value = before;
        }
        chain.reverse();
        chain
    }
}

fn build_layer(
    plan: &Plan,
    node: &Node,
    path: &str,
    weights: &mut Weights<'_>,
) -> Result<Option<Built>> {
    let Made::Layer {
        layer,
        from,
        path: name,
        number,
        ..
    } = &node.made
    else {
        return Ok(None);
    };
    let path = join(path, name);
    Ok(Some(match layer.op {
        Op::Dense { width } => {
            let sizes = [plan.size_of(from), width];
            Built::Dense(Linear::build(&path, sizes, layer, *number, weights)?)
        }
        Op::Conv {
            channels,
            window,
            up,
        } => {
            let channels = [channels_of(plan.shape(from[0])), channels];
            Built::Conv(Conv::build(
                &path,
                channels,
                (window, up),
                layer,
                *number,
                weights,
            )?)
        }
    }))
}

impl Node {
    /// The layer and its stack.
    fn layer(&self) -> Option<(&super::Layer, u64)> {
        match &self.made {
            Made::Layer { layer, stack, .. } => Some((layer, *stack)),
            Made::Input | Made::Reshaped(_) => None,
        }
    }

    fn from(&self) -> &[Value] {
        match &self.made {
            Made::Input => &[],
            Made::Reshaped(value) => std::slice::from_ref(value),
            Made::Layer { from, .. } => from,
        }
    }
}

impl Network for Net {
    fn visit(&mut self, path: &str, visitor: &mut impl Visitor) {
        for (node, built) in self.plan.nodes.iter().zip(&mut self.layers) {
            let (Made::Layer { path: name, .. }, Some(built)) = (&node.made, built) else {
                continue;
            };
            match built {
                Built::Dense(layer) => layer.visit(&join(path, name), visitor),
                Built::Conv(layer) => layer.visit(&join(path, name), visitor),
            }
        }
    }
}

/// One pass: what has been computed so far.
struct Run<'a> {
    net: &'a Net,
    pass: Pass,
    done: Vec<Option<Now>>,
}

/// What a value is in a pass.
#[derive(Clone)]
enum Now {
    /// [N, size]
    Row(Tensor<2>),
    /// [N, H, W, C]
    Maps(Tensor<4>),
}

impl<'a> Run<'a> {
    fn new<const I: usize>(net: &'a Net, inputs: [Tensor<2>; I], pass: Pass) -> Self {
        let mut inputs = inputs.into_iter();
        let given = |node: &Node| match node.made {
            Made::Input => {
                Some(Now::Row(inputs.next().unwrap_or_else(|| {
                    panic!("a network of more than {I} inputs")
                })))
            }
            _ => None,
        };
        let done = net.plan.nodes.iter().map(given).collect();
        assert!(
            inputs.next().is_none(),
            "a network of fewer than {I} inputs"
        );
        Self { net, pass, done }
    }

    /// [N, size]
    fn row(&mut self, value: Value) -> Tensor<2> {
        match self.value(value) {
            Now::Row(row) => row,
            Now::Maps(maps) => as_rows(maps),
        }
    }

    /// [N, size], and kept for the layers that follow, whoever else may read it.
    fn row_alone(&mut self, value: Value) -> Tensor<2> {
        let now = self.value(value);
        self.done[value.0] = Some(now);
        self.row(value)
    }

    /// [N, H, W, C]
    fn maps(&mut self, value: Value) -> Tensor<4> {
        match self.value(value) {
            Now::Maps(maps) => maps,
            Now::Row(row) => as_maps(row, &self.net.plan.nodes[value.0].shape),
        }
    }

    fn value(&mut self, value: Value) -> Now {
        if let Some(now) = &self.done[value.0] {
            return now.clone();
        }
        let net = self.net;
        let node = &net.plan.nodes[value.0];
        let from = node.from();
        let now = match &net.layers[value.0] {
            None => {
                let [from] = from else {
                    panic!("an input that was not given");
                };
                Now::Row(self.row(*from))
            }
            Some(Built::Conv(conv)) => Now::Maps(conv.forward(self.maps(from[0]), self.pass)),
            Some(Built::Dense(layer)) => match layer.norm_apart(self.pass) {
                Some(norm) => Now::Row(layer.forward_normed(self.row(from[0]), norm, self.pass)),
                None => {
                    let (mut inputs, mut blocks) = (Vec::new(), Vec::new());
                    self.fuse(layer, from, &mut inputs, &mut blocks);
                    Now::Row(dense(inputs, blocks))
                }
            },
        };
        if node.readers > 1 {
            self.done[value.0] = Some(now.clone());
        }
        now
    }

    /// Adds a layer to those of one operation, and before it all that only it leads to.
    fn fuse(
        &mut self,
        layer: &Linear,
        from: &[Value],
        inputs: &mut Vec<Tensor<2>>,
        blocks: &mut Vec<unlike_kernels::Dense>,
    ) -> Source {
        let net = self.net;
        let mut sources = Vec::with_capacity(from.len());
        for &value in from {
            let node = &net.plan.nodes[value.0];
            let alone = node.readers == 1 && self.done[value.0].is_none();
            sources.push(match &net.layers[value.0] {
                Some(Built::Dense(before)) if alone && before.norm_apart(self.pass).is_none() => {
                    self.fuse(before, node.from(), inputs, blocks)
                }
                _ => {
                    inputs.push(self.row(value));
                    Source::Input(inputs.len() - 1)
                }
            });
        }
        blocks.push(layer.block(self.pass, sources));
        Source::Layer(blocks.len() - 1)
    }
}

/// [N, H·W·C] → [N, H, W, C].
fn as_maps(row: Tensor<2>, shape: &FeatureShape) -> Tensor<4> {
    let &FeatureShape::Image(ImageShape {
        height,
        width,
        channels,
    }) = shape
    else {
        unreachable!("convolutions read maps");
    };
    let n = row.dims()[0];
    reshaped(row, [n, height, width, channels])
}

/// [N, H, W, C] → [N, H·W·C].
fn as_rows(maps: Tensor<4>) -> Tensor<2> {
    let [n, height, width, channels] = maps.dims();
    reshaped(maps, [n, height * width * channels])
}
