//! Whatever the bytes, readers answer; they never panic.

use proptest::prelude::*;
use unlike_data::{
    Chunks, DataInfo, DataSet, Format, Preprocessing, PreprocessingConfig, ReadOptions,
};

use crate::{File, gzip, table};

/// Reads as every format and, if that works, goes on to the end of the line.
fn read_every_way(bytes: &[u8]) {
    let file = File::new("t", bytes);
    for format in Format::ALL.map(Some).into_iter().chain([None]) {
        for has_header in [None, Some(true), Some(false)] {
            let options = ReadOptions {
                format,
                has_header,
                ..ReadOptions::default()
            };
            let Ok(data) = file.read(&options) else {
                continue;
            };
            let info = DataInfo::new(&data);
            assert_eq!(info.rows, data.samples().len());
            serde_json::to_string(&info).unwrap();
            let config = PreprocessingConfig::default();
            let fitted = Preprocessing::fit(data.samples(), &config).unwrap();
            let features = fitted.transform(data.samples()).unwrap().features;
            assert!(features.values().iter().all(|v| v.is_finite()));
        }
    }
}

/// Reads a comma-separated text at once and in parts, as a model that was trained on it would; both say the
/// same, but that a part does not know of commas that come later.
fn read_in_parts(bytes: &[u8], has_header: bool) {
    let file = File::new("t", bytes);
    let options = ReadOptions {
        format: Some(Format::Csv),
        delimiter: Some(b','),
        has_header: Some(has_header),
        ..ReadOptions::default()
    };
    let Ok(data) = file.read(&options) else {
        return;
    };
    let config = PreprocessingConfig {
        reading: data.reading().clone(),
        ..PreprocessingConfig::default()
    };
    let fitted = Preprocessing::fit(data.samples(), &config).unwrap();
    let options = fitted.read_options(options);
    let whole = file.read(&options).unwrap();
    for (rows, block) in [(1, 7), (3, 16)] {
        let mut chunks = Chunks::open(&[file.path()], &options)
            .unwrap()
            .of(rows, block);
        let mut cells = Vec::new();
        loop {
            match chunks.next() {
                Ok(Some(chunk)) => cells.extend(rows_of(&chunk.data, &options)),
                Ok(None) => {
                    assert_eq!(
                        cells,
                        rows_of(&whole, &options),
                        "{:?}",
                        bytes.escape_ascii()
                    );
                    break;
                }
                Err(error) => {
                    let text = error.to_string();
                    let text = format!("{text}, {}", bytes.escape_ascii());
                    assert!(text.contains("written as those before it"), "{text}");
                    break;
                }
            }
        }
    }
}

fn rows_of(data: &DataSet, options: &ReadOptions) -> Vec<Vec<String>> {
    let table = table(data);
    let columns = options.expect.iter().flatten();
    let columns: Vec<_> = columns.filter_map(|c| table.column(&c.name)).collect();
    let row = |row: usize| columns.iter().map(|c| c.values.text(row)).collect();
    (0..table.rows()).map(row).collect()
}

fn table_like() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "1", "2.5", "-3e9", "a", "é", ",", ",", ",", ";", "\t", "|", "\n", "\n", "\r\n", "\r",
        "\"", " ", "NA", "nan", "1e999", "\u{feff}", "tcp", "X", "y", "\0",
    ]);
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat().into_bytes())
}

/// An array header whose parts are right or nearly so.
fn array_like() -> impl Strategy<Value = Vec<u8>> {
    let descr = prop::sample::select(vec![
        "'<f8'",
        "'|u1'",
        "'>i4'",
        "'|O'",
        "[('a','<f8')]",
        "'é'",
        "''",
    ]);
    let order = prop::sample::select(vec!["True", "False", "None"]);
    let shape = prop::sample::select(vec![
        "(2, 2)",
        "(1, 1)",
        "(0, 1)",
        "(4,)",
        "()",
        "(2, 2",
        "(-1, 2)",
        "(18446744073709551615, 18446744073709551615)",
    ]);
    let data = prop::collection::vec(any::<u8>(), 0..64);
    (descr, order, shape, data, -3_i32..4).prop_map(|(descr, order, shape, data, off)| {
        let header =
            format!("{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n");
        let length = (header.len() as i32 + off) as u16;
        [
            b"\x93NUMPY\x01\x00",
            &length.to_le_bytes()[..],
            header.as_bytes(),
            &data,
        ]
        .concat()
    })
}

/// A small image in each format that can be written here.
fn images() -> Vec<Vec<u8>> {
    use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
    let image = RgbImage::from_fn(24, 17, |x, y| {
        Rgb([x as u8 * 9, y as u8 * 13, (x * y) as u8])
    });
    let formats = [
        ImageFormat::Bmp,
        ImageFormat::Jpeg,
        ImageFormat::Png,
        ImageFormat::Pnm,
        ImageFormat::Tiff,
        ImageFormat::WebP,
    ];
    let written = formats.map(|format| {
        let mut bytes = std::io::Cursor::new(Vec::new());
        DynamicImage::from(image.clone())
            .write_to(&mut bytes, format)
            .unwrap();
        bytes.into_inner()
    });
    written.into()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_damage_to_a_image(
        image in prop::sample::select(images()),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut: prop::sample::Index,
        cut_it: bool,
    ) {
        let mut bytes = image;
        for (at, value) in flips {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if cut_it {
            bytes.truncate(cut.index(bytes.len()));
        }
        let file = File::new("p.png", bytes);
        let options = ReadOptions { format: Some(Format::Images), ..ReadOptions::default() };
        if let Ok(data) = file.read(&options) {
            assert_eq!(data.samples().len(), 1);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        read_every_way(&bytes);
    }

    #[test]
    fn any_text_that_looks_like_a_table(bytes in table_like()) {
        read_every_way(&bytes);
        read_every_way(&gzip(&bytes));
    }

    #[test]
    fn any_array(bytes in array_like()) {
        read_every_way(&bytes);
    }

    #[test]
    fn any_damage_to_a_compressed_file(at: prop::sample::Index, bit in 0..8_u32) {
        let mut bytes = gzip("a,b\n1,x\n2,y\n".repeat(20).as_bytes());
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        read_every_way(&bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_text_in_parts(bytes in table_like(), has_header: bool) {
        read_in_parts(&bytes, has_header);
    }
}
