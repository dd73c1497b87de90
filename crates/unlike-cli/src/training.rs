//! One training with its progress: shared by `train` and `quickstart`.

use unlike::{Model, RunOptions, TrainConfig};
use unlike_core::{Error, Samples};

use crate::{
    failure::{Failure, Result},
    observer::Progress,
};

/// Trains; `how_to_go_on` is what an interrupted user reads.
pub(crate) fn fit(
    config: &TrainConfig,
    samples: &Samples,
    options: &RunOptions,
    mut progress: Progress<'_>,
    how_to_go_on: &str,
) -> Result<Model> {
    let result = unlike::fit(config, samples, options, &mut progress);
    if result.is_ok() {
        progress.begin()?;
    }
    match (result, progress.finish()) {
        (_, Some(error)) => Err(error.into()),
        (Err(Error::Interrupted), None) => Err(Failure::Interrupted(how_to_go_on.to_owned())),
        (result, None) => Ok(result?),
    }
}
