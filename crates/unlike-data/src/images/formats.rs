//! Which files are images, and of which format: by their first bytes, and by name where these say
//! nothing.

use std::{fs::File, io::Read as _, path::Path};

use image::ImageFormat;

use crate::source::Source;

/// Bytes at the start of a file that say what it is. A program's name in a PNG file comes within them.
const HEAD: u64 = 192;

/// What a file is to a reader of images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An image of a format that is read; it may be damaged.
    Image(Format),
    /// An image of a format that is not read.
    Unread(&'static str),
    /// A picture that this project drew: a sheet of samples, an overlay, a map.
    Own,
    /// No image.
    Other,
}

/// A format that is read, and by what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// By the crate `image`.
    Known(ImageFormat),
    /// By the crate `hayro-jpeg2000`.
    Jpeg2000,
}

impl Format {
    /// As people write it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Jpeg2000 => "JPEG 2000",
            Self::Known(format) => match format {
                ImageFormat::Bmp => "BMP",
                ImageFormat::Gif => "GIF",
                ImageFormat::Jpeg => "JPEG",
                ImageFormat::Png => "PNG",
                ImageFormat::Pnm => "Netpbm",
                ImageFormat::Tga => "TGA",
                ImageFormat::Tiff => "TIFF",
                ImageFormat::WebP => "WebP",
                _ => "image",
            },
        }
    }
}

/// All formats that are read, for messages.
pub(super) const READ: &str = "JPEG, PNG, BMP, GIF, TIFF, WebP, JPEG 2000, TGA or Netpbm";

/// The endings of files that are taken for images in a folder, and what they are called after.
pub(super) const EXTENSIONS: [(&str, Format); 26] = {
    use Format::{Jpeg2000, Known};
    use ImageFormat as F;
    [
        ("apng", Known(F::Png)),
        ("bmp", Known(F::Bmp)),
        ("dib", Known(F::Bmp)),
        ("gif", Known(F::Gif)),
        ("j2c", Jpeg2000),
        ("j2k", Jpeg2000),
        ("jfif", Known(F::Jpeg)),
        ("jp2", Jpeg2000),
        ("jpc", Jpeg2000),
        ("jpe", Known(F::Jpeg)),
        ("jpeg", Known(F::Jpeg)),
        ("jpf", Jpeg2000),
        ("jpg", Known(F::Jpeg)),
        ("jpx", Jpeg2000),
        ("pam", Known(F::Pnm)),
        ("pbm", Known(F::Pnm)),
        ("pgm", Known(F::Pnm)),
        ("png", Known(F::Png)),
        ("pnm", Known(F::Pnm)),
        ("ppm", Known(F::Pnm)),
        ("tga", Known(F::Tga)),
        ("tif", Known(F::Tiff)),
        ("tiff", Known(F::Tiff)),
        ("vda", Known(F::Tga)),
        ("vst", Known(F::Tga)),
        ("webp", Known(F::WebP)),
    ]
};

/// Endings of formats that are not read, and what these are called.
const UNREAD: [(&str, &str); 39] = [
    ("avif", "AVIF"),
    ("avifs", "AVIF"),
    ("bpg", "BPG"),
    ("cur", "icon"),
    ("dcm", "DICOM"),
    ("dds", "DDS"),
    ("dicom", "DICOM"),
    ("emf", "metafile"),
    ("eps", "PostScript"),
    ("exr", "OpenEXR"),
    ("ff", "farbfeld"),
    ("fit", "FITS"),
    ("fits", "FITS"),
    ("flif", "FLIF"),
    ("hdr", "Radiance HDR"),
    ("heic", "HEIC"),
    ("heif", "HEIF"),
    ("hif", "HEIF"),
    ("icns", "icon"),
    ("ico", "icon"),
    ("jls", "JPEG-LS"),
    ("jng", "JNG"),
    ("jxl", "JPEG XL"),
    ("jxr", "JPEG XR"),
    ("mng", "MNG"),
    ("pct", "PICT"),
    ("pcx", "PCX"),
    ("pfm", "portable float map"),
    ("pict", "PICT"),
    ("psd", "Photoshop"),
    ("qoi", "QOI"),
    ("ras", "Sun raster"),
    ("sgi", "SGI"),
    ("svg", "SVG"),
    ("wdp", "JPEG XR"),
    ("wmf", "metafile"),
    ("xbm", "X bitmap"),
    ("xcf", "GIMP"),
    ("xpm", "X pixmap"),
];

