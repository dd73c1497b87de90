//! The options that say what detectors see of images.

use clap::{Args, ValueEnum};
use unlike::features::{FeatureConfig, FeatureOptions, Pool};
use unlike_core::Result;

/// What detectors see of images.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Features of images")]
pub(crate) struct FeatureArgs {
    /// What detectors see of images: their pixels (pixels); what a network says of them that was
    /// trained on a million photographs and is in this program (lite0), or a network of your own
    /// (FILE.onnx; docs/onnx.md); or the cosine transform of windows, which needs no network (dct)
    /// [default: lite0; for images of at most 32 pixels on a side pixels if they are files, and lite0 with
    /// --feature-pool image if they come as an array]
    #[arg(long, value_name = "WHICH")]
    features: Option<String>,
    /// What of an image is judged at once: every place (patches), or all of it (image), or each by a
    /// detector of its own, whose scores are added up in units of normals' spread (both)
    /// [default: patches]
    #[arg(long, value_name = "WHAT")]
    feature_pool: Option<PoolArg>,
    /// Stages of the network to read, of stage1 to stage5 [default: stage3,stage5], or outputs of
    /// FILE.onnx [default: all that are maps of places]
    #[arg(long, value_name = "STAGE,…", value_delimiter = ',')]
    feature_taps: Vec<String>,
    /// What FILE.onnx has taken from each colour of a pixel, from 0 to 1
    /// [default: ImageNet's mean, 0.485,0.456,0.406]
    #[arg(long, value_name = "R,G,B", value_delimiter = ',')]
    feature_mean: Option<Vec<f64>>,
    /// What each colour is then divided by [default: ImageNet's spread, 0.229,0.224,0.225]
    #[arg(long, value_name = "R,G,B", value_delimiter = ',')]
    feature_sd: Option<Vec<f64>>,
    /// Look at images in tiles of so many pixels on a side, one after the other, and merge what is said
    /// of them: for images much larger than what a network sees at once, which then keep their size
    #[arg(long, value_name = "S")]
    tile: Option<usize>,
    /// Pixels that neighbouring tiles share, at least [default: a quarter of --tile]
    #[arg(long, value_name = "O")]
    overlap: Option<usize>,
    /// Leave FILE.onnx out of the model, which then needs the file: where it was, or beside the model
    #[arg(long)]
    no_embed_features: bool,
}

/// Values of `--feature-pool`.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum PoolArg {
    Patches,
    Image,
    Both,
}

impl PoolArg {
    fn pool(self) -> Pool {
        match self {
            Self::Patches => Pool::Patches,
            Self::Image => Pool::Image,
            Self::Both => Pool::Both,
        }
    }
}

impl FeatureArgs {
    /// The features, if the options ask for any.
    ///
    /// # Errors
    /// If there are no such features, or options say how and no network is there to do it.
    pub(crate) fn config(&self) -> Result<Option<FeatureConfig>> {
        FeatureOptions {
            features: self.features.clone(),
            pool: self.feature_pool.map(PoolArg::pool),
            taps: self.feature_taps.clone(),
            mean: self.feature_mean.clone(),
            sd: self.feature_sd.clone(),
            no_embed: self.no_embed_features,
            tile: self.tile,
            overlap: self.overlap,
        }
        .config()
    }
}
