//! Charts as SVG that is written by hand: dots by class, and models on the line of their mean ranks.

use std::fmt::Write;

use crate::page::escaped;

/// Okabe and Ito's palette, which people with colour-blindness can tell apart.
const COLOURS: [&str; 9] = [
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#6F767E", "#8C564B",
    "#B8A800",
];

/// A series of dots, one per class, none where there is no number.
pub(crate) struct Dots {
    pub(crate) name: String,
    pub(crate) values: Vec<Option<f64>>,
}

/// Values between 0 and 1 by class, a colour per series, with a line at chance.
pub(crate) fn by_class(classes: &[String], series: &[Dots], chance: f64, label: &str) -> String {
    const LEFT: f64 = 46.0;
    const TOP: f64 = 12.0;
    const STEP: f64 = 74.0;
    const HEIGHT: f64 = 220.0;
    let lowest = series
        .iter()
        .flat_map(|s| s.values.iter().flatten())
        .fold(chance, |a, &b| a.min(b));
    let floor = (lowest * 10.0 - 0.5).floor().max(0.0) / 10.0;
    let y = |value: f64| TOP + HEIGHT * (1.0 - (value - floor) / (1.0 - floor));
    let right = LEFT + STEP * classes.len() as f64;
    let rows = series.len().div_ceil(5) as f64;
    let bottom = TOP + HEIGHT + 26.0 + 18.0 * rows;
    let mut svg = format!(
        "<svg viewBox=\"0 0 {} {bottom}\" role=\"img\" aria-label=\"{}\">",
        right + 10.0,
        escaped(label)
    );
    let mut tick = floor;
    while tick < 1.0 + 1e-9 {
        let at = y(tick);
        _ = write!(
            svg,
            "<line x1=\"{LEFT}\" x2=\"{right}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>\
             <text class=\"soft\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{tick:.1}</text>",
            LEFT - 6.0,
            at + 4.0
        );
        tick += 0.1;
    }
    let at = y(chance);
    _ = write!(
        svg,
        "<line x1=\"{LEFT}\" x2=\"{right}\" y1=\"{at:.1}\" y2=\"{at:.1}\" class=\"chance\"/>"
    );
    for (i, class) in classes.iter().enumerate() {
        let middle = LEFT + STEP * (i as f64 + 0.5);
        _ = write!(
            svg,
            "<text x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            TOP + HEIGHT + 16.0,
            escaped(class)
        );
        let apart = (STEP - 14.0) / series.len().max(1) as f64;
        for (s, dots) in series.iter().enumerate() {
            if let Some(value) = dots.values.get(i).copied().flatten() {
                let x = middle + apart * (s as f64 + 0.5 - series.len() as f64 / 2.0);
                _ = write!(
                    svg,
                    "<circle cx=\"{x:.1}\" cy=\"{:.1}\" r=\"4\" fill=\"{}\"><title>{} {}: {value:.3}\
                     </title></circle>",
                    y(value),
                    COLOURS[s % COLOURS.len()],
                    escaped(&dots.name),
                    escaped(class)
                );
            }
        }
    }
    for (s, dots) in series.iter().enumerate() {
        let x = LEFT + (right - LEFT) / 5.0 * (s % 5) as f64;
        let y = TOP + HEIGHT + 38.0 + 18.0 * (s / 5) as f64;
        _ = write!(
            svg,
            "<circle cx=\"{x:.1}\" cy=\"{:.1}\" r=\"4\" fill=\"{}\"/><text x=\"{:.1}\" y=\"{y:.1}\">{}</text>",
            y - 4.0,
            COLOURS[s % COLOURS.len()],
            x + 9.0,
            escaped(&dots.name)
        );
    }
    svg + "</svg>"
}

/// Models on a line of their mean ranks, best to the left, with a bar over those that the critical
/// difference does not tell apart.
pub(crate) fn critical_difference(models: &[(String, f64)], critical: f64) -> String {
    const LEFT: f64 = 190.0;
    const WIDTH: f64 = 460.0;
    const TOP: f64 = 46.0;
    let mut models = models.to_vec();
    models.sort_by(|a, b| a.1.total_cmp(&b.1));
    let k = models.len();
    let x = |rank: f64| LEFT + WIDTH * (rank - 1.0) / (k as f64 - 1.0);
    let mut groups: Vec<(usize, usize)> = Vec::new();
    for i in 0..k {
        let last = (i..k)
            .take_while(|&j| models[j].1 - models[i].1 <= critical)
            .last();
        let last = last.unwrap_or(i);
        if last > i && groups.last().is_none_or(|&(_, end)| last > end) {
            groups.push((i, last));
        }
    }
    let under = TOP + 16.0 + 12.0 * groups.len() as f64;
    let half = k.div_ceil(2);
    let bottom = under + 20.0 * half as f64 + 14.0;
    let mut svg = format!(
        "<svg viewBox=\"0 0 {} {bottom:.0}\" role=\"img\" aria-label=\"Mean ranks of models\">",
        2.0 * LEFT + WIDTH
    );
    _ = write!(
        svg,
        "<line x1=\"{LEFT}\" x2=\"{}\" y1=\"{TOP}\" y2=\"{TOP}\"/>",
        LEFT + WIDTH
    );
    for rank in 1..=k {
        let at = x(rank as f64);
        _ = write!(
            svg,
            "<line x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{:.1}\" y2=\"{TOP}\"/>\
             <text class=\"soft\" x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{rank}</text>",
            TOP - 5.0,
            TOP - 9.0
        );
    }
    let end = x(1.0) + critical / (k as f64 - 1.0) * WIDTH;
    _ = write!(
        svg,
        "<line class=\"bar\" x1=\"{LEFT}\" x2=\"{end:.1}\" y1=\"14\" y2=\"14\"/>\
         <text x=\"{:.1}\" y=\"18\">critical difference {critical:.2}</text>",
        end + 8.0
    );
    for (level, &(first, last)) in groups.iter().enumerate() {
        let y = TOP + 10.0 + 12.0 * level as f64;
        _ = write!(
            svg,
            "<line class=\"bar\" x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>",
            x(models[first].1) - 3.0,
            x(models[last].1) + 3.0
        );
    }
    for (i, (name, rank)) in models.iter().enumerate() {
        let left = i < half;
        let row = if left { i } else { k - 1 - i };
        let (y, at) = (under + 20.0 * row as f64 + 12.0, x(*rank));
        let (edge, anchor, text) = match left {
            true => (LEFT - 8.0, "end", LEFT - 12.0),
            false => (LEFT + WIDTH + 8.0, "start", LEFT + WIDTH + 12.0),
        };
        _ = write!(
            svg,
            "<path fill=\"none\" d=\"M{at:.1} {TOP}V{y:.1}H{edge:.1}\"/>\
             <text x=\"{text:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{} {rank:.2}</text>",
            y + 4.0,
            escaped(name)
        );
    }
    svg + "</svg>"
}
