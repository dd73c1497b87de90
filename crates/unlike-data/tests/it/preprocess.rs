//! Fitted preprocessing: what becomes of each value, and what is refused.

use proptest::prelude::*;
use unlike_core::{
    Column, ColumnKind, FeatureShape, ImageShape, Images, InputSpec, MISSING, Samples, Table,
    Values,
};
use unlike_data::{
    Preprocessing, PreprocessingConfig, Scaling, Tails,
    preprocess::{FittedColumn, LIMIT},
};

const NAN: f64 = f64::NAN;

fn number(name: &str, values: &[f64]) -> Column {
    Column {
        name: name.into(),
        values: Values::Number(values.to_vec()),
    }
}

/// A category; an empty text is a missing cell.
fn category(name: &str, texts: &[&str]) -> Column {
    let mut levels: Vec<String> = Vec::new();
    let code = |&text: &&str| {
        if text.is_empty() {
            return MISSING;
        }
        let at = levels.iter().position(|l| l == text).unwrap_or_else(|| {
            levels.push(text.to_owned());
            levels.len() - 1
        });
        at as u32
    };
    let codes = texts.iter().map(code).collect();
    Column {
        name: name.into(),
        values: Values::Category {
            levels: levels.into(),
            codes,
        },
    }
}

fn samples(columns: Vec<Column>) -> Samples {
    Samples::Table(Table::new("t.csv", columns).unwrap())
}

fn fit(columns: Vec<Column>) -> Preprocessing {
    Preprocessing::fit(&samples(columns), &PreprocessingConfig::default()).unwrap()
}

fn fit_standard(columns: Vec<Column>) -> Preprocessing {
    let config = PreprocessingConfig {
        scaling: Scaling::Standard,
        ..Default::default()
    };
    Preprocessing::fit(&samples(columns), &config).unwrap()
}

fn features(fitted: &Preprocessing, columns: Vec<Column>) -> Vec<f32> {
    fitted
        .transform(&samples(columns))
        .unwrap()
        .features
        .values()
        .to_vec()
}

/// Message and hint of the refusal.
fn refused(fitted: &Preprocessing, columns: Vec<Column>) -> (String, Option<String>) {
    let error = fitted.transform(&samples(columns)).unwrap_err();
    (error.to_string(), error.hint().map(ToString::to_string))
}

#[test]
fn min_max_maps_the_training_range_to_minus_one_and_one() {
    let fitted = fit(vec![number("a", &[2.0, 6.0, 4.0])]);
    assert_eq!(
        features(&fitted, vec![number("a", &[2.0, 4.0, 6.0, 8.0])]),
        [-1.0, 0.0, 1.0, 2.0]
    );
}

#[test]
fn standard_maps_mean_and_deviation_to_zero_and_one() {
    let fitted = fit_standard(vec![number("a", &[1.0, 3.0])]);
    assert_eq!(
        features(&fitted, vec![number("a", &[2.0, 3.0, 0.0])]),
        [0.0, 1.0, -2.0]
    );
}

#[test]
fn a_constant_column_counts_departures_in_units_of_its_value_or_one() {
    for fit in [fit, fit_standard] {
        let fitted = fit(vec![number("a", &[50.0, 50.0]), number("b", &[0.0, 0.0])]);
        let scored = vec![number("a", &[50.0, 100.0]), number("b", &[0.0, -3.0])];
        assert_eq!(features(&fitted, scored), [0.0, 0.0, 1.0, -3.0]);
        assert_eq!(
            fitted.notes(),
            ["no column varies in training: there is nothing to learn but these values"]
        );
    }
}

#[test]
fn categories_are_one_hot_with_other_last() {
    let fitted = fit(vec![category("k", &["b", "a", "b"])]);
    let table = fitted.as_table().unwrap();
    assert_eq!(table.feature_names(), ["k=a", "k=b", "k=(other)"]);
    let scored = fitted
        .transform(&samples(vec![category("k", &["a", "b", "c", ""])]))
        .unwrap();
    #[rustfmt::skip]
    assert_eq!(scored.features.values(), [
        1.0, -1.0, -1.0,
        -1.0, 1.0, -1.0,
        -1.0, -1.0, 1.0,
        -1.0, -1.0, 1.0,
    ]);
    assert_eq!(
        scored.notes,
        [
            "column `k`: 2 rows of a category that training did not know or keep, counted as \
             \"other\" (`c`, `(missing)`)"
        ]
    );
    let standard = fit_standard(vec![category("k", &["b", "a"])]);
    assert_eq!(
        features(&standard, vec![category("k", &["b"])]),
        [0.0, 1.0, 0.0]
    );
}

