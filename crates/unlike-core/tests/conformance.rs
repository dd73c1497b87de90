//! The conformance suite passes a correct detector and catches each of many broken ones.

use std::{
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use unlike_core::{
    Column, ColumnKind, ColumnSpec, Detector, Error, Explanations, ImageShape, Images, InputSpec,
    Result, Samples, ScoreParts, Scores, Table, Values, Violation, conformance,
};

/// What is wrong with a [`Toy`].
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    DropsLastBatch,
    NanScore,
    Errs,
    CentresOnBatch,
    CountsPositions,
    CountsCalls,
    RunningMaximum,
    ReadsIds,
    SharedScratch,
    ShortParts,
    InfinitePart,
    PartsByBatch,
    NegativeExplanation,
    ShortExplanation,
    ColumnsForImages,
    RandomExplanation,
    FailsOnEmpty,
    PanicsOnEmpty,
    NanAsZero,
    MissingColumnAsZero,
    ColumnsByPosition,
    AnyKindOfColumn,
    VagueMessages,
    Overflows,
    AnySize,
    AnyKindOfSamples,
    Upside,
    CrossesZero,
    DriftsByBatch,
}

/// Scores by the weighted mean absolute distance from the origin, capped; categories count 0.
struct Toy {
    input: InputSpec,
    fault: Fault,
    calls: AtomicU64,
    maximum: AtomicU64,
    active: AtomicUsize,
}

const CAP: f64 = 1e6;

fn refuse<T>(found: String, expected: String) -> Result<T> {
    Err(Error::Mismatch {
        origin: None,
        found,
        expected,
        hint: None,
    })
}

impl Toy {
    fn new(input: InputSpec, fault: Fault) -> Self {
        let (calls, maximum) = (AtomicU64::new(0), AtomicU64::new(1));
        Self {
            input,
            fault,
            calls,
            maximum,
            active: AtomicUsize::new(0),
        }
    }

    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    /// One row of distances per sample, and the number of places in a row.
    fn distances(&self, samples: &Samples) -> Result<(Vec<f64>, usize)> {
        match (&self.input, samples) {
            (InputSpec::Table { columns }, Samples::Table(table)) => {
                let mut distances = vec![0.0; table.rows() * columns.len()];
                for (j, spec) in columns.iter().enumerate() {
                    let column = match table.column(&spec.name) {
                        _ if self.is(Fault::ColumnsByPosition) => &table.columns()[j],
                        Some(column) => column,
                        None if self.is(Fault::MissingColumnAsZero) => continue,
                        None if self.is(Fault::VagueMessages) => {
                            return refuse("a wrong table".into(), "a right one".into());
                        }
                        None => {
                            return refuse(
                                "no such column".into(),
                                format!("column `{}`", spec.name),
                            );
                        }
                    };
                    if column.values.kind() != spec.kind
                        && !self.is(Fault::AnyKindOfColumn)
                        && !self.is(Fault::ColumnsByPosition)
                    {
                        let found = format!("column `{}` of {}", spec.name, column.values.kind());
                        return refuse(found, spec.kind.to_string());
                    }
                    let Values::Number(values) = &column.values else {
                        continue;
                    };
                    for (i, &value) in values.iter().enumerate() {
                        let distance = match value.is_nan() {
                            true if self.is(Fault::NanAsZero) => 0.0,
                            true => {
                                let row = table.row_number(i);
                                let place = format!("NaN in row {row}, column `{}`", spec.name);
                                return refuse(place, "a number".into());
                            }
                            false if self.is(Fault::Overflows) => f64::from((value * value) as f32),
                            false => value.abs().min(CAP),
                        };
                        // Weighted, so that the columns cannot be exchanged unnoticed.
                        distances[i * columns.len() + j] = (j + 1) as f64 * distance;
                    }
                }
                Ok((distances, columns.len()))
            }
            (InputSpec::Image(shape), Samples::Images(images)) => {
                if images.shape() != *shape && !self.is(Fault::AnySize) {
                    return refuse(format!("{:?}", images.shape()), format!("{shape:?}"));
                }
                let values = images
                    .pixels()?
                    .iter()
                    .map(|v| f64::from(v.abs()))
                    .collect();
                Ok((values, images.shape().size()))
            }
            _ if self.is(Fault::AnyKindOfSamples) => Ok((vec![0.0; samples.len()], 1)),
            _ => refuse("samples of another kind".into(), "those of training".into()),
        }
    }

    fn plain(&self, samples: &Samples) -> Result<Scores> {
        let (distances, width) = self.distances(samples)?;
        Ok(distances
            .chunks(width)
            .map(|d| d.iter().sum::<f64>() / width as f64)
            .collect())
    }

