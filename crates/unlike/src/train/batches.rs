//! The batches of an epoch, made ahead on a thread of their own.

use std::{ops::ControlFlow, ops::Range, sync::mpsc::sync_channel};

use rand::seq::SliceRandom;
use rayon::{ThreadPool, prelude::*};
use unlike_core::{FeatureShape, Result};

use super::{Augmentation, Prepared};
use crate::{
    method::Batch,
    rng::{self, Purpose},
};

/// How many batches wait ready.
const AHEAD: usize = 2;

/// Training samples, and how their batches are made.
pub(super) struct Feed<'a> {
    pub(super) samples: &'a Prepared<'a>,
    /// What happens to images.
    pub(super) augmentation: Option<&'a Augmentation>,
    /// Where images are decoded: the threads that train have other work.
    pub(super) pool: Option<&'a ThreadPool>,
    pub(super) seed: u64,
    /// Samples in a batch.
    pub(super) size: usize,
    /// Length of z.
    pub(super) latent: usize,
    /// Whether the second order is of use.
    pub(super) other: bool,
}

/// Two independent orders of the same samples, and noise, for one epoch.
///
/// Each step's content is a function of seed, epoch and step alone, so an epoch can be entered
/// anywhere.
pub(super) struct Batches<'a> {
    feed: &'a Feed<'a>,
    epoch: u64,
    orders: [Vec<usize>; 2],
}

impl<'a> Batches<'a> {
    pub(super) fn new(feed: &'a Feed<'a>, epoch: u64) -> Self {
        let order = |which: u64| {
            let mut order: Vec<usize> = (0..feed.samples.len()).collect();
            order.shuffle(&mut rng::rng(feed.seed, Purpose::Order, 2 * epoch + which));
            order
        };
        Self {
            feed,
            epoch,
            orders: [order(0), order(1)],
        }
    }

    fn batch(&self, step: usize, steps: usize) -> Result<Batch> {
        let Feed {
            seed,
            size,
            latent,
            other,
            ..
        } = *self.feed;
        let index = self.epoch * steps as u64 + step as u64;
        let mut noise = rng::rng(seed, Purpose::Latent, index);
        Ok(Batch {
            len: size,
            x: self.samples(0, step)?,
            x_other: match other {
                true => self.samples(1, step)?,
                false => Vec::new(),
            },
            z: rng::normals(&mut noise, size * latent),
            z_other: rng::normals(&mut noise, size * latent),
        })
    }

