//! Settings of a training from the recommended ones and a TOML file that may leave things out.

use std::path::{Path, PathBuf};

use toml::{Table, Value};
use unlike_core::{Error, Location, Note, Result, Samples};
use unlike_data::{Fit, Reading};
use unlike_features::FeatureConfig;

use crate::{models::MODELS, presets, train::TrainConfig};

/// Which model, and the settings of a file, before the samples are known that the recommended
/// settings depend on.
///
/// ```no_run
/// # fn samples() -> unlike::Samples { unimplemented!() }
/// use unlike::ConfigFile;
///
/// let settings = ConfigFile::load(Some("egbad"), Some("config.toml".as_ref()))?;
/// let config = settings.for_samples(&samples(), None)?;
/// # Ok::<(), unlike::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ConfigFile {
    model: String,
    file: Option<File>,
    /// Whether what the file leaves out is as in the model's paper.
    paper: bool,
}

#[derive(Clone, Debug)]
struct File {
    path: PathBuf,
    text: String,
    settings: Table,
}

impl ConfigFile {
    /// Reads the file, if there is one.
    ///
    /// # Errors
    /// If neither names a model or they name two, or the file cannot be read or is not TOML.
    pub fn load(model: Option<&str>, file: Option<&Path>) -> Result<Self> {
        let Some(path) = file else {
            return Ok(Self {
                model: model.unwrap_or_default().to_owned(),
                file: None,
                paper: false,
            });
        };
        let text = std::fs::read_to_string(path).map_err(Error::io("read", path))?;
        let settings: Table = toml::from_str(&text).map_err(|e: toml::de::Error| {
            let row = e
                .span()
                .map(|span| 1 + text[..span.start].matches('\n').count() as u64);
            malformed(path, e.message().to_owned(), row)
        })?;
        let named = settings
            .get("model")
            .and_then(|m| m.get("model"))
            .and_then(Value::as_str);
        let model = match (model, named) {
            (Some(option), Some(named)) if option != named => {
                return Err(Error::Setting {
                    name: "model".into(),
                    found: format!("`{option}`, and `{named}` in `{}`", path.display()),
                    expected: "one model".into(),
                    hint: Some(
                        Note::new("leave out ")
                            .setting("model")
                            .text(", or use a file for that model"),
                    ),
                });
            }
            (Some(name), _) | (None, Some(name)) => name.to_owned(),
            (None, None) => {
                return Err(malformed(path, "no model".into(), None).with_hint(
                    Note::new("say ")
                        .setting("model")
                        .text(", or write `model = \"egbad\"` under `[model]`"),
                ));
            }
        };
        let path = path.to_owned();
        Ok(Self {
            model,
            file: Some(File {
                path,
                text,
                settings,
            }),
            paper: false,
        })
    }

    /// The same, in which what the file leaves out is as in the model's paper, not as recommended; see
    /// [`presets`]. Images are then seen as the paper has it, by their pixels nearly always, unless the file says
    /// otherwise.
    #[must_use]
    pub fn as_in_paper(self) -> Self {
        Self {
            paper: true,
            ..self
        }
    }

    /// The name of the model.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// How the file says that images come to their size.
    pub fn image_fit(&self) -> Option<Fit> {
        let settings = &self.file.as_ref()?.settings;
        let fit = settings.get("preprocessing")?.get("image-fit")?;
        // What is wrong with it is said when all settings are read.
        fit.clone().try_into().ok()
    }

    /// What the file says about how the data are to be read.
    pub fn reading(&self) -> Option<Reading> {
        let settings = &self.file.as_ref()?.settings;
        let reading = settings.get("preprocessing")?.get("reading")?;
        // What is wrong with it is said when all settings are read.
        reading.clone().try_into().ok()
    }

    /// What the file says that detectors see of images.
    ///
    /// # Errors
    /// If it says what cannot be.
    pub fn features(&self) -> Result<Option<FeatureConfig>> {
        let pixels = self.paper && presets::sees_pixels(&self.model);
        let of_paper = || pixels.then_some(FeatureConfig::Pixels);
        let Some(file) = &self.file else {
            return Ok(of_paper());
        };
        let features = file.settings.get("features").cloned();
        let read = |value: Value| {
            value.try_into().map_err(|error: toml::de::Error| {
                let message = format!("`features`: {}", error.message());
                let row = line_of("`features`", &file.text);
                malformed(&file.path, message, row)
            })
        };
        Ok(features.map(read).transpose()?.or_else(of_paper))
    }

