//! Adam, and the moving average of weights that scoring uses.

use serde::{Deserialize, Serialize};
use unlike_core::{Arrays, Error, Result};
use unlike_kernels::{AdamStep, adam_all, ema};

use super::{Network, Param, Pass, Visitor, network_arrays, restore_network};
use crate::backend::{Gradients, Tensor, tensor, values};

/// Settings of [`Adam`] (Kingma & Ba 2015).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdamConfig {
    /// Step size at the start of training.
    pub learning_rate: f32,
    /// Decay of the first moment.
    pub beta1: f32,
    /// Decay of the second moment.
    pub beta2: f32,
    /// Longest gradient, over all parameters of the optimiser together; longer ones are scaled
    /// down to it. Unlimited if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip: Option<f32>,
}

/// Adam's ε, PyTorch's default.
const EPSILON: f32 = 1e-8;

/// Adam over all parameters of one network.
#[derive(Clone, Debug)]
pub struct Adam {
    config: AdamConfig,
    steps: u64,
    /// First and second moment of each parameter, flattened, in visiting order.
    moments: Vec<[Tensor<1>; 2]>,
}

impl Adam {
    /// A fresh optimiser.
    pub fn new(config: AdamConfig) -> Self {
        Self {
            config,
            steps: 0,
            moments: Vec::new(),
        }
    }

    /// Moves every parameter by one step against its gradient. `rate` scales the learning rate.
    ///
    /// # Errors
    /// If a parameter got no gradient: the loss does not reach it, and it would never train.
    pub fn step(
        &mut self,
        network: &mut impl Network,
        grads: &mut Gradients,
        rate: f32,
    ) -> Result<()> {
        struct Collect<'a> {
            grads: &'a mut Gradients,
            found: Vec<Tensor<1>>,
            missing: Option<String>,
        }
        impl Visitor for Collect<'_> {
            fn param<const D: usize>(&mut self, name: &str, param: &mut Param<D>) {
                match param.leaf().grad_remove(self.grads) {
                    Some(grad) => self.found.push(grad.flatten(0, D - 1)),
                    None => _ = self.missing.get_or_insert_with(|| name.to_owned()),
                }
            }
        }
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
                let fresh = || [grad.zeros_like(), grad.zeros_like()];
                let [m, v] = self.moments.next().unwrap_or_else(fresh);
                let value = param.take();
                self.shapes.push(value.dims().to_vec());
                self.taken.push([value.flatten(0, D - 1), grad, m, v]);
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
                param.put(value.reshape(std::array::from_fn::<_, D, _>(|i| shape[i])));
                self.moments.push([m, v]);
            }
        }

        let mut collect = Collect {
            grads,
            found: Vec::new(),
            missing: None,
        };
        network.visit("", &mut collect);
        if let Some(name) = collect.missing {
            return Err(Error::Mismatch {
                origin: None,
                found: format!("no gradient for `{name}`"),
                expected: "a loss that depends on every parameter".into(),
                hint: None,
            });
        }
        let grads = match self.config.clip {
            Some(limit) => clip(collect.found, limit),
            None => collect.found,
        };
        self.steps += 1;
        let AdamConfig {
            learning_rate,
            beta1,
            beta2,
            clip: _,
        } = self.config;
        let step = AdamStep {
            learning_rate: learning_rate * rate,
            beta1,
            beta2,
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
        Ok(())
    }

    /// Writes the moments and the step count under `path`.
    pub fn save(&self, path: &str, arrays: &mut Arrays) {
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
    pub fn restore(&mut self, network: &impl Network, path: &str, arrays: &Arrays) -> Result<()> {
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

/// Scales gradients so that their common length is at most `limit`.
fn clip(grads: Vec<Tensor<1>>, limit: f32) -> Vec<Tensor<1>> {
    // Summed here, in one order, because a backend's own sum may depend on its threads.
    let square = |g: &Tensor<1>| {
        values(g.clone())
            .iter()
            .map(|&v| f64::from(v).powi(2))
            .sum::<f64>()
    };
    let length = grads.iter().map(square).sum::<f64>().sqrt() as f32;
    if length <= limit {
        return grads;
    }
    grads.into_iter().map(|g| g * (limit / length)).collect()
}

/// The decay for the moving average after `step` earlier updates: `decay`, but less at first, so that
/// the average forgets where it started. Running variances start at 1, thousands of times those of
/// layers with small weights, and would stay wrong for 10 / (1 − decay) updates.
pub fn warmed(decay: f32, step: u64) -> f32 {
    let t = step as f32;
    decay.min((1.0 + t) / (10.0 + t))
}

/// An exponential moving average of a network's weights.
#[derive(Clone, Debug)]
pub struct Average<N> {
    /// The averaged network.
    pub network: N,
}

impl<N: Network> Average<N> {
    /// Starts at the network's present weights.
    pub fn new(network: &N) -> Self {
        Self {
            network: network.clone(),
        }
    }

    /// average ← decay · average + (1 − decay) · weights, and running statistics alike.
    pub fn update(&mut self, network: &N, decay: f32) {
        struct Collect(Vec<Tensor<1>>);
        impl Visitor for Collect {
            fn param<const D: usize>(&mut self, _: &str, param: &mut Param<D>) {
                self.0.push(param.get(Pass::Score).flatten(0, D - 1));
            }

            fn buffer(&mut self, _: &str, buffer: &mut Tensor<1>) {
                self.0.push(buffer.clone());
            }
        }
        struct Fold {
            values: std::vec::IntoIter<Tensor<1>>,
            decay: f32,
        }
        impl Visitor for Fold {
            fn param<const D: usize>(&mut self, _: &str, param: &mut Param<D>) {
                let Some(value) = self.values.next() else {
                    return;
                };
                param.update(|average| {
                    let shape = average.dims();
                    ema(average.flatten(0, D - 1), value, self.decay).reshape(shape)
                });
            }

            fn buffer(&mut self, _: &str, buffer: &mut Tensor<1>) {
                if let Some(value) = self.values.next() {
                    *buffer = ema(buffer.clone(), value, self.decay);
                }
            }
        }
        let mut live = Collect(Vec::new());
        network.clone().visit("", &mut live);
        self.network.visit(
            "",
            &mut Fold {
                values: live.0.into_iter(),
                decay,
            },
        );
    }
}

/// The networks that score: the average's if there is one.
pub fn scoring<'a, N>(live: &'a N, average: &'a Option<Average<N>>) -> &'a N {
    average.as_ref().map_or(live, |average| &average.network)
}

/// Writes networks that train and their average, if there is one.
pub fn save_averaged<N: Network>(live: &N, average: &Option<Average<N>>, arrays: &mut Arrays) {
    network_arrays(live, "networks", arrays);
    if let Some(average) = average {
        network_arrays(&average.network, "average", arrays);
    }
}

/// Reads what [`save_averaged`] wrote.
///
/// # Errors
/// If an array is missing or has another shape than the networks.
pub fn restore_averaged<N: Network>(
    live: &mut N,
    average: &mut Option<Average<N>>,
    arrays: &Arrays,
) -> Result<()> {
    restore_network(live, "networks", arrays)?;
    match average {
        Some(average) => restore_network(&mut average.network, "average", arrays),
        None => Ok(()),
    }
}
