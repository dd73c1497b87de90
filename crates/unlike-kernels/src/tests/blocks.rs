use burn_tensor::Tensor;
use proptest::prelude::*;

use super::reference::{self, Images};
use super::{check, random};
use crate::*;

pub(super) fn activations() -> impl Strategy<Value = Activation> {
    prop_oneof![
        Just(Activation::Identity),
        Just(Activation::Relu),
        Just(Activation::LeakyRelu(0.2)),
        Just(Activation::Tanh),
        Just(Activation::Sigmoid),
    ]
}

pub(super) fn dropouts() -> impl Strategy<Value = Option<Dropout>> {
    prop_oneof![
        Just(None),
        (0.1_f32..0.7, any::<u64>())
            .prop_map(|(probability, seed)| Some(Dropout { probability, seed })),
    ]
}

fn reshaped<const D: usize>(x: &Tensor<1>, shape: [usize; D]) -> Tensor<D> {
    x.clone().reshape(shape)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn linear_agrees_with_the_reference(
        n in 1_usize..20, i in 1_usize..40, o in 1_usize..70, biased: bool,
        act in activations(), dropout in dropouts(), tracked in [any::<bool>(); 3], seed: u64,
    ) {
        let mut inputs = vec![random(n * i, seed), random(i * o, seed ^ 1)];
        if biased {
            inputs.push(random(o, seed ^ 2));
        }
        let tracked = &tracked[..inputs.len()];
        let expected = |v: &[Vec<f64>]| {
            let y = reference::matmul(&v[0], &v[1], [n, i, o]);
            reference::finish(y, o, v.get(2).map(Vec::as_slice), act, dropout)
        };
        for block in [linear, composite::linear] {
            check(&inputs, tracked, 3e-6, |v| {
                let (x, w) = (reshaped(&v[0], [n, i]), reshaped(&v[1], [i, o]));
                block(x, w, v.get(2).cloned(), act, dropout).reshape([n * o])
            }, expected);
        }
    }

    #[test]
    fn joint_linear_is_linear_of_the_concatenation(
        n in 1_usize..16, i in [1_usize..30, 1_usize..30], o in 1_usize..40, biased: bool,
        act in activations(), dropout in dropouts(), tracked in [any::<bool>(); 4], seed: u64,
    ) {
        let [i1, i2] = i;
        let mut inputs =
            vec![random(n * i1, seed), random(n * i2, seed ^ 1), random((i1 + i2) * o, seed ^ 2)];
        if biased {
            inputs.push(random(o, seed ^ 3));
        }
        let tracked = &tracked[..inputs.len()];
        check(&inputs, tracked, 3e-6, |v| {
            let (x1, x2) = (reshaped(&v[0], [n, i1]), reshaped(&v[1], [n, i2]));
            let w = reshaped(&v[2], [i1 + i2, o]);
            linear_joint(x1, x2, w, v.get(3).cloned(), act, dropout).reshape([n * o])
        }, |v| {
            let y1 = reference::matmul(&v[0], &v[2][..i1 * o], [n, i1, o]);
            let y2 = reference::matmul(&v[1], &v[2][i1 * o..], [n, i2, o]);
            let y = y1.iter().zip(y2).map(|(a, b)| a + b).collect();
            reference::finish(y, o, v.get(3).map(Vec::as_slice), act, dropout)
        });
    }

    /// EGBAD's discriminator, and an input that two layers use.
    #[test]
    fn networks_agree_with_the_reference(
        n in 1_usize..60, widths in [1_usize..20, 1_usize..20, 1_usize..20, 1_usize..20],
        act in activations(), dropout in dropouts(), tracked in [any::<bool>(); 10], seed: u64,
    ) {
        let [i, j, k, o] = widths;
        let shapes = [[i, j], [k, j + 1], [2 * j + 1, o], [o + i, 1]];
        let mut inputs = vec![random(n * i, seed), random(n * k, seed ^ 1)];
        for (l, [rows, columns]) in shapes.into_iter().enumerate() {
            inputs.push(random(rows * columns, seed ^ (2 + l as u64)));
            inputs.push(random(columns, seed ^ (8 + l as u64)));
        }
        let from = [
            vec![Source::Input(0)],
            vec![Source::Input(1)],
            vec![Source::Layer(0), Source::Layer(1)],
            vec![Source::Layer(2), Source::Input(0)],
        ];
        let layers = |v: &[Tensor<1>]| -> Vec<Dense> {
            shapes.iter().zip(&from).enumerate().map(|(l, (&shape, from))| Dense {
                w: reshaped(&v[2 + 2 * l], shape),
                b: Some(v[3 + 2 * l].clone()),
                act,
                dropout: dropout.map(|d| Dropout { seed: d.seed ^ l as u64, ..d }),
                from: from.clone(),
            }).collect()
        };
        let join = |a: &[f64], b: &[f64]| -> Vec<f64> {
            let (wide, other) = (a.len() / n, b.len() / n);
            (0..n).flat_map(|r| [&a[r * wide..(r + 1) * wide], &b[r * other..(r + 1) * other]])
                .flatten().copied().collect()
        };
        let xs = |v: &[Tensor<1>]| vec![reshaped(&v[0], [n, i]), reshaped(&v[1], [n, k])];
        check(&inputs, &tracked, 1e-5, |v| dense(xs(v), layers(v)).reshape([n]), |v| {
            let layer = |l: usize, x: &[f64]| {
                let [rows, columns] = shapes[l];
                let y = reference::matmul(x, &v[2 + 2 * l], [n, rows, columns]);
                let dropout = dropout.map(|d| Dropout { seed: d.seed ^ l as u64, ..d });
                reference::finish(y, columns, Some(&v[3 + 2 * l]), act, dropout)
            };
            let joint = layer(2, &join(&layer(0, &v[0]), &layer(1, &v[1])));
            layer(3, &join(&joint, &v[0]))
        });
        // One node gives the bits of many.
        let weights = |len| random(len, 9);
        let together = super::evaluate(&inputs, &tracked, weights, |v| {
            dense(xs(v), layers(v)).reshape([n])
        });
        let apart = super::evaluate(&inputs, &tracked, weights, |v| {
            let mut outputs: Vec<Tensor<2>> = Vec::new();
            for layer in layers(v) {
                let inputs: Vec<_> = layer.from.iter().map(|source| match *source {
                    Source::Input(i) => xs(v)[i].clone(),
                    Source::Layer(i) => outputs[i].clone(),
                }).collect();
                let from = (0..inputs.len()).map(Source::Input).collect();
                outputs.push(dense(inputs, vec![Dense { from, ..layer }]));
            }
            outputs.swap_remove(3).reshape([n])
        });
        prop_assert_eq!(together.0, apart.0);
    }

    #[test]
    fn conv2d_agrees_with_the_reference(
        n in 1_usize..4, size in [1_usize..8, 1_usize..8], channels in [1_usize..6, 1_usize..20],
        kernel in 1_usize..6, stride in 1_usize..4, padding in 0_usize..3, biased: bool,
        act in activations(), dropout in dropouts(), tracked in [any::<bool>(); 3], seed: u64,
    ) {
        let ([h, w], [ci, co]) = (size, channels);
        let fits = |size: usize| size + 2 * padding >= kernel;
        prop_assume!(fits(h) && fits(w) && padding < kernel);
        let out = |size: usize| (size + 2 * padding - kernel) / stride + 1;
        let (x, y) = (Images([n, h, w, ci]), Images([n, out(h), out(w), co]));
        let mut inputs = vec![random(x.len(), seed), random(kernel * kernel * ci * co, seed ^ 1)];
        if biased {
            inputs.push(random(co, seed ^ 2));
        }
        let tracked = &tracked[..inputs.len()];
        for block in [conv2d, composite::conv2d] {
            check(&inputs, tracked, 5e-6, |v| {
                let w = reshaped(&v[1], [kernel, kernel, ci, co]);
                let x = reshaped(&v[0], x.0);
                let found = block(x, w, v.get(2).cloned(), stride, padding, act, dropout);
                assert_eq!(found.dims(), y.0);
                found.reshape([y.len()])
            }, |v| {
                let sums =
                    reference::convolution(&v[0], &v[1], x, y, [kernel, stride, padding], true);
                reference::finish(sums, co, v.get(2).map(Vec::as_slice), act, dropout)
            });
        }
    }

    #[test]
    fn conv_transpose2d_agrees_with_the_reference(
        n in 1_usize..4, size in [1_usize..6, 1_usize..6], channels in [1_usize..6, 1_usize..20],
        kernel in 1_usize..6, stride in 1_usize..4, padding in 0_usize..3, extra in 0_usize..3,
        biased: bool, act in activations(), dropout in dropouts(), tracked in [any::<bool>(); 3],
        seed: u64,
    ) {
        let ([h, w], [ci, co]) = (size, channels);
        let out = |size: usize| ((size - 1) * stride + kernel + extra).saturating_sub(2 * padding);
        prop_assume!(extra < stride && padding < kernel && out(h) > 0 && out(w) > 0);
        let (x, y) = (Images([n, h, w, ci]), Images([n, out(h), out(w), co]));
        let mut inputs = vec![random(x.len(), seed), random(kernel * kernel * ci * co, seed ^ 1)];
        if biased {
            inputs.push(random(co, seed ^ 2));
        }
        let tracked = &tracked[..inputs.len()];
        for block in [conv_transpose2d, composite::conv_transpose2d] {
            check(&inputs, tracked, 5e-6, |v| {
                let w = reshaped(&v[1], [kernel, kernel, ci, co]);
                let x = reshaped(&v[0], x.0);
                let found =
                    block(x, w, v.get(2).cloned(), stride, padding, extra, act, dropout);
                assert_eq!(found.dims(), y.0);
                found.reshape([y.len()])
            }, |v| {
                let sums =
                    reference::convolution(&v[0], &v[1], x, y, [kernel, stride, padding], false);
                reference::finish(sums, co, v.get(2).map(Vec::as_slice), act, dropout)
            });
        }
    }

    #[test]
    fn batch_norm_agrees_with_the_reference(
        rows in 2_usize..40, c in 1_usize..20, act in activations(), dropout in dropouts(),
        tracked in [any::<bool>(); 3], seed: u64,
    ) {
        let shifted = random(rows * c, seed).iter().map(|v| 2.0 * v + 0.5).collect();
        let inputs = [shifted, random(c, seed ^ 1), random(c, seed ^ 2)];
        for block in [batch_norm_train::<2>, composite::batch_norm_train::<2>] {
            check(&inputs, &tracked, 2e-5, |v| {
                let x = reshaped(&v[0], [rows, c]);
                let found = block(x, v[1].clone(), v[2].clone(), 0.01, act, dropout);
                found.y.reshape([rows * c])
            }, |v| {
                let (y, ..) = reference::batch_norm(&v[0], &v[1], &v[2], 0.01, None);
                reference::finish(y, c, None, act, dropout)
            });
            for part in 0..2 {
                check(&inputs, &[false; 3], 1e-6, |v| {
                    let x = reshaped(&v[0], [rows, c]);
                    let found = block(x, v[1].clone(), v[2].clone(), 0.01, act, dropout);
                    if part == 0 { found.mean } else { found.variance }
                }, |v| {
                    let (_, mean, variance) =
                        reference::batch_norm(&v[0], &v[1], &v[2], 0.01, None);
                    if part == 0 { mean } else { variance }
                });
            }
        }
        let positive: Vec<f32> = random(c, seed ^ 3).iter().map(|v| v + 1.5).collect();
        let mean = random(c, seed ^ 4);
        for block in [batch_norm_eval::<2>, composite::batch_norm_eval::<2>] {
            check(&inputs, &tracked, 1e-5, |v| {
                let x = reshaped(&v[0], [rows, c]);
                let (mean, variance) = (super::tensor(&mean), super::tensor(&positive));
                block(x, mean, variance, v[1].clone(), v[2].clone(), 0.01, act).reshape([rows * c])
            }, |v| {
                let wide = |v: &[f32]| v.iter().map(|&v| f64::from(v)).collect::<Vec<_>>();
                let given = (wide(&mean), wide(&positive));
                let (y, ..) =
                    reference::batch_norm(&v[0], &v[1], &v[2], 0.01, Some((&given.0, &given.1)));
                reference::finish(y, c, None, act, None)
            });
        }
    }
}

