//! The page of a folder of tables.

use std::collections::BTreeSet;

use super::{
    Spread, by_model, failures, figure, mean_of, observed, or_dash, ordered, origins, title,
};
use crate::{
    cell::{Cell, Measured},
    chart,
    page::{Page, Row, Table},
    published::Figure,
    ranks::Ranking,
};

pub(super) fn page(cells: &[Cell]) -> Page {
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
