//! The options that split DATA into a part to train on and a part to test on.

use clap::{Args, ValueEnum};
use unlike_core::words::counted;
use unlike_data::{
    DataSet,
    split::{self, Split},
};

use super::seed;
use crate::terminal::{self, failure::Result, say};

/// Which part of DATA a command takes. `train` and `eval` with the same options take parts that
/// have no sample in common.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Splitting DATA")]
pub(crate) struct SplitArgs {
    /// Take only a part of DATA: train and eval with the same options take disjoint parts. In
    /// merged-80-20, 80 % of the normals train; the others and all anomalies test. Official parts
    /// are those in which MNIST and CIFAR-10 are published [default: all of DATA, or the sub-folders
    /// train and test of images]
    #[arg(long, value_name = "HOW")]
    split: Option<SplitArg>,
    /// Decides which normals are among the 80 %
    #[arg(long, value_name = "N", default_value = "0", requires = "split", value_parser = seed)]
    split_seed: u64,
}

/// Values of `--split`.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum SplitArg {
    #[value(name = "merged-80-20")]
    Merged,
    Official,
}

impl SplitArgs {
    /// As it is typed, if DATA is split.
    pub(crate) fn typed(&self) -> Option<String> {
        let how = self.split?.to_possible_value()?;
        let seed = match self.split_seed {
            0 => String::new(),
            seed => format!(" --split-seed {seed}"),
        };
        Some(format!("--split {}{seed}", how.get_name()))
    }

    /// What to train on, normals, and `with_test` what to test on, if DATA is split.
    pub(crate) fn train_part(
        &self,
        data: DataSet,
        with_test: bool,
    ) -> Result<(DataSet, Option<DataSet>)> {
        Ok(match self.apply(&data)? {
            Some(split) => {
                let test = with_test.then(|| data.select(split.test()));
                (data.select(split.train()), test)
            }
            None => match data.folder_parts() {
                Some([train, test]) => {
                    let left = counted(test.len(), "image");
                    say(
                        "split",
                        &format!("by folders: {left} to test on are left out of the training"),
                    );
                    (data.select(&train), None)
                }
                None => (data, None),
            },
        })
    }

    /// What to test on, and how it was chosen.
    pub(crate) fn test_part(&self, data: DataSet) -> Result<(DataSet, Option<String>)> {
        Ok(match self.apply(&data)? {
            Some(split) => (data.select(split.test()), Some(split.describe().to_owned())),
            None => match data.folder_parts() {
                Some([train, test]) => {
                    let left = counted(train.len(), "image");
                    let how = format!("by folders: {left} to train on are left out of the test");
                    say("split", &how);
                    (data.select(&test), Some(how))
                }
                None => (data, None),
            },
        })
    }

    fn apply(&self, data: &DataSet) -> Result<Option<Split>> {
        let Some(how) = self.split else {
            return Ok(None);
        };
        let split = match how {
            SplitArg::Merged => split::merged_80_20(data.labelled()?.labels(), self.split_seed)?,
            SplitArg::Official => split::official(data)?,
        };
        say("split", split.describe());
        terminal::notes(split.shared_note(data.samples()).as_slice());
        Ok(Some(split))
    }
}