#[test]
fn a_folded_batch_norm_is_the_layer_and_the_norm() {
    let (ci, co) = (5, 7);
    let part = |len: usize, seed| super::tensor(&random(len, seed));
    let x = part(2 * 6 * 6 * ci, 1).reshape([2, 6, 6, ci]);
    let w = part(9 * ci * co, 2).reshape([3, 3, ci, co]);
    let [b, mean, variance, gamma, beta] = [3, 4, 5, 6, 7].map(|seed| part(co, seed));
    let variance = variance.abs();
    let act = Activation::Relu;
    for b in [None, Some(b)] {
        let y = conv2d(
            x.clone(),
            w.clone(),
            b.clone(),
            1,
            1,
            Activation::Identity,
            None,
        );
        let [m, v, g, s] = [&mean, &variance, &gamma, &beta].map(Clone::clone);
        let expected = batch_norm_eval(y, m, v, g, s, 1e-5, act);
        let [m, v, g, s] = [&mean, &variance, &gamma, &beta].map(Clone::clone);
        let (w, b) = fold_batch_norm(w.clone(), b, m, v, g, s, 1e-5);
        let found = conv2d(x.clone(), w, Some(b), 1, 1, act, None);
        let expected: Vec<f64> = super::numbers(expected)
            .iter()
            .map(|&v| f64::from(v))
            .collect();
        super::close("folded", &super::numbers(found), &expected, 1e-6);
    }
}

