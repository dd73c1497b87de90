//! The baselines of `unlike-baselines` as entries of the list of models.

use unlike_baselines::{
    Ecod, EcodConfig, Iforest, IforestConfig, Knn, KnnConfig, Padim, PadimConfig, Pca, PcaConfig,
};
use unlike_core::{Arrays, Features, Result, Scorer};

use super::Kind;
use crate::{method::Settings, registry::Baseline};

macro_rules! baselines {
    ($($config:ty, $fitted:ty, $name:literal, $title:literal, $places:literal;)*) => {$(
        impl Settings for $config {
            const NAME: &'static str = $name;
            const TITLE: &'static str = $title;
            const SEES_PLACES: bool = $places;

            fn recommended(_: Kind) -> Self {
                Self::default()
            }
        }

        impl Baseline for $config {
            fn fit(&self, features: &Features, seed: u64) -> Result<Box<dyn Scorer>> {
                Ok(Box::new(Self::fit(self, features, seed)?))
            }

            fn restore(&self, arrays: &Arrays) -> Result<Box<dyn Scorer>> {
                Ok(Box::new(<$fitted>::from_arrays(self, arrays)?))
            }
        }
    )*};
}

baselines! {
    PcaConfig, Pca, "pca", "PCA", false;
    KnnConfig, Knn, "knn", "k nearest neighbours", false;
    PadimConfig, Padim, "padim", "PaDiM", true;
    IforestConfig, Iforest, "iforest", "isolation forest", false;
    EcodConfig, Ecod, "ecod", "ECOD", false;
}
