//! Law 6: bad input is an error that names its place, and harmless differences are none.

use super::{Same, Suite, caught, first_difference};
use crate::{
    detector::{ColumnSpec, InputSpec},
    error::{Error, Result},
    images::ImageShape,
    samples::{Column, ColumnKind, Images, MISSING, Samples, Table, Values},
};

/// A row number that occurs in no message by chance.
const ROW: u32 = 48_611;

pub(super) fn check(suite: &mut Suite<'_>, scores: &[f64]) {
    empty(suite);
    match (suite.detector.input(), suite.samples) {
        (InputSpec::Table { columns }, Samples::Table(table)) => {
            harmless_columns(suite, table, scores);
            wrong_columns(suite, table, &columns);
            strange_cells(suite, table, &columns);
            if let Ok(images) = blank([2, 2, 1], 0.0) {
                refused(
                    suite,
                    "images are refused by a detector for tables",
                    &images,
                    &[],
                );
            }
        }
        (InputSpec::Image(shape), Samples::Images(_)) => {
            wrong_sizes(suite, shape);
            for value in [-1.0, 1.0] {
                if let Ok(images) = blank(shape, value) {
                    finite_or_refused(suite, &images, &format!("an image of only {value}"));
                }
            }
            if let Ok(table) = Table::from_rows("a table", &["a"], &[1.0]) {
                let table = Samples::Table(table);
                refused(
                    suite,
                    "tables are refused by a detector for images",
                    &table,
                    &[],
                );
            }
        }
        (spec, _) => {
            let what = "samples of another kind than the input are refused";
            suite.violate(6, what, format!("scores, although the input is {spec:?}"));
        }
    }
}

fn empty(suite: &mut Suite<'_>) {
    let (detector, none) = (suite.detector, suite.samples.select(&[]));
    let what = "no samples give no scores";
    suite.scores(6, what, &none);
    if let Some(parts) = suite.call(6, what, || detector.score_parts(&none)) {
        suite.expect(parts.is_empty(), 6, what, || {
            format!("parts of {} samples", parts.len())
        });
    }
    if let Some(explanations) = suite.call(6, what, || detector.explain(&none)) {
        let values = super::values_of(&explanations);
        suite.expect(values.is_empty(), 6, what, || {
            format!("{} values", values.len())
        });
    }
}

/// Columns are found by name: their order does not matter, nor do columns that nobody asked for.
fn harmless_columns(suite: &mut Suite<'_>, table: &Table, scores: &[f64]) {
    let mut reversed = table.columns().to_vec();
    reversed.reverse();
    let mut extra = table.columns().to_vec();
    let rows = table.rows();
    let values = Values::Number((0..rows).map(|i| i as f64).collect());
    extra.insert(
        0,
        Column {
            name: unused_name(table).into(),
            values,
        },
    );
    let cases = [
        ("the order of the columns changes no score", reversed),
        (
            "a column that training did not have changes no score",
            extra,
        ),
    ];
    for (what, columns) in cases {
        let changed = suite.call(6, what, || Table::new("changed columns", columns));
        let Some(changed) = changed.map(Samples::Table) else {
            continue;
        };
        if let Some(again) = suite.scores(6, what, &changed)
            && let Some(found) = first_difference(scores, &again, Same::Bits, suite.samples)
        {
            suite.violate(6, what, found);
        }
    }
}

fn wrong_columns(suite: &mut Suite<'_>, table: &Table, columns: &[ColumnSpec]) {
    let row = table.select(&[0]);
    for ColumnSpec { name, .. } in columns {
        let what = "a missing column is refused by name";
        refused(
            suite,
            what,
            &Samples::Table(row.clone().without(&[name])),
            &[name],
        );
    }
    for spec in columns {
        let what = "a renamed column is refused by its name in training";
        let other = unused_name(table);
        let renamed = with_column(&row, &spec.name, |column| Column {
            name: other.as_str().into(),
            values: column.values.clone(),
        });
        refused_table(suite, what, renamed, &[&spec.name]);

        let what = "a column of another kind is refused by name";
        let values = match spec.kind {
            ColumnKind::Number => Values::Category {
                levels: ["text".to_owned()].into(),
                codes: vec![0],
            },
            ColumnKind::Category => Values::Number(vec![0.0]),
        };
        let changed = with_values(&row, &spec.name, values);
        refused_table(suite, what, changed, &[&spec.name]);
    }
}

