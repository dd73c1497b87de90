//! Columns of dates and times, and the numbers that are made of them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use unlike_core::{Column, Error, Note, Values};

use crate::words;

/// A number that is made of a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DatePart {
    /// The time of day, in hours with a fraction; not made where all times are midnight.
    Hour,
    /// 1 for Monday to 7 for Sunday.
    Weekday,
    /// 1 to 12.
    Month,
    /// Days since the beginning of 1970. Not among the usual ones: whatever comes after training lies
    /// beyond what training saw.
    Elapsed,
}

impl DatePart {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Hour, Self::Weekday, Self::Month, Self::Elapsed];

    /// Those that are made if nobody says otherwise.
    pub const USUAL: [Self; 3] = [Self::Hour, Self::Weekday, Self::Month];

    /// The name that the setting `dates` takes.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Weekday => "weekday",
            Self::Month => "month",
            Self::Elapsed => "elapsed",
        }
    }

    /// The name of the column made of another.
    pub(crate) fn column(self, of: &str) -> String {
        format!("{of} ({})", self.name())
    }

    pub(crate) fn of(self, moment: Moment) -> f64 {
        match self {
            Self::Hour => moment.seconds / 3600.0,
            // 1 January 1970 was a Thursday.
            Self::Weekday => ((moment.days + 3).rem_euclid(7) + 1) as f64,
            Self::Month => f64::from(moment.month),
            Self::Elapsed => moment.days as f64 + moment.seconds / 86_400.0,
        }
    }
}

impl fmt::Display for DatePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for DatePart {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let named = Self::ALL.into_iter().find(|part| part.name() == text);
        named.ok_or_else(|| Error::Setting {
            name: "dates".into(),
            found: format!("`{text}`"),
            expected: format!("none, or some of {}", Self::ALL.map(Self::name).join(", ")),
            hint: None,
        })
    }
}

/// A date and a time of day, as they were written: time zones do not move them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// Since 1 January 1970.
    days: i64,
    month: u32,
    /// Since midnight.
    seconds: f64,
}

impl Moment {
    /// So many nanoseconds after the beginning of 1970, by the clock of whoever wrote it. It is the same as
    /// that of its text, to the last bit.
    pub fn at(nanoseconds: i128) -> Self {
        let days = nanoseconds.div_euclid(DAY) as i64;
        let of_day = nanoseconds.rem_euclid(DAY);
        let (seconds, fraction) = (of_day / SECOND, of_day % SECOND);
        let (minutes, second) = (seconds / 60, seconds % 60);
        Self {
            days,
            month: civil(days).1 as u32,
            seconds: (minutes * 60) as f64 + (second as f64 + fraction as f64 / SECOND as f64),
        }
    }
}

/// The numbers that a column of dates became.
#[derive(Clone, Debug)]
pub struct DateColumns {
    /// One for each of the parts.
    pub columns: Vec<Column>,
    /// What was made; to be made of new data, too.
    pub parts: Vec<DatePart>,
    /// Says so.
    pub note: Note,
}

impl DateColumns {
    /// These parts of the dates of a column. Where they are not `known` from training, an hour is not made of
    /// dates without times of day.
    pub fn new(
        name: &str,
        dates: impl Iterator<Item = Option<Moment>> + Clone,
        parts: &[DatePart],
        known: bool,
    ) -> Self {
        let mut parts = parts.to_vec();
        if !known {
            let timed = dates.clone().flatten().any(|moment| moment.seconds != 0.0);
            parts.retain(|&part| timed || part != DatePart::Hour);
        }
        let column = |part: &DatePart| {
            let value = |date: Option<Moment>| date.map_or(f64::NAN, |moment| part.of(moment));
            Column {
                name: part.column(name).into(),
                values: Values::Number(dates.clone().map(value).collect()),
            }
        };
        let columns: Vec<Column> = parts.iter().map(column).collect();
        let made = match parts.is_empty() {
            true => "is left out".to_owned(),
            false => format!(
                "becomes {}",
                words::quoted(columns.iter().map(|c| &*c.name))
            ),
        };
        let text = format!("column `{name}` holds dates and {made}; see ");
        Self {
            columns,
            parts,
            note: Note::new(text).setting("dates").coded("dates-read"),
        }
    }
}

const SECOND: i128 = 1_000_000_000;
const DAY: i128 = 86_400 * SECOND;

/// What stands first in a date; after a year, the month, and after a day or month, the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Year,
    Day,
    Month,
}

/// What texts, one after the other, leave of the orders.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Orders {
    year: bool,
    day: bool,
    month: bool,
    /// Whether day and month first say the same so far.
    same: bool,
    /// Whether all have points, which go with the day first.
    points: bool,
}

