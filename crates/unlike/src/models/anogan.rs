//! AnoGAN: how near a generator of normal samples can come to a query.
//!
//! Schlegl, Seeböck, Waldstein, Schmidt-Erfurth, Langs, *Unsupervised Anomaly Detection with
//! Generative Adversarial Networks to Guide Marker Discovery*, IPMI 2017 (arXiv 1703.05921). The
//! authors published no code. Networks, optimisers and the search's schedule are those of the
//! AnoGAN baseline in houssamzenati/Efficient-GAN-Anomaly-Detection, folder `gan/` (Zenati et al.,
//! arXiv 1802.06222). Training is DCGAN's: Radford, Metz, Chintala (arXiv 1511.06434).
//!
//! ```text
//!     training        z ──G──▶ G(z)        D(x) → 1, D(G(z)) → 0
//!     scoring         z* = the z, found by gradient descent, whose G(z) is nearest to x
//!     optional        x ──E──▶ z ──G──▶ x̂        where the descent begins
//! ```
//!
//! | paper        | here                                                                     |
//! |--------------|--------------------------------------------------------------------------|
//! | G, D, f(·)   | [`Anogan::generator`], [`Anogan::discriminator`], its output `f`          |
//! | Γ = 500      | the steps of [`Search::descent`]                                         |
//! | λ = 0.1      | [`Search::lambda`]                                                       |
//! | L_R(z)       | the part `residual`: mean \|x − G(z)\|                                   |
//! | L_D(z)       | the part `discrimination`: mean \|f(x) − f(G(z))\|                       |
//! | L_D̂(z), σ   | the part `cross_entropy`: that of D(G(z)) against real                   |
//! | L(z)         | what the search minimises: (1 − λ)·L_R + λ·L_D                           |
//! | A(x)         | the score `paper`: L(z*)                                                 |
//! | x_R          | [`Scorer::contributions`](unlike_core::Scorer): \|x − G(z*)\|            |
//!
//! Departures from the paper and that code, each with its reason (measurements: RESULTS.md, ADR 11):
//! 1. Queries are searched for in batches, each with its own optimiser state, so that neighbours
//!    share the processor and nothing else. Starting points come from the run's seed and the query's
//!    own content: a score depends on no order and no neighbour.
//! 2. The best z seen is kept, not the last: the last may be a step in the wrong direction.
//! 3. A query whose loss has stopped falling leaves the batch ([`Plateau`]); several starting points
//!    ([`Search::restarts`]) and better ones ([`Start`]) are options. [`Anogan::paper`] uses none.
//! 4. Norms are means over their elements, so that λ means the same for every resolution;
//!    [`Reduction::Sum`] restores the paper's sums, and [`Anogan::paper`] uses it.
//! 5. The recommended score is `combined`: each part in units of its own spread over held-out
//!    normals.
//! 6. The averaged weights of both networks score. The code above fetches D's with G's averager and
//!    so scores with averaged G and raw D. The average starts fast (ADR 8).
//! 7. D ends in a logit and the sigmoid is folded into the loss: the same value, finite everywhere.
//!    G minimises −log D(G(z)), as in both GAN codes, not log(1 − D(G(z))) as printed.
//! 8. Layers followed by batch norm have no bias: the norm removes it.
//! 9. For tables, which the paper has none of, D has spectral norm, and searches begin at the best of
//!    many points; without both, rows of kinds that G makes seldom score as anomalies.
//! 10. E ([`Start::Encoder`]) is not the paper's but f-AnoGAN's. It learns beside G, not after it, and
//!     from the residual alone, which is what a start is for. Its layers mirror G's.

mod search;

use serde::{Deserialize, Serialize};
use unlike_core::{FeatureShape, Result};
use unlike_kernels::{bce_with_logits, bce_with_logits_rows, l1, l1_rows};

use super::Kind;
use crate::{backend::Tensor, method::*, nn::Activation::*, nn::*, settings::*};
use search::Searcher;
pub use search::{Discrimination, Search, Start};

/// Settings of AnoGAN.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Anogan {
    /// Length of z.
    pub latent: Width,
    /// Dropout in D's dense layers while training.
    pub dropout: Share,
    /// Divides every weight of D by its largest singular value, in place of batch norm (Miyato et al.
    /// 2018), so that G has a slope to follow where D tells x and G(z) apart.
    pub spectral_norm: bool,
    /// How norms are taken in the search and in the score.
    pub reduction: Reduction,
    /// The score in use: `combined`, `paper`, `paper-cross-entropy`, `residual` or `discrimination`.
    pub score: String,
    /// What the networks are made of.
    pub networks: AnoganNetworks,
    /// How z* is looked for.
    pub search: Search,
    /// First weights, optimisers, moving average.
    pub training: Training,
}

