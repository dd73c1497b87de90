//! From the parts of a score to the score: one rule, fitted without labels, saved with the model.

use serde::{Deserialize, Serialize};

use crate::{
    detector::{ScoreParts, Scores},
    error::{Error, Result},
};

/// How parts become one score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "kebab-case")]
pub enum ScoreRule {
    /// A weighted sum: the papers' scores, and single parts (weight 1).
    Weighted {
        /// Part and weight.
        terms: Vec<Weight>,
    },
    /// The sum of the parts, each in units of its own spread over held-out normals.
    Combined {
        /// Part, mean and spread.
        terms: Vec<Spread>,
    },
}

/// A part and its weight.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Weight {
    /// The part's name.
    pub part: String,
    /// Its factor in the sum.
    pub weight: f64,
}

/// A part and how held-out normals spread in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The part's name.
    pub part: String,
    /// Mean over held-out normals.
    pub mean: f64,
    /// Standard deviation over held-out normals; positive.
    pub sd: f64,
}

impl ScoreRule {
    /// The weighted sum of these parts.
    pub fn weighted(terms: &[(&str, f64)]) -> Self {
        let term = |&(part, weight): &(&str, f64)| Weight {
            part: part.to_owned(),
            weight,
        };
        Self::Weighted {
            terms: terms.iter().map(term).collect(),
        }
    }

    /// One part alone.
    pub fn single(part: &str) -> Self {
        Self::weighted(&[(part, 1.0)])
    }

    /// Measures each named part's mean and standard deviation on held-out normals.
    ///
    /// A part that does not vary there gets the standard deviation 1: its distance from the
    /// constant is then counted in its own units.
    ///
    /// # Errors
    /// If there is no sample or no part of that name.
    pub fn fit_combined(held_out: &ScoreParts, parts: &[&str]) -> Result<Self> {
        let mut terms = Vec::with_capacity(parts.len());
        for &part in parts {
            let values = held_out
                .get(part)
                .ok_or_else(|| unknown_part(part, held_out))?;
            if values.is_empty() {
                return Err(Error::NotEnough {
                    what: "held-out normals for the combined score".into(),
                    found: "none".into(),
                    expected: "at least 2".into(),
                    hint: None,
                });
            }
            let [mean, sd] = mean_and_sd(values);
            let sd = if sd > f64::EPSILON * mean.abs() {
                sd
            } else {
                1.0
            };
            terms.push(Spread {
                part: part.to_owned(),
                mean,
                sd,
            });
        }
        Ok(Self::Combined { terms })
    }

    /// The sum of these scores, each in units of its own spread over held-out normals.
    ///
    /// # Errors
    /// If there is no sample or a part is missing, or a score falls with one of its parts.
    pub fn fit_sum(held_out: &ScoreParts, scores: &[&Self]) -> Result<Self> {
        let mut terms = Vec::new();
        for score in scores {
            let [_, spread] = mean_and_sd(&narrowed(&score.apply(held_out)?));
            for (part, weight) in score.weights() {
                if weight == 0.0 {
                    continue;
                }
                // Of what a sum of parts departs from its mean, each part has its own share.
                let mut own = Self::fit_combined(held_out, &[part])?;
                if let Self::Combined { terms } = &mut own {
                    for term in terms {
                        term.sd = match spread > 0.0 {
                            true => spread / weight,
                            false => 1.0 / weight,
                        };
                    }
                }
                own.check()?;
                if let Self::Combined { terms: own } = own {
                    terms.extend(own);
                }
            }
        }
        Ok(Self::Combined { terms })
    }

    /// Refuses a rule that [`fit_combined`](Self::fit_combined) and its like cannot have made: one read
    /// from a file.
    ///
    /// # Errors
    /// If it has no part, or a number is not finite, or a spread is not positive.
    pub fn check(&self) -> Result<()> {
        let sound = match self {
            Self::Weighted { terms } => {
                let numbers = terms.iter().map(|term| term.weight);
                numbers.clone().all(f64::is_finite) && numbers.len() > 0
            }
            Self::Combined { terms } => {
                let sound =
                    |term: &Spread| term.mean.is_finite() && term.sd.is_finite() && term.sd > 0.0;
                terms.iter().all(sound) && !terms.is_empty()
            }
        };
        if sound {
            return Ok(());
        }
        Err(Error::Mismatch {
            origin: Some("score".into()),
            found: format!("the rule {self:?}"),
            expected: "at least one part, with finite numbers and positive spreads".into(),
            hint: None,
        })
    }

    /// The names of the parts that it is made of.
    pub fn parts(&self) -> Vec<&str> {
        match self {
            Self::Weighted { terms } => terms.iter().map(|term| &*term.part).collect(),
            Self::Combined { terms } => terms.iter().map(|term| &*term.part).collect(),
        }
    }

    /// What one unit of each part adds to the score.
    pub fn weights(&self) -> Vec<(&str, f64)> {
        match self {
            Self::Weighted { terms } => terms.iter().map(|t| (&*t.part, t.weight)).collect(),
            Self::Combined { terms } => terms.iter().map(|t| (&*t.part, 1.0 / t.sd)).collect(),
        }
    }

