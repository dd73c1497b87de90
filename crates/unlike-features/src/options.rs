//! What somebody asks to see of images, of which most is left out.

use unlike_core::{Error, Note, Result};

use crate::config::{FeatureConfig, Pool};

/// What is asked for, option by option; what is left out is as recommended. One reading of them for every
/// interface.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FeatureOptions {
    /// `pixels`, `lite0` or `dct`.
    pub features: Option<String>,
    /// What of an image becomes a row.
    pub pool: Option<Pool>,
    /// Stages of the network that are read.
    pub taps: Vec<String>,
}

impl FeatureOptions {
    /// The features, if the options ask for any.
    ///
    /// # Errors
    /// If there are no such features, or options say how to see what is not asked for.
    pub fn config(&self) -> Result<Option<FeatureConfig>> {
        let pool = self.pool.unwrap_or(Pool::Patches);
        let how = match (&self.pool, self.taps.is_empty()) {
            (Some(_), _) => Some("feature-pool"),
            (None, false) => Some("feature-taps"),
            (None, true) => None,
        };
        Ok(match (self.features.as_deref(), how) {
            (None, None) => None,
            (Some("pixels"), Some(name)) => {
                return Err(Error::Setting {
                    name: name.into(),
                    found: "asked for".into(),
                    expected: "nothing for pixels".into(),
                    hint: Some(Note::new("ask for a network with ").set("features", "lite0")),
                });
            }
            (Some("pixels"), None) => Some(FeatureConfig::Pixels),
            (Some("dct"), _) if !self.taps.is_empty() => {
                return Err(Error::Setting {
                    name: "feature-taps".into(),
                    found: "asked for".into(),
                    expected: "nothing for dct, which has no stages".into(),
                    hint: None,
                });
            }
            (Some("dct"), _) => Some(FeatureConfig::dct(pool)),
            (None | Some("lite0"), _) => {
                let mut config = FeatureConfig::lite0(pool);
                if let FeatureConfig::Lite0(how) = &mut config
                    && !self.taps.is_empty()
                {
                    how.taps.clone_from(&self.taps);
                }
                Some(config)
            }
            (Some(other), _) => {
                return Err(Error::Setting {
                    name: "features".into(),
                    found: format!("`{other}`"),
                    expected: "`pixels`, `lite0` or `dct`".into(),
                    hint: None,
                });
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(
        features: Option<&str>,
        pool: Option<Pool>,
        taps: &[&str],
    ) -> Result<Option<FeatureConfig>> {
        FeatureOptions {
            features: features.map(str::to_owned),
            pool,
            taps: taps.iter().map(|tap| (*tap).to_owned()).collect(),
        }
        .config()
    }

    #[test]
    fn what_is_left_out_is_as_recommended() {
        assert_eq!(asked(None, None, &[]).unwrap(), None);
        let image = Some(Pool::Image);
        for (features, pool, expected) in [
            (Some("pixels"), None, FeatureConfig::Pixels),
            (Some("lite0"), None, FeatureConfig::lite0(Pool::Patches)),
            (None, image, FeatureConfig::lite0(Pool::Image)),
            (Some("dct"), image, FeatureConfig::dct(Pool::Image)),
        ] {
            assert_eq!(asked(features, pool, &[]).unwrap(), Some(expected));
        }
        let Some(FeatureConfig::Lite0(how)) = asked(None, None, &["stage2"]).unwrap() else {
            panic!("a network");
        };
        assert_eq!(how.taps, ["stage2"]);
    }

    #[test]
    fn what_has_no_meaning_is_refused_by_its_name() {
        for (features, pool, taps, word) in [
            ("pixels", Some(Pool::Image), &[][..], "`feature-pool`"),
            ("pixels", None, &["stage3"][..], "`feature-taps`"),
            ("dct", None, &["stage3"][..], "`feature-taps`"),
            ("eyes", None, &[][..], "`eyes`"),
        ] {
            let error = asked(Some(features), pool, taps).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }
}
