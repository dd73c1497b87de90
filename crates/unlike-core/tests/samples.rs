//! Tables, images, labels and arrays: what cannot be built, and what selecting keeps.

use std::sync::Arc;

use proptest::prelude::*;
use unlike_core::{
    Arrays, Column, ColumnKind, Error, Frame, ImageSource, Images, Label, LabelledSamples, MISSING,
    Result, Samples, ScoreParts, ScoreRule, Table, Values,
};

fn table(rows: usize) -> Table {
    let levels = ["a".to_owned(), "b".to_owned()].into();
    let codes = (0..rows as u32)
        .map(|i| if i % 3 == 2 { MISSING } else { i % 3 })
        .collect();
    let number = (0..rows)
        .map(|i| if i == 1 { f64::NAN } else { i as f64 / 2.0 })
        .collect();
    let columns = vec![
        Column {
            name: "x".into(),
            values: Values::Number(number),
        },
        Column {
            name: "c".into(),
            values: Values::Category { levels, codes },
        },
    ];
    Table::new("t.csv", columns).unwrap()
}

fn images(n: usize) -> Images {
    let pixels = (0..n * 2 * 3).map(|i| (i % 19) as f32 / 19.0).collect();
    let ids = (0..n).map(|i| format!("{i}.png")).collect();
    Images::new("images", [2, 3, 1], pixels, ids).unwrap()
}

proptest! {
    #[test]
    fn selecting_twice_is_selecting_once(
        first in prop::collection::vec(0usize..9, 1..12),
        second in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let second: Vec<usize> = second.iter().map(|i| i.index(first.len())).collect();
        let both: Vec<usize> = second.iter().map(|&i| first[i]).collect();
        let ids = (0..9).map(|i| format!("id{i}")).collect();
        for samples in [
            Samples::Table(table(9).with_ids(ids)),
            Samples::Table(table(9).with_row_numbers((0..9).map(|i| 100 - i).collect())),
            Samples::Images(images(9)),
        ] {
            let twice = samples.select(&first).select(&second);
            // Debug text, because NaN is not equal to itself.
            prop_assert_eq!(format!("{twice:?}"), format!("{:?}", samples.select(&both)));
            prop_assert_eq!(twice.len(), both.len());
            for (at, &from) in both.iter().enumerate() {
                prop_assert_eq!(twice.id(at), samples.id(from));
                if let (Samples::Images(twice), Samples::Images(all)) = (&twice, &samples) {
                    prop_assert_eq!(twice.image(at).unwrap(), all.image(from).unwrap());
                }
            }
        }
    }

    #[test]
    fn rows_become_columns(width in 1usize..5, rows in 0usize..6) {
        let names: Vec<String> = (0..width).map(|j| format!("c{j}")).collect();
        let values: Vec<f64> = (0..width * rows).map(|i| i as f64).collect();
        let table = Table::from_rows("t", &names, &values).unwrap();
        prop_assert_eq!(table.rows(), rows);
        for (j, name) in names.iter().enumerate() {
            let Values::Number(column) = &table.column(name).unwrap().values else { panic!() };
            for (i, &value) in column.iter().enumerate() {
                prop_assert_eq!(value, values[i * width + j]);
            }
        }
    }
}

#[test]
fn cells_read_as_a_person_would_write_them() {
    let table = table(3);
    let text = |name: &str, row| table.column(name).unwrap().values.text(row);
    assert_eq!([text("x", 0), text("x", 1), text("x", 2)], ["0", "", "1"]);
    assert_eq!([text("c", 0), text("c", 1), text("c", 2)], ["a", "b", ""]);
    assert_eq!(
        table.column("c").unwrap().values.kind(),
        ColumnKind::Category
    );
    assert_eq!(
        (table.id(0), table.row_number(2), table.origin()),
        ("1".into(), 3, "t.csv")
    );
    assert_eq!(table.clone().without(&["x", "unknown"]).columns().len(), 1);
}

