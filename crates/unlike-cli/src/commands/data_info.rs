//! `unlike data info`.

use std::path::PathBuf;

use clap::Args;
use unlike_core::{
    ImageShape,
    words::{self, count, counted},
};
use unlike_data::{
    DataInfo, Survey,
    info::{ColumnInfo, LevelCount},
};

use crate::{
    args::{Common, DataArgs, DataPaths},
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
    /// The file (or several of the same columns, or a pattern in quotes), or folder of images, to look at
    #[arg(required = true)]
    data: Vec<PathBuf>,
    #[command(flatten)]
    reading: DataArgs,
}

impl DataInfoArgs {
    /// Counts what is in a file.
    pub(crate) fn run(self, common: Common) -> Result<Outcome> {
        let info = self.reading.look(DataPaths(&self.data))?;
        terminal::notes(&info.notes);
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
    let mut facts = vec![("file", info.path.clone())];
    if let Some(format) = info.format {
        facts.push(("format", format!("{format} ({})", format.describe())));
    }
    if let Some(problem) = &info.problem {
        facts.push(("unreadable", problem.message.clone()));
        facts.extend(
            problem
                .hint
                .as_ref()
                .map(|hint| ("hint", terminal::flags(hint))),
        );
        facts.extend(info.files.iter().flat_map(files));
        return layout::facts(&facts, style);
    }
    match &info.image {
        Some(image) => facts.extend(images(info, image)),
        None => facts.extend([
            ("rows", count(info.rows)),
            ("columns", count(info.columns.len())),
        ]),
    }
    if let Some(name) = &info.class_name {
        let classes = info.classes.iter().take(8);
        let listed: Vec<String> = classes.map(level).collect();
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

fn images(info: &DataInfo, image: &ImageShape) -> Vec<(&'static str, String)> {
    let mut facts = vec![("images", count(info.rows)), ("size", image.to_string())];
    facts.extend(info.files.iter().flat_map(files));
    if !info.parts.is_empty() {
        facts.push(("parts", listed(&info.parts)));
    }
    if let Some(twice) = info.duplicates.as_ref().filter(|d| d.images > 0) {
        let pairs = twice.examples.iter().take(2);
        let pairs: Vec<String> = pairs.map(|[a, b]| format!("`{a}` and `{b}`")).collect();
        let mut of = Vec::new();
        if twice.across_parts > 0 {
            of.push(format!("{} in another part", count(twice.across_parts)));
        }
        if twice.across_labels > 0 {
            of.push(format!("{} with another label", count(twice.across_labels)));
        }
        let of = if of.is_empty() {
            String::new()
        } else {
            format!(" ({})", of.join(", "))
        };
        let images = counted(twice.images, "image");
        facts.push((
            "doubled",
            format!("{images} as one before{of}: {}", pairs.join(", ")),
        ));
    }
    if let Some(masks) = info.masks {
        facts.push(("masks", count(masks)));
    }
    facts
}

/// What the files are, as far as that says more than what is read.
fn files(survey: &Survey) -> Vec<(&'static str, String)> {
    let Survey {
        images: _,
        sizes,
        formats,
        modes,
        unread,
        other_files,
        own,
    } = survey;
    let mut facts = Vec::new();
    for (name, counts) in [("own sizes", sizes), ("formats", formats), ("modes", modes)] {
        if !counts.is_empty() {
            facts.push((name, listed(counts)));
        }
    }
    if !unread.is_empty() {
        let named = unread
            .iter()
            .take(4)
            .map(|u| format!("`{}` ({})", u.id, u.reason));
        let named: Vec<String> = named.collect();
        let more = more(unread.len(), named.len());
        facts.push((
            "unread",
            format!("{}: {}{more}", count(unread.len()), named.join(", ")),
        ));
    }
    if !other_files.is_empty() {
        let named: Vec<LevelCount> = other_files
            .iter()
            .map(|other| LevelCount {
                level: match other.level.as_str() {
                    "" => "without an ending".into(),
                    ending => format!(".{ending}"),
                },
                ..other.clone()
            })
            .collect();
        facts.push(("ignored", listed(&named)));
    }
    if !own.is_empty() {
        let named: Vec<String> = own.iter().take(4).map(|id| format!("`{id}`")).collect();
        let more = more(own.len(), named.len());
        facts.push((
            "no data",
            format!("written by unlike: {}{more}", named.join(", ")),
        ));
    }
    facts
}

/// A level, however long its text is, and how often it occurs.
fn level(counted: &LevelCount) -> String {
    const LONGEST: usize = 40;
    format!(
        "{} ({})",
        layout::cut(&counted.level, LONGEST),
        count(counted.count)
    )
}

/// The first of many, and how many more there are.
fn listed(counts: &[LevelCount]) -> String {
    let shown: Vec<String> = counts.iter().take(6).map(level).collect();
    format!("{}{}", shown.join(", "), more(counts.len(), shown.len()))
}

fn more(all: usize, shown: usize) -> String {
    match all - shown {
        0 => String::new(),
        more => format!(" and {} more", count(more)),
    }
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
            let top: Vec<String> = top.iter().take(4).map(level).collect();
            format!("{}: {}", counted(*levels, "level"), top.join(", "))
        }
        (None, None) => "all missing".into(),
    };
    vec![name.clone(), kind.to_string(), count(*missing), values]
}
