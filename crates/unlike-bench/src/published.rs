//! What others printed for the survey's sets, one class anomalous.

use crate::survey::Set;

/// Whose numbers, and of what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Published {
    pub(crate) set: Set,
    /// The model as we call it.
    pub(crate) model: &'static str,
    pub(crate) name: &'static str,
    pub(crate) figure: Figure,
    /// By class, in the files' order; empty where only the mean was printed.
    pub(crate) classes: &'static [f64],
    pub(crate) mean: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Figure {
    Auroc,
    AveragePrecision,
}

use Figure::{Auroc, AveragePrecision};

/// GANomaly's paper (arXiv 1805.06725) chose the epoch by test labels; the survey (version 1, figure 5)
/// shows the best of several runs; EGBAD's and AnoGAN's bars are read off EGBAD's figure as GANomaly's
/// paper redraws it; the VAE is Tonnaer's.
pub(crate) const PUBLISHED: &[Published] = &[
    Published {
        set: Set::Mnist,
        model: "ganomaly",
        name: "GANomaly, its paper",
        figure: Auroc,
        classes: &[
            0.878, 0.653, 0.939, 0.792, 0.801, 0.851, 0.845, 0.676, 0.840, 0.536,
        ],
        mean: 0.781,
    },
    Published {
        set: Set::Mnist,
        model: "vae",
        name: "VAE, Tonnaer",
        figure: Auroc,
        classes: &[0.96, 0.73, 0.97, 0.94, 0.73, 0.92, 0.95, 0.77, 0.92, 0.66],
        mean: 0.855,
    },
    Published {
        set: Set::Mnist,
        model: "ganomaly",
        name: "GANomaly, the survey",
        figure: AveragePrecision,
        classes: &[
            0.667, 0.248, 0.733, 0.569, 0.569, 0.603, 0.670, 0.402, 0.703, 0.398,
        ],
        mean: 0.556,
    },
    Published {
        set: Set::Mnist,
        model: "egbad",
        name: "EGBAD, its paper",
        figure: AveragePrecision,
        classes: &[
            0.775, 0.290, 0.670, 0.520, 0.450, 0.430, 0.570, 0.380, 0.545, 0.345,
        ],
        mean: 0.498,
    },
    Published {
        set: Set::Mnist,
        model: "egbad",
        name: "EGBAD, the survey (best)",
        figure: AveragePrecision,
        classes: &[
            0.836, 0.873, 0.879, 0.788, 0.747, 0.789, 0.843, 0.828, 0.779, 0.555,
        ],
        mean: 0.792,
    },
    Published {
        set: Set::Mnist,
        model: "anogan",
        name: "AnoGAN, EGBAD's paper",
        figure: AveragePrecision,
        classes: &[
            0.610, 0.300, 0.535, 0.440, 0.430, 0.420, 0.475, 0.380, 0.400, 0.335,
        ],
        mean: 0.433,
    },
    Published {
        set: Set::FashionMnist,
        model: "egbad",
        name: "EGBAD, the survey (best)",
        figure: AveragePrecision,
        classes: &[],
        mean: 0.751,
    },
    Published {
        set: Set::FashionMnist,
        model: "ganomaly",
        name: "GANomaly, the survey",
        figure: AveragePrecision,
        classes: &[],
        mean: 0.577,
    },
    Published {
        set: Set::Cifar10,
        model: "ganomaly",
        name: "GANomaly, its paper",
        figure: Auroc,
        classes: &[],
        mean: 0.607,
    },
    Published {
        set: Set::Cifar10,
        model: "egbad",
        name: "EGBAD, GANomaly's paper",
        figure: Auroc,
        classes: &[],
        mean: 0.462,
    },
    Published {
        set: Set::Cifar10,
        model: "anogan",
        name: "AnoGAN, GANomaly's paper",
        figure: Auroc,
        classes: &[],
        mean: 0.434,
    },
    Published {
        set: Set::Cifar10,
        model: "ganomaly",
        name: "GANomaly, the survey",
        figure: AveragePrecision,
        classes: &[],
        mean: 0.395,
    },
];
