//! Images of many formats: those that are read, those that are counted, and what `data info` says.

use image::{DynamicImage, ImageBuffer, Luma, Rgba};
use unlike_core::Samples;
use unlike_data::{DataInfo, Format, ImageOptions, ReadOptions, read};

use crate::{
    gzip,
    images::{Folder, bytes, colour, grey, ids, idx, image, images, pixels, skipping},
};

/// Puts a file of the tests' folder of images into a folder.
fn with_file(folder: Folder, name: &str, file: &str) -> Folder {
    folder.with_bytes(name, std::fs::read(image(file)).unwrap())
}

/// The first bytes of an AVIF or HEIC file.
fn boxes(brand: &[u8; 4]) -> Vec<u8> {
    [&[0, 0, 0, 24][..], b"ftyp", brand, &[0; 4], b"mif1miaf"].concat()
}

fn counts(counts: &[unlike_data::info::LevelCount]) -> Vec<(&str, usize)> {
    counts.iter().map(|c| (c.level.as_str(), c.count)).collect()
}

#[test]
fn gif_tga_and_jpeg_2000_are_read() {
    let folder = Folder::new()
        .with("a.gif", DynamicImage::from(grey(8, 8, 100)).to_rgba8())
        .with("b.tga", grey(8, 8, 30));
    let folder = with_file(folder, "c.jp2", "grey.jp2");
    let data = folder.read(ImageOptions::default());
    assert_eq!(ids(&data), ["a.gif", "b.tga", "c.jp2"]);
    // Colour is what an image has, not what its decoder gives.
    assert_eq!(pixels(&data).shape(), [8, 8, 1]);
    let halves = [[0; 4], [200; 4]].concat().repeat(8);
    assert_eq!(bytes(&data), [vec![100; 64], vec![30; 64], halves].concat());
    assert_eq!(data.notes(), [""; 0]);
    let data = read(image("colour.jp2"), &ReadOptions::default()).unwrap();
    assert_eq!(bytes(&data), [200, 100, 0].repeat(64));
    let folder = Folder::new().with(
        "a.gif",
        DynamicImage::from(colour(2, 2, [9, 80, 200])).to_rgba8(),
    );
    assert_eq!(
        bytes(&folder.read(ImageOptions::default()))[..3],
        [9, 80, 200]
    );
}

#[test]
fn images_are_known_by_their_content() {
    let folder = Folder::new()
        .with("a.png", grey(2, 2, 1))
        .with("b.bmp", grey(2, 2, 2));
    std::fs::rename(folder.path("a.png"), folder.path("a.jpg")).unwrap();
    std::fs::copy(folder.path("a.jpg"), folder.path("without")).unwrap();
    let data = folder.read(ImageOptions::default());
    assert_eq!(ids(&data), ["a.jpg", "b.bmp", "without"]);
    let folder = Folder::new().with_bytes("a.pgm.gz", gzip(b"P5 2 1 255\n\x01\x02"));
    assert_eq!(bytes(&folder.read(ImageOptions::default())), [1, 2]);
    // Texts that start like images are none.
    for text in ["BMW,Audi\n1,2\n3,4\n", "P1,P2\n1,2\n3,4\n"] {
        let folder = Folder::new().with_bytes("t.csv", text);
        let data = read(folder.path("t.csv"), &ReadOptions::default()).unwrap();
        assert_eq!((data.format(), data.samples().len()), (Format::Csv, 2));
    }
}

