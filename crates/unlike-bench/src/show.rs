//! From cells to pages: the only way to the tables in RESULTS.md.

use std::collections::{BTreeMap, BTreeSet};

use unlike::{
    ModelConfig,
    models::{Kind, MODELS},
};
use unlike_core::{Result, words};

use crate::{
    cell::{Cell, Key, Measured, Outcome, Preset, Ranked},
    chart::{self, Dots},
    page::{Page, Row, Table},
    published::{Figure, PUBLISHED, Published},
    ranks::Ranking,
    survey::{DESK_TEST, DESK_TRAIN, Set, Task},
};

/// All cells of the survey's experiment, as Markdown.
pub fn survey_markdown(cells: &[Cell]) -> String {
    survey(cells).markdown()
}

/// All cells of the survey's experiment, as one HTML file with charts.
///
/// # Errors
/// Never, so far.
pub fn survey_html(cells: &[Cell]) -> Result<String> {
    Ok(survey(cells).html("The survey's experiment"))
}

/// All cells of a folder of tables, as Markdown.
pub fn tables_markdown(cells: &[Cell]) -> String {
    tables(cells).markdown()
}

/// All cells of a folder of tables, as one HTML file with a chart.
///
/// # Errors
/// Never, so far.
pub fn tables_html(cells: &[Cell]) -> Result<String> {
    Ok(tables(cells).html("All models on tables"))
}

/// Mean and standard deviation, of the values themselves.
#[derive(Clone, Copy)]
struct Spread {
    mean: f64,
    sd: f64,
    least: f64,
    n: usize,
}

impl Spread {
    fn of(values: &[f64]) -> Option<Self> {
        let n = values.len();
        (n > 0).then(|| {
            let mean = values.iter().sum::<f64>() / n as f64;
            let square = |v: &f64| (v - mean).powi(2);
            let variance = values.iter().map(square).sum::<f64>() / (n.max(2) - 1) as f64;
            Self {
                mean,
                sd: variance.sqrt(),
                least: values.iter().copied().fold(f64::INFINITY, f64::min),
                n,
            }
        })
    }

    fn text(self) -> String {
        match self.n {
            1 => figure(self.mean),
            _ => format!("{} ± {}", figure(self.mean), figure(self.sd)),
        }
    }
}

/// Three digits after the point, without a zero before it.
fn figure(value: f64) -> String {
    let text = format!("{value:.3}");
    match text.strip_prefix("0.") {
        Some(digits) => format!(".{digits}"),
        None => text.replace("-0.", "−."),
    }
}

fn or_dash(text: Option<String>) -> String {
    text.unwrap_or_else(|| "–".into())
}

fn title(model: &str) -> String {
    let entry = MODELS.iter().find(|entry| entry.name == model);
    entry.map_or_else(
        || model.to_owned(),
        |entry| entry.recommended(Kind::Table).title().to_owned(),
    )
}

/// The order of the list of models.
fn ordered(models: BTreeSet<&str>) -> Vec<&str> {
    let mut models: Vec<&str> = models.into_iter().collect();
    models.sort_by_key(|model| ModelConfig::names().position(|name| name == *model));
    models
}

/// Measured cells of one table: by model, then class or task, then seed.
type ByModel<'a> = BTreeMap<&'a str, BTreeMap<&'a str, BTreeMap<u64, &'a Measured>>>;

fn by_model<'a>(cells: impl Iterator<Item = (&'a Key, &'a Measured, &'a str)>) -> ByModel<'a> {
    let mut all = ByModel::new();
    for (key, measured, class) in cells {
        let classes = all.entry(&key.model).or_default();
        classes.entry(class).or_default().insert(key.seed, measured);
    }
    all
}