    /// Waits a moment for another call to come in, and says whether one did.
    fn disturbed(&self) -> bool {
        self.active.fetch_add(1, Ordering::SeqCst);
        let start = Instant::now();
        let mut met = false;
        while !met && start.elapsed() < Duration::from_millis(300) {
            met = self.active.load(Ordering::SeqCst) > 1;
            std::thread::sleep(Duration::from_millis(1));
        }
        // Leaves after the other one had time to see it.
        std::thread::sleep(Duration::from_millis(20));
        self.active.fetch_sub(1, Ordering::SeqCst);
        met
    }
}

impl Detector for Toy {
    fn input(&self) -> InputSpec {
        self.input.clone()
    }

    fn score(&self, samples: &Samples) -> Result<Scores> {
        let mut scores = self.plain(samples)?;
        match self.fault {
            Fault::DropsLastBatch => scores.truncate(scores.len() / 4 * 4),
            Fault::NanScore if scores.len() > 1 => scores[1] = f64::NAN,
            Fault::Errs => return refuse("nothing wrong".into(), "something".into()),
            Fault::CentresOnBatch => {
                let mean = scores.iter().sum::<f64>() / scores.len().max(1) as f64;
                scores.iter_mut().for_each(|s| *s -= mean);
            }
            Fault::CountsPositions => {
                scores
                    .iter_mut()
                    .enumerate()
                    .for_each(|(i, s)| *s += 1e-3 * i as f64);
            }
            Fault::CountsCalls => {
                let calls = self.calls.fetch_add(1, Ordering::SeqCst) as f64;
                scores.iter_mut().for_each(|s| *s += 1e-12 * calls);
            }
            Fault::RunningMaximum => {
                // Positive floats are ordered as their bits are.
                for s in &scores {
                    self.maximum.fetch_max(s.to_bits(), Ordering::SeqCst);
                }
                let maximum = f64::from_bits(self.maximum.load(Ordering::SeqCst));
                scores.iter_mut().for_each(|s| *s /= maximum);
            }
            Fault::ReadsIds => {
                for (i, s) in scores.iter_mut().enumerate() {
                    *s += 1e-3 * samples.id(i).len() as f64;
                }
            }
            Fault::SharedScratch if samples.len() == N && self.disturbed() => scores[0] += 1.0,
            Fault::FailsOnEmpty if samples.is_empty() => {
                return refuse("no samples".into(), "some".into());
            }
            Fault::PanicsOnEmpty => scores[0] += 0.0,
            // No fault: rounding in the seventh digit of scores that are small differences.
            Fault::CrossesZero => {
                let first = scores.first().copied().unwrap_or_default();
                scores.iter_mut().for_each(|s| *s += 1e-8 * first - 1.0);
            }
            Fault::DriftsByBatch => {
                let first = scores.first().copied().unwrap_or_default();
                scores.iter_mut().for_each(|s| *s += 1e-5 * first);
            }
            Fault::Upside => scores.iter_mut().for_each(|s| *s = -*s),
            _ => {}
        }
        Ok(scores)
    }

    fn score_parts(&self, samples: &Samples) -> Result<ScoreParts> {
        let mut values = self.plain(samples)?;
        match self.fault {
            Fault::ShortParts => values.truncate(values.len().saturating_sub(1)),
            Fault::InfinitePart if !values.is_empty() => values[0] = f64::INFINITY,
            Fault::PartsByBatch => {
                values
                    .iter_mut()
                    .enumerate()
                    .for_each(|(i, v)| *v += 1e-3 * i as f64);
            }
            _ => {}
        }
        Ok(ScoreParts::single("distance", values))
    }

    fn explain(&self, samples: &Samples) -> Result<Explanations> {
        let (distances, _) = self.distances(samples)?;
        let mut values: Vec<f32> = distances.iter().map(|&d| d as f32).collect();
        match self.fault {
            Fault::NegativeExplanation if !values.is_empty() => values[0] = -1.0,
            Fault::ShortExplanation => values.truncate(values.len().saturating_sub(1)),
            Fault::RandomExplanation if !values.is_empty() => {
                values[0] += self.calls.fetch_add(1, Ordering::SeqCst) as f32;
            }
            Fault::ColumnsForImages => {
                return Ok(Explanations::Columns {
                    names: vec!["a".into()],
                    values,
                });
            }
            _ => {}
        }
        Ok(match &self.input {
            InputSpec::Table { columns } => Explanations::Columns {
                names: columns.iter().map(|c| c.name.clone()).collect(),
                values,
            },
            &InputSpec::Image(ImageShape {
                height,
                width,
                channels,
            }) => {
                let mean = |p: &[f32]| p.iter().sum::<f32>() / p.len() as f32;
                let values = values.chunks(channels).map(mean).collect();
                Explanations::Maps {
                    height,
                    width,
                    values,
                }
            }
        })
    }
}

