//! From what a scorer says of rows or pixels to what is said of samples.

use unlike_core::{Arrays, Result, ScoreParts, ScoreRule, Scorer};

use crate::{
    places::{Normals, smoothed, tops},
    sight::{Chunk, Region, Sight},
    train::Prepared,
};

/// The part that a map of pixels gives.
pub(crate) const MAP: &str = "map";

/// How the parts of a sample's score come about.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Look {
    /// The scorer sees the sample whole, and says all.
    Whole,
    /// The scorer sees the image whole; its contributions make a map, and that one part more.
    Pixels {
        grid: [usize; 2],
        channels: usize,
        normals: Normals,
    },
    /// The scorer sees places; every part of its score makes a map.
    Patches {
        grid: [usize; 2],
        normals: Vec<(String, Normals)>,
    },
}

impl Look {
    /// Learns from held-out normals what is usual where, and says the parts of their scores.
    pub(crate) fn fit(
        sight: &Sight,
        held_out: &Prepared<'_>,
        scorer: &dyn Scorer,
    ) -> Result<(Self, ScoreParts)> {
        let mut parts = ScoreParts::default();
        let mut regions = Vec::new();
        let sees_pixels = sight.grid().filter(|_| sight.extraction.is_none());
        let Some(grid) = sees_pixels else {
            held_out.in_chunks(|chunk| {
                parts.extend(chunk.parts(scorer, None)?);
                regions.extend(&chunk.regions);
                Ok(())
            })?;
            let Some(grid) = sight.grid() else {
                return Ok((Self::Whole, parts));
            };
            let normals =
                |(name, maps): (&str, &[f32])| (name.to_owned(), Normals::of(maps, grid, &regions));
            let normals: Vec<_> = parts.iter().map(normals).collect();
            let parts = patch_parts(&parts, &normals, grid, &regions);
            return Ok((Self::Patches { grid, normals }, parts));
        };
        let channels = sight.shape().size() / (grid[0] * grid[1]);
        let mut maps = Vec::new();
        held_out.in_chunks(|chunk| {
            let (more, contributions) =
                scorer.parts_and_contributions(&*chunk.features()?, None)?;
            parts.extend(more);
            maps.extend(pixel_maps(&contributions, grid, channels));
            regions.extend(&chunk.regions);
            Ok(())
        })?;
        let normals = Normals::of(&maps, grid, &regions);
        normals.standardise(&mut maps);
        let look = Self::Pixels {
            grid,
            channels,
            normals,
        };
        Ok((look, parts.with(MAP, tops(&maps, grid, &regions))))
    }

    /// Whether there is a part [`MAP`] beside those of the scorer.
    pub(crate) fn adds_map(&self) -> bool {
        matches!(self, Self::Pixels { .. })
    }

    /// The parts of the scores of samples; of those that are `wanted` at least, if that is said.
    pub(crate) fn parts(
        &self,
        scorer: &dyn Scorer,
        chunk: &Chunk<'_>,
        wanted: Option<&[&str]>,
    ) -> Result<ScoreParts> {
        let wants = |part: &str| wanted.is_none_or(|wanted| wanted.contains(&part));
        match self {
            Self::Pixels {
                grid,
                channels,
                normals,
            } if wants(MAP) => {
                let others = |part: &&str| *part != MAP;
                let wanted: Option<Vec<&str>> =
                    wanted.map(|wanted| wanted.iter().copied().filter(others).collect());
                let (parts, contributions) =
                    scorer.parts_and_contributions(&*chunk.features()?, wanted.as_deref())?;
                let mut maps = pixel_maps(&contributions, *grid, *channels);
                normals.standardise(&mut maps);
                Ok(parts.with(MAP, tops(&maps, *grid, &chunk.regions)))
            }
            Self::Whole | Self::Pixels { .. } => chunk.parts(scorer, wanted),
            Self::Patches { grid, normals } => {
                let rows = chunk.parts(scorer, wanted)?;
                Ok(patch_parts(&rows, normals, *grid, &chunk.regions))
            }
        }
    }