fn survey(cells: &[Cell]) -> Page {
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
                        for features in ["pixels", "lite0"] {
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

/// The mean observed share of false alarms where this was promised, in per cent.
fn observed(cells: &[&Measured], promised: f64) -> Option<String> {
    let rates: Vec<f64> = cells
        .iter()
        .flat_map(|m| &m.false_alarms)
        .filter(|rate| rate.promised == promised)
        .map(|rate| rate.observed)
        .collect();
    Spread::of(&rates).map(|s| format!("{:.1} %", 100.0 * s.mean))
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
                network => format!("features of `{network}`"),
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
                "**{name}**, mean over seeds; *mean* over classes, ± over seeds."
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

fn of(ranked: Ranked, figure: Figure) -> f64 {
    match figure {
        Figure::Auroc => ranked.auroc,
        Figure::AveragePrecision => ranked.average_precision,
    }
}

fn mean_of(
    cells: &BTreeMap<&str, BTreeMap<u64, &Measured>>,
    class: &str,
    figure: Figure,
) -> Option<f64> {
    let seeds = cells.get(class)?.values();
    Spread::of(&seeds.map(|m| of(m.used(), figure)).collect::<Vec<_>>()).map(|s| s.mean)
}

fn tables(cells: &[Cell]) -> Page {
    let mut page = Page::default();
    let measured = cells
        .iter()
        .filter_map(|cell| Some((&cell.key, cell.measured()?, &*cell.key.set)));
    let all = by_model(measured);
    let models = ordered(all.keys().copied().collect());
    let sets: BTreeSet<&str> = all.values().flat_map(|s| s.keys()).copied().collect();
    // What is compared over sets has all of them.
    let complete: Vec<&str> = models
        .iter()
        .filter(|model| all[*model].len() == sets.len())
        .copied()
        .collect();
    let ranking = Ranking::new(
        &sets
            .iter()
            .map(|set| {
                let auroc = |model: &&str| mean_of(&all[model], set, Figure::Auroc);
                complete.iter().filter_map(auroc).collect()
            })
            .collect::<Vec<Vec<f64>>>(),
    );
    let rank = |model: &str| {
        let at = complete.iter().position(|m| *m == model)?;
        Some(ranking.as_ref()?.mean_ranks[at])
    };
    let headings = [
        "model, score",
        "sets",
        "seeds",
        "AUROC",
        "AP",
        "mean rank",
        "sets below .5",
        "AUROC, epoch by labels",
        "false alarms at 5 %",
        "at 10 %",
        "training, s",
        "scoring, s",
    ];
    let mut rows = Vec::new();
    for model in &models {
        let every: Vec<&Measured> = all[model]
            .values()
            .flat_map(|s| s.values())
            .copied()
            .collect();
        let seeds: BTreeSet<u64> = all[model]
            .values()
            .flat_map(|s| s.keys())
            .copied()
            .collect();
        let mean = |figure| {
            let means: Vec<f64> = all[model]
                .keys()
                .filter_map(|set| mean_of(&all[model], set, figure))
                .collect();
            Spread::of(&means)
        };
        let by_labels: Vec<f64> = every
            .iter()
            .filter_map(|m| m.best_by_labels.map(|b| b.auroc))
            .collect();
        let below = all[model]
            .keys()
            .filter(|set| mean_of(&all[model], set, Figure::Auroc).is_some_and(|v| v < 0.5));
        let median = |of: fn(&Measured) -> f64| {
            let mut values: Vec<f64> = every.iter().map(|m| of(m)).collect();
            values.sort_by(f64::total_cmp);
            format!("{:.2}", values[values.len() / 2])
        };
        let score = every.first().map_or("", |m| &m.score);
        rows.push(Row::of(vec![
            format!("{}, `{score}`", title(model)),
            all[model].len().to_string(),
            seeds.len().to_string(),
            or_dash(mean(Figure::Auroc).map(|s| figure(s.mean))),
            or_dash(mean(Figure::AveragePrecision).map(|s| figure(s.mean))),
            or_dash(rank(model).map(|r| format!("{r:.2}"))),
            below.count().to_string(),
            or_dash(Spread::of(&by_labels).map(|s| figure(s.mean))),
            or_dash(observed(&every, 0.05)),
            or_dash(observed(&every, 0.1)),
            median(|m| m.seconds.train),
            median(|m| m.seconds.score),
        ]));
    }
    if rows.is_empty() {
        page.text("No cells yet.");
        return page;
    }
    page.heading("Means over sets");
    page.text(
        "AUROC and AP are means over seeds, then over sets; ranks are of the means over seeds; times \
         are medians.",
    );
    page.table(Table {
        headings: headings.map(str::to_owned).to_vec(),
        rows,
    });
    if let Some(ranking) = &ranking {
        page.text(format!(
            "Friedman's χ² of the ranks of {} models on {} sets is {:.1}, with {} degrees of freedom.{}",
            complete.len(),
            ranking.n_sets,
            ranking.friedman,
            complete.len() - 1,
            ranking.critical_difference.map_or_else(String::new, |cd| format!(
                " Mean ranks that differ by less than {cd:.2} are not shown to differ (Nemenyi, 5 %)."
            ))
        ));
        if let Some(critical) = ranking.critical_difference {
            let named = complete.iter().zip(&ranking.mean_ranks);
            let named: Vec<(String, f64)> = named.map(|(m, &r)| (title(m), r)).collect();
            page.chart(chart::critical_difference(&named, critical));
        }
    }
    page.heading("AUROC by set");
    page.text("Mean ± standard deviation over seeds.");
    let mut headings = vec!["set".to_owned(), "prevalence".into()];
    headings.extend(models.iter().map(|m| title(m)));
    let rows = sets.iter().map(|set| {
        let spread = |model: &&str| {
            let seeds = all[model].get(set)?.values();
            Spread::of(&seeds.map(|m| m.used().auroc).collect::<Vec<_>>())
        };
        let best = models
            .iter()
            .filter_map(|m| spread(m).map(|s| s.mean))
            .fold(f64::NEG_INFINITY, f64::max);
        let prevalence = all
            .values()
            .find_map(|sets| sets.get(set)?.values().next().map(|m| m.prevalence));
        let cell = |model: &&str| match spread(model) {
            Some(s) if s.mean == best => format!("**{}**", s.text()),
            spread => or_dash(spread.map(Spread::text)),
        };
        let mut row = vec![(*set).to_owned(), or_dash(prevalence.map(figure))];
        row.extend(models.iter().map(cell));
        Row::of(row)
    });
    page.table(Table {
        rows: rows.collect(),
        headings,
    });
    failures(&mut page, cells);
    origins(&mut page, cells);
    page
}

fn failures(page: &mut Page, cells: &[Cell]) {
    for cell in cells {
        if let Outcome::Failed(why) = &cell.outcome {
            page.text(format!("Failed: {} ({why}).", cell.key));
        }
    }
}

/// Where cells come from.
fn origins(page: &mut Page, cells: &[Cell]) {
    let mut origins: BTreeMap<String, usize> = BTreeMap::new();
    for cell in cells {
        let origin = &cell.origin;
        let text = format!(
            "unlike {} on {}, {} at once on {} each",
            origin.unlike_version,
            origin.cpu,
            words::counted(origin.at_once, "cell"),
            words::counted(origin.threads, "thread"),
        );
        *origins.entry(text).or_default() += 1;
    }
    for (origin, count) in origins {
        page.text(format!(
            "{} by {origin}; times are on the clock of a machine that did other work too.",
            words::counted(count, "cell")
        ));
    }
}