#[test]
fn a_folded_weight_is_the_weight_times_the_scale_of_its_column() {
    // Rows for several tasks, and columns that do not divide a task.
    let (rows, columns) = (700, 37);
    let plain = |len: usize, seed| super::tensor(&random(len, seed)).inner();
    let [mean, gamma, beta] = [3, 5, 6].map(|seed| plain(columns, seed));
    let variance = plain(columns, 4).abs();
    let scale = super::numbers(gamma.clone() / (variance.clone() + 1e-5).sqrt());
    let w = plain(rows * columns, 2).reshape([rows, columns]);
    let (folded, _) = fold_batch_norm(w, None, mean, variance, gamma, beta, 1e-5);
    let expected: Vec<f32> = random(rows * columns, 2)
        .chunks(columns)
        .flat_map(|row| row.iter().zip(&scale).map(|(w, s)| w * s))
        .collect();
    assert_eq!(super::numbers(folded), expected);
}

/// A convolution and batch norm after it, in a role that passes gradients on to x and in one that
/// brings them to the parameters: the numbers of two runs, bit for bit.
#[test]
fn blocks_in_two_roles_give_what_two_runs_give() {
    let (n, size, [ci, co], kernel, stride, padding) = (3, 9, [5, 17], 4, 2, 1);
    let (epsilon, act) = (1e-5, Activation::LeakyRelu(0.2));
    let dropout = Some(Dropout {
        probability: 0.3,
        seed: 8,
    });
    let parameters = [kernel * kernel * ci * co, co, co, co];
    let leaves = || -> Vec<Tensor<1>> {
        let lengths = [&[n * size * size * ci], &parameters[..]].concat();
        let values = lengths
            .iter()
            .zip(1..)
            .map(|(&len, seed)| random(len, seed));
        values.map(|v| super::tensor(&v).require_grad()).collect()
    };
    // Role 0 has x alone tracked, role 1 all but x.
    let roles = |leaves: &[Tensor<1>]| {
        [0, 1].map(|role| {
            let part = |i: usize| match (i == 0) == (role == 0) {
                true => leaves[i].clone(),
                false => leaves[i].clone().detach(),
            };
            let conv = ConvInputs {
                x: part(0).reshape([n, size, size, ci]),
                w: part(1).reshape([kernel, kernel, ci, co]),
                b: Some(part(2)),
            };
            (conv, part(3), part(4))
        })
    };
    let gradients = |leaves: &[Tensor<1>], ys: [BatchNormTrain<4>; 2]| {
        let mut all = Vec::new();
        for (y, scale) in ys.into_iter().zip([1.0, 3.0]) {
            all.push(super::numbers(y.y.clone()));
            all.push(super::numbers(y.mean));
            all.push(super::numbers(y.variance));
            let grads = (y.y.square() * scale).sum().backward();
            let found = leaves
                .iter()
                .map(|leaf| leaf.grad(&grads).map(super::numbers));
            let found: Vec<_> = found.collect();
            assert_eq!(found[0].is_some(), scale == 1.0);
            assert!(found[1..].iter().all(|g| g.is_some() == (scale == 3.0)));
            all.extend(found.into_iter().flatten());
        }
        all
    };

    let twice = leaves();
    let [(conv0, gamma0, beta0), (conv1, gamma1, beta1)] = roles(&twice);
    let [x0, x1] = conv2d_twice([conv0, conv1], stride, padding, act, dropout);
    let norms = [(x0, gamma0, beta0), (x1, gamma1, beta1)];
    let norms = norms.map(|(x, gamma, beta)| NormInputs { x, gamma, beta });
    let ys = batch_norm_train_twice(norms, epsilon, act, dropout);
    let twice = gradients(&twice, ys);

    let apart = leaves();
    let ys = roles(&apart).map(|(ConvInputs { x, w, b }, gamma, beta)| {
        let x = conv2d(x, w, b, stride, padding, act, dropout);
        batch_norm_train(x, gamma, beta, epsilon, act, dropout)
    });
    assert_eq!(twice, gradients(&apart, ys));
}

