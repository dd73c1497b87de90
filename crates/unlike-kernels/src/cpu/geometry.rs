//! Shapes of convolutions, and how the work on images is divided among tasks.

use std::ops::Range;

use smallvec::SmallVec;

use super::gemm::panel_columns;
use super::kernels::Kernels;
use super::threads::threads;

/// A convolution between a fine and a coarse grid of pixels.
///
/// A pixel `q` of the coarse grid meets the fine pixels `stride * q - padding + tap` for the taps
/// `0..kernel`. A convolution goes from fine to coarse, a transposed convolution back; the gradient
/// of each in its input is the way of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Geometry {
    pub(crate) images: usize,
    pub(crate) coarse: [usize; 2],
    pub(crate) fine: [usize; 2],
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    pub(crate) padding: usize,
}

impl Geometry {
    /// One coarse pixel that meets every fine pixel: a matrix product over whole images.
    pub(crate) fn is_dense(&self) -> bool {
        self.coarse == [1, 1] && self.padding == 0 && self.fine == [self.kernel; 2]
    }

    /// The taps at which a coarse pixel meets the fine grid, along an axis; at the others it meets
    /// the padding.
    pub(crate) fn taps(&self, axis: usize, coarse: usize) -> Range<usize> {
        let first = self.padding.saturating_sub(self.stride * coarse);
        let end = (self.fine[axis] + self.padding).saturating_sub(self.stride * coarse);
        first.min(self.kernel)..end.min(self.kernel)
    }

    pub(crate) fn coarse_pixels(&self) -> usize {
        self.coarse[0] * self.coarse[1]
    }

    pub(crate) fn fine_pixels(&self) -> usize {
        self.fine[0] * self.fine[1]
    }
}

/// The pixels along an axis, by the taps that count for them: those in the middle have all, those
/// at the edges fewer.
pub(crate) struct Bands {
    pub(crate) taps: SmallVec<[Range<usize>; 3]>,
    /// The band of each pixel.
    of: Vec<usize>,
}

impl Bands {
    /// From the taps of each pixel in order.
    pub(crate) fn new(pixels: impl Iterator<Item = Range<usize>>) -> Self {
        let mut taps: SmallVec<[Range<usize>; 3]> = SmallVec::new();
        let of = pixels.map(|pixel| {
            let known = taps.iter().position(|taps| *taps == pixel);
            known.unwrap_or_else(|| {
                taps.push(pixel);
                taps.len() - 1
            })
        });
        let of = of.collect();
        Self { taps, of }
    }

    pub(crate) fn of(&self, pixel: usize) -> usize {
        self.of[pixel]
    }
}

/// Whole images, or some rows of one image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) images: Range<usize>,
    pub(crate) rows: Range<usize>,
}

/// Output pixels of a task, where there are many.
pub(crate) const TASK_PIXELS: usize = 192;

/// Output pixels of a task, of so many that `panels` of columns are computed for: fewer where the
/// panels alone do not occupy all threads.
pub(crate) fn task_pixels(pixels: usize, panels: usize) -> usize {
    /// The rows of a tile, which take the time of fewer.
    const LEAST: usize = 6;
    let parts = threads().div_ceil(panels.max(1));
    (pixels / parts).clamp(LEAST, TASK_PIXELS)
}

/// Divides images of `rows` × `columns` pixels into spans of about `pixels` pixels.
pub(crate) fn spans(images: usize, rows: Range<usize>, columns: usize, pixels: usize) -> Vec<Span> {
    let height = rows.len();
    let each = height * columns;
    if each >= 2 * pixels {
        let parts = (each / pixels).min(height);
        return (0..images * parts)
            .map(|i| {
                let (image, part) = (i / parts, i % parts);
                let cut = |part: usize| rows.start + height * part / parts;
                Span {
                    images: image..image + 1,
                    rows: cut(part)..cut(part + 1),
                }
            })
            .collect();
    }
    let together = pixels.div_ceil(each.max(1)).max(1);
    let parts = images.div_ceil(together);
    (0..parts)
        .map(|part| Span {
            images: images * part / parts..images * (part + 1) / parts,
            rows: rows.clone(),
        })
        .collect()
}

/// Divides `panels` into groups, so that `tasks` times as many tasks keep all threads busy.
pub(crate) fn panel_groups(panels: usize, tasks: usize) -> usize {
    (2 * threads())
        .div_ceil(tasks.max(1))
        .clamp(1, panels.max(1))
}

/// The columns of some panels.
pub(crate) fn columns(kernels: &Kernels, n: usize, panels: (usize, usize)) -> Range<usize> {
    let at = |panel: usize| (panel * panel_columns(kernels)).min(n);
    at(panels.0)..at(panels.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taps_are_those_within_the_fine_grid() {
        for (fine, kernel, stride, padding) in [
            (8, 4, 2, 1),
            (7, 3, 1, 1),
            (5, 5, 2, 2),
            (9, 4, 3, 0),
            (2, 5, 1, 3),
            (1, 1, 1, 2),
        ] {
            let coarse = (fine + 2 * padding - kernel) / stride + 1;
            let geometry = Geometry {
                images: 1,
                coarse: [coarse; 2],
                fine: [fine; 2],
                kernel,
                stride,
                padding,
            };
            let bands = Bands::new((0..coarse).map(|q| geometry.taps(0, q)));
            for q in 0..coarse {
                let taps = &bands.taps[bands.of(q)];
                for tap in 0..kernel {
                    let meets = (padding..padding + fine).contains(&(stride * q + tap));
                    assert_eq!(
                        taps.contains(&tap),
                        meets,
                        "{fine} {kernel} {stride} {padding}"
                    );
                }
            }
        }
    }

    #[test]
    fn spans_cover_every_row_of_every_image_once() {
        for (images, rows, columns, pixels) in [
            (1, 32, 32, 96),
            (64, 4, 4, 192),
            (7, 1, 1, 192),
            (3, 5, 700, 96),
            (0, 4, 4, 8),
        ] {
            let mut seen = vec![0; images * rows];
            for span in spans(images, 2..2 + rows, columns, pixels) {
                for image in span.images {
                    for row in span.rows.clone() {
                        seen[image * rows + row - 2] += 1;
                    }
                }
            }
            assert!(seen.iter().all(|&times| times == 1));
        }
    }
}
