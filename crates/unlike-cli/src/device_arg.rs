//! `--device`, for every command that runs networks.

use clap::Args;
use unlike::{ModelConfig, backend};

use crate::{failure::Result, terminal::say};

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
        backend::device(&self.device)?;
        Ok(())
    }

    /// What stands behind the name, for the record; the user is told unless it is the CPU.
    pub(crate) fn describe(&self) -> Result<String> {
        let description = backend::describe(&self.device)?;
        if self.device != CPU {
            say("device", &description);
        }
        Ok(description)
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
