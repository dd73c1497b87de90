//! Adam, over the parameters of one network.

use serde::{Deserialize, Serialize};
use unlike_core::{Arrays, Error, Result};
use unlike_kernels::{AdamStep, adam_all, flat, reshaped, zeros};

use super::{Net, Network, Param, Pass, Visitor};
use crate::{
    backend::{Gradients, Tensor, tensor, values},
    settings::{Positive, Share},
};

/// Settings of [`Adam`] (Kingma & Ba 2015).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdamConfig {
    /// Step size at the start of training.
    pub learning_rate: Positive,
    /// Decay of the first moment.
    pub beta1: Share,
    /// Decay of the second moment.
    pub beta2: Share,
    /// Longest gradient of a loss, over all parameters that it trains together; longer ones are scaled
    /// down to it. Unlimited if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip: Option<Positive>,
}

impl AdamConfig {
    /// What DCGAN settled on, at this learning rate: β = (0.5, 0.999).
    ///
    /// # Panics
    /// If the learning rate is not above 0.
    pub fn gan(learning_rate: f32) -> Self {
        Self {
            learning_rate: Positive::of(learning_rate),
            beta1: Share::of(0.5),
            beta2: Share::of(0.999),
            clip: None,
        }
    }
}

/// Adam's ε, PyTorch's default.
const EPSILON: f32 = 1e-8;

/// Adam over all parameters of one network.
#[derive(Clone, Debug)]
pub(super) struct Adam {
    config: AdamConfig,
    steps: u64,
    /// First and second moment of each parameter, flattened, in visiting order.
    moments: Vec<[Tensor<1>; 2]>,
}

impl Adam {
    /// A fresh optimiser.
    pub(super) fn new(config: AdamConfig) -> Self {
        Self {
            config,
            steps: 0,
            moments: Vec::new(),
        }
    }

    /// Moves every parameter by one step against its gradient, as [`gradients_of`] gave them. `rate`
    /// scales the learning rate.
    pub(super) fn step(&mut self, network: &mut Net, grads: Vec<Tensor<1>>, rate: f32) {
        /// Takes every parameter out: all are updated together, in their own memory.
        struct Take {
            grads: std::vec::IntoIter<Tensor<1>>,
            moments: std::vec::IntoIter<[Tensor<1>; 2]>,
            taken: Vec<[Tensor<1>; 4]>,
            shapes: Vec<Vec<usize>>,
        }
        impl Visitor for Take {
            fn param<const D: usize>(&mut self, _: &str, param: &mut Param<D>) {
                let Some(grad) = self.grads.next() else {
                    return;
                };
                let fresh = || [(); 2].map(|()| zeros(grad.dims(), &grad));
                let [m, v] = self.moments.next().unwrap_or_else(fresh);
                let value = param.take();
                self.shapes.push(value.dims().to_vec());
                self.taken.push([flat(value), grad, m, v]);
            }
        }
        struct Put<'a> {
            values: std::vec::IntoIter<(Tensor<1>, Tensor<1>, Tensor<1>)>,
            shapes: std::vec::IntoIter<Vec<usize>>,
            moments: &'a mut Vec<[Tensor<1>; 2]>,
        }
        impl Visitor for Put<'_> {
            fn param<const D: usize>(&mut self, _: &str, param: &mut Param<D>) {
                let (Some((value, m, v)), Some(shape)) = (self.values.next(), self.shapes.next())
                else {
                    return;
                };
                param.put(reshaped(
                    value,
                    std::array::from_fn::<_, D, _>(|i| shape[i]),
                ));
                self.moments.push([m, v]);
            }
        }

        self.steps += 1;
        let AdamConfig {
            learning_rate,
            beta1,
            beta2,
            clip: _,
        } = self.config;
        let step = AdamStep {
            learning_rate: learning_rate.get() * rate,
            beta1: beta1.get(),
            beta2: beta2.get(),
            epsilon: EPSILON,
            weight_decay: 0.0,
            step: self.steps,
        };
        let mut take = Take {
            grads: grads.into_iter(),
            moments: std::mem::take(&mut self.moments).into_iter(),
            taken: Vec::new(),
            shapes: Vec::new(),
        };
        network.visit("", &mut take);
        network.visit(
            "",
            &mut Put {
                values: adam_all(take.taken, &step).into_iter(),
                shapes: take.shapes.into_iter(),
                moments: &mut self.moments,
            },
        );
    }

    /// Writes the moments and the step count under `path`.
    pub(super) fn save(&self, path: &str, arrays: &mut Arrays) {
        // The count is cut into two exact halves: an f32 holds integers up to 2^24 only.
        let steps = [(self.steps >> 24) as f32, (self.steps & 0xFF_FFFF) as f32];
        arrays.insert(format!("{path}.steps"), &[2], steps.to_vec());
        for (i, [m, v]) in self.moments.iter().enumerate() {
            for (name, moment) in [("m", m), ("v", v)] {
                let shape = moment.dims();
                arrays.insert(
                    format!("{path}.{i:03}.{name}"),
                    &shape,
                    values(moment.clone()),
                );
            }
        }
    }

    /// Reads what [`save`](Self::save) wrote, for a network on the same device.
    ///
    /// # Errors
    /// If an array is missing or has another shape than the network's parameters.
    pub(super) fn restore(&mut self, network: &Net, path: &str, arrays: &Arrays) -> Result<()> {
        struct Load<'a> {
            path: &'a str,
            arrays: &'a Arrays,
            moments: Vec<[Tensor<1>; 2]>,
            result: Result<()>,
        }
        impl Visitor for Load<'_> {
            fn param<const D: usize>(&mut self, _: &str, param: &mut Param<D>) {
                let value = param.get(Pass::Score);
                let length = value.dims().iter().product::<usize>();
                let (i, device) = (self.moments.len(), value.device());
                let load = |name: &str| {
                    let name = format!("{}.{i:03}.{name}", self.path);
                    let values = self.arrays.get(&name, &[length])?.to_vec();
                    Ok::<_, Error>(tensor(values, [length], &device))
                };
                match load("m").and_then(|m| Ok([m, load("v")?])) {
                    Ok(moment) => self.moments.push(moment),
                    Err(error) if self.result.is_ok() => self.result = Err(error),
                    Err(_) => {}
                }
            }
        }
        let steps = arrays.get(&format!("{path}.steps"), &[2])?;
        self.steps = ((steps[0] as u64) << 24) + steps[1] as u64;
        self.moments.clear();
        if self.steps > 0 {
            let mut load = Load {
                path,
                arrays,
                moments: Vec::new(),
                result: Ok(()),
            };
            network.clone().visit("", &mut load);
            load.result?;
            self.moments = load.moments;
        }
        Ok(())
    }
}

