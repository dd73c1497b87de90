//! From scores to probabilities, where labels exist: Venn–Abers predictors.
//!
//! A score or a p-value says nothing of how probable an anomaly is: that depends on how common
//! anomalies are. Labelled samples tell. An inductive Venn–Abers predictor (Vovk and Petej,
//! *Venn–Abers predictors*, UAI 2014) gives two probabilities for a new sample: one from the isotonic
//! regression of the labels on the scores in which the sample stands as a normal, and one in which it
//! stands as an anomaly. One of the two is calibrated, whatever the detector, if the sample is drawn as
//! the labelled ones were: with as many anomalies among them.

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    metrics::labelled,
    samples::Label,
};

/// What labelled samples say of the probability of an anomaly, by score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct VennAbers {
    /// Distinct scores, ascending.
    groups: Vec<Group>,
    /// The regression of all groups below each, and of all from each on: the position of its topmost,
    /// and of its lowest block.
    below: Vec<Option<usize>>,
    above: Vec<Option<usize>>,
    blocks: Vec<Block>,
}

/// The labelled samples of one score.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Group {
    score: f64,
    anomalous: u32,
    all: u32,
}

/// Neighbouring groups that share a value in a regression.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Block {
    anomalous: f64,
    all: f64,
    /// The next block, away from where the sample stands.
    next: Option<usize>,
}

impl Block {
    fn mean(self) -> f64 {
        self.anomalous / self.all
    }

    fn with(self, other: Self) -> Self {
        Self {
            anomalous: self.anomalous + other.anomalous,
            all: self.all + other.all,
            next: other.next,
        }
    }
}

/// What a file holds.
#[derive(Clone, Serialize, Deserialize)]
struct Stored {
    groups: Vec<Group>,
}

impl From<VennAbers> for Stored {
    fn from(fitted: VennAbers) -> Self {
        Self {
            groups: fitted.groups,
        }
    }
}

impl TryFrom<Stored> for VennAbers {
    type Error = Error;

    fn try_from(Stored { groups }: Stored) -> Result<Self> {
        let ascending = groups.windows(2).all(|w| w[0].score < w[1].score);
        let counted = groups.iter().all(|g| g.anomalous <= g.all && g.all > 0);
        let finite = groups.iter().all(|g| g.score.is_finite());
        if groups.is_empty() || !ascending || !counted || !finite {
            return Err(Error::Mismatch {
                origin: Some("probabilities".into()),
                found: "scores that are not ascending and counted".into(),
                expected: "what unlike wrote".into(),
                hint: None,
            });
        }
        Ok(Self::of(groups))
    }
}

/// The probability that a sample is anomalous.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Probability {
    /// If the sample stands as a normal among the labelled ones; at most `high`.
    pub low: f64,
    /// If it stands as an anomaly.
    pub high: f64,
}

impl Probability {
    /// One number of the two that loses least against either by logarithmic loss: high / (1 − low +
    /// high) (Vovk and Petej 2014, section 4).
    pub fn point(self) -> f64 {
        self.high / (1.0 - self.low + self.high)
    }
}

impl VennAbers {
    /// Counts labelled samples that training has not seen, by score.
    ///
    /// # Errors
    /// If there is not one label per score, a score is not finite, or a class is missing.
    pub fn fit(scores: &[f64], labels: &[Label]) -> Result<Self> {
        let groups = labelled(scores, labels)?;
        let group = |&(score, anomalous, normal): &(f64, u32, u32)| Group {
            score,
            anomalous,
            all: anomalous + normal,
        };
        Ok(Self::of(groups.iter().rev().map(group).collect()))
    }

    fn of(groups: Vec<Group>) -> Self {
        let mut blocks = Vec::with_capacity(2 * groups.len());
        let mut add = |group: &Group, onto: Option<usize>, outwards: fn(f64, f64) -> bool| {
            let mut block = Block {
                anomalous: group.anomalous.into(),
                all: group.all.into(),
                next: onto,
            };
            // Pool adjacent violators: the block takes in its neighbours until values ascend.
            while let Some(next) = block.next.map(|at: usize| -> Block { blocks[at] }) {
                if outwards(next.mean(), block.mean()) {
                    break;
                }
                block = block.with(next);
            }
            blocks.push(block);
            Some(blocks.len() - 1)
        };
        let mut below = vec![None];
        for group in &groups {
            let top = below.last().copied().flatten();
            below.push(add(group, top, |next, block| next < block));
        }
        let mut above = vec![None];
        for group in groups.iter().rev() {
            let lowest = above.last().copied().flatten();
            above.push(add(group, lowest, |next, block| next > block));
        }
        above.reverse();
        Self {
            groups,
            below,
            above,
            blocks,
        }
    }

    /// How many labelled samples it was fitted to: normal, and anomalous.
    pub fn counts(&self) -> [u64; 2] {
        let sum = |count: fn(&Group) -> u32| self.groups.iter().map(|g| u64::from(count(g))).sum();
        let anomalous: u64 = sum(|g| g.anomalous);
        [sum(|g| g.all) - anomalous, anomalous]
    }

    /// The probability that a sample of this score is anomalous, among samples as the labelled ones.
    ///
    /// It never falls while the score rises. NaN is no score, and could be anything: from 0 to 1.
    pub fn probability(&self, score: f64) -> Probability {
        if score.is_nan() {
            return Probability {
                low: 0.0,
                high: 1.0,
            };
        }
        let at = self.groups.partition_point(|g| g.score < score);
        let same = self.groups.get(at).filter(|g| g.score == score);
        let (below, above) = (self.below[at], self.above[at + usize::from(same.is_some())]);
        let (anomalous, all) = same.map_or((0.0, 0.0), |g| (g.anomalous.into(), g.all.into()));
        let value = |label: f64| {
            let mut block = Block {
                anomalous: anomalous + label,
                all: all + 1.0,
                next: None,
            };
            let (mut below, mut above) = (below, above);
            loop {
                let lower = below.map(|at| self.blocks[at]);
                let upper = above.map(|at| self.blocks[at]);
                match (lower, upper) {
                    (Some(lower), _) if lower.mean() >= block.mean() => {
                        block = block.with(lower);
                        below = lower.next;
                    }
                    (_, Some(upper)) if upper.mean() <= block.mean() => {
                        block = block.with(upper);
                        above = upper.next;
                    }
                    _ => return block.mean(),
                }
            }
        };
        Probability {
            low: value(0.0),
            high: value(1.0),
        }
    }
}