#[test]
fn every_page_and_frame_is_an_image() {
    for name in ["pages.tif", "big_pages.tif"] {
        for memory in [0, 1 << 20] {
            let options = ImageOptions {
                memory,
                ..ImageOptions::default()
            };
            let data = read(image(name), &images(options)).unwrap();
            assert_eq!(ids(&data), [1, 2, 3].map(|page| format!("{name}#{page}")));
            assert_eq!(pixels(&data).shape(), [4, 6, 1]);
            assert_eq!(bytes(&data), [[10; 24], [120; 24], [250; 24]].concat());
        }
    }
    for name in ["frames.webp", "frames.png"] {
        for memory in [0, 1 << 20] {
            let options = ImageOptions {
                memory,
                ..ImageOptions::default()
            };
            let data = read(image(name), &images(options)).unwrap();
            let frames = [[10, 0, 0], [0, 120, 0], [0, 0, 250]].map(|p: [u8; 3]| p.repeat(24));
            // Frames are laid over each other, and that rounds.
            let mut pairs = bytes(&data).into_iter().zip(frames.concat());
            assert!(pairs.all(|(a, b)| a.abs_diff(b) < 2), "{name}");
        }
    }
    let folder = with_file(
        Folder::new().with("a.png", grey(6, 4, 0)),
        "s.tif",
        "pages.tif",
    );
    let data = folder.read(ImageOptions::default());
    assert_eq!(ids(&data), ["a.png", "s.tif#1", "s.tif#2", "s.tif#3"]);
    assert_eq!(
        data.notes(),
        ["1 file with several pages or frames, each of which is an image, 3 in all: `s.tif` (3)"]
    );
}

#[test]
fn pages_that_cannot_be_read_are_told_and_previews_are_none() {
    let whole = std::fs::read(image("pages.tif")).unwrap();
    let link = |bytes: &[u8]| {
        let at = u32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize;
        let entries = usize::from(u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap()));
        at + 2 + 12 * entries
    };
    // In a circle, and beyond the end.
    for next in [8_u32, 1 << 30] {
        let mut bytes = whole.clone();
        let at = link(&bytes);
        bytes[at..at + 4].copy_from_slice(&next.to_le_bytes());
        let message = Folder::new().with_bytes("a.tif", bytes).message();
        assert!(
            message.starts_with("`a.tif`: an image that cannot be decoded"),
            "{message}"
        );
    }
    let frames = std::fs::read(image("frames.webp")).unwrap();
    let message = Folder::new()
        .with_bytes("a.webp", &frames[..frames.len() - 9])
        .message();
    assert!(message.starts_with("`a.webp`: "), "{message}");
    // A preview is no page.
    let mut bytes = whole;
    let at = u32::from_le_bytes(bytes[link(&bytes)..][..4].try_into().unwrap()) as usize;
    let entry = at + 2;
    let entries = [
        &254_u16.to_le_bytes()[..],
        &4_u16.to_le_bytes(),
        &[1, 0, 0, 0, 1, 0, 0, 0],
    ];
    bytes[entry..entry + 12].copy_from_slice(&entries.concat());
    let data = Folder::new()
        .with_bytes("a.tif", bytes)
        .read(ImageOptions::default());
    assert_eq!(ids(&data), ["a.tif#1", "a.tif#2"]);
}

#[test]
fn images_of_other_formats_are_named_and_counted() {
    let folder = || {
        Folder::new()
            .with("a.png", grey(2, 2, 1))
            .with_bytes("b.avif", boxes(b"avif"))
            .with_bytes("c/d.HEIC", boxes(b"heic"))
            .with_bytes("photo.dng", b"II\x2a\0\x08\0\0\0")
            .with_bytes("notes.txt", "no image")
    };
    let data = folder().read(ImageOptions::default());
    let unread: Vec<(&str, &str)> = data
        .unread()
        .iter()
        .map(|u| (u.id.as_str(), u.reason.as_str()))
        .collect();
    assert_eq!(
        unread,
        [
            ("b.avif", "the format AVIF"),
            ("c/d.HEIC", "the format HEIC"),
            ("photo.dng", "the format camera raw")
        ]
    );
    assert_eq!(
        data.notes(),
        [
            "3 images left out, because their formats are not read: `b.avif` (AVIF), `c/d.HEIC` \
          (HEIC), `photo.dng` (camera raw)"
        ]
    );
    // What is damaged and left out is unread, too.
    let data = folder().with_bytes("m.jpg", "no JPEG").read(skipping());
    assert_eq!(data.unread().len(), 4);
    // So is what is whole, but of a kind that is not read: a TIFF file whose pixels are places in a
    // palette.
    let mut palette = std::fs::read(image("pages.tif")).unwrap();
    let at = palette
        .windows(2)
        .position(|tag| tag == 262_u16.to_le_bytes())
        .unwrap();
    palette[at + 8] = 3;
    let data = folder()
        .with_bytes("p.tif", palette)
        .read(ImageOptions::default());
    assert_eq!(
        (ids(&data), data.unread().len()),
        (vec!["a.png".to_owned()], 4)
    );
    let reason = &data.unread()[3].reason;
    assert!(
        reason.starts_with("an image of an unsupported kind"),
        "{reason}"
    );
    // Alone, it is an error with a way out.
    let (message, hint) = folder().error("b.avif", &ReadOptions::default());
    assert!(
        message.contains("an image of the format AVIF; expected JPEG, PNG"),
        "{message}"
    );
    assert_eq!(
        hint.as_deref(),
        Some("save it as PNG or TIFF, which lose nothing")
    );
}

