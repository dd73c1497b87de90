//! `unlike calibrate`.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};
use unlike::{
    Model,
    groups::groups_of,
    judge::{USUAL_RATE, promise},
};
use unlike_core::{
    Label, Note,
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
    /// Compare each sample with the normals of its own group: a column, or `folder` for images
    #[arg(long, value_name = "COLUMN")]
    calibrate_by: Option<String>,
    /// DATA has labels: also learn from them, for the score in use, how probable an anomaly is among
    /// samples as these (Venn-Abers); `score` then gives probabilities
    #[arg(long)]
    probabilities: bool,
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
        let by = self.calibrate_by.as_deref();
        let data = self.reading.read_grouped(paths, &model, by)?;
        let normals = data.normals_for_training()?;
        say(
            "data",
            &format!("{}: {}", paths.shown(), normals.describe()),
        );
        let name = paths.shown();
        let mut notes = data.notes().to_vec();
        if let Some(seen) = model.seen(&normals.samples, &name)? {
            let note = format!(
                "{seen}; p-values from them promise nothing: calibrate on samples that it has not seen"
            );
            notes.push(Note::new(note).coded("trained-on"));
            terminal::notes(&notes[notes.len() - 1..]);
        }
        let before_by = model.grouped_by().filter(|_| by.is_none());
        if let Some(before_by) = before_by {
            let note = Note::new(format!(
                "the model compared samples within groups by `{before_by}`, and no longer does; to keep that, \
                 say "
            ))
            .set("calibrate-by", before_by)
            .coded("groups-dropped");
            terminal::notes(std::slice::from_ref(&note));
            notes.push(note);
        }
        let mut model = model.recalibrate(&normals.samples)?;
        if let Some(by) = by {
            let groups = groups_of(&normals.samples, by)?;
            model = model.with_groups(by, &groups)?;
            say("groups", &in_words(&model));
        }
        if self.probabilities {
            let labelled = data.labelled()?;
            model = model.with_probabilities(&labelled)?;
            let [normal, anomalous] = [Label::Normal, Label::Anomalous].map(|label| {
                words::counted(labelled.count(label), &format!("{label:?}").to_lowercase())
            });
            let text = format!("probabilities from {normal} and {anomalous} samples");
            say("labels", &text);
        }
        let of_scores = model.score_notes();
        terminal::notes(&of_scores);
        notes.extend(of_scores);
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
        if by.is_none()
            && let Some(promise) = promise(calibration, USUAL_RATE)
        {
            say("", &promise);
        }
        say("model", &out.display().to_string());
        if common.json {
            terminal::print_json(&json!({
                "model": out.display().to_string(),
                "n_calibration": calibration.len(),
                "smallest_false_alarm_rate": calibration.smallest_rate(),
                "range_at_usual_rate": calibration.range(USUAL_RATE).ok(),
                "groups": group_sizes(&model),
                "notes": terminal::coded(&notes),
            }))?;
        }
        Ok(Outcome::Done)
    }
}

/// How many held-out normals each group has, in words.
pub(super) fn in_words(model: &Model) -> String {
    let by = model.grouped_by().unwrap_or_default();
    let sizes = model
        .group_calibrations()
        .into_iter()
        .flat_map(|g| g.groups());
    let sizes: Vec<usize> = sizes.map(|(_, own)| own.len()).collect();
    let smallest = sizes.iter().min().copied().unwrap_or_default();
    format!(
        "{} by `{by}`, of {} to {} held-out normals; in the smallest, false-alarm rates from {} up can be \
         promised",
        counted(sizes.len(), "group"),
        words::count(smallest),
        words::count(sizes.iter().max().copied().unwrap_or_default()),
        words::rate(1.0 / (smallest + 1) as f64),
    )
}

/// The same for documents: null if there are no groups.
pub(super) fn group_sizes(model: &Model) -> Value {
    let Some(groups) = model.group_calibrations() else {
        return Value::Null;
    };
    let sizes = groups
        .groups()
        .map(|(name, own)| (name.to_owned(), json!(own.len())));
    json!({ "by": model.grouped_by(), "held_out": Value::Object(sizes.collect()) })
}