#[test]
fn missing_cells_get_the_median_and_a_feature_of_their_own() {
    let fitted = fit(vec![
        number("n", &[0.0, NAN, 10.0, 4.0, 2.0]),
        category("k", &["x", "", "x", "x", "x"]),
    ]);
    let table = fitted.as_table().unwrap();
    assert_eq!(
        table.feature_names(),
        ["n", "n=(missing)", "k=x", "k=(missing)", "k=(other)"]
    );
    // Median 3 of a range 0 to 10.
    assert_eq!(
        features(
            &fitted,
            vec![number("n", &[NAN, 10.0]), category("k", &["", "x"])]
        ),
        [-0.4, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0, -1.0]
    );
    assert_eq!(
        fitted.notes(),
        ["column `n`: 1 of 5 values missing, replaced by the median 3"]
    );
}

#[test]
fn a_column_without_any_training_value_still_tells_when_one_appears() {
    let fitted = fit(vec![number("n", &[NAN, NAN]), number("m", &[1.0, 2.0])]);
    let scored = vec![number("n", &[NAN, 7.0]), number("m", &[1.0, 2.0])];
    assert_eq!(features(&fitted, scored), [0.0, 1.0, -1.0, 7.0, -1.0, 1.0]);
}

#[test]
fn rare_levels_go_to_other() {
    let config = PreprocessingConfig {
        max_levels: 2,
        ..Default::default()
    };
    let training = samples(vec![category("k", &["c", "a", "a", "b", "b", "b"])]);
    let fitted = Preprocessing::fit(&training, &config).unwrap();
    assert_eq!(
        fitted.as_table().unwrap().feature_names(),
        ["k=a", "k=b", "k=(other)"]
    );
    assert_eq!(
        fitted.notes(),
        [
            "column `k`: the 2 most frequent categories have features of their own, 1 rarer ones \
             count as \"other\""
        ]
    );
    let config = PreprocessingConfig {
        min_level_rows: 3,
        ..Default::default()
    };
    let fitted = Preprocessing::fit(&training, &config).unwrap();
    assert_eq!(
        fitted.as_table().unwrap().feature_names(),
        ["k=b", "k=(other)"]
    );
}

#[test]
fn levels_do_not_depend_on_the_order_of_rows() {
    let there = fit(vec![category("k", &["x", "y", "z"])]);
    let back = fit(vec![category("k", &["z", "y", "x"])]);
    assert_eq!(there, back);
}

#[test]
fn columns_are_found_by_name_and_others_ignored() {
    let fitted = fit(vec![number("a", &[0.0, 1.0]), number("b", &[0.0, 2.0])]);
    let other_order = samples(vec![
        number("b", &[2.0]),
        category("extra", &["x"]),
        number("a", &[0.0]),
    ]);
    let bound = fitted.bind(&other_order).unwrap();
    assert_eq!(bound.features(0..1).unwrap().values(), [-1.0, 1.0]);
    assert_eq!(bound.ignored_columns(), ["extra"]);
}

#[test]
fn a_missing_or_renamed_column_is_named_with_what_is_near() {
    let columns = || {
        vec![
            number("src_bytes", &[0.0, 1.0]),
            number("dst_bytes", &[0.0, 1.0]),
        ]
    };
    let fitted = fit(columns());
    let (message, hint) = refused(
        &fitted,
        vec![number("src bytes", &[0.0]), number("dst_bytes", &[0.0])],
    );
    assert_eq!(
        message,
        "`t.csv`: no column `src_bytes`; expected the 2 columns of training, in any order"
    );
    assert_eq!(hint.as_deref(), Some("did you mean `src bytes`?"));
    let (message, hint) = refused(&fitted, vec![number("1", &[0.0]), number("2", &[0.0])]);
    assert_eq!(
        message,
        "`t.csv`: no columns `src_bytes`, `dst_bytes`; expected the 2 columns of training, in any \
         order"
    );
    assert_eq!(
        hint.as_deref(),
        Some("columns are found by name, and this file has no header to name them")
    );
}