#[test]
fn tables_that_are_not_are_refused_with_the_place() {
    let number = |name: &str, values: &[f64]| Column {
        name: name.into(),
        values: Values::Number(values.to_vec()),
    };
    let coded = Column {
        name: "c".into(),
        values: Values::Category {
            levels: ["a".to_owned()].into(),
            codes: vec![0, 1],
        },
    };
    for (columns, words) in [
        (
            vec![number("a", &[1.0]), number("b", &[])],
            ["column `b` has 0 rows", "1, as in"],
        ),
        (
            vec![number("a", &[1.0]), number("a", &[1.0])],
            ["two columns named `a`", "t.csv"],
        ),
        (
            vec![number("a", &[0.0, f64::INFINITY])],
            ["inf in row 2, column `a`", "finite"],
        ),
        (vec![coded], ["code 1 in row 2, column `c`", "below 1"]),
    ] {
        let error = Table::new("t.csv", columns).unwrap_err().to_string();
        assert!(words.iter().all(|w| error.contains(w)), "{error}");
    }
    assert!(Table::from_rows("t", &["a", "b"], &[1.0; 3]).is_err());
    assert!(Table::from_rows("t", &[] as &[&str], &[]).is_err());
}

#[test]
fn images_that_are_not_are_refused_with_the_place() {
    let ids = |n: usize| (0..n).map(|i| format!("{i}.png")).collect::<Vec<_>>();
    for (shape, pixels, n) in [
        ([2, 2, 1], 7, 2),
        ([2, 2, 1], 0, 1),
        ([0, 2, 1], 0, 0),
        ([usize::MAX, 2, 1], 0, 0),
        ([usize::MAX / 2, 2, 1], 4, 3),
    ] {
        assert!(
            Images::new("i", shape, vec![0.0; pixels], ids(n)).is_err(),
            "{shape:?}"
        );
    }
    for value in [1.001, -1.001, f32::NAN, f32::INFINITY] {
        let pixels = vec![0.0, 0.0, 0.0, value];
        let error = Images::new("i", [1, 2, 1], pixels, ids(2))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("image `1.png`") && error.contains("[-1, 1]"),
            "{error}"
        );
    }
    let none = Images::new("i", [1, 2, 1], vec![], vec![]).unwrap();
    assert!(none.is_empty());
}

/// Images of one value each; the last cannot be read.
#[derive(Debug)]
struct Fading;

impl ImageSource for Fading {
    fn write(&self, image: usize, out: &mut [f32]) -> Result<()> {
        if image == 2 {
            return Err(Error::Interrupted);
        }
        out.fill(image as f32 / 2.0);
        Ok(())
    }
}

#[test]
fn images_are_the_same_wherever_their_pixels_are() {
    let ids = || vec!["a".to_owned(), "b".to_owned()];
    let bytes = Images::from_bytes("i", [1, 3, 1], vec![0, 255, 51, 0, 0, 0], ids()).unwrap();
    assert_eq!(bytes.image(0).unwrap(), [-1.0, 1.0, 51.0 / 127.5 - 1.0]);
    let floats = Images::new("i", [1, 3, 1], bytes.pixels().unwrap(), ids()).unwrap();
    assert_eq!(floats, bytes);
    assert_ne!(floats.select(&[0]), bytes.select(&[1]));
    assert!(Images::from_bytes("i", [1, 3, 1], vec![0; 5], ids()).is_err());
}

#[test]
fn an_image_that_cannot_be_read_is_an_error_and_equal_to_none() {
    let ids = ["a", "b", "c"].map(str::to_owned).to_vec();
    let images = Images::from_source("i", [1, 1, 2], Arc::new(Fading), ids).unwrap();
    let some = images.select(&[1, 0]);
    assert_eq!(some.pixels().unwrap(), [0.5, 0.5, 0.0, 0.0]);
    assert_eq!(some, some.clone());
    assert!(images.pixels().is_err() && images.image(2).is_err());
    assert_ne!(images, images.clone());
    assert!(Images::from_source("i", [0, 1, 1], Arc::new(Fading), vec![]).is_err());
}

