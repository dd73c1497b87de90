//! Where images lie, and what that says of them: parts, classes, masks, and what is no data.

use image::{DynamicImage, GrayImage, ImageBuffer, Luma, LumaA, Rgb, RgbImage};
use unlike_core::{
    Label::{Anomalous, Normal},
    Samples,
};
use unlike_data::{DataSet, ImageOptions, ReadOptions, read, split::official};

use crate::images::{Folder, grey, ids, image, images, skipping};

/// A mask of 4 × 4 that marks this many pixels from the start, with this value.
fn mask(marked: u32, value: u8) -> GrayImage {
    GrayImage::from_fn(4, 4, |x, y| {
        Luma([if y * 4 + x < marked { value } else { 0 }])
    })
}

/// How many pixels each image's mask marks.
fn marked(data: &DataSet) -> Vec<Option<usize>> {
    let masks = data.masks().expect("masks");
    let count = |at| {
        masks
            .mask(at)
            .map(|mask| mask.iter().filter(|m| **m).count())
    };
    (0..masks.len()).map(count).collect()
}

fn at(folder: &Folder, name: &str) -> DataSet {
    read(folder.path(name), &ReadOptions::default()).unwrap()
}

fn labels(data: &DataSet) -> Vec<unlike_core::Label> {
    data.labels().expect("labels").values().to_vec()
}

/// `train/good`, `test/good`, `test/hole`, `ground_truth/hole`.
fn inspected() -> Folder {
    Folder::new()
        .with("part/train/good/000.png", grey(4, 4, 1))
        .with("part/train/good/001.png", grey(4, 4, 2))
        .with("part/test/good/000.png", grey(4, 4, 3))
        .with("part/test/hole/000.png", grey(4, 4, 4))
        .with("part/test/hole/001.png", grey(4, 4, 5))
        .with("part/ground_truth/hole/000_mask.png", mask(3, 255))
        .with("part/ground_truth/hole/001_mask.png", mask(5, 1))
}

#[test]
fn a_set_with_training_test_and_ground_truth_is_read_from_its_root() {
    let folder = inspected();
    let data = at(&folder, "part");
    assert_eq!(
        ids(&data),
        [
            "train/good/000.png",
            "train/good/001.png",
            "test/good/000.png",
            "test/hole/000.png",
            "test/hole/001.png"
        ]
    );
    assert_eq!(
        labels(&data),
        [Normal, Normal, Normal, Anomalous, Anomalous]
    );
    assert_eq!(marked(&data), [None, None, None, Some(3), Some(5)]);
    assert_eq!(
        data.parts(),
        [("train".to_owned(), 0..2), ("test".to_owned(), 2..5)]
    );
    assert_eq!(data.folder_parts(), Some([vec![0, 1], vec![2, 3, 4]]));
    assert_eq!(official(&data).unwrap().test(), [2, 3, 4]);
    assert_eq!(data.notes(), [""; 0]);
    // All of several such sets.
    let data = read(folder.0.path(), &ReadOptions::default()).unwrap();
    assert_eq!(
        labels(&data),
        [Normal, Normal, Normal, Anomalous, Anomalous]
    );
    assert_eq!(marked(&data), [None, None, None, Some(3), Some(5)]);
}

#[test]
fn any_part_of_such_a_set_is_read_alone() {
    let folder = inspected();
    let data = at(&folder, "part/train");
    assert_eq!((labels(&data), data.masks()), (vec![Normal; 2], None));
    let data = at(&folder, "part/train/good");
    assert!(data.labels().is_none() && data.masks().is_none());
    let data = at(&folder, "part/test");
    assert_eq!(labels(&data), [Normal, Anomalous, Anomalous]);
    assert_eq!(marked(&data), [None, Some(3), Some(5)]);
    assert_eq!(marked(&at(&folder, "part/test/hole")), [Some(3), Some(5)]);
    // The masks themselves are images to whoever names them.
    assert_eq!(at(&folder, "part/ground_truth/hole").samples().len(), 2);
}

#[test]
fn masks_without_an_image_are_told() {
    let folder = inspected().with("part/ground_truth/hole/007_mask.png", mask(1, 1));
    assert_eq!(
        at(&folder, "part").notes(),
        ["1 mask without an image left out: `ground_truth/hole/007_mask.png`"]
    );
}

