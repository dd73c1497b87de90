//! The report as Markdown tables, for pull requests and notebooks.

use crate::{
    evaluation::{Evaluation, Measure},
    number,
    report::{Data, Report},
    summary,
    table::{self, Table},
    text::markdown as escaped,
    training::Training,
    verdict::verdict,
};

/// The report without its charts and images, as GitHub-flavoured Markdown.
pub fn markdown(report: &Report) -> String {
    let mut blocks = vec![format!("# {}", escaped(&summary::title(report)))];
    blocks.extend(report.run.protocol.as_deref().map(escaped));
    let sentences: Vec<String> = verdict(report)
        .sentences
        .iter()
        .map(|s| format!("> {}", escaped(s)))
        .collect();
    blocks.push(sentences.join("\n>\n"));
    if let Some(evaluation) = &report.evaluation {
        metrics(evaluation, &mut blocks);
        if let Some(table) = table::comparison(evaluation, Measure::name) {
            blocks.push("## Comparison".into());
            blocks.push(numbers(&table));
            blocks.extend(table.notes.iter().map(|note| escaped(note)));
            let rule = evaluation.rule.as_deref();
            let rule = rule.map(|r| format!("For precision, recall and F1, {}. ", escaped(r)));
            blocks.push(format!(
                "{}The best of each column is bold.",
                rule.unwrap_or_default()
            ));
        }
        if let Some(table) = table::false_alarms(&report.run, evaluation) {
            blocks.push("## Decisions".into());
            blocks.push(numbers(&table));
        }
        if let Some(table) = table::by_group(evaluation) {
            blocks.push("## Decisions by group".into());
            blocks.push(numbers(&table));
            blocks.extend(table.notes.iter().map(|note| escaped(note)));
        }
        cases(evaluation, &mut blocks);
    }
    if let Some(training) = &report.training {
        training_notes(training, &mut blocks);
    }
    if let Some(data) = &report.data {
        data_notes(data, &mut blocks);
    }
    let facts = summary::facts(report)
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .chain(
            report
                .environment
                .iter()
                .map(|f| (f.name.clone(), f.value.clone())),
        );
    let lines: Vec<String> = facts
        .map(|(name, value)| format!("- {}: {}", escaped(&name), escaped(&value)))
        .collect();
    section("Run", lines.join("\n"), &mut blocks);
    let mut text = blocks.join("\n\n");
    text.push('\n');
    text
}

/// Adds a titled block unless it is empty.
fn section(title: &str, body: String, blocks: &mut Vec<String>) {
    if !body.is_empty() {
        blocks.push(format!("## {title}"));
        blocks.push(body);
    }
}

fn metrics(evaluation: &Evaluation, blocks: &mut Vec<String>) {
    let Some(metrics) = evaluation.metrics() else {
        return;
    };
    let rows: Vec<Vec<String>> = summary::headlines(metrics)
        .into_iter()
        .map(|h| {
            vec![
                h.measure.name().to_owned(),
                h.value,
                h.interval.unwrap_or_default(),
                h.note,
            ]
        })
        .collect();
    if !rows.is_empty() {
        blocks.push(grid(
            &["metric", "value", "95 % interval", "note"],
            1..3,
            &rows,
        ));
    }
    blocks.push(format!("{}.", summary::test_set(metrics)));
    if let Some(pixels) = &evaluation.pixels {
        let figures = summary::pixels(pixels).into_iter();
        let rows = figures.map(|f| vec![f.name.to_owned(), f.value, f.note]);
        let rows: Vec<Vec<String>> = rows.collect();
        blocks.push(grid(&["anomaly maps", "value", "note"], 1..2, &rows));
        blocks.push(escaped(&summary::mask_set(pixels)));
    }
}

fn cases(evaluation: &Evaluation, blocks: &mut Vec<String>) {
    for (title, _, cases) in summary::case_lists(evaluation) {
        // Images have no columns.
        let mut headings = vec!["id", "score", "p-value", "label", "columns"];
        if cases.iter().all(|case| case.reasons.is_empty()) {
            headings.pop();
        }
        let rows: Vec<Vec<String>> = cases
            .iter()
            .map(|case| {
                let reasons: Vec<String> = case
                    .reasons
                    .iter()
                    .map(|r| format!("{} {}", escaped(&r.column), number::whole_percent(r.share)))
                    .collect();
                let mut cells = vec![
                    escaped(&case.id),
                    number::score(case.score),
                    case.p_value.map_or(number::NONE.into(), number::p_value),
                    summary::label(case).map_or(number::NONE.into(), |l| escaped(&l)),
                    reasons.join(", "),
                ];
                cells.truncate(headings.len());
                cells
            })
            .collect();
        section(title, grid(&headings, 1..3, &rows), blocks);
    }
}

fn training_notes(training: &Training, blocks: &mut Vec<String>) {
    let chosen = summary::chosen(training).map(|c| format!("- {}", escaped(&c)));
    let warnings = training.warnings.iter().map(|w| match w.epoch {
        Some(epoch) => format!("- Warning in epoch {epoch}: {}", escaped(&w.message)),
        None => format!("- Warning: {}", escaped(&w.message)),
    });
    section(
        "Training",
        chosen
            .into_iter()
            .chain(warnings)
            .collect::<Vec<_>>()
            .join("\n"),
        blocks,
    );
}

fn data_notes(data: &Data, blocks: &mut Vec<String>) {
    let lines = data
        .notes
        .iter()
        .chain(&data.rules)
        .map(|n| format!("- {}", escaped(n)));
    section("Data", lines.collect::<Vec<_>>().join("\n"), blocks);
}

fn numbers(table: &Table) -> String {
    let rows: Vec<Vec<String>> = table
        .groups
        .iter()
        .flat_map(|group| &group.rows)
        .map(|row| {
            let note = row.note.as_ref().map(|n| format!(" ({})", escaped(n)));
            let name = format!("{}{}", escaped(&row.name), note.unwrap_or_default());
            let cell = |cell: &table::Cell| {
                let text = escaped(&cell.text);
                let text = if cell.best {
                    format!("**{text}**")
                } else {
                    text
                };
                let interval = cell.interval.as_ref().map(|i| format!(" ({i})"));
                format!("{text}{}", interval.unwrap_or_default())
            };
            std::iter::once(name)
                .chain(row.cells.iter().map(cell))
                .collect()
        })
        .collect();
    let headings: Vec<&str> = table.headings.iter().map(String::as_str).collect();
    grid(&headings, 1..headings.len(), &rows)
}

/// A table of cells that are Markdown already; the columns in `right` are aligned to the right.
fn grid(headings: &[&str], right: std::ops::Range<usize>, rows: &[Vec<String>]) -> String {
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        format!("| {} |", cells.collect::<Vec<_>>().join(" | "))
    };
    let rules = (0..headings.len()).map(|i| if right.contains(&i) { "---:" } else { "---" });
    let mut lines = vec![
        line(&mut headings.iter().copied()),
        line(&mut rules.into_iter()),
    ];
    lines.extend(
        rows.iter()
            .map(|row| line(&mut row.iter().map(String::as_str))),
    );
    lines.join("\n")
}
