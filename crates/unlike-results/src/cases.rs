//! The samples that a person should look at: the strangest, the missed, the false alarms.

use unlike::{Judged, Model};
use unlike_core::{Label, Result};
use unlike_report::{Case, Image, Part, Reason};

use crate::{
    images::{Raster, Strips, maps::STRIP},
    reasons::Explainer,
    test_set::TestSet,
};

/// Samples in each list.
const LENGTH: usize = 10;
/// Pixels of an image, at most.
const SIDE: usize = 128;

/// Lists of samples, each at most ten long.
pub(crate) struct Lists {
    /// Highest score first.
    pub(crate) most_anomalous: Vec<Case>,
    /// Anomalies that are not flagged, lowest score first.
    pub(crate) missed: Vec<Case>,
    /// Normal samples that are flagged, highest score first.
    pub(crate) flagged_normals: Vec<Case>,
}

/// Chooses and explains the samples.
pub(crate) fn lists(
    test: &TestSet,
    model: &Model,
    judged: &Judged,
    flags: &[bool],
) -> Result<Lists> {
    let labels = test.labelled().labels();
    let order = judged.ranking();
    let highest = |keep: &dyn Fn(usize) -> bool| -> Vec<usize> {
        order
            .iter()
            .copied()
            .filter(|&i| keep(i))
            .take(LENGTH)
            .collect()
    };
    let is = |i: usize, label: Label| labels[i] == label;
    let missed = order
        .iter()
        .rev()
        .copied()
        .filter(|&i| is(i, Label::Anomalous) && !flags[i]);
    let chosen = [
        highest(&|_| true),
        missed.take(LENGTH).collect(),
        highest(&|i| is(i, Label::Normal) && flags[i]),
    ];
    let positions = chosen.concat();
    let samples = test.labelled().samples().select(&positions);
    let explainer = match model.has_maps() {
        false => Some(Explainer::new(model, &samples)?),
        true => None,
    };
    let mut images = Vec::new();
    if let Some(strips) = Strips::new(model, &samples)? {
        for (place, &i) in positions.iter().enumerate() {
            images.push(image(strips.strip(place, test.mask(i), SIDE)?)?);
        }
    }
    let case = |(place, i): (usize, usize)| Case {
        id: judged.ids[i].clone(),
        score: judged.scores[i],
        p_value: Some(judged.decisions.p_values[i]),
        label: Some(labels[i]),
        class: test.classes().map(|classes| classes[i].clone()),
        parts: judged
            .parts
            .iter()
            .map(|(name, values)| Part {
                name: name.to_owned(),
                value: values[i].into(),
            })
            .collect(),
        reasons: explainer
            .iter()
            .flat_map(|explainer| explainer.reasons(place))
            .map(|r| Reason {
                column: r.column.to_owned(),
                share: r.share,
                typical: r.typical_in_words(),
                found: r.found,
            })
            .collect(),
        image: images.get(place).cloned().flatten(),
    };
    let mut cases = positions.iter().copied().enumerate().map(case);
    let [most_anomalous, missed, flagged_normals] =
        chosen.map(|list| cases.by_ref().take(list.len()).collect());
    Ok(Lists {
        most_anomalous,
        missed,
        flagged_normals,
    })
}

/// The images of a sample side by side.
fn image(strip: Vec<Raster>) -> Result<Option<Image>> {
    let Some(strip) = Raster::grid(&[strip]) else {
        return Ok(None);
    };
    Ok(Some(Image {
        title: STRIP.into(),
        caption: None,
        png: strip.png()?,
    }))
}
