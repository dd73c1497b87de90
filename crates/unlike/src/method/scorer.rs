//! The one scorer of all methods that are made of networks.

use unlike_core::{Arrays, Error, FeatureShape, Features, Result, ScoreParts, Scorer};
use unlike_kernels::distances;

use super::{Method, Parts};
use crate::{
    backend::{Tensor, tensor, values},
    nn::Trained,
    rng::{self, Purpose, normals},
};

/// Trained networks, and the method that reads scores from them.
#[derive(Debug)]
pub(crate) struct NetworkScorer<M> {
    method: M,
    nets: Trained,
    /// The parts of all scores.
    parts: Vec<&'static str>,
}

/// The samples that a network sees at once while scoring: enough to fill the processor, little
/// enough to stay in its cache.
const SCORING_BATCH: usize = 512;
/// The numbers that these samples have at most: the maps inside a network take many times as much.
const SCORING_NUMBERS: usize = 1 << 19;

/// The number of samples that a network sees at once while scoring.
pub(crate) fn scoring_batch(shape: &FeatureShape) -> usize {
    (SCORING_NUMBERS / shape.size().max(1)).clamp(1, SCORING_BATCH)
}

/// The stream of [`Purpose::Latent`] that shown samples are drawn from; steps, which have the
/// others, do not get there.
const SHOWN: u64 = u64::MAX >> 8;

impl<M: Method> NetworkScorer<M> {
    pub(crate) fn new(method: M, nets: Trained) -> Self {
        let mut parts: Vec<&'static str> = Vec::new();
        for part in method.scores().iter().flat_map(|score| score.parts()) {
            if !parts.contains(&part) {
                parts.push(part);
            }
        }
        Self {
            method,
            nets,
            parts,
        }
    }

    /// Calls `f` with the samples batch by batch, [N, size], the last partial one included.
    fn each_batch(&self, features: &Features, mut f: impl FnMut(Tensor<2>)) -> Result<()> {
        let shape = self.nets.shape();
        if features.shape() != shape {
            return Err(Error::Mismatch {
                origin: None,
                found: format!("features of shape {:?}", features.shape()),
                expected: format!("{shape:?}"),
                hint: None,
            });
        }
        let size = shape.size();
        for batch in features.values().chunks(scoring_batch(shape) * size) {
            let n = batch.len() / size;
            f(tensor(batch.to_vec(), [n, size], self.nets.device()));
        }
        Ok(())
    }
}

fn named(parts: Parts<'_>) -> ScoreParts {
    let named = |(name, scores): (&str, Vec<f32>)| (name.to_owned(), scores);
    ScoreParts::new(parts.into_parts().into_iter().map(named).collect())
}

impl<M: Method> Scorer for NetworkScorer<M> {
    fn parts(&self, features: &Features) -> Result<ScoreParts> {
        self.parts_of(features, &self.parts)
    }

    fn parts_of(&self, features: &Features, wanted: &[&str]) -> Result<ScoreParts> {
        let mut all = ScoreParts::default();
        self.each_batch(features, |x| {
            let mut parts = Parts::new(wanted, false);
            self.method.parts(&self.nets, x, &mut parts);
            all.extend(named(parts));
        })?;
        Ok(all)
    }

    /// Parts, and |x − x̂| of the x̂ that they were made of
    fn parts_and_contributions(
        &self,
        features: &Features,
        wanted: Option<&[&str]>,
    ) -> Result<(ScoreParts, Vec<f32>)> {
        let mut all = ScoreParts::default();
        let mut contributions = Vec::with_capacity(features.values().len());
        self.each_batch(features, |x| {
            let mut parts = Parts::new(wanted.unwrap_or(&self.parts), true);
            self.method.parts(&self.nets, x.clone(), &mut parts);
            let shown = parts.take_shown();
            let x_hat = shown.unwrap_or_else(|| self.method.reconstruct(&self.nets, x.clone()));
            contributions.extend(values((x - x_hat).abs())); // [N, size]
            all.extend(named(parts));
        })?;
        Ok((all, contributions))
    }

    /// |x − x̂|
    fn contributions(&self, features: &Features) -> Result<Vec<f32>> {
        let mut all = Vec::with_capacity(features.values().len());
        self.each_batch(features, |x| {
            let x_hat = self.method.reconstruct(&self.nets, x.clone()); // [N, size]
            all.extend(values(distances(x, x_hat))); // [N, size]
        })?;
        Ok(all)
    }

    fn reconstructions(&self, features: &Features) -> Result<Option<Vec<f32>>> {
        let mut all = Vec::with_capacity(features.values().len());
        self.each_batch(features, |x| {
            all.extend(values(self.method.reconstruct(&self.nets, x))); // [N, size]
        })?;
        Ok(Some(all))
    }

    fn embeddings(&self, features: &Features) -> Result<Option<Vec<f32>>> {
        let mut all = Some(Vec::new());
        self.each_batch(features, |x| {
            let z = self.method.encode(&self.nets, x); // [N, latent]
            all = all.take().zip(z).map(|(mut all, z)| {
                all.extend(values(z));
                all
            });
        })?;
        Ok(all)
    }

    fn generated(&self, count: usize, seed: u64) -> Option<Vec<f32>> {
        let (latent, shape) = (self.method.common().latent, self.nets.shape());
        if latent == 0 {
            return None;
        }
        let noise = normals(&mut rng::rng(seed, Purpose::Latent, SHOWN), count * latent);
        let mut all = Vec::with_capacity(count * shape.size());
        for z in noise.chunks(scoring_batch(shape) * latent) {
            let n = z.len() / latent;
            let z = tensor(z.to_vec(), [n, latent], self.nets.device()); // [N, latent]
            all.extend(values(self.method.generate(&self.nets, z)?)); // [N, size]
        }
        Some(all)
    }

    fn arrays(&self) -> Arrays {
        self.nets.arrays()
    }
}
