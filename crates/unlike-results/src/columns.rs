//! Preprocessing in words: what training normals have in a column, and what becomes of it.

use unlike_core::{
    Note,
    words::{counted, number},
};
use unlike_data::{
    Preprocessing, Scaling, TablePreprocessing,
    preprocess::{CategoryColumn, FittedColumn, NumberColumn},
};
use unlike_report::{ColumnNote, Data};

/// How many levels a text lists.
const LISTED: usize = 4;

/// What training normals have in each column, in words, by the column's position: `0 to 12`,
/// `tcp, udp, icmp`. Nothing for images.
pub fn typical(preprocessing: &Preprocessing) -> Vec<String> {
    let Some(table) = preprocessing.as_table() else {
        return Vec::new();
    };
    table
        .columns()
        .iter()
        .map(|(_, column)| typical_of(column))
        .collect()
}

fn typical_of(column: &FittedColumn) -> String {
    match column {
        FittedColumn::Number(column) if column.is_constant() => {
            format!("always {}", number(column.min))
        }
        FittedColumn::Number(column) => format!("{} to {}", number(column.min), number(column.max)),
        FittedColumn::Category(category) => levels(category),
    }
}

fn levels(category: &CategoryColumn) -> String {
    let shown: Vec<&str> = category
        .levels
        .iter()
        .take(LISTED)
        .map(String::as_str)
        .collect();
    let mut text = match shown.is_empty() {
        true => "nothing".to_owned(),
        false => shown.join(", "),
    };
    if category.is_constant() {
        text = format!("always {text}");
    }
    let more = category.levels.len() - shown.len();
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

/// The columns and their preprocessing in words, for a report; `None` for images.
pub fn columns(preprocessing: &Preprocessing) -> Option<Data> {
    let table = preprocessing.as_table()?;
    let n_features = n_features(table);
    let columns = table
        .columns()
        .iter()
        .zip(n_features)
        .map(|((name, column), n_features)| ColumnNote {
            name: name.clone(),
            kind: column.kind(),
            rule: rule(column, table.config().scaling),
            n_features,
            note: note(column),
        });
    Some(Data {
        columns: columns.collect(),
        rules: vec![
            match table.config().scaling {
                Scaling::MinMax => {
                    "numbers: the smallest and largest training value become -1 and 1"
                }
                Scaling::Standard => "numbers: training mean and standard deviation become 0 and 1",
            }
            .into(),
            "categories: one feature per training level, and one for all others".into(),
            "missing cells: allowed only in columns where training had some; a number is then \
             replaced by the training median, and a feature says so"
                .into(),
        ],
        notes: table.notes().iter().map(Note::to_string).collect(),
    })
}

/// How many features each column becomes.
pub fn n_features(table: &TablePreprocessing) -> Vec<u64> {
    let mut counts = vec![0; table.columns().len()];
    for column in table.feature_columns() {
        counts[column] += 1;
    }
    counts
}

fn rule(column: &FittedColumn, scaling: Scaling) -> String {
    match column {
        FittedColumn::Number(column) => {
            let NumberColumn {
                min,
                max,
                center,
                scale,
                fill,
                bend,
            } = column;
            let range = match scaling {
                Scaling::MinMax => format!("[{}, {}] to [-1, 1]", number(*min), number(*max)),
                Scaling::Standard => match bend {
                    // Mean and deviation of the bent values mean nothing to people.
                    Some(_) => "mean ± standard deviation to (0 ± 1)".to_owned(),
                    None => format!("({} ± {}) to (0 ± 1)", number(*center), number(*scale)),
                },
            };
            let range = match bend {
                Some(_) => format!("{range}, by their logarithm because of heavy tails"),
                None => range,
            };
            match fill {
                Some(median) => format!("{range}; missing: {}, marked", number(*median)),
                None => range,
            }
        }
        FittedColumn::Category(category) => {
            format!("one-hot: {}, other", levels(category))
        }
    }
}

fn note(column: &FittedColumn) -> Option<String> {
    match column {
        FittedColumn::Category(category) if category.rare > 0 => Some(format!(
            "{} too rare or too many, counted as other",
            counted(category.rare, "level")
        )),
        column if column.is_constant() => Some("one value only in training".into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_levels_are_not_all_listed() {
        let category = CategoryColumn {
            levels: ["a", "b", "c", "d", "e", "f"].map(str::to_owned).to_vec(),
            missing: false,
            rare: 0,
        };
        assert_eq!(levels(&category), "a, b, c, d and 2 more");
    }
}
