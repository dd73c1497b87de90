//! A date and a time of day: read as people and programs write them, and written.

/// A date and a time of day, as they were written: time zones do not move them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// Since 1 January 1970.
    pub(crate) days: i64,
    /// 1 to 12.
    pub(crate) month: u32,
    /// Since midnight.
    pub(crate) seconds: f64,
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

/// Nanoseconds of a second and of a day.
const SECOND: i128 = 1_000_000_000;
const DAY: i128 = 86_400 * SECOND;

/// What stands first in a date; after a year, the month, and after a day or month, the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// `2024-03-05`
    Year,
    /// `5/3/2024`
    Day,
    /// `3/5/2024`
    Month,
}

/// The first three letters of months, as English writes them.
const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

/// A month by its name, or the first three letters of it.
fn named_month(text: &str) -> Option<u32> {
    const NAMES: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let name = text.trim_end_matches('.').to_ascii_lowercase();
    let at = MONTHS.iter().position(|month| name == *month);
    let at = at.or_else(|| NAMES.iter().position(|month| name == *month))?;
    Some(at as u32 + 1)
}

/// `5 Mar 2024 06:07` and `March 5, 2024` as `5-Mar-2024`, and the time; after the day of the week, if there
/// is one.
fn in_words(text: &str) -> Option<(String, Option<&str>)> {
    let (word, after) = text.split_once(' ')?;
    let text = match word.strip_suffix(',') {
        Some(day) if day.bytes().all(|b| b.is_ascii_alphabetic()) => after.trim_start(),
        _ => text,
    };
    let mut words = text.splitn(4, ' ').filter(|word| !word.is_empty());
    let (first, second, year) = (words.next()?, words.next()?, words.next()?);
    let (day, month) = match named_month(second) {
        Some(_) => (first, second),
        None => (second.strip_suffix(',').unwrap_or(second), first),
    };
    named_month(month)?;
    let year = year.strip_suffix(',').unwrap_or(year);
    Some((format!("{day}-{month}-{year}"), words.next().map(str::trim)))
}

/// `2024-03-05`, `2024-03-05T06:07:08.9Z`, `05.03.2024 06:07`, `3/5/2024 6:07 AM`, `5-Mar-2024`, `Mar 5, 2024`.
pub(crate) fn moment(text: &str, order: Order) -> Option<Moment> {
    let text = text.trim();
    let words = match text.bytes().any(|b| b.is_ascii_alphabetic()) {
        true => in_words(text),
        false => None,
    };
    let (date, time) = match &words {
        Some((date, time)) => (date.as_str(), *time),
        None => match text.split_once(['T', ' ']) {
            Some((date, time)) => (date, Some(time.trim())),
            None => (text, None),
        },
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
    // A name is no other part than the month, wherever it stands.
    let (month, day) = match (named_month(month), named_month(day)) {
        (Some(named), None) => (Some(named), number(day, 1..=2)),
        (None, Some(named)) if order == Order::Month => (Some(named), number(month, 1..=2)),
        _ => (number(month, 1..=2), number(day, 1..=2)),
    };
    let (year, month, day) = (number(year, 4..=4)?, month?, day?);
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

/// `06:07`, `06:07:08.9`, `6:07 AM`, with a time zone that is left out: `Z`, `+01:00`, ` UTC`, ` GMT`.
fn seconds(time: &str) -> Option<f64> {
    let zone = time
        .strip_suffix("UTC")
        .or_else(|| time.strip_suffix("GMT"));
    let time = zone.unwrap_or(time).trim_end();
    let time = time.strip_suffix('Z').unwrap_or(time);
    let time = time
        .split_once(['+', '-'])
        .map_or(time, |(time, _)| time)
        .trim_end();
    let (time, half) = half_of_day(time);
    let mut parts = time.split(':');
    let two = |text: &str, below: u32| -> Option<u32> {
        let plain = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        text.parse().ok().filter(|&n: &u32| plain && n < below)
    };
    let hour = match (two(parts.next()?, 24)?, half) {
        (hour, None) => hour,
        (hour @ 1..=12, Some(half)) => hour % 12 + half,
        (_, Some(_)) => return None,
    };
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

/// The time without `AM` or `PM`, and the hour at which that half of the day begins.
fn half_of_day(time: &str) -> (&str, Option<u32>) {
    let Some(at) = time
        .len()
        .checked_sub(2)
        .filter(|&at| time.is_char_boundary(at))
    else {
        return (time, None);
    };
    let (before, half) = time.split_at(at);
    match half {
        "AM" | "am" => (before.trim_end(), Some(0)),
        "PM" | "pm" => (before.trim_end(), Some(12)),
        _ => (time, None),
    }
}
