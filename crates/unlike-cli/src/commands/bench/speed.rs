//! `unlike bench speed`: how fast this machine trains and scores.

use std::time::Instant;

use clap::{Args, builder::PossibleValuesParser};
use serde::Serialize;
use unlike::{
    ModelConfig,
    backend::{self, Device},
    features::{Extraction, FeatureConfig, Pool},
    method::{Batch, StepContext, Trainee},
    models::{Kind, anogan::Anogan, egbad::Egbad, ganomaly::Ganomaly},
    rng::{self, Purpose, normals},
    settings::Share,
};
use unlike_core::{Error, FeatureShape, Features, ImageShape, words};

use crate::{
    args::{CPU, Common, DeviceArg},
    environment::Environment,
    terminal::{
        self,
        failure::{Outcome, Result},
    },
};

/// How fast the papers' networks train and score here
#[derive(Args, Debug)]
#[command(after_help = "\
The networks have their papers' full widths. A training case is one complete
update of all networks; values are medians after two runs that do not count.
scripts/speed/compare.py runs the same work in PyTorch, in turn, and prints the
ratios.

Examples:
  unlike bench speed
  unlike bench speed --cases ganomaly32_train,ganomaly32_score1 --json")]
pub(crate) struct SpeedArgs {
    /// The cases to run [default: all]
    #[arg(long, value_name = "CASE,…", value_delimiter = ',')]
    #[arg(value_parser = PossibleValuesParser::new(CASES.map(|case| case.name)))]
    cases: Vec<String>,
    #[command(flatten)]
    device: DeviceArg,
}

/// One measurement.
struct Case {
    name: &'static str,
    /// What is done, for people.
    what: &'static str,
    unit: Unit,
    run: fn(&Device) -> unlike_core::Result<f64>,
}

#[derive(Clone, Copy, PartialEq, Serialize)]
enum Unit {
    #[serde(rename = "samples/s")]
    SamplesPerSecond,
    #[serde(rename = "query-steps/s")]
    QueryStepsPerSecond,
    #[serde(rename = "ms")]
    Milliseconds,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::SamplesPerSecond => "samples/s",
            Self::QueryStepsPerSecond => "query-steps/s",
            Self::Milliseconds => "ms",
        }
    }
}

/// A line of the result.
#[derive(Serialize)]
struct Measured {
    case: &'static str,
    variant: &'static str,
    value: f64,
    unit: Unit,
}

const fn image(side: usize, channels: usize) -> FeatureShape {
    FeatureShape::Image(ImageShape {
        height: side,
        width: side,
        channels,
    })
}

const ROW: FeatureShape = FeatureShape::Row { width: 121 };
/// Steps of a timed search.
const SEARCH: usize = 100;

use Unit::{Milliseconds, QueryStepsPerSecond, SamplesPerSecond};