#[test]
fn a_column_of_another_kind_is_refused() {
    let fitted = fit(vec![number("a", &[0.0, 1.0]), category("k", &["x", "y"])]);
    let (message, _) = refused(
        &fitted,
        vec![category("a", &["", "x"]), category("k", &["", ""])],
    );
    assert_eq!(
        message,
        "`t.csv`, row 2, column `a`: a category (`x`); expected a number, as in training"
    );
    let (message, _) = refused(&fitted, vec![number("a", &[0.5]), number("k", &[7.0])]);
    assert_eq!(
        message,
        "`t.csv`, row 1, column `k`: a number (`7`); expected a category, as in training"
    );
}

#[test]
fn a_number_may_only_be_missing_where_training_had_one_missing() {
    let fitted = fit(vec![number("a", &[0.0, 1.0])]);
    let (message, hint) = refused(&fitted, vec![number("a", &[0.5, NAN])]);
    assert_eq!(
        message,
        "`t.csv`, row 2, column `a`: a missing value; expected a number, because training had none \
         missing in this column"
    );
    assert_eq!(
        hint.as_deref(),
        Some("fill the cell, or train on rows some of which lack this value")
    );
}

#[test]
fn samples_of_another_kind_are_refused() {
    let table = samples(vec![number("a", &[0.0, 1.0])]);
    let image = |size: usize| {
        let pixels = vec![0.0; size * size];
        Samples::Images(Images::new("folder", [size, size, 1], pixels, vec!["i".into()]).unwrap())
    };
    let of_table = Preprocessing::fit(&table, &PreprocessingConfig::default()).unwrap();
    let of_images = Preprocessing::fit(&image(4), &PreprocessingConfig::default()).unwrap();
    assert_eq!(
        of_images.input(),
        InputSpec::Image(ImageShape {
            height: 4,
            width: 4,
            channels: 1
        })
    );
    assert_eq!(
        of_images.shape(),
        FeatureShape::Image(ImageShape {
            height: 4,
            width: 4,
            channels: 1
        })
    );
    assert_eq!(
        of_images.transform(&image(4)).unwrap().features.values(),
        [0.0; 16]
    );
    for (fitted, samples, expected) in [
        (
            &of_table,
            image(4),
            "`folder`: images; expected a table of 1 column",
        ),
        (
            &of_images,
            table,
            "`t.csv`: a table; expected images of 4 × 4 pixels, grey (1 channel)",
        ),
        (
            &of_images,
            image(5),
            "`folder`: images of 5 × 5 pixels, grey (1 channel); \
             expected images of 4 × 4 pixels, grey (1 channel)",
        ),
    ] {
        assert_eq!(
            fitted.transform(&samples).unwrap_err().to_string(),
            expected
        );
    }
}

#[test]
fn nothing_to_fit_is_refused() {
    let error = |samples: &Samples, config: &PreprocessingConfig| {
        Preprocessing::fit(samples, config).unwrap_err().to_string()
    };
    let config = PreprocessingConfig::default();
    assert_eq!(
        error(&samples(vec![number("a", &[])]), &config),
        "training rows in `t.csv`: none; expected at least 1"
    );
    let config = PreprocessingConfig {
        max_levels: 0,
        ..config
    };
    assert_eq!(
        error(&samples(vec![number("a", &[1.0])]), &config),
        "`max-levels` is 0; expected at least 1"
    );
}

#[test]
fn columns_that_look_like_ids_are_noted() {
    let id = |name: &str| {
        format!(
            "column `{name}` has another value in every row and looks like an id; leave it out with \
             `drop-columns = {name}`, or show it with `id-column = {name}`"
        )
    };
    let fitted = fit(vec![
        number("row", &[1.0, 2.0, 4.0, 5.0]),
        number("value", &[0.1, 0.2, 0.3, 0.4]),
        number("size", &[4.0, 1.0, 3.0, 2.0]),
        category("name", &["w", "x", "y", "z"]),
    ]);
    assert_eq!(fitted.notes(), [id("row"), id("name")]);
}

#[test]
fn constant_columns_are_noted() {
    let fitted = fit(vec![
        number("a", &[1.0, 2.0]),
        number("b", &[1.0, 1.0]),
        category("k", &["x", "x"]),
    ]);
    assert_eq!(
        fitted.notes(),
        ["2 columns with one value only in training: `b`, `k`"]
    );
}

#[test]
fn contributions_fold_to_columns() {
    let fitted = fit(vec![
        number("n", &[0.0, NAN]),
        number("m", &[0.0, 1.0]),
        category("k", &["x", "y"]),
    ]);
    let table = fitted.as_table().unwrap();
    assert_eq!(table.feature_columns(), [0, 0, 1, 2, 2, 2]);
    assert_eq!(table.width(), 6);
    let contributions = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.5];
    assert_eq!(table.fold(&contributions), [3.0, 4.0, 56.0, 0.0, 1.0, 0.5]);
}

