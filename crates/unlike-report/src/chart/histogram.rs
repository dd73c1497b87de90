//! Score histograms.

use unlike_core::Result;

use super::{Chart, Drawn, Ink, Key, Layer, Size, axis::Axis};
use crate::{histogram::Histogram, number};

/// Each group's share per bin, so that groups of different sizes compare.
pub(crate) fn histogram_shares(histogram: &Histogram) -> Result<Option<Drawn>> {
    let heights = |counts: &[u64]| -> Vec<f64> {
        let total = counts.iter().sum::<u64>().max(1) as f64;
        counts.iter().map(|&n| n as f64 / total).collect()
    };
    let groups = groups(histogram, heights);
    let highest = groups
        .iter()
        .flat_map(|g| g.heights.iter().copied())
        .fold(0.0, f64::max);
    let y = Axis::percent(highest * 1.08, "share of the group");
    draw(
        histogram,
        groups,
        y,
        0.0,
        "Histogram of the scores, in shares of each group",
    )
}

/// Counts on a logarithmic axis, which shows the rare ones.
pub(crate) fn histogram_counts(histogram: &Histogram) -> Result<Option<Drawn>> {
    let groups = groups(histogram, |counts| {
        counts.iter().map(|&n| n as f64).collect()
    });
    let highest = groups
        .iter()
        .flat_map(|g| g.heights.iter().copied())
        .fold(1.0, f64::max);
    // Half a sample is where empty bins end, so that a bin with a single sample shows.
    let y = Axis::log10(0.5, highest * 1.5, "samples (logarithmic)");
    draw(
        histogram,
        groups,
        y,
        0.5,
        "Histogram of the scores, counts on a logarithmic axis",
    )
}

struct Group {
    name: &'static str,
    ink: Ink,
    heights: Vec<f64>,
    n: u64,
}

fn groups(histogram: &Histogram, heights: impl Fn(&[u64]) -> Vec<f64>) -> Vec<Group> {
    let bins = histogram.edges.len().saturating_sub(1);
    [
        ("normal test samples", Ink::Blue, &histogram.normal),
        ("test samples", Ink::Blue, &histogram.unlabelled),
        (
            "anomalous test samples",
            Ink::Vermilion,
            &histogram.anomalous,
        ),
        ("held-out normals", Ink::Mark, &histogram.held_out),
    ]
    .into_iter()
    .filter(|(_, _, counts)| counts.len() == bins && counts.iter().any(|&n| n > 0))
    .map(|(name, ink, counts)| Group {
        name,
        ink,
        heights: heights(counts),
        n: counts.iter().sum(),
    })
    .collect()
}

fn draw(
    histogram: &Histogram,
    groups: Vec<Group>,
    y: Axis,
    floor: f64,
    alt: &str,
) -> Result<Option<Drawn>> {
    let (Some(&low), Some(&high)) = (histogram.edges.first(), histogram.edges.last()) else {
        return Ok(None);
    };
    if groups.is_empty() {
        return Ok(None);
    }
    let mut layers = vec![];
    let mut legend = vec![];
    for group in groups {
        let mut outline = vec![[low, floor]];
        for (edges, height) in histogram.edges.windows(2).zip(&group.heights) {
            outline.extend([[edges[0], height.max(floor)], [edges[1], height.max(floor)]]);
        }
        outline.push([high, floor]);
        let text = format!("{} ({})", group.name, number::count(group.n));
        // Held-out normals are the reference that the others are laid against: an outline only.
        if group.ink == Ink::Mark {
            legend.push(Key::line(text, group.ink));
        } else {
            layers.push(Layer::Area {
                points: outline.clone(),
                ink: group.ink,
                opacity: 0.28,
            });
            legend.push(Key::area(text, group.ink));
        }
        layers.push(Layer::Line {
            points: outline,
            ink: group.ink,
            width: 1.25,
        });
    }
    if let Some(threshold) = histogram.threshold.filter(|t| t.is_finite()) {
        let points = vec![[threshold, floor], [threshold, f64::INFINITY]];
        layers.push(Layer::Line {
            points,
            ink: Ink::Text,
            width: 1.5,
        });
        let text = format!("threshold {}", number::score(threshold));
        layers.push(Layer::Note {
            x: threshold,
            text,
            ink: Ink::Text,
        });
    }
    let x = Axis::scores(low, high, histogram.scale);
    let chart = Chart {
        size: Size::Wide,
        alt: alt.into(),
        x,
        y,
        layers,
    };
    Ok(Some(Drawn {
        svg: chart.svg()?,
        legend,
    }))
}