    /// One score per sample.
    ///
    /// # Errors
    /// If a part is missing, or a score is not finite.
    pub fn apply(&self, parts: &ScoreParts) -> Result<Scores> {
        let mut scores = vec![0.0; parts.len()];
        let mut add = |part: &str, term: &dyn Fn(f64) -> f64| {
            let values = parts.get(part).ok_or_else(|| unknown_part(part, parts))?;
            for (score, &value) in scores.iter_mut().zip(values) {
                *score += term(value.into());
            }
            Ok::<_, Error>(())
        };
        match self {
            Self::Weighted { terms } => {
                for Weight { part, weight } in terms {
                    add(part, &|v| weight * v)?;
                }
            }
            Self::Combined { terms } => {
                for Spread { part, mean, sd } in terms {
                    add(part, &|v| (v - mean) / sd)?;
                }
            }
        }
        match scores.iter().position(|s| !s.is_finite()) {
            None => Ok(scores),
            Some(at) => Err(Error::NotFinite {
                what: "a score".into(),
                location: format!(", sample {} of {}", at + 1, scores.len()),
                hint: Some(
                    "the input is far outside what training saw, or training diverged".into(),
                ),
            }),
        }
    }
}

fn narrowed(scores: &[f64]) -> Vec<f32> {
    scores.iter().map(|&score| score as f32).collect()
}

/// Mean and standard deviation (divisor N), computed in 64 bits; 0 for no values.
pub fn mean_and_sd(values: &[f32]) -> [f64; 2] {
    let n = values.len().max(1) as f64;
    let values = || values.iter().map(|&v| f64::from(v));
    let mean = values().sum::<f64>() / n;
    let variance = values().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
    [mean, variance.sqrt()]
}

fn unknown_part(part: &str, parts: &ScoreParts) -> Error {
    Error::Setting {
        name: "score".into(),
        found: format!("the part `{part}`"),
        expected: format!("one of {}", parts.names().collect::<Vec<_>>().join(", ")),
        hint: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts() -> ScoreParts {
        ScoreParts::new(vec![
            ("residual".into(), vec![1.0, 2.0, 3.0]),
            ("feature".into(), vec![10.0, 10.0, 10.0]),
        ])
    }

    #[test]
    fn weighted_is_a_weighted_sum() {
        let rule = ScoreRule::weighted(&[("residual", 0.9), ("feature", 0.1)]);
        let scores = rule.apply(&parts()).unwrap();
        assert!((scores[2] - (0.9 * 3.0 + 0.1 * 10.0)).abs() < 1e-12);
    }

    #[test]
    fn combined_counts_in_spreads_and_survives_a_constant_part() {
        let rule = ScoreRule::fit_combined(&parts(), &["residual", "feature"]).unwrap();
        let scores = rule.apply(&parts()).unwrap();
        let sd = (2.0f64 / 3.0).sqrt();
        assert!((scores[0] + 1.0 / sd).abs() < 1e-12);
        assert!(scores[1].abs() < 1e-12);
    }

    #[test]
    fn a_sum_counts_each_score_in_its_own_spread() {
        let held_out = parts().with("image", vec![5.0, 1.0, 9.0]);
        let weighted = ScoreRule::weighted(&[("residual", 4.0), ("feature", 0.5)]);
        let combined = ScoreRule::fit_combined(&held_out, &["residual", "image"]).unwrap();
        let image = ScoreRule::single("image");
        for other in [&weighted, &combined] {
            let sum = ScoreRule::fit_sum(&held_out, &[other, &image]).unwrap();
            sum.check().unwrap();
            let found = sum.apply(&held_out).unwrap();
            let mut expected = vec![0.0; 3];
            for score in [other, &image] {
                let scores = score.apply(&held_out).unwrap();
                let [mean, sd] = mean_and_sd(&narrowed(&scores));
                for (sum, score) in expected.iter_mut().zip(scores) {
                    *sum += (score - mean) / sd;
                }
            }
            for (found, expected) in found.iter().zip(expected) {
                assert!((found - expected).abs() < 1e-5, "{found} {expected}");
            }
        }
        // A score that never varies counts in its own units.
        let constant = ScoreRule::fit_sum(&held_out, &[&ScoreRule::single("feature")]).unwrap();
        assert_eq!(constant.apply(&held_out).unwrap(), [0.0; 3]);
        let falls = ScoreRule::weighted(&[("residual", -1.0)]);
        assert!(ScoreRule::fit_sum(&held_out, &[&falls]).is_err());
    }

    #[test]
    fn a_rule_that_says_nothing_is_refused() {
        let spread = |mean, sd| ScoreRule::Combined {
            terms: vec![Spread {
                part: "residual".into(),
                mean,
                sd,
            }],
        };
        for sound in [
            ScoreRule::single("a"),
            ScoreRule::weighted(&[("a", -1.0), ("b", 0.0)]),
            spread(-3.0, 1e-9),
        ] {
            sound.check().unwrap();
        }
        for bad in [
            ScoreRule::weighted(&[]),
            ScoreRule::Combined { terms: vec![] },
            ScoreRule::weighted(&[("a", 1.0), ("b", f64::NAN)]),
            spread(0.0, 0.0),
            spread(0.0, -1.0),
            spread(0.0, f64::NAN),
            spread(f64::INFINITY, 1.0),
        ] {
            assert!(bad.check().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_unknown_part_is_named_with_the_known_ones() {
        let error = ScoreRule::single("latent")
            .apply(&parts())
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("latent") && error.contains("residual, feature"),
            "{error}"
        );
    }
}
