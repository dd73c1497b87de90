//! Settings of a training from the recommended ones and others, in a TOML file or given by a program, that
//! may leave things out.

use std::path::{Path, PathBuf};

use toml::{Table, Value};
use unlike_core::{Error, Location, Note, Result, Samples};
use unlike_data::{Fit, ImageOptions, ImageSize, Reading};
use unlike_features::{FeatureConfig, Pool};

use crate::{models::MODELS, presets, registry::Entry, train::TrainConfig};

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
    given: Option<Given>,
    /// Whether what is left out is as in the model's paper.
    paper: bool,
}

/// Settings, and where they stand.
#[derive(Clone, Debug)]
struct Given {
    /// The file and its text; none for those of a program.
    file: Option<(PathBuf, String)>,
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
                given: None,
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
        Ok(Self {
            model,
            given: Some(Given {
                file: Some((path.to_owned(), text)),
                settings,
            }),
            paper: false,
        })
    }

    /// Settings that a program gives, as a JSON object of the form of a file's: for a notebook, or another
    /// language.
    ///
    /// # Errors
    /// If it is no object, or holds what no file of settings can: null, or a whole number of more than 63
    /// bits.
    pub fn given(model: &str, settings: &serde_json::Value) -> Result<Self> {
        let settings = Table::try_from(settings).map_err(|error| Error::Setting {
            name: "settings".into(),
            found: error.to_string().trim().replace('\n', " "),
            expected: "names with numbers, texts, lists and the like".into(),
            hint: None,
        })?;
        Ok(Self {
            model: model.to_owned(),
            given: Some(Given {
                file: None,
                settings,
            }),
            paper: false,
        })
    }

    /// The same with this setting, `key` as `epochs` or `model.latent`, and `value` as files have it: `16`, `[64, 128]`;
    /// texts need no quotes.
    #[must_use]
    pub fn with(mut self, key: &str, value: &str) -> Self {
        let read = toml::from_str::<Table>(&format!("value = {value}"));
        let read = read.ok().and_then(|mut table| table.remove("value"));
        let value = read.unwrap_or_else(|| Value::String(value.to_owned()));
        let within = |value, part: &str| Table::from_iter([(part.to_owned(), value)]).into();
        if let Value::Table(settings) = key.rsplit('.').fold(value, within) {
            let given = self.given.get_or_insert_with(|| Given {
                file: None,
                settings: Table::new(),
            });
            merge(&mut given.settings, settings);
        }
        self
    }

    /// What was given, and the model's name: a file for [`load`](Self::load).
    ///
    /// # Errors
    /// If a setting is given as `model`, which is a table of settings.
    pub fn to_toml(&self) -> Result<String> {
        let given = self.given.as_ref();
        let mut settings = given.map_or_else(Table::new, |given| given.settings.clone());
        let model = settings.entry("model").or_insert(Table::new().into());
        let Value::Table(of_model) = model else {
            return Err(setting("`model`: a value; expected a table of settings"));
        };
        of_model.insert("model".to_owned(), self.model.clone().into());
        toml::to_string(&settings).map_err(|error| setting(&error.to_string()))
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

    /// How images are read for a training that sees these features of them, or those that are usual where
    /// none are named: their longest side, and whether they must be squares.
    pub fn images_for(features: Option<&FeatureConfig>, images: ImageOptions) -> ImageOptions {
        let usual = FeatureConfig::lite0(Pool::Patches);
        let features = features.unwrap_or(&usual);
        let fixed = features.fixed_size();
        let fixed = fixed.map(|[height, width]| ImageSize { height, width });
        ImageOptions {
            size: images.size.or(fixed),
            usual_side: features.usual_side(),
            square: *features == FeatureConfig::Pixels,
            ..images
        }
    }

    /// The name of the model.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// How the file says that images come to their size.
    pub fn image_fit(&self) -> Option<Fit> {
        let settings = &self.given.as_ref()?.settings;
        let fit = settings.get("preprocessing")?.get("image-fit")?;
        // What is wrong with it is said when all settings are read.
        fit.clone().try_into().ok()
    }

    /// What the file says about how the data are to be read.
    pub fn reading(&self) -> Option<Reading> {
        let settings = &self.given.as_ref()?.settings;
        let reading = settings.get("preprocessing")?.get("reading")?;
        // What is wrong with it is said when all settings are read.
        reading.clone().try_into().ok()
    }

    /// The seed, if the file says one.
    pub fn seed(&self) -> Option<u64> {
        let seed = self.given.as_ref()?.settings.get("seed")?;
        // What is wrong with it is said when all settings are read.
        seed.clone().try_into().ok()
    }

    /// What the file says that detectors see of images.
    ///
    /// # Errors
    /// If it says what cannot be.
    pub fn features(&self) -> Result<Option<FeatureConfig>> {
        let pixels = || Entry::find(MODELS, &self.model).is_ok_and(|entry| !entry.rows_only);
        let of_paper = || (self.paper && pixels()).then_some(FeatureConfig::Pixels);
        let Some(given) = &self.given else {
            return Ok(of_paper());
        };
        let features = given.settings.get("features").cloned();
        let read = |value: Value| {
            value.try_into().map_err(|error: toml::de::Error| {
                given.refuse(format!("`features`: {}", error.message()))
            })
        };
        let features = features.map(read).transpose()?.or_else(of_paper);
        features.map(FeatureConfig::open).transpose()
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
        let features = features.map_or_else(|| self.features(), |chosen| Ok(Some(chosen)))?;
        let mut recommended =
            TrainConfig::recommended_with(&self.model, samples, features.as_ref())?;
        if self.paper {
            recommended = presets::paper(recommended, samples.into())?;
        }
        // They are in the recommended settings, with the network of a file read.
        if let Some(given) = &mut self.given {
            given.settings.remove("features");
        }
        let Some(given) = self.given else {
            return Ok(recommended);
        };
        let unwritable = |e: toml::ser::Error| given.refuse(e.to_string());
        let mut merged = Table::try_from(&recommended).map_err(unwritable)?;
        merge(&mut merged, given.settings.clone());
        let read = merged.try_into::<TrainConfig<serde_json::Value>>();
        let read = read.map_err(|error| error.to_string().trim().replace('\n', " "));
        let read = read.and_then(|config| config.with_model_of(MODELS));
        let config = read.map_err(|message| given.refuse(message))?;
        let features = recommended.features;
        Ok(TrainConfig { features, ..config })
    }
}

