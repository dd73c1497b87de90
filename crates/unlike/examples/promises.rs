//! Whether promised false alarms hold: many random splits of a folder's normal images into some that train
//! PaDiM and others that are judged, and how many of these are flagged at 5 % and 10 % promised.
//!
//!     cargo run --release --package unlike --example promises -- FOLDER NORMAL [SPLITS] [SIDE]
//!
//! `NORMAL` is the class that is normal, `SIDE` the longer side that images are brought to (64).

use std::{io::Write, path::Path};

use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use unlike::core::{Error, Result, Samples, words::rate};
use unlike::data::{ImageOptions, ImageSize, ReadOptions, read};
use unlike::features::{FeatureConfig, Pool};
use unlike::{ConfigFile, Judge, RunOptions, TrainConfig, fit, fit_cross, train::Silent};

/// Training images, and folds; held out once where there are none.
const TRAININGS: [(usize, usize); 4] = [(60, 0), (60, 10), (200, 0), (600, 0)];
/// Images that are judged, at most.
const JUDGED: usize = 150;
const PROMISED: [f64; 2] = [0.05, 0.1];

/// Prints a line.
macro_rules! say {
    ($($text:tt)*) => {
        writeln!(std::io::stdout(), $($text)*).map_err(Error::io("write", "stdout"))?
    };
}

/// Shares of flagged images, one a split.
#[derive(Default)]
struct Observed(Vec<f64>);

impl Observed {
    /// Mean, and the range of the middle 90 % of splits.
    fn shown(mut self) -> String {
        self.0.sort_by(f64::total_cmp);
        let Some(last) = self.0.len().checked_sub(1) else {
            return "cannot be promised".into();
        };
        let mean = self.0.iter().sum::<f64>() / self.0.len() as f64;
        let at = |share: f64| 100.0 * self.0[(share * last as f64).round() as usize];
        format!("{:.1} % ({:.1} – {:.1})", 100.0 * mean, at(0.05), at(0.95))
    }
}

/// The share of images that are flagged, for each promised rate that can be promised.
fn flagged(train: &Samples, judged: &Samples, folds: usize, seed: u64) -> Result<[Option<f64>; 2]> {
    let features = FeatureConfig::lite0(Pool::Patches);
    let mut config = TrainConfig::recommended_with("padim", train, Some(&features))?;
    config.seed = seed;
    let options = RunOptions::default();
    let model = match folds {
        0 => fit(&config, train, &options, &mut Silent)?,
        folds => fit_cross(&config, train, folds, &options, &mut Silent)?,
    };
    let smallest = model.calibration().smallest_rate();
    let p_values = Judge::new(model).judge(judged)?.decisions.p_values;
    Ok(PROMISED.map(|promised| {
        let flagged = p_values.iter().filter(|p| **p <= promised).count();
        (smallest <= promised).then(|| flagged as f64 / judged.len() as f64)
    }))
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, normal, rest @ ..] = &arguments[..] else {
        return Err(Error::NotEnough {
            what: "arguments".into(),
            found: arguments.len().to_string(),
            expected: "a folder and the class that is normal".into(),
            hint: None,
        });
    };
    let number = |at: usize, usual: u64| rest.get(at).and_then(|n| n.parse().ok()).unwrap_or(usual);
    let (splits, side) = (number(0, 50), number(1, 64) as usize);
    let size = Some(ImageSize {
        height: side,
        width: side,
    });
    let images = ImageOptions {
        size,
        ..ImageOptions::default()
    };
    let options = ReadOptions {
        normal_labels: vec![normal.clone()],
        image: ConfigFile::images_for(Some(&FeatureConfig::lite0(Pool::Patches)), images),
        ..ReadOptions::default()
    };
    let normals = read(Path::new(folder), &options)?
        .normals_for_training()?
        .samples;
    say!(
        "{} normal images, {splits} splits, {side} pixels",
        normals.len()
    );
    say!(
        "| training images | calibration | observed at 5 % promised | observed at 10 % promised |"
    );
    say!("| --- | --- | --- | --- |");
    for (count, folds) in TRAININGS
        .into_iter()
        .filter(|(count, _)| *count < normals.len())
    {
        let mut observed = [Observed::default(), Observed::default()];
        let mut smallest = 1.0;
        for split in 0..splits {
            let mut order: Vec<usize> = (0..normals.len()).collect();
            order.shuffle(&mut ChaCha8Rng::seed_from_u64(split));
            let (train, judged) = order.split_at(count);
            let judged = &judged[..judged.len().min(JUDGED)];
            let (train, judged) = (normals.select(train), normals.select(judged));
            let shares = flagged(&train, &judged, folds, split)?;
            for (observed, share) in observed.iter_mut().zip(shares) {
                observed.0.extend(share);
            }
            let held_out = if folds == 0 { count / 10 } else { count };
            smallest = 1.0 / (held_out + 1) as f64;
        }
        let how = match folds {
            0 => "a tenth held out".to_owned(),
            folds => format!("{folds} folds"),
        };
        let [five, ten] = observed.map(Observed::shown);
        say!(
            "| {count} | {how}: from {} up | {five} | {ten} |",
            rate(smallest)
        );
    }
    Ok(())
}
