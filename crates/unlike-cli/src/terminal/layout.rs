//! Aligned text for stdout: facts and tables within the terminal's width.

use unlike_report::terminal::Style;

use crate::terminal::shown;

/// Space between columns.
const GAP: usize = 2;
/// The widest column but the last.
const WIDEST: usize = 28;

/// Names and what they are, one below the other.
pub(crate) fn facts(facts: &[(&str, String)], style: Style) -> String {
    let rows: Vec<Vec<String>> = facts
        .iter()
        .map(|(name, text)| vec![(*name).to_owned(), text.clone()])
        .collect();
    table(&[], &rows, style)
}

/// Rows of cells below a header, which may be empty; the last column is wrapped.
///
/// Columns of numbers are aligned to the right.
pub(crate) fn table(header: &[&str], rows: &[Vec<String>], style: Style) -> String {
    let Some(columns) = rows.first().map(Vec::len) else {
        return String::new();
    };
    // Before it is measured: what a terminal obeys takes no room.
    let escaped = |row: &Vec<String>| row.iter().map(|cell| shown(cell, false)).collect();
    let rows: Vec<Vec<String>> = rows.iter().map(escaped).collect();
    let numeric = |c: usize| {
        let digits = |cell: &str| {
            cell.chars()
                .all(|ch| ch.is_ascii_digit() || ",.".contains(ch))
        };
        rows.iter().all(|row| digits(&row[c]))
    };
    let width = |c: usize| {
        let cells = rows
            .iter()
            .map(|row| row[c].as_str())
            .chain(header.get(c).copied());
        cells.map(columns_of).max().unwrap_or(0).min(WIDEST)
    };
    let widths: Vec<usize> = (0..columns - 1).map(width).collect();
    let right: Vec<bool> = (0..columns - 1).map(numeric).collect();
    let indent = widths.iter().map(|w| w + GAP).sum::<usize>() + GAP;
    let line = |cells: &[&str]| {
        let mut lead = " ".repeat(GAP);
        for ((cell, &width), &right) in cells.iter().zip(&widths).zip(&right) {
            let cell = cut(cell, width);
            let pad = " ".repeat(width.saturating_sub(columns_of(&cell)));
            let (before, after) = if right {
                (pad, String::new())
            } else {
                (String::new(), pad)
            };
            lead.push_str(&format!("{before}{cell}{after}{}", " ".repeat(GAP)));
        }
        let below = " ".repeat(indent);
        let options = textwrap::Options::new(style.width.max(indent + 20))
            .initial_indent(&lead)
            .subsequent_indent(&below);
        textwrap::fill(cells[columns - 1], options)
            .trim_end()
            .to_owned()
            + "\n"
    };
    let mut text = String::new();
    if !header.is_empty() {
        text.push_str(&heading(&line(header), style));
    }
    for row in &rows {
        text.push_str(&line(&row.iter().map(String::as_str).collect::<Vec<_>>()));
    }
    text
}

/// A line that stands over others.
pub(crate) fn heading(line: &str, style: Style) -> String {
    match style.colour {
        true => format!("\x1b[1m{}\x1b[0m\n", line.trim_end()),
        false => line.trim_end().to_owned() + "\n",
    }
}

fn columns_of(text: &str) -> usize {
    textwrap::core::display_width(text)
}

/// The text without what could steer a terminal, cut to so many columns.
pub(crate) fn cut(text: &str, width: usize) -> String {
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    if columns_of(&text) <= width {
        return text;
    }
    let mut short = String::new();
    for c in text.chars() {
        if columns_of(&short) + 2 > width {
            break;
        }
        short.push(c);
    }
    short + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_the_last_one_wraps() {
        let row = |a: &str, b: &str, c: &str| [a, b, c].map(str::to_owned).to_vec();
        let long = "word ".repeat(20);
        let rows = [row("duration", "5", "short"), row("src", "1,024", &long)];
        let text = table(
            &["name", "n", "what"],
            &rows,
            Style {
                width: 60,
                colour: false,
            },
        );
        assert!(text.lines().all(|line| columns_of(line) <= 60), "{text}");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "  name          n  what");
        assert_eq!(lines[1], "  duration      5  short");
        assert!(lines[2].starts_with("  src       1,024  word"), "{text}");
    }
}
