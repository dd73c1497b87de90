//! What every frozen network has in common.

use std::fmt::Debug;

use unlike_core::Result;

use crate::{config::Pool, map::Map};

/// Says features of images of one size.
pub(crate) trait Network: Debug + Send + Sync {
    /// As people call it: `lite0`.
    fn name(&self) -> &str;

    /// What is read, in the order in which [`maps`](Self::maps) gives it; one at least.
    fn taps(&self) -> &[Tap];

    /// A map for each tap of one image, `[height, width, channels]`, values in [-1, 1].
    ///
    /// The same image gives the same bits, beside any others and on any number of threads.
    ///
    /// # Errors
    /// If the network cannot be run on it.
    fn maps(&self, image: &[f32]) -> Result<Vec<Map>>;

    /// Whether a place is averaged with its neighbours before it becomes a row. Networks do not say at
    /// which of its pixels a defect lies; the places of windows that overlap do.
    fn averages(&self) -> bool {
        true
    }

    /// Whether it runs on threads of its own. A thread of a pool that waits for another begins something
    /// else meanwhile, another image at last, and so on: such networks are run by threads that wait.
    fn has_own_threads(&self) -> bool {
        false
    }

    /// Whether rows become their principal components, and not their columns, in units of their spread.
    fn whitens(&self, _pool: Pool) -> bool {
        false
    }
}

/// One of the maps that are read of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tap {
    pub(crate) name: String,
    /// `[height, width]` of the places.
    pub(crate) grid: [usize; 2],
    /// Features of a place.
    pub(crate) channels: usize,
}
