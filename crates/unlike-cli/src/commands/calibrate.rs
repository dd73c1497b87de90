//! `unlike calibrate`.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use unlike_core::{
    files::check_writable,
    words::{self, counted},
};

use crate::{
    args::{Common, DataArgs, DataPaths, DeviceArg},
    inputs::{is_same, refuse_over, refuse_there},
    terminal::{
        self,
        failure::{Outcome, Result},
        say,
    },
};

const EXAMPLES: &str = "\
The networks stay as they are; only what a score means changes. Use it when
normal has drifted and promised false-alarm rates no longer hold. The samples
must not have been trained on. A false-alarm rate of 0.01 needs at least 99
normals, 0.001 at least 999.

Examples:
  unlike calibrate runs/egbad-flows last_week.csv
  unlike calibrate runs/egbad-flows last_week.csv --out new.safetensors";

/// Renew a model's p-values with other normal samples
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CalibrateArgs {
    /// A folder that `unlike train` made, or a model file
    model: PathBuf,
    /// A file of normal rows (or several of the same columns, or a pattern in quotes), or a folder of
    /// normal images; of labelled data, the normals are used
    #[arg(required = true)]
    data: Vec<PathBuf>,
    /// Where to write the model [default: over MODEL]
    #[arg(long, value_name = "MODEL2")]
    out: Option<PathBuf>,
    /// Replace another model that is there already
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    device: DeviceArg,
    #[command(flatten)]
    reading: DataArgs,
}

impl CalibrateArgs {
    /// Scores normals, and saves the model with their scores.
    pub(crate) fn run(self, common: Common) -> Result<Outcome> {
        let paths = DataPaths(&self.data);
        let own = match self.model.is_dir() {
            true => self.model.join("model.safetensors"),
            false => self.model.clone(),
        };
        let out = self.out.clone().unwrap_or_else(|| own.clone());
        let model = self.device.load(&self.model)?;
        self.device.describe_for(&model.config().model)?;
        // Over MODEL is how a model gets its new calibration.
        let inputs = paths.inputs();
        let inputs: Vec<&Path> = inputs.iter().map(PathBuf::as_path).collect();
        refuse_over(&out, &inputs)?;
        refuse_there(&out, self.force || is_same(&out, &own))?;
        check_writable(&out)?;
        let before = model.calibration().len();
        let data = self.reading.read_for(paths, &model)?;
        let normals = data.normals_for_training()?;
        say(
            "data",
            &format!("{}: {}", paths.shown(), normals.describe()),
        );
        let name = paths.shown();
        if let Some(seen) = model.seen(&normals.samples, &name)? {
            let note = format!(
                "{seen}; p-values from them promise nothing: calibrate on samples that it has not seen"
            );
            terminal::notes(&[note.into()]);
        }
        let model = model.recalibrate(&normals.samples)?;
        terminal::notes(&model.score_notes());
        model.save(&out)?;

        let calibration = model.calibration();
        say(
            "promise",
            &format!(
                "{} calibrate p-values ({} before): false-alarm rates from {} up can be promised",
                counted(
                    calibration.len(),
                    &format!("normal {}", normals.samples.noun())
                ),
                words::count(before),
                words::rate(calibration.smallest_rate())
            ),
        );
        say("model", &out.display().to_string());
        if common.json {
            terminal::print_json(&json!({
                "model": out.display().to_string(),
                "n_calibration": calibration.len(),
                "smallest_false_alarm_rate": calibration.smallest_rate(),
            }))?;
        }
        Ok(Outcome::Done)
    }
}