const N: usize = 18;

fn table() -> Samples {
    let number = |k: usize| Values::Number((0..N).map(|i| ((i * k) % 11) as f64 - 5.5).collect());
    let levels = ["tcp".to_owned(), "udp".to_owned()];
    let codes = (0..N as u32).map(|i| i % 2).collect();
    let columns = vec![
        Column {
            name: "bytes".into(),
            values: number(7),
        },
        Column {
            name: "protocol".into(),
            values: Values::Category {
                levels: levels.into(),
                codes,
            },
        },
        Column {
            name: "duration".into(),
            values: number(5),
        },
    ];
    Samples::Table(Table::new("rows.csv", columns).unwrap())
}

fn images(channels: usize) -> Samples {
    let pixels = (0..N * 5 * 4 * channels)
        .map(|i| ((i * 37) % 101) as f32 / 101.0 - 0.5)
        .collect();
    let ids = (0..N).map(|i| format!("{i}.png")).collect();
    Samples::Images(Images::new("images", [5, 4, channels], pixels, ids).unwrap())
}

fn for_tables() -> InputSpec {
    let spec = |name: &str, kind| ColumnSpec {
        name: name.into(),
        kind,
    };
    InputSpec::Table {
        columns: vec![
            spec("bytes", ColumnKind::Number),
            spec("protocol", ColumnKind::Category),
            spec("duration", ColumnKind::Number),
        ],
    }
}

fn for_images(channels: usize) -> InputSpec {
    InputSpec::Image(ImageShape {
        height: 5,
        width: 4,
        channels,
    })
}

fn violations_on_tables(fault: Fault) -> Vec<Violation> {
    conformance::check(&Toy::new(for_tables(), fault), &table())
}

fn violations_on_images(fault: Fault) -> Vec<Violation> {
    conformance::check(&Toy::new(for_images(1), fault), &images(1))
}

fn assert_caught(violations: &[Violation], fault: Fault, law: u8, expected: &str) {
    let caught = |v: &Violation| v.law == law && v.expected.contains(expected);
    assert!(
        violations.iter().any(caught),
        "{fault:?} should break law {law}, `{expected}`; found {violations:#?}"
    );
}

#[test]
fn a_correct_detector_breaks_no_law() {
    for (input, samples) in [
        (for_tables(), table()),
        (for_images(1), images(1)),
        (for_images(3), images(3)),
    ] {
        assert_eq!(
            conformance::check(&Toy::new(input, Fault::None), &samples),
            []
        );
    }
}

#[test]
fn small_differences_between_batches_are_allowed_also_near_zero() {
    let near_zero = Toy::new(for_tables(), Fault::CrossesZero)
        .score(&table())
        .unwrap();
    assert!(near_zero.iter().any(|s| s.abs() < 1e-6));
    assert_eq!(violations_on_tables(Fault::CrossesZero), []);
    let violations = violations_on_tables(Fault::DriftsByBatch);
    assert_caught(&violations, Fault::DriftsByBatch, 2, "a sample alone");
}

#[test]
fn each_fault_that_does_not_depend_on_the_kind_of_samples_is_caught_on_both() {
    let faults = [
        (Fault::DropsLastBatch, 1, "one score per sample"),
        (Fault::NanScore, 1, "scores are finite"),
        (Fault::Errs, 1, "samples that fit the input are scored"),
        (Fault::CentresOnBatch, 2, "a sample alone"),
        (Fault::CentresOnBatch, 2, "batches of any size"),
        (
            Fault::CountsPositions,
            2,
            "the order of the samples changes no score",
        ),
        (Fault::CountsCalls, 2, "a second call gives the same scores"),
        (Fault::RunningMaximum, 2, "scoring other samples in between"),
        (Fault::ReadsIds, 2, "row numbers, ids and origin"),
        (Fault::SharedScratch, 2, "two threads"),
        (Fault::ShortParts, 1, "each part has one value per sample"),
        (Fault::InfinitePart, 1, "the parts of the scores are finite"),
        (
            Fault::PartsByBatch,
            2,
            "the order of the samples changes no part",
        ),
        (Fault::NegativeExplanation, 1, "finite and not negative"),
        (Fault::RandomExplanation, 2, "the same explanations"),
        (Fault::ColumnsForImages, 1, "the shape of the input"),
        (Fault::FailsOnEmpty, 6, "no samples give no scores"),
        (Fault::PanicsOnEmpty, 6, "nothing panics"),
    ];
    for (fault, law, expected) in faults {
        assert_caught(&violations_on_tables(fault), fault, law, expected);
        assert_caught(&violations_on_images(fault), fault, law, expected);
    }
}

