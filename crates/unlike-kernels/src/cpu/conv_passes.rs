//! The three passes of a convolution: gather (fine to coarse), scatter (coarse to fine), and the
//! gradient of the weight.
//!
//! None builds the matrix of all patches: a row of the left operand is read where it lies in an
//! image with zeros around it, one run of memory for each row of taps. Scatter goes by output
//! phases: the output pixels that lie on the same taps form a small convolution without a stride,
//! so that nothing is multiplied by the zeros between coarse pixels.

use std::ops::Range;
use std::sync::OnceLock;

use super::buffer::Buffer;
use super::finish::Finish;
use super::gemm::{Depth, Packed, Product, Right, Rows, Source, is_narrow, panels, right, serves};
use super::geometry::{
    Bands, Geometry, Span, TASK_PIXELS, columns, panel_groups, spans, task_pixels,
};
use super::kernels::Kernels;
use super::row::row;
use super::threads::{Out, parallel_if, threads};
use super::tile::Run;

/// Coarse pixels that the gradient of the weight takes at a time.
const CHUNK_PIXELS: usize = 512;
/// Partial sums of the gradient of a small weight, and up to which size one is small.
const PARTIAL_SUMS: usize = 8;
const SMALL_WEIGHT: usize = 1 << 14;

/// The weight of a pass, `[kernel, kernel, channels, n]`.
#[derive(Clone, Copy)]
pub(crate) struct Weight<'a> {
    pub(crate) values: &'a [f32],
    /// Its last axes are swapped in memory.
    pub(crate) transposed: bool,
    /// What this pass has rearranged of it, where it stays as it is.
    pub(crate) packs: Option<&'a Packs>,
}