impl Default for Orders {
    fn default() -> Self {
        Self {
            year: true,
            day: true,
            month: true,
            same: true,
            points: true,
        }
    }
}

impl Orders {
    pub(crate) fn of<'a>(texts: impl Iterator<Item = &'a str>) -> Self {
        let mut orders = Self::default();
        texts.for_each(|text| orders.add(text));
        orders
    }

    pub(crate) fn add(&mut self, text: &str) {
        let under = |still: bool, order| still.then(|| moment(text, order)).flatten();
        self.year = under(self.year, Order::Year).is_some();
        let day = under(self.day, Order::Day);
        let month = under(self.month, Order::Month);
        self.same &= day == month;
        self.points &= text.contains('.');
        (self.day, self.month) = (day.is_some(), month.is_some());
    }

    /// The one in which all of them are dates; dates such as 03/04/2024, in no order, are none.
    pub(crate) fn one(self) -> Option<Order> {
        match (self.year, self.day, self.month) {
            (true, ..) => Some(Order::Year),
            (false, true, true) => (self.same || self.points).then_some(Order::Day),
            (false, true, false) => Some(Order::Day),
            (false, false, true) => Some(Order::Month),
            (false, false, false) => None,
        }
    }
}

/// The moments that texts spell, if all of them do, in one order of day and month.
pub(crate) fn moments<'a>(texts: impl Iterator<Item = &'a str> + Clone) -> Option<Vec<Moment>> {
    moments_in(Orders::of(texts.clone()).one()?, texts)
}

/// As [`moments`], in this order.
pub(crate) fn moments_in<'a>(
    order: Order,
    texts: impl Iterator<Item = &'a str>,
) -> Option<Vec<Moment>> {
    texts.map(|text| moment(text, order)).collect()
}

/// `2024-03-05`, `2024-03-05T06:07:08.9Z`, `05.03.2024 06:07`, `3/5/2024`.
fn moment(text: &str, order: Order) -> Option<Moment> {
    let text = text.trim();
    let (date, time) = match text.split_once(['T', ' ']) {
        Some((date, time)) => (date, Some(time.trim())),
        None => (text, None),
    };
    let mark = date.chars().find(|c| !c.is_ascii_digit())?;
    if !"-/.".contains(mark) {
        return None;
    }
    let mut parts = date.split(mark);
    let parts = [
        parts.next()?,
        parts.next()?,
        parts.next()?,
        parts.next().unwrap_or(""),
    ];
    if !parts[3].is_empty() {
        return None;
    }
    let [year, month, day] = match order {
        Order::Year => [parts[0], parts[1], parts[2]],
        Order::Day => [parts[2], parts[1], parts[0]],
        Order::Month => [parts[2], parts[0], parts[1]],
    };
    let number = |text: &str, digits: std::ops::RangeInclusive<usize>| -> Option<u32> {
        let plain = digits.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        text.parse().ok().filter(|_| plain)
    };
    let (year, month, day) = (
        number(year, 4..=4)?,
        number(month, 1..=2)?,
        number(day, 1..=2)?,
    );
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let length = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=length).contains(&day) {
        return None;
    }
    Some(Moment {
        days: days(i64::from(year), i64::from(month), i64::from(day)),
        month,
        seconds: match time {
            Some(time) => seconds(time)?,
            None => 0.0,
        },
    })
}

/// Days since 1 January 1970, of the Gregorian calendar: years begin in March, so that the day that some
/// years have more is their last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let month = (month + 9) % 12;
    let of_year = (153 * month + 2) / 5 + day - 1;
    let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    365 * year + leaps + of_year - 719_468
}

/// Year, month and day, given days since 1 January 1970.
fn civil(days: i64) -> (i64, i64, i64) {
    // Of 400 years, beginning with a March.
    const ERA: i64 = 146_097;
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(ERA), days.rem_euclid(ERA));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / (ERA - 1)) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = (from_march + 2) % 12 + 1;
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

/// A date as it is written, given days since 1 January 1970.
pub(crate) fn written_date(days: i64) -> String {
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02}")
}

/// A moment as it is written, given nanoseconds since the beginning of 1970.
pub(crate) fn written(nanoseconds: i128) -> String {
    let date = written_date(nanoseconds.div_euclid(DAY) as i64);
    let of_day = nanoseconds.rem_euclid(DAY);
    let (seconds, fraction) = (of_day / SECOND, of_day % SECOND);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let time = format!("{date} {hour:02}:{minute:02}:{second:02}");
    match fraction {
        0 => time,
        _ => format!("{time}.{fraction:09}")
            .trim_end_matches('0')
            .to_owned(),
    }
}

