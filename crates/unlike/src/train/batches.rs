//! The batches of an epoch, gathered ahead on a thread of their own.

use std::{ops::ControlFlow, ops::Range, sync::mpsc::sync_channel};

use rand::seq::SliceRandom;
use unlike_core::{Features, Result};

use crate::{
    models::Batch,
    rng::{self, Purpose},
};

/// How many batches wait ready.
const AHEAD: usize = 2;

/// Two independent orders of the same samples, and noise, for one epoch.
///
/// Each step's content is a function of seed, epoch and step alone, so an epoch can be entered
/// anywhere.
pub(super) struct Batches<'a> {
    features: &'a Features,
    seed: u64,
    epoch: u64,
    size: usize,
    latent: usize,
    orders: [Vec<usize>; 2],
}

impl<'a> Batches<'a> {
    pub(super) fn new(
        features: &'a Features,
        seed: u64,
        epoch: u64,
        size: usize,
        latent: usize,
    ) -> Self {
        let order = |which: u64| {
            let mut order: Vec<usize> = (0..features.len()).collect();
            order.shuffle(&mut rng::rng(seed, Purpose::Order, 2 * epoch + which));
            order
        };
        Self {
            features,
            seed,
            epoch,
            size,
            latent,
            orders: [order(0), order(1)],
        }
    }

    fn batch(&self, step: usize, steps: usize) -> Batch {
        let range = step * self.size..(step + 1) * self.size;
        let index = self.epoch * steps as u64 + step as u64;
        let mut noise = rng::rng(self.seed, Purpose::Latent, index);
        Batch {
            len: self.size,
            x: self.features.gather(&self.orders[0][range.clone()]),
            x_other: self.features.gather(&self.orders[1][range]),
            z: rng::normals(&mut noise, self.size * self.latent),
            z_other: rng::normals(&mut noise, self.size * self.latent),
        }
    }

    /// Calls `f` with the batch of each of these steps, until it breaks or fails.
    pub(super) fn each(
        &self,
        steps: Range<usize>,
        mut f: impl FnMut(Batch) -> Result<ControlFlow<()>>,
    ) -> Result<ControlFlow<()>> {
        let per_epoch = steps.end;
        let (sender, receiver) = sync_channel(AHEAD);
        std::thread::scope(|scope| {
            scope.spawn(move || {
                for step in steps {
                    // The receiver hangs up when training stops; then there is nothing left to do.
                    if sender.send(self.batch(step, per_epoch)).is_err() {
                        break;
                    }
                }
            });
            for batch in receiver {
                if f(batch)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            Ok(ControlFlow::Continue(()))
        })
    }
}

#[cfg(test)]
mod tests {
    use unlike_core::FeatureShape;

    use super::*;

    #[test]
    fn an_epoch_entered_in_the_middle_goes_on_as_it_would_have() {
        let values = (0..40).map(|v| v as f32).collect();
        let features = Features::new(FeatureShape::Row { width: 2 }, values);
        let collect = |from| {
            let mut all = Vec::new();
            let batches = Batches::new(&features, 1, 5, 4, 3);
            let flow = batches
                .each(from..5, |b| {
                    all.push(b);
                    Ok(ControlFlow::Continue(()))
                })
                .unwrap();
            assert!(flow.is_continue());
            all
        };
        let whole = collect(0);
        assert_eq!(whole.len(), 5);
        assert_eq!(whole[2..], collect(2)[..]);
        // Each order holds every sample once.
        let mut seen: Vec<f32> = whole.iter().flat_map(|b| b.x_other.clone()).collect();
        seen.sort_by(f32::total_cmp);
        assert!(seen.iter().copied().eq((0..40).map(|v| v as f32)));
        assert_ne!(whole[0].x, whole[0].x_other);
    }
}
