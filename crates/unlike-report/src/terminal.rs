//! The report as text for a terminal: aligned tables within a given width.
//!
//! Nothing is printed here. Texts from users' files reach the terminal without control characters.

use textwrap::Options;
use unicode_width::UnicodeWidthStr;

use crate::{
    columns::lay_out,
    evaluation::Measure,
    number,
    report::Report,
    summary::{self, Figure},
    table,
    text::clean,
    verdict::verdict,
};

/// How text is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Columns of the terminal.
    pub width: usize,
    /// Whether to use bold and faint type (ANSI escapes).
    pub colour: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            width: 80,
            colour: false,
        }
    }
}

/// Everything: title, verdict, metrics, comparison, decisions, the most anomalous samples, warnings.
pub fn render(report: &Report, style: Style) -> String {
    let mut blocks = vec![heading(&summary::title(report), style)];
    if let Some(protocol) = &report.run.protocol {
        blocks.push(wrapped(protocol, "", style));
    }
    blocks.push(verdict_text(report, style));
    blocks.push(metrics(report, style));
    blocks.push(pixels(report, style));
    blocks.push(comparison(report, style));
    blocks.push(decisions(report, style));
    blocks.push(most_anomalous(report, style));
    blocks.push(warnings(report, style));
    blocks.retain(|b| !b.is_empty());
    blocks.join("\n")
}

/// The verdict, one sentence after the other.
pub fn verdict_text(report: &Report, style: Style) -> String {
    verdict(report)
        .sentences
        .iter()
        .map(|s| wrapped(s, "- ", style))
        .collect()
}

/// The headline metrics with their intervals; empty without labels.
pub fn metrics(report: &Report, style: Style) -> String {
    let Some(metrics) = report.evaluation.as_ref().and_then(|e| e.metrics()) else {
        return String::new();
    };
    let headlines = summary::headlines(metrics);
    if headlines.is_empty() {
        return String::new();
    }
    let mut text = heading("Metrics (95 % intervals)", style);
    for h in headlines {
        let interval = h.interval.unwrap_or_default();
        let note = faint(&h.note, style);
        let (name, short) = (h.measure.name(), h.measure.short_name());
        let name = if name == short {
            name.to_owned()
        } else {
            format!("{name} ({short})")
        };
        let line = format!("  {name:<22}{:>6}  {interval:<15}  {note}", h.value);
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text.push_str(&wrapped(
        &format!("{}.", summary::test_set(metrics)),
        "  ",
        style,
    ));
    text
}

/// Score variants, published numbers and baselines; the best of each column is marked with a star.
pub fn comparison(report: &Report, style: Style) -> String {
    let Some(evaluation) = &report.evaluation else {
        return String::new();
    };
    let Some(table) = table::comparison(evaluation, Measure::short_name) else {
        return String::new();
    };
    let mut text = heading("Comparison (* best of its column)", style);
    if let Some(rule) = &evaluation.rule {
        text.push_str(&wrapped(
            &format!("For precision, recall and F1, {rule}."),
            "  ",
            style,
        ));
    }
    text.push_str(&lay_out(&table, style));
    text.extend(table.notes.iter().map(|note| wrapped(note, "  ", style)));
    text
}

/// Anomaly maps against masks.
pub fn pixels(report: &Report, style: Style) -> String {
    let Some(pixels) = report.evaluation.as_ref().and_then(|e| e.pixels.as_ref()) else {
        return String::new();
    };
    let mut text = heading("Anomaly maps against masks", style);
    for Figure { name, value, note } in summary::pixels(pixels) {
        let line = format!("  {name:<25}{value:>6}  {}", faint(&note, style));
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text.push_str(&wrapped(&summary::mask_set(pixels), "  ", style));
    text
}

/// Promised against observed false alarms at several rates, and by groups where these are calibrated by
/// themselves.
pub fn decisions(report: &Report, style: Style) -> String {
    let evaluation = report.evaluation.as_ref();
    let mut text = String::new();
    if let Some(table) = evaluation.and_then(|e| table::false_alarms(&report.run, e)) {
        text.push_str(&heading("Decisions", style));
        text.push_str(&lay_out(&table, style));
    }
    if let Some(table) = evaluation.and_then(table::by_group) {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&heading("Decisions by group", style));
        text.push_str(&lay_out(&table, style));
        for note in &table.notes {
            text.push_str(&wrapped(note, "  ", style));
        }
    }
    text
}

/// The highest scores with the columns that made them so, five at most.
pub fn most_anomalous(report: &Report, style: Style) -> String {
    let cases = report
        .evaluation
        .as_ref()
        .map(|e| &*e.most_anomalous)
        .unwrap_or_default();
    if cases.is_empty() {
        return String::new();
    }
    let mut text = heading("Most anomalous", style);
    for case in cases.iter().take(5) {
        let mut line = format!("{}  score {}", case.id, number::score(case.score));
        if let Some(p) = case.p_value {
            line.push_str(&format!("  p {}", number::p_value(p)));
        }
        if let Some(label) = summary::label(case) {
            line.push_str(&format!("  {label}"));
        }
        text.push_str(&wrapped(&line, "  ", style));
        let reasons: Vec<String> = case
            .reasons
            .iter()
            .take(3)
            .map(|r| format!("{} = {} (typical: {})", r.column, r.found, r.typical))
            .collect();
        if !reasons.is_empty() {
            text.push_str(&wrapped(&reasons.join("; "), "      ", style));
        }
    }
    text
}

/// What training complained about.
pub fn warnings(report: &Report, style: Style) -> String {
    let warnings = report
        .training
        .as_ref()
        .map(|t| &*t.warnings)
        .unwrap_or_default();
    if warnings.is_empty() {
        return String::new();
    }
    let mut text = heading("Warnings", style);
    for warning in warnings {
        let when = warning
            .epoch
            .map(|e| format!("epoch {e}: "))
            .unwrap_or_default();
        text.push_str(&wrapped(&format!("{when}{}", warning.message), "- ", style));
    }
    text
}

fn heading(text: &str, style: Style) -> String {
    let text = wrapped(
        text,
        "",
        Style {
            colour: false,
            ..style
        },
    );
    if style.colour {
        format!("\x1b[1m{}\x1b[0m\n", text.trim_end())
    } else {
        text
    }
}

pub(crate) fn faint(text: &str, style: Style) -> String {
    if style.colour {
        format!("\x1b[2m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

/// Lines within the width, the first behind `lead`, the others indented as far; ends in a line break.
pub(crate) fn wrapped(text: &str, lead: &str, style: Style) -> String {
    let indent = " ".repeat(lead.width());
    let options = Options::new(style.width.max(20))
        .initial_indent(lead)
        .subsequent_indent(&indent);
    textwrap::fill(&plain(text), options) + "\n"
}

/// Harmless, and with common spaces.
pub(crate) fn plain(text: &str) -> String {
    clean(text).replace('\u{a0}', " ")
}
