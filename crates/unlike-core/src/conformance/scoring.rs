//! Laws 1 and 2: scores, their parts and explanations, of the same samples in many settings.

use super::{Same, Suite, caught, first_difference, name, names, same_bits, values_of};
use crate::{
    detector::{Explanations, InputSpec},
    images::ImageShape,
    samples::{Images, Samples, Table, Values},
};

/// At most this many samples are scored one by one, so that slow detectors can be checked.
const ALONE: usize = 16;

impl Suite<'_> {
    pub(super) fn law_1(&mut self, scores: &[f64]) {
        let samples = self.samples;
        let strange = scores.iter().position(|s| !s.is_finite());
        self.expect(strange.is_none(), 1, "scores are finite", || {
            strange.map_or_else(String::new, |i| {
                format!("{} for {}", scores[i], name(samples, i))
            })
        });
    }

    pub(super) fn law_2(&mut self, scores: &[f64]) {
        const SAME: &str = "a second call gives the same scores, bit for bit";
        const OTHERS: &str = "scoring other samples in between changes no score";
        const ALONE_SAME: &str = "a sample alone scores as it does in a batch";
        const BATCHES: &str = "batches of any size give the same scores";
        const ORDER: &str = "the order of the samples changes no score";
        const NAMES: &str = "row numbers, ids and origin change no score";
        const THREADS: &str = "two threads at once get the same scores";
        let (samples, n) = (self.samples, self.samples.len());
        let close = Same::close_to(scores);

        self.compare(SAME, samples, scores, Same::Bits);
        // A few of the same, and stranger ones: either may move what a detector wrongly remembers.
        // An error for the strange ones is no concern of this law.
        let few: Vec<usize> = (0..n).rev().step_by(2).collect();
        for others in [Some(samples.select(&few)), exaggerated(samples)]
            .iter()
            .flatten()
        {
            let _ = caught(|| self.detector.score(others));
        }
        self.compare(OTHERS, samples, scores, Same::Bits);
        for i in 0..n.min(ALONE) {
            self.compare(ALONE_SAME, &samples.select(&[i]), &scores[i..=i], close);
        }
        for start in (0..n).step_by(7) {
            let batch: Vec<usize> = (start..n.min(start + 7)).collect();
            let expected = &scores[start..start + batch.len()];
            self.compare(BATCHES, &samples.select(&batch), expected, close);
        }
        // Every sample once in an order without pattern, and some of them twice.
        let order: Vec<usize> = scramble(n).into_iter().chain([0, n / 2, 0]).collect();
        let expected: Vec<f64> = order.iter().map(|&i| scores[i]).collect();
        self.compare(ORDER, &samples.select(&order), &expected, close);
        if let Some(renamed) = renamed(samples) {
            self.compare(NAMES, &renamed, scores, Same::Bits);
        }

        let detector = self.detector;
        let twice = std::thread::scope(|scope| {
            let score = || caught(|| detector.score(samples));
            let threads = [scope.spawn(score), scope.spawn(score)];
            threads.map(|t| t.join().unwrap_or_else(|_| Err("a panic".into())))
        });
        for outcome in twice {
            let found = match outcome {
                Ok(Ok(again)) => first_difference(scores, &again, Same::Bits, samples),
                Ok(Err(error)) => Some(format!("the error `{error}`")),
                Err(panic) => Some(panic),
            };
            if let Some(found) = found {
                self.violate(2, THREADS, found);
            }
        }
    }

    /// Scores `samples` and compares with what they scored before.
    fn compare(&mut self, what: &'static str, samples: &Samples, expected: &[f64], same: Same) {
        if let Some(scores) = self.scores(2, what, samples)
            && let Some(found) = first_difference(expected, &scores, same, samples)
        {
            self.violate(2, what, found);
        }
    }

    pub(super) fn parts(&mut self) {
        let (detector, samples) = (self.detector, self.samples);
        let what = "the parts of the scores are given";
        let Some(parts) = self.call(1, what, || detector.score_parts(samples)) else {
            return;
        };
        let found = || format!("{} for {} samples", parts.len(), samples.len());
        self.expect(
            parts.len() == samples.len(),
            1,
            "each part has one value per sample",
            found,
        );
        for (name, values) in parts.iter() {
            let strange = values.iter().find(|v| !v.is_finite());
            self.expect(
                strange.is_none(),
                1,
                "the parts of the scores are finite",
                || format!("{strange:?} in part `{name}`"),
            );
        }
        if parts.len() != samples.len() {
            return;
        }
        let order = scramble(samples.len());
        let what = "the order of the samples changes no part of a score";
        let shuffled = samples.select(&order);
        let Some(again) = self.call(2, what, || detector.score_parts(&shuffled)) else {
            return;
        };
        self.expect(again.names().eq(parts.names()), 2, what, || names(&again));
        for (name, values) in parts.iter() {
            let expected: Vec<f32> = order.iter().map(|&i| values[i]).collect();
            let again = again.get(name).unwrap_or_default();
            if let Some(found) =
                first_difference(&expected, again, Same::close_to(values), &shuffled)
            {
                self.violate(2, what, format!("part `{name}`: {found}"));
            }
        }
    }

    pub(super) fn explanations(&mut self) {
        let (detector, samples) = (self.detector, self.samples);
        let what = "samples are explained";
        let Some(first) = self.call(1, what, || detector.explain(samples)) else {
            return;
        };
        let what = "explanations have the shape of the input";
        let shape = match (&first, detector.input()) {
            (
                Explanations::Maps { height, width, .. },
                InputSpec::Image(ImageShape {
                    height: h,
                    width: w,
                    ..
                }),
            ) => {
                let found = || format!("maps of {height} × {width} for images of {h} × {w}");
                self.expect((*height, *width) == (h, w), 1, what, found);
                h * w
            }
            (Explanations::Columns { names, .. }, InputSpec::Table { columns }) => {
                let same = names.iter().eq(columns.iter().map(|c| &c.name));
                self.expect(same, 1, what, || {
                    format!("the columns {}", names.join(", "))
                });
                columns.len()
            }
            // Images that are seen as one row of features.
            (Explanations::Columns { names, .. }, InputSpec::Image(_)) => names.len(),
            (Explanations::Maps { .. }, InputSpec::Table { .. }) => {
                return self.violate(1, what, "maps".into());
            }
        };
        let values = values_of(&first);
        let found = || format!("{} values for {} samples", values.len(), samples.len());
        self.expect(values.len() == shape * samples.len(), 1, what, found);
        let strange = values.iter().find(|v| !(v.is_finite() && **v >= 0.0));
        let what = "explanations are finite and not negative";
        self.expect(strange.is_none(), 1, what, || format!("{strange:?}"));
        let what = "a second call gives the same explanations, bit for bit";
        if let Some(second) = self.call(2, what, || detector.explain(samples)) {
            self.expect(same_bits(&first, &second), 2, what, || {
                "different ones".into()
            });
        }
    }
}