#[test]
fn masks_in_folders_of_many_names_find_their_images() {
    let four = |images: [&str; 2], masks: &[&str]| {
        let folder = Folder::new()
            .with(images[0], grey(4, 4, 1))
            .with(images[1], grey(4, 4, 2));
        masks
            .iter()
            .fold(folder, |folder, name| folder.with(name, mask(2, 1)))
    };
    for (images, masks) in [
        (
            ["Data/Images/Anomaly/000.JPG", "Data/Images/Normal/000.JPG"],
            &["Data/Masks/Anomaly/000.png"][..],
        ),
        (["images/bad/1.png", "images/good/1.png"], &["masks/1.png"]),
        (
            ["test/bad/1.png", "test/good/1.png"],
            &["test/masks/bad/mask_1.png"],
        ),
        (["bad/1.png", "good/1.png"], &["GT/bad/1.bmp"]),
        // Several masks of one image, in a folder of its own.
        (
            ["test/logical/1.png", "test/ok/1.png"],
            &[
                "ground_truth/logical/1/000.png",
                "ground_truth/logical/1/001.png",
            ],
        ),
        (
            ["bad/Part0.jpg", "good/Part1.jpg"],
            &["bad/Part0_label.bmp"],
        ),
        (["bad/7.png", "good/7.png"], &["bad/7_GT.png"]),
    ] {
        let data = four(images, masks).read(ImageOptions::default());
        assert_eq!(labels(&data), [Anomalous, Normal], "{images:?}");
        assert_eq!(marked(&data), [Some(2), None], "{images:?}");
    }
}

#[test]
fn a_class_that_is_called_mask_is_one() {
    let folder = Folder::new()
        .with("mask/1.jpg", grey(4, 4, 1))
        .with("no_mask/1.jpg", grey(4, 4, 2));
    let data = folder.read(ImageOptions::default());
    assert_eq!(data.classes().unwrap().levels(), ["mask", "no_mask"]);
    assert!(data.masks().is_none());
}

#[test]
fn whatever_is_not_zero_in_a_mask_is_marked() {
    let of = |mask: DynamicImage| {
        let folder = Folder::new()
            .with("a.bmp", grey(4, 4, 9))
            .with("a.png", mask);
        marked(&folder.read(ImageOptions::default()))[0]
    };
    for value in [1, 2, 90, 255] {
        assert_eq!(of(mask(5, value).into()), Some(5), "{value}");
    }
    let deep = ImageBuffer::from_fn(4, 4, |x, _| Luma([u16::from(x == 1)]));
    assert_eq!(of(DynamicImage::ImageLuma16(deep)), Some(4));
    let blue = RgbImage::from_fn(4, 4, |_, y| Rgb([0, 0, u8::from(y == 0)]));
    assert_eq!(of(blue.into()), Some(4));
    // Black on nothing, white on black, and no mark at all.
    let alpha =
        |pixel: fn(u32) -> [u8; 2]| of(ImageBuffer::from_fn(4, 4, |x, _| LumaA(pixel(x))).into());
    assert_eq!(alpha(|x| [0, if x == 0 { 255 } else { 0 }]), Some(4));
    assert_eq!(alpha(|x| [if x < 2 { 255 } else { 0 }, 255]), Some(8));
    assert_eq!(alpha(|_| [0, 255]), Some(0));
}

#[test]
fn palettes_and_jpeg_mark_what_they_mean() {
    for file in ["mask_palette.png", "mask_palette_dark.png"] {
        let folder = Folder::new()
            .with("a.bmp", grey(3, 2, 9))
            .with_bytes("a.png", std::fs::read(image(file)).unwrap());
        let data = folder.read(ImageOptions::default());
        let (o, x) = (false, true);
        assert_eq!(
            data.masks().unwrap().mask(0).unwrap(),
            [o, o, x, o, x, x],
            "{file}"
        );
    }
    // What the palette begins with is the ground, unless it is a picture of black and white: quantised
    // ones begin with white.
    let (white, black) = ([255; 3], [0; 3]);
    for (palette, marked_first) in [
        ([white, black], false),
        ([white, black], true),
        ([black, white], false),
        ([[9; 3], [1, 0, 0]], false),
        ([black, [0, 0, 1]], false),
    ] {
        let mark = |x: usize, y: usize| x == 3 && y < 4;
        let folder = Folder::new().with("a.png", grey(8, 8, 9)).with_bytes(
            "a_mask.bmp",
            two_colours(palette, |x, y| mark(x, y) == marked_first),
        );
        let data = folder.read(ImageOptions::default());
        assert_eq!(marked(&data), [Some(4)], "{palette:?} {marked_first}");
    }
    // The noise of JPEG around a mark is none.
    for value in [255, 40] {
        let square = GrayImage::from_fn(32, 32, |x, y| {
            Luma([if (9..19).contains(&x) && (9..19).contains(&y) {
                value
            } else {
                0
            }])
        });
        let folder = Folder::new()
            .with("a.png", grey(32, 32, 9))
            .with("a_mask.jpg", square);
        let found = marked(&folder.read(ImageOptions::default()))[0].unwrap();
        assert!((90..=110).contains(&found), "{value}: {found}");
    }
}