/// What the networks are made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnoganNetworks {
    /// For images: channels of the level next to the image, one level for every halving of the side
    /// until it is odd or below 8; they double with depth, up to eight times. Tables have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<Width>,
    /// Widths of G's dense layers after z.
    pub generator: Widths,
    /// Widths of D's dense layers; the last is the feature layer f.
    pub discriminator: Widths<1>,
}

const RESIDUAL: &str = "residual";
const DISCRIMINATION: &str = "discrimination";
const CROSS_ENTROPY: &str = "cross_entropy";

/// The places of G, D and E among the networks; E is empty unless searches begin there.
const G: usize = 0;
const D: usize = 1;
const E: usize = 2;

/// The leaky ReLU of D and E (the code above).
const LEAKY: Activation = LeakyRelu(0.1);
/// Every convolution halves or doubles a side.
const WINDOW: Window = Window::new(4, 2, 1);
/// E's outputs lie within ±3, where nearly all of N(0, 1) does, whatever x is: f-AnoGAN's tanh, with
/// its authors' wider scale.
const REACH: f32 = 3.0;
/// Held-out normals that measure an epoch, at most, and search steps: most of the way down at a fifth
/// of the cost. A search for each of 10,000 would take longer than the epoch.
const MEASURED: usize = 256;
const MEASURED_STEPS: usize = 100;

impl Anogan {
    /// The setting of the code above for KDD Cup 99 (train it with batches of 50) and for MNIST
    /// (batches of 100).
    pub fn paper(kind: Kind) -> Self {
        let (latent, dropout, width, g, d, init, ema) = match kind {
            Kind::Table => {
                let (g, d) = (vec![64, 128], vec![256, 128, 128]);
                (32, 0.2, None, g, d, Init::Xavier {}, 0.9999)
            }
            Kind::Images => {
                let (g, d) = (vec![1024], vec![1024]);
                (200, 0.0, Some(64), g, d, Init::normal(0.02), 0.999)
            }
        };
        Self {
            latent: Width::of(latent),
            dropout: Share::of(dropout),
            spectral_norm: false,
            reduction: Reduction::Sum,
            score: "paper".into(),
            networks: AnoganNetworks {
                width: width.map(Width::of),
                generator: Widths::of(g),
                discriminator: Widths::of(d),
            },
            search: Search::paper(),
            training: Training {
                init,
                adam: AdamConfig::gan(1e-5),
                ema: Share::of(ema),
            },
        }
    }

    /// G: z → x; dense layers, and a pyramid upwards for images.
    fn generator(&self, x: &FeatureShape, pyramid: Option<&Pyramid>) -> Plan {
        let z = FeatureShape::row(self.latent.get());
        let widths = &self.networks.generator[..];
        let Some(p) = pyramid else {
            let layers = [hidden(widths, Relu), vec![dense(x.size())]].concat();
            return Plan::chain(&z, [("dense", layers)], "x");
        };
        let mut g = Plan::new();
        let z = g.input(&z);
        let narrow = p.smallest(p.channels(p.deepest() - 1));
        let layer = |&width: &usize| dense(width).norm().act(Relu);
        let layers = widths
            .iter()
            .chain([&narrow.size()])
            .map(layer)
            .collect::<Vec<_>>();
        let h = g.stack("dense", [z], layers); // [N, widths], …, [N, narrow end]
        let h = g.reshape(h, narrow);
        let up = |level: usize| conv_up(p.channels(level - 1), WINDOW).norm().act(Relu);
        let last = conv_up(p.colours, WINDOW).act(Tanh); // [N, side, side, colours]
        let h = g.stack("up", [h], (1..p.deepest()).rev().map(up).chain([last])); // [N, double, …]
        g.output("x", h)
    }

    /// D: x → logit and f; a pyramid downwards for images, and dense layers.
    fn discriminator(&self, x: &FeatureShape, pyramid: Option<&Pyramid>) -> Plan {
        let (spectral, dropout) = (self.spectral_norm, self.dropout.get());
        let mut d = Plan::new();
        let mut h = d.input(x);
        if let Some(p) = pyramid {
            let down = |level: usize| match (conv(p.channels(level.max(1) - 1), WINDOW), level) {
                (conv, 0) => conv.spectral(spectral).act(LEAKY),
                (conv, _) => conv.spectral_or_norm(spectral).act(LEAKY), // [N, half, half, …]
            };
            h = d.stack("down", [h], (0..p.deepest()).map(down));
        }
        let layer = |&width: &usize| match pyramid {
            Some(_) => dense(width).spectral_or_norm(spectral),
            None => dense(width).spectral(spectral),
        };
        let layer = |width| layer(width).act(LEAKY).dropout(dropout);
        let logit = dense(1).spectral(spectral);
        let layers = self.networks.discriminator.iter().map(layer).chain([logit]);
        let values = d.stack_values("dense", [h], layers); // [N, widths], …, [N, 1]
        let [.., f, logit] = values[..] else {
            unreachable!("at least one layer before the logit");
        };
        d.output("logit", logit).output("f", f)
    }