#[test]
fn info_describes_folders_whatever_is_in_them() {
    let deep = ImageBuffer::<Luma<u16>, _>::from_raw(2, 1, vec![0_u16, 32_896]).unwrap();
    let clear = ImageBuffer::<Rgba<u8>, _>::from_raw(1, 1, vec![200, 100, 50, 51]).unwrap();
    let folder = Folder::new()
        .with("good/a.png", grey(9, 7, 1))
        .with("good/b.jpg", colour(5, 5, [9, 80, 200]))
        .with("good/c.png", DynamicImage::ImageLuma16(deep))
        .with("bad/d.png", clear)
        .with_bytes("bad/e.jpg", "no JPEG")
        .with_bytes("bad/f.avif", boxes(b"avif"))
        .with_bytes("notes.txt", "no image")
        .with_bytes("LICENSE", "no image");
    let folder = with_file(folder, "bad/p.png", "palette.png");
    let info = DataInfo::of_path(folder.0.path(), &ReadOptions::default()).unwrap();
    assert_eq!((info.problem, info.rows, info.normal), (None, 5, Some(3)));
    let files = info.files.unwrap();
    assert_eq!(files.images, 5);
    assert_eq!(counts(&files.formats), [("PNG", 4), ("JPEG", 1)]);
    assert_eq!(
        counts(&files.modes),
        [
            ("colour", 1),
            ("colour, transparency", 1),
            ("grey", 1),
            ("grey, more than 8 bits", 1),
            ("palette", 1)
        ]
    );
    assert!(counts(&files.sizes).contains(&("9 × 7", 1)) && files.sizes.len() == 5);
    assert_eq!(files.unread.len(), 2);
    assert_eq!(counts(&files.other_files), [("", 1), ("txt", 1)]);
}

#[test]
fn info_refuses_nothing_that_is_there() {
    let problem = |folder: &Folder, name: &str| {
        let path = match name {
            "" => folder.0.path().to_owned(),
            name => folder.path(name),
        };
        let info = DataInfo::of_path(path, &ReadOptions::default()).unwrap();
        assert_eq!((info.format, info.rows), (None, 0));
        (info.problem.unwrap().message, info.files)
    };
    let empty = Folder::new();
    let (message, files) = problem(&empty, "");
    assert!(message.contains("none; expected at least 1"), "{message}");
    assert_eq!(files.unwrap().images, 0);
    let texts = Folder::new()
        .with_bytes("a.txt", "x")
        .with_bytes("b.avif", boxes(b"avif"));
    let (_, files) = problem(&texts, "");
    assert_eq!(counts(&files.unwrap().other_files), [("txt", 1)]);
    for (name, bytes) in [
        ("a.parquet", &b"PAR1\0\0"[..]),
        ("b.bin", &[0, 1, 2, 3, 0, 9][..]),
        ("c.csv", &b""[..]),
        ("d.heic", &boxes(b"heic")[..]),
    ] {
        let folder = Folder::new().with_bytes(name, bytes);
        problem(&folder, name);
    }
    let missing = DataInfo::of_path(empty.path("nowhere"), &ReadOptions::default());
    assert!(missing.is_err());
}

