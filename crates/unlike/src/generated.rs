//! From what a scorer generates to images.

use unlike_core::{FeatureShape, Features, ImageShape, Images, Result, Samples, Scorer};

use crate::sight::Sight;

/// What the scorer makes of each image; `None` for tables and for features of
/// images, and if it generates nothing.
pub(crate) fn reconstructions(
    sight: &Sight,
    scorer: &dyn Scorer,
    samples: &Samples,
) -> Result<Option<Images>> {
    let (Samples::Images(images), None) = (samples, &sight.extraction) else {
        return Ok(None);
    };
    let made = of_all(sight, samples, |features| scorer.reconstructions(features))?;
    let Some(pixels) = made else {
        return Ok(None);
    };
    let ids = (0..images.len()).map(|i| images.id(i)).collect();
    image(images.origin(), images.shape(), pixels, ids).map(Some)
}

/// The numbers by which the scorer knows each sample; `None` if it has none, and of images that it sees place
/// by place.
pub(crate) fn embeddings(
    sight: &Sight,
    scorer: &dyn Scorer,
    samples: &Samples,
) -> Result<Option<Vec<f32>>> {
    match sight.places() {
        1 => of_all(sight, samples, |features| scorer.embeddings(features)),
        _ => Ok(None),
    }
}

/// What is made of all samples, some at a time; `None` if nothing is made.
fn of_all(
    sight: &Sight,
    samples: &Samples,
    make: impl Fn(&Features) -> Result<Option<Vec<f32>>>,
) -> Result<Option<Vec<f32>>> {
    let seen = sight.bind(samples)?;
    let mut all = Some(Vec::new());
    seen.in_chunks(|chunk| {
        if let Some(values) = &mut all {
            match make(&*chunk.features()?)? {
                Some(more) => values.extend(more),
                None => all = None,
            }
        }
        Ok(())
    })?;
    Ok(all)
}

/// Images out of noise; `None` for tables and for features of images, and if the scorer has no
/// generator.
pub(crate) fn generated(
    sight: &Sight,
    scorer: &dyn Scorer,
    count: usize,
    seed: u64,
) -> Result<Option<Images>> {
    let FeatureShape::Image(shape) = sight.shape() else {
        return Ok(None);
    };
    let Some(values) = scorer.generated(count, seed) else {
        return Ok(None);
    };
    let ids = (1..=count).map(|i| format!("generated {i}")).collect();
    image("generated", shape, values, ids).map(Some)
}

/// Not every model keeps within [-1, 1]; images do.
fn image(
    origin: &str,
    shape: ImageShape,
    mut pixels: Vec<f32>,
    ids: Vec<String>,
) -> Result<Images> {
    for value in &mut pixels {
        *value = value.clamp(-1.0, 1.0);
    }
    Images::new(origin, shape, pixels, ids)
}

#[cfg(test)]
mod tests {
    use unlike_core::{Arrays, ScoreParts};

    use super::*;

    /// Makes of every image what it is told.
    struct Fake(f32);

    impl Scorer for Fake {
        fn parts(&self, _: &Features) -> Result<ScoreParts> {
            Ok(ScoreParts::default())
        }

        fn contributions(&self, features: &Features) -> Result<Vec<f32>> {
            Ok(features.values().to_vec())
        }

        fn reconstructions(&self, features: &Features) -> Result<Option<Vec<f32>>> {
            Ok(Some(features.values().iter().map(|v| v * self.0).collect()))
        }

        fn embeddings(&self, features: &Features) -> Result<Option<Vec<f32>>> {
            let samples = features.values().chunks(features.shape().size());
            let sums = samples.map(|sample| sample.iter().sum());
            Ok((self.0 > 0.0).then(|| sums.collect()))
        }

        fn generated(&self, count: usize, seed: u64) -> Option<Vec<f32>> {
            Some(vec![seed as f32 * self.0; 6 * count])
        }

        fn arrays(&self) -> Arrays {
            Arrays::new()
        }
    }

    #[test]
    fn what_a_scorer_makes_becomes_images_within_their_range() {
        let ids = ["a", "b"].map(str::to_owned).to_vec();
        let pixels: Vec<f32> = (0..12).map(|i| i as f32 / 11.0).collect();
        let images = Images::new("i", [1, 2, 3], pixels, ids).unwrap();
        let samples = Samples::Images(images.clone());
        let sight = Sight::of(&samples);
        let made = |scale| reconstructions(&sight, &Fake(scale), &samples);
        assert_eq!(made(1.0).unwrap(), Some(images.clone()));
        let known = |scale| embeddings(&sight, &Fake(scale), &samples).unwrap();
        assert_eq!(known(1.0).unwrap().len(), 2);
        assert_eq!(known(0.0), None);
        let bright = made(2.0).unwrap().unwrap();
        assert_eq!(
            (bright.pixels().unwrap()[11], bright.id(1)),
            (1.0, "b".to_owned())
        );
        assert!(made(f32::NAN).is_err());
        let noise = generated(&sight, &Fake(0.25), 3, 2).unwrap().unwrap();
        assert_eq!(noise.len(), 3);
        assert_eq!(noise.shape(), [1, 2, 3]);
        assert!(noise.pixels().unwrap().iter().all(|&v| v == 0.5));
    }
}