impl Given {
    /// The error about what is wrong with these settings, with the line of a file where that is known.
    fn refuse(&self, message: String) -> Error {
        match &self.file {
            Some((path, text)) => {
                let row = line_of(&message, text);
                malformed(path, message, row)
            }
            None => setting(&message),
        }
    }
}

/// The error about one of a program's settings, from what is said of it as one of a file's.
fn setting(message: &str) -> Error {
    let quoted = |text: &str| text.split('`').nth(1).unwrap_or_default().to_owned();
    // What is wrong with a model's settings begins with their path; of others, it ends with it.
    let (path, said) = match (message.strip_prefix('`'), message.rsplit_once(" in `")) {
        (Some(rest), _) => rest.split_once("`: ").unwrap_or(("model", message)),
        (None, Some((said, path))) => (path.trim_end_matches('`'), said),
        (None, None) => ("", message),
    };
    let whole = (said, "the settings of a training");
    let (found, expected) = said
        .split_once("; expected ")
        .or_else(|| said.split_once(", expected "))
        .unwrap_or(whole);
    let unknown = found.starts_with("unknown field");
    let name = match path {
        "" => quoted(found),
        path => path.to_owned(),
    };
    let found = match unknown {
        true => "no setting",
        false => ["unknown variant ", "invalid type: ", "invalid value: "]
            .iter()
            .find_map(|lead| found.strip_prefix(lead))
            .unwrap_or(found),
    };
    Error::Setting {
        name,
        found: found.to_owned(),
        expected: expected.to_owned(),
        hint: None,
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
    fn a_program_gives_settings_as_a_file_does() {
        let given = |settings: serde_json::Value| {
            ConfigFile::given("egbad", &settings)?.for_samples(&samples(), None)
        };
        let settings = serde_json::json!({ "epochs": 3, "model": { "latent": 8 } });
        let text = "epochs = 3\n[model]\nlatent = 8\n";
        assert_eq!(given(settings).unwrap(), from(text, Some("egbad")).unwrap());
        for (settings, expected) in [
            (
                serde_json::json!({ "model": { "latent": 0 } }),
                "`model.latent` is 0; expected from 1 to 65536",
            ),
            (
                serde_json::json!({ "model": { "networks": { "dec": [1] } } }),
                "`model.networks.dec` is no setting; expected one of `width`",
            ),
            (
                serde_json::json!({ "schedule": "linear" }),
                "`schedule` is `linear`; expected `constant` or `cosine`",
            ),
            (
                serde_json::json!({ "epochs": "many" }),
                "`epochs` is string \"many\"; expected usize",
            ),
            (
                serde_json::json!({ "epoch": 3 }),
                "`epoch` is no setting; expected one of `seed`",
            ),
            (serde_json::json!({ "epochs": null }), "`settings`"),
            (serde_json::json!([3]), "`settings`"),
        ] {
            let error = given(settings).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn settings_are_added_one_by_one_and_written() {
        let config = ConfigFile::load(Some("egbad"), None).unwrap();
        let config = [
            ("epochs", "3"),
            ("model.latent", "8"),
            ("model.networks.encoder", "[17]"),
            ("schedule", "constant"),
            ("epochs", "4"),
        ]
        .into_iter()
        .fold(config, |config, (key, value)| config.with(key, value));
        let text = config.to_toml().unwrap();
        let expected = "epochs = 4\nschedule = \"constant\"\n[model]\nlatent = 8\n[model.networks]\nencoder = [17]\n";
        assert_eq!(
            from(&text, None).unwrap(),
            from(expected, Some("egbad")).unwrap()
        );
        let config = ConfigFile::load(Some("egbad"), None).unwrap();
        let wrong = config.clone().with("epochs.of", "3");
        let error = wrong.for_samples(&samples(), None).unwrap_err();
        assert!(error.to_string().contains("`epochs`"), "{error}");
        let error = config.with("model", "3").to_toml().unwrap_err();
        assert!(error.to_string().contains("a table of settings"), "{error}");
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
