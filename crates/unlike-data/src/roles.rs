//! Which column plays which part: feature, label, id, or none.

use std::collections::{HashMap, HashSet};

use unlike_core::{Error, Note, Result};

use crate::{read::ReadOptions, reading, words};

/// The part that a column plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Feature,
    Label,
    Id,
    Dropped,
}

/// Names that often hold labels.
const LABEL_LIKE: [&str; 13] = [
    "label",
    "labels",
    "class",
    "classes",
    "target",
    "y",
    "outlier",
    "outliers",
    "anomaly",
    "is_anomaly",
    "is_outlier",
    "attack",
    "attack_cat",
];

/// The role of each column. `label` and `dropped` are what the format says when the user says
/// nothing, now or in training.
pub(crate) fn assign(
    names: &[String],
    options: &ReadOptions,
    label: Option<&str>,
    dropped: Option<&str>,
    notes: &mut Vec<Note>,
) -> Result<Vec<Role>> {
    let mut roles = vec![Role::Feature; names.len()];
    let mut give = |setting: &str, name: &str, role: Role| {
        let at = names
            .iter()
            .position(|n| n == name)
            .ok_or_else(|| unknown(setting, name, names))?;
        match roles[at] {
            Role::Feature => roles[at] = role,
            same if same == role => {}
            other => {
                return Err(Error::Setting {
                    name: setting.into(),
                    found: format!("`{name}`, which is already {}", other.describe()),
                    expected: "one part for each column".into(),
                    hint: None,
                });
            }
        }
        Ok(())
    };
    let remembered = options.remembered.as_ref();
    let of_training = remembered.and_then(|r| r.label_column.as_deref());
    let of_training = of_training.filter(|name| names.iter().any(|n| n == name));
    let label_told = options.label_column.as_deref();
    if let Some(name) = label_told.or(of_training).or(label) {
        let role = match options.without_labels && label_told.is_none() {
            true => Role::Dropped,
            false => Role::Label,
        };
        give("label-column", name, role)?;
    }
    if let Some(name) = &options.id_column {
        give("id-column", name, Role::Id)?;
    }
    for name in &options.drop_columns {
        give("drop-columns", name, Role::Dropped)?;
    }
    if let Some(at) = names.iter().position(|n| Some(n.as_str()) == dropped)
        && roles[at] == Role::Feature
    {
        roles[at] = Role::Dropped;
    }
    if let Some(reading) = remembered {
        let places: HashMap<&str, usize> = names.iter().map(String::as_str).zip(0..).collect();
        let mut recall = |name: &String, role: Role| {
            let at = places.get(name.as_str()).copied();
            if let Some(at) = at.filter(|&at| roles[at] == Role::Feature) {
                roles[at] = role;
            }
            at.is_some()
        };
        if let (None, Some(name)) = (&options.id_column, &reading.id_column)
            && !recall(name, Role::Id)
        {
            notes.push(reading::absent("which named the samples", name));
        }
        for name in &reading.drop_columns {
            recall(name, Role::Dropped);
        }
    }
    for name in &options.category_columns {
        if !names.contains(name) {
            return Err(unknown("category-columns", name, names));
        }
    }
    if !roles.contains(&Role::Feature) {
        return Err(Error::NotEnough {
            what: "columns to learn from".into(),
            found: "none besides the label, the id and the dropped columns".into(),
            expected: "at least 1".into(),
            hint: None,
        });
    }
    Ok(roles)
}

/// Drops features that a model does not know, and that do not become some that it knows; gives their
/// names. Nothing where no columns are expected, and where one that is expected is not there: then all of
/// them say what is wrong.
pub(crate) fn ignore_unknown(
    names: &[String],
    roles: &mut [Role],
    options: &ReadOptions,
) -> Vec<String> {
    let Some(expected) = &options.expect else {
        return Vec::new();
    };
    let known: HashSet<&str> = expected.iter().map(|column| &*column.name).collect();
    let mut there: HashSet<String> = names.iter().cloned().collect();
    if let Some(reading) = &options.remembered {
        for (name, parts) in reading
            .dates
            .iter()
            .filter(|(name, _)| names.contains(name))
        {
            there.extend(parts.iter().map(|part| part.column(name)));
        }
    }
    if known.iter().any(|name| !there.contains(*name)) {
        return Vec::new();
    }
    let mut ignored = Vec::new();
    for (role, name) in roles.iter_mut().zip(names) {
        let is_known = known.contains(name.as_str()) || options.makes_dates_of(name);
        if *role == Role::Feature && !is_known {
            *role = Role::Dropped;
            ignored.push(name.clone());
        }
    }
    ignored
}

impl Role {
    fn describe(self) -> &'static str {
        match self {
            Self::Feature => "a feature",
            Self::Label => "the label column",
            Self::Id => "the id column",
            Self::Dropped => "dropped",
        }
    }
}

/// The features whose names suggest that they are labels.
pub(crate) fn label_like(names: &[String], roles: &[Role]) -> Vec<String> {
    let suspicious = |name: &str| LABEL_LIKE.contains(&name.to_lowercase().as_str());
    let feature = names
        .iter()
        .zip(roles)
        .filter(|(_, role)| **role == Role::Feature);
    feature
        .map(|(name, _)| name)
        .filter(|name| suspicious(name))
        .cloned()
        .collect()
}

fn unknown(setting: &str, name: &str, names: &[String]) -> Error {
    Error::Setting {
        name: setting.into(),
        found: format!("`{name}`"),
        expected: format!("one of the columns {}", words::quoted(names)),
        hint: words::did_you_mean(name, names.iter().map(String::as_str)).map(Into::into),
    }
}