    /// Where the samples depart from normal, in units of what normals do there, `[N, grid]`: all that
    /// the rule's parts say, continued beyond the edges of the image itself. Nothing for samples that are
    /// seen whole.
    pub(crate) fn maps(
        &self,
        scorer: &dyn Scorer,
        chunk: &Chunk<'_>,
        rule: &ScoreRule,
    ) -> Result<Vec<f32>> {
        let mut maps = match self {
            Self::Whole => Vec::new(),
            Self::Pixels {
                grid,
                channels,
                normals,
            } => {
                let contributions = scorer.contributions(&*chunk.features()?)?;
                let mut maps = pixel_maps(&contributions, *grid, *channels);
                normals.standardise(&mut maps);
                maps
            }
            Self::Patches { normals, .. } => {
                let wanted = rule.parts();
                let rows = chunk.parts(scorer, Some(&wanted))?;
                let mut maps = vec![0.0; rows.len()];
                for (name, weight) in rule.weights() {
                    let normals = normals.iter().find(|(part, _)| part == name);
                    if let (Some((_, normals)), Some(values)) = (normals, rows.get(name)) {
                        let part = standardised(values, normals);
                        for (sum, v) in maps.iter_mut().zip(part) {
                            *sum += v * weight as f32;
                        }
                    }
                }
                maps
            }
        };
        maps.iter_mut().for_each(|v| *v = v.clamp(0.0, f32::MAX));
        if let Self::Pixels { grid, .. } | Self::Patches { grid, .. } = self {
            let maps = maps.chunks_exact_mut(grid[0] * grid[1]);
            maps.zip(&chunk.regions)
                .for_each(|(map, region)| region.continue_edges(map, grid[1]));
        }
        Ok(maps)
    }

    pub(crate) fn save(&self, arrays: &mut Arrays) {
        match self {
            Self::Whole => {}
            Self::Pixels { normals, .. } => normals.save(MAP, arrays),
            Self::Patches { normals, .. } => {
                normals
                    .iter()
                    .for_each(|(name, normals)| normals.save(name, arrays));
            }
        }
    }

    /// # Errors
    /// If an array is missing or does not fit.
    pub(crate) fn load(sight: &Sight, parts: &[String], arrays: &Arrays) -> Result<Self> {
        let Some(grid) = sight.grid() else {
            return Ok(Self::Whole);
        };
        let places = grid[0] * grid[1];
        let load = |name: &str| Normals::load(name, arrays, places);
        if sight.extraction.is_none() {
            return Ok(Self::Pixels {
                grid,
                channels: sight.shape().size() / places,
                normals: load(MAP)?,
            });
        }
        let normals = parts.iter().map(|name| Ok((name.clone(), load(name)?)));
        Ok(Self::Patches {
            grid,
            normals: normals.collect::<Result<_>>()?,
        })
    }
}

/// `[N, height, width, channels]` → `[N, height, width]`: the mean over channels, and over neighbours.
fn pixel_maps(contributions: &[f32], grid: [usize; 2], channels: usize) -> Vec<f32> {
    let mean = |pixel: &[f32]| pixel.iter().sum::<f32>() / channels as f32;
    let means: Vec<f32> = contributions.chunks_exact(channels).map(mean).collect();
    let maps = means.chunks_exact(grid[0] * grid[1]);
    maps.flat_map(|map| smoothed(map, grid)).collect()
}

/// From what a scorer says of places to what is said of images.
fn patch_parts(
    rows: &ScoreParts,
    normals: &[(String, Normals)],
    grid: [usize; 2],
    regions: &[Region],
) -> ScoreParts {
    let part = |(name, normals): &(String, Normals)| {
        let maps = standardised(rows.get(name)?, normals);
        Some((name.clone(), tops(&maps, grid, regions)))
    };
    ScoreParts::new(normals.iter().filter_map(part).collect())
}

fn standardised(values: &[f32], normals: &Normals) -> Vec<f32> {
    let mut maps = values.to_vec();
    normals.standardise(&mut maps);
    maps
}
