//! KDD Cup 99 and its successor NSL-KDD.

use unlike_core::{ColumnKind, Label, Samples};
use unlike_data::{DataInfo, Format, Preprocessing, PreprocessingConfig, ReadOptions, read, split};

use crate::{File, bundled, names, table, texts};

/// One record of the bundled file, without its label.
const RECORD: &str = "0,tcp,http,SF,181,5450,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0,0,8,8,0.00,0.00,0.00,0.00,1.00,0.00,0.00,9,9,1.00,0.00,0.11,0.00,0.00,0.00,0.00,0.00";

#[test]
fn the_bundled_file_has_its_published_counts() {
    let data = read(
        bundled("kddcup.data_10_percent.gz"),
        &ReadOptions::default(),
    )
    .unwrap();
    let info = DataInfo::new(&data);
    assert_eq!(info.format, Some(Format::Kdd));
    assert_eq!(info.rows, 494_021);
    assert_eq!((info.normal, info.anomalous), (Some(97_278), Some(396_743)));
    assert_eq!(info.classes.len(), 23);
    assert_eq!(
        (info.classes[0].level.as_str(), info.classes[0].count),
        ("smurf.", 280_790)
    );
    assert_eq!(
        info.label_rule.as_deref(),
        Some("by `label`, normal: `normal.`; anomalous: the 22 others")
    );
    let of_kind = |kind| info.columns.iter().filter(|c| c.kind == kind).count();
    assert_eq!(
        (of_kind(ColumnKind::Number), of_kind(ColumnKind::Category)),
        (34, 7)
    );
    assert_eq!(info.columns.iter().map(|c| c.missing).sum::<usize>(), 0);
    let service = info.columns.iter().find(|c| c.name == "service").unwrap();
    assert_eq!(service.levels, Some(66));
    let constant: Vec<&str> = info
        .columns
        .iter()
        .filter(|c| c.constant)
        .map(|c| c.name.as_str())
        .collect();
    assert_eq!(constant, ["num_outbound_cmds", "is_host_login"]);
    let duration = info.columns[0].number.unwrap();
    assert_eq!((duration.min, duration.max), (0.0, 58_329.0));

    survey_protocol(&data);
    preprocessing_of_attacks(&data);
}

fn survey_protocol(data: &unlike_data::DataSet) {
    let split = split::kdd_survey(data, 0).unwrap();
    let test = split.test_samples(data.samples()).unwrap();
    let (normal, anomalous) = (test.count(Label::Normal), test.count(Label::Anomalous));
    assert_eq!(normal + anomalous, 247_010);
    assert_eq!(split.train().len() + normal, 396_743);
    let share = anomalous as f64 / test.labels().len() as f64;
    assert!((0.19..=0.20).contains(&share), "{share}");
    let classes = data.classes().unwrap();
    assert!(split.train().iter().all(|&p| classes.class(p) != "normal."));
    for (&position, &label) in split.test().iter().zip(split.test_labels()) {
        assert_eq!(
            classes.class(position) == "normal.",
            label == Label::Anomalous
        );
    }
    assert_eq!(split, split::kdd_survey(data, 0).unwrap());
    assert_ne!(split.train(), split::kdd_survey(data, 1).unwrap().train());
}

fn preprocessing_of_attacks(data: &unlike_data::DataSet) {
    let labels = data.labels().unwrap().values();
    let attacks: Vec<usize> = (0..labels.len())
        .filter(|&i| labels[i] == Label::Anomalous)
        .collect();
    let attacks = data.samples().select(&attacks);
    let fitted = Preprocessing::fit(&attacks, &PreprocessingConfig::default()).unwrap();
    let transformed = fitted.transform(&attacks).unwrap();
    assert_eq!(transformed.notes, [""; 0]);
    assert!(
        transformed
            .features
            .values()
            .iter()
            .all(|v| (-1.0..=1.0).contains(v))
    );
    // 34 numbers; the levels of 7 categories that attacks have, and "other" for each.
    let Samples::Table(table) = &attacks else {
        panic!("a table")
    };
    let levels: usize = DataInfo::new(data)
        .columns
        .iter()
        .filter_map(|c| c.levels)
        .sum();
    assert_eq!(levels, 87, "34 + 87 = 121 inputs, as in the published code");
    let of_attacks: usize = ["protocol_type", "service", "flag", "land", "logged_in"]
        .iter()
        .chain(&["is_host_login", "is_guest_login"])
        .map(|name| {
            texts(table, name)
                .into_iter()
                .collect::<std::collections::BTreeSet<_>>()
                .len()
        })
        .sum();
    assert_eq!(fitted.width(), 34 + of_attacks + 7);
}

#[test]
fn records_are_recognised_with_and_without_label_and_difficulty() {
    let labelled = File::new("kdd", format!("{RECORD},normal.\n{RECORD},smurf.\n"));
    let data = labelled.read(&ReadOptions::default()).unwrap();
    assert_eq!(data.format(), Format::Kdd);
    assert_eq!(
        data.labels().unwrap().values(),
        [Label::Normal, Label::Anomalous]
    );

    let nsl = File::new(
        "KDDTest+.txt",
        format!("{RECORD},normal,21\n{RECORD},neptune,5\n"),
    );
    let data = nsl.read(&ReadOptions::default()).unwrap();
    assert_eq!(data.format(), Format::Kdd);
    assert_eq!(
        data.labels().unwrap().values(),
        [Label::Normal, Label::Anomalous]
    );
    assert_eq!(table(&data).columns().len(), 41, "difficulty is no feature");

    let unlabelled = File::new("kdd", format!("{RECORD}\n"));
    let data = unlabelled.read(&ReadOptions::default()).unwrap();
    assert!(data.classes().is_none());
    assert_eq!(names(&data)[40], "dst_host_srv_rerror_rate");
}

#[test]
fn zero_and_one_in_symbolic_columns_are_categories() {
    let file = File::new("kdd", format!("{RECORD},normal.\n"));
    let data = file.read(&ReadOptions::default()).unwrap();
    assert_eq!(texts(table(&data), "logged_in"), ["1"]);
}

#[test]
fn one_attack_can_be_the_normal_class() {
    let file = File::new("kdd", format!("{RECORD},normal.\n{RECORD},smurf.\n"));
    let options = ReadOptions {
        normal_labels: vec!["smurf.".into()],
        ..ReadOptions::default()
    };
    let data = file.read(&options).unwrap();
    assert_eq!(
        data.labels().unwrap().values(),
        [Label::Anomalous, Label::Normal]
    );
}
