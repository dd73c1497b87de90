//! From the options of `unlike sweep` to its trainings.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use unlike::{ConfigFile, ModelConfig};
use unlike_core::{check_setting, words::counted};

use super::{SweepArgs, job::Job};
use crate::{args::DataPaths, inputs::refuse_over, terminal::failure::Result};

/// `KEY=V1,V2`; commas within brackets are part of a value.
pub(super) fn setting(text: &str) -> Result<(String, Vec<String>), String> {
    let (key, values) = text.split_once('=').unwrap_or_default();
    let mut depth = 0_i32;
    let between = |c: char| {
        depth += i32::from(c == '[') - i32::from(c == ']');
        c == ',' && depth == 0
    };
    let values: Vec<String> = values.split(between).map(|v| v.trim().to_owned()).collect();
    match key.split('.').all(|part| !part.is_empty()) && values.iter().all(|v| !v.is_empty()) {
        true => Ok((key.to_owned(), values)),
        false => Err("expected a setting and its values, as egbad.latent=8,16".to_owned()),
    }
}

impl SweepArgs {
    /// All trainings, in the order in which they are begun.
    pub(super) fn jobs(&self) -> Result<Vec<Job>> {
        let found = |paths: &[PathBuf]| match paths {
            [] => Ok(Vec::new()),
            paths => DataPaths(paths).files(),
        };
        let (data, held_out) = (found(&self.data)?, found(&self.held_out)?);
        check_setting(
            "held-out",
            counted(held_out.len(), "path"),
            held_out.is_empty() || held_out.len() == data.len(),
            &format!("{}, one for each DATA", data.len()),
        )?;
        for (path, normals) in data.iter().zip(&held_out) {
            let same = path.canonicalize().ok().zip(normals.canonicalize().ok());
            check_setting(
                "held-out",
                normals.display(),
                same.is_none_or(|(path, normals)| path != normals),
                "other normals than those that are trained on",
            )?;
        }
        for (key, _) in &self.set {
            let model = key.split('.').next().unwrap_or_default();
            let is_asked = self.models.iter().any(|asked| asked == model);
            let expected = "a setting, of all models or of one that --models names";
            let known = !ModelConfig::names().any(|name| name == model) || is_asked;
            check_setting("set", key, known, expected)?;
            let is_seed = key == "seed";
            check_setting("set", key, !is_seed, "another setting; --seeds has those")?;
        }
        let mut jobs = Vec::new();
        for (at, path) in data.iter().enumerate() {
            for model in &self.models {
                let config = ConfigFile::load(Some(model), self.config.as_deref())?;
                for (config, settings) in self.combinations(model, config) {
                    for &seed in &self.seeds {
                        let data = DataPaths(std::slice::from_ref(path)).name();
                        let name = match settings.as_str() {
                            "" => format!("{model}-{seed}"),
                            settings => format!("{model}-{settings}-{seed}"),
                        };
                        let plain = |c: char| c.is_alphanumeric() || "-_.=".contains(c);
                        let name = name.replace(|c| !plain(c), "_");
                        jobs.push(Job {
                            run: self.out.join(&data).join(name),
                            data,
                            model: model.clone(),
                            settings: settings.clone(),
                            seed,
                            path: path.clone(),
                            held_out: held_out.get(at).cloned(),
                            config: config.to_toml()?,
                            options: self.train.clone(),
                        });
                    }
                }
            }
        }
        let mut inputs: Vec<&Path> = data.iter().chain(&held_out).map(PathBuf::as_path).collect();
        inputs.extend(self.config.as_deref());
        for file in jobs.iter().flat_map(Job::files) {
            refuse_over(&file, &inputs)?;
        }
        let mut runs = HashSet::new();
        let twice = jobs.iter().find(|job| !runs.insert(&job.run));
        let found = twice.map(|job| format!("`{}` twice", job.run.display()));
        let expected = "data, models, settings and seeds whose names differ";
        check_setting("out", found.unwrap_or_default(), twice.is_none(), expected)?;
        Ok(jobs)
    }

    /// Every combination of values for this model, and how it is called.
    fn combinations(&self, model: &str, config: ConfigFile) -> Vec<(ConfigFile, String)> {
        let mut all = vec![(config, String::new())];
        for (key, values) in &self.set {
            let (first, rest) = key.split_once('.').unwrap_or((key, ""));
            let (key, last) = match ModelConfig::names().any(|name| name == first) {
                true if first != model => continue,
                true => (format!("model.{rest}"), rest),
                false => (key.clone(), key.as_str()),
            };
            let with = |(config, name): &(ConfigFile, String)| {
                let one = |value: &String| {
                    let gap = if name.is_empty() { "" } else { "-" };
                    let name = format!("{name}{gap}{last}={value}");
                    (config.clone().with(&key, value), name)
                };
                values.iter().map(one).collect::<Vec<_>>()
            };
            all = all.iter().flat_map(with).collect();
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::setting;

    #[test]
    fn values_of_settings_stand_between_commas() {
        let values = |text| setting(text).unwrap().1;
        assert_eq!(setting("epochs=3").unwrap().0, "epochs");
        assert_eq!(values("epochs=3, 4"), ["3", "4"]);
        assert_eq!(
            values("egbad.networks.encoder=[64, 32],[16]"),
            ["[64, 32]", "[16]"]
        );
        for text in ["epochs", "=3", "epochs=", "knn..k=1", "epochs=1,"] {
            assert!(setting(text).is_err(), "{text}");
        }
    }
}