/// A weight as a pass of one stride reads it, once that has been asked for.
#[derive(Default)]
pub(crate) struct Packs(OnceLock<(usize, Vec<Packed<'static>>)>);

impl Packs {
    fn get(
        &self,
        stride: usize,
        make: impl FnOnce() -> Vec<Packed<'static>>,
    ) -> &[Packed<'static>] {
        let (made_for, packs) = self.0.get_or_init(|| (stride, make()));
        assert_eq!(*made_for, stride, "a frozen weight has one stride");
        packs
    }
}

/// Part of some images, with zeros where it goes over their edges.
struct Window {
    first: [isize; 2],
    size: [usize; 2],
}

impl Window {
    /// Copies the window of each image: `[images, size, channels]`.
    fn cut(&self, x: &[f32], images: Range<usize>, grid: [usize; 2], channels: usize) -> Buffer {
        let Self { first, size } = *self;
        let [height, width] = grid;
        let line = size[1] * channels;
        let mut copy = Buffer::new(images.len() * size[0] * line);
        let left = (-first[1]).clamp(0, size[1] as isize) as usize;
        let from = first[1].max(0) as usize;
        let inner = (size[1] - left).min(width.saturating_sub(from));
        let mut lines = copy.chunks_exact_mut(line.max(1));
        for image in images {
            for (y, to) in (first[0]..).take(size[0]).zip(&mut lines) {
                if y < 0 || y >= height as isize || inner == 0 {
                    to.fill(0.0);
                    continue;
                }
                let at = ((image * height + y as usize) * width + from) * channels;
                to[..left * channels].fill(0.0);
                to[left * channels..(left + inner) * channels]
                    .copy_from_slice(&x[at..at + inner * channels]);
                to[(left + inner) * channels..].fill(0.0);
            }
        }
        copy
    }
}

/// Where the pixels of a product lie.
#[derive(Clone, Default)]
struct Pixels {
    a: Vec<*const f32>,
    c: Vec<*mut f32>,
}

/// The pixels of a grid by the taps that count for them: over the edges of an image there are
/// zeros, with which nothing is multiplied. A sum is the same with and without them, bit for bit.
struct Classes {
    rows: Bands,
    columns: Bands,
    /// By row band and column band.
    depths: Vec<Depth>,
}

impl Classes {
    /// For a grid of this size. `counts` gives the taps along an axis that count for a pixel, asked
    /// for where `edges` of the axis holds, and `at` where a tap begins in the left operand,
    /// relative to its pixel, and in the right one.
    fn new(
        size: [usize; 2],
        taps: [usize; 2],
        channels: usize,
        edges: [bool; 2],
        counts: impl Fn(usize, usize) -> Range<usize>,
        at: impl Fn(usize, usize) -> (isize, usize),
    ) -> Self {
        let [rows, columns] = [0, 1].map(|axis| {
            let counting = |pixel| match edges[axis] {
                true => counts(axis, pixel),
                false => 0..taps[axis],
            };
            Bands::new((0..size[axis]).map(counting))
        });
        let bands = rows.taps.iter().flat_map(|row| {
            let columns = columns.taps.iter();
            columns.map(move |column| [row.clone(), column.clone()])
        });
        let depths = bands.map(|bands| Depth::window(taps, bands, channels, &at));
        let depths = depths.collect();
        Self {
            rows,
            columns,
            depths,
        }
    }

    /// The class of a pixel.
    fn of(&self, row: usize, column: usize) -> usize {
        self.rows.of(row) * self.columns.taps.len() + self.columns.of(column)
    }

    /// No pixel of each class.
    fn pixels(&self) -> Vec<Pixels> {
        vec![Pixels::default(); self.depths.len()]
    }

    /// The products of the pixels of each class with `b`.
    ///
    /// # Safety
    /// As for [`Product::run`].
    unsafe fn run(
        &self,
        kernels: &Kernels,
        pixels: &[Pixels],
        b: Right<'_>,
        n: usize,
        panels: (usize, usize),
    ) {
        for (Pixels { a, c }, depth) in pixels.iter().zip(&self.depths) {
            let product = Product {
                a: Rows::Each(a),
                a_step: 1,
                depth,
                b,
                n,
                c: Rows::Each(c),
                panels,
                add: false,
            };
            // SAFETY: as the caller vouches.
            unsafe { product.run(kernels) };
        }
    }
}

/// Along which axes the edges of images are worth classes of their own. A narrow product adds in
/// an order in which zeros count.
fn edges(n: usize, spans: &[Span]) -> [bool; 2] {
    let worth = !is_narrow(n);
    // The corners of a single image would be rows of a tile each by itself.
    let several = spans.first().is_some_and(|span| span.images.len() > 1);
    [worth, worth && several]
}

impl Geometry {
    /// From the fine grid `x [images, fine, channels]` to the coarse `[images, coarse, n]`.
    pub(crate) fn gather(
        &self,
        kernels: &Kernels,
        x: &[f32],
        weight: Weight<'_>,
        finish: Finish<'_>,
    ) -> Buffer {
        let Weight {
            values: weight,
            transposed,
            packs,
        } = weight;
        let &Self {
            images,
            coarse: [height, width],
            fine,
            kernel,
            stride,
            padding,
        } = self;
        let channels = x.len() / (images * self.fine_pixels()).max(1);
        let n = weight.len() / (kernel * kernel * channels).max(1);
        if images == 1 && self.is_dense() && !transposed && !is_narrow(n) {
            return row(kernels, &[x], weight, n, finish);
        }
        let mut y = Buffer::new(images * self.coarse_pixels() * n);
        let taps: Vec<usize> = (0..kernel * kernel).collect();
        let pack = || {
            let source = Source {
                weight,
                blocks: &taps,
                rows: channels,
                n,
                transposed,
            };
            source.packed(kernels)
        };
        let own;
        let weight: &Packed<'_> = match packs {
            Some(packs) => &packs.get(stride, || vec![pack()])[0],
            None => {
                own = match transposed {
                    true => pack(),
                    false => right(kernels, weight, n, images * self.coarse_pixels()),
                };
                &own
            }
        };
        // Without padding the images themselves serve.
        let line = if padding == 0 {
            fine[1]
        } else {
            (width - 1) * stride + kernel
        };
        let pixels = task_pixels(images * self.coarse_pixels(), panels(kernels, n));
        let spans = spans(images, 0..height, width, pixels);
        let classes = Classes::new(
            [height, width],
            [kernel; 2],
            channels,
            edges(n, &spans),
            |axis, q| self.taps(axis, q),
            |y, x| {
                let offset = (y * line + x) * channels;
                (offset as isize, (y * kernel + x) * channels)
            },
        );
        let all_panels = panels(kernels, n);
        let groups = panel_groups(all_panels, spans.len());
        let out = Out::new(&mut y);
        let operations = images * self.coarse_pixels() * n * kernel * kernel * channels;
        parallel_if(operations, spans.len() * groups, |task| {
            let Span { images, rows } = &spans[task / groups];
            let group = task % groups;
            let panels = (
                all_panels * group / groups,
                all_panels * (group + 1) / groups,
            );
            let cut;
            let (source, first_image, lines, first_line) = if padding == 0 {
                (x, 0, fine[0], 0)
            } else {
                let lines = (rows.len() - 1) * stride + kernel;
                let window = Window {
                    first: [
                        (rows.start * stride) as isize - padding as isize,
                        -(padding as isize),
                    ],
                    size: [lines, line],
                };
                cut = window.cut(x, images.clone(), fine, channels);
                (&cut[..], images.start, lines, rows.start)
            };
            let mut pixels = classes.pixels();
            for image in images.clone() {
                for row in rows.clone() {
                    let top = (image - first_image) * lines + (row - first_line) * stride;
                    for column in 0..width {
                        let at = (top * line + column * stride) * channels;
                        let to = ((image * height + row) * width + column) * n;
                        let class = &mut pixels[classes.of(row, column)];
                        class.a.push(source.as_ptr().wrapping_add(at));
                        class.c.push(out.at(to));
                    }
                }
            }
            // SAFETY: every row of taps of every pixel lies within its image, or within the window
            // that was cut for it; the output pixels and panels are this task's.
            unsafe { classes.run(kernels, &pixels, weight.right(), n, panels) };
            let done = height_major(images, rows, height, width);
            let columns = columns(kernels, n, panels);
            // SAFETY: as above.
            unsafe { finish.run(kernels, out, done, n, columns) };
        });
        y
    }

    /// From the coarse grid `x [images, coarse, channels]` to the fine `[images, fine, n]`.
    pub(crate) fn scatter(
        &self,
        kernels: &Kernels,
        x: &[f32],
        weight: Weight<'_>,
        finish: Finish<'_>,
    ) -> Buffer {
        let Weight {
            values: weight,
            transposed,
            packs,
        } = weight;
        let &Self {
            images,
            coarse,
            fine: [height, width],
            kernel,
            stride,
            padding,
        } = self;
        let channels = x.len() / (images * self.coarse_pixels()).max(1);
        let n = weight.len() / (kernel * kernel * channels).max(1);
        let mut y = Buffer::new(images * self.fine_pixels() * n);
        if self.is_dense() {
            self.scatter_dense(
                kernels,
                x,
                weight,
                transposed,
                [channels, n],
                finish,
                &mut y,
            );
            return y;
        }
        // A fine pixel `stride * q + phase - padding` meets the coarse pixels `q - (taps - 1)..=q`.
        let most = kernel.div_ceil(stride);
        let first_q = padding / stride;
        let end_q = |size: usize| (size - 1 + padding) / stride + 1;
        let line = end_q(width) - first_q + most - 1;
        let pixels = task_pixels(images * self.fine_pixels(), panels(kernels, n));
        let spans = spans(
            images,
            first_q..end_q(height),
            line * stride * stride,
            pixels,
        );
        let edges = edges(n, &spans);
        // By phase: its offset, its taps, and which blocks of the weight they are.
        let phases = (0..stride * stride).map(|i| {
            let phase = [i / stride, i % stride];
            let taps = phase.map(|phase| kernel.saturating_sub(phase).div_ceil(stride));
            let tap = |axis: usize, t: usize| phase[axis] + stride * (taps[axis] - 1 - t);
            let blocks: Vec<usize> = (0..taps[0] * taps[1])
                .map(|t| tap(0, t / taps[1]) * kernel + tap(1, t % taps[1]))
                .collect();
            (phase, taps, blocks)
        });
        let phases: Vec<([usize; 2], [usize; 2], Vec<usize>)> = phases.collect();
        let pack = |blocks: &[usize]| {
            let source = Source {
                weight,
                blocks,
                rows: channels,
                n,
                transposed,
            };
            source.packed(kernels)
        };
        // As it lies the weight has its blocks in another order than `k` runs through.
        let plain =
            packs.is_none() && !transposed && serves(weight, n, images * self.coarse_pixels());
        let all = || phases.iter().map(|(.., blocks)| pack(blocks)).collect();
        let own: Vec<Packed<'static>>;
        let packed: &[Packed<'static>] = match packs {
            Some(packs) => packs.get(stride, all),
            None if plain => &[],
            None => {
                own = all();
                &own
            }
        };
        let phases = phases.iter().enumerate().map(|(i, (phase, taps, blocks))| {
            let classes = Classes::new(
                [end_q(height), end_q(width)],
                *taps,
                channels,
                edges,
                |axis, q| {
                    let last = taps[axis].saturating_sub(1);
                    let end = (coarse[axis] + last).saturating_sub(q);
                    last.saturating_sub(q)..end.min(taps[axis])
                },
                |y, x| {
                    let i = y * taps[1] + x;
                    let row = if plain { blocks[i] } else { i };
                    (((y * line + x) * channels) as isize, row * channels)
                },
            );
            Phase {
                phase: *phase,
                taps: *taps,
                classes,
                weight: packed.get(i).map_or(Right::Plain(weight), Packed::right),
            }
        });
        let phases: Vec<Phase<'_>> = phases.collect();
        let all_panels = panels(kernels, n);
        let groups = panel_groups(all_panels, spans.len());
        let out = Out::new(&mut y);
        let operations = images * self.coarse_pixels() * weight.len();
        parallel_if(operations, spans.len() * groups, |task| {
            let Span { images, rows } = &spans[task / groups];
            let group = task % groups;
            let panels = (
                all_panels * group / groups,
                all_panels * (group + 1) / groups,
            );
            let lines = rows.len() + most - 1;
            let before = most as isize - 1;
            let window = Window {
                first: [rows.start as isize - before, first_q as isize - before],
                size: [lines, line],
            };
            let source = window.cut(x, images.clone(), coarse, channels);
            for Phase {
                phase,
                taps,
                classes,
                weight,
            } in &phases
            {
                let mut pixels = classes.pixels();
                for image in images.clone() {
                    for q in rows.clone() {
                        let Some(row) = (stride * q + phase[0]).checked_sub(padding) else {
                            continue;
                        };
                        if row >= height {
                            continue;
                        }
                        let top = (image - images.start) * lines + q - rows.start + most - taps[0];
                        let y = q;
                        for q in first_q..end_q(width) {
                            let Some(column) = (stride * q + phase[1]).checked_sub(padding) else {
                                continue;
                            };
                            if column >= width {
                                continue;
                            }
                            let at = (top * line + q - first_q + most - taps[1]) * channels;
                            let pixel = (image * height + row) * width + column;
                            let class = &mut pixels[classes.of(y, q)];
                            class.a.push(source.as_ptr().wrapping_add(at));
                            class.c.push(out.at(pixel * n));
                        }
                    }
                }
                // SAFETY: the coarse pixels of every fine pixel lie within the window that was cut
                // for them; the output pixels and panels are this task's.
                unsafe { classes.run(kernels, &pixels, *weight, n, panels) };
            }
            let edge = |q: usize| (stride * q).saturating_sub(padding).min(height);
            let rows = edge(rows.start)..edge(rows.end);
            let done = height_major(images, &rows, height, width);
            let columns = columns(kernels, n, panels);
            // SAFETY: as above.
            unsafe { finish.run(kernels, out, done, n, columns) };
        });
        y
    }

    /// Every fine pixel is a product of its own with the one coarse pixel.
    #[expect(
        clippy::too_many_arguments,
        reason = "the special case of one function"
    )]
    fn scatter_dense(
        &self,
        kernels: &Kernels,
        x: &[f32],
        weight: &[f32],
        transposed: bool,
        [channels, n]: [usize; 2],
        finish: Finish<'_>,
        y: &mut Buffer,
    ) {
        let &Self { images, kernel, .. } = self;
        let pixels = kernel * kernel;
        let out = Out::new(y);
        let depth = Depth::contiguous(channels, 1);
        let spans = spans(images, 0..1, 1, TASK_PIXELS);
        parallel_if(images * weight.len(), pixels * spans.len(), |task| {
            let (pixel, span) = (task % pixels, &spans[task / pixels]);
            let block = &weight[pixel * channels * n..][..channels * n];
            let packed = match transposed {
                true => Source {
                    weight: block,
                    blocks: &[0],
                    rows: channels,
                    n,
                    transposed,
                }
                .packed(kernels),
                false => right(kernels, block, n, images),
            };
            let images = span.images.clone();
            let at = |image: usize| (image * pixels + pixel) * n;
            let rows = images.len();
            let product = Product {
                a: Rows::Steps(x[images.start * channels..].as_ptr(), channels, rows),
                a_step: 1,
                depth: &depth,
                b: packed.right(),
                n,
                c: Rows::Steps(out.at(at(images.start)), pixels * n, rows),
                panels: (0, panels(kernels, n)),
                add: false,
            };
            // SAFETY: row `i` of `x` has `channels` elements; the output pixels are this task's.
            unsafe { product.run(kernels) };
            for image in images {
                let row = image * pixels + pixel;
                // SAFETY: as above.
                unsafe { finish.run(kernels, out, row..row + 1, n, 0..n) };
            }
        });
    }

    /// Gradient of the weight, `[kernel, kernel, channels, n]`: for each tap the products of the
    /// fine pixels `x [images, fine, channels]` with the coarse pixels `d [images, coarse, n]`.
    pub(crate) fn outer(&self, kernels: &Kernels, x: &[f32], d: &[f32]) -> Buffer {
        let &Self {
            images,
            coarse: [height, width],
            kernel,
            ..
        } = self;
        let channels = x.len() / (images * self.fine_pixels()).max(1);
        let n = d.len() / (images * self.coarse_pixels()).max(1);
        let size = kernel * kernel * channels * n;
        let chunks = spans(images, 0..height, width, CHUNK_PIXELS);
        let sums = match size <= SMALL_WEIGHT {
            true => PARTIAL_SUMS.min(chunks.len()),
            false => 1,
        };
        if images == 0 {
            return Buffer::zeroed(size);
        }
        let mut partial = Buffer::new(size * sums);
        let out = Out::new(&mut partial);
        // Every task cuts its own windows, so there are few.
        let groups = (2 * threads()).div_ceil(sums).min(kernel * channels);
        let operations = d.len() * kernel * kernel * channels;
        parallel_if(operations, sums * groups, |task| {
            let (sum, group) = (task / groups, task % groups);
            let chunks = &chunks[chunks.len() * sum / sums..chunks.len() * (sum + 1) / sums];
            let line = kernel * channels;
            let rows = line * kernel * group / groups..line * kernel * (group + 1) / groups;
            for (i, chunk) in chunks.iter().enumerate() {
                // SAFETY: the rows of this partial sum are this task's.
                unsafe {
                    self.outer_chunk(kernels, x, d, [channels, n], chunk, rows.clone(), i > 0, {
                        out.at(sum * size)
                    });
                }
            }
        });
        if sums == 1 {
            return partial;
        }
        let mut total = Buffer::new(size);
        total.copy_from_slice(&partial[..size]);
        for part in partial.chunks_exact(size).skip(1) {
            for (total, part) in total.iter_mut().zip(part) {
                *total += part;
            }
        }
        total
    }

    /// Adds what the pixels of a chunk contribute to some rows of the gradient.
    ///
    /// # Safety
    /// These rows of `out` are the caller's alone.
    #[expect(clippy::too_many_arguments, reason = "the body of one loop")]
    unsafe fn outer_chunk(
        &self,
        kernels: &Kernels,
        x: &[f32],
        d: &[f32],
        [channels, n]: [usize; 2],
        chunk: &Span,
        rows: Range<usize>,
        add: bool,
        out: *mut f32,
    ) {
        let &Self {
            coarse: [height, width],
            fine,
            kernel,
            stride,
            padding,
            ..
        } = self;
        let cut;
        let (source, first_image, lines, line, first_line) = if padding == 0 {
            (x, 0, fine[0], fine[1], 0)
        } else {
            let line = (width - 1) * stride + kernel;
            let lines = (chunk.rows.len() - 1) * stride + kernel;
            let window = Window {
                first: [
                    (chunk.rows.start * stride) as isize - padding as isize,
                    -(padding as isize),
                ],
                size: [lines, line],
            };
            cut = window.cut(x, chunk.images.clone(), fine, channels);
            (&cut[..], chunk.images.start, lines, line, chunk.rows.start)
        };
        let step = (stride * channels) as isize;
        let at = |image: usize, row: usize| {
            ((((image - first_image) * lines + (row - first_line) * stride) * line) * channels)
                as isize
        };
        let depth = if height * width == 1 {
            // One run over all images.
            let step = (lines * line * channels) as isize;
            let run = Run {
                offset: at(chunk.images.start, 0),
                row: 0,
                len: chunk.images.len(),
            };
            (Depth::new([run], step), step)
        } else {
            let lines = chunk
                .images
                .clone()
                .flat_map(|image| chunk.rows.clone().map(move |row| at(image, row)));
            let runs = lines.enumerate().map(|(i, offset)| Run {
                offset,
                row: i * width,
                len: width,
            });
            (Depth::new(runs, step), step)
        };
        let (depth, step) = depth;
        let first_pixel = (chunk.images.start * height + chunk.rows.start) * width;
        let pixels = Right::Plain(&d[first_pixel * n..]);
        let row_len = kernel * channels;
        for tap in rows.start / row_len..rows.end.div_ceil(row_len) {
            let (first, end) = (
                rows.start.max(tap * row_len),
                rows.end.min((tap + 1) * row_len),
            );
            let at = tap * line * channels + first - tap * row_len;
            let product = Product {
                a: Rows::Steps(source.as_ptr().wrapping_add(at), 1, end - first),
                a_step: step,
                depth: &depth,
                b: pixels,
                n,
                c: Rows::Steps(out.wrapping_add(first * n), n, end - first),
                panels: (0, panels(kernels, n)),
                add,
            };
            // SAFETY: the tap of every pixel of the chunk lies within its image or the window that
            // was cut for it; the output rows are the caller's.
            unsafe { product.run(kernels) };
        }
    }
}

/// The output pixels of one phase and how they are computed.
struct Phase<'a> {
    phase: [usize; 2],
    taps: [usize; 2],
    classes: Classes,
    weight: Right<'a>,
}

/// The pixels of a span, which are contiguous.
fn height_major(
    images: &Range<usize>,
    rows: &Range<usize>,
    height: usize,
    width: usize,
) -> Range<usize> {
    let first = (images.start * height + rows.start) * width;
    first..first + images.len() * rows.len() * width
}
