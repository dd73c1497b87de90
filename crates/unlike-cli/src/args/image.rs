//! The options that say how images are read.

use std::str::FromStr;

use clap::{Args, ValueEnum};
use unlike_core::{Error, Note, Result};
use unlike_data::{Fit, ImageOptions, ImageSize, MaskRule};

/// How images are read, where that differs from what they are.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Reading images")]
pub(crate) struct ImageArgs {
    /// Bring images to N × N pixels, so that N is the longer side, or to WxH [default: their own size
    /// if it is one for all and at most 256; else about their size, at most 224 for lite0, 128 for dct,
    /// what the file says for an .onnx, 64 for pixels, and 4096 in tiles]
    #[arg(long, value_name = "N")]
    image_size: Option<SizeArg>,
    /// Grey or colour [default: colour if any image is]
    #[arg(long, value_name = "WHICH")]
    channels: Option<ChannelsArg>,
    /// How images of other proportions come to the size: they keep them, and their edges are
    /// continued; or they are stretched, cut, or put on black (pad does not scale) [default: keep]
    #[arg(long, value_name = "HOW")]
    fit: Option<FitArg>,
    /// Leave out, and count, images that cannot be read
    #[arg(long)]
    skip_unreadable: bool,
    /// Take every image for a sample, even if it lies where masks do: in a folder ground_truth or
    /// masks, or beside an image as a_mask.png or as .png of the same name
    #[arg(long)]
    ignore_masks: bool,
    /// Keep a folder's images in memory if they take no more than this; otherwise read each from
    /// the disk whenever it is needed [default: 1024]
    #[arg(long, value_name = "MIB")]
    image_memory: Option<usize>,
}

/// Values of `--channels`.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum ChannelsArg {
    Grey,
    Colour,
}

/// Values of `--fit`.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum FitArg {
    Keep,
    Stretch,
    Crop,
    Letterbox,
    Pad,
}

impl FitArg {
    fn fit(self) -> Fit {
        match self {
            Self::Keep => Fit::Keep,
            Self::Stretch => Fit::Stretch,
            Self::Crop => Fit::Crop,
            Self::Letterbox => Fit::Letterbox,
            Self::Pad => Fit::Pad,
        }
    }
}

/// `64`, or `96x64`: width and height.
#[derive(Clone, Copy, Debug)]
struct SizeArg(ImageSize);

impl FromStr for SizeArg {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (width, height) = text.split_once(['x', '×']).unwrap_or((text, text));
        match (width.trim().parse(), height.trim().parse()) {
            (Ok(width), Ok(height)) => Ok(Self(ImageSize { height, width })),
            _ => Err("expected a number of pixels, or WIDTHxHEIGHT"),
        }
    }
}

impl ImageArgs {
    /// How images come to their size, if the user said so.
    pub(crate) fn fit(&self) -> Option<Fit> {
        self.fit.map(FitArg::fit)
    }

    pub(crate) fn options(&self) -> ImageOptions {
        let usual = ImageOptions::default();
        ImageOptions {
            size: self.image_size.map(|SizeArg(size)| size),
            usual_side: usual.usual_side,
            square: usual.square,
            channels: self.channels.map(ChannelsArg::count),
            fit: self.fit().unwrap_or(usual.fit),
            masks: match self.ignore_masks {
                true => MaskRule::Ignore,
                false => usual.masks,
            },
            skip_unreadable: self.skip_unreadable,
            memory: self
                .image_memory
                .map_or(usual.memory, |mib| mib.saturating_mul(1 << 20)),
        }
    }

    /// Refuses what contradicts the images that a model was trained on.
    pub(crate) fn check_against(&self, trained: &ImageOptions) -> Result<()> {
        let asked = self.options();
        let size = |size: ImageSize| format!("{} × {}", size.width, size.height);
        let word = |fit: Fit| format!("{fit:?}").to_lowercase();
        let channels = |channels| match channels {
            1 => "grey".to_owned(),
            _ => "colour".to_owned(),
        };
        let pairs = [
            ("image-size", asked.size.map(size), trained.size.map(size)),
            (
                "channels",
                asked.channels.map(channels),
                trained.channels.map(channels),
            ),
            ("fit", self.fit().map(word), Some(word(trained.fit))),
        ];
        for (name, asked, trained) in pairs {
            if let (Some(asked), Some(trained)) = (asked, trained)
                && asked != trained
            {
                return Err(Error::Setting {
                    name: name.into(),
                    found: asked,
                    expected: format!("{trained}, as in training"),
                    hint: Some(
                        Note::new("leave out ")
                            .setting(name)
                            .text(": the model knows it"),
                    ),
                });
            }
        }
        Ok(())
    }
}

impl ChannelsArg {
    fn count(self) -> usize {
        match self {
            Self::Grey => 1,
            Self::Colour => 3,
        }
    }
}
