//! Images: folders, IDX files and CIFAR-10, good and bad.

use std::path::{Path, PathBuf};

use image::{DynamicImage, GrayImage, ImageBuffer, Luma, Rgb, RgbImage, Rgba};
use unlike_core::{ImageShape, Images, InputSpec, Label, Samples};
use unlike_data::{
    DataSet, Fit, Format, ImageOptions, ImageSize, MaskRule, Preprocessing, PreprocessingConfig,
    ReadOptions, read, split::official,
};

use crate::{bundled, gzip};

/// A folder that disappears with the test.
pub(crate) struct Folder(pub(crate) tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    }

    pub(crate) fn with(self, name: &str, image: impl Into<DynamicImage>) -> Self {
        image.into().save(self.path(name)).unwrap();
        self
    }

    pub(crate) fn with_bytes(self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        std::fs::write(self.path(name), bytes).unwrap();
        self
    }

    pub(crate) fn read(&self, options: ImageOptions) -> DataSet {
        read(self.0.path(), &images(options)).unwrap()
    }

    /// Message and hint, with the folder left out of paths.
    pub(crate) fn error(&self, name: &str, options: &ReadOptions) -> (String, Option<String>) {
        let path = if name.is_empty() {
            self.0.path().to_owned()
        } else {
            self.path(name)
        };
        let error = read(path, options).expect_err("an error");
        let folder = self.0.path().display().to_string();
        let message = error
            .to_string()
            .replace(&format!("{folder}/"), "")
            .replace(&folder, ".");
        (message, error.hint().map(ToString::to_string))
    }

    pub(crate) fn message(&self) -> String {
        self.error("", &ReadOptions::default()).0
    }
}

pub(crate) fn images(image: ImageOptions) -> ReadOptions {
    ReadOptions {
        image,
        ..ReadOptions::default()
    }
}

pub(crate) fn sized(height: usize, width: usize, fit: Fit) -> ImageOptions {
    ImageOptions {
        size: Some(ImageSize { height, width }),
        fit,
        ..ImageOptions::default()
    }
}

pub(crate) fn skipping() -> ImageOptions {
    ImageOptions {
        skip_unreadable: true,
        ..ImageOptions::default()
    }
}

pub(crate) fn grey(width: u32, height: u32, value: u8) -> GrayImage {
    GrayImage::from_pixel(width, height, Luma([value]))
}

pub(crate) fn colour(width: u32, height: u32, value: [u8; 3]) -> RgbImage {
    RgbImage::from_pixel(width, height, Rgb(value))
}

pub(crate) fn pixels(data: &DataSet) -> &Images {
    match data.samples() {
        Samples::Images(images) => images,
        Samples::Table(_) => panic!("images"),
    }
}

pub(crate) fn ids(data: &DataSet) -> Vec<String> {
    (0..data.samples().len())
        .map(|i| data.samples().id(i))
        .collect()
}

/// The values as bytes from 0 to 255.
pub(crate) fn bytes(data: &DataSet) -> Vec<u8> {
    pixels(data)
        .pixels()
        .unwrap()
        .iter()
        .map(|v| ((v + 1.0) * 127.5).round() as u8)
        .collect()
}

pub(crate) fn image(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/it/image_files")
        .join(name)
}

#[test]
fn a_folder_of_images_is_read_in_order_of_names() {
    let folder = Folder::new()
        .with("b.png", grey(3, 2, 255))
        .with("a.pgm", grey(3, 2, 0))
        .with_bytes("notes.txt", "no image")
        .with(".hidden.png", grey(9, 9, 9));
    let data = folder.read(ImageOptions::default());
    assert_eq!(data.format(), Format::Images);
    assert_eq!(ids(&data), ["a.pgm", "b.png"]);
    assert_eq!(pixels(&data).shape(), [2, 3, 1]);
    assert_eq!(
        pixels(&data).pixels().unwrap(),
        [[-1.0; 6], [1.0; 6]].concat()
    );
    assert!(data.classes().is_none() && data.masks().is_none());
    assert_eq!(data.notes(), [""; 0]);
}

#[test]
fn one_image_is_a_data_set_too() {
    let folder = Folder::new().with("a.png", colour(2, 1, [0, 51, 255]));
    let data = read(folder.path("a.png"), &ReadOptions::default()).unwrap();
    assert_eq!(ids(&data), ["a.png"]);
    assert_eq!(bytes(&data), [0, 51, 255, 0, 51, 255]);
}

#[test]
fn sub_folders_are_classes() {
    let folder = Folder::new()
        .with("cat/deep/1.png", grey(2, 2, 1))
        .with("cat/2.png", grey(2, 2, 2))
        .with("dog/3.png", grey(2, 2, 3));
    let data = folder.read(ImageOptions::default());
    assert_eq!(ids(&data), ["cat/2.png", "cat/deep/1.png", "dog/3.png"]);
    assert_eq!(data.classes().unwrap().counts(), [("cat", 2), ("dog", 1)]);
    assert!(data.labels().is_none(), "no guess");
    assert_eq!(
        data.normals_for_training()
            .unwrap_err()
            .to_string()
            .split_once(": ")
            .unwrap()
            .1,
        "the classes `cat` (2), `dog` (1) in `sub-folder`; expected to be told which are normal"
    );
    let options = ReadOptions {
        anomalous_labels: vec!["dog".into()],
        ..images(ImageOptions::default())
    };
    let data = read(folder.0.path(), &options).unwrap();
    assert_eq!(
        data.labels().unwrap().values(),
        [Label::Normal, Label::Normal, Label::Anomalous]
    );
    assert_eq!(data.normals_for_training().unwrap().samples.len(), 2);
}

