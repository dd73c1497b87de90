//! The pages of the survey's experiment.

use std::collections::BTreeSet;

use unlike_core::words;

use super::{
    ByModel, Spread, by_model, failures, figure, mean_of, observed, of, or_dash, ordered, origins,
    title,
};
use crate::{
    cell::{Cell, Key, Measured, Preset},
    chart::{self, Dots},
    page::{Page, Row, Table},
    published::{Figure, PUBLISHED, Published},
    survey::{DESK_TEST, DESK_TRAIN, SURVEY_FEATURES, Set, Task},
};

pub(super) fn page(cells: &[Cell]) -> Page {
    let mut page = Page::default();
    for preset in [Preset::Desk, Preset::Paper] {
        for set in Set::ALL {
            let of_set: Vec<&Cell> = cells
                .iter()
                .filter(|cell| cell.key.preset == preset && cell.key.set == set.name())
                .collect();
            if of_set.is_empty() {
                continue;
            }
            match set.classes() {
                [] => {
                    for task in [Task::Survey, Task::Ordinary, Task::Novel] {
                        of_rows(&mut page, preset, set, task, &of_set);
                    }
                }
                classes => {
                    for one_normal in [false, true] {
                        for features in SURVEY_FEATURES {
                            let kind = ImageTable {
                                preset,
                                set,
                                one_normal,
                                features,
                            };
                            kind.add(&mut page, classes, &of_set);
                        }
                    }
                }
            }
        }
    }
    failures(&mut page, cells);
    origins(&mut page, cells);
    page
}

/// KDD Cup 99 and NSL-KDD.
fn of_rows(page: &mut Page, preset: Preset, set: Set, task: Task<'_>, cells: &[&Cell]) {
    let name = task.to_string();
    let of_task = cells.iter().filter(|cell| cell.key.task == name);
    let measured: Vec<(&Key, &Measured, &str)> = of_task
        .filter_map(|cell| Some((&cell.key, cell.measured()?, "")))
        .collect();
    let Some((_, first, _)) = measured.first() else {
        return;
    };
    let what = match (set, task) {
        (_, Task::Survey) => "the survey's protocol (attacks are learned)",
        (_, Task::Ordinary) => "normal records are learned",
        (Set::KddCup99, _) => "normal records are learned; official test file with novel attacks",
        _ => "normal records are learned; official test file",
    };
    page.heading(format!("{}, {what}", set.title()));
    page.text(format!(
        "{} train, {} test; prevalence and chance level of average precision {}.{}",
        words::count(first.n_train),
        words::count(first.n_test),
        figure(first.prevalence),
        if preset == Preset::Paper {
            " The papers' settings."
        } else {
            ""
        },
    ));
    let has_f1 = first.used().f1.is_some();
    let mut headings = vec!["model, score", "seeds"];
    if has_f1 {
        headings.extend(["F1", "F1 least"]);
    }
    headings.extend([
        "AUROC",
        "AUROC least",
        "AP",
        "AUROC, epoch by labels",
        "false alarms at 1 %",
        "training, s",
        "scoring, s",
    ]);
    let all = by_model(measured.iter().copied());
    let mut rows = Vec::new();
    for model in ordered(all.keys().copied().collect()) {
        let seeds: Vec<&Measured> = all[model]
            .values()
            .flat_map(|s| s.values())
            .copied()
            .collect();
        let spread = |of: &dyn Fn(&Measured) -> Option<f64>| {
            Spread::of(&seeds.iter().filter_map(|m| of(m)).collect::<Vec<_>>())
        };
        let score = seeds.first().map_or("", |m| &m.score);
        let mut row = vec![
            format!("{}, `{score}`", title(model)),
            seeds.len().to_string(),
        ];
        if has_f1 {
            let f1 = spread(&|m| m.used().f1);
            row.push(or_dash(f1.map(Spread::text)));
            row.push(or_dash(f1.map(|s| figure(s.least))));
        }
        let auroc = spread(&|m| Some(m.used().auroc));
        row.push(or_dash(auroc.map(Spread::text)));
        row.push(or_dash(auroc.map(|s| figure(s.least))));
        row.push(or_dash(
            spread(&|m| Some(m.used().average_precision)).map(Spread::text),
        ));
        row.push(or_dash(
            spread(&|m| m.best_by_labels.map(|b| b.auroc)).map(|s| figure(s.mean)),
        ));
        row.push(or_dash(observed(&seeds, 0.01)));
        row.push(or_dash(
            spread(&|m| Some(m.seconds.train)).map(|s| format!("{:.0}", s.mean)),
        ));
        row.push(or_dash(
            spread(&|m| Some(m.seconds.score)).map(|s| format!("{:.0}", s.mean)),
        ));
        rows.push(Row::of(row));
    }
    if task == Task::Survey {
        for published in unlike_results::survey::published() {
            let f1 = published.f1.map(figure);
            let mut row = vec![published.name, String::new(), or_dash(f1)];
            row.resize(headings.len(), String::new());
            rows.push(Row::aside(row));
        }
    }
    page.table(Table {
        headings: headings.into_iter().map(str::to_owned).collect(),
        rows,
    });
}

/// One kind of table of an image set.
struct ImageTable {
    preset: Preset,
    set: Set,
    one_normal: bool,
    features: &'static str,
}

