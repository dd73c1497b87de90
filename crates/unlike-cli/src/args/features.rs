//! The options that say what detectors see of images.

use clap::{Args, ValueEnum};
use unlike::features::{FeatureConfig, Pool};
use unlike_core::{Error, Result};

/// What detectors see of images.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Features of images")]
pub(crate) struct FeatureArgs {
    /// What detectors see of images: their pixels, or what a network says of them that was trained on
    /// a million photographs and is in this program (lite0) [default: lite0 for images of more than
    /// 32 pixels on a side]
    #[arg(long, value_name = "WHICH")]
    features: Option<FeaturesArg>,
    /// What of an image is judged at once: every place (patches), or all of it (image)
    /// [default: patches]
    #[arg(long, value_name = "WHAT")]
    feature_pool: Option<PoolArg>,
    /// Stages of the network to read, of stage1 to stage5 [default: stage3,stage5]
    #[arg(long, value_name = "STAGE,…", value_delimiter = ',')]
    feature_taps: Vec<String>,
}

/// Values of `--features`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FeaturesArg {
    Pixels,
    Lite0,
}

/// Values of `--feature-pool`.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum PoolArg {
    Patches,
    Image,
}

impl FeatureArgs {
    /// The features, if the options ask for any.
    ///
    /// # Errors
    /// If options say how, and no network is there to do it.
    pub(crate) fn config(&self) -> Result<Option<FeatureConfig>> {
        let pool = match self.feature_pool {
            Some(PoolArg::Image) => Pool::Image,
            Some(PoolArg::Patches) | None => Pool::Patches,
        };
        let how = self.feature_pool.is_some() || !self.feature_taps.is_empty();
        match self.features {
            Some(FeaturesArg::Pixels) if how => Err(Error::Setting {
                name: "feature-pool".into(),
                found: "asked for".into(),
                expected: "nothing for pixels".into(),
                hint: Some("ask for a network with --features lite0".into()),
            }),
            None if !how => Ok(None),
            Some(FeaturesArg::Pixels) => Ok(Some(FeatureConfig::Pixels)),
            None | Some(FeaturesArg::Lite0) => {
                let mut config = FeatureConfig::lite0(pool);
                if let FeatureConfig::Lite0(how) = &mut config
                    && !self.feature_taps.is_empty()
                {
                    how.taps.clone_from(&self.feature_taps);
                }
                Ok(Some(config))
            }
        }
    }
}
