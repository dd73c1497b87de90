//! `unlike data info`.

use std::path::PathBuf;

use clap::Args;
use unlike_core::words::{self, count, counted};
use unlike_data::{
    DataInfo,
    info::{ColumnInfo, ImageInfo},
};

use crate::{
    args::{Common, DataArgs},
    terminal::{
        self,
        failure::{Outcome, Result},
        layout,
    },
};

const EXAMPLES: &str = "\
Examples:
  unlike data info flows.csv
  unlike data info flows.csv --label-column class --normal-label benign
  unlike data info tiles --image-size 64";

/// Show what is in a file or folder: samples, labels, columns
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DataInfoArgs {
    /// The file, or folder of images, to look at
    data: PathBuf,
    #[command(flatten)]
    reading: DataArgs,
}

impl DataInfoArgs {
    /// Counts what is in a file.
    pub(crate) fn run(self, common: Common) -> Result<Outcome> {
        let info = DataInfo::new(&self.reading.read(&self.data)?);
        if common.json {
            terminal::print_json(&info)?;
        } else {
            terminal::print(&text(&info))?;
        }
        Ok(Outcome::Done)
    }
}

fn text(info: &DataInfo) -> String {
    let style = terminal::style();
    let mut facts = vec![
        ("file", info.path.clone()),
        (
            "format",
            format!("{} ({})", info.format, info.format.describe()),
        ),
    ];
    match &info.image {
        Some(image) => facts.extend(images(info, image)),
        None => facts.extend([
            ("rows", count(info.rows)),
            ("columns", count(info.columns.len())),
        ]),
    }
    if let Some(name) = &info.class_name {
        let classes = info.classes.iter().take(8);
        let listed: Vec<String> = classes
            .map(|c| format!("{} ({})", c.level, count(c.count)))
            .collect();
        let more = match info.classes.len() - listed.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        facts.push((
            "classes",
            format!("in `{name}`: {}{more}", listed.join(", ")),
        ));
    }
    facts.push(match (info.normal, info.anomalous, &info.label_rule) {
        (Some(normal), Some(anomalous), Some(rule)) => (
            "labels",
            format!(
                "{} normal, {} anomalous: {rule}",
                count(normal),
                count(anomalous)
            ),
        ),
        _ if info.class_name.is_some() => (
            "labels",
            "nothing says which classes are normal; see --normal-label".into(),
        ),
        _ => (
            "labels",
            "none; training takes every sample as normal".into(),
        ),
    });
    let mut text = layout::facts(&facts, style);
    if info.image.is_some() {
        return text;
    }
    let rows: Vec<Vec<String>> = info.columns.iter().map(row).collect();
    text.push('\n');
    text.push_str(&layout::table(
        &["column", "kind", "missing", "values"],
        &rows,
        style,
    ));
    text
}

fn images(info: &DataInfo, image: &ImageInfo) -> Vec<(&'static str, String)> {
    let ImageInfo {
        height,
        width,
        channels,
    } = image;
    let mut facts = vec![
        ("images", count(info.rows)),
        ("size", words::image_size([*height, *width, *channels])),
    ];
    if let Some(masks) = info.masks {
        facts.push(("masks", count(masks)));
    }
    facts
}

fn row(column: &ColumnInfo) -> Vec<String> {
    let ColumnInfo {
        name,
        kind,
        missing,
        constant,
        number,
        levels,
        top,
    } = column;
    let values = match (number, levels) {
        (Some(n), _) if *constant => format!("always {}", words::number(n.min)),
        (Some(n), _) => format!(
            "{} to {}, mean {}",
            words::number(n.min),
            words::number(n.max),
            words::number(n.mean)
        ),
        (None, Some(levels)) => {
            let top: Vec<String> = top
                .iter()
                .take(4)
                .map(|l| format!("{} ({})", l.level, count(l.count)))
                .collect();
            format!("{}: {}", counted(*levels, "level"), top.join(", "))
        }
        (None, None) => "all missing".into(),
    };
    vec![name.clone(), kind.to_string(), count(*missing), values]
}