const CASES: [Case; 14] = [
    Case {
        name: "ganomaly32_train",
        what: "GANomaly, 32×32×1: update with 64",
        unit: SamplesPerSecond,
        run: |device| train(&ganomaly(), &image(32, 1), 64, 7, device),
    },
    Case {
        name: "ganomaly32_score64",
        what: "GANomaly, 32×32×1: score of 64",
        unit: SamplesPerSecond,
        run: |device| Ok(64.0 / score(&ganomaly(), &image(32, 1), 64, 15, device)?),
    },
    Case {
        name: "ganomaly32_score1",
        what: "GANomaly, 32×32×1: score of one",
        unit: Milliseconds,
        run: |device| Ok(1e3 * score(&ganomaly(), &image(32, 1), 1, 60, device)?),
    },
    Case {
        name: "ganomaly64_train",
        what: "GANomaly, 64×64×3: update with 64",
        unit: SamplesPerSecond,
        run: |device| train(&ganomaly(), &image(64, 3), 64, 7, device),
    },
    Case {
        name: "egbad28_train",
        what: "EGBAD, 28×28×1: update with 100",
        unit: SamplesPerSecond,
        run: |device| train(&egbad(Kind::Images), &image(28, 1), 100, 9, device),
    },
    Case {
        name: "egbad28_score100",
        what: "EGBAD, 28×28×1: score of 100",
        unit: SamplesPerSecond,
        run: |device| Ok(100.0 / score(&egbad(Kind::Images), &image(28, 1), 100, 15, device)?),
    },
    Case {
        name: "egbadkdd_train",
        what: "EGBAD, 121 columns: update with 50",
        unit: SamplesPerSecond,
        run: |device| train(&egbad(Kind::Table), &ROW, 50, 200, device),
    },
    Case {
        name: "egbadkdd_score",
        what: "EGBAD, 121 columns: score of 4,096",
        unit: SamplesPerSecond,
        run: |device| Ok(4096.0 / score(&egbad(Kind::Table), &ROW, 4096, 15, device)?),
    },
    Case {
        name: "anogan28_search64",
        what: "AnoGAN, 28×28×1: search for 64",
        unit: QueryStepsPerSecond,
        run: |device| search(64, device),
    },
    Case {
        name: "anogan28_search1",
        what: "AnoGAN, 28×28×1: search for one",
        unit: QueryStepsPerSecond,
        run: |device| search(1, device),
    },
    Case {
        name: "lite0_224_batch16",
        what: "lite0, 224×224×3: patches of 16",
        unit: SamplesPerSecond,
        run: |_| Ok(16.0 / extract(16, 9)?),
    },
    Case {
        name: "lite0_224_batch1",
        what: "lite0, 224×224×3: patches of one",
        unit: Milliseconds,
        run: |_| Ok(1e3 * extract(1, 40)?),
    },
    Case {
        name: "patches_train",
        what: "EGBAD, 152 features: update with 256",
        unit: SamplesPerSecond,
        run: |device| {
            train(
                &egbad(Kind::Table),
                &FeatureShape::row(152),
                256,
                60,
                device,
            )
        },
    },
    Case {
        name: "patches_score",
        what: "EGBAD, 152 features: patches of 16",
        unit: SamplesPerSecond,
        run: |device| {
            // Of images of 224 × 224.
            const PATCHES: usize = 16 * 28 * 28;
            let row = FeatureShape::row(152);
            Ok(PATCHES as f64 / score(&egbad(Kind::Table), &row, PATCHES, 5, device)?)
        },
    },
];

fn ganomaly() -> ModelConfig {
    ModelConfig::method(Ganomaly::paper(Kind::Images))
}

fn egbad(kind: Kind) -> ModelConfig {
    // As the reference: no average of the weights, which the papers' training step does not need.
    let mut egbad = Egbad::paper(kind);
    egbad.training.ema = Share::of(0.0);
    ModelConfig::method(egbad)
}

impl SpeedArgs {
    /// Runs the cases.
    pub(super) fn run(self, common: Common) -> Result<Outcome> {
        let device = backend::device(self.device.name())?;
        let environment = Environment::here(common.threads(), self.device.describe()?);
        let wanted =
            |case: &&Case| self.cases.is_empty() || self.cases.iter().any(|c| c == case.name);
        if !common.json {
            let threads = words::counted(environment.threads, "thread");
            terminal::print(&match self.device.name() {
                CPU => format!("{}, {threads}\n\n", environment.cpu),
                _ => format!("{}\n\n", environment.device),
            })?;
        }
        let mut results = Vec::new();
        for case in CASES.iter().filter(wanted) {
            let value = (case.run)(&device)?;
            if !common.json {
                let shown = match case.unit {
                    Milliseconds => format!("{value:.3}"),
                    _ => words::count(value as usize),
                };
                terminal::print(&format!(
                    "{:<19}{:<36}{shown:>10} {}\n",
                    case.name,
                    case.what,
                    case.unit.name()
                ))?;
            }
            results.push(Measured {
                case: case.name,
                variant: "unlike",
                value,
                unit: case.unit,
            });
        }
        if common.json {
            let document = serde_json::json!({ "environment": environment, "results": results });
            terminal::print_json(&document)?;
        }
        Ok(Outcome::Done)
    }
}