/// What is rearranged of a weight once gives the bits of what is rearranged in every call, on the way
/// there and back.
#[test]
fn a_frozen_weight_gives_what_the_weight_gives() {
    for (size, [ci, co], kernel, stride, padding) in [
        (9, [5, 17], 4, 2, 1),
        (8, [16, 64], 4, 2, 1),
        (7, [70, 3], 3, 1, 1),
        (4, [20, 100], 4, 1, 0),
        (1, [20, 33], 4, 1, 0),
    ] {
        let w = random(kernel * kernel * ci * co, 1);
        let w = || super::tensor(&w).inner().reshape([kernel, kernel, ci, co]);
        let (frozen, b) = (
            FrozenWeight::new(w()),
            super::tensor(&random(co, 2)).inner(),
        );
        let act = Activation::LeakyRelu(0.2);
        // Twice, so that the second time finds what the first has left.
        for (n, seed) in [(1, 3), (5, 4), (1, 5)] {
            let x = random(n * size * size * ci, seed);
            let of = |block: &dyn Fn(Tensor<4>) -> Tensor<4>| {
                super::evaluate(
                    std::slice::from_ref(&x),
                    &[true],
                    |len| random(len, 6),
                    |v| block(reshaped(&v[0], [n, size, size, ci])).flatten(0, 3),
                )
            };
            if size >= kernel {
                let frozen = FrozenWeight::new(w());
                for _ in 0..2 {
                    let found = of(&|x| frozen.conv2d(x, Some(b.clone()), stride, padding, act));
                    let b = Some(b.clone());
                    let expected = |x| conv2d(x, w(), b.clone(), stride, padding, act, None);
                    assert_eq!(found, of(&expected));
                }
            }
            let found = of(&|x| frozen.conv_transpose2d(x, Some(b.clone()), stride, padding, act));
            let b = Some(b.clone());
            let up = |x| conv_transpose2d(x, w(), b.clone(), stride, padding, 0, act, None);
            assert_eq!(found, of(&up));
        }
    }
}

