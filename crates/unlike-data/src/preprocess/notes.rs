//! What is worth knowing about training data before hours are spent on them.

use std::collections::HashMap;

use unlike_core::{Note, Table, Values};

use super::{FittedColumn, NumberColumn, number::Distinct};
use crate::{decimal, words};

/// One sentence each, in the order of the columns.
pub(super) fn notes(
    table: &Table,
    fitted: &[FittedColumn],
    distinct: &[Option<Distinct>],
) -> Vec<Note> {
    let mut notes: Vec<Note> = Vec::new();
    let rows = table.rows();
    let columns = || table.columns().iter().zip(fitted);
    let constant: Vec<&str> = columns()
        .filter(|(_, f)| f.is_constant())
        .map(|(c, _)| &*c.name)
        .collect();
    if constant.len() == fitted.len() {
        let text = "no column varies in training: there is nothing to learn but these values";
        notes.push(Note::new(text).coded("constant-columns"));
    } else if !constant.is_empty() {
        let columns = words::counted(constant.len(), "column");
        let names = words::quoted(constant);
        let text = format!("{columns} with one value only in training: {names}");
        notes.push(Note::new(text).coded("constant-columns"));
    }
    for ((column, fitted), distinct) in columns().zip(distinct) {
        let name = &column.name;
        match (&column.values, fitted) {
            (Values::Number(values), FittedColumn::Number(number)) => {
                let missing = values.iter().filter(|v| v.is_nan()).count();
                if let Some(fill) = number.fill {
                    let note = format!(
                        "column `{name}`: {} of {} values missing, replaced by the median {fill}",
                        words::count(missing),
                        words::count(rows)
                    );
                    notes.push(Note::new(note).coded("missing-values-replaced"));
                }
                if let Some(distinct) = distinct {
                    notes.extend(about_tails(name, number, *distinct));
                }
                if looks_like_row_numbers(values) {
                    notes.push(looks_like_id(name));
                } else if rises_throughout(values) {
                    notes.push(
                        Note::new(format!(
                            "column `{name}` rises from row to row, as times and counters do: what comes \
                             after training may lie beyond it; leave it out with "
                        ))
                        .set("drop-columns", name)
                        .coded("rises-throughout"),
                    );
                }
            }
            (Values::Category { levels, .. }, FittedColumn::Category(category)) => {
                if let Some((one, other)) = alike_but_for_case(levels) {
                    let [one, other] = [one, other].map(words::shortened);
                    let text = format!(
                        "column `{name}`: the categories `{one}` and `{other}` differ in letter case only, and \
                         count as two"
                    );
                    notes.push(Note::new(text).coded("levels-differ-in-case"));
                }
                if category.levels.len() + category.rare == rows && rows > 2 {
                    notes.push(looks_like_id(name));
                } else if category.rare > 0 {
                    let note = format!(
                        "column `{name}`: the {} most frequent categories have features of their own, \
                         {} rarer ones count as \"other\"",
                        words::count(category.levels.len()),
                        words::count(category.rare)
                    );
                    notes.push(Note::new(note).coded("rare-categories"));
                }
            }
            _ => {}
        }
    }
    notes
}

/// Where values are bent, and where features lose differences all the same.
fn about_tails(name: &str, number: &NumberColumn, distinct: Distinct) -> Option<Note> {
    let values = words::counted(distinct.values, "distinct value");
    if distinct.collapses() {
        let features = words::count(distinct.features);
        let text = format!(
            "column `{name}`: of {values}, features tell {features} apart; the others are too close to \
             each other, beside the largest magnitude of the column"
        );
        return Some(Note::new(text).coded("values-collapse"));
    }
    number.bend?;
    let apart = match distinct.features == distinct.values {
        true => format!("all {values} stay apart"),
        false => format!("{} of {values} stay apart", words::count(distinct.features)),
    };
    let unbent = match distinct.unbent < distinct.features {
        true => format!(" ({} without)", words::count(distinct.unbent)),
        false => String::new(),
    };
    let [min, max] = [number.min, number.max].map(unlike_core::words::number);
    let text = format!(
        "column `{name}` has heavy tails ({min} to {max}) and is scaled by their logarithm: \
         {apart}{unbent}"
    );
    Some(Note::new(text).coded("heavy-tails"))
}

fn looks_like_id(name: &str) -> Note {
    Note::new(format!(
        "column `{name}` has another value in every row and looks like an id; leave it out with "
    ))
    .set("drop-columns", name)
    .text(", or show it with ")
    .set("id-column", name)
    .coded("looks-like-id")
}

/// The first two levels that differ in letter case only; truths do not differ in it.
fn alike_but_for_case(levels: &[String]) -> Option<(&str, &str)> {
    let mut known: HashMap<String, &str> = HashMap::with_capacity(levels.len());
    let mut texts = levels
        .iter()
        .filter(|level| decimal::meaning(level).is_none());
    texts.find_map(|level| {
        let earlier = known.insert(level.to_lowercase(), level);
        earlier.map(|earlier| (earlier, level.as_str()))
    })
}

/// Numbers each of which is larger than the one before; of a few rows, that says nothing.
fn rises_throughout(values: &[f64]) -> bool {
    const FEWEST: usize = 20;
    values.len() >= FEWEST && values.windows(2).all(|w| w[0] < w[1])
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