/// All positions in an order without an obvious pattern, the same in every run.
fn scramble(n: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    // The multiplicative hash of Knuth, TAOCP 3, 6.4.
    order.sort_by_key(|&i| (i as u32 + 1).wrapping_mul(2_654_435_769));
    order
}

/// Samples further out than the given ones, if they can be built.
fn exaggerated(samples: &Samples) -> Option<Samples> {
    match samples {
        Samples::Table(table) => {
            let mut columns = table.columns().to_vec();
            for column in &mut columns {
                if let Values::Number(values) = &mut column.values {
                    values.iter_mut().for_each(|v| *v *= -3.0);
                }
            }
            Table::new("exaggerated rows", columns)
                .ok()
                .map(Samples::Table)
        }
        Samples::Images(images) => {
            let pixels = images.pixels().ok()?;
            let pixels = pixels.iter().map(|v| 1f32.copysign(*v)).collect();
            let ids = (0..images.len()).map(|i| i.to_string()).collect();
            Images::new("exaggerated images", images.shape(), pixels, ids)
                .ok()
                .map(Samples::Images)
        }
    }
}

/// The same samples under other names.
fn renamed(samples: &Samples) -> Option<Samples> {
    let n = samples.len();
    let ids: Vec<String> = (0..n).map(|i| format!("other-{}", n - i)).collect();
    match samples {
        Samples::Table(table) => {
            let other = Table::new("another origin", table.columns().to_vec()).ok()?;
            let numbers = (0..n as u32).map(|i| 1000 + 3 * i).collect();
            Some(Samples::Table(
                other.with_row_numbers(numbers).with_ids(ids),
            ))
        }
        Samples::Images(images) => Some(Samples::Images(images.renamed("another origin", &ids))),
    }
}
