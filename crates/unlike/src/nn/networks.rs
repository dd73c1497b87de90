//! The networks of a method in training: their weights, the averages that score, an Adam for each.

use std::{
    any::Any,
    sync::{Arc, OnceLock},
};

use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use unlike_core::{Arrays, FeatureShape, Result};
use unlike_kernels::{ema, flat, reshaped};

use super::{
    AdamConfig, Init, Net, Network, Param, Pass, Plan, Visitor, network_arrays,
    optim::{self, Adam},
};
use crate::{
    backend::{Device, Tensor},
    settings::Share,
};

/// How the networks of a method start and move: what every paper has, and no paper has an equation
/// for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// First weights.
    pub init: Init,
    /// The optimiser of each network.
    pub adam: AdamConfig,
    /// Decay of the weights' moving average, which scores; 0 scores with the weights themselves.
    pub ema: Share,
}

/// The networks of a method, in the order of its plans.
#[derive(Clone, Debug)]
pub struct Networks {
    names: Vec<&'static str>,
    live: Vec<Net>,
    average: Option<Vec<Net>>,
    adam: Vec<Adam>,
    training: Training,
    shape: FeatureShape,
    device: Device,
}

impl Networks {
    /// Fresh networks for samples of this shape, drawn one after the other.
    ///
    /// # Errors
    /// If a network would be too large for any machine.
    pub fn draw(
        plans: Vec<(&'static str, Plan)>,
        shape: &FeatureShape,
        training: Training,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Result<Self> {
        let (names, plans): (Vec<_>, Vec<_>) = plans.into_iter().unzip();
        let draw = |plan| Net::draw(&Arc::new(plan), training.init, rng, device);
        let live = plans.into_iter().map(draw).collect::<Result<Vec<_>>>()?;
        Ok(Self {
            names,
            average: (training.ema.get() > 0.0).then(|| live.clone()),
            adam: vec![Adam::new(training.adam); live.len()],
            live,
            training,
            shape: shape.clone(),
            device: device.clone(),
        })
    }

    /// The networks as they are now.
    ///
    /// # Panics
    /// If there is another number of them.
    pub fn all<const N: usize>(&self) -> [&Net; N] {
        all(&self.live)
    }

    /// The shape of a sample.
    pub fn shape(&self) -> &FeatureShape {
        &self.shape
    }

    /// Where the networks live.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// One step of Adam against the gradients of `loss`, for the networks at these places alone.
    /// `rate` scales the learning rate.
    ///
    /// # Errors
    /// If the loss does not depend on every parameter of these networks.
    pub fn minimise<const N: usize>(
        &mut self,
        loss: &Tensor<1>,
        places: [usize; N],
        rate: f32,
    ) -> Result<()> {
        self.minimise_each(loss, places.map(|at| (at, rate)))
    }

    /// [`minimise`](Self::minimise), each network at a rate of its own.
    ///
    /// # Errors
    /// If the loss does not depend on every parameter of these networks.
    pub fn minimise_each<const N: usize>(
        &mut self,
        loss: &Tensor<1>,
        places: [(usize, f32); N],
    ) -> Result<()> {
        let mut grads = loss.backward();
        let of = |(at, _): (usize, f32)| {
            optim::gradients_of((self.names[at], &mut self.live[at]), &mut grads)
        };
        let mut found = places.into_iter().map(of).collect::<Result<Vec<_>>>()?;
        // What is left belongs to other networks; its memory is needed.
        drop(grads);
        if let Some(limit) = self.training.adam.clip {
            optim::clip(&mut found, limit.get());
        }
        for ((at, rate), grads) in places.into_iter().zip(found) {
            self.adam[at].step(&mut self.live[at], grads, rate);
        }
        Ok(())
    }

    /// Moves the averages: average ← ema · average + (1 − ema) · weights, `ema` of the settings, and
    /// running statistics alike.
    pub fn average(&mut self) {
        self.average_by(self.training.ema.get());
    }

    pub(super) fn average_by(&mut self, decay: f32) {
        if let Some(average) = &mut self.average {
            for (average, live) in average.iter_mut().zip(&self.live) {
                fold(average, live, decay);
            }
        }
    }

    /// [`average`](Self::average), with less decay at first (t is the number of steps before this one):
    /// at most (1 + t) / (10 + t). So the average forgets where it started.
    /// Running variances start at 1, thousands of times those of layers with small weights, and would
    /// stay wrong for 10 / (1 − decay) steps.
    pub fn average_warmed(&mut self, step: u64) {
        let t = step as f32;
        self.average_by(self.training.ema.get().min((1.0 + t) / (10.0 + t)));
    }

    /// The networks at these places go on from their averages.
    pub fn adopt_average(&mut self, places: &[usize]) {
        if let Some(average) = &self.average {
            for &at in places {
                self.live[at] = average[at].clone();
            }
        }
    }

    /// Draws one network anew, with a fresh average and a fresh optimiser.
    ///
    /// # Errors
    /// As [`draw`](Self::draw).
    pub fn redraw(&mut self, at: usize, rng: &mut ChaCha8Rng) -> Result<()> {
        let fresh = Net::draw(self.live[at].plan(), self.training.init, rng, &self.device)?;
        if let Some(average) = &mut self.average {
            average[at] = fresh.clone();
        }
        self.live[at] = fresh;
        self.adam[at] = Adam::new(self.training.adam);
        Ok(())
    }

    /// The networks that would score if training stopped here: averaged, if the settings say so.
    pub fn trained(&self) -> Trained {
        Trained {
            names: self.names.clone(),
            nets: self.average.as_ref().unwrap_or(&self.live).clone(),
            shape: self.shape.clone(),
            device: self.device.clone(),
            memo: OnceLock::new(),
        }
    }

    /// Everything that training needs to go on from here.
    pub fn save(&self) -> Arrays {
        let mut arrays = Arrays::new();
        for (i, name) in self.names.iter().enumerate() {
            network_arrays(&self.live[i], &format!("networks.{name}"), &mut arrays);
            if let Some(average) = &self.average {
                network_arrays(&average[i], &format!("average.{name}"), &mut arrays);
            }
            self.adam[i].save(&format!("adam.{name}"), &mut arrays);
        }
        arrays
    }

    /// Goes back to what [`save`](Self::save) wrote.
    ///
    /// # Errors
    /// If an array is missing or has another shape; nothing has changed then.
    pub fn restore(&mut self, arrays: &Arrays) -> Result<()> {
        let mut next = self.clone();
        for (i, name) in self.names.iter().enumerate() {
            let load = |kind: &str| {
                let path = format!("{kind}.{name}");
                Net::load(self.live[i].plan(), &path, arrays, &self.device)
            };
            next.live[i] = load("networks")?;
            if let Some(average) = &mut next.average {
                average[i] = load("average")?;
            }
            next.adam[i].restore(&next.live[i], &format!("adam.{name}"), arrays)?;
        }
        *self = next;
        Ok(())
    }
}

/// Trained networks: they score, and nothing moves them any more.
#[derive(Debug)]
pub struct Trained {
    names: Vec<&'static str>,
    nets: Vec<Net>,
    shape: FeatureShape,
    device: Device,
    memo: OnceLock<Arc<dyn Any + Send + Sync>>,
}

impl Trained {
    /// The networks that [`arrays`](Self::arrays) gave.
    ///
    /// # Errors
    /// If an array is missing, or has another shape than its plan says.
    pub fn load(
        plans: Vec<(&'static str, Plan)>,
        shape: &FeatureShape,
        arrays: &Arrays,
        device: &Device,
    ) -> Result<Self> {
        let load = |(name, plan)| Net::load(&Arc::new(plan), name, arrays, device);
        Ok(Self {
            names: plans.iter().map(|plan| plan.0).collect(),
            nets: plans.into_iter().map(load).collect::<Result<_>>()?,
            shape: shape.clone(),
            device: device.clone(),
            memo: OnceLock::new(),
        })
    }

    /// The networks, in the order of their plans.
    ///
    /// # Panics
    /// If there is another number of them.
    pub fn all<const N: usize>(&self) -> [&Net; N] {
        all(&self.nets)
    }

    /// The shape of a sample.
    pub fn shape(&self) -> &FeatureShape {
        &self.shape
    }

    /// Where the networks live.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// What a method makes once of its trained networks, the first time that it is asked for.
    ///
    /// # Panics
    /// If it is asked for as another type later.
    pub fn once<T: Send + Sync + 'static>(&self, make: impl FnOnce() -> T) -> Arc<T> {
        let memo = self.memo.get_or_init(|| Arc::new(make()));
        let memo = Arc::clone(memo).downcast();
        memo.unwrap_or_else(|_| panic!("one type a method"))
    }

    /// All weights and running statistics, `name.path` each.
    pub fn arrays(&self) -> Arrays {
        let mut arrays = Arrays::new();
        for (name, net) in self.names.iter().zip(&self.nets) {
            network_arrays(net, name, &mut arrays);
        }
        arrays
    }
}

fn all<const N: usize>(nets: &[Net]) -> [&Net; N] {
    let nets: Vec<&Net> = nets.iter().collect();
    let count = nets.len();
    nets.try_into()
        .unwrap_or_else(|_| panic!("{count} networks, not {N}"))
}

fn fold(average: &mut Net, live: &Net, decay: f32) {
    struct Collect(Vec<Tensor<1>>);
    impl Visitor for Collect {
        fn param<const D: usize>(&mut self, _: &str, param: &mut Param<D>) {
            self.0.push(flat(param.get(Pass::Score)));
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
                reshaped(ema(flat(average), value, self.decay), shape)
            });
        }

        fn buffer(&mut self, _: &str, buffer: &mut Tensor<1>) {
            if let Some(value) = self.values.next() {
                *buffer = ema(buffer.clone(), value, self.decay);
            }
        }
    }
    let mut collect = Collect(Vec::new());
    live.clone().visit("", &mut collect);
    average.visit(
        "",
        &mut Fold {
            values: collect.0.into_iter(),
            decay,
        },
    );
}