#[test]
fn a_sub_folder_called_good_is_normal() {
    let folder = Folder::new()
        .with("good/1.png", grey(2, 2, 1))
        .with("scratch/2.png", grey(2, 2, 2));
    let data = folder.read(ImageOptions::default());
    assert_eq!(
        data.labels().unwrap().values(),
        [Label::Normal, Label::Anomalous]
    );
    // A single sub-folder of another name says nothing.
    let folder = Folder::new().with("Imgs/1.png", grey(2, 2, 1));
    let data = folder.read(ImageOptions::default());
    assert!(data.classes().is_none());
    let error = data.labelled().unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with(": samples without labels; expected labelled samples")
    );
    assert_eq!(
        error.hint().map(|hint| hint.as_str()),
        Some("put the images of each class into a sub-folder of its own")
    );
}

#[test]
fn colour_is_kept_if_any_image_has_it() {
    let folder = Folder::new()
        .with("a.png", grey(1, 1, 100))
        .with("b.png", colour(1, 1, [200, 100, 0]));
    let data = folder.read(ImageOptions::default());
    assert_eq!(pixels(&data).shape(), [1, 1, 3]);
    assert_eq!(bytes(&data), [100, 100, 100, 200, 100, 0]);
    let one = ImageOptions {
        channels: Some(1),
        ..ImageOptions::default()
    };
    // Luminance: .2126 × 200 + .7152 × 100.
    assert_eq!(bytes(&folder.read(one)), [100, 114]);
    let three = ImageOptions {
        channels: Some(3),
        ..ImageOptions::default()
    };
    let grey = Folder::new().with("a.png", grey(1, 1, 7));
    assert_eq!(bytes(&grey.read(three)), [7, 7, 7]);
}

/// 4 wide and 2 high, the left half black, the right half white.
fn halves() -> GrayImage {
    GrayImage::from_fn(4, 2, |x, _| Luma([if x < 2 { 0 } else { 255 }]))
}

#[test]
fn images_are_fitted_as_asked() {
    let folder = Folder::new().with("a.png", halves());
    let fitted = |height, width, fit| bytes(&folder.read(sized(height, width, fit)));
    let (b, w) = (0, 255);
    // The filter is wider than a pixel: a seventh comes from the other half.
    assert_eq!(fitted(2, 2, Fit::Stretch), [36, 219, 36, 219]);
    assert_eq!(fitted(2, 2, Fit::Crop), [b, w, b, w]);
    #[rustfmt::skip]
    assert_eq!(fitted(4, 4, Fit::Letterbox), [
        b, b, b, b,
        b, b, w, w,
        b, b, w, w,
        b, b, b, b,
    ]);
    #[rustfmt::skip]
    assert_eq!(fitted(4, 6, Fit::Pad), [
        b, b, b, b, b, b,
        b, b, b, w, w, b,
        b, b, b, w, w, b,
        b, b, b, b, b, b,
    ]);
    let (message, _) = folder.error("", &images(sized(2, 3, Fit::Pad)));
    assert_eq!(
        message,
        "`a.png`: 4 × 2 pixels; expected at most 3 × 2, because padding does not shrink"
    );
}

#[test]
fn shrinking_is_antialiased() {
    // Stripes of one pixel: their mean is what is left, not one of them.
    let stripes = GrayImage::from_fn(64, 64, |x, _| Luma([if x % 2 == 0 { 0 } else { 255 }]));
    let folder = Folder::new().with("a.png", stripes);
    let shrunk = bytes(&folder.read(sized(8, 8, Fit::Stretch)));
    assert!(shrunk.iter().all(|v| (118..=138).contains(v)), "{shrunk:?}");
}

#[test]
fn deep_transparent_palette_and_cmyk_images_are_read() {
    let deep = ImageBuffer::<Luma<u16>, _>::from_raw(2, 1, vec![0_u16, 32_896]).unwrap();
    let folder = Folder::new().with("a.png", DynamicImage::ImageLuma16(deep));
    let data = folder.read(ImageOptions::default());
    assert_eq!(pixels(&data).shape(), [1, 2, 1]);
    assert_eq!(bytes(&data), [0, 128]);

    let transparent =
        ImageBuffer::<Rgba<u8>, _>::from_raw(2, 1, vec![200, 100, 50, 255, 200, 100, 50, 51]);
    let folder = Folder::new().with("a.png", transparent.unwrap());
    let data = folder.read(ImageOptions::default());
    assert_eq!(bytes(&data), [200, 100, 50, 40, 20, 10]);
    assert_eq!(data.notes(), ["1 image with transparency, laid over black"]);

    let data = read(image("palette.png"), &ReadOptions::default()).unwrap();
    let [r, g, b, w] = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]];
    assert_eq!(bytes(&data), [r, g, b, w, w, b, g, r].concat());

    let data = read(image("cmyk.jpg"), &ReadOptions::default()).unwrap();
    assert_eq!(pixels(&data).shape(), [8, 8, 3]);
    for pixel in bytes(&data).chunks(3) {
        assert!(
            pixel[0] < 10 && pixel[1] > 245 && pixel[2] > 245,
            "{pixel:?}"
        );
    }
}