#[test]
fn info_counts_doubled_images_across_parts_and_labels() {
    let folder = Folder::new()
        .with("train/good/1.png", grey(4, 4, 1))
        .with("train/good/2.png", grey(4, 4, 2))
        .with("test/good/1.bmp", grey(4, 4, 1))
        .with("test/hole/1.png", grey(4, 4, 2))
        .with("test/hole/2.png", grey(4, 4, 7));
    let info = DataInfo::of_path(folder.0.path(), &ReadOptions::default()).unwrap();
    assert_eq!(counts(&info.parts), [("train", 2), ("test", 3)]);
    let twice = info.duplicates.unwrap();
    assert_eq!(
        (twice.images, twice.across_parts, twice.across_labels),
        (2, 2, 1)
    );
    assert_eq!(twice.examples[0], ["train/good/1.png", "test/good/1.bmp"]);
    // Digits, too, whatever file they are in.
    let digits = Folder::new()
        .with_bytes("train-images-idx3-ubyte", idx(&[2, 1, 2], &[1, 2, 3, 4]))
        .with_bytes("t10k-images-idx3-ubyte", idx(&[2, 1, 2], &[5, 6, 1, 2]));
    let info = DataInfo::of_path(digits.0.path(), &ReadOptions::default()).unwrap();
    let twice = info.duplicates.unwrap();
    assert_eq!((twice.images, twice.across_parts), (1, 1));
}

#[test]
fn digits_that_lie_there_twice_are_read_once() {
    let pixels = idx(&[2, 1, 2], &[1, 2, 3, 4]);
    let labels = idx(&[2], &[7, 2]);
    let plain = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"];
    let dotted = ["train-images.idx3-ubyte", "train-labels.idx1-ubyte"];
    let spellings = [
        ([plain, plain], [false, true]),
        ([plain, dotted], [false, false]),
        ([dotted, plain], [true, false]),
    ];
    for (names, packed) in spellings {
        let mut folder = Folder::new();
        for ([images, marks], packed) in names.into_iter().zip(packed) {
            let ending = if packed { ".gz" } else { "" };
            let pack = |bytes: &[u8]| match packed {
                true => gzip(bytes),
                false => bytes.to_vec(),
            };
            folder = folder
                .with_bytes(&format!("{images}{ending}"), pack(&pixels))
                .with_bytes(&format!("{marks}{ending}"), pack(&labels));
        }
        let data = folder.read(ImageOptions::default());
        assert_eq!(data.samples().len(), 2, "{names:?}");
        assert_eq!(data.classes().unwrap().levels(), ["2", "7"]);
        assert!(data.notes()[0].contains("the same images under another name"));
    }
    // The folder that a library lays out around it.
    let folder = Folder::new().with_bytes("raw/train-images-idx3-ubyte", &pixels);
    assert_eq!(folder.read(ImageOptions::default()).samples().len(), 2);
    // A copy under any name.
    let folder = Folder::new()
        .with_bytes("train-images-idx3-ubyte", &pixels)
        .with_bytes("train-images-idx3-ubyte (1)", &pixels);
    assert_eq!(folder.read(ImageOptions::default()).samples().len(), 2);
    // The training part stays beside the test part.
    let folder = Folder::new()
        .with_bytes("train-images-idx3-ubyte", &pixels)
        .with_bytes("t10k-images-idx3-ubyte.gz", gzip(&idx(&[1, 1, 2], &[8, 9])));
    assert_eq!(folder.read(ImageOptions::default()).parts().len(), 2);
}

#[test]
fn images_that_are_all_alike_are_told() {
    let note = "all 3 images are alike, pixel for pixel";
    let black = ["a.png", "b.png", "c.png"];
    let folder = black
        .iter()
        .fold(Folder::new(), |f, name| f.with(name, grey(4, 4, 0)));
    for memory in [0, 1 << 20] {
        let options = ImageOptions {
            memory,
            ..ImageOptions::default()
        };
        assert!(folder.read(options).notes().iter().any(|n| **n == *note));
    }
    let digits = Folder::new().with_bytes("train-images-idx3-ubyte", idx(&[3, 1, 2], &[5; 6]));
    let data = digits.read(ImageOptions::default());
    assert!(
        data.notes().iter().any(|n| **n == *note),
        "{:?}",
        data.notes()
    );
    assert!(matches!(data.samples(), Samples::Images(_)));
    let lit = folder
        .with("d.png", grey(4, 4, 1))
        .read(ImageOptions::default());
    assert_eq!(lit.notes(), [""; 0]);
}
