//! Tables as aligned columns of text.

use textwrap::Options;
use unicode_width::UnicodeWidthStr;

use crate::{
    table::{Cell, Group, Row, Table},
    terminal::{Style, faint, plain, wrapped},
};

/// A note that has room behind a name.
const SHORT: usize = 12;
/// Words of a heading go below one another beyond this width.
const HEADING: usize = 10;
/// The narrowest first column.
const NARROWEST: usize = 16;

/// The table with names to the left and numbers aligned to the right.
pub(crate) fn lay_out(table: &Table, style: Style) -> String {
    let columns = Columns::new(table, style);
    let mut text = columns.headings(&table.headings[0]);
    for group in &table.groups {
        text.push_str(&columns.group(group));
    }
    text
}

struct Columns {
    style: Style,
    /// The width of the column of names.
    first: usize,
    /// The width of each column of numbers.
    widths: Vec<usize>,
    /// The headings of the columns of numbers, in lines.
    headings: Vec<Vec<String>>,
    /// Whether each number is followed by a star or a space, which keeps the decimal points below
    /// one another.
    starred: bool,
}

impl Columns {
    fn new(table: &Table, style: Style) -> Self {
        let rows = || table.groups.iter().flat_map(|g| &g.rows);
        let starred = rows().any(|r| r.cells.iter().any(|c| c.best));
        let lines = |heading: &String| -> Vec<String> {
            textwrap::wrap(heading, HEADING)
                .into_iter()
                .map(|l| l.into_owned())
                .collect()
        };
        let headings: Vec<Vec<String>> = table.headings.iter().skip(1).map(lines).collect();
        let width = |(i, heading): (usize, &Vec<String>)| {
            let heading = heading.iter().map(|l| l.width()).max().unwrap_or(0);
            let cells = rows()
                .map(|r| plain(&r.cells[i].text).width())
                .max()
                .unwrap_or(0);
            heading.max(cells) + usize::from(starred)
        };
        let widths: Vec<usize> = headings.iter().enumerate().map(width).collect();
        let mut columns = Self {
            style,
            first: 0,
            widths,
            headings,
            starred,
        };
        let taken: usize = columns.widths.iter().map(|w| w + columns.gap().len()).sum();
        columns.first = style.width.saturating_sub(taken).max(NARROWEST);
        columns
    }

    fn gap(&self) -> &'static str {
        if self.starred { " " } else { "  " }
    }

    fn cell(&self, cell: &Cell) -> String {
        let mark = match (self.starred, cell.best) {
            (false, _) => "",
            (true, false) => " ",
            (true, true) => "*",
        };
        plain(&cell.text) + mark
    }

    fn line(&self, name: &str, cells: &[String]) -> String {
        let mut line = name.to_owned() + &" ".repeat(self.first.saturating_sub(name.width()));
        for (cell, width) in cells.iter().zip(&self.widths) {
            line.push_str(self.gap());
            line.push_str(&" ".repeat(width.saturating_sub(cell.width())));
            line.push_str(cell);
        }
        line.trim_end().to_owned()
    }

    fn headings(&self, first: &str) -> String {
        let n = self.headings.iter().map(Vec::len).max().unwrap_or(0);
        let mut text = String::new();
        for line in 0..n {
            // Headings of fewer lines stand at the bottom.
            let word = |heading: &Vec<String>| {
                let at = (line + heading.len()).checked_sub(n);
                let text = at.map(|at| heading[at].clone()).unwrap_or_default();
                self.cell(&Cell {
                    text,
                    ..Cell::default()
                })
            };
            let words: Vec<String> = self.headings.iter().map(word).collect();
            let name = if line + 1 == n {
                format!("  {first}")
            } else {
                String::new()
            };
            text.push_str(&self.small(&self.line(&name, &words)));
        }
        text
    }

    fn group(&self, group: &Group) -> String {
        let (mut text, indent) = match group.title {
            "" => (String::new(), "  "),
            title => (self.small(&format!("  {title}")), "    "),
        };
        for row in &group.rows {
            text.push_str(&self.row(row, indent));
        }
        text
    }

    fn row(&self, row: &Row, indent: &str) -> String {
        // What a variant is to the model stands behind its name; other notes are longer and stand
        // below.
        let (name, note) = match &row.note {
            Some(note) if note.len() <= SHORT => (format!("{} ({note})", row.name), None),
            note => (row.name.clone(), note.as_ref()),
        };
        let options = Options::new(self.first)
            .initial_indent(indent)
            .subsequent_indent(indent);
        let name = plain(&name);
        let names = textwrap::wrap(&name, options);
        let cells: Vec<String> = row.cells.iter().map(|c| self.cell(c)).collect();
        let mut text = String::new();
        for (i, name) in names.iter().enumerate() {
            let last = i + 1 == names.len();
            text.push_str(&self.line(name, if last { &cells } else { &[] }));
            text.push('\n');
        }
        if let Some(note) = note {
            let lines = wrapped(note, &format!("{indent}  "), self.style);
            text.extend(lines.lines().map(|line| self.small(line)));
        }
        text
    }

    fn small(&self, line: &str) -> String {
        faint(line.trim_end(), self.style) + "\n"
    }
}