#[test]
fn images_are_turned_upright() {
    let data = read(image("turned.jpg"), &ReadOptions::default()).unwrap();
    assert_eq!(pixels(&data).shape(), [32, 16, 3]);
    let rows: Vec<u8> = bytes(&data).chunks(16 * 3).map(|row| row[0]).collect();
    assert!(
        rows[..12].iter().all(|v| *v > 240) && rows[20..].iter().all(|v| *v < 15),
        "{rows:?}"
    );
}

#[test]
fn tiny_and_long_images_are_read() {
    let folder = Folder::new()
        .with("a.png", grey(1, 1, 80))
        .with("b.png", grey(20_000, 1, 80))
        .with("c.png", grey(1, 20_000, 80));
    for fit in [Fit::Stretch, Fit::Crop] {
        assert_eq!(
            bytes(&folder.read(sized(8, 8, fit))),
            [80; 3 * 64],
            "{fit:?}"
        );
    }
    assert_eq!(pixels(&folder.read(sized(8, 8, Fit::Letterbox))).len(), 3);
}

#[test]
fn images_too_large_for_memory_are_refused_by_their_header() {
    // The header of a Netpbm image of 20,000 × 20,000, and nothing else.
    let folder = Folder::new().with_bytes("a.pgm", "P5\n20000 20000\n255\n");
    assert_eq!(
        folder.message(),
        "`a.pgm`: 20000 × 20000 pixels; expected 1 to 100 million pixels"
    );
}

#[test]
fn images_of_mixed_sizes_keep_their_proportions_on_a_square() {
    let folder = Folder::new()
        .with("a.png", grey(30, 20, 0))
        .with("b.png", grey(20, 50, 9))
        .with("c.png", grey(60, 50, 9));
    let data = folder.read(ImageOptions::default());
    assert_eq!(pixels(&data).shape(), [64, 64, 1]);
    assert_eq!(
        data.notes(),
        [
            "images of 30 × 20 to 60 × 50 pixels are brought to 64 × 64, as they are read; choose \
          another size with `image-size`"
        ]
    );
    // Large ones are not kept at their size unasked.
    let large = Folder::new().with("a.png", grey(300, 200, 0));
    let data = large.read(ImageOptions::default());
    assert_eq!(pixels(&data).shape(), [64, 64, 1]);
    assert!(
        data.notes()[0].starts_with("images of 300 × 200 pixels are"),
        "{}",
        data.notes()[0]
    );
    // Those of one size that is not large are left as they are.
    let small = Folder::new().with("a.png", grey(256, 20, 0));
    assert_eq!(
        pixels(&small.read(ImageOptions::default())).shape(),
        [20, 256, 1]
    );
}

#[test]
fn images_of_one_size_keep_it_up_to_what_is_usual() {
    let read = |usual_side: usize| {
        let folder = Folder::new()
            .with("a.png", grey(400, 300, 1))
            .with("b.png", grey(400, 300, 2));
        let data = folder.read(ImageOptions {
            usual_side,
            square: false,
            ..ImageOptions::default()
        });
        pixels(&data).shape()
    };
    assert_eq!(read(224), [168, 224, 1]);
    assert_eq!(read(4096), [300, 400, 1]);
}

#[test]
fn images_of_the_same_proportions_keep_them_where_no_square_is_needed() {
    let read = |sizes: &[[u32; 2]]| {
        let folder = Folder::new();
        let folder = sizes
            .iter()
            .enumerate()
            .fold(folder, |folder, (i, &[w, h])| {
                folder.with(&format!("{i}.png"), grey(w, h, i as u8))
            });
        let options = ImageOptions {
            usual_side: 224,
            square: false,
            ..ImageOptions::default()
        };
        let data = folder.read(options);
        (pixels(&data).shape(), data.notes()[0].as_str().to_owned())
    };
    // 224 × 149.3, in steps of 8; crops by hand differ by a few pixels.
    let (shape, note) = read(&[[600, 400], [606, 400], [590, 398]]);
    assert_eq!(shape, [152, 224, 1]);
    assert!(note.contains("brought to 224 × 152,"), "{note}");
    assert_eq!(read(&[[300, 900]]).0, [224, 72, 1]);
    assert_eq!(read(&[[900, 900], [901, 901]]).0, [224, 224, 1]);
    // Never less than a step, however long they are.
    assert_eq!(read(&[[3000, 10]]).0, [8, 224, 1]);
    // Of other proportions, a square.
    assert_eq!(read(&[[600, 400], [600, 400], [500, 400]]).0, [224, 224, 1]);
}

#[test]
fn edges_are_continued_where_an_image_ends() {
    let folder = Folder::new().with("a.png", halves());
    let kept = |height, width| bytes(&folder.read(sized(height, width, Fit::Keep)));
    let row = |left, right| [[left; 2], [right; 2]].concat();
    assert_eq!(kept(4, 4), row(0, 255).repeat(4));
    assert_eq!(kept(2, 8), [[0; 4], [255; 4]].concat().repeat(2));
    // Masks end where their image ends.
    let marked = Folder::new()
        .with("a.bmp", halves())
        .with("a.png", grey(4, 2, 1));
    let data = marked.read(sized(4, 4, Fit::Keep));
    let mask = data.masks().unwrap().mask(0).unwrap().to_vec();
    assert_eq!(
        mask,
        [[false; 4], [true; 4], [true; 4], [false; 4]].concat()
    );
    // Left, top, width and height of the image itself.
    assert_eq!(pixels(&data).covered(0), [0, 1, 4, 2]);
    let stretched = marked.read(sized(4, 4, Fit::Stretch));
    assert_eq!(pixels(&stretched).covered(0), [0, 0, 4, 4]);
}

