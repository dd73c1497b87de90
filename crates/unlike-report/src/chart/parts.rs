//! Two parts of the score against each other.

use unlike_core::Result;

use super::{Chart, Drawn, Ink, Key, Layer, Size, axis::Axis};
use crate::evaluation::PartPair;

/// Values that are all positive and spread wider than this get a logarithmic axis.
const WIDE: f64 = 30.0;

/// Each test sample as a dot, anomalies in front; `None` without samples.
pub(crate) fn parts(pair: &PartPair) -> Result<Option<Drawn>> {
    let axis = |which: usize| {
        let all = pair.normal.iter().chain(&pair.anomalous);
        let mut values: Vec<f64> = all.map(|p| p[which]).filter(|v| v.is_finite()).collect();
        values.sort_unstable_by(f64::total_cmp);
        let (low, high) = (*values.first()?, *values.last()?);
        let title = pair.names[which].clone();
        Some(match low > 0.0 && high / low > WIDE {
            true => Axis::log10(low, high, &format!("{title} (logarithmic)")),
            false => {
                let margin = 0.04 * (high - low);
                Axis::linear(low - margin, high + margin, 6, &title)
            }
        })
    };
    let (Some(x), Some(y)) = (axis(0), axis(1)) else {
        return Ok(None);
    };
    let dots = |points: &[[f64; 2]], ink| Layer::Dots {
        points: points.to_vec(),
        ink,
        radius: 1.6,
    };
    let chart = Chart {
        size: Size::Half,
        alt: "Two parts of the score of each sample".into(),
        x,
        y,
        layers: vec![
            dots(&pair.normal, Ink::Blue),
            dots(&pair.anomalous, Ink::Vermilion),
        ],
    };
    Ok(Some(Drawn {
        svg: chart.svg()?,
        legend: vec![
            Key::dot("normal", Ink::Blue),
            Key::dot("anomalous", Ink::Vermilion),
        ],
    }))
}