#[test]
fn faults_in_reading_tables_are_caught() {
    let faults = [
        (Fault::ShortExplanation, 1, "the shape of the input"),
        (Fault::NanAsZero, 6, "NaN in a column that had none"),
        (Fault::MissingColumnAsZero, 6, "a missing column"),
        (Fault::MissingColumnAsZero, 6, "a renamed column"),
        (Fault::ColumnsByPosition, 6, "the order of the columns"),
        (
            Fault::ColumnsByPosition,
            6,
            "a column that training did not have",
        ),
        (Fault::ColumnsByPosition, 6, "a renamed column"),
        (Fault::AnyKindOfColumn, 6, "a column of another kind"),
        (Fault::VagueMessages, 6, "a missing column"),
        (Fault::Overflows, 6, "extreme values"),
        (Fault::AnyKindOfSamples, 6, "images are refused"),
    ];
    for (fault, law, expected) in faults {
        assert_caught(&violations_on_tables(fault), fault, law, expected);
    }
}

#[test]
fn faults_in_reading_images_are_caught() {
    let faults = [
        (Fault::AnySize, 6, "images of another height"),
        (Fault::AnySize, 6, "images of another width"),
        (Fault::AnySize, 6, "images of other channels"),
        (Fault::AnyKindOfSamples, 6, "tables are refused"),
    ];
    for (fault, law, expected) in faults {
        assert_caught(&violations_on_images(fault), fault, law, expected);
    }
}

#[test]
fn nan_is_allowed_where_the_samples_have_it() {
    let Samples::Table(table) = table() else {
        unreachable!()
    };
    let mut columns = table.columns().to_vec();
    let Values::Number(values) = &mut columns[0].values else {
        unreachable!()
    };
    values[4] = f64::NAN;
    let samples = Samples::Table(Table::new("rows.csv", columns).unwrap());
    assert_eq!(
        conformance::check(&Toy::new(for_tables(), Fault::NanAsZero), &samples).len(),
        1
    );
}

#[test]
fn a_violation_names_the_sample_and_both_values() {
    let violations = violations_on_images(Fault::CountsPositions);
    let text = violations
        .iter()
        .find(|v| v.expected.contains("order"))
        .unwrap()
        .to_string();
    assert!(
        text.starts_with("law 2: the order of the samples changes no score; found "),
        "{text}"
    );
    assert!(
        text.contains("for sample ") && text.contains(" and "),
        "{text}"
    );
}

#[test]
fn two_detectors_are_the_same_only_if_every_bit_is() {
    let toy = |fault| Toy::new(for_tables(), fault);
    assert_eq!(
        conformance::check_same(&toy(Fault::None), &toy(Fault::None), &table()),
        []
    );
    for (fault, expected) in [
        (Fault::Upside, "the same scores"),
        (Fault::DropsLastBatch, "one score per sample"),
        (Fault::PartsByBatch, "the same parts"),
        (Fault::NegativeExplanation, "the same explanations"),
        (Fault::Errs, "both detectors score"),
    ] {
        let violations = conformance::check_same(&toy(Fault::None), &toy(fault), &table());
        assert!(
            violations.iter().any(|v| v.expected.contains(expected)),
            "{violations:#?}"
        );
    }
    let other = Toy::new(for_images(1), Fault::AnyKindOfSamples);
    let violations = conformance::check_same(&toy(Fault::None), &other, &table());
    assert!(
        violations
            .iter()
            .any(|v| v.expected.contains("the same input")),
        "{violations:#?}"
    );
}

#[test]
fn an_upside_down_score_is_caught_with_anomalies() {
    let far = {
        let Samples::Table(table) = table() else {
            unreachable!()
        };
        let mut columns = table.columns().to_vec();
        columns[2].values = Values::Number(vec![50.0; N]);
        Samples::Table(Table::new("far.csv", columns).unwrap())
    };
    let check =
        |fault| conformance::check_direction(&Toy::new(for_tables(), fault), &table(), &far);
    assert_eq!(check(Fault::None), []);
    assert_caught(
        &check(Fault::Upside),
        Fault::Upside,
        1,
        "higher is more anomalous",
    );
}

#[test]
fn bad_values_cannot_be_built_at_all() {
    assert!(Table::from_rows("t", &["a"], &[f64::INFINITY]).is_err());
    for value in [f32::NAN, f32::INFINITY, 1.5] {
        assert!(Images::new("i", [1, 1, 1], vec![value], vec!["x".into()]).is_err());
    }
}