/// A BMP file of 8 × 8 with a palette; where it says so, pixels are the first colour.
fn two_colours(palette: [[u8; 3]; 2], first: impl Fn(usize, usize) -> bool) -> Vec<u8> {
    let mut bytes = b"BM".to_vec();
    bytes.extend([126_u32, 0, 62, 40, 8, 8].map(u32::to_le_bytes).concat());
    bytes.extend([1_u16, 8].map(u16::to_le_bytes).concat());
    bytes.extend([0_u32, 64, 0, 0, 2, 0].map(u32::to_le_bytes).concat());
    bytes.extend(palette.iter().flat_map(|[r, g, b]| [*b, *g, *r, 0]));
    // Rows from the bottom.
    let places = (0..8).rev().flat_map(|y| (0..8).map(move |x| (x, y)));
    bytes.extend(places.map(|(x, y)| u8::from(!first(x, y))));
    bytes
}

#[test]
fn pages_have_their_masks_on_pages() {
    let pages = std::fs::read(image("pages.tif")).unwrap();
    let folder = Folder::new()
        .with_bytes("a.tif", &pages)
        .with_bytes("a_mask.tif", &pages);
    assert_eq!(marked(&folder.read(ImageOptions::default())), [Some(24); 3]);
    let folder = Folder::new()
        .with_bytes("a.tif", &pages)
        .with("a_mask.png", grey(6, 4, 1));
    assert_eq!(
        folder.message(),
        "`a_mask.png`: a mask of 1 page; expected 3, as its image has"
    );
}

#[test]
fn folders_say_what_is_normal() {
    let read = |names: &[&str]| {
        let image = |at: usize| grey(4, 4, at as u8);
        let folders = names.iter().enumerate();
        let folder = folders.fold(Folder::new(), |f, (at, name)| f.with(name, image(at)));
        folder.read(ImageOptions::default())
    };
    let data = read(&[
        "train/0.normal/a.png",
        "test/0.normal/a.png",
        "test/1.abnormal/a.png",
    ]);
    assert_eq!(labels(&data), [Normal, Normal, Anomalous]);
    assert_eq!(data.folder_parts(), Some([vec![0], vec![1, 2]]));
    for (good, bad) in [("OK", "NG"), ("Normal", "Pneumonia"), ("ok", "scratch")] {
        let data = read(&[&format!("{bad}/a.png"), &format!("{good}/a.png")]);
        let expected = match bad < good {
            true => [Anomalous, Normal],
            false => [Normal, Anomalous],
        };
        assert_eq!(labels(&data), expected, "{good}");
    }
    // A train among vehicles is no part, and nothing says that it is normal.
    let data = read(&["bus/a.png", "car/a.png", "train/a.png"]);
    assert_eq!(data.classes().unwrap().levels(), ["bus", "car", "train"]);
    assert!(data.labels().is_none() && data.parts().is_empty());
    // Below folders that say nothing.
    let data = read(&["x/y/bad/a.png", "x/y/good/a.png"]);
    assert_eq!(labels(&data), [Anomalous, Normal]);
    assert_eq!(data.folder_parts(), None);
}