#[test]
fn a_folder_without_images() {
    let folder = Folder::new().with_bytes("notes.txt", "no image");
    let (message, hint) = folder.error("", &ReadOptions::default());
    assert_eq!(message, "images in `.`: none; expected at least 1");
    assert_eq!(
        hint.as_deref(),
        Some(
            "images are files that end in apng, bmp, dib, gif, j2c, j2k, jfif, jp2, jpc, jpe, jpeg, jpf, \
             jpg, jpx, pam, pbm, pgm, png, pnm, ppm, tga, tif, tiff, vda, vst, webp"
        )
    );
}

/// The bytes of a JPEG image with something in it.
fn jpeg() -> Vec<u8> {
    let image = GrayImage::from_fn(32, 32, |x, y| Luma([((x * 8) ^ (y * 5)) as u8]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    DynamicImage::from(image)
        .write_to(&mut bytes, image::ImageFormat::Jpeg)
        .unwrap();
    bytes.into_inner()
}

#[test]
fn damaged_images_are_named_or_left_out_and_counted() {
    let whole = jpeg();
    let good = || {
        Folder::new()
            .with("a.png", grey(32, 32, 0))
            .with("z.png", grey(32, 32, 255))
    };
    let hint = "leave such files out and count them with `skip-unreadable`";
    for length in [whole.len() - 2, whole.len() / 2, 100, 4, 0] {
        let folder = good().with_bytes("m.jpg", &whole[..length]);
        let (message, found) = folder.error("", &ReadOptions::default());
        assert!(message.starts_with("`m.jpg`: "), "{length}: {message}");
        assert!(
            message.ends_with("; expected a whole image")
                || message
                    .ends_with("; expected a whole JPEG, PNG, BMP, GIF, TIFF, WebP, JPEG 2000, TGA or Netpbm image"),
            "{length}: {message}"
        );
        assert_eq!(found.as_deref(), Some(hint));

        let data = folder.read(skipping());
        assert_eq!(ids(&data), ["a.png", "z.png"]);
        assert_eq!(
            bytes(&data),
            [[0; 1024], [255; 1024]].concat(),
            "no gap is left"
        );
        let note = &data.notes()[0];
        assert!(note.starts_with("1 unreadable file left out: `"), "{note}");
        assert!(note.contains("m.jpg`: "), "{note}");
    }
    // Nothing is left, whether the header or only the rest was damaged.
    for bytes in [&b"no JPEG"[..], &whole[..whole.len() - 2]] {
        let (message, _) = Folder::new()
            .with_bytes("m.jpg", bytes)
            .error("", &images(skipping()));
        assert!(
            message.starts_with("images in `.`: 1 unreadable file left out: `m.jpg`: ")
                && message.ends_with("; expected at least 1"),
            "{message}"
        );
    }
}

/// Everything on the disk.
fn on_disk(image: ImageOptions) -> ImageOptions {
    ImageOptions { memory: 0, ..image }
}

#[test]
fn images_are_the_same_in_memory_and_on_the_disk() {
    let deep = ImageBuffer::<Luma<u16>, _>::from_fn(5, 7, |x, y| Luma([(999 * x + y) as u16]));
    let bytes = GrayImage::from_fn(9, 6, |x, y| Luma([(20 * x + y) as u8]));
    for fit in [Fit::Stretch, Fit::Crop, Fit::Letterbox] {
        let folder = Folder::new()
            .with("a.png", bytes.clone())
            .with("b.jpg", colour(8, 3, [9, 80, 200]))
            .with_bytes("m.jpg", "no JPEG");
        let options = ImageOptions {
            skip_unreadable: true,
            ..sized(4, 6, fit)
        };
        let mut folders = vec![folder];
        // Values of 16 bits are kept in memory as they are, those of 8 bits as bytes.
        folders.push(Folder::new().with("deep.png", DynamicImage::ImageLuma16(deep.clone())));
        for folder in folders {
            let (kept, read) = (
                folder.read(options.clone()),
                folder.read(on_disk(options.clone())),
            );
            assert_eq!(kept.samples(), read.samples(), "{fit:?}");
            let fitted = Preprocessing::fit(kept.samples(), &Default::default()).unwrap();
            let [some, others] = [&kept, &read].map(|data| {
                let bound = fitted.bind(data.samples()).unwrap();
                bound.gather(&[0, 0]).unwrap()
            });
            assert_eq!(some, others);
        }
    }
    let folder = Folder::new().with("a.png", bytes);
    let data = folder.read(on_disk(ImageOptions::default()));
    assert_eq!(
        data.notes(),
        ["1 image would take 0.1 KiB of memory: each is read from the disk whenever it is needed"]
    );
}

#[test]
fn a_image_that_is_lost_or_changed_after_reading_is_an_error() {
    let folder = Folder::new()
        .with("a.png", grey(3, 3, 0))
        .with("b.png", grey(3, 3, 1))
        .with("c.png", grey(3, 3, 2));
    let data = folder.read(on_disk(ImageOptions::default()));
    let fitted = Preprocessing::fit(data.samples(), &Default::default()).unwrap();
    let message = || {
        let transformed = fitted.transform(data.samples());
        let message = transformed.expect_err("an error").to_string();
        message.replace(&format!("{}/", folder.0.path().display()), "")
    };
    grey(3, 3, 9).save(folder.path("b.png")).unwrap();
    std::fs::remove_file(folder.path("c.png")).unwrap();
    let changed = "`b.png`: another content than when the folder was read; expected files that \
                   stay as they are until the work is done";
    // The first of several, on any number of threads.
    assert_eq!(message(), changed);
    grey(3, 3, 1).save(folder.path("b.png")).unwrap();
    assert_eq!(message(), "cannot read `c.png`");
    let bound = fitted.bind(data.samples()).unwrap();
    assert!(bound.features(0..2).is_ok() && bound.gather(&[1, 2]).is_err());
    assert!(fitted.transform(&data.samples().select(&[1, 0])).is_ok());
}

#[cfg(unix)]
#[test]
fn links_in_a_loop_are_named_or_left_out() {
    let folder = Folder::new().with("a/1.png", grey(2, 2, 0));
    std::os::unix::fs::symlink(folder.0.path(), folder.path("a/again")).unwrap();
    let (message, hint) = folder.error("", &ReadOptions::default());
    assert_eq!(
        message,
        "`a/again`: a symbolic link back to `.`; expected folders without loops"
    );
    assert!(hint.unwrap().ends_with("`skip-unreadable`"));
    assert_eq!(folder.read(skipping()).samples().len(), 1);
    // Links out of all folders of images.
    for target in ["/", "/dev"] {
        let folder = Folder::new().with("a/1.png", grey(2, 2, 0));
        std::os::unix::fs::symlink(target, folder.path("a/all")).unwrap();
        let (message, _) = folder.error("", &ReadOptions::default());
        let expected =
            format!("`a/all`: a symbolic link to `{target}`; expected links to folders of images");
        assert_eq!(message, expected);
        assert_eq!(folder.read(skipping()).samples().len(), 1);
    }
    // A link that leads nowhere, and one that is fine.
    let folder = Folder::new().with("real/1.png", grey(2, 2, 0));
    std::os::unix::fs::symlink(folder.path("real/1.png"), folder.path("link.png")).unwrap();
    assert_eq!(folder.read(ImageOptions::default()).samples().len(), 2);
    std::os::unix::fs::symlink("nowhere", folder.path("lost.png")).unwrap();
    assert_eq!(folder.message(), "cannot read `lost.png`");
}

#[test]
fn masks_lie_beside_their_images() {
    // A mask that marks one quarter.
    let mask = GrayImage::from_fn(4, 4, |x, y| Luma([if x < 2 && y < 2 { 200 } else { 0 }]));
    let folder = Folder::new()
        .with("bad/1.bmp", grey(4, 4, 10))
        .with("bad/1.png", mask)
        .with("fine/2.bmp", grey(4, 4, 20));
    let data = folder.read(ImageOptions::default());
    assert_eq!(ids(&data), ["bad/1.bmp", "fine/2.bmp"]);
    let masks = data.masks().unwrap();
    assert_eq!((masks.len(), masks.shape()), (2, [4, 4]));
    let (o, x) = (false, true);
    assert_eq!(
        masks.mask(0).unwrap(),
        [x, x, o, o, x, x, o, o, o, o, o, o, o, o, o, o]
    );
    assert_eq!(masks.mask(1), None);
    assert_eq!(masks.select(&[1, 0]).mask(1), masks.mask(0));
    let turned = data.select(&[1, 0]);
    assert_eq!(ids(&turned), ["fine/2.bmp", "bad/1.bmp"]);
    assert_eq!(turned.masks().unwrap().mask(1), masks.mask(0));
    assert_eq!(turned.classes().unwrap().class(0), "fine");

    let small = folder.read(sized(2, 2, Fit::Stretch));
    assert_eq!(small.masks().unwrap().mask(0).unwrap(), [x, o, o, o]);
    let padded = folder.read(sized(4, 6, Fit::Pad));
    let row = [o, x, x, o, o, o];
    assert_eq!(
        padded.masks().unwrap().mask(0).unwrap()[..12],
        [row, row].concat()
    );

    let ignored = ImageOptions {
        masks: MaskRule::Ignore,
        ..ImageOptions::default()
    };
    assert_eq!(folder.read(ignored).samples().len(), 3);
}

#[test]
fn masks_and_images_come_in_pairs() {
    let pairs = || {
        ["1", "2", "3"].iter().fold(Folder::new(), |folder, name| {
            folder
                .with(&format!("{name}.bmp"), grey(2, 2, 0))
                .with(&format!("{name}.png"), grey(2, 2, 0))
        })
    };
    let alone = pairs().with("4.png", grey(2, 2, 0));
    let (message, hint) = alone.error("", &ReadOptions::default());
    assert_eq!(
        message,
        "`4.png`: a mask without an image; expected an image of the same name beside it, as the \
         other images of the folder have"
    );
    assert_eq!(
        hint.as_deref(),
        Some("add it, or leave such files out and count them with `skip-unreadable`")
    );
    assert_eq!(alone.read(skipping()).samples().len(), 3);

    let bare = pairs().with("4.bmp", grey(2, 2, 0));
    assert_eq!(
        bare.message(),
        "`4.bmp`: an image without a mask; expected a `.png` of the same name beside it, as the other \
         images of the folder have"
    );

    let wrong = pairs().with("3.png", grey(3, 2, 0));
    assert_eq!(
        wrong.message(),
        "`3.png`: a mask of 3 × 2 pixels; expected 2 × 2, as its image has"
    );
}

#[test]
fn settings_that_make_no_sense_for_images() {
    let folder = Folder::new().with("a.png", grey(2, 2, 0));
    let message = |options: &ReadOptions| folder.error("", options).0;
    let options = ReadOptions {
        label_column: Some("y".into()),
        ..ReadOptions::default()
    };
    assert_eq!(
        message(&options),
        "`label-column` is `y`; expected nothing, because images have no columns"
    );
    let options = ReadOptions {
        normal_labels: vec!["good".into()],
        ..ReadOptions::default()
    };
    assert_eq!(
        message(&options),
        "`normal-label` is `good`, which does not occur in `sub-folder`; expected one of `(no \
         sub-folder)` (1)"
    );
    assert_eq!(
        message(&images(sized(0, 4, Fit::Stretch))),
        "`image-size` is 4 × 0; expected 1 to 4096 pixels a side"
    );
    let options = ImageOptions {
        channels: Some(2),
        ..ImageOptions::default()
    };
    assert_eq!(
        message(&images(options)),
        "`channels` is 2; expected 1 (grey) or 3 (colour)"
    );
    let options = ReadOptions {
        format: Some(Format::Csv),
        ..ReadOptions::default()
    };
    assert_eq!(
        message(&options),
        "`.`: a folder; expected a file in the format csv"
    );
}

#[test]
fn a_model_reads_images_as_it_was_trained() {
    let folder = Folder::new().with("a.png", colour(6, 4, [10, 20, 30]));
    let config = PreprocessingConfig {
        image_fit: Fit::Letterbox,
        ..Default::default()
    };
    let options = ImageOptions {
        channels: Some(1),
        ..sized(8, 8, Fit::Letterbox)
    };
    let training = folder.read(options.clone());
    let fitted = Preprocessing::fit(training.samples(), &config).unwrap();
    assert_eq!(
        fitted.input(),
        InputSpec::Image(ImageShape {
            height: 8,
            width: 8,
            channels: 1
        })
    );
    assert_eq!(fitted.read_options(ReadOptions::default()).image, options);
    let again = read(
        folder.0.path(),
        &fitted.read_options(ReadOptions::default()),
    )
    .unwrap();
    assert_eq!(again.samples(), training.samples());
    let features = fitted.transform(again.samples()).unwrap().features;
    assert_eq!(features.values(), pixels(&training).pixels().unwrap());
}

/// An IDX file of unsigned bytes.
pub(crate) fn idx(shape: &[u32], data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, shape.len() as u8];
    bytes.extend(shape.iter().flat_map(|size| size.to_be_bytes()));
    bytes.extend(data);
    bytes
}

const TEST_IMAGES: &str = "t10k-images-idx3-ubyte";
const TEST_LABELS: &str = "t10k-labels-idx1-ubyte";

/// Two images of 1 × 2.
fn two_images() -> Vec<u8> {
    idx(&[2, 1, 2], &[0, 51, 102, 255])
}

#[test]
fn idx_images_find_their_labels() {
    let labels = idx(&[2], &[7, 2]);
    let plain = Folder::new()
        .with_bytes(TEST_IMAGES, two_images())
        .with_bytes(TEST_LABELS, &labels);
    let packed = Folder::new()
        .with_bytes(&format!("{TEST_IMAGES}.gz"), gzip(&two_images()))
        .with_bytes(&format!("{TEST_LABELS}.gz"), gzip(&labels));
    let dotted = Folder::new()
        .with_bytes("t10k-images.idx3-ubyte", two_images())
        .with_bytes("t10k-labels.idx1-ubyte.gz", gzip(&labels));
    for (folder, name) in [
        (plain, TEST_IMAGES.to_owned()),
        (packed, format!("{TEST_IMAGES}.gz")),
        (dotted, "t10k-images.idx3-ubyte".to_owned()),
    ] {
        let data = read(folder.path(&name), &ReadOptions::default()).unwrap();
        assert_eq!(data.format(), Format::Idx);
        assert_eq!(pixels(&data).shape(), [1, 2, 1]);
        assert_eq!(bytes(&data), [0, 51, 102, 255]);
        assert_eq!(ids(&data), ["0", "1"]);
        let classes = data.classes().unwrap();
        assert_eq!(classes.levels(), ["2", "7"]);
        assert_eq!([classes.class(0), classes.class(1)], ["7", "2"]);
        assert!(data.labels().is_none());
    }
}

#[test]
fn a_folder_of_idx_files_is_merged_training_first() {
    let folder = Folder::new()
        .with_bytes(TEST_IMAGES, two_images())
        .with_bytes(TEST_LABELS, idx(&[2], &[7, 2]))
        .with_bytes("train-images-idx3-ubyte", idx(&[1, 1, 2], &[9, 9]))
        .with_bytes("train-labels-idx1-ubyte", idx(&[1], &[5]));
    let options = ReadOptions {
        anomalous_labels: vec!["7".into()],
        ..images(sized(2, 2, Fit::Pad))
    };
    let data = read(folder.0.path(), &options).unwrap();
    assert_eq!(
        data.parts(),
        [
            ("train-images-idx3-ubyte".to_owned(), 0..1),
            (TEST_IMAGES.to_owned(), 1..3)
        ]
    );
    assert_eq!(ids(&data)[1], "t10k-images-idx3-ubyte:0");
    assert_eq!(
        data.labels().unwrap().values(),
        [Label::Normal, Label::Anomalous, Label::Normal]
    );
    assert_eq!(bytes(&data)[..4], [9, 9, 0, 0]);
}

#[test]
fn official_parts_train_and_test() {
    let part = |name: &str, digits: &[u8]| {
        let n = digits.len();
        let files = ["images-idx3-ubyte", "labels-idx1-ubyte"].map(|file| format!("{name}-{file}"));
        let pixels: Vec<u8> = (0..2 * n).map(|i| i as u8).collect();
        let shape = [n as u32, 1, 2];
        (files, [idx(&shape, &pixels), idx(&shape[..1], digits)])
    };
    let read_parts = |test: &[u8]| {
        let mut folder = Folder::new();
        for (files, contents) in [part("t10k", test), part("train", &[2, 0, 0, 2, 0])] {
            for (file, content) in files.iter().zip(contents) {
                folder = folder.with_bytes(file, content);
            }
        }
        let options = ReadOptions {
            anomalous_labels: vec!["2".into()],
            ..ReadOptions::default()
        };
        read(folder.0.path(), &options).unwrap()
    };
    let data = read_parts(&[0, 2, 2]);
    let split = official(&data).unwrap();
    assert_eq!(
        (split.train(), split.test()),
        (&[1, 2, 4][..], &[5, 6, 7][..])
    );
    let (n, a) = (Label::Normal, Label::Anomalous);
    assert_eq!(split.test_labels(), [n, a, a]);
    assert_eq!(
        split.describe(),
        "the official parts: training on the 3 normals of the training part, without its 2 \
         anomalies; testing on the test part, 1 normals and 2 anomalies"
    );
    let message = official(&read_parts(&[0, 0])).unwrap_err().to_string();
    assert!(
        message.contains("2 normal and 0 anomalous to test on"),
        "{message}"
    );

    let folder = Folder::new()
        .with("good/a.png", grey(2, 2, 0))
        .with("bad/b.png", grey(2, 2, 1));
    let error = official(&folder.read(ImageOptions::default())).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("without a training and a test part")
    );
    assert!(error.hint().unwrap().contains("merged-80-20"));
}