/// A weight that is large enough to be read by columns instead of rows.
#[test]
fn large_layers_agree_with_the_composition() {
    for (n, i1, i2, o, biased) in [(7, 300, 100, 330, true), (203, 130, 1, 1030, false)] {
        let part = |len, seed| random(len, seed);
        let mut inputs = vec![part(n * i1, 1), part(n * i2, 2), part((i1 + i2) * o, 3)];
        if biased {
            inputs.push(part(o, 4));
        }
        let dropout = Some(Dropout {
            probability: 0.2,
            seed: 5,
        });
        let act = Activation::LeakyRelu(0.2);
        let weights = |len| random(len, 6);
        let run = |v: &[Tensor<1>], kernel: bool| {
            let (x1, x2) = (reshaped(&v[0], [n, i1]), reshaped(&v[1], [n, i2]));
            let (w, b) = (reshaped(&v[2], [i1 + i2, o]), v.get(3).cloned());
            let y = match kernel {
                true => linear_joint(x1, x2, w, b, act, dropout),
                false => composite::linear(Tensor::cat(vec![x1, x2], 1), w, b, act, dropout),
            };
            y.reshape([n * o])
        };
        let tracked = [true; 4];
        let [found, expected] = [true, false].map(|kernel| {
            super::evaluate(&inputs, &tracked[..inputs.len()], weights, |v| {
                run(v, kernel)
            })
        });
        let wide = |v: &[f32]| v.iter().map(|&v| f64::from(v)).collect::<Vec<_>>();
        super::close("output", &found.0, &wide(&expected.0), 1e-5);
        for (found, expected) in found.1.iter().zip(&expected.1) {
            assert_eq!(found.is_some(), expected.is_some());
            if let (Some(found), Some(expected)) = (found, expected) {
                super::close("gradient", found, &wide(expected), 1e-5);
            }
        }
    }
}

