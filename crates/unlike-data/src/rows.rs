//! Which rows are equal.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
};

use unlike_core::{Column, MISSING, Samples, Table, Values};

/// A number for each row that equal rows share, whatever the order of their columns, and others, but for
/// one pair in 10¹⁹, do not.
pub(crate) fn fingerprints(table: &Table) -> Vec<u64> {
    of_columns(table, table.columns().iter().collect())
}

/// A number for all rows so far, of a number for those before and of these, in columns of these names: the
/// same for the same rows in the same order.
pub(crate) fn folded(before: u64, table: &Table, names: &[&str]) -> u64 {
    let known = |column: &&Column| names.contains(&&*column.name);
    let columns = table.columns().iter().filter(known).collect();
    let rows = of_columns(table, columns);
    rows.into_iter().fold(before, |all, row| hash((all, row)))
}

fn of_columns(table: &Table, mut columns: Vec<&Column>) -> Vec<u64> {
    columns.sort_by(|a, b| a.name.cmp(&b.name));
    let mut rows = vec![0u64; table.rows()];
    let mut add = |row: usize, value: u64| {
        let mut hasher = DefaultHasher::new();
        (rows[row], value).hash(&mut hasher);
        rows[row] = hasher.finish();
    };
    for column in columns {
        let of_name = hash(&column.name);
        match &column.values {
            Values::Number(values) => {
                for (row, &value) in values.iter().enumerate() {
                    // One kind of zero, and one kind of missing value.
                    let bits = match value.is_nan() {
                        true => u64::MAX,
                        false => (value + 0.0).to_bits(),
                    };
                    add(row, of_name ^ bits);
                }
            }
            Values::Category { levels, codes } => {
                let of_levels: Vec<u64> = levels.iter().map(hash).collect();
                for (row, &code) in codes.iter().enumerate() {
                    let of_level = match code {
                        MISSING => u64::MAX,
                        code => of_levels[code as usize],
                    };
                    add(row, of_name ^ of_level);
                }
            }
        }
    }
    rows
}

/// How many of the rows at `these` positions equal one at `those`; 0 for images.
pub(crate) fn shared(samples: &Samples, these: &[usize], those: &[usize]) -> usize {
    let Samples::Table(table) = samples else {
        return 0;
    };
    let rows = fingerprints(table);
    let known: HashSet<u64> = those.iter().map(|&at| rows[at]).collect();
    these
        .iter()
        .filter(|&&at| known.contains(&rows[at]))
        .count()
}

fn hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_rows_are_found_whatever_the_order_of_columns() {
        let column = |name: &str, values: &[f64]| Column {
            name: name.into(),
            values: Values::Number(values.to_vec()),
        };
        let (a, b) = ([1.0, 0.0, f64::NAN, 2.0], [2.0, 5.0, 3.0, 1.0]);
        let one = Table::new("one", vec![column("a", &a), column("b", &b)]).unwrap();
        let minus = [1.0, -0.0, f64::NAN, 2.0];
        let other = Table::new("two", vec![column("b", &b), column("a", &minus)]).unwrap();
        assert_eq!(fingerprints(&one), fingerprints(&other));
        let mut distinct = fingerprints(&one);
        distinct.sort_unstable();
        distinct.dedup();
        // Swapped cells make another row.
        assert_eq!(distinct.len(), 4);
        let twice = Samples::Table(one.select(&[0, 1, 2, 0, 1]));
        assert_eq!(shared(&twice, &[3, 4], &[0, 2]), 1);
    }
}
