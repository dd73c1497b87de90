//! Counts, spans of time and numbers as people read them: one way for reports, messages and
//! terminals.

use std::fmt::Display;

/// What stands in place of a number that is absent, or is none.
pub const NONE: &str = "–";

/// Whole numbers that can count things.
pub trait Count: Copy + Display + sealed::Sealed {}

mod sealed {
    pub trait Sealed {}
}

macro_rules! counts {
    ($($type:ty),*) => {$(
        impl sealed::Sealed for $type {}
        impl Count for $type {}
    )*};
}

counts!(u32, u64, usize);

/// With commas between thousands: `494,021`.
pub fn count(n: impl Count) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The count with its noun: `1 row`, `2,000 rows`.
pub fn counted(n: impl Count, noun: &str) -> String {
    let count = count(n);
    let plural = if count == "1" { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// A span of time: `0.4 s`, `61 s`, `3 min 12 s`, `2 h 05 min`.
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return NONE.into();
    }
    let whole = seconds.round() as u64;
    match whole {
        _ if seconds < 9.95 => format!("{seconds:.1} s"),
        ..100 => format!("{whole} s"),
        100..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => {
            // Rounded as a whole, so that no minute is lost: 7,199 s are two hours.
            let minutes = (seconds / 60.0).round() as u64;
            format!("{} h {:02} min", minutes / 60, minutes % 60)
        }
    }
}

/// A rate or share as a person writes it: at most four significant digits, without a tail of
/// zeros: `0.01`, `0.02439`.
pub fn rate(rate: f64) -> String {
    match rate {
        0.0 => "0".into(),
        _ if !rate.is_finite() => NONE.into(),
        _ => {
            let digits = 3 - i64::from(magnitude(rate, 4));
            trimmed(&format!("{rate:.*}", digits.clamp(0, 16) as usize))
        }
    }
}

/// A value of somebody's data: at most six significant digits, without a tail of zeros, whole
/// numbers whole: `0.3`, `5155468`, `1.500e-9`.
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return NONE.into();
    }
    match magnitude(value, 6) {
        _ if value == 0.0 => "0".into(),
        magnitude @ -5..=9 => trimmed(&format!("{value:.*}", (5 - magnitude).max(0) as usize)),
        _ => format!("{value:.3e}"),
    }
}

/// A raw score: four significant digits, `3.416`, `0.01235`, `1.500e9`.
pub fn score(value: f64) -> String {
    if !value.is_finite() {
        return NONE.into();
    }
    match magnitude(value, 4) {
        _ if value == 0.0 => "0".into(),
        magnitude @ -4..=5 => format!("{value:.*}", (3 - magnitude).max(0) as usize),
        _ => format!("{value:.3e}"),
    }
}

/// Memory and files in units of 1,024: `0.5 KiB`, `1.2 MiB`, `23.5 GiB`.
pub fn memory(bytes: impl Count + TryInto<u64>) -> String {
    let bytes = bytes.try_into().unwrap_or(u64::MAX) as f64;
    let in_units = |power: i32, name: &str| format!("{:.1} {name}", bytes / 1024f64.powi(power));
    match bytes {
        b if b < 1000.0 * 1024.0 => in_units(1, "KiB"),
        b if b < 1000.0 * 1024.0 * 1024.0 => in_units(2, "MiB"),
        _ => in_units(3, "GiB"),
    }
}

/// The power of ten of the first of so many significant digits, after rounding; 0 for zero.
fn magnitude(value: f64, digits: usize) -> i32 {
    let text = format!("{value:.*e}", digits - 1);
    let power = text
        .rsplit_once('e')
        .and_then(|(_, power)| power.parse().ok());
    power.unwrap_or_default()
}

/// Without zeros at the end of a fraction.
fn trimmed(text: &str) -> String {
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_commas_between_thousands() {
        let shown = [0, 7, 999, 1000, 494_021, 1_234_567usize].map(count);
        assert_eq!(shown, ["0", "7", "999", "1,000", "494,021", "1,234,567"]);
        let shown = [0, 1, 2000u64].map(|n| counted(n, "row"));
        assert_eq!(shown, ["0 rows", "1 row", "2,000 rows"]);
    }

    #[test]
    fn spans_of_time_are_rounded_once() {
        let shown = [
            0.04, 9.94, 9.96, 61.0, 99.4, 99.6, 192.4, 3599.6, 7199.0, 7500.0,
        ]
        .map(duration);
        let expected = [
            "0.0 s",
            "9.9 s",
            "10 s",
            "61 s",
            "99 s",
            "1 min 40 s",
            "3 min 12 s",
            "1 h 00 min",
            "2 h 00 min",
            "2 h 05 min",
        ];
        assert_eq!(shown, expected);
        assert_eq!([f64::NAN, -1.0].map(duration), [NONE; 2]);
    }

    #[test]
    fn rates_read_as_a_person_writes_them() {
        let shown = [0.01, 1.0 / 41.0, 0.05, 0.099_999_9, 1.0, 0.0].map(rate);
        assert_eq!(shown, ["0.01", "0.02439", "0.05", "0.1", "1", "0"]);
        assert_eq!(rate(f64::NAN), NONE);
    }

    #[test]
    fn numbers_are_short_and_still_right() {
        let texts = [
            0.0,
            3.0,
            0.1 + 0.2,
            65_535.0,
            5_155_468.0,
            1.5e-9,
            -12.5,
            600.0,
        ]
        .map(number);
        assert_eq!(
            texts,
            [
                "0", "3", "0.3", "65535", "5155468", "1.500e-9", "-12.5", "600"
            ]
        );
    }

    #[test]
    fn scores_have_four_digits() {
        for (value, text) in [
            (3.41649, "3.416"),
            (-12.3456, "-12.35"),
            (1234.56, "1235"),
            (999.96, "1000"),
            (0.012345, "0.01235"),
            (1.5e9, "1.500e9"),
            (123_456.0, "123456"),
            (999_999.0, "1.000e6"),
            (1e-5, "1.000e-5"),
            (0.0, "0"),
            (f64::INFINITY, NONE),
        ] {
            assert_eq!(score(value), text);
        }
    }

    #[test]
    fn memory_is_told_in_large_units() {
        let shown = [512, 1_300_000, 25_232_932_864u64].map(memory);
        assert_eq!(shown, ["0.5 KiB", "1.2 MiB", "23.5 GiB"]);
    }
}
