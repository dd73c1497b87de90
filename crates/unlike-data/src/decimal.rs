//! Numbers as people write them: with separators between thousands, a decimal comma, a percent sign or
//! that of a currency, in brackets or with the minus at the end where they are negative, or with the exponents
//! of Fortran.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use unlike_core::Error;

/// What stands between the whole and the fraction of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decimal {
    /// `1,234.5`, `1234.5`.
    Point,
    /// `1.234,5`, `1234,5`.
    Comma,
}

impl Decimal {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Point, Self::Comma];

    /// The name that the setting `decimal` takes.
    pub fn name(self) -> &'static str {
        match self {
            Self::Point => "point",
            Self::Comma => "comma",
        }
    }

    /// The other one.
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Point => Self::Comma,
            Self::Comma => Self::Point,
        }
    }

    fn mark(self) -> char {
        match self {
            Self::Point => '.',
            Self::Comma => ',',
        }
    }

    /// Whether a character may stand between thousands.
    fn groups(self, c: char) -> bool {
        c == self.other().mark() || "'’ \u{a0}\u{202f}".contains(c)
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Decimal {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let named = Self::ALL.into_iter().find(|d| d.name() == text);
        named.ok_or_else(|| Error::Setting {
            name: "decimal".into(),
            found: format!("`{text}`"),
            expected: "point or comma".into(),
            hint: None,
        })
    }
}

/// What stands before or after an amount of money.
const CURRENCIES: [char; 14] = [
    '$', '€', '£', '¥', '₹', '₩', '₽', '₺', '₪', '₫', '₴', '₦', '฿', '¤',
];

const MINUS: [char; 2] = ['-', '\u{2212}'];

/// The currency that a text has a sign of, if it has one.
fn currency(text: &str) -> Option<char> {
    text.chars().find(|c| CURRENCIES.contains(c))
}

/// What is left of a number without its sign, and whether that is a minus: before it, after it as in
/// bookkeeping, or brackets that say the same. A currency may stand on either side of the sign.
fn unsigned(text: &str) -> (bool, &str) {
    let text = without_currency(text);
    let inner = text.strip_prefix('(').and_then(|t| t.strip_suffix(')'));
    let (negative, rest) = if let Some(inner) = inner {
        (true, inner.trim())
    } else if let Some(rest) = text
        .strip_prefix(MINUS)
        .or_else(|| text.strip_suffix(MINUS))
    {
        (true, rest.trim())
    } else {
        (false, text.strip_prefix('+').unwrap_or(text))
    };
    match rest.len() < text.len() {
        true => (negative, without_currency(rest)),
        false => (negative, rest),
    }
}

fn without_currency(text: &str) -> &str {
    let bare = text
        .strip_prefix(CURRENCIES)
        .or_else(|| text.strip_suffix(CURRENCIES));
    bare.map_or(text, str::trim)
}

/// The number that a text spells, if it does: `1,234.5`, `12 %` (0.12), `1.5D+03`, `$ 5`, `(5)` (-5).
pub(crate) fn spelled(text: &str, decimal: Decimal) -> Option<f64> {
    let (negative, text) = unsigned(text.trim());
    let (text, percent) = match text.strip_suffix('%') {
        Some(rest) => (rest.trim_end(), true),
        None => (text, false),
    };
    let (mantissa, exponent) = match text.split_once(['e', 'E', 'd', 'D']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let (whole, fraction) = match mantissa.split_once(decimal.mark()) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let mut plain = if negative { "-" } else { "" }.to_owned();
    plain.push_str(&ungrouped(whole, decimal)?);
    if let Some(fraction) = fraction {
        if !digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
            return None;
        }
        plain.push('.');
        plain.push_str(fraction);
    } else if whole.is_empty() {
        return None;
    }
    if let Some(exponent) = exponent {
        let unsigned = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        if unsigned.is_empty() || !digits(unsigned) {
            return None;
        }
        plain.push('e');
        plain.push_str(exponent);
    }
    let value: f64 = plain.parse().ok()?;
    let value = if percent { value / 100.0 } else { value };
    value.is_finite().then_some(value)
}