#[test]
fn input_lists_the_columns_in_training_order() {
    let fitted = fit(vec![category("k", &["x"]), number("n", &[0.0])]);
    let InputSpec::Table { columns } = fitted.input() else {
        panic!("a table")
    };
    let columns: Vec<_> = columns.iter().map(|c| (c.name.as_str(), c.kind)).collect();
    assert_eq!(
        columns,
        [("k", ColumnKind::Category), ("n", ColumnKind::Number)]
    );
}

#[test]
fn ranges_give_the_same_features_as_the_whole() {
    let rows = 1000;
    let values: Vec<f64> = (0..rows).map(|i| f64::from(i * i % 97)).collect();
    let texts: Vec<String> = (0..rows).map(|i| format!("level {}", i % 7)).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let all = samples(vec![number("n", &values), category("k", &texts)]);
    let fitted = Preprocessing::fit(&all, &PreprocessingConfig::default()).unwrap();
    let whole = fitted.transform(&all).unwrap().features;
    let bound = fitted.bind(&all).unwrap();
    for batch in [1, 255, 256, 257, 999] {
        let mut parts = Vec::new();
        for start in (0..bound.len()).step_by(batch) {
            let end = (start + batch).min(bound.len());
            parts.extend_from_slice(bound.features(start..end).unwrap().values());
        }
        assert_eq!(parts, whole.values(), "batches of {batch}");
    }
    let some = [7, 999, 0, 7];
    assert_eq!(bound.gather(&some).unwrap(), whole.gather(&some));
}

#[test]
fn saving_and_loading_changes_nothing() {
    let fitted = fit(vec![
        number("n", &[0.1, NAN, 1.0 / 3.0, 1e300]),
        category("k", &["x", "", "y", "x"]),
    ]);
    let text = serde_json::to_string(&fitted).unwrap();
    assert_eq!(
        serde_json::from_str::<Preprocessing>(&text).unwrap(),
        fitted
    );
    let image =
        Samples::Images(Images::new("f", [1, 2, 3], vec![0.0; 6], vec!["i".into()]).unwrap());
    let fitted = Preprocessing::fit(&image, &PreprocessingConfig::default()).unwrap();
    let text = serde_json::to_string(&fitted).unwrap();
    assert_eq!(
        serde_json::from_str::<Preprocessing>(&text).unwrap(),
        fitted
    );
}

