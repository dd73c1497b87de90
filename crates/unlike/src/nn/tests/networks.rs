//! What networks in training keep: averages, optimisers, what is saved, and what trained ones are.

use unlike_core::{Arrays, FeatureShape};
use unlike_kernels::Activation::{LeakyRelu, Relu};

use crate::{
    backend::{Device, Tensor, tensor, values},
    models::tests::golden::{assert_close, under},
    nn::{AdamConfig, Init, Networks, Pass, Plan, Trained, Training, dense},
    rng::{Purpose, normals, rng},
    settings::{Positive, Share},
};

const TRAIN: Pass = Pass::Train { dropout: 0 };

fn shape() -> FeatureShape {
    FeatureShape::row(4)
}

/// Two networks, one with batch norm, one with spectral norm.
fn plans() -> Vec<(&'static str, Plan)> {
    let one = vec![dense(5).norm().act(Relu), dense(3)];
    let two = vec![dense(4).act(LeakyRelu(0.1)), dense(1)];
    let two = two.into_iter().map(|layer| layer.spectral(true)).collect();
    vec![
        ("one", Plan::chain(&shape(), [("", one)], "y")),
        ("two", Plan::chain(&shape(), [("", two)], "y")),
    ]
}

fn drawn(ema: f32, clip: Option<f32>) -> Networks {
    let training = Training {
        init: Init::normal(0.5),
        adam: AdamConfig {
            clip: clip.map(Positive::of),
            ..AdamConfig::gan(0.01)
        },
        ema: Share::of(ema),
    };
    let rng = &mut rng(3, Purpose::Initialisation, 0);
    Networks::draw(plans(), &shape(), training, rng, &Device::flex()).unwrap()
}

fn x(index: u64) -> Tensor<2> {
    let numbers = normals(&mut rng(1, Purpose::Latent, index), 32);
    tensor(numbers, [8, 4], &Device::flex())
}

/// A loss of one network.
fn loss(nets: &Networks, at: usize, index: u64) -> Tensor<1> {
    let all: [_; 2] = nets.all();
    (all[at].apply(x(index), TRAIN) - 1.0).square().mean()
}

fn step(nets: &mut Networks, index: u64) {
    for at in [0, 1] {
        let loss = loss(nets, at, index);
        nets.minimise(&loss, [at], 1.0).unwrap();
    }
    nets.average_by(0.5);
}

#[test]
fn a_loss_moves_the_networks_that_are_named_and_no_others() {
    let mut nets = drawn(0.5, None);
    let before = nets.save();
    let both = loss(&nets, 0, 0) + loss(&nets, 1, 0);
    // Running statistics and singular vectors move with the passes.
    let run = nets.save();
    nets.minimise(&both, [0], 1.0).unwrap();
    let after = nets.save();
    assert_ne!(under(&after, "networks.one"), under(&run, "networks.one"));
    for kind in ["networks.two", "average", "adam.two"] {
        assert_eq!(under(&after, kind), under(&run, kind), "{kind}");
    }
    for kind in ["average", "adam"] {
        assert_eq!(under(&run, kind), under(&before, kind), "{kind}");
    }
    // A loss that does not reach a network says which array it would have trained.
    let one = loss(&nets, 0, 0);
    let error = nets.minimise(&one, [0, 1], 1.0);
    let error = error.unwrap_err().to_string();
    assert!(error.contains("`two.0.weight`"), "{error}");
}

#[test]
fn averages_follow_by_their_decay_and_score() {
    let mut nets = drawn(0.5, None);
    let start = under(&nets.save(), "networks");
    step(&mut nets, 0);
    let saved = nets.save();
    let (live, average) = (under(&saved, "networks"), under(&saved, "average"));
    for (name, average) in average.iter() {
        let [then, now] = [&start, &live].map(|a| &a.any_shape(name).unwrap().values);
        let expected: Vec<f32> = then
            .iter()
            .zip(now)
            .map(|(a, b)| 0.5 * a + 0.5 * b)
            .collect();
        assert_close(name, &average.values, &expected, 1e-6);
    }
    assert_eq!(nets.trained().arrays(), average);
    // Without one, the weights themselves score.
    let mut plain = drawn(0.0, None);
    step(&mut plain, 0);
    assert_eq!(plain.trained().arrays(), under(&plain.save(), "networks"));
    assert!(under(&plain.save(), "average").is_empty());
    assert_eq!(under(&plain.save(), "networks"), live);
}

#[test]
fn an_average_that_is_warmed_forgets_where_it_started() {
    // At step t the decay is (1 + t) / (10 + t) until that of the settings is less.
    for (step, decay) in [(0, 0.1), (1, 2.0 / 11.0), (8, 0.5), (1000, 0.5)] {
        let mut warmed = drawn(0.5, None);
        let loss = loss(&warmed, 0, 0);
        warmed.minimise(&loss, [0], 1.0).unwrap();
        let mut plain = warmed.clone();
        warmed.average_warmed(step);
        plain.average_by(decay);
        let [ours, theirs] = [&warmed, &plain].map(|nets| nets.save());
        for (name, array) in under(&theirs, "average").iter() {
            let ours = ours.any_shape(&format!("average.{name}")).unwrap();
            assert_close(name, &ours.values, &array.values, 1e-6);
        }
    }
}