#[test]
fn idx_images_without_labels_are_read_with_a_note() {
    let folder = Folder::new().with_bytes(TEST_IMAGES, two_images());
    let data = read(folder.path(TEST_IMAGES), &ReadOptions::default()).unwrap();
    assert!(data.classes().is_none());
    assert_eq!(
        data.notes(),
        ["`t10k-images-idx3-ubyte` has no file of labels beside it"]
    );
}

#[test]
fn bad_idx_files() {
    let again = "the file was cut short or damaged; copy or download it again";
    for (images, labels, expected, hint) in [
        (
            two_images(),
            idx(&[1], &[7]),
            "`t10k-labels-idx1-ubyte`: 1 label; expected 2, one for each image of \
             `t10k-images-idx3-ubyte`",
            None,
        ),
        (
            two_images(),
            idx(&[3], &[7, 2]),
            "`t10k-labels-idx1-ubyte`: 2 labels of 3 that its header states; expected all of them",
            Some(again),
        ),
        (
            two_images(),
            b"labels".to_vec(),
            "`t10k-labels-idx1-ubyte`: no IDX header of labels; expected an IDX file of labels",
            None,
        ),
        (
            idx(&[2, 1, 2], &[0, 51, 102]),
            idx(&[2], &[7, 2]),
            "`t10k-images-idx3-ubyte`: 3 bytes of data for images of shape [2, 1, 2]; expected one \
             byte for each value",
            Some(again),
        ),
        (
            idx(&[0, 1, 2], &[]),
            idx(&[0], &[]),
            "`t10k-images-idx3-ubyte`: images of shape [0, 1, 2]; expected at least one image, grey \
             or colour",
            None,
        ),
        (
            idx(&[2], &[1, 2]),
            idx(&[2], &[1, 2]),
            "`t10k-images-idx3-ubyte`: an IDX file of 1 dimension; expected images: 3 dimensions, or \
             4 with channels",
            None,
        ),
        (
            vec![0, 0, 13, 3, 0, 0],
            idx(&[2], &[1, 2]),
            "`t10k-images-idx3-ubyte`: IDX values of type 0x0d; expected unsigned bytes (0x08)",
            None,
        ),
        (
            vec![0, 0, 8, 3, 0, 0],
            idx(&[2], &[1, 2]),
            "`t10k-images-idx3-ubyte`: an IDX header that is cut short; expected a whole file",
            None,
        ),
        (
            idx(&[u32::MAX, u32::MAX, u32::MAX], &[]),
            idx(&[2], &[1, 2]),
            "`t10k-images-idx3-ubyte`: 0 bytes of data for images of shape [4294967295, 4294967295, \
             4294967295]; expected one byte for each value",
            Some(again),
        ),
    ] {
        let folder = Folder::new()
            .with_bytes(TEST_IMAGES, images)
            .with_bytes(TEST_LABELS, labels);
        let options = ReadOptions {
            format: Some(Format::Idx),
            ..ReadOptions::default()
        };
        let (message, found) = folder.error(TEST_IMAGES, &options);
        assert_eq!(message, expected);
        assert_eq!(found.as_deref(), hint);
    }
}

