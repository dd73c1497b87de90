//! What is worth knowing about training data before hours are spent on them.

use unlike_core::{Table, Values};

use super::FittedColumn;
use crate::words;

/// One sentence each, in the order of the columns.
pub(super) fn notes(table: &Table, fitted: &[FittedColumn]) -> Vec<String> {
    let mut notes = Vec::new();
    let rows = table.rows();
    let columns = || table.columns().iter().zip(fitted);
    let constant: Vec<&str> = columns()
        .filter(|(_, f)| f.is_constant())
        .map(|(c, _)| &*c.name)
        .collect();
    if constant.len() == fitted.len() {
        notes.push(
            "no column varies in training: there is nothing to learn but these values".into(),
        );
    } else if !constant.is_empty() {
        notes.push(format!(
            "{} with one value only in training: {}",
            words::counted(constant.len(), "column"),
            words::quoted(constant)
        ));
    }
    for (column, fitted) in columns() {
        let name = &column.name;
        match (&column.values, fitted) {
            (Values::Number(values), FittedColumn::Number(number)) => {
                let missing = values.iter().filter(|v| v.is_nan()).count();
                if let Some(fill) = number.fill {
                    notes.push(format!(
                        "column `{name}`: {} of {} values missing, replaced by the median {fill}",
                        words::count(missing),
                        words::count(rows)
                    ));
                }
                if looks_like_row_numbers(values) {
                    notes.push(looks_like_id(name));
                }
            }
            (Values::Category { .. }, FittedColumn::Category(category)) => {
                if category.levels.len() + category.rare == rows && rows > 2 {
                    notes.push(looks_like_id(name));
                } else if category.rare > 0 {
                    notes.push(format!(
                        "column `{name}`: the {} most frequent categories have features of their own, \
                         {} rarer ones count as \"other\"",
                        words::count(category.levels.len()),
                        words::count(category.rare)
                    ));
                }
            }
            _ => {}
        }
    }
    notes
}

fn looks_like_id(name: &str) -> String {
    format!(
        "column `{name}` has another value in every row and looks like an id; leave it out with \
         --drop-columns, or show it with --id-column"
    )
}

/// Whole numbers that rise from row to row, with few gaps.
fn looks_like_row_numbers(values: &[f64]) -> bool {
    let whole = |v: &f64| v.fract() == 0.0;
    match (values.first(), values.last()) {
        (Some(first), Some(last)) if values.len() > 2 => {
            values.iter().all(whole)
                && values.windows(2).all(|w| w[0] < w[1])
                && last - first < 2.0 * values.len() as f64
        }
        _ => false,
    }
}