#[test]
fn a_sample_does_not_depend_on_its_batch() {
    for (i, o) in [(121, 128), (300, 1), (33, 47), (700, 64), (500, 300)] {
        let [x, w, b] = [(64 * i, 1), (i * o, 2), (o, 3)].map(|(len, seed)| random(len, seed));
        let run = |x: &[f32]| {
            let rows = x.len() / i;
            let [x, w, b] = [x, &w, &b].map(super::tensor);
            let act = Activation::Tanh;
            super::numbers(linear(
                x.reshape([rows, i]),
                w.reshape([i, o]),
                Some(b),
                act,
                None,
            ))
        };
        let together = run(&x);
        for (x, y) in x.chunks(i).zip(together.chunks(o)) {
            assert_eq!(run(x), y);
        }
        assert_eq!(run(&x[..7 * i]), together[..7 * o]);
    }
}

/// A row that is alone leaves out the weights that its zeros would be multiplied by, on the way there
/// and back.
#[test]
fn a_row_through_large_layers_does_not_depend_on_its_batch() {
    let (widths, n) = ([20, 500, 300, 600], 5);
    let x = random(n * widths[0], 1);
    for act in [Activation::Relu, Activation::LeakyRelu(0.1)] {
        for dropout in [None, Some(0.3)] {
            let run = |x: &[f32]| {
                let rows = x.len() / widths[0];
                let inputs = [x.to_vec()];
                super::evaluate(
                    &inputs,
                    &[true],
                    |len| vec![0.5; len],
                    |v| {
                        let layers = widths.windows(2).enumerate().map(|(i, pair)| {
                            let &[inputs, outputs] = pair else {
                                unreachable!("windows of two")
                            };
                            let w = super::tensor(&random(inputs * outputs, 2 + i as u64));
                            let from = match i {
                                0 => Source::Input(0),
                                _ => Source::Layer(i - 1),
                            };
                            Dense {
                                w: w.reshape([inputs, outputs]),
                                b: Some(super::tensor(&random(outputs, 9))),
                                act,
                                // Each row of a batch has a mask of its own; the first is that of one row.
                                dropout: dropout.map(|probability| Dropout {
                                    probability,
                                    seed: 3,
                                }),
                                from: vec![from],
                            }
                        });
                        let y = dense(vec![reshaped(&v[0], [rows, widths[0]])], layers.collect());
                        y.reshape([rows * widths[3]])
                    },
                )
            };
            let (together, gradient) = run(&x);
            let gradient = gradient[0].as_deref().unwrap_or_default();
            let rows = if dropout.is_some() { 1 } else { n };
            for row in 0..rows {
                let (alone, its) = run(&x[row * widths[0]..][..widths[0]]);
                assert_eq!(alone, together[row * widths[3]..][..widths[3]]);
                let its = its[0].as_deref().unwrap_or_default();
                assert_eq!(its, &gradient[row * widths[0]..][..widths[0]]);
                assert!(its.iter().any(|&g| g != 0.0));
            }
        }
    }
}