    /// E: x → z, G the other way round, if searches begin there.
    fn encoder(&self, x: &FeatureShape, pyramid: Option<&Pyramid>) -> Plan {
        if self.search.start != Start::Encoder {
            return Plan::new();
        }
        let half = |level: usize| match (conv(pyramid?.channels(level), WINDOW), level) {
            (conv, 0) => Some(conv.act(LEAKY)),
            (conv, _) => Some(conv.norm().act(LEAKY)), // [N, half, half, double]
        };
        let down: Vec<Layer> = (0..pyramid.map_or(0, Pyramid::deepest))
            .filter_map(half)
            .collect();
        let mirrored = self
            .networks
            .generator
            .iter()
            .rev()
            .filter(|_| pyramid.is_none());
        let layers = mirrored.map(|&width| dense(width).act(LEAKY));
        let layers = layers.chain([dense(self.latent.get()).act(Tanh)]).collect();
        Plan::chain(x, [("down", down), ("dense", layers)], "z")
    }

    /// −log D(x) − log(1 − D(G(z))); gradients reach D only. And the logits.
    pub(super) fn discriminator_loss(
        nets: &Networks,
        [x, z]: [Tensor<2>; 2],
        seeds: [u64; 2],
    ) -> (Tensor<1>, [Tensor<2>; 2]) {
        let [g, d, _] = nets.all();
        let [real, fake] = seeds.map(|dropout| Pass::Train { dropout });
        let gz = g.apply(z, Pass::Frozen { dropout: 0 }); // [N, size]
        let [real, fake] = [d.apply(x, real), d.apply(gz, fake)]; // [N, 1]
        let total = bce_with_logits(real.clone(), 1.0) + bce_with_logits(fake.clone(), 0.0);
        (total, [real, fake])
    }

    /// −log D(G(z)); gradients reach G only.
    pub(super) fn generator_loss(nets: &Networks, z: Tensor<2>, dropout: u64) -> Tensor<1> {
        let [g, d, _] = nets.all();
        let gz = g.apply(z, Pass::Train { dropout: 0 }); // [N, size]
        bce_with_logits(d.apply(gz, Pass::Frozen { dropout }), 1.0)
    }

    /// |x − G(E(x))|; gradients reach E only.
    pub(super) fn encoder_loss(nets: &Networks, x: Tensor<2>) -> Tensor<1> {
        let [g, _, e] = nets.all();
        let ex = e.apply(x.clone(), Pass::Train { dropout: 0 }) * REACH; // [N, latent]
        l1(g.apply(ex, Pass::Score), x) // with running statistics, as in the search
    }

    pub(super) fn searcher<'a>(&'a self, nets: &'a Trained) -> Searcher<'a> {
        Searcher::new(nets, &self.search, self.reduction, self.latent.get())
    }

    /// The parts of the score for x [N, size] and z* [N, latent].
    pub(super) fn parts_at(
        &self,
        nets: &Trained,
        x: Tensor<2>,
        z: Tensor<2>,
        parts: &mut Parts<'_>,
    ) {
        let [g, d, _] = nets.all();
        let reduction = self.reduction.into();
        let x_hat = g.apply(z, Pass::Score); // [N, size]
        parts.show(&x_hat);
        parts.add(RESIDUAL, || l1_rows(x.clone(), x_hat.clone(), reduction)); // [N]
        if parts.want(&[DISCRIMINATION, CROSS_ENTROPY]) {
            let [logit, f_hat] = d.forward([x_hat], Pass::Score); // [N, 1], [N, f]
            parts.add(DISCRIMINATION, || {
                l1_rows(d.tap("f", [x], Pass::Score), f_hat, reduction) // [N]
            });
            parts.add(CROSS_ENTROPY, || {
                bce_with_logits_rows(logit, 1.0, reduction)
            }); // [N]
        }
    }
}

impl Settings for Anogan {
    const NAME: &'static str = "anogan";
    const TITLE: &'static str = "AnoGAN";

