//! A page of headings, sentences, tables and charts, as Markdown and as HTML.

use std::fmt::Write;

use unlike_core::{Error, Result};

/// What stands on a page, from top to bottom.
#[derive(Clone, Debug, Default)]
pub(crate) struct Page {
    blocks: Vec<Block>,
}

#[derive(Clone, Debug)]
enum Block {
    Heading(String),
    Text(String),
    Table(Table),
    /// SVG; only where drawings can be shown.
    Chart(String),
}

/// A table; its first column holds names, and the others numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    pub(crate) headings: Vec<String>,
    pub(crate) rows: Vec<Row>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    pub(crate) cells: Vec<String>,
    /// Others' numbers, or what is told beside ours.
    pub(crate) aside: bool,
}

impl Row {
    /// Ours.
    pub(crate) fn of(cells: Vec<String>) -> Self {
        Self {
            cells,
            aside: false,
        }
    }

    /// Others'.
    pub(crate) fn aside(cells: Vec<String>) -> Self {
        Self { cells, aside: true }
    }
}

impl Page {
    pub(crate) fn heading(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Heading(text.into()));
    }

    pub(crate) fn text(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Text(text.into()));
    }

    pub(crate) fn table(&mut self, table: Table) {
        self.blocks.push(Block::Table(table));
    }

    pub(crate) fn chart(&mut self, svg: String) {
        self.blocks.push(Block::Chart(svg));
    }

    /// GitHub-flavoured Markdown, without charts.
    pub(crate) fn markdown(&self) -> String {
        let block = |block: &Block| match block {
            Block::Heading(text) => Some(format!("### {text}\n")),
            Block::Text(text) => Some(format!("{text}\n")),
            Block::Table(table) => Some(table.markdown()),
            Block::Chart(_) => None,
        };
        let blocks: Vec<String> = self.blocks.iter().filter_map(block).collect();
        blocks.join("\n")
    }

    /// One file without external assets.
    pub(crate) fn html(&self, title: &str) -> String {
        let mut body = String::new();
        for block in &self.blocks {
            match block {
                Block::Heading(text) => _ = writeln!(body, "<h2>{}</h2>", escaped(text)),
                Block::Text(text) => _ = writeln!(body, "<p>{}</p>", marked(text)),
                Block::Table(table) => table.html(&mut body),
                Block::Chart(svg) => _ = writeln!(body, "<figure>{svg}</figure>"),
            }
        }
        include_str!("page.html")
            .replace("{{title}}", &escaped(title))
            .replace("{{body}}", &body)
    }
}

impl Table {
    fn markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let mut text = line(&self.headings);
        let rule: Vec<String> = (0..self.headings.len())
            .map(|i| if i == 0 { "---" } else { "---:" }.to_owned())
            .collect();
        text += &line(&rule);
        for row in &self.rows {
            let cell = |cell: &String| match (row.aside, cell.is_empty()) {
                (true, false) => format!("*{cell}*"),
                _ => cell.clone(),
            };
            text += &line(&row.cells.iter().map(cell).collect::<Vec<_>>());
        }
        text
    }

    fn html(&self, body: &mut String) {
        let cells = |tag: &str, cells: &[String]| -> String {
            let cell = |cell: &String| format!("<{tag}>{}</{tag}>", marked(cell));
            cells.iter().map(cell).collect()
        };
        let head = cells("th", &self.headings);
        _ = writeln!(body, "<div class=\"wide\"><table><tr>{head}</tr>");
        for row in &self.rows {
            let class = if row.aside { " class=\"aside\"" } else { "" };
            _ = writeln!(body, "<tr{class}>{}</tr>", cells("td", &row.cells));
        }
        _ = writeln!(body, "</table></div>");
    }
}

pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// Escaped, with `code` and **bold** as in Markdown.
fn marked(text: &str) -> String {
    let mut html = escaped(text);
    for (mark, tag) in [("**", "b"), ("`", "code")] {
        let mut open = false;
        while html.contains(mark) {
            let tag = if open {
                format!("</{tag}>")
            } else {
                format!("<{tag}>")
            };
            html = html.replacen(mark, &tag, 1);
            open = !open;
        }
        if open {
            html += &format!("</{tag}>");
        }
    }
    html
}

/// A text in which what stands between this benchmark's marks is replaced.
///
/// # Errors
/// If the text does not have the marks, each once and in their order.
pub fn between_marks(text: &str, name: &str, new: &str) -> Result<String> {
    let [begin, end] = ["begin", "end"].map(|which| format!("<!-- cells of {name}: {which} -->"));
    let parts = text
        .split_once(&begin)
        .and_then(|(before, rest)| Some((before, rest.split_once(&end)?.1)));
    let Some((before, after)) = parts else {
        return Err(Error::Mismatch {
            origin: None,
            found: "a text without them".into(),
            expected: format!("the lines `{begin}` and `{end}`, between which tables are written"),
            hint: None,
        });
    };
    Ok(format!(
        "{before}{begin}\n\n{}\n{end}{after}",
        new.trim_end().to_owned() + "\n"
    ))
}
