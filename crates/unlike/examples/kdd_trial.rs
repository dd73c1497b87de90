use std::{ops::ControlFlow, time::Instant};
use unlike::{core::metrics, data, train::*, *};

fn f1(scores: &[f64], labels: &[Label]) -> (f64, f64) {
    let top = metrics::top_fraction(scores, 0.2).unwrap();
    let c = metrics::Confusion::new(&top.anomalous, labels).unwrap();
    (c.f1(), metrics::auroc(scores, labels).unwrap())
}

struct Watch<'a> {
    test: &'a LabelledSamples,
    began: Instant,
    eval_every: bool,
}
impl Observer for Watch<'_> {
    fn epoch(&mut self, r: &EpochReport, s: &Snapshot<'_>) -> ControlFlow<()> {
        let l: Vec<String> = r
            .losses
            .iter()
            .map(|(n, v)| format!("{n} {v:.3}"))
            .collect();
        let h: Vec<String> = r
            .held_out
            .iter()
            .map(|p| format!("{} {:.4}±{:.4}", p.part, p.mean, p.sd))
            .collect();
        print!(
            "  {:2} {:5.0}s {:6.0}/s {} | {}",
            r.epoch,
            self.began.elapsed().as_secs_f64(),
            r.samples_per_second,
            l.join(" "),
            h.join(" ")
        );
        if self.eval_every {
            let mut m = s.model().unwrap();
            let parts = m.evaluate(self.test.samples()).unwrap().parts;
            for name in ["combined", "paper", "feature", "residual"] {
                m = m.with_score(name).unwrap();
                let (f, a) = f1(&m.rule().apply(&parts).unwrap(), self.test.labels());
                print!(" | {name} {f:.3} {a:.3}");
            }
        }
        println!();
        ControlFlow::Continue(())
    }
    fn warning(&mut self, t: &str) {
        println!("  warning: {t}");
    }
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let get = |k: &str| {
        args.iter()
            .position(|a| a == k)
            .map(|i| args[i + 1].clone())
    };
    let began = Instant::now();
    let all = data::read("data/kddcup.data_10_percent.gz", &Default::default()).unwrap();
    println!("read {:?}", began.elapsed());
    for seed in get("--seeds")
        .unwrap_or("0".into())
        .split(',')
        .map(|s| s.parse::<u64>().unwrap())
    {
        let split = data::split::kdd_survey(&all, seed).unwrap();
        let train = split.train_samples(all.samples());
        let test = split.test_samples(all.samples()).unwrap();
        let mut config = TrainConfig::recommended(
            ModelConfig::by_name(&get("--model").unwrap_or("egbad".into())).unwrap(),
        );
        config.seed = seed;
        if let Some(e) = get("--epochs") {
            config.epochs = e.parse().unwrap();
        }
        if let Some(e) = get("--batch") {
            config.batch_size = e.parse().unwrap();
        }
        if let Some(e) = get("--schedule") {
            config.schedule = if e == "constant" {
                Schedule::Constant
            } else {
                Schedule::Cosine
            };
        }
        if let ModelConfig::Egbad(m) | ModelConfig::Bigan(m) = &mut config.model {
            if let Some(w) = get("--residual") {
                m.residual_weight = w.parse().unwrap();
            }
            if get("--enc").is_some() {
                m.residual_trains = models::egbad::ResidualTrains::Encoder;
            }
            if let Some(w) = get("--lr") {
                m.adam.learning_rate = w.parse().unwrap();
            }
            if let Some(w) = get("--dropout") {
                m.dropout = w.parse().unwrap();
            }
            if let Some(w) = get("--ema") {
                m.ema = w.parse().unwrap();
            }
        }
        println!("seed {seed}: {}", split.describe());
        let began = Instant::now();
        let mut watch = Watch {
            test: &test,
            began,
            eval_every: get("--quiet").is_none(),
        };
        let model = fit(&config, &train, &RunOptions::default(), &mut watch).unwrap();
        println!(
            "trained in {:?}, epoch {:?}",
            began.elapsed(),
            model.provenance().chosen_epoch
        );
        let scored = model.evaluate(test.samples()).unwrap();
        let (f, a) = f1(&scored.scores, test.labels());
        println!(
            "seed {seed} CHOSEN {} F1 {f:.4} AUROC {a:.4} after {:?}; {:?}",
            model.score_name(),
            began.elapsed(),
            scored.notes
        );
    }
}
