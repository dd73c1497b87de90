//! KDD Cup 99 and NSL-KDD: delimited text without a header, whose columns are known.
//!
//! Names and kinds follow the data set's own description (`kddcup.names`, UCI repository), with
//! `land`, `logged_in`, `is_host_login` and `is_guest_login` symbolic, as it says.

use unlike_core::{ColumnKind, Result};

use crate::{
    dataset::DataSet,
    labels::Convention,
    read::{Format, ReadOptions},
    sniff,
    source::Source,
    table::{self, Layout},
    text::{Shape, Text},
};

/// The features, in file order.
const FEATURES: [&str; 41] = [
    "duration",
    "protocol_type",
    "service",
    "flag",
    "src_bytes",
    "dst_bytes",
    "land",
    "wrong_fragment",
    "urgent",
    "hot",
    "num_failed_logins",
    "logged_in",
    "num_compromised",
    "root_shell",
    "su_attempted",
    "num_root",
    "num_file_creations",
    "num_shells",
    "num_access_files",
    "num_outbound_cmds",
    "is_host_login",
    "is_guest_login",
    "count",
    "srv_count",
    "serror_rate",
    "srv_serror_rate",
    "rerror_rate",
    "srv_rerror_rate",
    "same_srv_rate",
    "diff_srv_rate",
    "srv_diff_host_rate",
    "dst_host_count",
    "dst_host_srv_count",
    "dst_host_same_srv_rate",
    "dst_host_diff_srv_rate",
    "dst_host_same_src_port_rate",
    "dst_host_srv_diff_host_rate",
    "dst_host_serror_rate",
    "dst_host_srv_serror_rate",
    "dst_host_rerror_rate",
    "dst_host_srv_rerror_rate",
];

const SYMBOLIC: [&str; 7] = [
    "protocol_type",
    "service",
    "flag",
    "land",
    "logged_in",
    "is_host_login",
    "is_guest_login",
];

const LABEL: &str = "label";

/// NSL-KDD's last column: how many of 21 classifiers got the record right. It is about the label,
/// so it is never a feature.
const DIFFICULTY: &str = "difficulty";

/// Whether the first record looks like one of the data set's.
pub(crate) fn recognise(bytes: &[u8]) -> bool {
    let widths = FEATURES.len()..=FEATURES.len() + 2;
    if !widths.contains(&sniff::cells_of_first_row(bytes, b',')) {
        return false;
    }
    let mut first = csv::ByteRecord::new();
    let read = sniff::reader(bytes, b',').read_byte_record(&mut first);
    matches!(read, Ok(true))
        && widths.contains(&first.len())
        && [&b"tcp"[..], b"udp", b"icmp"].contains(&sniff::trimmed(&first[1]))
        && sniff::number(sniff::trimmed(&first[0])).is_some()
}

/// Reads 41 columns, and the label and NSL-KDD's difficulty where they are there.
pub(crate) fn read(source: &Source, options: &ReadOptions) -> Result<DataSet> {
    let text = Text::new(source, sniff::without_bom(&source.bytes), b',');
    table::read(&text, &layout(text.width()?), options, Vec::new())
}

/// The columns of a file whose first row has so many cells.
pub(crate) fn layout(width: usize) -> Layout {
    let names: Vec<&str> = FEATURES
        .into_iter()
        .chain([LABEL, DIFFICULTY])
        .take(width.max(FEATURES.len()))
        .collect();
    let kind = |name: &&str| match SYMBOLIC.contains(name) {
        true => ColumnKind::Category,
        false => ColumnKind::Number,
    };
    Layout {
        format: Format::Kdd,
        delimiter: b',',
        kinds: FEATURES.iter().map(kind).collect(),
        label: names.contains(&LABEL).then_some(LABEL),
        dropped: names.contains(&DIFFICULTY).then_some(DIFFICULTY),
        convention: Convention::Normal(&["normal.", "normal"]),
        shape: Shape {
            names: names.into_iter().map(str::to_owned).collect(),
            from: "the columns of KDD Cup 99 records".into(),
            header: false,
        },
    }
}
