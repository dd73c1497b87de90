//! Files that are packed.

use std::io::Write;

use unlike_data::ReadOptions;

use crate::{File, gzip, numbers, table};

const TEXT: &[u8] = b"a,b\n1,2\n3,4\n";

/// `TEXT`, by Python's lzma.compress.
const XZ: &[u8] = &[
    0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0x00, 0x04, 0xe6, 0xd6, 0xb4, 0x46, 0x02, 0x00, 0x21, 0x01,
    0x16, 0x00, 0x00, 0x00, 0x74, 0x2f, 0xe5, 0xa3, 0x01, 0x00, 0x0b, 0x61, 0x2c, 0x62, 0x0a, 0x31,
    0x2c, 0x32, 0x0a, 0x33, 0x2c, 0x34, 0x0a, 0x00, 0x10, 0x55, 0xe3, 0x96, 0x32, 0x2f, 0x91, 0x5e,
    0x00, 0x01, 0x24, 0x0c, 0xa6, 0x18, 0xd8, 0xd8, 0x1f, 0xb6, 0xf3, 0x7d, 0x01, 0x00, 0x00, 0x00,
    0x00, 0x04, 0x59, 0x5a,
];

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstandard(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

#[test]
fn packed_files_are_read_whatever_they_are_called() {
    for packed in [gzip(TEXT), zstandard(TEXT), bzip2(TEXT), XZ.to_vec()] {
        let file = File::new("t.csv", &packed);
        let data = file.read(&ReadOptions::default()).unwrap();
        assert_eq!(numbers(table(&data), "b"), [2.0, 4.0]);
        // One after the other, as `cat` makes them.
        let rest = match packed[0] {
            0x1f => gzip(b"5,6\n"),
            0x28 => zstandard(b"5,6\n"),
            b'B' => bzip2(b"5,6\n"),
            _ => continue,
        };
        let file = File::new("t.csv", [packed, rest].concat());
        let data = file.read(&ReadOptions::default()).unwrap();
        assert_eq!(numbers(table(&data), "b"), [2.0, 4.0, 6.0]);
    }
    // Text may begin with the letters.
    let file = File::new("t.csv", "BZh,b\n1,2\n");
    let data = file.read(&ReadOptions::default()).unwrap();
    assert_eq!(numbers(table(&data), "BZh"), [1.0]);
}

#[test]
fn what_is_cut_short_is_told_with_the_way_it_is_packed() {
    for (packed, name) in [
        (gzip(TEXT), "gzip"),
        (zstandard(TEXT), "Zstandard"),
        (bzip2(TEXT), "bzip2"),
        (XZ.to_vec(), "xz"),
    ] {
        let file = File::new("t.csv", &packed[..packed.len() - 3]);
        let message = file.shown(&file.read(&ReadOptions::default()).unwrap_err());
        assert!(message.starts_with("`t.csv`: "), "{message}");
        assert!(message.contains(&format!("{name} data")), "{message}");
    }
}

#[test]
fn files_that_grow_without_bounds_are_refused() {
    let zeros = vec![b'0'; 2 << 20];
    for packed in [gzip(&zeros), zstandard(&zeros), bzip2(&zeros)] {
        let file = File::new("t.csv", &packed);
        let options = ReadOptions {
            max_unpacked: Some(1 << 20),
            ..ReadOptions::default()
        };
        let error = file.read(&options).unwrap_err();
        let message = file.shown(&error);
        assert!(message.contains("that unpack to more than"), "{message}");
        assert!(error.hint().unwrap().contains("max-unpacked"));
    }
}