fn strange_cells(suite: &mut Suite<'_>, table: &Table, columns: &[ColumnSpec]) {
    let row = table.select(&[0]);
    for ColumnSpec { name, .. } in columns {
        match table.column(name).map(|c| &c.values) {
            Some(Values::Number(values)) => {
                if !values.iter().any(|v| v.is_nan()) {
                    let what = "NaN in a column that had none is refused by row and column";
                    let changed = with_values(&row, name, Values::Number(vec![f64::NAN]));
                    refused_table(suite, what, changed, &[name, &ROW.to_string()]);
                }
                for value in [f64::MAX, f64::MIN] {
                    let changed = with_values(&row, name, Values::Number(vec![value]));
                    let found = format!("{value:e} in column `{name}`");
                    finite_or_refused_table(suite, changed, &found);
                }
            }
            Some(Values::Category { .. }) => {
                let unseen: std::sync::Arc<[String]> = ["a level never seen".to_owned()].into();
                for (code, cell) in [(0, "an unseen level"), (MISSING, "a missing cell")] {
                    let values = Values::Category {
                        levels: unseen.clone(),
                        codes: vec![code],
                    };
                    let found = format!("{cell} in column `{name}`");
                    finite_or_refused_table(suite, with_values(&row, name, values), &found);
                }
            }
            None => {}
        }
    }
}

fn wrong_sizes(
    suite: &mut Suite<'_>,
    ImageShape {
        height,
        width,
        channels,
    }: ImageShape,
) {
    let other = if channels == 1 { 3 } else { 1 };
    let cases = [
        (
            "images of another height are refused with both heights",
            [height + 1, width, channels],
        ),
        (
            "images of another width are refused with both widths",
            [height, width + 1, channels],
        ),
        (
            "images of other channels are refused with both counts",
            [height, width, other],
        ),
    ];
    for (what, shape) in cases {
        let changed: Vec<String> = shape
            .iter()
            .zip([height, width, channels])
            .filter(|(found, expected)| *found != expected)
            .flat_map(|(found, expected)| [found.to_string(), expected.to_string()])
            .collect();
        let words: Vec<&str> = changed.iter().map(String::as_str).collect();
        if let Some(images) = suite.call(6, what, || blank(shape, 0.0)) {
            refused(suite, what, &images, &words);
        }
    }
}

/// Expects an error whose message has all of `words`.
fn refused(suite: &mut Suite<'_>, what: &'static str, samples: &Samples, words: &[&str]) {
    let detector = suite.detector;
    let found = match caught(|| detector.score(samples)) {
        Ok(Err(error)) => {
            let text = error.to_string();
            match words.iter().find(|w| !text.contains(**w)) {
                None => return,
                Some(word) => format!("the error `{text}`, without `{word}`"),
            }
        }
        Ok(Ok(scores)) => format!("the scores {scores:?} with {}", words.join(", ")),
        Err(panic) => panic,
    };
    suite.violate(6, what, found);
}

fn refused_table(suite: &mut Suite<'_>, what: &'static str, table: Result<Table>, words: &[&str]) {
    if let Some(table) = suite.call(6, what, || table) {
        refused(suite, what, &Samples::Table(table), words);
    }
}

/// Expects a finite score, or an error: what is far outside training may be either.
fn finite_or_refused(suite: &mut Suite<'_>, samples: &Samples, case: &str) {
    let what = "extreme values give a finite score or an error";
    let detector = suite.detector;
    match caught(|| detector.score(samples)) {
        Ok(Err(_)) => {}
        Ok(Ok(scores)) => {
            let fine = scores.len() == samples.len() && scores.iter().all(|s| s.is_finite());
            suite.expect(fine, 6, what, || {
                format!("the scores {scores:?} for {case}")
            });
        }
        Err(panic) => suite.violate(6, what, format!("{panic} for {case}")),
    }
}

fn finite_or_refused_table(suite: &mut Suite<'_>, table: Result<Table>, case: &str) {
    if let Some(table) = suite.call(6, "a table can be changed", || table) {
        finite_or_refused(suite, &Samples::Table(table), case);
    }
}

fn unused_name(table: &Table) -> String {
    let longest = table
        .columns()
        .iter()
        .map(|c| c.name.len())
        .max()
        .unwrap_or(0);
    format!("unused{}", "_".repeat(longest))
}

fn blank(shape: impl Into<ImageShape>, value: f32) -> Result<Samples> {
    let shape = shape.into();
    let pixels = vec![value; shape.size()];
    Images::new("blank images", shape, pixels, vec!["blank".into()]).map(Samples::Images)
}

fn with_values(row: &Table, name: &str, values: Values) -> Result<Table> {
    with_column(row, name, |c| Column {
        name: c.name.clone(),
        values: values.clone(),
    })
}

/// One row in which one column is another, under a row number to be found in messages.
fn with_column(row: &Table, name: &str, change: impl Fn(&Column) -> Column) -> Result<Table> {
    if row.column(name).is_none() {
        return Err(Error::Mismatch {
            origin: None,
            found: format!("no column `{name}`"),
            expected: "every column of the input".into(),
            hint: None,
        });
    }
    let columns = row.columns().iter().map(|c| {
        if &*c.name == name {
            change(c)
        } else {
            c.clone()
        }
    });
    Ok(Table::new("a changed row", columns.collect())?.with_row_numbers(vec![ROW]))
}