#[test]
fn networks_that_adopt_their_average_go_on_from_it() {
    let mut nets = drawn(0.5, None);
    step(&mut nets, 0);
    let before = nets.save();
    nets.adopt_average(&[1]);
    let after = nets.save();
    assert_eq!(under(&after, "networks.two"), under(&before, "average.two"));
    assert_eq!(
        under(&after, "networks.one"),
        under(&before, "networks.one")
    );
    // Without an average they stay.
    let mut plain = drawn(0.0, None);
    let before = plain.save();
    plain.adopt_average(&[0, 1]);
    assert_eq!(plain.save(), before);
}

#[test]
fn a_network_drawn_anew_has_a_fresh_average_and_optimiser() {
    let mut nets = drawn(0.5, None);
    step(&mut nets, 0);
    let before = nets.save();
    nets.redraw(1, &mut rng(9, Purpose::Initialisation, 1))
        .unwrap();
    let after = nets.save();
    for kind in ["networks.one", "average.one", "adam.one"] {
        assert_eq!(under(&after, kind), under(&before, kind), "{kind}");
    }
    assert_ne!(
        under(&after, "networks.two"),
        under(&before, "networks.two")
    );
    assert_eq!(under(&after, "networks.two"), under(&after, "average.two"));
    assert_eq!(after.get("adam.two.steps", &[2]).unwrap(), [0.0, 0.0]);
    assert_eq!(under(&after, "adam.two").len(), 1);
    step(&mut nets, 1);
}

#[test]
fn long_gradients_are_shortened_over_all_networks_of_a_loss() {
    let moments = |clip| {
        let mut nets = drawn(0.0, clip);
        let loss = (loss(&nets, 0, 0) + loss(&nets, 1, 0)) * 100.0;
        nets.minimise(&loss, [0, 1], 1.0).unwrap();
        let saved = nets.save();
        // The first moment after one step is half the gradient.
        let first = saved.iter().filter(|(name, _)| name.ends_with(".m"));
        first
            .flat_map(|(_, a)| a.values.clone())
            .map(|m| 2.0 * m)
            .collect::<Vec<f32>>()
    };
    let length = |gradient: &[f32]| gradient.iter().map(|g| g * g).sum::<f32>().sqrt();
    let (whole, short) = (moments(None), moments(Some(0.3)));
    assert!(length(&whole) > 10.0, "{}", length(&whole));
    assert!((length(&short) - 0.3).abs() < 1e-4, "{}", length(&short));
    let scaled: Vec<f32> = whole.iter().map(|g| g * 0.3 / length(&whole)).collect();
    assert_close("direction", &short, &scaled, 1e-4);
    assert_eq!(moments(Some(1e9)), whole);
}

#[test]
fn a_training_goes_on_where_it_was_saved() {
    let mut whole = drawn(0.9, Some(1.0));
    (0..2).for_each(|index| step(&mut whole, index));
    let saved = whole.save();
    let mut resumed = drawn(0.9, Some(1.0));
    resumed.restore(&saved).unwrap();
    assert_eq!(resumed.save(), saved);
    for nets in [&mut whole, &mut resumed] {
        (2..5).for_each(|index| step(nets, index));
    }
    assert_eq!(resumed.save(), whole.save());
}

#[test]
fn what_is_trained_comes_back_from_its_arrays_and_gives_the_same() {
    let mut nets = drawn(0.9, None);
    (0..3).for_each(|index| step(&mut nets, index));
    let trained = nets.trained();
    let again = Trained::load(plans(), &shape(), &trained.arrays(), &Device::flex()).unwrap();
    assert_eq!(again.arrays(), trained.arrays());
    for at in [0, 1] {
        let [a, b] = [&trained, &again].map(|t| values(t.all::<2>()[at].apply(x(9), Pass::Score)));
        assert_eq!(a, b);
    }
    // Something that is made once of them.
    let made = std::cell::Cell::new(0);
    let make = || {
        made.set(made.get() + 1);
        7u8
    };
    assert_eq!(
        (*trained.once(make), *trained.once(make), made.get()),
        (7, 7, 1)
    );
}

#[test]
fn weights_are_drawn_by_the_seed_network_by_network() {
    assert_eq!(drawn(0.0, None).save(), drawn(0.0, None).save());
    let draw = |seed| {
        let training = Training {
            init: Init::Xavier {},
            adam: AdamConfig::gan(0.01),
            ema: Share::of(0.0),
        };
        let rng = &mut rng(seed, Purpose::Initialisation, 0);
        Networks::draw(plans(), &shape(), training, rng, &Device::flex()).unwrap()
    };
    let weights = |nets: &Networks| -> Arrays {
        let mut weights = Arrays::new();
        for (name, array) in nets
            .save()
            .iter()
            .filter(|(name, _)| name.ends_with("weight"))
        {
            weights.insert(name, &array.shape, array.values.clone());
        }
        weights
    };
    let (a, b) = (weights(&draw(0)), weights(&draw(1)));
    for (name, array) in a.iter() {
        assert_ne!(b.any_shape(name).unwrap(), array, "{name}");
    }
}
