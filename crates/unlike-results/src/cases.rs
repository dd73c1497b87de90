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

/// Positions of samples in a test set, by list.
pub(crate) struct Chosen {
    /// Highest score first.
    pub(crate) most_anomalous: Vec<usize>,
    /// Anomalies that are not flagged, lowest score first.
    pub(crate) missed: Vec<usize>,
    /// Normal samples that are flagged, highest score first.
    pub(crate) flagged_normals: Vec<usize>,
}

impl Chosen {
    /// Lists of at most ten samples.
    pub(crate) fn new(test: &TestSet, judged: &Judged, flags: &[bool]) -> Self {
        let order = judged.ranking();
        let is = |i: usize, label: Label| test.labelled().labels()[i] == label;
        let missed = |i: &usize| is(*i, Label::Anomalous) && !flags[*i];
        let false_alarm = |i: &usize| is(*i, Label::Normal) && flags[*i];
        let highest = order.iter().copied();
        let lowest = order.iter().rev().copied();
        Self {
            missed: lowest.filter(missed).take(LENGTH).collect(),
            flagged_normals: highest.clone().filter(false_alarm).take(LENGTH).collect(),
            most_anomalous: highest.take(LENGTH).collect(),
        }
    }

    /// The lists, explained. Where there is a gallery, images are drawn only if that does not show all
    /// of what there is to see: what the model makes of them.
    pub(crate) fn explained(
        self,
        test: &TestSet,
        model: &Model,
        judged: &Judged,
        pixel_threshold: Option<f64>,
    ) -> Result<[Vec<Case>; 3]> {
        let lists = [self.most_anomalous, self.missed, self.flagged_normals];
        let positions = lists.concat();
        let samples = test.labelled().samples().select(&positions);
        let explainer = match model.has_maps() {
            false => Some(Explainer::new(model, &samples)?),
            true => None,
        };
        let mut images = Vec::new();
        if let Some(pixel_threshold) = pixel_threshold
            && let Some(strips) = Strips::new(model, &samples, pixel_threshold)?
            && strips.reconstructs()
        {
            for (place, &i) in positions.iter().enumerate() {
                images.push(image(strips.strip(place, test.mask(i), SIDE)?)?);
            }
        }
        let explained = |(place, i): (usize, usize)| Case {
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
            ..case(test, judged, i)
        };
        let mut cases = positions.iter().copied().enumerate().map(explained);
        Ok(lists.map(|list| cases.by_ref().take(list.len()).collect()))
    }
}

/// A sample with its score, without reasons and image.
pub(crate) fn case(test: &TestSet, judged: &Judged, i: usize) -> Case {
    Case {
        id: judged.ids[i].clone(),
        score: judged.scores[i],
        p_value: Some(judged.decisions.p_values[i]),
        label: Some(test.labelled().labels()[i]),
        class: test.classes().map(|classes| classes[i].clone()),
        parts: judged
            .parts
            .iter()
            .map(|(name, values)| Part {
                name: name.to_owned(),
                value: values[i].into(),
            })
            .collect(),
        reasons: Vec::new(),
        image: None,
    }
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
