//! Networks as data: what plans become, what networks keep, and their slopes.

mod descent;
mod net;
mod networks;
mod spectral;

use unlike_kernels::Activation;

use super::{
    Net, Window,
    plan::{Made, Op},
};

/// A layer as its double in a test needs to know it: path, slope below 0, and the window and direction
/// of a convolution.
type Known = (String, f64, Option<(Window, bool)>);

/// The layers of a network, in the order of its plan.
fn layers(net: &Net) -> Vec<Known> {
    let known = |made: &Made| {
        let Made::Layer { layer, path, .. } = made else {
            return None;
        };
        let below = match layer.activation {
            Activation::Relu => 0.0,
            Activation::LeakyRelu(below) => f64::from(below),
            _ => 1.0,
        };
        let conv = match layer.op {
            Op::Dense { .. } => None,
            Op::Conv { window, up, .. } => Some((window, up)),
        };
        Some((path.clone(), below, conv))
    };
    let nodes = net.plan().nodes.iter();
    nodes.filter_map(|node| known(&node.made)).collect()
}