#[test]
fn a_damaged_model_is_not_loaded() {
    let fitted = fit(vec![number("n", &[0.0, 2.0]), category("k", &["x", "y"])]);
    let text = serde_json::to_string(&fitted).unwrap();
    for (from, to, expected) in [
        (
            "\"scale\":1.0",
            "\"scale\":0.0",
            "the preprocessing of column `n` is damaged",
        ),
        (
            "\"scale\":1.0",
            "\"scale\":-1.0",
            "the preprocessing of column `n` is damaged",
        ),
        (
            "\"x\",\"y\"",
            "\"y\",\"x\"",
            "the preprocessing of column `k` is damaged",
        ),
        (
            "\"name\":\"k\"",
            "\"name\":\"n\"",
            "the preprocessing has no columns, or two of one name",
        ),
        (
            "\"scale\":1.0",
            "\"scale\":null",
            "invalid type: null, expected f64",
        ),
        ("\"scale\":1.0,", "", "missing field `scale`"),
    ] {
        assert!(text.contains(from), "{from} in {text}");
        let damaged = text.replace(from, to);
        let error = serde_json::from_str::<Preprocessing>(&damaged)
            .unwrap_err()
            .to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Extremes included: all finite inputs give finite features within the limit, training values
    /// themselves within [-1, 1] under min-max.
    #[test]
    fn finite_numbers_give_finite_features(
        training in prop::collection::vec(any_finite(), 1..20),
        scored in prop::collection::vec(any_finite(), 1..20),
        standard: bool,
    ) {
        let columns = |values: &[f64]| vec![number("n", values)];
        let fitted = if standard { fit_standard(columns(&training)) } else { fit(columns(&training)) };
        for value in features(&fitted, columns(&scored)) {
            prop_assert!(value.is_finite() && f64::from(value.abs()) <= LIMIT);
        }
        if !standard {
            for value in features(&fitted, columns(&training)) {
                prop_assert!(value.abs() <= 1.0 + 1e-6, "{}", value);
            }
        }
        let (_, FittedColumn::Number(column)) = &fitted.as_table().unwrap().columns()[0] else {
            panic!("a number")
        };
        prop_assert!(column.scale > 0.0 && column.scale.is_finite());
    }
}

fn any_finite() -> impl Strategy<Value = f64> {
    use prop::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    prop_oneof![
        3 => POSITIVE | NEGATIVE | NORMAL | SUBNORMAL | ZERO,
        2 => -100.0..100.0,
        1 => prop::sample::select(vec![0.0, 1.0, f64::MAX, f64::MIN, f64::MIN_POSITIVE, 5e-324]),
    ]
}

/// One column of these numbers, fitted to them.
fn fitted_numbers(values: &[f64]) -> (Preprocessing, Samples) {
    let samples = Samples::Table(Table::from_rows("t", &["v"], values).unwrap());
    let fitted = Preprocessing::fit(&samples, &PreprocessingConfig::default()).unwrap();
    (fitted, samples)
}

fn features_of(fitted: &Preprocessing, values: &[f64]) -> Vec<f32> {
    let samples = Samples::Table(Table::from_rows("t", &["v"], values).unwrap());
    fitted
        .transform(&samples)
        .unwrap()
        .features
        .values()
        .to_vec()
}

#[test]
fn a_huge_value_does_not_hide_the_others() {
    let mut values: Vec<f64> = (0..300).map(|i| f64::from(i) / 25.0).collect();
    for huge in [5e9, 1e300, -1e6] {
        values[299] = huge;
        let (fitted, _) = fitted_numbers(&values);
        let found = features_of(&fitted, &values);
        let mut distinct = found.clone();
        distinct.sort_unstable_by(f32::total_cmp);
        distinct.dedup();
        assert_eq!(distinct.len(), 300, "{huge}");
        assert!(found.iter().all(|v| v.abs() <= 1.0), "{huge}");
        assert!(found[..299].is_sorted(), "{huge}");
        let note = fitted.notes()[0].to_string();
        assert!(
            note.starts_with("column `v` has heavy tails (")
                && note.contains("all 300 distinct values"),
            "{note}"
        );
        let text = serde_json::to_string(&fitted).unwrap();
        assert_eq!(
            serde_json::from_str::<Preprocessing>(&text).unwrap(),
            fitted
        );
    }
}

#[test]
fn tails_are_bent_by_a_stated_rule_and_not_where_it_is_switched_off() {
    let bend = |values: &[f64], config: &PreprocessingConfig| {
        let samples = Samples::Table(Table::from_rows("t", &["v"], values).unwrap());
        let fitted = Preprocessing::fit(&samples, config).unwrap();
        match &fitted.as_table().unwrap().columns()[0].1 {
            FittedColumn::Number(number) => number.bend,
            FittedColumn::Category(_) => panic!("a number"),
        }
    };
    let usual = PreprocessingConfig::default();
    let wave: Vec<f64> = (0..100).map(|i| f64::from(i).sin() * 3.0).collect();
    assert_eq!(bend(&wave, &usual), None);
    // 98 % of the values in 3, the range 1,000 times that and a little less.
    for (largest, bends) in [(5000.0, false), (7000.0, true)] {
        let mut values = wave.clone();
        values[7] = largest;
        assert_eq!(bend(&values, &usual).is_some(), bends, "{largest}");
    }
    let mut values = wave;
    values[7] = 1e9;
    let config = PreprocessingConfig {
        tails: Tails::Keep,
        ..usual.clone()
    };
    assert_eq!(bend(&values, &config), None);
    // Most values are one, and the others would be one feature.
    let mut counts = vec![0.0; 500];
    counts[..6].copy_from_slice(&[1.0, 2.0, 3.0, 5.0, 8.0, 1e12]);
    assert!(bend(&counts, &usual).is_some());
}

#[test]
fn a_range_of_last_bits_is_none() {
    let third: f64 = 0.1 + 0.2;
    let float = |v: f32| f64::from(v);
    for values in [
        vec![0.3, third, 0.3],
        vec![1e15 / 3.0, (1e15f64 / 3.0).next_up(), 1e15 / 3.0],
        vec![float(0.3), float(0.3f32.next_up()), float(0.3)],
    ] {
        let (fitted, _) = fitted_numbers(&values);
        assert_eq!(
            fitted.notes()[0].to_string(),
            "no column varies in training: there is nothing to learn but these values"
        );
        let near = features_of(&fitted, &[values[0] * 1.000_000_4])[0];
        assert!(near.abs() < 1e-5, "{near}");
    }
    // These are differences.
    for values in [
        vec![0.3, 0.300_000_1, 0.3],
        vec![16_777_214.0, 16_777_216.0, 16_777_215.0],
    ] {
        let (fitted, _) = fitted_numbers(&values);
        assert_eq!(features_of(&fitted, &values)[..2], [-1.0, 1.0]);
    }
}

#[test]
fn a_number_is_one_category_however_it_is_written() {
    let category = |levels: &[&str], codes: &[u32]| {
        let values = Values::Category {
            levels: levels.iter().map(|&l| l.to_owned()).collect(),
            codes: codes.to_vec(),
        };
        let name = "c".into();
        Samples::Table(Table::new("t", vec![Column { name, values }]).unwrap())
    };
    let samples = category(&["6", "17", "6.0", "007", "x"], &[0, 0, 1, 2, 3, 4]);
    let fitted = Preprocessing::fit(&samples, &PreprocessingConfig::default()).unwrap();
    let names = fitted.as_table().unwrap().feature_names();
    assert_eq!(names, ["c=007", "c=17", "c=6", "c=x", "c=(other)"]);
    let later = category(&["6.0", "17.00", "6e0", "7", "X"], &[0, 1, 2, 3, 4]);
    let transformed = fitted.transform(&later).unwrap();
    let yes = |row: &[f32]| row.iter().position(|&v| v == 1.0).unwrap();
    let rows = transformed.features.values().chunks(5);
    assert_eq!(rows.map(yes).collect::<Vec<_>>(), [2, 1, 2, 4, 4]);
    assert_eq!(transformed.notes.len(), 1);
    assert!(
        transformed.notes[0].contains("2 rows of a category"),
        "{:?}",
        transformed.notes
    );
}

#[test]
fn values_far_from_those_of_training_are_noted_by_column() {
    let samples =
        |values: &[f64]| Samples::Table(Table::from_rows("t", &["a", "same"], values).unwrap());
    let trained = samples(&[0.0, 5.0, 10.0, 5.0, 4.0, 5.0]);
    let fitted = Preprocessing::fit(&trained, &PreprocessingConfig::default()).unwrap();
    let later = samples(&[-99.0, 5.0, 111.0, 5.001, 5.0, 6.0]);
    assert_eq!(
        fitted.transform(&later).unwrap().notes,
        [
            "column `a`: 1 of 3 values far from the training range 0 to 10 (`111`)",
            "column `same`: 1 of 3 values far from the only training value 5 (`6`)"
        ]
    );
}

#[test]
fn bounded_scaling_is_standard_unless_a_value_would_lie_far_out() {
    let config = PreprocessingConfig {
        scaling: Scaling::Bounded,
        tails: Tails::Keep,
        ..Default::default()
    };
    // 0 to 9, whose farthest lies at 1.57 deviations; and one 1 among 100 values, at 9.95.
    let even: Vec<f64> = (0..100).map(|i| f64::from(i % 10)).collect();
    let rare: Vec<f64> = (0..100).map(|i| if i == 7 { 1.0 } else { 0.0 }).collect();
    let columns = || vec![number("even", &even), number("rare", &rare)];
    let fitted = Preprocessing::fit(&samples(columns()), &config).unwrap();
    let standard = features(&fit_standard(columns()), columns());
    let bounded = features(&fitted, columns());
    for (row, (bounded, standard)) in bounded.chunks(2).zip(standard.chunks(2)).enumerate() {
        assert_eq!(bounded[0], standard[0], "row {row}");
        let expected = if row == 7 { 5.0 } else { -5.0 / 99.0 };
        assert!(
            (bounded[1] - expected).abs() < 1e-6,
            "row {row}: {bounded:?}"
        );
    }
    // Beside more features of categories, numbers share their range.
    let level = |i: usize| ["a", "b", "c", "d"][i % 4];
    let with = || {
        let levels: Vec<&str> = (0..100).map(level).collect();
        [columns(), vec![category("kind", &levels)]].concat()
    };
    let fitted = Preprocessing::fit(&samples(with()), &config).unwrap();
    let all = features(&fitted, with());
    assert!(all.iter().all(|v| v.abs() <= 1.0) && all.contains(&-1.0));
}
