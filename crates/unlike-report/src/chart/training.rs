//! Training curves.

use unlike_core::Result;

use super::{Chart, Drawn, Ink, Key, Layer, Size, axis::Axis};
use crate::training::{Series, Training};

/// Series with more points than this are drawn as means of equal stretches.
const MOST_POINTS: usize = 300;
/// Up to this many points each gets a dot.
const FEW_POINTS: usize = 30;
/// Positive losses that spread wider than this get a logarithmic axis.
const WIDE: f64 = 30.0;

/// The losses per epoch or step.
pub(crate) fn losses(training: &Training) -> Result<Option<Drawn>> {
    let values = || {
        training
            .losses
            .iter()
            .flat_map(|s| s.points.iter())
            .map(|p| p[1])
    };
    let low = values().fold(f64::INFINITY, f64::min);
    let high = values().fold(f64::NEG_INFINITY, f64::max);
    let y = if low > 0.0 && high / low > WIDE {
        Axis::log10(low, high, "loss (logarithmic)")
    } else {
        Axis::linear(low.min(0.0), high + 0.06 * (high - low.min(0.0)), 6, "loss")
    };
    draw_series(
        &training.losses,
        training,
        y,
        Size::Wide,
        "Losses over the epochs",
    )
}

/// The discriminator's outputs.
pub(crate) fn monitors(training: &Training) -> Result<Option<Drawn>> {
    let y = Axis::unit("mean output");
    draw_series(
        &training.monitors,
        training,
        y,
        Size::Half,
        "Discriminator outputs over the epochs",
    )
}

/// Mean and standard deviation of the held-out normals' scores.
pub(crate) fn held_out(training: &Training) -> Result<Option<Drawn>> {
    let epochs: Vec<_> = training
        .held_out
        .iter()
        .filter(|h| h.mean.is_finite() && h.sd.is_finite())
        .collect();
    if epochs.is_empty() {
        return Ok(None);
    }
    let low = epochs
        .iter()
        .map(|h| h.mean - h.sd)
        .fold(f64::INFINITY, f64::min);
    let high = epochs
        .iter()
        .map(|h| h.mean + h.sd)
        .fold(f64::NEG_INFINITY, f64::max);
    // A first epoch far from all others leaves nothing to see of these on a linear axis.
    let smallest = epochs.iter().map(|h| h.mean).fold(f64::INFINITY, f64::min);
    let y = if smallest > 0.0 && high / smallest > WIDE {
        Axis::log10(0.5 * smallest, high, "score (logarithmic)")
    } else {
        let margin = 0.06 * (high - low);
        Axis::linear(low - margin, high + margin, 6, "score")
    };
    let mean: Vec<_> = epochs
        .iter()
        .map(|h| [f64::from(h.epoch), h.mean])
        .collect();
    // A single epoch gets a band that is wide enough to be seen.
    let half = if epochs.len() == 1 { 0.1 } else { 0.0 };
    let edge = |side: f64| {
        epochs.iter().flat_map(move |h| {
            let (x, y) = (f64::from(h.epoch), h.mean + side * h.sd);
            [[x - half, y], [x + half, y]]
        })
    };
    let band = edge(-1.0).chain(edge(1.0).rev()).collect();
    let mut layers = vec![Layer::Area {
        points: band,
        ink: Ink::Blue,
        opacity: 0.2,
    }];
    layers.extend(line(&mean, Ink::Blue, 2.0));
    let range = epoch_range(mean.iter());
    layers.extend(chosen(training));
    let chart = Chart {
        size: Size::Half,
        alt: "Scores of held-out normals over the epochs".into(),
        x: Axis::epochs(range.0, range.1),
        y,
        layers,
    };
    let legend = vec![Key::line("mean", Ink::Blue), Key::area("± 1 sd", Ink::Blue)];
    Ok(Some(Drawn {
        svg: chart.svg()?,
        legend,
    }))
}

fn draw_series(
    all: &[Series],
    training: &Training,
    y: Axis,
    size: Size,
    alt: &str,
) -> Result<Option<Drawn>> {
    const INKS: [Ink; 6] = [
        Ink::Blue,
        Ink::Vermilion,
        Ink::Green,
        Ink::Orange,
        Ink::Purple,
        Ink::Grey,
    ];
    let shown: Vec<(&Series, Vec<[f64; 2]>)> = all
        .iter()
        .map(|s| (s, means(s)))
        .filter(|(_, points)| !points.is_empty())
        .collect();
    if shown.is_empty() {
        return Ok(None);
    }
    let range = epoch_range(shown.iter().flat_map(|(_, points)| points));
    let mut layers = vec![];
    let mut legend = vec![];
    for (i, (series, points)) in shown.iter().enumerate() {
        let ink = INKS[i % INKS.len()];
        layers.extend(line(points, ink, 1.75));
        legend.push(Key::line(series.name.as_str(), ink));
    }
    layers.extend(chosen(training));
    let x = Axis::epochs(range.0, range.1);
    let chart = Chart {
        size,
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

fn line(points: &[[f64; 2]], ink: Ink, width: f64) -> Vec<Layer> {
    let mut layers = vec![Layer::Line {
        points: points.to_vec(),
        ink,
        width,
    }];
    if points.len() <= FEW_POINTS {
        layers.push(Layer::Dots {
            points: points.to_vec(),
            ink,
            radius: 2.5,
        });
    }
    layers
}

/// A vertical line at the epoch whose weights were kept.
fn chosen(training: &Training) -> Vec<Layer> {
    let Some(epoch) = training.chosen_epoch.map(f64::from) else {
        return vec![];
    };
    let ends = vec![[epoch, f64::NEG_INFINITY], [epoch, f64::INFINITY]];
    vec![
        Layer::Line {
            points: ends,
            ink: Ink::Text,
            width: 1.0,
        },
        Layer::Note {
            x: epoch,
            text: "chosen".into(),
            ink: Ink::Text,
        },
    ]
}

fn epoch_range<'a>(points: impl Iterator<Item = &'a [f64; 2]>) -> (f64, f64) {
    let (low, high) = points
        .map(|p| p[0])
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| {
            (low.min(x), high.max(x))
        });
    // Steps begin within the first epoch: at 0.
    (low.floor(), high.ceil())
}

/// The finite points, averaged over equal stretches if there are many.
fn means(series: &Series) -> Vec<[f64; 2]> {
    let finite: Vec<[f64; 2]> = series
        .points
        .iter()
        .copied()
        .filter(|p| p.iter().all(|v| v.is_finite()))
        .collect();
    if finite.len() <= MOST_POINTS {
        return finite;
    }
    finite
        .chunks(finite.len().div_ceil(MOST_POINTS))
        .map(|chunk| {
            let mean = |i: usize| chunk.iter().map(|p| p[i]).sum::<f64>() / chunk.len() as f64;
            [mean(0), mean(1)]
        })
        .collect()
}
