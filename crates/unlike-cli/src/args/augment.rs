//! The options that change training images at random.

use clap::{Args, ValueEnum};
use unlike::train::Augmentation;

/// Changes to training images, drawn anew in every epoch.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Changing training images at random")]
pub(crate) struct AugmentArgs {
    /// Mirror every other image
    #[arg(long, value_name = "HOW")]
    flip: Option<FlipArg>,
    /// Move images by up to N pixels along each axis
    #[arg(long, value_name = "N")]
    shift: Option<usize>,
    /// Turn images by up to DEG degrees to either side
    #[arg(long, value_name = "DEG")]
    rotate: Option<f64>,
}

/// Values of `--flip`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FlipArg {
    Horizontal,
    Vertical,
    Both,
}

impl AugmentArgs {
    /// Changes the settings as far as options were given.
    pub(crate) fn apply(&self, settings: &mut Option<Augmentation>) {
        let Self {
            flip,
            shift,
            rotate,
        } = *self;
        if flip.is_none() && shift.is_none() && rotate.is_none() {
            return;
        }
        let settings = settings.get_or_insert_default();
        if let Some(flip) = flip {
            settings.flip_horizontal = flip != FlipArg::Vertical;
            settings.flip_vertical = flip != FlipArg::Horizontal;
        }
        settings.shift = shift.unwrap_or(settings.shift);
        settings.rotation = rotate.unwrap_or(settings.rotation);
    }
}