/// What a level of a category or a class is, however it is written: `6`, `6.0` and `6e0` are one number, and
/// `True`, `TRUE` and `true` one truth. None for other texts; zeros that lead make one, as in post codes.
pub(crate) fn meaning(level: &str) -> Option<u64> {
    // Of no finite number.
    const TRUTHS: [(&str, u64); 2] = [("true", u64::MAX), ("false", u64::MAX - 1)];
    let digits = level.trim_start_matches(['+', '-']);
    let mut letters = digits.bytes();
    match (letters.next()?, letters.next()) {
        (b'0', Some(b'0'..=b'9')) => return None,
        (b'0'..=b'9' | b'.', _) => {}
        _ => {
            let mut truths = TRUTHS.into_iter();
            let truth = truths.find(|(truth, _)| level.eq_ignore_ascii_case(truth));
            return truth.map(|(_, key)| key);
        }
    }
    let value: f64 = level.parse().ok()?;
    // Adding zero makes one of -0 and 0.
    (value.is_finite() && value.abs() < EXACT).then(|| (value + 0.0).to_bits())
}

/// From here on, different whole numbers can be equal as floating-point numbers.
pub(crate) const EXACT: f64 = (1u64 << 53) as f64;

/// Whether a plain number can be whole, with a point between its thousands: `1.133`, but not `0.133` or `1.13`.
pub(crate) fn is_grouped_by_point(number: &[u8]) -> bool {
    let digits = match number {
        [b'-' | b'+', rest @ ..] => rest,
        all => all,
    };
    let mut parts = digits.split(|&b| b == b'.');
    let (Some(thousands), Some(rest), None) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    (1..=3).contains(&thousands.len())
        && rest.len() == 3
        && thousands[0] != b'0'
        && [thousands, rest]
            .iter()
            .all(|p| p.iter().all(u8::is_ascii_digit))
}

/// The digits of a whole number whose thousands may be separated, all by one character: groups of
/// three digits, in India of two but for the last.
fn ungrouped(whole: &str, decimal: Decimal) -> Option<String> {
    let Some(mark) = whole.chars().find(|c| !c.is_ascii_digit()) else {
        return Some(whole.to_owned());
    };
    if !decimal.groups(mark) {
        return None;
    }
    let groups: Vec<&str> = whole.split(mark).collect();
    let (last, others) = groups.split_last()?;
    let (first, middle) = others.split_first()?;
    let sound = last.len() == 3
        && (1..=3).contains(&first.len())
        && !first.starts_with('0')
        && middle.iter().all(|group| (2..=3).contains(&group.len()))
        && groups.iter().all(|g| g.bytes().all(|b| b.is_ascii_digit()));
    sound.then(|| groups.concat())
}

/// Which decimal mark makes numbers of all texts of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fits {
    /// No mark does.
    None,
    /// This one does; or both do and say the same.
    One(Decimal),
    /// Both do, and do not say the same: `1,234`.
    Both,
}

/// What texts, one after the other, leave of the marks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Marks {
    point: bool,
    comma: bool,
    /// Whether both say the same so far.
    same: bool,
    /// The currency of the amounts so far; amounts of two are no numbers of one column.
    currency: Option<char>,
}

impl Default for Marks {
    fn default() -> Self {
        Self {
            point: true,
            comma: true,
            same: true,
            currency: None,
        }
    }
}

impl Marks {
    pub(crate) fn add(&mut self, text: &str) {
        let under = |still: bool, decimal| still.then(|| spelled(text, decimal)).flatten();
        let point = under(self.point, Decimal::Point);
        let comma = under(self.comma, Decimal::Comma);
        self.same &= point == comma;
        let currency = currency(text);
        let is_other = currency.is_some() && self.currency.is_some() && currency != self.currency;
        self.currency = self.currency.or(currency);
        (self.point, self.comma) = (point.is_some() && !is_other, comma.is_some() && !is_other);
    }

    /// Whether no mark is left.
    pub(crate) fn is_none(self) -> bool {
        !self.point && !self.comma
    }

    pub(crate) fn fits(self) -> Fits {
        match (self.point, self.comma) {
            (false, false) => Fits::None,
            (true, false) => Fits::One(Decimal::Point),
            (false, true) => Fits::One(Decimal::Comma),
            (true, true) if self.same => Fits::One(Decimal::Point),
            (true, true) => Fits::Both,
        }
    }
}