/// `06:07`, `06:07:08.9`, with a time zone that is left out: `Z`, `+01:00`, ` UTC`.
fn seconds(time: &str) -> Option<f64> {
    let time = time.strip_suffix("UTC").unwrap_or(time).trim_end();
    let time = time.strip_suffix('Z').unwrap_or(time);
    let time = time
        .split_once(['+', '-'])
        .map_or(time, |(time, _)| time)
        .trim_end();
    let mut parts = time.split(':');
    let two = |text: &str, below: u32| -> Option<u32> {
        let plain = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        text.parse().ok().filter(|&n: &u32| plain && n < below)
    };
    let hour = two(parts.next()?, 24)?;
    let minute = two(parts.next()?, 60)?;
    let second = match parts.next() {
        None => 0.0,
        Some(text) => {
            let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, "0"));
            if fraction.is_empty() || !fraction.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            let fraction: f64 = format!("0.{fraction}").parse().ok()?;
            f64::from(two(whole, 61)?) + fraction
        }
    };
    parts
        .next()
        .is_none()
        .then_some(f64::from(hour * 3600 + minute * 60) + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Vec<f64> {
        let found = moments([text].into_iter()).unwrap_or_else(|| panic!("{text}"));
        DatePart::ALL.map(|part| part.of(found[0])).to_vec()
    }

    #[test]
    fn dates_are_read_as_people_write_them() {
        // 5 March 2024 was a Tuesday, 19,787 days after the first of 1970.
        for text in [
            "2024-03-05",
            "2024/3/5",
            "05.03.2024",
            "2024-03-05T00:00:00Z",
        ] {
            assert_eq!(parts(text), [0.0, 2.0, 3.0, 19_787.0], "{text}");
        }
        for text in [
            "2024-03-05 06:30",
            "2024-03-05T06:30:00.000+01:00",
            "25/12/2023 06:30 UTC",
        ] {
            assert_eq!(parts(text)[0], 6.5, "{text}");
        }
        assert_eq!(parts("1970-01-01"), [0.0, 4.0, 1.0, 0.0]);
        assert_eq!(parts("2000-02-29"), [0.0, 2.0, 2.0, 11_016.0]);
        assert_eq!(parts("1969-12-31 12:00")[3], -0.5);
    }

    #[test]
    fn what_is_written_reads_back() {
        for day in (-800_000..800_000).step_by(97) {
            let written = written_date(day);
            let read = moments([&*written].into_iter()).filter(|_| written.len() == 10);
            if let Some(read) = read {
                assert_eq!(DatePart::Elapsed.of(read[0]), day as f64, "{written}");
            }
        }
        assert_eq!(written_date(19_787), "2024-03-05");
        assert_eq!(written(-1_500_000_000), "1969-12-31 23:59:58.5");
        assert_eq!(written(0), "1970-01-01 00:00:00");
    }

    #[test]
    fn a_moment_of_a_clock_is_that_of_its_text() {
        // From the year 0001 to 9999, at odd times.
        for step in (-60_000_i128..240_000).step_by(7) {
            let nanoseconds = step * 1_017_966_193_552_354 + 1_001;
            let text = written(nanoseconds);
            let read = moments([&*text].into_iter()).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(read[0], Moment::at(nanoseconds), "{text}");
        }
    }

    #[test]
    fn the_order_of_day_and_month_is_that_of_all_dates_together() {
        let of = |texts: &[&str]| moments(texts.iter().copied());
        let months = |texts: &[&str]| -> Vec<f64> {
            let moments = of(texts).unwrap();
            moments.into_iter().map(|m| DatePart::Month.of(m)).collect()
        };
        assert_eq!(months(&["03/04/2024", "25/12/2023"]), [4.0, 12.0]);
        assert_eq!(months(&["03/04/2024", "12/25/2023"]), [3.0, 12.0]);
        assert_eq!(months(&["03.04.2024"]), [4.0]);
        assert!(of(&["03/04/2024"]).is_none(), "open");
        assert!(of(&["2024-03-05", "05.03.2024"]).is_none());
    }

    #[test]
    fn other_texts_are_no_dates() {
        for text in [
            "",
            "2024",
            "2024-13-01",
            "2023-02-29",
            "1900-02-29",
            "2024-03-05 25:00",
            "12:30",
            "2024-03-05-06",
            "1.2.3",
            "192.168.0.1",
            "20240305",
            "2024-03-05 noon",
            "24-03-05",
        ] {
            assert!(moments([text].into_iter()).is_none(), "{text}");
        }
    }
}
