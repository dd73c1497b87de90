//! Outputs and gradients have the same bits for any number of threads.

use burn_tensor::{Device, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use unlike_kernels::*;

fn random<const D: usize>(shape: [usize; D], seed: u64) -> Tensor<D> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let values: Vec<f32> = (0..shape.iter().product())
        .map(|_| rng.random_range(-1.0..1.0))
        .collect();
    Tensor::from_data(TensorData::new(values, shape), &Device::flex().autodiff())
}

fn bits<const D: usize>(x: Tensor<D>) -> Vec<u32> {
    x.into_data().iter::<f32>().map(f32::to_bits).collect()
}

/// Everything that the kernels compute, at sizes that are worth several threads.
fn everything() -> Vec<(&'static str, Vec<u32>)> {
    let mut all = Vec::new();
    let dropout = |seed| {
        Some(Dropout {
            probability: 0.3,
            seed,
        })
    };
    let leaky = Activation::LeakyRelu(0.2);

    let convolutions = [
        ("conv", 16, 24, 40, 2, false),
        ("narrow conv", 20, 40, 1, 1, false),
        ("conv of one channel", 32, 1, 64, 2, false),
        ("transposed conv", 9, 40, 24, 2, true),
        ("narrow transposed conv", 16, 64, 3, 2, true),
    ];
    // A single image is divided in another way than several.
    let cases = convolutions
        .into_iter()
        .flat_map(|case| [(6, case), (1, case)]);
    for (images, (name, size, ci, co, stride, up)) in cases {
        let x = random([images, size, size, ci], 1).require_grad();
        let w = random([4, 4, ci, co], 2).require_grad();
        let b = random([co], 3).require_grad();
        let y = match up {
            true => conv_transpose2d(
                x.clone(),
                w.clone(),
                Some(b.clone()),
                stride,
                1,
                0,
                leaky,
                dropout(4),
            ),
            false => conv2d(
                x.clone(),
                w.clone(),
                Some(b.clone()),
                stride,
                1,
                leaky,
                dropout(4),
            ),
        };
        all.push((name, bits(y.clone())));
        let target = random(y.dims(), 5);
        let grads = mse(y, target).backward();
        all.push((name, x.grad(&grads).map(bits).unwrap_or_default()));
        all.push((name, w.grad(&grads).map(bits).unwrap_or_default()));
        all.push((name, b.grad(&grads).map(bits).unwrap_or_default()));
    }

    let x = random([40, 12, 12, 48], 6).require_grad();
    let [gamma, beta] = [7, 8].map(|seed| random([48], seed).require_grad());
    let found = batch_norm_train(
        x.clone(),
        gamma.clone(),
        beta.clone(),
        1e-5,
        leaky,
        dropout(9),
    );
    all.push(("batch norm", bits(found.y.clone())));
    all.push(("batch mean", bits(found.mean.clone())));
    all.push(("batch variance", bits(found.variance.clone())));
    let fixed = batch_norm_eval(
        x.clone(),
        found.mean,
        found.variance,
        gamma.clone(),
        beta.clone(),
        1e-5,
        leaky,
    );
    all.push(("fixed norm", bits(fixed.clone())));
    let rows = l1_rows(fixed, random([40, 12, 12, 48], 10), Reduction::Sum);
    all.push(("l1 rows", bits(rows.clone())));
    let norm = bce_with_logits(found.y, 0.3) + rows.mean() + l1(x.clone(), random(x.dims(), 11));
    all.push(("losses", bits(norm.clone())));
    let grads = norm.backward();
    for leaf in [gamma, beta] {
        all.push((
            "norm parameter",
            leaf.grad(&grads).map(bits).unwrap_or_default(),
        ));
    }
    all.push(("norm input", x.grad(&grads).map(bits).unwrap_or_default()));

    let xs = [
        random([210, 121], 12).require_grad(),
        random([210, 32], 13).require_grad(),
    ];
    let weights = [
        random([121, 128], 14),
        random([32, 128], 15),
        random([256, 100], 16),
    ]
    .map(Tensor::require_grad);
    let biases =
        [random([128], 17), random([128], 18), random([100], 19)].map(Tensor::require_grad);
    let from = [
        vec![Source::Input(0)],
        vec![Source::Input(1)],
        vec![Source::Layer(0), Source::Layer(1)],
    ];
    let layers = from.into_iter().enumerate().map(|(i, from)| Dense {
        w: weights[i].clone(),
        b: Some(biases[i].clone()),
        act: Activation::Tanh,
        dropout: dropout(20 + i as u64),
        from,
    });
    let y = dense(xs.to_vec(), layers.collect());
    all.push(("dense", bits(y.clone())));
    let grads = bce_with_logits_rows(y, 1.0, Reduction::Mean)
        .sum()
        .backward();
    for leaf in xs.into_iter().chain(weights) {
        all.push((
            "dense matrices",
            leaf.grad(&grads).map(bits).unwrap_or_default(),
        ));
    }
    for leaf in biases {
        all.push((
            "dense biases",
            leaf.grad(&grads).map(bits).unwrap_or_default(),
        ));
    }

    for rows in [1, 2, 70] {
        let x = random([rows, 300], 30).require_grad();
        let w = random([300, 2300], 31).require_grad();
        let y = linear(x.clone(), w.clone(), None, Activation::Tanh, None);
        all.push(("large layer", bits(y.clone())));
        let grads = y.sum().backward();
        for (name, found) in [
            ("large input", x.grad(&grads).map(bits)),
            ("large weight", w.grad(&grads).map(bits)),
        ] {
            all.push((name, found.unwrap_or_default()));
        }
    }

    let step = AdamStep {
        learning_rate: 1e-3,
        beta1: 0.5,
        beta2: 0.999,
        epsilon: 1e-8,
        weight_decay: 0.0,
        step: 3,
    };
    let large = |seed| random([700, 300], seed).inner();
    let (p, m, v) = adam(large(21), large(22), large(23), large(24).abs(), &step);
    all.push(("average", bits(ema(p.clone(), large(25), 0.9))));
    for (name, x) in [("adam", p), ("first moment", m), ("second moment", v)] {
        all.push((name, bits(x)));
    }
    all
}

#[test]
fn bits_do_not_depend_on_the_number_of_threads() {
    let mut runs = [1, 2, 3].map(|threads| {
        set_threads(threads);
        assert_eq!(unlike_kernels::threads(), threads);
        everything()
    });
    assert!(
        runs[0].iter().all(|(_, bits)| !bits.is_empty()),
        "a gradient is missing"
    );
    let one = std::mem::take(&mut runs[0]);
    for (threads, run) in runs.iter().enumerate().skip(1) {
        for ((name, expected), (_, found)) in one.iter().zip(run) {
            assert!(
                expected == found,
                "{name} differs with {} threads",
                threads + 1
            );
        }
    }
}
