//! Columns of dates and times, and the numbers that are made of them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use unlike_core::{Column, Error, Note, Values};

use crate::{
    moment::{Moment, Order, moment},
    words,
};

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

    /// The same; where they are dates in several orders, the one in which they were written before, if it is
    /// one of these.
    pub(crate) fn one_or(self, before: Option<Order>) -> Option<Order> {
        let fits = |order: &Order| match order {
            Order::Year => self.year,
            Order::Day => self.day,
            Order::Month => self.month,
        };
        self.one().or(before.filter(fits))
    }
}

/// The moments that texts spell, if all of them do, in one order of day and month.
pub(crate) fn moments<'a>(texts: impl Iterator<Item = &'a str> + Clone) -> Option<Vec<Moment>> {
    moments_in(Orders::of(texts.clone()).one()?, texts)
}

/// Why texts of which each is a date are no column of dates, as a clause; none where they are one, or hold
/// anything else.
pub(crate) fn unclear<'a>(texts: impl Iterator<Item = &'a str> + Clone) -> Option<String> {
    const ORDERS: [Order; 3] = [Order::Year, Order::Day, Order::Month];
    let orders_of = |text: &str| ORDERS.map(|order| moment(text, order).is_some());
    let mut all = texts.clone().peekable();
    all.peek()?;
    if !all.all(|text| orders_of(text).contains(&true)) {
        return None;
    }
    let orders = Orders::of(texts.clone());
    if orders.one().is_some() {
        return None;
    }
    let first = texts.clone().next()?;
    if orders.day && orders.month {
        return Some(format!(
            "of which days and months cannot be told apart (`{first}`)"
        ));
    }
    let is_other = |text: &&str| orders_of(text) != orders_of(first);
    let other = texts.clone().find(is_other)?;
    Some(format!("in more than one order (`{first}`, `{other}`)"))
}

/// As [`moments`], in this order.
pub(crate) fn moments_in<'a>(
    order: Order,
    texts: impl Iterator<Item = &'a str>,
) -> Option<Vec<Moment>> {
    texts.map(|text| moment(text, order)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moment::{written, written_date};

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
            "05-Mar-2024",
            "5/mar/2024",
            "2024-Mar-05",
            "5 March 2024",
            "Mar 5, 2024",
            "March 05 2024 00:00",
            "Tue, 05 Mar 2024 00:00:00 GMT",
            "2024-03-05 12:00 AM",
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
        for (text, hour) in [
            ("12/25/2023 1:30 PM", 13.5),
            ("12/25/2023 12:15:00 pm", 12.25),
            ("25-Dec-2023 12:15am", 0.25),
            ("Dec 25, 2023 11:45 PM", 23.75),
        ] {
            assert_eq!(parts(text)[0], hour, "{text}");
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
    fn why_dates_are_no_column_of_dates_is_said() {
        let of = |texts: &[&str]| unclear(texts.iter().copied());
        let said = of(&["03/04/2024", "05/06/2024"]).unwrap();
        assert_eq!(
            said,
            "of which days and months cannot be told apart (`03/04/2024`)"
        );
        let said = of(&["2024-03-25", "3/25/2024"]).unwrap();
        assert_eq!(said, "in more than one order (`2024-03-25`, `3/25/2024`)");
        let said = of(&["03/04/2024", "25/12/2023", "12/25/2023"]).unwrap();
        assert_eq!(said, "in more than one order (`03/04/2024`, `25/12/2023`)");
        for clear in [
            &["2024-03-05"][..],
            &["03/04/2024", "25/12/2023"],
            &["a"],
            &[],
        ] {
            assert_eq!(of(clear), None, "{clear:?}");
        }
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
            "2024-03-05 13:00 PM",
            "2024-03-05 0:30 AM",
            "5-Mai-2024",
            "31-Feb-2024",
            "Mar-Mar-2024",
            "Mar 2024",
            "ok, 5 2024",
            "one may 2024",
        ] {
            assert!(moments([text].into_iter()).is_none(), "{text}");
        }
    }
}
