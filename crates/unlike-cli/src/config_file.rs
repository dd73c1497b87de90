//! Settings of a training from the recommended ones and a TOML file that may leave things out.

use std::path::Path;

use toml::{Table, Value};
use unlike::{ModelConfig, TrainConfig};
use unlike_core::{Error, Location, Result};

/// The recommended settings of a model with those of a file on top.
///
/// # Errors
/// If neither names a model or they name two, or the file cannot be read or holds a key that is
/// not a setting.
pub(crate) fn load(model: Option<&str>, file: Option<&Path>) -> Result<TrainConfig> {
    let Some(path) = file else {
        return Ok(TrainConfig::recommended(ModelConfig::by_name(
            model.unwrap_or_default(),
        )?));
    };
    let text = std::fs::read_to_string(path).map_err(Error::io("read", path))?;
    let malformed = |found: String, row: Option<u64>| Error::Malformed {
        path: path.to_owned(),
        location: Location { row, column: None },
        found,
        expected: "the settings of a training".into(),
        hint: Some("any run's config.toml holds every setting".into()),
    };
    let settings: Table = toml::from_str(&text).map_err(|e: toml::de::Error| {
        let row = e
            .span()
            .map(|span| 1 + text[..span.start].matches('\n').count() as u64);
        malformed(e.message().to_owned(), row)
    })?;
    let named = settings
        .get("model")
        .and_then(|m| m.get("model"))
        .and_then(Value::as_str);
    let name = match (model, named) {
        (Some(option), Some(named)) if option != named => {
            return Err(Error::Setting {
                name: "model".into(),
                found: format!(
                    "`{option}` on the command line and `{named}` in `{}`",
                    path.display()
                ),
                expected: "one model".into(),
                hint: Some("leave out --model, or use a file for that model".into()),
            });
        }
        (Some(name), _) | (None, Some(name)) => name,
        (None, None) => {
            return Err(malformed("no model".into(), None)
                .with_hint("say --model, or write `model = \"egbad\"` under `[model]`"));
        }
    };
    let recommended = TrainConfig::recommended(ModelConfig::by_name(name)?);
    let unwritable = |e: toml::ser::Error| malformed(e.to_string(), None);
    let mut merged = Table::try_from(&recommended).map_err(unwritable)?;
    merge(&mut merged, settings);
    merged.try_into().map_err(|e: toml::de::Error| {
        let message = e.to_string().trim().replace('\n', " ");
        let row = line_of(&message, &text);
        malformed(message, row)
    })
}

/// The line of the key that a message names: positions are lost when tables are merged.
fn line_of(message: &str, text: &str) -> Option<u64> {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let key = match message.starts_with("unknown") {
        true => quoted.next(),
        false => quoted.last().and_then(|path| path.rsplit('.').next()),
    }?;
    let names_it = |line: &str| line.split(['=', '[', ']']).any(|word| word.trim() == key);
    text.lines().position(names_it).map(|row| row as u64 + 1)
}

/// Lays `over` on top of `base`, table by table.
fn merge(base: &mut Table, over: Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above))
                if !is_another(&key, below, &above) =>
            {
                merge(below, above);
            }
            (_, value) => _ = base.insert(key, value),
        }
    }
}

/// Whether a table is another choice than the one below it, so that nothing of that one applies:
/// a choice has a key of its own name, as in `init = { init = "normal", … }`.
fn is_another(key: &str, below: &Table, above: &Table) -> bool {
    above
        .get(key)
        .is_some_and(|kind| below.get(key) != Some(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(text: &str, model: Option<&str>) -> Result<TrainConfig> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        std::fs::write(&path, text).unwrap();
        load(model, Some(&path))
    }

    #[test]
    fn what_a_file_leaves_out_is_as_recommended() {
        let config = from("epochs = 3\n[model]\nmodel = \"egbad\"\nlatent = 8\n", None).unwrap();
        assert_eq!(config.epochs, 3);
        let recommended = TrainConfig::recommended(ModelConfig::by_name("egbad").unwrap());
        assert_eq!(config.batch_size, recommended.batch_size);
        let text = config.to_toml().unwrap();
        assert!(text.contains("latent = 8"), "{text}");
        assert_eq!(from(&text, Some("egbad")).unwrap(), config);
    }

    #[test]
    fn another_choice_replaces_the_recommended_one() {
        let egbad = "[model]\nmodel = \"egbad\"\ninit = { init = \"normal\", sd = 0.01 }\n";
        assert!(
            from(egbad, None)
                .unwrap()
                .to_toml()
                .unwrap()
                .contains("sd = 0.01")
        );
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        let bad = [
            ("epochs = 3\nepoch = 4\n", Some("egbad"), "row 2"),
            ("[model]\nmodel = \"egbad\"\nlatency = 8\n", None, "row 3"),
            ("seed = 1\nepochs = \"many\"\n", Some("egbad"), "row 2"),
            ("epochs = \n", Some("egbad"), "row 1"),
            ("[model]\nmodel = \"egbad\"\n", Some("pca"), "one model"),
            ("epochs = 3\n", None, "no model"),
        ];
        for (text, model, expected) in bad {
            let error = from(text, model).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
