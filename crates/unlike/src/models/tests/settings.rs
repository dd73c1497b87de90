//! What every model's settings and files refuse, each at its own place.

use serde_json::{Map, Value, json};
use unlike_core::{Arrays, FeatureShape};

use crate::{
    ModelConfig,
    backend::Device,
    method::Settings,
    models::{Kind, MODELS, anogan::Anogan, egbad::Egbad, fanogan::Fanogan, ganomaly::Ganomaly},
    nn::{Plateau, Rates},
    registry::Entry,
    settings::{Count, Positive, Share},
};

/// Every model of networks for both kinds of samples, every option set.
fn all() -> Vec<(String, ModelConfig)> {
    let mut all = Vec::new();
    for kind in [Kind::Table, Kind::Images] {
        for name in ModelConfig::names() {
            let mut config = ModelConfig::by_name(name, kind).unwrap();
            // It takes rows of features, whatever they are of.
            let rows_only = name == "simplenet" && kind == Kind::Images;
            if !config.has_networks() || rows_only {
                continue;
            }
            let clip = Some(Positive::of(1.0));
            if let Some(egbad) = config.get_mut::<Egbad>() {
                egbad.training.adam.clip = clip;
            }
            if let Some(ganomaly) = config.get_mut::<Ganomaly>() {
                ganomaly.training.adam.clip = clip;
                assert!(ganomaly.reinitialise_below.is_some());
            }
            if let Some(fanogan) = config.get_mut::<Fanogan>() {
                fanogan.training.adam.clip = clip;
            }
            if let Some(anogan) = config.get_mut::<Anogan>() {
                anogan.training.adam.clip = clip;
                anogan.search.descent.plateau = Some(Plateau {
                    patience: Count::of(3),
                    tolerance: Share::of(0.1),
                });
            }
            all.push((format!("{name}, {kind:?}"), config));
        }
    }
    assert_eq!(all.len(), 13);
    all
}

fn read(value: &Value) -> Result<ModelConfig, String> {
    Entry::read(MODELS, value.clone())
}

/// Pointers to all values inside this one, itself first.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                places(value, &format!("{at}/{key}"), found);
            }
        }
        Value::Array(items) => {
            for (i, value) in items.iter().enumerate() {
                places(value, &format!("{at}/{i}"), found);
            }
        }
        _ => {}
    }
}

fn each_place(config: &ModelConfig, mut f: impl FnMut(&Value, &str, &Value)) {
    let whole = serde_json::to_value(config).unwrap();
    let mut found = Vec::new();
    places(&whole, "", &mut found);
    for at in found {
        f(&whole, &at, whole.pointer(&at).unwrap());
    }
}

/// The whole with another value at a place.
fn with(whole: &Value, at: &str, value: Value) -> Value {
    let mut changed = whole.clone();
    *changed.pointer_mut(at).unwrap() = value;
    changed
}

#[test]
fn settings_come_back_as_they_were_written() {
    for (what, config) in all() {
        let value = serde_json::to_value(&config).unwrap();
        assert_eq!(read(&value).unwrap(), config, "{what}");
        let text = toml::to_string(&config).unwrap();
        let value = serde_json::to_value(toml::from_str::<toml::Value>(&text).unwrap()).unwrap();
        let again = read(&value).unwrap();
        assert_eq!(toml::to_string(&again).unwrap(), text, "{what}");
    }
}

#[test]
fn unknown_keys_are_refused_in_every_table() {
    let mut seen = std::collections::BTreeSet::new();
    for (what, config) in all() {
        each_place(&config, |whole, at, value| {
            let Value::Object(fields) = value else { return };
            let mut fields: Map<String, Value> = fields.clone();
            fields.insert("typo".into(), json!(1));
            let error = read(&with(whole, at, Value::Object(fields)));
            let error = error
                .err()
                .unwrap_or_else(|| panic!("{what}: `typo` in `{at}` passes"));
            // A choice with a number is a table of one key.
            assert!(
                error.contains("typo") || at == "/search/start",
                "{what}, {at}: {error}"
            );
            seen.insert(at.to_owned());
        });
    }
    for table in [
        "",
        "/networks",
        "/training",
        "/training/adam",
        "/training/init",
        "/search",
        "/search/descent",
        "/search/descent/plateau",
        "/search/descent/rates/0",
        "/search/descent/rates/2",
    ] {
        assert!(seen.contains(table), "`{table}` is not among {seen:?}");
    }
}

