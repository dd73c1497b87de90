//! Images of a test set to look at, in a bounded number of bytes.

use unlike::{Judged, Model};
use unlike_core::{Images, Result, Samples};
use unlike_report::{Gallery, Tile};

use crate::{
    cases::{Chosen, case},
    images::{
        Raster,
        maps::{self, ColourScale},
        outline::{Field, boxes},
        raster::heat_file,
    },
    test_set::TestSet,
};

/// Images in each list.
const LENGTH: usize = 8;
/// Pixels of the longer side of an image: the first at which the whole gallery is small enough. Maps have
/// half as many.
const SIDES: [usize; 6] = [512, 384, 256, 192, 128, 64];
/// What a gallery may take: 3 MiB, which are 4 in a report.
const BYTES: usize = 3 << 20;
/// What a point of a line takes in a report, about.
const POINT: usize = 12;

/// Everything that tiles are made of; one for each image in the gallery.
struct Ready {
    case: unlike_report::Case,
    image: Raster,
    frame: unlike_core::Frame,
    map: Vec<f32>,
    mask: Option<Vec<f32>>,
}

/// The most anomalous images, those nearest to the threshold, and the worst mistakes: eight of each, as
/// large as 3 MiB allow. `None` where samples are no images.
pub(crate) fn of(
    test: &TestSet,
    model: &Model,
    judged: &Judged,
    chosen: &Chosen,
    flags: &[bool],
    pixel_threshold: f64,
) -> Result<Option<Gallery>> {
    let Samples::Images(images) = test.labelled().samples() else {
        return Ok(None);
    };
    let first = |list: &[usize]| list.iter().copied().take(LENGTH).collect::<Vec<_>>();
    let lists = [
        first(&chosen.most_anomalous),
        borderline(&judged.ranking(), flags),
        first(&chosen.flagged_normals),
        first(&chosen.missed),
    ];
    let mut positions = lists.concat();
    positions.sort_unstable();
    positions.dedup();
    if positions.is_empty() {
        return Ok(None);
    }
    let (size, values) = maps::of(model, &test.labelled().samples().select(&positions))?;
    let [height, width] = size;
    let scale = ColourScale::of(&values);
    let maps = values.chunks_exact(height * width);
    let ready: Vec<Ready> = positions
        .iter()
        .zip(maps)
        .map(|(&i, map)| ready(test, judged, images, i, map))
        .collect::<Result<_>>()?;
    let place = |i: usize| positions.partition_point(|&p| p < i);

    let (mut tiles, mut sides) = (Vec::new(), SIDES.into_iter().peekable());
    while let Some(side) = sides.next() {
        let make = |ready: &Ready| tile(ready, width, scale, pixel_threshold, side);
        tiles = ready.iter().map(make).collect::<Result<Vec<_>>>()?;
        let listed = lists.iter().flatten().map(|&i| bytes(&tiles[place(i)]));
        if sides.peek().is_none() || listed.sum::<usize>() <= BYTES {
            break;
        }
    }
    let [most_anomalous, borderline, false_alarms, missed] =
        lists.map(|list| list.into_iter().map(|i| tiles[place(i)].clone()).collect());
    Ok(Some(Gallery {
        pixel_threshold,
        most_anomalous,
        borderline,
        false_alarms,
        missed,
    }))
}

/// The last that are flagged and the first that are not, as many of each as there are; none where
/// nothing is flagged, or all is.
fn borderline(ranking: &[usize], flags: &[bool]) -> Vec<usize> {
    let (flagged, passed): (Vec<usize>, Vec<usize>) = ranking.iter().partition(|&&i| flags[i]);
    if flagged.is_empty() || passed.is_empty() {
        return Vec::new();
    }
    let half = LENGTH / 2;
    let last = &flagged[flagged.len().saturating_sub(half)..];
    [last, &passed[..half.min(passed.len())]].concat()
}

fn ready(test: &TestSet, judged: &Judged, images: &Images, i: usize, map: &[f32]) -> Result<Ready> {
    let marked = |mask: &[bool]| mask.iter().map(|&m| f32::from(u8::from(m))).collect();
    Ok(Ready {
        case: case(test, judged, i),
        image: Raster::of_original(images, i)?.within(SIDES[0]),
        frame: images.frame(i),
        map: map.to_vec(),
        mask: test.mask(i).map(marked),
    })
}

fn tile(
    ready: &Ready,
    width: usize,
    scale: ColourScale,
    pixel_threshold: f64,
    side: usize,
) -> Result<Tile> {
    let Ready { frame, map, .. } = ready;
    let field = Field::new(map, width, *frame, side / 2);
    let shares = field.values.iter().map(|&v| scale.share(v));
    let mask = ready.mask.as_ref().map(|mask| {
        let field = Field::new(mask, width, *frame, side / 2);
        field.outlines(0.5, frame.original)
    });
    Ok(Tile {
        case: ready.case.clone(),
        size: frame
            .original
            .map(|side| u32::try_from(side).unwrap_or(u32::MAX)),
        picture: ready.image.within(side).smallest_file()?,
        map: heat_file([field.width, field.height], shares)?,
        covered: field.covered,
        boxes: boxes(map, width, *frame, pixel_threshold),
        regions: field.outlines(pixel_threshold, frame.original),
        mask,
    })
}

/// What a tile takes in a report, before its images are written as text.
fn bytes(tile: &Tile) -> usize {
    let lines = tile.regions.iter().chain(tile.mask.iter().flatten());
    let points: usize = lines.map(Vec::len).sum();
    tile.picture.len() + tile.map.len() + POINT * points
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(seed: usize, i: usize) -> usize {
        (i + seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40
    }

    #[test]
    fn even_noise_with_lines_everywhere_fits_in_the_end() {
        let size = [SIDES[0]; 2];
        let pixels = (0..size[0] * size[1]).map(|i| [1, 2, 3].map(|c| noise(c, 3 * i) as u8));
        let ready = Ready {
            case: unlike_report::Case::default(),
            image: Raster::of_pixels(size, pixels.collect()),
            frame: unlike_core::Frame::whole(224, 224),
            map: (0..224 * 224).map(|i| (noise(4, i) % 9) as f32).collect(),
            mask: Some((0..224 * 224).map(|i| (noise(5, i) % 2) as f32).collect()),
        };
        let scale = ColourScale::of(&ready.map);
        let made = |side| bytes(&tile(&ready, 224, scale, 4.0, side).unwrap());
        let least = made(SIDES[SIDES.len() - 1]);
        assert!(4 * LENGTH * least <= BYTES, "{least}");
        assert!(made(128) > least);
    }

    #[test]
    fn borderline_images_lie_on_both_sides_of_the_threshold() {
        let ranking: Vec<usize> = (0..20).rev().collect();
        let flags: Vec<bool> = (0..20).map(|i| i >= 17).collect();
        assert_eq!(borderline(&ranking, &flags), [19, 18, 17, 16, 15, 14, 13]);
        let flags: Vec<bool> = (0..20).map(|i| i >= 2).collect();
        assert_eq!(borderline(&ranking, &flags), [5, 4, 3, 2, 1, 0]);
        for all in [true, false] {
            assert!(borderline(&ranking, &[all; 20]).is_empty());
        }
    }
}
