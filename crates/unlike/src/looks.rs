//! From what a scorer says of rows or pixels to what is said of samples.

use unlike_core::{Arrays, Result, ScoreParts, ScoreRule, Scorer};

use crate::{
    complexity::{Usual, complexities},
    places::{Normals, smoothed, tops},
    sight::{Chunk, Region, Sight},
    train::Prepared,
};

/// The part that a map of pixels gives.
pub(crate) const MAP: &str = "map";
/// The part that says how much larger the first part of the score is than usual.
pub(crate) const RELATIVE: &str = "relative";

/// The scores that are made of parts over held-out normals.
pub(crate) type Rules = Vec<(String, ScoreRule)>;

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
        /// The first part of the score, and what it usually is, by how busy an image is.
        usual: (String, Usual),
    },
    /// The scorer sees places; every part of its score makes a map.
    Patches {
        grid: [usize; 2],
        normals: Vec<(String, Normals)>,
    },
}

impl Look {
    /// Learns from held-out normals what is usual where; with the parts of their scores, but for what this
    /// look adds, and the scores that are made of parts: with [`RELATIVE`] first, if that is the one to use.
    pub(crate) fn fit(
        sight: &Sight,
        held_out: &Prepared<'_>,
        scorer: &dyn Scorer,
        rules: &dyn Fn(&ScoreParts) -> Result<Rules>,
        relative_first: bool,
    ) -> Result<(Self, ScoreParts, Rules)> {
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
                let rules = rules(&parts)?;
                return Ok((Self::Whole, parts, rules));
            };
            let normals =
                |(name, maps): (&str, &[f32])| (name.to_owned(), Normals::of(maps, grid, &regions));
            let normals: Vec<_> = parts.iter().map(normals).collect();
            let parts = patch_parts(&parts, &normals, grid, &regions);
            let rules = rules(&parts)?;
            return Ok((Self::Patches { grid, normals }, parts, rules));
        };
        let channels = sight.shape().size() / (grid[0] * grid[1]);
        let mut maps = Vec::new();
        let mut busy = Vec::new();
        held_out.in_chunks(|chunk| {
            let features = &*chunk.features()?;
            let (more, contributions) = scorer.parts_and_contributions(features, None)?;
            parts.extend(more);
            busy.extend(complexities(features, grid, channels, &chunk.regions));
            maps.extend(pixel_maps(&contributions, grid, channels));
            regions.extend(&chunk.regions);
            Ok(())
        })?;
        let normals = Normals::of(&maps, grid, &regions);
        normals.standardise(&mut maps);
        let mut rules = rules(&parts)?;
        let first = rules.first().map(|(_, rule)| rule.parts()[0].to_owned());
        let first = first.unwrap_or_else(|| unreachable!("every model has a score"));
        let values = parts.get(&first).unwrap_or_default();
        let usual = (first, Usual::of(values, &busy));
        let at = if relative_first { 0 } else { rules.len() };
        rules.insert(at, (RELATIVE.to_owned(), ScoreRule::single(RELATIVE)));
        rules.push((MAP.to_owned(), ScoreRule::single(MAP)));
        let look = Self::Pixels {
            grid,
            channels,
            normals,
            usual,
        };
        Ok((look, parts, rules))
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
                usual: (first, usual),
            } => {
                // What the scorer has to say for what is wanted of the look.
                let of: Option<Vec<&str>> = wanted.map(|wanted| {
                    let own = wanted.iter().copied().filter(|part| *part != MAP);
                    own.map(|part| if part == RELATIVE { first } else { part })
                        .collect()
                });
                let mut maps = None;
                let mut parts = if wants(MAP) {
                    let (parts, contributions) =
                        scorer.parts_and_contributions(&*chunk.features()?, of.as_deref())?;
                    maps = Some(pixel_maps(&contributions, *grid, *channels));
                    parts
                } else {
                    chunk.parts(scorer, of.as_deref())?
                };
                if wants(RELATIVE) {
                    let busy = complexities(&*chunk.features()?, *grid, *channels, &chunk.regions);
                    let values = usual.relative(parts.get(first).unwrap_or_default(), &busy);
                    parts = parts.with(RELATIVE, values);
                }
                Ok(match maps {
                    Some(mut maps) => {
                        normals.standardise(&mut maps);
                        parts.with(MAP, tops(&maps, *grid, &chunk.regions))
                    }
                    None => parts,
                })
            }
            Self::Whole => chunk.parts(scorer, wanted),
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
                ..
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
            Self::Pixels {
                normals,
                usual: (first, usual),
                ..
            } => {
                normals.save(MAP, arrays);
                usual.save(first, arrays);
            }
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
            let first = parts.iter().find(|part| Usual::is_of(part, arrays));
            // If it is of none, the message names the array.
            let first = first.map_or(RELATIVE, String::as_str);
            return Ok(Self::Pixels {
                grid,
                channels: sight.shape().size() / places,
                normals: load(MAP)?,
                usual: (first.to_owned(), Usual::load(first, arrays)?),
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
