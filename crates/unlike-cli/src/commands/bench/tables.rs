//! `unlike bench tables`: every model on a folder of tables.

use std::path::PathBuf;

use clap::Args;
use unlike_bench::{Tables, table_models, tables_html, tables_markdown};

use super::cells::{CellArgs, Shown, models};
use crate::{
    args::{Common, seed},
    terminal::failure::{Outcome, Result},
};

const EXAMPLES: &str = "\
DIR holds `.npz` files as ODDS and ADBench have them: `X` of rows and columns, and
`y`, which is 1 for anomalies. Half of the normals train, drawn by the seed; the
others and all anomalies test. Labels measure, and choose nothing.

Examples:
  unlike bench tables ~/data/tabular
  unlike bench tables ~/data/tabular --models ganomaly,knn --sets cardio,thyroid
  unlike bench tables ~/data/tabular --show --html tables.html";

/// All models on a folder of tables
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TablesArgs {
    /// A folder of `.npz` files
    dir: PathBuf,
    /// Names of files, without `.npz` [default: all]
    #[arg(long, value_name = "SET,…", value_delimiter = ',')]
    sets: Vec<String>,
    /// The models; names joined by + are one ensemble, as ganomaly+fanogan [default: all that see rows]
    #[arg(long, value_name = "MODEL,…", value_delimiter = ',')]
    #[arg(value_parser = |text: &str| models(text, table_models()))]
    models: Vec<String>,
    /// Seeds, each with a split of its own
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "0,1,2,3,4", value_parser = seed)]
    seeds: Vec<u64>,
    #[command(flatten)]
    cells: CellArgs,
}

impl TablesArgs {
    /// Computes and shows the cells.
    pub(super) fn run(self, common: Common) -> Result<Outcome> {
        let mut tables = Tables::new(self.dir);
        tables.sets = self.sets;
        if !self.models.is_empty() {
            tables.models = self.models;
        }
        tables.seeds = self.seeds;
        tables.settings = self.cells.settings()?;
        let shown = Shown {
            name: "tables",
            markdown: tables_markdown,
            html: tables_html,
        };
        self.cells.run(&tables, &shown, common)
    }
}