#[test]
fn the_bundled_digits_have_their_published_counts() {
    let data = read(
        bundled("t10k-images-idx3-ubyte.gz"),
        &ReadOptions::default(),
    )
    .unwrap();
    assert_eq!(pixels(&data).shape(), [28, 28, 1]);
    let counts = data.classes().unwrap().counts();
    assert_eq!(counts.iter().map(|(_, n)| n).sum::<usize>(), 10_000);
    assert_eq!((counts[0], counts[9]), (("1", 1135), ("5", 892)));
    // The first digit is a 7, dark around and bright in its strokes.
    assert_eq!(data.classes().unwrap().class(0), "7");
    let first = &pixels(&data).pixels().unwrap()[..784];
    assert_eq!(
        (first[0], first.iter().filter(|v| **v > 0.0).count()),
        (-1.0, 71)
    );
}

/// A record of CIFAR-10: red, green and blue planes.
fn record(label: u8, [r, g, b]: [u8; 3]) -> Vec<u8> {
    [vec![label], vec![r; 1024], vec![g; 1024], vec![b; 1024]].concat()
}

#[test]
fn cifar_batches_are_read_in_order() {
    let folder = Folder::new()
        .with_bytes("test_batch.bin", record(8, [1, 2, 3]))
        .with_bytes(
            "data_batch_1.bin",
            [record(0, [4, 5, 6]), record(9, [7, 8, 9])].concat(),
        )
        .with_bytes("batches.meta.txt", "airplane\n");
    let data = folder.read(ImageOptions::default());
    assert_eq!(data.format(), Format::Cifar10);
    assert_eq!(pixels(&data).shape(), [32, 32, 3]);
    assert_eq!(
        ids(&data),
        ["data_batch_1:0", "data_batch_1:1", "test_batch:0"]
    );
    assert_eq!(
        data.classes().unwrap().levels(),
        ["airplane", "ship", "truck"]
    );
    assert_eq!(data.classes().unwrap().class(2), "ship");
    assert_eq!(bytes(&data)[..6], [4, 5, 6, 4, 5, 6]);
    assert_eq!(data.parts()[1], ("test_batch".to_owned(), 2..3));

    let options = ReadOptions {
        format: Some(Format::Cifar10),
        ..ReadOptions::default()
    };
    let one = read(folder.path("test_batch.bin"), &options).unwrap();
    assert_eq!(one.samples().len(), 1);
}