/// Endings of what cameras write. They come before the content, which is that of TIFF.
const CAMERAS: [&str; 20] = [
    "3fr", "arw", "cr2", "cr3", "crw", "dng", "erf", "iiq", "kdc", "mrw", "nef", "nrw", "orf",
    "pef", "raf", "rw2", "rwl", "sr2", "srw", "x3f",
];
const CAMERA: &str = "camera raw";

/// What a PNG file of ours says about where it comes from: the text chunk `Software`.
const OURS: &[u8] = b"tEXtSoftware\0unlike";

/// The endings, for messages.
pub(super) fn endings() -> String {
    EXTENSIONS.map(|(ending, _)| ending).join(", ")
}

/// A file's ending in lower case.
pub(super) fn extension(path: &Path) -> Option<String> {
    Some(path.extension()?.to_str()?.to_lowercase())
}

/// What a file is, from its first bytes and its name.
///
/// # Errors
/// If it cannot be read.
pub(super) fn of_file(path: &Path) -> std::io::Result<Kind> {
    let mut head = Vec::new();
    File::open(path)?.take(HEAD).read_to_end(&mut head)?;
    Ok(of(path, &head))
}

/// What a file with these first bytes is.
pub(crate) fn of(path: &Path, head: &[u8]) -> Kind {
    // Of a compressed file, the name in front of `.gz` says what it is.
    if head.starts_with(b"\x1f\x8b") && extension(path).as_deref() == Some("gz") {
        return of(&path.with_extension(""), b"");
    }
    let ending = extension(path);
    if CAMERAS.iter().any(|e| Some(*e) == ending.as_deref()) {
        return Kind::Unread(CAMERA);
    }
    let unread = UNREAD.iter().find(|(e, _)| Some(*e) == ending.as_deref());
    if head.windows(OURS.len()).any(|bytes| bytes == OURS) {
        return Kind::Own;
    }
    let named = EXTENSIONS
        .iter()
        .find(|(e, _)| Some(*e) == ending.as_deref());
    if let Some(format) = unmistakable(head) {
        return Kind::Image(format);
    }
    if let Some(name) = unread_content(head) {
        return Kind::Unread(name);
    }
    match (named, unread, brief(head)) {
        // Two letters are what a text may start with, so that these need a name that says so.
        (Some(_), _, Some(format)) => Kind::Image(format),
        (Some((_, format)), _, None) => Kind::Image(*format),
        (_, Some((_, name)), _) => Kind::Unread(name),
        (None, None, _) => Kind::Other,
    }
}

/// What one file that a user named is: there, two letters and what belongs to them are enough.
pub(crate) fn of_source(source: &Source) -> Kind {
    match of(
        &source.path,
        &source.bytes[..source.bytes.len().min(HEAD as usize)],
    ) {
        Kind::Other => brief(&source.bytes).map_or(Kind::Other, Kind::Image),
        kind => kind,
    }
}

/// The format of an image whose first bytes nothing else starts with.
fn unmistakable(head: &[u8]) -> Option<Format> {
    if head.starts_with(b"\0\0\0\x0cjP  \r\n\x87\n") || head.starts_with(b"\xff\x4f\xff\x51") {
        return Some(Format::Jpeg2000);
    }
    match image::guess_format(head).ok()? {
        ImageFormat::Pnm | ImageFormat::Bmp => None,
        format => format.reading_enabled().then_some(Format::Known(format)),
    }
}

/// Formats that start with two letters, checked as far as the next bytes allow.
fn brief(head: &[u8]) -> Option<Format> {
    let format = match *head {
        // The size of the header that follows is one of a few.
        [
            b'B',
            b'M',
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            12 | 40 | 52 | 56 | 64 | 108 | 124,
            0,
            0,
            0,
            ..,
        ] => ImageFormat::Bmp,
        [b'P', b'7', b'\n', ..] => ImageFormat::Pnm,
        [b'P', b'1'..=b'6', space, next, ..]
            if space.is_ascii_whitespace()
                && (next.is_ascii_digit() || next == b'#' || next.is_ascii_whitespace()) =>
        {
            ImageFormat::Pnm
        }
        _ => return None,
    };
    Some(Format::Known(format))
}

