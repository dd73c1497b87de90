//! `--device`, for every command that runs networks.

use std::path::Path;

use clap::Args;
use unlike::{Model, ModelConfig, backend};
use unlike_core::Error;

use crate::terminal::{failure::Result, say};

/// Where networks live.
#[derive(Args, Clone, Debug)]
pub(crate) struct DeviceArg {
    /// Where the networks live; `unlike doctor` lists what there is
    #[arg(long, value_name = "D", default_value = "cpu")]
    device: String,
}

impl DeviceArg {
    /// As the library knows it.
    pub(crate) fn name(&self) -> &str {
        &self.device
    }

    /// Fails if there is no such device, before any work is done.
    pub(crate) fn check(&self) -> Result<()> {
        backend::device(&self.device).map_err(|e| self.built_without(e))?;
        Ok(())
    }

    /// What stands behind the name, for the record; the user is told unless it is the CPU.
    pub(crate) fn describe(&self) -> Result<String> {
        let description = backend::describe(&self.device).map_err(|e| self.built_without(e))?;
        if self.device != CPU {
            say("device", &description);
        }
        Ok(description)
    }

    /// A model, with its networks on the device.
    pub(crate) fn load(&self, model: &Path) -> Result<Model> {
        Ok(Model::load_on(model, &self.device).map_err(|e| self.built_without(e))?)
    }

    /// The error with what to type, if the device is one that this build was made without.
    fn built_without(&self, error: Error) -> Error {
        let known = backend::DEVICES.contains(&self.device.as_str());
        match self.device.as_str() {
            "wgpu" if !known => error.with_hint(
                "build it in with: cargo install --path crates/unlike-cli --features wgpu",
            ),
            _ => error,
        }
    }

    /// [`describe`](Self::describe) for a model: baselines run on the CPU wherever they are sent.
    pub(crate) fn describe_for(&self, model: &ModelConfig) -> Result<String> {
        if model.has_networks() || self.device == CPU {
            return self.describe();
        }
        say(
            "note",
            &format!("{} has no networks and runs on the cpu", model.name()),
        );
        Ok(CPU.to_owned())
    }
}

/// The device that every build has.
pub(crate) const CPU: &str = "cpu";