#[test]
fn cifar_sheets_hold_one_image_a_row() {
    let sheet =
        |rows: &[[u8; 3]]| RgbImage::from_fn(1024, rows.len() as u32, |_, y| Rgb(rows[y as usize]));
    let folder = Folder::new()
        .with("data_batch_1.png", sheet(&[[1, 2, 3], [4, 5, 6]]))
        .with("data_batch_2.png", sheet(&[[7, 8, 9], [10, 11, 12]]))
        .with("test_batch.png", sheet(&[[13, 14, 15]]))
        .with_bytes("train_lables.json", "[6,9,9,4]")
        .with_bytes("test_lables.json", "[3]");
    let data = folder.read(ImageOptions::default());
    let classes = data.classes().unwrap();
    let classes: Vec<&str> = (0..5).map(|i| classes.class(i)).collect();
    assert_eq!(classes, ["frog", "truck", "truck", "deer", "cat"]);
    let first: Vec<u8> = bytes(&data).chunks(3072).map(|image| image[0]).collect();
    assert_eq!(first, [1, 4, 7, 10, 13]);

    let short = Folder::new()
        .with("data_batch_2.png", sheet(&[[1, 2, 3]]))
        .with_bytes("train_lables.json", "[6]");
    assert_eq!(
        short.message(),
        "`data_batch_2.png`: labels for 1 images; expected labels for images 2 to 2"
    );
    let narrow = Folder::new().with("test_batch.png", grey(10, 1, 0));
    assert_eq!(
        narrow.message(),
        "`test_batch.png`: an image 10 pixels wide; expected a sheet 1,024 pixels wide with 8 bits a \
         channel, one image a row"
    );
}

#[test]
fn bad_cifar_batches() {
    let short = Folder::new().with_bytes("test_batch.bin", [0; 3072]);
    let (message, hint) = short.error("", &ReadOptions::default());
    assert_eq!(
        message,
        "`test_batch.bin`: 3,072 bytes; expected whole records of 3,073 bytes"
    );
    assert_eq!(
        hint.as_deref(),
        Some("the file was cut short or damaged; copy or download it again")
    );
    let unknown = Folder::new().with_bytes("test_batch.bin", record(10, [0; 3]));
    assert_eq!(
        unknown.message(),
        "`test_batch.bin`: the label 10 in record 1; expected a label from 0 to 9"
    );
    let folder = Folder::new().with_bytes("a.txt", "");
    let options = ReadOptions {
        format: Some(Format::Cifar10),
        ..ReadOptions::default()
    };
    assert_eq!(
        folder.error("", &options).0,
        "CIFAR-10 batches in `.`: none; expected `data_batch_*` or `test_batch`, `.bin` or `.png`"
    );
}