    /// The samples of a step, in one of the two orders.
    fn samples(&self, which: usize, step: usize) -> Result<Vec<f32>> {
        let Feed {
            samples,
            augmentation,
            pool,
            seed,
            size,
            ..
        } = *self.feed;
        let range = step * size..(step + 1) * size;
        let make = || {
            let order = &self.orders[which];
            let mut x = samples.gather(&order[range.clone()])?;
            let Some(augmentation) = augmentation.filter(|a| !a.is_off()) else {
                return Ok(x);
            };
            let &FeatureShape::Image(shape) = samples.shape() else {
                return Ok(x);
            };
            let first = (2 * self.epoch + which as u64) * order.len() as u64 + range.start as u64;
            x.par_chunks_exact_mut(samples.shape().size())
                .enumerate()
                .for_each(|(place, image)| {
                    let index = first + place as u64;
                    let mut rng = rng::rng(seed, Purpose::Augmentation, index);
                    augmentation.apply(&mut rng, shape, image);
                });
            Ok(x)
        };
        match pool {
            Some(pool) => pool.install(make),
            None => make(),
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
                    let batch = self.batch(step, per_epoch);
                    let failed = batch.is_err();
                    // The receiver hangs up when training stops; then there is nothing left to do.
                    if sender.send(batch).is_err() || failed {
                        break;
                    }
                }
            });
            for batch in receiver {
                if f(batch?)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            Ok(ControlFlow::Continue(()))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use unlike_core::{Error, Features, ImageSource, Images, Samples};

    use super::*;
    use crate::sight::Sight;
    use crate::train::thread_pool;

    fn feed<'a>(samples: &'a Prepared<'a>) -> Feed<'a> {
        Feed {
            samples,
            augmentation: None,
            pool: None,
            seed: 1,
            size: 4,
            latent: 3,
            other: true,
        }
    }

    fn collect(feed: &Feed<'_>, from: usize) -> Result<Vec<Batch>> {
        let mut all = Vec::new();
        let flow = Batches::new(feed, 5).each(from..5, |b| {
            all.push(b);
            Ok(ControlFlow::Continue(()))
        })?;
        assert!(flow.is_continue());
        Ok(all)
    }

    #[test]
    fn an_epoch_entered_in_the_middle_goes_on_as_it_would_have() {
        let values = (0..40).map(|v| v as f32).collect();
        let rows = Prepared::Rows(Features::new(FeatureShape::Row { width: 2 }, values));
        let feed = feed(&rows);
        let whole = collect(&feed, 0).unwrap();
        assert_eq!(whole.len(), 5);
        assert_eq!(whole[2..], collect(&feed, 2).unwrap()[..]);
        // Each order holds every sample once.
        let mut seen: Vec<f32> = whole.iter().flat_map(|b| b.x_other.clone()).collect();
        seen.sort_by(f32::total_cmp);
        assert!(seen.iter().copied().eq((0..40).map(|v| v as f32)));
        assert_ne!(whole[0].x, whole[0].x_other);
        // The second order changes nothing else when it is left out.
        let feed = Feed {
            other: false,
            ..feed
        };
        for (mut with, without) in whole.into_iter().zip(collect(&feed, 0).unwrap()) {
            with.x_other.clear();
            assert_eq!(with, without);
        }
    }

    #[test]
    fn changed_images_are_the_same_on_any_threads_and_after_any_interruption() {
        let bytes = (0..20 * 30).map(|i| (i * 37 % 251) as u8).collect();
        let ids = (0..20).map(|i| i.to_string()).collect();
        let images = Images::from_bytes("images", [5, 6, 1], bytes, ids).unwrap();
        let samples = Samples::Images(images);
        let fitted = Sight::of(&samples);
        let images = Prepared::new(&fitted, samples.clone()).unwrap();
        let augmentation = Augmentation {
            flip_horizontal: true,
            flip_vertical: true,
            shift: 1,
            rotation: 10.0,
        };
        let with = |threads, augmentation, from| {
            let pool = thread_pool(threads).unwrap();
            let feed = Feed {
                augmentation,
                pool: Some(&pool),
                ..feed(&images)
            };
            collect(&feed, from).unwrap()
        };
        let one = with(1, Some(&augmentation), 0);
        assert_eq!(one, with(3, Some(&augmentation), 0));
        assert_eq!(one[3..], with(2, Some(&augmentation), 3));
        // Without changes, these are the images themselves.
        let plain = with(2, None, 0);
        assert_ne!(one, plain);
        let order = &Batches::new(&feed(&images), 5).orders[0];
        let all = images.all().unwrap();
        assert_eq!(plain[1].x, all.gather(&order[4..8]));
        let off = with(2, Some(&Augmentation::default()), 0);
        assert_eq!(plain, off);
    }

    /// Images of which one cannot be read.
    #[derive(Debug)]
    struct Torn;

    impl ImageSource for Torn {
        fn write(&self, image: usize, out: &mut [f32]) -> Result<()> {
            out.fill(0.5);
            match image {
                7 => Err(Error::io("read", "7.png")(
                    std::io::ErrorKind::NotFound.into(),
                )),
                _ => Ok(()),
            }
        }
    }

    #[test]
    fn a_image_that_cannot_be_read_ends_the_epoch_with_an_error() {
        let ids = (0..20).map(|i| i.to_string()).collect();
        let images = Images::from_source("torn", [2, 2, 1], Arc::new(Torn), ids).unwrap();
        let samples = Samples::Images(images);
        let fitted = Sight::of(&samples);
        let images = Prepared::new(&fitted, samples.clone()).unwrap();
        let error = collect(&feed(&images), 0).unwrap_err();
        assert_eq!(error.to_string(), "cannot read `7.png`");
    }
}