#[test]
fn four_plain_folders_are_parts_and_classes() {
    let folder = ["train", "val_normal", "test_normal", "test_anomalous"]
        .iter()
        .zip(0..)
        .fold(Folder::new(), |folder, (name, value)| {
            folder.with(&format!("{name}/1.png"), grey(4, 4, value))
        });
    let data = folder.read(ImageOptions::default());
    assert_eq!(
        ids(&data),
        [
            "train/1.png",
            "val_normal/1.png",
            "test_anomalous/1.png",
            "test_normal/1.png"
        ]
    );
    assert_eq!(labels(&data), [Normal, Normal, Anomalous, Normal]);
    assert_eq!(data.folder_parts(), Some([vec![0, 1], vec![2, 3]]));
    // And these, of which the second is tested on without saying so.
    let folder = ["normal", "abnormal", "normal_test"]
        .iter()
        .zip(0..)
        .fold(Folder::new(), |folder, (name, value)| {
            folder.with(&format!("{name}/1.png"), grey(4, 4, value))
        })
        .with("mask/abnormal/1.png", mask(2, 1));
    let data = folder.read(ImageOptions::default());
    assert_eq!(
        ids(&data),
        ["abnormal/1.png", "normal/1.png", "normal_test/1.png"]
    );
    assert_eq!(data.folder_parts(), Some([vec![1], vec![0, 2]]));
    assert_eq!(marked(&data), [Some(2), None, None]);
    // Without classes there is nothing to measure, but a part to train on.
    let folder = Folder::new()
        .with("train/1.png", grey(4, 4, 1))
        .with("test/1.png", grey(4, 4, 2));
    let data = folder.read(ImageOptions::default());
    assert!(data.classes().is_none());
    assert_eq!(data.folder_parts(), Some([vec![0], vec![1]]));
}

/// A PNG file as the program draws it.
fn drawn() -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    DynamicImage::from(grey(9, 9, 3))
        .write_to(&mut bytes, image::ImageFormat::Png)
        .unwrap();
    let bytes = bytes.into_inner();
    // After the header, a text chunk; its checksum is not looked at.
    let text = [&14_u32.to_be_bytes()[..], b"tEXtSoftware\0unlike", &[0; 4]].concat();
    [&bytes[..33], &text[..], &bytes[33..]].concat()
}

#[test]
fn what_the_program_wrote_is_no_data() {
    let folder = Folder::new()
        .with("good/1.png", grey(4, 4, 1))
        .with("bad/1.png", grey(4, 4, 2))
        // Its pictures, wherever they lie.
        .with_bytes("why/overlays/001-1.png", drawn())
        .with_bytes("good/copied.png", drawn())
        // A training's folder, with pictures of a version that did not sign them.
        .with("run/samples/model.png", grey(9, 9, 3))
        .with_bytes(
            "run/model.safetensors",
            b"\x50\0\0\0\0\0\0\0{\"__metadata__\":{\"format\":\"1\",\"kind\":\"unlike-model\"",
        )
        // An explanation's folder likewise.
        .with("old/most-anomalous.png", grey(9, 9, 3))
        .with("old/overlays/001-1.png", grey(9, 9, 3))
        .with_bytes("old/maps.npy", b"\x93NUMPY");
    let data = folder.read(ImageOptions::default());
    assert_eq!(ids(&data), ["bad/1.png", "good/1.png"]);
    assert_eq!(data.classes().unwrap().levels(), ["bad", "good"]);
    let note = &data.notes()[0];
    assert!(
        note.starts_with("what unlike wrote itself is no data: "),
        "{note}"
    );
    for name in ["old", "run", "good/copied.png", "why/overlays/001-1.png"] {
        assert!(note.contains(&format!("/{name}`")), "{note}");
    }
    // Another program's model is no sign of ours.
    let other = Folder::new().with("run/1.png", grey(4, 4, 1)).with_bytes(
        "run/model.safetensors",
        b"\x10\0\0\0\0\0\0\0{\"weight\":{}}",
    );
    assert_eq!(other.read(ImageOptions::default()).samples().len(), 1);
}

/// Three images of good parts and one with a mask, for lists.
fn listed(text: &str, name: &str) -> Folder {
    Folder::new()
        .with("img/1.png", grey(4, 4, 1))
        .with("img/2.png", grey(4, 4, 2))
        .with("img/3.png", grey(4, 4, 3))
        .with("img/4.png", grey(4, 4, 4))
        .with("gt/4.png", mask(6, 1))
        .with_bytes(name, text)
}

#[test]
fn a_list_of_images_says_what_they_are() {
    let text = "path,label,split,mask\n\
                img/4.png,hole,test,gt/4.png\n\
                img/1.png,good,train,\n\
                img/3.png,good,test,\n\
                img/2.png,good,train,\n";
    let data = at(&listed(text, "list.csv"), "list.csv");
    assert_eq!(
        ids(&data),
        ["img/1.png", "img/2.png", "img/4.png", "img/3.png"]
    );
    assert_eq!(labels(&data), [Normal, Normal, Anomalous, Normal]);
    assert_eq!(marked(&data), [None, None, Some(6), None]);
    assert_eq!(data.folder_parts(), Some([vec![0, 1], vec![2, 3]]));
    assert_eq!(data.classes().unwrap().name(), "label");
    // Other names, numbers for classes, another delimiter, and paths from the folder above.
    let text = "object\timage\tlabel_index\nx\timg\\1.png\t0\nx\timg/4.png\t1\n";
    let data = at(&listed(text, "lists/a.tsv"), "lists/a.tsv");
    assert_eq!(
        (labels(&data), ids(&data).len()),
        (vec![Normal, Anomalous], 2)
    );
    // Paths alone.
    let data = at(
        &listed("file\nimg/2.png\nimg/1.png\nimg/2.png\n", "l.csv"),
        "l.csv",
    );
    assert_eq!(ids(&data), ["img/2.png", "img/1.png"]);
    assert_eq!(
        data.notes(),
        ["1 image listed more than once, and read once: `img/2.png`"]
    );
}