impl ImageTable {
    fn add(&self, page: &mut Page, classes: &[&str], cells: &[&Cell]) {
        let class = |cell: &&Cell| -> Option<usize> {
            let class = match Task::named(&cell.key.task)? {
                Task::Anomalous(class) if !self.one_normal => class,
                Task::Normal(class) if self.one_normal => class,
                _ => return None,
            };
            classes.iter().position(|c| *c == class)
        };
        let measured: Vec<(&Key, &Measured, &str)> = cells
            .iter()
            .filter(|cell| cell.key.features == self.features)
            .filter_map(|cell| Some((&cell.key, cell.measured()?, classes[class(cell)?])))
            .collect();
        let Some((_, first, _)) = measured.first() else {
            return;
        };
        let all = by_model(measured.iter().copied());
        let what = if self.one_normal {
            "normal"
        } else {
            "anomalous"
        };
        page.heading(format!(
            "{}, one class {what}, {}",
            self.set.title(),
            match self.features {
                "pixels" => "pixels".to_owned(),
                "lite0" => "features of `lite0`".to_owned(),
                _ => "patches of `lite0`".to_owned(),
            }
        ));
        page.text(format!(
            "{} train, {} test; prevalence and chance level of average precision {}. {}",
            words::count(first.n_train),
            words::count(first.n_test),
            figure(first.prevalence),
            match self.preset {
                Preset::Desk => format!(
                    "`desk`: recommended settings, at most {} normals to learn from and {} to test on.",
                    words::count(DESK_TRAIN),
                    words::count(DESK_TEST)
                ),
                Preset::Paper => "`paper`: the papers' settings.".to_owned(),
            }
        ));
        for (figure, name) in [
            (Figure::Auroc, "AUROC"),
            (Figure::AveragePrecision, "Average precision"),
        ] {
            page.text(format!(
                "**{name}**, mean over seeds; `mean` over classes, ± over seeds."
            ));
            page.table(self.table(classes, &all, figure));
        }
        let series: Vec<Dots> = ordered(all.keys().copied().collect())
            .into_iter()
            .map(|model| Dots {
                name: title(model),
                values: classes
                    .iter()
                    .map(|class| mean_of(&all[model], class, Figure::Auroc))
                    .collect(),
            })
            .collect();
        let labels: Vec<String> = classes.iter().map(|c| (*c).to_owned()).collect();
        page.chart(chart::by_class(&labels, &series, 0.5, "AUROC by class"));
    }

    fn table(&self, classes: &[&str], all: &ByModel<'_>, wanted: Figure) -> Table {
        let mut headings = vec!["model, score".to_owned(), "seeds".into()];
        headings.extend(classes.iter().map(|c| (*c).to_owned()));
        headings.push("mean".into());
        if wanted == Figure::Auroc {
            headings.extend(["epoch by labels", "training, s", "scoring, s"].map(str::to_owned));
        }
        let mut rows = Vec::new();
        for model in ordered(all.keys().copied().collect()) {
            let cells = &all[model];
            let every: Vec<&Measured> = cells.values().flat_map(|s| s.values()).copied().collect();
            let score = every.first().map_or("", |m| &m.score);
            let seeds: BTreeSet<u64> = cells.values().flat_map(|s| s.keys()).copied().collect();
            let mut row = vec![
                format!("{}, `{score}`", title(model)),
                seeds.len().to_string(),
            ];
            row.extend(
                classes
                    .iter()
                    .map(|class| or_dash(mean_of(cells, class, wanted).map(figure))),
            );
            // A mean over other classes would be another figure.
            let means = |of: &dyn Fn(&Measured) -> Option<f64>| -> Vec<f64> {
                let mean = |seed: &u64| {
                    let values: Option<Vec<f64>> = classes
                        .iter()
                        .map(|class| of(cells.get(class)?.get(seed)?))
                        .collect();
                    Spread::of(&values?).map(|s| s.mean)
                };
                seeds.iter().filter_map(mean).collect()
            };
            let of_figure = |m: &Measured| Some(of(m.used(), wanted));
            row.push(or_dash(Spread::of(&means(&of_figure)).map(Spread::text)));
            if wanted == Figure::Auroc {
                let best = means(&|m| m.best_by_labels.map(|b| b.auroc));
                row.push(or_dash(Spread::of(&best).map(|s| figure(s.mean))));
                let seconds = |of: fn(&Measured) -> f64| {
                    Spread::of(&every.iter().map(|m| of(m)).collect::<Vec<_>>())
                };
                row.push(or_dash(
                    seconds(|m| m.seconds.train).map(|s| format!("{:.0}", s.mean)),
                ));
                row.push(or_dash(
                    seconds(|m| m.seconds.score).map(|s| format!("{:.1}", s.mean)),
                ));
            }
            rows.push((model, means(&of_figure), Row::of(row)));
        }
        let mut table = Table {
            rows: rows.iter().map(|(.., row)| row.clone()).collect(),
            headings,
        };
        if !self.one_normal && self.features == "pixels" {
            let printed = PUBLISHED
                .iter()
                .filter(|p| p.set == self.set && p.figure == wanted);
            for published in printed {
                let ours = rows.iter().find(|(model, ..)| *model == published.model);
                let ours = ours.and_then(|(_, means, _)| Spread::of(means));
                table
                    .rows
                    .push(published_row(published, ours, &table.headings));
            }
        }
        table
    }
}

/// Others' numbers, with how far our mean is above theirs.
fn published_row(published: &Published, ours: Option<Spread>, headings: &[String]) -> Row {
    let mut row = vec![published.name.to_owned(), String::new()];
    row.extend(published.classes.iter().map(|&v| figure(v)));
    let mean_at = headings
        .iter()
        .position(|h| h == "mean")
        .unwrap_or_default();
    row.resize(mean_at, String::new());
    let difference = ours.map(|ours| {
        let difference = ours.mean - published.mean;
        let sign = if difference < 0.0 { "−" } else { "+" };
        format!(" (ours {sign}{})", figure(difference.abs()))
    });
    row.push(format!(
        "{}{}",
        figure(published.mean),
        difference.unwrap_or_default()
    ));
    row.resize(headings.len(), String::new());
    Row::aside(row)
}
