//! A method of one's own, outside the crate: an autoencoder for tables whose reconstructions a critic
//! learns to tell from samples. It trains, saves, loads and reports like those of the papers.
//!
//! Writes `critiqued.safetensors`, and `critiqued/` with a report:
//!
//!     cargo run --release --package unlike --example own_method -- data/thyroid.npz

use serde::{Deserialize, Serialize};
use unlike::core::{FeatureShape, Result};
use unlike::kernels::{bce_with_logits, l1, l1_rows};
use unlike::{Judge, Model, RunOptions, TrainConfig, data, fit, models::Kind, registry};
use unlike::{backend::Tensor, method::*, nn::*, settings::*, train::Silent};
use unlike_results::{TestSet, run_report, save_evaluation};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Critiqued {
    hidden: Widths,
    weight: Weight,
    training: Training,
}

impl Settings for Critiqued {
    const NAME: &'static str = "critiqued";
    const TITLE: &'static str = "critiqued autoencoder";

    fn recommended(_: Kind) -> Self {
        let (init, adam, ema) = (Init::Xavier {}, AdamConfig::gan(1e-3), Share::of(0.99));
        let training = Training { init, adam, ema };
        let (hidden, weight) = (Widths::of([32, 3]), Weight::of(0.05));
        Self {
            hidden,
            weight,
            training,
        }
    }
}

impl Method for Critiqued {
    fn common(&self) -> Common<'_> {
        Common::new(0, "residual", self.training)
    }

    fn plans(&self, x: &FeatureShape) -> Result<Plans> {
        let act = Activation::LeakyRelu(0.2);
        let rebuild = [hidden(&self.hidden, act), vec![dense(x.size())]].concat();
        let judge = [hidden(&[32], act), vec![dense(1)]].concat();
        let autoencoder = Plan::chain(x, [("layers", rebuild)], "x");
        let critic = Plan::chain(x, [("layers", judge)], "logit");
        Ok(vec![("autoencoder", autoencoder), ("critic", critic)])
    }

    fn step(&self, nets: &mut Networks, step: Step) -> Result<Losses> {
        let (train, still) = (Pass::Train { dropout: 0 }, Pass::Frozen { dropout: 0 });
        let [autoencoder, critic] = nets.all();
        let x_hat = autoencoder.apply(step.x.clone(), train); // [N, size]
        let deceived = bce_with_logits(critic.apply(x_hat.clone(), still), 1.0);
        let rebuilt = l1(x_hat.clone(), step.x.clone()) + deceived * self.weight.get();
        let told = bce_with_logits(critic.apply(step.x, train), 1.0)
            + bce_with_logits(critic.apply(x_hat.detach(), train), 0.0);
        nets.minimise(&rebuilt, [0], step.rate)?;
        nets.minimise(&told, [1], step.rate)?;
        nets.average_warmed(step.number);
        Ok(Losses::new(&[
            ("generator", &rebuilt),
            ("discriminator", &told),
        ]))
    }

    fn scores(&self) -> Vec<Score> {
        vec![Score::single("residual")]
    }

    fn parts(&self, nets: &Trained, x: Tensor<2>, parts: &mut Parts<'_>) {
        let x_hat = self.reconstruct(nets, x.clone()); // [N, size]
        parts.add("residual", || l1_rows(x, x_hat, Reduction::Mean.into())); // [N]
    }

    fn reconstruct(&self, nets: &Trained, x: Tensor<2>) -> Tensor<2> {
        nets.all::<2>()[0].apply(x, Pass::Score) // [N, size]
    }
}

fn main() -> Result<()> {
    let file = std::env::args().nth(1);
    let file = file.unwrap_or_else(|| "data/thyroid.npz".into());
    let read = || data::read(&file, &data::ReadOptions::default());
    let normals = read()?.normals_for_training()?.samples;

    // `fit` needs no list of models; whoever reads settings or a model file names those that may come.
    let entry = registry::method::<Critiqued>();
    let config = TrainConfig::recommended_entry(&entry, Kind::Table, normals.len());
    let model = fit(&config, &normals, &RunOptions::default(), &mut Silent)?;
    model.save("critiqued.safetensors")?;
    let model = Model::load_with("critiqued.safetensors", "cpu", &[entry])?;

    let judge = Judge::new(model);
    let evaluated = TestSet::from_data(read()?)?.evaluate(&judge)?;
    let mut report = run_report(judge.model());
    report.evaluation = Some(evaluated.evaluation);
    save_evaluation(&report, &evaluated.judged, "critiqued")
}