impl Fits {
    pub(crate) fn of<'a>(texts: impl Iterator<Item = &'a str>) -> Self {
        let mut marks = Marks::default();
        for text in texts {
            marks.add(text);
            if marks.is_none() {
                break;
            }
        }
        marks.fits()
    }

    /// The mark by which texts are read: what is told, if it can be; else what the texts say; and what is
    /// usual where they leave it open. None where they are no numbers.
    pub(crate) fn decimal(self, told: Option<Decimal>, usual: Decimal) -> Option<Decimal> {
        match (told, self) {
            (_, Self::None) => None,
            (Some(told), fits) if fits.allows(told) => Some(told),
            (_, Self::One(decimal)) => Some(decimal),
            (_, Self::Both) => Some(usual),
        }
    }

    /// Whether this mark is among them.
    fn allows(self, decimal: Decimal) -> bool {
        self == Self::Both || self == Self::One(decimal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_read() {
        use Decimal::{Comma, Point};
        for (text, decimal, expected) in [
            ("1,234.56", Point, 1234.56),
            ("-12,345,678", Point, -12_345_678.0),
            ("12,34,567.5", Point, 1_234_567.5),
            ("1'234.5", Point, 1234.5),
            ("1 234", Point, 1234.0),
            ("1\u{a0}234,5", Comma, 1234.5),
            ("1.234,56", Comma, 1234.56),
            ("0,5", Comma, 0.5),
            (",5", Comma, 0.5),
            ("5,", Comma, 5.0),
            ("\u{2212}7,25", Comma, -7.25),
            ("12%", Point, 0.12),
            ("12,5 %", Comma, 0.125),
            ("$1,234.50", Point, 1234.5),
            ("-$5", Point, -5.0),
            ("$-5", Point, -5.0),
            ("($ 1,200.00)", Point, -1200.0),
            ("$(7)", Point, -7.0),
            ("12,50 €", Comma, 12.5),
            ("€ 12,50-", Comma, -12.5),
            ("1.234,5-", Comma, -1234.5),
            ("(0.5)", Point, -0.5),
            ("(5 %)", Point, -0.05),
            ("1.5D+03", Point, 1500.0),
            ("2d-1", Point, 0.2),
        ] {
            let found = spelled(text, decimal);
            assert!(
                found.is_some_and(|v| (v - expected).abs() < 1e-12),
                "{text}: {found:?}"
            );
        }
    }

    #[test]
    fn other_texts_are_not_numbers() {
        for text in [
            "",
            "-",
            "%",
            ".",
            "1,23",
            "1,2345.6",
            "1.2.3",
            "192.168.0.1",
            "12:30",
            "1,234'567",
            "e5",
            "1e",
            "1e+",
            "NaN",
            "inf",
            "0x10",
            "2020-01-01",
            ",234",
            "1,,234",
            "$",
            "()",
            "(-)",
            "(5",
            "5)",
            "-5-",
            "(-5)",
            "((5))",
            "$5€",
            "$$5",
            "5 USD",
        ] {
            assert_eq!(spelled(text, Decimal::Point), None, "{text}");
        }
        assert_eq!(spelled("1.5", Decimal::Comma), None);
    }

    #[test]
    fn marks_are_told_apart_by_all_texts_together() {
        let of = |texts: &[&str]| Fits::of(texts.iter().copied());
        assert_eq!(of(&["1,234", "5"]), Fits::Both);
        assert_eq!(of(&["1,234", "5.5"]), Fits::One(Decimal::Point));
        assert_eq!(of(&["1,234", "1,5"]), Fits::One(Decimal::Comma));
        assert_eq!(of(&["12 %", "5 %"]), Fits::One(Decimal::Point));
        assert_eq!(of(&["1,5", "1.5"]), Fits::None);
        assert_eq!(of(&["1,234", "many"]), Fits::None);
        assert_eq!(of(&["$5", "(3)", "4-"]), Fits::One(Decimal::Point));
        assert_eq!(of(&["$5", "€5"]), Fits::None, "two currencies");
    }
}