#[test]
fn places_are_found_again_in_the_original_where_models_see_it() {
    // 80 × 40 pixels, of which the middle 40 × 40 are seen as 10 × 10, two from the left.
    let frame = Frame {
        original: [80, 40],
        seen: [20.0, 0.0, 40.0, 40.0],
        placed: [2, 0, 10, 10],
    };
    assert_eq!(frame.to_original([2.0, 0.0]), [20.0, 0.0]);
    assert_eq!(frame.to_original([12.0, 10.0]), [60.0, 40.0]);
    assert_eq!(frame.to_original([0.0, 5.0]), [12.0, 20.0]);
    assert_eq!(frame.to_model([40.0, 10.0]), Some([7.0, 2.5]));
    assert_eq!(frame.to_model([60.0, 40.0]), Some([12.0, 10.0]));
    assert_eq!(frame.to_model([19.9, 10.0]), None);
    assert_eq!(frame.to_model([60.1, 10.0]), None);
    // Arrays have no other image than the one that is seen.
    let images = Images::new("i", [1, 3, 1], vec![0.0; 6], vec!["a".into(), "b".into()]).unwrap();
    assert_eq!(images.frame(1), Frame::whole(3, 1));
    assert_eq!(images.original(1).unwrap(), None);
}

#[test]
fn only_normals_leave_a_labelled_set_for_training() {
    use Label::{Anomalous, Normal};
    let labels = vec![Normal, Anomalous, Normal, Anomalous];
    let set = LabelledSamples::new(Samples::Images(images(4)), labels).unwrap();
    let normals = set.normals();
    assert_eq!([normals.id(0), normals.id(1)], ["0.png", "2.png"]);
    assert_eq!((normals.len(), set.count(Anomalous)), (2, 2));
    let part = set.select(&[3, 0]);
    assert_eq!(
        (part.labels(), part.positions(Normal)),
        (&[Anomalous, Normal][..], vec![1])
    );
    let error = LabelledSamples::new(Samples::Images(images(2)), vec![Normal]).unwrap_err();
    assert!(
        error.to_string().contains("1 labels; expected 2"),
        "{error}"
    );
}

#[test]
fn arrays_come_back_in_the_shape_that_was_asked_for() {
    let mut arrays = Arrays::new();
    arrays.insert("weight", &[2, 3], vec![1.0; 6]);
    arrays.insert("bias", &[], vec![2.0]);
    assert_eq!(
        arrays.iter().map(|(name, _)| name).collect::<Vec<_>>(),
        ["bias", "weight"]
    );
    assert_eq!(arrays.get("weight", &[2, 3]).unwrap(), [1.0; 6]);
    let error = arrays.get("weight", &[3, 2]).unwrap_err().to_string();
    assert!(
        error.contains("`weight`") && error.contains("[2, 3]"),
        "{error}"
    );
    assert!(
        arrays
            .any_shape("scale")
            .unwrap_err()
            .to_string()
            .contains("`scale`")
    );
}

#[test]
fn a_score_that_overflows_is_an_error_that_counts_the_sample() {
    let parts = ScoreParts::new(vec![("residual".into(), vec![1.0, f32::MAX])]);
    let error = ScoreRule::weighted(&[("residual", 1e300)])
        .apply(&parts)
        .unwrap_err();
    assert!(error.to_string().contains("sample 2 of 2"), "{error}");
    let none = ScoreParts::new(vec![("residual".into(), vec![])]);
    assert!(ScoreRule::fit_combined(&none, &["residual"]).is_err());
    assert!(ScoreRule::fit_combined(&parts, &["latent"]).is_err());
}