/// Seconds that `work` takes: the median, after two runs that do not count.
fn seconds(
    repetitions: usize,
    mut work: impl FnMut() -> unlike_core::Result<()>,
) -> unlike_core::Result<f64> {
    const WARM_UP: usize = 2;
    let mut times = Vec::with_capacity(repetitions);
    for run in 0..WARM_UP + repetitions {
        let began = Instant::now();
        work()?;
        if run >= WARM_UP {
            times.push(began.elapsed().as_secs_f64());
        }
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}

/// Any numbers in [-1, 1].
fn values(count: usize) -> Vec<f32> {
    let numbers = normals(&mut rng::rng(0, Purpose::Latent, 0), count);
    numbers.into_iter().map(f32::tanh).collect()
}

/// Samples a second that the model trains on.
fn train(
    model: &ModelConfig,
    shape: &FeatureShape,
    batch: usize,
    repetitions: usize,
    device: &Device,
) -> unlike_core::Result<f64> {
    let mut network = trainee(model, shape, device)?;
    let x = values(batch * shape.size());
    let mut noise = rng::rng(0, Purpose::Latent, 1);
    let mut step = 0;
    let took = seconds(repetitions, || {
        let latent = network.latent();
        let context = StepContext {
            step,
            steps: u64::MAX,
            seed: 0,
            learning_rate_scale: 1.0,
        };
        step += 1;
        let batch = Batch {
            len: batch,
            x: x.clone(),
            x_other: x.clone(),
            z: normals(&mut noise, batch * latent),
            z_other: normals(&mut noise, batch * latent),
        };
        network.step(batch, &context).map(drop)
    })?;
    Ok(batch as f64 / took)
}

/// Seconds that the parts of the paper's score take for this many samples.
fn score(
    model: &ModelConfig,
    shape: &FeatureShape,
    count: usize,
    repetitions: usize,
    device: &Device,
) -> unlike_core::Result<f64> {
    let scorer = trainee(model, shape, device)?.scorer();
    let features = Features::new(shape.clone(), values(count * shape.size()));
    let wanted: &[&str] = match model.get::<Ganomaly>() {
        Some(_) => &["latent"],
        None => &["residual", "feature"],
    };
    seconds(repetitions, || scorer.parts_of(&features, wanted).map(drop))
}

/// Seconds that the patches of so many images take.
fn extract(images: usize, repetitions: usize) -> unlike_core::Result<f64> {
    let shape = image(224, 3);
    let extraction = Extraction::new(&FeatureConfig::lite0(Pool::Patches), &shape)?;
    let pixels = Features::new(shape.clone(), values(images * shape.size()));
    seconds(repetitions, || {
        if let Some(extraction) = &extraction {
            std::hint::black_box(extraction.rows(&pixels));
        }
        Ok(())
    })
}

/// Steps of a search a second, those of all queries added up.
fn search(queries: usize, device: &Device) -> unlike_core::Result<f64> {
    let mut anogan = Anogan::paper(Kind::Images);
    anogan.search.descent.steps = SEARCH;
    let model = ModelConfig::method(anogan);
    let shape = image(28, 1);
    let scorer = trainee(&model, &shape, device)?.scorer();
    let features = Features::new(shape.clone(), values(queries * shape.size()));
    let took = seconds(3, || scorer.parts(&features).map(drop))?;
    Ok((queries * SEARCH) as f64 / took)
}

fn trainee(
    model: &ModelConfig,
    shape: &FeatureShape,
    device: &Device,
) -> unlike_core::Result<Box<dyn Trainee>> {
    let network = model.trainee(shape, 0, device)?;
    network.ok_or_else(|| Error::Setting {
        name: "model".into(),
        found: model.name().into(),
        expected: "an adversarial model".into(),
        hint: None,
    })
}
