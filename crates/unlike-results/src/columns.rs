//! Preprocessing in words: what training normals have in a column, and what becomes of it.

use unlike_core::{
    Note, Values,
    words::{counted, number},
};
use unlike_data::{
    Preprocessing, Scaling, TablePreprocessing,
    preprocess::{CategoryColumn, FittedColumn, NumberColumn},
};
use unlike_report::{ColumnNote, Data};

/// How many levels a text lists.
const LISTED: usize = 4;

/// What training normals usually have in each column, in words, by the column's position: between which
/// values their central 90 % lie, `0 to 12`; how many of them have the most frequent levels, `tcp (80 %),
/// udp (19 %)`. Nothing for images.
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
        FittedColumn::Number(column) => match column.usual {
            Some([only, same]) if only == same => format!("nearly always {}", number(only)),
            usual => {
                let [low, high] = usual.unwrap_or([column.min, column.max]);
                format!("{} to {}", number(low), number(high))
            }
        },
        FittedColumn::Category(category) if category.is_constant() => levels(category),
        FittedColumn::Category(category) => frequent(category),
    }
}

/// Of a value in a column: whether training normals usually have it. A level that one in twenty has is
/// usual. Not known of the models of earlier versions.
pub(crate) fn is_usual(column: &FittedColumn, values: &Values, row: usize) -> Option<bool> {
    /// The share of training rows from which on a level is usual.
    const SHARE: f64 = 0.05;
    match (column, values) {
        (FittedColumn::Number(column), Values::Number(values)) => column.is_usual(values[row]),
        (FittedColumn::Category(category), values) => {
            Some(category.share(&values.text(row))? >= SHARE)
        }
        _ => None,
    }
}

/// The most frequent levels with their shares of the training rows.
fn frequent(category: &CategoryColumn) -> String {
    if category.counts.is_empty() || category.rows == 0 {
        return levels(category);
    }
    let mut seen: Vec<(u64, &String)> = category
        .counts
        .iter()
        .copied()
        .zip(&category.levels)
        .collect();
    seen.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
    let share = |count: u64| 100.0 * count as f64 / category.rows as f64;
    let shown = seen
        .iter()
        .take(LISTED)
        .map(|&(count, level)| format!("{level} ({} %)", percent(share(count))));
    let mut text = shown.collect::<Vec<_>>().join(", ");
    let more = seen.len().saturating_sub(LISTED);
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

/// Two significant digits, and 100 only for all.
fn percent(share: f64) -> String {
    match share {
        share if (99.5..100.0).contains(&share) => format!("{share:.1}"),
        share if share >= 10.0 => format!("{share:.0}"),
        share => unlike_core::words::rate((share * 100.0).round() / 100.0),
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
                Scaling::Bounded => {
                    "numbers: the training mean becomes 0 and the standard deviation 1, or less where a \
                     training value would lie beyond ±5"
                }
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
                ..
            } = column;
            let range = match scaling {
                Scaling::MinMax => format!("[{}, {}] to [-1, 1]", number(*min), number(*max)),
                Scaling::Standard | Scaling::Bounded => match bend {
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
            counts: vec![5, 900, 1, 0, 94, 0],
            rows: 1000,
        };
        assert_eq!(levels(&category), "a, b, c, d and 2 more");
        assert_eq!(
            frequent(&category),
            "b (90 %), e (9.4 %), a (0.5 %), c (0.1 %) and 2 more"
        );
    }
}