#[test]
fn an_image_does_not_depend_on_its_batch() {
    for (size, [ci, co], kernel, stride, padding) in [
        (16, [3, 64], 4, 2, 1),
        (9, [20, 33], 5, 2, 2),
        (4, [64, 1], 4, 1, 0),
        (8, [70, 3], 3, 1, 1),
        // At the edges whole groups of a sum are left out, and less where an image is alone.
        (8, [48, 70], 4, 2, 1),
        (4, [40, 66], 5, 1, 2),
        (2, [300, 20], 4, 2, 2),
    ] {
        let n = 9;
        let x = random(n * size * size * ci, 1);
        let w = random(kernel * kernel * ci * co, 2);
        let run = |x: &[f32], up: bool| {
            let n = x.len() / (size * size * ci);
            let x = super::tensor(x).reshape([n, size, size, ci]);
            let w = super::tensor(&w).reshape([kernel, kernel, ci, co]);
            let act = Activation::LeakyRelu(0.2);
            super::numbers(match up {
                true => conv_transpose2d(x, w, None, stride, padding, 0, act, None),
                false => conv2d(x, w, None, stride, padding, act, None),
            })
        };
        for up in [false, true] {
            let together = run(&x, up);
            let each = together.len() / n;
            for (x, y) in x.chunks(size * size * ci).zip(together.chunks(each)) {
                assert_eq!(run(x, up), y);
            }
        }
    }
}

/// The gradient of a sample is that sample's own too: AnoGAN's search scores with it.
#[test]
fn the_gradient_of_a_sample_does_not_depend_on_its_batch() {
    let n = 9;
    let each = |x: &[f32], block: &dyn Fn(&Tensor<1>, usize) -> Tensor<1>| {
        let len = x.len() / n;
        let gradient = |x: &[f32]| {
            let leaf = super::tensor(x).require_grad();
            let grads = block(&leaf, x.len() / len).backward();
            leaf.grad(&grads).map(super::numbers).unwrap_or_default()
        };
        let together = gradient(x);
        assert_eq!(together.len(), x.len());
        for (x, expected) in x.chunks(len).zip(together.chunks(len)) {
            assert_eq!(gradient(x), expected);
        }
    };
    for (i, o) in [
        (33, 47),
        (200, 1),
        (3, 70),
        (500, 300),
        (130, 2100),
        (35, 4200),
        (200, 1024),
    ] {
        let w = super::tensor(&random(i * o, 1)).reshape([i, o]);
        each(&random(n * i, 2), &|x, n| {
            let y: Tensor<2> = linear(reshaped(x, [n, i]), w.clone(), None, Activation::Tanh, None);
            mse_rows(y.clone(), y.detach() * 2.0, Reduction::Mean).sum()
        });
    }
    for (size, [ci, co], kernel, stride, padding, up) in [
        (12, [3, 40], 4, 2, 1, false),
        (6, [40, 3], 4, 2, 1, true),
        (1, [20, 33], 4, 1, 0, true),
        (4, [64, 100], 4, 1, 0, false),
        (8, [48, 70], 4, 2, 1, false),
        (4, [70, 48], 4, 2, 1, true),
    ] {
        let w = super::tensor(&random(kernel * kernel * ci * co, 3));
        let w = w.reshape([kernel, kernel, ci, co]);
        each(&random(n * size * size * ci, 4), &|x, n| {
            let x = reshaped(x, [n, size, size, ci]);
            let act = Activation::LeakyRelu(0.2);
            let y = match up {
                true => conv_transpose2d(x, w.clone(), None, stride, padding, 0, act, None),
                false => conv2d(x, w.clone(), None, stride, padding, act, None),
            };
            l1_rows(y.clone(), y.detach() * 2.0, Reduction::Mean).sum()
        });
    }
}