/// The name of a format that is not read, if the bytes are those of one.
fn unread_content(head: &[u8]) -> Option<&'static str> {
    if head.get(4..8) == Some(b"ftyp") {
        // The brands of a file of boxes: the one it is written for, and those it also fits.
        let brands = || head[8..].chunks_exact(4);
        let any = |names: &[&[u8]]| brands().any(|brand| names.contains(&brand));
        return if any(&[b"avif", b"avis"]) {
            Some("AVIF")
        } else if any(&[b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis"]) {
            Some("HEIC")
        } else {
            any(&[b"mif1", b"msf1"]).then_some("HEIF")
        };
    }
    let starts: [(&[u8], &str); 11] = [
        (b"\xff\x0a", "JPEG XL"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"II\xbc", "JPEG XR"),
        (b"8BPS", "Photoshop"),
        (b"gimp xcf", "GIMP"),
        (b"\x76\x2f\x31\x01", "OpenEXR"),
        (b"#?RADIANCE", "Radiance HDR"),
        (b"qoif", "QOI"),
        (b"farbfeld", "farbfeld"),
        (b"SIMPLE  =", "FITS"),
        (b"BPG\xfb", "BPG"),
    ];
    let start = starts.iter().find(|(magic, _)| head.starts_with(magic));
    let dicom = head.get(128..132) == Some(b"DICM");
    start.map(|(_, name)| *name).or(dicom.then_some("DICOM"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(name: &str, head: &[u8]) -> Kind {
        of(Path::new(name), head)
    }

    #[test]
    fn the_content_says_what_an_image_is_and_the_name_where_it_does_not() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
        let known = |format| Kind::Image(Format::Known(format));
        assert_eq!(kind("a.png", png), known(ImageFormat::Png));
        assert_eq!(kind("a", png), known(ImageFormat::Png));
        assert_eq!(kind("a.JPG", png), known(ImageFormat::Png));
        assert_eq!(kind("a.tga", b"\0\0\x02\0\0"), known(ImageFormat::Tga));
        assert_eq!(kind("a.jpg", b""), known(ImageFormat::Jpeg));
        assert_eq!(
            kind("a.jp2", b"\0\0\0\x0cjP  \r\n\x87\n"),
            Kind::Image(Format::Jpeg2000)
        );
        assert_eq!(
            kind("a.png", b"\0\0\0\x20ftypavif\0\0\0\0mif1"),
            Kind::Unread("AVIF")
        );
        assert_eq!(
            kind("a.bin", b"\0\0\0\x18ftypmif1\0\0\0\0heic"),
            Kind::Unread("HEIC")
        );
        assert_eq!(kind("a.pgm.gz", b"\x1f\x8b"), known(ImageFormat::Pnm));
        assert_eq!(kind("a.csv.gz", b"\x1f\x8b"), Kind::Other);
        assert_eq!(kind("a.heic", b"damaged"), Kind::Unread("HEIC"));
        assert_eq!(
            kind("a.NEF", b"MM\0\x2a\0\0\0\x08"),
            Kind::Unread("camera raw")
        );
        let mut dicom = [0; 140];
        dicom[128..132].copy_from_slice(b"DICM");
        assert_eq!(kind("scan", &dicom), Kind::Unread("DICOM"));
    }

    #[test]
    fn texts_are_no_images_though_they_start_like_some() {
        for text in ["BMW,Audi\n1,2\n", "P1 and P2 differ", "P6,1\n", "PNG", ""] {
            assert_eq!(kind("notes.txt", text.as_bytes()), Kind::Other, "{text}");
            assert_eq!(brief(text.as_bytes()), None, "{text}");
        }
        assert_eq!(
            brief(b"P5 3 2 255\n"),
            Some(Format::Known(ImageFormat::Pnm))
        );
    }

    #[test]
    fn what_was_drawn_here_is_known_by_its_content() {
        let ours = [&b"\x89PNG\r\n\x1a\n........IHDR...."[..], OURS].concat();
        assert_eq!(kind("photo.png", &ours), Kind::Own);
    }
}
