//! Where the numbers of a network come from: drawn before training, or loaded from a file.

use rand_chacha::ChaCha8Rng;
use unlike_core::{Arrays, Result};

use super::{Init, Param, Spectral};
use crate::{
    backend::{Device, Tensor, tensor},
    rng::normals,
};

/// The one way in which layers get their numbers, so that building a network and loading it are the
/// same code: what a file lacks, or has in another size, is an error at the layer's own path.
pub(super) struct Weights<'a> {
    source: Source<'a>,
    device: &'a Device,
}

enum Source<'a> {
    Draw { init: Init, rng: &'a mut ChaCha8Rng },
    Load(&'a Arrays),
}

impl<'a> Weights<'a> {
    pub(super) fn drawn(init: Init, rng: &'a mut ChaCha8Rng, device: &'a Device) -> Self {
        Self {
            source: Source::Draw { init, rng },
            device,
        }
    }

    pub(super) fn loaded(arrays: &'a Arrays, device: &'a Device) -> Self {
        Self {
            source: Source::Load(arrays),
            device,
        }
    }

    /// The weight of a layer in which each unit has `fans` inputs and outputs.
    pub(super) fn weight<const D: usize>(
        &mut self,
        path: &str,
        shape: [usize; D],
        fans: [usize; 2],
    ) -> Result<Param<D>> {
        let values = match &mut self.source {
            Source::Draw { init, rng } => init.draw(rng, shape.iter().product(), fans),
            Source::Load(arrays) => arrays.get(path, &shape)?.to_vec(),
        };
        Ok(Param::new(values, shape, self.device))
    }

    /// Trained numbers that all start at this value.
    pub(super) fn vector(&mut self, path: &str, length: usize, start: f32) -> Result<Param<1>> {
        Ok(Param::from_tensor(self.statistic(path, length, start)?))
    }

    /// Trained numbers that start near 1, drawn from N(1, `spread`²).
    pub(super) fn around_one(
        &mut self,
        path: &str,
        length: usize,
        spread: f32,
    ) -> Result<Param<1>> {
        let values = match &mut self.source {
            Source::Draw { rng, .. } => {
                let around = |v| 1.0 + spread * v;
                normals(rng, length).into_iter().map(around).collect()
            }
            Source::Load(arrays) => arrays.get(path, &[length])?.to_vec(),
        };
        Ok(Param::new(values, [length], self.device))
    }

    /// Numbers that are learned without gradients, and all start at this value.
    pub(super) fn statistic(&mut self, path: &str, length: usize, start: f32) -> Result<Tensor<1>> {
        let values = match &self.source {
            Source::Draw { .. } => vec![start; length],
            Source::Load(arrays) => arrays.get(path, &[length])?.to_vec(),
        };
        Ok(tensor(values, [length], self.device))
    }

    /// The singular vectors of a weight.
    pub(super) fn spectral<const D: usize>(
        &mut self,
        path: &str,
        weight: Tensor<D>,
    ) -> Result<Spectral> {
        let shape = weight.dims();
        match &mut self.source {
            Source::Draw { rng, .. } => Ok(Spectral::drawn(weight, rng)),
            Source::Load(arrays) => {
                let outputs = shape[D - 1];
                let inputs = shape[..D - 1].iter().product();
                let load = |name: &str, length: usize| {
                    let values = arrays.get(&format!("{path}.{name}"), &[length])?;
                    Ok(tensor(values.to_vec(), [length], self.device))
                };
                Ok(Spectral::of(load("u", outputs)?, load("v", inputs)?))
            }
        }
    }
}