#[test]
fn what_is_wrong_in_a_list_is_told_by_row_and_column() {
    let text = "path,label\nimg/1.png,good\n\nimg/9.png,bad\n";
    let folder = listed(text, "list.csv");
    let (message, hint) = folder.error("list.csv", &ReadOptions::default());
    assert_eq!(
        message,
        "`list.csv`, row 4, column `path`: `img/9.png`, which is not there; expected the path of a \
         file, from the folder of this list"
    );
    assert!(hint.unwrap().ends_with("`skip-unreadable`"));
    let data = read(folder.path("list.csv"), &images(skipping())).unwrap();
    assert_eq!((ids(&data).len(), data.unread().len()), (1, 1));

    // A row without a path names no image, unless it says nothing at all.
    let text = "path,label\nimg/1.png,good\n,\n,bad\n";
    let folder = listed(text, "list.csv");
    let (message, _) = folder.error("list.csv", &ReadOptions::default());
    assert_eq!(
        message,
        "`list.csv`, row 4, column `path`: an empty cell; expected the path of an image"
    );
    let data = read(folder.path("list.csv"), &images(skipping())).unwrap();
    assert_eq!((ids(&data).len(), data.unread().len()), (1, 1));

    let folder = listed("path,label\nimg/1.png,good\nimg/2.png,\n", "list.csv");
    let (message, _) = folder.error("list.csv", &ReadOptions::default());
    assert_eq!(
        message,
        "`list.csv`, row 3, column `label`: an empty cell; expected a class for each image"
    );
    let options = ReadOptions {
        label_column: Some("labels".into()),
        ..ReadOptions::default()
    };
    let (message, hint) = folder.error("list.csv", &options);
    assert_eq!(
        message,
        "`label-column` is `labels`; expected one of the columns `path`, `label`"
    );
    assert_eq!(hint.as_deref(), Some("did you mean `label`?"));
}

#[test]
fn a_table_that_names_images_is_a_table() {
    let text = "filename,area,round,sharp,dark,label\nimg/1.png,1,2,3,4,0\nimg/2.png,5,6,7,8,1\n";
    let data = at(&listed(text, "t.csv"), "t.csv");
    assert_eq!(data.format(), unlike_data::Format::Csv);
    let text = "path,value\nhome,1\nwork,2\n";
    let data = at(&listed(text, "t.csv"), "t.csv");
    assert_eq!(data.format(), unlike_data::Format::Csv);
}

#[test]
fn files_that_are_named_are_read_in_that_order_and_as_often() {
    let folder = Folder::new()
        .with("a.png", grey(4, 4, 1))
        .with("b.png", grey(4, 4, 2));
    let [a, b] = ["a.png", "b.png"].map(|name| folder.path(name));
    let named = [b.clone(), a.clone(), a.clone(), b.clone()];
    let data = unlike_data::read_images("X", &named, &ReadOptions::default()).unwrap();
    assert_eq!(ids(&data), named.map(|path| path.display().to_string()));
    let Samples::Images(read) = data.samples() else {
        panic!("images");
    };
    let pixels = [0, 1, 2, 3].map(|at| read.image(at).unwrap());
    assert!(pixels[0] == pixels[3] && pixels[1] == pixels[2] && pixels[0] != pixels[1]);
    assert_eq!(read.origin(), "X");

    let none = unlike_data::read_images("X", &[], &ReadOptions::default()).unwrap_err();
    assert!(none.to_string().contains("images in `X`: none"), "{none}");
    let gone = unlike_data::read_images("X", &[folder.path("c.png")], &ReadOptions::default());
    assert!(gone.unwrap_err().to_string().contains("c.png"));
    let labels = ReadOptions {
        label_column: Some("class".into()),
        ..ReadOptions::default()
    };
    assert!(unlike_data::read_images("X", &[a], &labels).is_err());
}