#[test]
fn numbers_out_of_range_are_refused_at_their_place() {
    let (mut seen, mut others) = (0, 0);
    for (what, config) in all() {
        each_place(&config, |whole, at, value| {
            if !value.is_number() {
                // No text, table or list stands in for another.
                if !value.is_null() {
                    assert!(read(&with(whole, at, json!(0.5))).is_err(), "{what}, {at}");
                    others += 1;
                }
                return;
            }
            let bad = [json!(-1), json!(-0.5), json!(1e39), json!("1"), json!([])];
            // Only what need not be there may be nothing.
            let optional = ["/clip", "/width", "/reinitialise_below"];
            let nothing = match optional.iter().any(|name| at.ends_with(name)) {
                true => None,
                false => Some(json!(null)),
            };
            for bad in bad.into_iter().chain(nothing) {
                let error = read(&with(whole, at, bad.clone()));
                let error = error
                    .err()
                    .unwrap_or_else(|| panic!("{what}: {bad} at {at} passes"));
                let first = at.split('/').nth(1).unwrap();
                assert!(
                    error.starts_with(&format!("`model.{first}")),
                    "{what}, {at}: {error}"
                );
            }
            seen += 1;
        });
    }
    assert!(seen > 150 && others > 50, "{seen} numbers, {others} others");
}

#[test]
fn the_limits_of_ranges_are_where_they_are_said_to_be() {
    type Case<'a> = (&'a str, Kind, &'a str, Value, Option<&'a str>);
    let cases: [Case<'_>; 27] = [
        (
            "egbad",
            Kind::Table,
            "/latent",
            json!(0),
            Some("from 1 to 65536"),
        ),
        (
            "egbad",
            Kind::Table,
            "/latent",
            json!(65_537),
            Some("from 1 to 65536"),
        ),
        ("egbad", Kind::Table, "/latent", json!(1), None),
        (
            "egbad",
            Kind::Table,
            "/dropout",
            json!(1.0),
            Some("not including, 1"),
        ),
        ("egbad", Kind::Table, "/dropout", json!(0.0), None),
        ("egbad", Kind::Table, "/residual_weight", json!(0.0), None),
        (
            "egbad",
            Kind::Table,
            "/training/ema",
            json!(1.0),
            Some("not including, 1"),
        ),
        (
            "egbad",
            Kind::Table,
            "/training/adam/learning_rate",
            json!(0.0),
            Some("above 0"),
        ),
        (
            "egbad",
            Kind::Table,
            "/training/adam/beta1",
            json!(1.0),
            Some("not including, 1"),
        ),
        (
            "egbad",
            Kind::Images,
            "/training/init/sd",
            json!(0.0),
            Some("above 0"),
        ),
        (
            "egbad",
            Kind::Images,
            "/networks/width",
            json!(0),
            Some("from 1 to 65536"),
        ),
        (
            "egbad",
            Kind::Table,
            "/networks/encoder",
            json!([64, 0]),
            Some("[64, 0]"),
        ),
        (
            "egbad",
            Kind::Table,
            "/networks/discriminator_joint",
            json!([]),
            Some("feature layer"),
        ),
        ("egbad", Kind::Table, "/networks/generator", json!([]), None),
        (
            "egbad",
            Kind::Table,
            "/generator_loss",
            json!("hinge"),
            Some("hinge"),
        ),
        (
            "ganomaly",
            Kind::Images,
            "/reinitialise_below",
            json!(0.0),
            Some("above 0"),
        ),
        (
            "ganomaly",
            Kind::Images,
            "/adversarial_weight",
            json!(0.0),
            None,
        ),
        (
            "anogan",
            Kind::Table,
            "/search/lambda",
            json!(1.5),
            Some("from 0 to 1"),
        ),
        ("anogan", Kind::Table, "/search/lambda", json!(1.0), None),
        (
            "anogan",
            Kind::Table,
            "/search/restarts",
            json!(0),
            Some("at least 1"),
        ),
        (
            "anogan",
            Kind::Table,
            "/search/descent/steps",
            json!(0),
            None,
        ),
        (
            "anogan",
            Kind::Table,
            "/search/descent/plateau/patience",
            json!(0),
            Some("at least 1"),
        ),
        (
            "anogan",
            Kind::Table,
            "/networks/discriminator",
            json!([]),
            Some("feature layer"),
        ),
        (
            "fanogan",
            Kind::Table,
            "/critic_steps",
            json!(0),
            Some("at least 1"),
        ),
        (
            "fanogan",
            Kind::Table,
            "/gan_share",
            json!(1.0),
            Some("not including, 1"),
        ),
        ("fanogan", Kind::Table, "/penalty", json!(0.0), None),
        (
            "fanogan",
            Kind::Table,
            "/reach",
            json!(0.0),
            Some("above 0"),
        ),
    ];
    for (name, kind, at, value, refused) in cases {
        let whole = serde_json::to_value(ModelConfig::by_name(name, kind).unwrap()).unwrap();
        let found = read(&with(&whole, at, value.clone()));
        match (refused, found) {
            (None, found) => assert!(found.is_ok(), "{name}, {at}, {value}: {found:?}"),
            (Some(_), Ok(_)) => panic!("{name}: {value} at {at} passes"),
            (Some(expected), Err(error)) => {
                // A choice is read as a whole.
                let path = at.trim_end_matches("/sd").replace('/', ".");
                let path = format!("`model{path}`");
                assert!(error.contains(expected), "{name}, {at}: {error}");
                assert!(error.starts_with(&path), "{name}, {at}: {error}");
            }
        }
    }
}