    /// What works: a learning rate that gets there in minutes, images at half the width and a shorter
    /// z, the plateau stop, and the combined score; for tables spectral norm, and very short searches
    /// that start at the best of 1,024 points: where z has more numbers than the rows have columns, long
    /// ones find anomalies too. Measurements: RESULTS.md, ADR 11.
    fn recommended(kind: Kind) -> Self {
        let mut anogan = Self::paper(kind);
        match kind {
            Kind::Table => {
                anogan.spectral_norm = true;
                anogan.search.descent.steps = 10;
                anogan.search.start = Start::Nearest(1024);
            }
            Kind::Images => {
                anogan.latent = Width::of(64);
                anogan.networks.width = Some(Width::of(32));
                anogan.networks.generator = Widths::of([512]);
                anogan.networks.discriminator = Widths::of([512]);
            }
        }
        anogan.training.adam.learning_rate = Positive::of(2e-4);
        anogan.training.ema = Share::of(0.999);
        anogan.reduction = Reduction::Mean;
        anogan.score = "combined".into();
        // Less patience ends searches on their way down: z moves by at most 0.01 a step.
        anogan.search.descent.plateau = Some(Plateau {
            patience: Count::of(30),
            tolerance: Share::of(0.01),
        });
        anogan
    }

    fn hold_out_limit() -> usize {
        1_000
    }
}

impl Method for Anogan {
    fn common(&self) -> Common<'_> {
        Common::new(self.latent.get(), &self.score, self.training)
    }

    fn plans(&self, x: &FeatureShape) -> Result<Plans> {
        self.search.check(x)?;
        let pyramid = Pyramid::of(x, self.networks.width, 4..=7)?;
        let pyramid = pyramid.as_ref();
        Ok(vec![
            ("generator", self.generator(x, pyramid)),
            ("discriminator", self.discriminator(x, pyramid)),
            ("encoder", self.encoder(x, pyramid)),
        ])
    }

    fn step(&self, nets: &mut Networks, step: Step) -> Result<Losses> {
        let seeds = step.dropout_seeds::<3>();
        let both = [step.x.clone(), step.z];
        let (discriminator, [real, fake]) =
            Self::discriminator_loss(nets, both, [seeds[0], seeds[1]]);
        nets.minimise(&discriminator, [D], step.rate)?;
        let generator = Self::generator_loss(nets, step.z_other, seeds[2]);
        nets.minimise(&generator, [G], step.rate)?;

        let mut report =
            Losses::new(&[("discriminator", &discriminator), ("generator", &generator)]);
        if self.search.start == Start::Encoder {
            let encoder = Self::encoder_loss(nets, step.x);
            nets.minimise(&encoder, [E], step.rate)?;
            report.push("encoder", &encoder);
        }
        nets.average_warmed(step.number);
        report.push_probability("d_real", real);
        report.push_probability("d_fake", fake);
        Ok(report)
    }

    fn scores(&self) -> Vec<Score> {
        // Through decimal digits, so that a share of 0.1 is 0.1 in double precision too.
        let lambda = self.search.lambda.get();
        let lambda: f64 = lambda.to_string().parse().unwrap_or(f64::from(lambda));
        let with = |name, part| Score::weighted(name, &[(RESIDUAL, 1.0 - lambda), (part, lambda)]);
        vec![
            Score::combined(&[RESIDUAL, DISCRIMINATION]),
            with("paper", DISCRIMINATION),
            with("paper-cross-entropy", CROSS_ENTROPY),
            Score::single(RESIDUAL),
            Score::single(DISCRIMINATION),
        ]
    }

    fn parts(&self, nets: &Trained, x: Tensor<2>, parts: &mut Parts<'_>) {
        let z = self.searcher(nets).nearest(x.clone()); // [N, latent]
        self.parts_at(nets, x, z, parts);
    }

    /// z*
    fn encode(&self, nets: &Trained, x: Tensor<2>) -> Option<Tensor<2>> {
        Some(self.searcher(nets).nearest(x)) // [N, latent]
    }

    fn generate(&self, nets: &Trained, z: Tensor<2>) -> Option<Tensor<2>> {
        Some(nets.all::<3>()[G].apply(z, Pass::Score)) // [N, size]
    }

    fn measuring(&self) -> (Self, usize) {
        let mut quick = self.clone();
        quick.search.descent.steps = quick.search.descent.steps.min(MEASURED_STEPS);
        quick.search.restarts = Count::of(1);
        (quick, MEASURED)
    }

    fn seeded(&self, seed: u64) -> Self {
        let mut seeded = self.clone();
        seeded.search.seed = seed;
        seeded
    }
}