/// AnoGAN's search: through a generator and a feature of the discriminator whose weights are
/// given, a gradient reaches the latent and nothing else.
#[test]
fn the_gradient_of_a_search_reaches_the_latent_alone() {
    const TAPS: [usize; 3] = [4, 2, 1];
    let (i, [side, c1, c2, f], act) = (32, [6, 120, 3, 5], Activation::LeakyRelu(0.2));
    let o = side * side * c1;
    for n in [1, 3] {
        let grid = |size: usize, c: usize| Images([n, size, size, c]);
        let inputs =
            [n * i, i * o, o, 16 * c1 * c2, c2, 16 * c2 * f].map(|len| random(len, len as u64));
        let tracked = [true, false, false, false, false, false];
        check(
            &inputs,
            &tracked,
            2e-5,
            |v| {
                let x = linear(
                    reshaped(&v[0], [n, i]),
                    reshaped(&v[1], [i, o]),
                    Some(v[2].clone()),
                    act,
                    None,
                );
                let x = x.reshape([n, side, side, c1]);
                let w = reshaped(&v[3], [4, 4, c1, c2]);
                let x = conv_transpose2d(x, w, Some(v[4].clone()), 2, 1, 0, Activation::Tanh, None);
                conv2d(x, reshaped(&v[5], [4, 4, c2, f]), None, 2, 1, act, None).flatten(0, 3)
            },
            |v| {
                let x = reference::matmul(&v[0], &v[1], [n, i, o]);
                let x = reference::finish(x, o, Some(&v[2]), act, None);
                let (coarse, fine) = (grid(side, c1), grid(2 * side, c2));
                let x = reference::convolution(&x, &v[3], coarse, fine, TAPS, false);
                let x = reference::finish(x, c2, Some(&v[4]), Activation::Tanh, None);
                let x = reference::convolution(&x, &v[5], fine, grid(side, f), TAPS, true);
                reference::finish(x, f, None, act, None)
            },
        );
    }
}

#[test]
fn a_weight_over_its_singular_value_has_the_gradients_of_both() {
    // More columns than one task adds up.
    let (rows, columns) = (7, 70);
    for block in [over, composite::over] {
        check(
            &[random(rows * columns, 1), vec![1.7]],
            &[true, true],
            1e-4,
            |leaves| {
                let w = leaves[0].clone().reshape([rows, columns]);
                block(w, leaves[1].clone().reshape([1, 1])).reshape([rows * columns])
            },
            |inputs| inputs[0].iter().map(|w| w / inputs[1][0]).collect(),
        );
    }
}

#[test]
fn a_direction_has_length_1_in_the_order_of_burns_sums() {
    for len in [1, 5, 16, 130, 300] {
        let x = random(len, 3);
        let length = x.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt();
        let expected: Vec<f64> = x.iter().map(|&v| f64::from(v) / length).collect();
        for unit in [unit, composite::unit] {
            let found = super::numbers(unit(super::tensor(&x).inner()));
            super::close("direction", &found, &expected, 1e-6);
        }
    }
    let zeros = super::tensor(&[0.0; 20]).inner();
    assert_eq!(super::numbers(unit(zeros)), [0.0; 20]);
}