    /// The recommended settings for these samples with those of the file on top. `features` are what
    /// detectors see of images, if not what the file says.
    ///
    /// # Errors
    /// If there is no such model, or the file holds a key that is not a setting.
    pub fn for_samples(
        mut self,
        samples: &Samples,
        features: Option<FeatureConfig>,
    ) -> Result<TrainConfig> {
        let chosen = features.is_some();
        let features = features.map_or_else(|| self.features(), |chosen| Ok(Some(chosen)))?;
        let mut recommended =
            TrainConfig::recommended_with(&self.model, samples, features.as_ref())?;
        if self.paper {
            recommended = presets::paper(recommended, samples.into())?;
        }
        if let (Some(file), true) = (&mut self.file, chosen) {
            file.settings.remove("features");
        }
        let Some(File {
            path,
            text,
            settings,
        }) = self.file
        else {
            return Ok(recommended);
        };
        let unwritable = |e: toml::ser::Error| malformed(&path, e.to_string(), None);
        let mut merged = Table::try_from(&recommended).map_err(unwritable)?;
        merge(&mut merged, settings);
        let read = merged.try_into::<TrainConfig<serde_json::Value>>();
        let read = read.map_err(|error| error.to_string().trim().replace('\n', " "));
        let read = read.and_then(|config| config.with_model_of(MODELS));
        read.map_err(|message| {
            let row = line_of(&message, &text);
            malformed(&path, message, row)
        })
    }
}

fn malformed(path: &Path, found: String, row: Option<u64>) -> Error {
    Error::Malformed {
        path: path.to_owned(),
        location: Location { row, column: None },
        found,
        expected: "the settings of a training".into(),
        hint: Some("any run's config.toml holds every setting".into()),
    }
}

/// The line of the key that a message names: positions are lost when tables are merged.
fn line_of(message: &str, text: &str) -> Option<u64> {
    let mut quoted = message.split('`').skip(1).step_by(2);
    // What is wrong with a model's settings begins with their path.
    let key = match message.starts_with("unknown") || message.starts_with('`') {
        true => quoted.next(),
        false => quoted.last(),
    };
    let key = key.and_then(|path| path.rsplit('.').next())?;
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

    fn samples() -> Samples {
        Samples::Table(unlike_core::Table::from_rows("rows", &["a"], &[1.0, 2.0]).unwrap())
    }

    fn from(text: &str, model: Option<&str>) -> Result<TrainConfig> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        std::fs::write(&path, text).unwrap();
        ConfigFile::load(model, Some(&path))?.for_samples(&samples(), None)
    }

    #[test]
    fn what_a_file_leaves_out_is_as_recommended() {
        let config = from("epochs = 3\n[model]\nmodel = \"egbad\"\nlatent = 8\n", None).unwrap();
        assert_eq!(config.epochs, 3);
        let recommended = TrainConfig::recommended("egbad", &samples()).unwrap();
        assert_eq!(config.batch_size, recommended.batch_size);
        let text = config.to_toml().unwrap();
        assert!(text.contains("latent = 8"), "{text}");
        assert_eq!(from(&text, Some("egbad")).unwrap(), config);
    }

    #[test]
    fn another_choice_replaces_the_recommended_one() {
        let init = "[model.training]\ninit = { init = \"normal\", sd = 0.01 }\n";
        let config = from(init, Some("egbad")).unwrap();
        assert!(config.to_toml().unwrap().contains("sd = 0.01"));
        let error = from(
            "[model.training]\ninit = { init = \"normal\" }\n",
            Some("egbad"),
        );
        assert!(error.unwrap_err().to_string().contains("`sd`"));
    }

    #[test]
    fn fields_of_networks_can_be_given_singly() {
        let config = from("[model.networks]\nencoder = [17]\n", Some("egbad")).unwrap();
        let text = config.to_toml().unwrap();
        assert!(text.contains("encoder = [17]"), "{text}");
        assert!(text.contains("discriminator_x = [128]"), "{text}");
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        let bad = [
            ("epochs = 3\nepoch = 4\n", Some("egbad"), "row 2"),
            ("[model]\nmodel = \"egbad\"\nlatency = 8\n", None, "row 3"),
            ("seed = 1\nepochs = \"many\"\n", Some("egbad"), "row 2"),
            ("epochs = \n", Some("egbad"), "row 1"),
            (
                "[model.training.adam]\nbeta1 = 2.0\n",
                Some("egbad"),
                "row 2",
            ),
            ("[model]\nmodel = \"egbad\"\n", Some("pca"), "one model"),
            ("epochs = 3\n", None, "no model"),
        ];
        for (text, model, expected) in bad {
            let error = from(text, model).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
