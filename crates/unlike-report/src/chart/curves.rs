//! ROC and precision-recall curves of the score in use and of the baselines.

use unlike_core::{
    Result,
    metrics::{CurvePoint, Metrics},
};

use super::{Chart, Drawn, Ink, Key, Layer, Size, axis::Axis};
use crate::{
    evaluation::{Evaluation, Measured},
    number,
};

/// Recall against false-alarm rate; `None` without a curve.
pub(crate) fn roc(evaluation: &Evaluation) -> Result<Option<Drawn>> {
    let x = Axis::unit("false-alarm rate");
    draw_roc(evaluation, x, vec![[0.0, 0.0], [1.0, 1.0]], "ROC curves")
}

/// As [`roc`], with a logarithmic axis that shows the rates at which detectors are used.
pub(crate) fn roc_log(evaluation: &Evaluation) -> Result<Option<Drawn>> {
    // Rates below this would be counted in single test normals.
    let n_normal = evaluation.metrics().map_or(1, |m| m.n_normal) as f64;
    let low = 10f64
        .powf((3.0 / n_normal).log10().ceil())
        .clamp(1e-6, 1e-2);
    let x = Axis::log10(low, 1.0, "false-alarm rate (logarithmic)");
    let chance = (0..=100)
        .map(|i| low.powf(1.0 - f64::from(i) / 100.0))
        .map(|v| [v, v])
        .collect();
    draw_roc(evaluation, x, chance, "ROC curves on a logarithmic axis")
}

fn draw_roc(
    evaluation: &Evaluation,
    x: Axis,
    chance: Vec<[f64; 2]>,
    alt: &str,
) -> Result<Option<Drawn>> {
    let curves = named(evaluation, |m| {
        let roc = m.roc.as_ref()?;
        let points = roc.points.iter().map(|p| [p.x, p.y]).collect();
        Some((points, band(&roc.points), roc.auroc))
    });
    let decision = evaluation
        .metrics()
        .and_then(decision)
        .map(|d| [d[0], d[1]]);
    draw(curves, [x, Axis::unit("recall")], chance, decision, alt)
}

/// Precision against recall; `None` without a curve.
pub(crate) fn precision_recall(evaluation: &Evaluation) -> Result<Option<Drawn>> {
    let curves = named(evaluation, |m| {
        let curve = m.precision_recall.as_ref()?;
        // Each precision holds from the recall before it: steps.
        let mut steps: Vec<[f64; 2]> = Vec::with_capacity(2 * curve.points.len());
        let mut recall = 0.0;
        for point in &curve.points {
            steps.extend([[recall, point.y], [point.x, point.y]]);
            recall = point.x;
        }
        Some((steps, band(&curve.points), curve.average_precision))
    });
    let prevalence = evaluation
        .metrics()
        .map_or(0.0, |m| m.chance_average_precision);
    let decision = evaluation
        .metrics()
        .and_then(decision)
        .map(|d| [d[1], d[2]]);
    let axes = [Axis::unit("recall"), Axis::unit("precision")];
    let chance = vec![[0.0, prevalence], [1.0, prevalence]];
    draw(curves, axes, chance, decision, "Precision-recall curves")
}

/// False-alarm rate, recall and precision at the decision.
fn decision(metrics: &Metrics) -> Option<[f64; 3]> {
    let (recall, precision) = (metrics.recall?, metrics.precision?);
    if precision <= 0.0 || metrics.n_normal == 0 {
        return None;
    }
    let found = recall * metrics.n_anomalous as f64;
    Some([
        found * (1.0 / precision - 1.0) / metrics.n_normal as f64,
        recall,
        precision,
    ])
}

struct Named {
    name: String,
    points: Vec<[f64; 2]>,
    band: Vec<[f64; 2]>,
}

/// The curves of the score in use and of the baselines, named with their areas.
fn named(
    evaluation: &Evaluation,
    of: impl Fn(&Measured) -> Option<(Vec<[f64; 2]>, Vec<[f64; 2]>, f64)>,
) -> Vec<Named> {
    evaluation
        .variants
        .first()
        .into_iter()
        .chain(&evaluation.baselines)
        .filter_map(|m| {
            let (points, band, area) = of(m)?;
            let name = format!("{} {}", m.name, number::unit(area));
            (!points.is_empty()).then_some(Named { name, points, band })
        })
        .collect()
}

/// The outline of a band: along its lower edge and back along its upper one.
fn band(points: &[CurvePoint]) -> Vec<[f64; 2]> {
    let lower = points.iter().map(|p| [p.x, p.y_ci95[0]]);
    let upper = points.iter().rev().map(|p| [p.x, p.y_ci95[1]]);
    lower.chain(upper).collect()
}

/// The first curve thick, with its band and in front; the others thin.
fn draw(
    curves: Vec<Named>,
    [x, y]: [Axis; 2],
    chance: Vec<[f64; 2]>,
    decision: Option<[f64; 2]>,
    alt: &str,
) -> Result<Option<Drawn>> {
    let mut curves = curves.into_iter();
    let Some(model) = curves.next() else {
        return Ok(None);
    };
    let mut layers = vec![Layer::Line {
        points: chance,
        ink: Ink::Axis,
        width: 1.0,
    }];
    let mut legend = vec![Key::line(model.name, Ink::Blue)];
    for (curve, ink) in curves.zip(Ink::OTHERS.into_iter().cycle()) {
        layers.push(Layer::Line {
            points: curve.points,
            ink,
            width: 1.25,
        });
        legend.push(Key::line(curve.name, ink));
    }
    layers.push(Layer::Area {
        points: model.band,
        ink: Ink::Blue,
        opacity: 0.2,
    });
    layers.push(Layer::Line {
        points: model.points,
        ink: Ink::Blue,
        width: 2.25,
    });
    legend.push(Key::line("chance", Ink::Axis));
    if let Some(point) = decision {
        layers.push(Layer::Dots {
            points: vec![point],
            ink: Ink::Mark,
            radius: 4.0,
        });
        legend.push(Key::dot("decision", Ink::Mark));
    }
    let chart = Chart {
        size: Size::Half,
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
