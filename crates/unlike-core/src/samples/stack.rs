//! Several tables as one.

use std::{collections::HashMap, sync::Arc};

use super::{Column, Files, MISSING, Table, Values};
use crate::error::{Error, Result};

pub(super) fn stacked(origin: Arc<str>, tables: Vec<Table>) -> Result<Table> {
    let Some(first) = tables.first() else {
        return Err(Error::NotEnough {
            what: "tables".into(),
            found: "none".into(),
            expected: "at least 1".into(),
            hint: None,
        });
    };
    let found: Vec<HashMap<&str, &Column>> = tables.iter().map(Table::by_name).collect();
    for (table, columns) in tables.iter().zip(&found) {
        let lacks = |name: &str, of: &Table, as_in: &Table| Error::Mismatch {
            origin: Some(format!("`{}`", of.origin)),
            found: format!("no column `{name}`"),
            expected: format!("the columns of `{}`, in any order", as_in.origin),
            hint: Some("files that are read together have the same columns".into()),
        };
        if let Some(column) = first
            .columns
            .iter()
            .find(|c| !columns.contains_key(&*c.name))
        {
            return Err(lacks(&column.name, table, first));
        }
        let more = |c: &&Column| !found[0].contains_key(&*c.name);
        if let Some(column) = table.columns.iter().find(more) {
            return Err(lacks(&column.name, first, table));
        }
    }
    let stacked = first.columns.iter().map(|column| {
        let parts: Vec<(&Table, &Values)> = tables
            .iter()
            .zip(&found)
            .filter_map(|(table, columns)| Some((table, &columns.get(&*column.name)?.values)))
            .collect();
        Ok(Column {
            name: Arc::clone(&column.name),
            values: stacked_values(&column.name, &parts)?,
        })
    });
    let mut table = Table::new(origin, stacked.collect::<Result<_>>()?)?;
    table.row_numbers = tables
        .iter()
        .flat_map(|t| &t.row_numbers)
        .copied()
        .collect();
    let ids = tables.iter().map(|t| t.ids.as_ref());
    table.ids = ids
        .collect::<Option<Vec<_>>>()
        .map(|ids| ids.into_iter().flatten().cloned().collect());
    let of_rows = tables
        .iter()
        .zip(0u32..)
        .flat_map(|(t, at)| vec![at; t.rows()]);
    table.files = Some(Files {
        names: tables.iter().map(|t| t.origin.to_string()).collect(),
        of_rows: of_rows.collect(),
    });
    Ok(table)
}

fn stacked_values(name: &str, parts: &[(&Table, &Values)]) -> Result<Values> {
    let of_kind = parts.iter().find(|(_, values)| !is_blank(values));
    let Some((first, model)) = of_kind else {
        let rows = parts.iter().map(|(_, values)| values.len()).sum();
        return Ok(Values::Number(vec![f64::NAN; rows]));
    };
    let kind = model.kind();
    if let Some((table, values)) = parts.iter().find(|(_, v)| v.kind() != kind && !is_blank(v)) {
        return Err(Error::Mismatch {
            origin: Some(format!("`{}`, column `{name}`", table.origin)),
            found: format!("a column of kind {}", values.kind()),
            expected: format!("{kind}, as in `{}`", first.origin),
            hint: None,
        });
    }
    let is_number = matches!(model, Values::Number(_));
    if is_number {
        let mut all = Vec::new();
        for (_, values) in parts {
            match values {
                Values::Number(values) => all.extend(values),
                blank => all.resize(all.len() + blank.len(), f64::NAN),
            }
        }
        return Ok(Values::Number(all));
    }
    let (mut all, mut codes) = (Vec::new(), Vec::new());
    let mut by_text: HashMap<&str, u32> = HashMap::new();
    for (_, values) in parts {
        let Values::Category {
            levels,
            codes: of_part,
        } = values
        else {
            codes.resize(codes.len() + values.len(), MISSING);
            continue;
        };
        let code = |level| {
            *by_text.entry(level).or_insert_with(|| {
                all.push(String::from(level));
                all.len() as u32 - 1
            })
        };
        let renamed: Vec<u32> = levels.iter().map(String::as_str).map(code).collect();
        codes.extend(of_part.iter().map(|&code| match code {
            MISSING => MISSING,
            code => renamed[code as usize],
        }));
    }
    Ok(Values::Category {
        levels: all.into(),
        codes,
    })
}

/// Whether no cell has a value, so that nothing says which kind the column is.
fn is_blank(values: &Values) -> bool {
    match values {
        Values::Number(values) => values.iter().all(|v| v.is_nan()),
        Values::Category { codes, .. } => codes.iter().all(|&c| c == MISSING),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::Samples;

    fn table(origin: &str, numbers: &[f64], texts: &[&str]) -> Table {
        let level = |text: &&str| {
            texts
                .iter()
                .position(|t| t == text)
                .map_or(MISSING, |at| at as u32)
        };
        let columns = vec![
            Column {
                name: "n".into(),
                values: Values::Number(numbers.to_vec()),
            },
            Column {
                name: "c".into(),
                values: Values::Category {
                    levels: texts.iter().map(|t| String::from(*t)).collect(),
                    codes: texts.iter().map(level).collect(),
                },
            },
        ];
        Table::new(origin, columns).unwrap()
    }

    #[test]
    fn rows_keep_their_files_and_numbers_and_texts_their_meaning() {
        let a = table("a.csv", &[1.0, 2.0], &["x", "y"]).with_row_numbers(vec![2, 3]);
        let b = table("b.csv", &[3.0, 4.0], &["y", "z"]).with_row_numbers(vec![2, 4]);
        let both = Table::stacked("a.csv, b.csv", vec![a, b]).unwrap();
        let cells = |name: &str| -> Vec<String> {
            let values = &both.column(name).unwrap().values;
            (0..4).map(|row| values.text(row)).collect()
        };
        assert_eq!(cells("n"), ["1", "2", "3", "4"]);
        assert_eq!(cells("c"), ["x", "y", "y", "z"]);
        let samples = Samples::Table(both).select(&[3, 0]);
        assert_eq!([samples.id(0), samples.id(1)], ["b.csv:4", "a.csv:2"]);
    }

    #[test]
    fn columns_without_a_value_are_what_the_others_are() {
        let blank = table("a.csv", &[f64::NAN], &["x"]);
        let number = Column {
            name: "n".into(),
            values: Values::Number(vec![1.0]),
        };
        let text = Values::Category {
            levels: vec!["t".into()].into(),
            codes: vec![0],
        };
        let c = Column {
            name: "c".into(),
            values: Values::Number(vec![f64::NAN]),
        };
        let other = Table::new("b.csv", vec![c, number]).unwrap();
        let both = Table::stacked("both", vec![blank.clone(), other]).unwrap();
        let row = |i: usize| {
            both.columns()
                .iter()
                .map(|c| c.values.text(i))
                .collect::<Vec<_>>()
        };
        assert_eq!([row(0), row(1)], [["", "x"], ["1", ""]]);

        let texts = Table::new(
            "b.csv",
            vec![
                Column {
                    name: "n".into(),
                    values: text,
                },
                Column {
                    name: "c".into(),
                    values: Values::Number(vec![5.0]),
                },
            ],
        )
        .unwrap();
        let error = Table::stacked("both", vec![blank.clone(), texts])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("`b.csv`, column `c`") && error.contains("category"),
            "{error}"
        );
        let error = Table::stacked("both", vec![blank.clone().without(&["c"]), blank]);
        let error = error.unwrap_err().to_string();
        assert!(error.contains("no column `c`"), "{error}");
    }
}