/// Takes out the gradient of every parameter of a network, flattened, in visiting order.
///
/// # Errors
/// If a parameter got none: the loss does not reach it, and it would never train.
pub(super) fn gradients_of(
    (name, network): (&str, &mut Net),
    grads: &mut Gradients,
) -> Result<Vec<Tensor<1>>> {
    struct Collect<'a> {
        grads: &'a mut Gradients,
        found: Vec<Tensor<1>>,
        missing: Option<String>,
    }
    impl Visitor for Collect<'_> {
        fn param<const D: usize>(&mut self, name: &str, param: &mut Param<D>) {
            match param.leaf().grad_remove(self.grads) {
                Some(grad) => self.found.push(flat(grad)),
                None => _ = self.missing.get_or_insert_with(|| name.to_owned()),
            }
        }
    }
    let mut collect = Collect {
        grads,
        found: Vec::new(),
        missing: None,
    };
    network.visit(name, &mut collect);
    match collect.missing {
        None => Ok(collect.found),
        Some(name) => Err(Error::Mismatch {
            origin: None,
            found: format!("no gradient for `{name}`"),
            expected: "a loss that depends on every parameter".into(),
            hint: None,
        }),
    }
}

/// Scales gradients so that their common length is at most `limit`.
pub(super) fn clip(grads: &mut [Vec<Tensor<1>>], limit: f32) {
    // Summed here, in one order, because a backend's own sum may depend on its threads.
    let square = |g: &Tensor<1>| {
        values(g.clone())
            .iter()
            .map(|&v| f64::from(v).powi(2))
            .sum::<f64>()
    };
    let length = grads.iter().flatten().map(square).sum::<f64>().sqrt() as f32;
    if length <= limit {
        return;
    }
    for grad in grads.iter_mut().flatten() {
        *grad = grad.clone() * (limit / length);
    }
}