#[test]
fn rates_begin_at_step_0_and_ascend() {
    let anogan = ModelConfig::method(Anogan::recommended(Kind::Table));
    let whole = serde_json::to_value(anogan).unwrap();
    let rate = |from: usize| json!({"from": from, "learning_rate": 0.1});
    for (rates, passes) in [
        (json!([]), false),
        (json!([rate(1)]), false),
        (json!([rate(0), rate(0)]), false),
        (json!([rate(0), rate(9), rate(3)]), false),
        (json!([rate(0), rate(3), rate(9)]), true),
    ] {
        let found = read(&with(&whole, "/search/descent/rates", rates.clone()));
        assert_eq!(found.is_ok(), passes, "{rates}");
        if let Err(error) = found {
            assert!(error.starts_with("`model.search.descent.rates`"), "{error}");
        }
        assert_eq!(serde_json::from_value::<Rates>(rates).is_ok(), passes);
    }
}

#[test]
fn a_score_that_is_not_on_offer_is_refused_before_training() {
    for (what, config) in all() {
        let mut whole = serde_json::to_value(&config).unwrap();
        whole["score"] = json!("energy");
        let config = read(&whole).unwrap();
        let shape = match what.ends_with("Table") {
            true => FeatureShape::row(9),
            false => FeatureShape::image(32, 32, 1),
        };
        let error = config.trainee(&shape, 0, &Device::flex()).err().unwrap();
        let text = error.to_string();
        assert!(text.contains("`energy`"), "{what}: {text}");
        // Those that there are.
        let offered = match what.split(',').next() {
            Some("ganomaly") => "latent, ",
            Some("simplenet") => "discriminator",
            Some("vae") => "bound, ",
            _ => "residual",
        };
        assert!(text.contains(offered), "{what}: {text}");
    }
}

/// Arrays without this one, or with another in its place.
fn changed(arrays: &Arrays, at: &str, other: Option<(&[usize], Vec<f32>)>) -> Arrays {
    let mut all = Arrays::new();
    for (name, array) in arrays.iter().filter(|(name, _)| *name != at) {
        all.insert(name, &array.shape, array.values.clone());
    }
    if let Some((shape, values)) = other {
        all.insert(at, shape, values);
    }
    all
}

#[test]
fn an_array_that_is_missing_or_has_another_size_is_named() {
    let device = &Device::flex();
    for (what, config) in all() {
        let (config, shape) = match what.ends_with("Table") {
            true => (config, FeatureShape::row(5)),
            false => {
                let whole = serde_json::to_value(&config).unwrap();
                let narrow = match whole.pointer("/networks/width") {
                    Some(_) => with(&whole, "/networks/width", json!(1)),
                    None => with(&whole, "/hidden", json!([3])),
                };
                (read(&narrow).unwrap(), FeatureShape::image(16, 16, 1))
            }
        };
        let mut trainee = config.trainee(&shape, 0, device).unwrap().unwrap();
        let arrays = trainee.scorer().arrays();
        assert!(config.restore(&shape, &arrays, 0, device).is_ok(), "{what}");
        for (name, array) in arrays.iter() {
            let longer = [&array.values[..], &[0.5]].concat();
            let flat = [longer.len()];
            let turned: Vec<usize> = array.shape.iter().rev().copied().collect();
            let mut others = vec![None, Some((&flat[..], longer))];
            if turned != array.shape {
                others.push(Some((&turned[..], array.values.clone())));
            }
            for other in others {
                let bad = changed(&arrays, name, other);
                let error = config.restore(&shape, &bad, 0, device).err();
                let error = error
                    .unwrap_or_else(|| panic!("{what}: {name} passes"))
                    .to_string();
                assert!(
                    error.contains(&format!("`{name}`")),
                    "{what}, {name}: {error}"
                );
            }
        }
        // The same of the state of a training, which stays as it is.
        let saved = trainee.save();
        for (name, array) in saved.iter() {
            let longer = [&array.values[..], &[0.5]].concat();
            for other in [None, Some((&[longer.len()][..], longer.clone()))] {
                let bad = changed(&saved, name, other);
                let error = trainee.restore(&bad).err();
                let error = error
                    .unwrap_or_else(|| panic!("{what}: {name} passes"))
                    .to_string();
                assert!(
                    error.contains(&format!("`{name}`")),
                    "{what}, {name}: {error}"
                );
            }
        }
        assert_eq!(trainee.save(), saved, "{what}");
    }
}
