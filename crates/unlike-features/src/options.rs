//! What somebody asks to see of images, of which most is left out.

use unlike_core::{Error, Note, Result};

use crate::{
    config::{FeatureConfig, Pool},
    onnx::Onnx,
    tiling::Tiles,
};

/// What is asked for, option by option; what is left out is as recommended. One reading of them for every
/// interface.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FeatureOptions {
    /// `pixels`, `lite0`, `dct`, or the path of a network, which ends in `.onnx`.
    pub features: Option<String>,
    /// What of an image becomes a row.
    pub pool: Option<Pool>,
    /// Stages or outputs of the network that are read.
    pub taps: Vec<String>,
    /// What is taken from each colour of a pixel, from 0 to 1, for a network of a file.
    pub mean: Option<Vec<f64>>,
    /// What each colour is then divided by.
    pub sd: Option<Vec<f64>>,
    /// Whether the network of a file stays out of model files.
    pub no_embed: bool,
    /// Pixels of the side of tiles, in which larger images are looked at.
    pub tile: Option<usize>,
    /// Pixels that neighbouring tiles share.
    pub overlap: Option<usize>,
}

/// What may be asked for, and the names of the options that have a meaning for it.
const KNOWN: [(&str, &[&str]); 4] = [
    ("pixels", &[]),
    ("lite0", &[POOL, TAPS, TILE, OVERLAP]),
    ("dct", &[POOL, TILE, OVERLAP]),
    (FILE, &[POOL, TAPS, MEAN, SD, NO_EMBED, TILE, OVERLAP]),
];
const FILE: &str = "a network of a file";
const POOL: &str = "feature-pool";
const TAPS: &str = "feature-taps";
const MEAN: &str = "feature-mean";
const SD: &str = "feature-sd";
const TILE: &str = "tile";
const OVERLAP: &str = "overlap";
const NO_EMBED: &str = "no-embed-features";

impl FeatureOptions {
    /// The features, if the options ask for any; a network of a file is read.
    ///
    /// # Errors
    /// If there are no such features, options say how to see what is not asked for, or a file cannot be read.
    pub fn config(&self) -> Result<Option<FeatureConfig>> {
        let told = [
            (POOL, self.pool.is_some()),
            (TAPS, !self.taps.is_empty()),
            (MEAN, self.mean.is_some()),
            (SD, self.sd.is_some()),
            (NO_EMBED, self.no_embed),
            (TILE, self.tile.is_some()),
            (OVERLAP, self.overlap.is_some()),
        ];
        let told = || told.iter().filter(|(_, told)| *told).map(|(name, _)| *name);
        let asked = match self.features.as_deref() {
            None if told().next().is_none() => return Ok(None),
            None => "lite0",
            Some(path) if path.to_lowercase().ends_with(".onnx") => FILE,
            Some(name) => name,
        };
        let Some((_, sensible)) = KNOWN.iter().find(|(name, _)| *name == asked) else {
            return Err(Error::Setting {
                name: "features".into(),
                found: format!("`{asked}`"),
                expected: "`pixels`, `lite0`, `dct` or a file that ends in `.onnx`".into(),
                hint: None,
            });
        };
        if let Some(name) = told().find(|name| !sensible.contains(name)) {
            return Err(Error::Setting {
                name: name.into(),
                found: "asked for".into(),
                expected: format!("nothing for {asked}"),
                hint: match asked {
                    "pixels" => Some(Note::new("ask for a network with ").set("features", "lite0")),
                    _ => None,
                },
            });
        }
        let tiles = self.tiles()?;
        let pool = self.pool.unwrap_or(Pool::Patches);
        let config = match asked {
            "pixels" => FeatureConfig::Pixels,
            "dct" => FeatureConfig::dct(pool),
            FILE => {
                let mut network = Onnx::new(self.features.clone().unwrap_or_default());
                network.pool = pool;
                network.taps.clone_from(&self.taps);
                network.mean.clone_from(&self.mean);
                network.sd.clone_from(&self.sd);
                network.embed = !self.no_embed;
                FeatureConfig::Onnx(network)
            }
            _ => {
                let mut config = FeatureConfig::lite0(pool);
                if let (FeatureConfig::Lite0(how), false) = (&mut config, self.taps.is_empty()) {
                    how.taps.clone_from(&self.taps);
                }
                config
            }
        };
        config.with_tiles(tiles).open().map(Some)
    }

    fn tiles(&self) -> Result<Option<Tiles>> {
        match (self.tile, self.overlap) {
            (None, None) => Ok(None),
            (None, Some(overlap)) => Err(Error::Setting {
                name: OVERLAP.into(),
                found: overlap.to_string(),
                expected: "nothing where images are not cut into tiles".into(),
                hint: Some(Note::new("cut them with ").set(TILE, 224)),
            }),
            (Some(side), overlap) => {
                let usual = Tiles::of(side);
                let overlap = overlap.unwrap_or(usual.overlap);
                Ok(Some(Tiles { side, overlap }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(features: &str) -> FeatureOptions {
        FeatureOptions {
            features: Some(features.to_owned()),
            ..FeatureOptions::default()
        }
    }

    #[test]
    fn what_is_left_out_is_as_recommended() {
        assert_eq!(FeatureOptions::default().config().unwrap(), None);
        let pool = Some(Pool::Image);
        let whole = FeatureOptions {
            pool,
            ..FeatureOptions::default()
        };
        for (options, expected) in [
            (asked("pixels"), FeatureConfig::Pixels),
            (asked("lite0"), FeatureConfig::lite0(Pool::Patches)),
            (whole, FeatureConfig::lite0(Pool::Image)),
            (
                FeatureOptions {
                    pool,
                    ..asked("dct")
                },
                FeatureConfig::dct(Pool::Image),
            ),
        ] {
            assert_eq!(options.config().unwrap(), Some(expected));
        }
        let taps = vec!["stage2".to_owned()];
        let options = FeatureOptions {
            taps: taps.clone(),
            ..FeatureOptions::default()
        };
        let Some(FeatureConfig::Lite0(how)) = options.config().unwrap() else {
            panic!("a network");
        };
        assert_eq!(how.taps, taps);
    }

    #[test]
    fn what_has_no_meaning_is_refused_by_its_name() {
        let taps = || vec!["stage3".to_owned()];
        let pool = Some(Pool::Image);
        for (options, word) in [
            (
                FeatureOptions {
                    pool,
                    ..asked("pixels")
                },
                "`feature-pool`",
            ),
            (
                FeatureOptions {
                    taps: taps(),
                    ..asked("pixels")
                },
                "`feature-taps`",
            ),
            (
                FeatureOptions {
                    taps: taps(),
                    ..asked("dct")
                },
                "`feature-taps`",
            ),
            (
                FeatureOptions {
                    no_embed: true,
                    ..asked("lite0")
                },
                "`no-embed-features`",
            ),
            (
                FeatureOptions {
                    mean: Some(vec![0.5]),
                    ..asked("dct")
                },
                "`feature-mean`",
            ),
            (asked("eyes"), "`eyes`"),
            (asked("no/such/network.ONNX"), "no/such/network.ONNX"),
        ] {
            let error = options.config().unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }
}
