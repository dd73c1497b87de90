//! Networks of one model side by side, from different first weights: an ensemble of seeds.
//!
//! Members see the same batches, noise included, and differ in their first weights and in their dropout.
//! A part of the score is the mean of the members' parts, which are in one unit, since settings and
//! preprocessing are one; so are contributions. Everything else, the choice of the epoch included, is
//! as with one, and sees the means.

use unlike_core::{Arrays, FeatureShape, Features, Result, ScoreParts, ScoreRule, Scorer};

use crate::{
    backend::Device,
    method::{Batch, Losses, StepContext, Trainee},
    rng::{self, Purpose},
    train::TrainConfig,
};

/// More of them differ from this many by less than seeds do.
pub(crate) const MOST: usize = 100;

/// What the names of a member's arrays begin with.
fn prefix(member: usize) -> String {
    format!("member.{member}.")
}

/// The first member has the seed of the training.
fn seed_of(member: usize, seed: u64) -> u64 {
    match member {
        0 => seed,
        _ => rng::seed(seed, Purpose::Member, member as u64),
    }
}

/// Fresh networks, of each member, or `None` for baselines.
///
/// # Errors
/// If the model does not take such features.
pub(crate) fn trainee(
    config: &TrainConfig,
    shape: &FeatureShape,
    device: &Device,
) -> Result<Option<Box<dyn Trainee>>> {
    let one = |k| {
        let seed = seed_of(k, config.seed);
        config.model.trainee(shape, seed, device)
    };
    if config.members == 1 {
        return one(0);
    }
    let members: Option<Vec<_>> = (0..config.members).map(one).collect::<Result<_>>()?;
    Ok(members.map(|members| Box::new(InTraining(members)) as _))
}

/// Rebuilds a trained model from what [`Scorer::arrays`] gave.
///
/// # Errors
/// If an array is missing or has another shape than the settings ask for.
pub(crate) fn restore(
    config: &TrainConfig,
    shape: &FeatureShape,
    arrays: &Arrays,
    device: &Device,
) -> Result<Box<dyn Scorer>> {
    let one = |k, arrays: &Arrays| {
        let seed = seed_of(k, config.seed);
        config.model.restore(shape, arrays, seed, device)
    };
    if config.members == 1 {
        return one(0, arrays);
    }
    let members = (0..config.members).map(|k| one(k, &arrays.under(&prefix(k))));
    Ok(Box::new(Members(members.collect::<Result<_>>()?)))
}

/// At least one, in training.
struct InTraining(Vec<Box<dyn Trainee>>);

impl Trainee for InTraining {
    fn latent(&self) -> usize {
        self.0[0].latent()
    }

    fn needs_other_samples(&self) -> bool {
        self.0[0].needs_other_samples()
    }

    fn step(&mut self, batch: Batch, context: &StepContext) -> Result<Losses> {
        let mut sums: Vec<(&'static str, f64)> = Vec::new();
        let share = 1.0 / self.0.len() as f64;
        for (k, member) in self.0.iter_mut().enumerate() {
            let seed = seed_of(k, context.seed);
            let losses = member.step(batch.clone(), &StepContext { seed, ..*context })?;
            for (name, value) in losses.0 {
                match sums.iter_mut().find(|sum| sum.0 == name) {
                    Some((_, sum)) => *sum += share * value,
                    None => sums.push((name, share * value)),
                }
            }
        }
        Ok(Losses(sums))
    }

    fn can_score(&self, steps: u64, of: u64) -> bool {
        self.0[0].can_score(steps, of)
    }

    fn rules(&self, held_out: &ScoreParts) -> Result<Vec<(String, ScoreRule)>> {
        self.0[0].rules(held_out)
    }

    fn measure(&self) -> (Box<dyn Scorer>, usize) {
        let measures = self.0.iter().map(|member| member.measure());
        let (scorers, most): (_, Vec<usize>) = measures.unzip();
        (Box::new(Members(scorers)), most[0])
    }

    fn scorer(&self) -> Box<dyn Scorer> {
        let scorers = self.0.iter().map(|member| member.scorer());
        Box::new(Members(scorers.collect()))
    }

    fn save(&self) -> Arrays {
        let mut all = Arrays::new();
        for (k, member) in self.0.iter().enumerate() {
            all.add(&prefix(k), &member.save());
        }
        all
    }

    fn restore(&mut self, arrays: &Arrays) -> Result<()> {
        let mut members = self.0.iter_mut().enumerate();
        members.try_for_each(|(k, member)| member.restore(&arrays.under(&prefix(k))))
    }
}

/// At least one, trained.
struct Members(Vec<Box<dyn Scorer>>);

impl Members {
    fn mean_parts(&self, of: impl Fn(&dyn Scorer) -> Result<ScoreParts>) -> Result<ScoreParts> {
        let said: Vec<ScoreParts> = self.0.iter().map(|m| of(&**m)).collect::<Result<_>>()?;
        let part = |name: &str| {
            let values: Vec<_> = said.iter().filter_map(|parts| parts.get(name)).collect();
            (name.to_owned(), mean(&values))
        };
        Ok(ScoreParts::new(said[0].names().map(part).collect()))
    }
}

/// Value by value, of at least one list.
fn mean<T: AsRef<[f32]>>(lists: &[T]) -> Vec<f32> {
    let share = 1.0 / lists.len() as f64;
    let of = |i| {
        let values = lists.iter().map(|list| f64::from(list.as_ref()[i]));
        (share * values.sum::<f64>()) as f32
    };
    (0..lists[0].as_ref().len()).map(of).collect()
}

impl Scorer for Members {
    fn parts(&self, features: &Features) -> Result<ScoreParts> {
        self.mean_parts(|member| member.parts(features))
    }

    fn parts_of(&self, features: &Features, wanted: &[&str]) -> Result<ScoreParts> {
        self.mean_parts(|member| member.parts_of(features, wanted))
    }

    fn contributions(&self, features: &Features) -> Result<Vec<f32>> {
        let said = self.0.iter().map(|member| member.contributions(features));
        Ok(mean(&said.collect::<Result<Vec<_>>>()?))
    }

    /// What the first member makes of them: a mean of images is one of no member.
    fn reconstructions(&self, features: &Features) -> Result<Option<Vec<f32>>> {
        self.0[0].reconstructions(features)
    }

    /// As [`reconstructions`](Self::reconstructions): members number what they know in ways of their own.
    fn embeddings(&self, features: &Features) -> Result<Option<Vec<f32>>> {
        self.0[0].embeddings(features)
    }

    /// As [`reconstructions`](Self::reconstructions).
    fn generated(&self, count: usize, seed: u64) -> Option<Vec<f32>> {
        self.0[0].generated(count, seed)
    }

    fn arrays(&self) -> Arrays {
        let mut all = Arrays::new();
        for (k, member) in self.0.iter().enumerate() {
            all.add(&prefix(k), &member.arrays());
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_is_value_by_value_and_of_one_list_the_list() {
        let lists = [vec![1.0f32, f32::MAX], vec![2.0, f32::MAX]];
        assert_eq!(mean(&lists), [1.5, f32::MAX]);
        assert_eq!(mean(&lists[..1]), lists[0]);
    }

    #[test]
    fn members_have_seeds_of_their_own_and_the_first_has_the_trainings() {
        assert_eq!(seed_of(0, 7), 7);
        let all = [(1, 7), (2, 7), (1, 8), (2, 8)].map(|(k, seed)| seed_of(k, seed));
        let distinct: std::collections::HashSet<u64> = all.into_iter().collect();
        assert_eq!(distinct.len(), all.len());
    }
}
