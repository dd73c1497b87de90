//! The baselines of `unlike-baselines` as entries of the list of models.

use unlike_baselines::{
    Ecod, EcodConfig, Iforest, IforestConfig, Knn, KnnConfig, Padim, PadimConfig, PatchcoreConfig,
    Pca, PcaConfig,
};
use unlike_core::{Arrays, Features, Result, Scorer};

use super::Kind;
use crate::{method::Settings, registry::Baseline};

macro_rules! baselines {
    ($($config:ty, $restore:expr, $name:literal, $title:literal, $places:literal;)*) => {$(
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
                Ok(Box::new($restore(self, arrays)?))
            }
        }
    )*};
}

baselines! {
    PcaConfig, Pca::from_arrays, "pca", "PCA", false;
    KnnConfig, Knn::from_arrays, "knn", "k nearest neighbours", false;
    PatchcoreConfig, PatchcoreConfig::restore, "patchcore", "PatchCore", false;
    PadimConfig, Padim::from_arrays, "padim", "PaDiM", true;
    IforestConfig, Iforest::from_arrays, "iforest", "isolation forest", false;
    EcodConfig, Ecod::from_arrays, "ecod", "ECOD", false;
}
