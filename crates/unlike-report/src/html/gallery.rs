//! Images as the page shows them.

use std::fmt::Write;

use base64::{Engine, engine::general_purpose::STANDARD};
use unlike_core::{Error, Label, Result};

use super::live::Live;
use crate::{
    gallery::{Gallery, Tile},
    number, summary,
};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
const JPEG: &[u8] = b"\xff\xd8\xff";

/// Images up to this side are enlarged with sharp pixels.
const SMALL: u32 = 64;

/// A list of images with a title and how to read it.
pub(super) struct Shelf<'a> {
    pub(super) title: &'static str,
    pub(super) note: &'static str,
    pub(super) tiles: Vec<TileView<'a>>,
}

pub(super) struct TileView<'a> {
    pub(super) tile: &'a Tile,
    pub(super) label: Option<String>,
    /// What it is called where it is flagged, and where it is not.
    pub(super) states: [&'static str; 2],
    /// Which of them holds at the decision in use, if that is known.
    pub(super) flagged: Option<bool>,
    pub(super) picture: String,
    pub(super) map: String,
    /// As drawing commands of SVG.
    pub(super) regions: String,
    pub(super) mask: Option<String>,
    /// Width over height.
    pub(super) ratio: String,
}

impl TileView<'_> {
    pub(super) fn is_anomalous(&self) -> bool {
        self.tile.case.label == Some(Label::Anomalous)
    }

    pub(super) fn is_small(&self) -> bool {
        self.tile.size.into_iter().all(|side| side <= SMALL)
    }

    pub(super) fn state(&self) -> &'static str {
        self.flagged
            .map_or("", |flagged| self.states[usize::from(!flagged)])
    }

    /// With all digits, so that it compares as it does here.
    pub(super) fn score(&self) -> String {
        self.tile.case.score.to_string()
    }
}

/// The lists that hold images.
///
/// # Errors
/// If an image is neither a PNG nor a JPEG, or has no pixels.
pub(super) fn shelves<'a>(gallery: &'a Gallery, live: Option<&Live>) -> Result<Vec<Shelf<'a>>> {
    let mut shelves = Vec::new();
    for (title, note, tiles) in summary::tile_lists(gallery) {
        let tiles = tiles.iter().map(|tile| view(tile, live));
        shelves.push(Shelf {
            title,
            note,
            tiles: tiles.collect::<Result<_>>()?,
        });
    }
    Ok(shelves)
}

fn view<'a>(tile: &'a Tile, live: Option<&Live>) -> Result<TileView<'a>> {
    let case = &tile.case;
    let [width, height] = tile.size;
    if width == 0 || height == 0 {
        return Err(Error::Mismatch {
            origin: Some(format!("the image `{}`", case.id)),
            found: format!("{width} × {height} pixels"),
            expected: "at least one".into(),
            hint: None,
        });
    }
    Ok(TileView {
        tile,
        label: summary::label(case),
        states: match case.label {
            Some(Label::Anomalous) => ["found", "missed"],
            Some(Label::Normal) => ["false alarm", "passed"],
            None => ["flagged", "passed"],
        },
        flagged: live.map(|live| live.flags(case.score)),
        picture: address(&tile.picture, &case.id)?,
        map: address(&tile.map, &case.id)?,
        regions: path(&tile.regions),
        mask: tile.mask.as_deref().map(path),
        ratio: format!("{:.4}", f64::from(width) / f64::from(height)),
    })
}

/// A file as a `data:` address.
pub(super) fn address(file: &[u8], name: &str) -> Result<String> {
    let kind = match file {
        file if file.starts_with(PNG) => "png",
        file if file.starts_with(JPEG) => "jpeg",
        _ => {
            return Err(Error::Mismatch {
                origin: Some(format!("the image `{name}`")),
                found: format!("{} bytes that start as no image does", file.len()),
                expected: "a PNG or JPEG file".into(),
                hint: None,
            });
        }
    };
    Ok(format!(
        "data:image/{kind};base64,{}",
        STANDARD.encode(file)
    ))
}

/// Closed polygons as drawing commands; what is not finite is left out.
fn path(polygons: &[Vec<[f32; 2]>]) -> String {
    let mut text = String::new();
    for polygon in polygons {
        let finite = polygon.iter().filter(|p| p.iter().all(|v| v.is_finite()));
        for (i, [x, y]) in finite.enumerate() {
            let command = if i == 0 { 'M' } else { 'L' };
            // Writing to a string cannot fail.
            _ = write!(text, "{command}{x} {y}");
        }
        text.push('Z');
    }
    text
}

/// How to read maps and lines, in sentences.
pub(super) fn reading(gallery: &Gallery) -> String {
    let masks = gallery
        .lists()
        .concat()
        .iter()
        .any(|tile| tile.mask.is_some());
    let mask = match masks {
        true => " The dashed line encloses what the mask marks.",
        false => "",
    };
    format!(
        "Light colours: where the image departs from normal. The white line encloses what exceeds the \
         pixel threshold, {} spreads of normals above their mean.{mask}",
        number::score(gallery.pixel_threshold),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polygons_become_closed_lines() {
        let square = vec![[0.0, 0.5], [2.25, 0.5], [2.0, 3.0]];
        let broken = vec![[f32::NAN, 1.0], [1.0, 1.0]];
        assert_eq!(path(&[square, broken]), "M0 0.5L2.25 0.5L2 3ZM1 1Z");
        assert_eq!(path(&[]), "");
    }
}
