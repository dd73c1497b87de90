//! Numbers as a person reads them.

use unlike_core::words;
pub(crate) use unlike_core::words::{NONE, count, score};

/// A value within [0, 1] with three decimals; never shown as 0 or 1 unless it is.
pub(crate) fn unit(value: f64) -> String {
    if !value.is_finite() {
        NONE.into()
    } else if value > 0.0 && value < 0.0005 {
        "<0.001".into()
    } else if (0.9995..1.0).contains(&value) {
        ">0.999".into()
    } else {
        format!("{value:.3}")
    }
}

/// An interval of values within [0, 1].
pub(crate) fn unit_interval([low, high]: [f64; 2]) -> String {
    format!("{low:.3} – {high:.3}")
}

/// A share in percent: two decimals below 10 %, one from there on.
pub(crate) fn percent(share: f64) -> String {
    let value = 100.0 * share;
    if !value.is_finite() {
        NONE.into()
    } else if value.abs() < 9.995 {
        format!("{value:.2}\u{a0}%")
    } else {
        format!("{value:.1}\u{a0}%")
    }
}

/// A share in whole percent.
pub(crate) fn whole_percent(share: f64) -> String {
    if share.is_finite() {
        format!("{:.0}\u{a0}%", 100.0 * share)
    } else {
        NONE.into()
    }
}

/// A share in percent with two decimals, without the sign, for columns.
pub(crate) fn percent_cell(share: f64) -> String {
    if share.is_finite() {
        format!("{:.2}", 100.0 * share)
    } else {
        NONE.into()
    }
}

/// An interval of shares in percent, without the sign, for columns.
pub(crate) fn percent_interval([low, high]: [f64; 2]) -> String {
    format!("{:.2} – {:.2}", 100.0 * low, 100.0 * high)
}

/// A rate that somebody chose, in percent without needless zeros: `0.1 %`, `5 %`.
pub(crate) fn rate(share: f64) -> String {
    if !share.is_finite() {
        return NONE.into();
    }
    // Ten decimals: enough for any rate, few enough to hide that 0.07 · 100 is 7.000000000000001.
    let digits = format!("{:.10}", 100.0 * share);
    format!(
        "{}\u{a0}%",
        digits.trim_end_matches('0').trim_end_matches('.')
    )
}

/// Raw scores for a column: as many decimals everywhere as the largest needs for five digits, so
/// that the decimal points align.
pub(crate) fn scores(values: &[Option<f64>]) -> Vec<String> {
    let finite = || {
        values
            .iter()
            .flatten()
            .filter(|v| v.is_finite())
            .map(|v| v.abs())
    };
    let largest = finite().fold(0.0, f64::max);
    let alike = largest < 1e6 && finite().all(|v| v == 0.0 || v > 1e-4 * largest.max(1.0));
    let before_point = largest.max(1.0).log10().floor() as usize + 1;
    let text = |value: f64| match alike && value.is_finite() {
        true => format!("{value:.*}", 5usize.saturating_sub(before_point)),
        false => score(value),
    };
    values.iter().map(|v| v.map_or(NONE.into(), text)).collect()
}

/// A p-value with four decimals.
pub(crate) fn p_value(p: f64) -> String {
    if !p.is_finite() {
        NONE.into()
    } else if p < 0.00005 {
        "<0.0001".into()
    } else {
        format!("{p:.4}")
    }
}

/// A span of time that no line is broken in.
pub(crate) fn duration(seconds: f64) -> String {
    words::duration(seconds).replace(' ', "\u{a0}")
}

/// Seconds for a column.
pub(crate) fn seconds_cell(seconds: f64) -> String {
    if seconds.is_finite() {
        format!("{seconds:.1}")
    } else {
        NONE.into()
    }
}

/// An RFC 3339 instant in UTC, to the minute; anything else as it is.
pub(crate) fn date(rfc3339: &str) -> String {
    match (rfc3339.get(..10), rfc3339.get(10..11), rfc3339.get(11..16)) {
        (Some(day), Some("T"), Some(time)) if rfc3339.ends_with('Z') => format!("{day} {time} UTC"),
        _ => rfc3339.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearly_one_is_not_shown_as_one() {
        assert_eq!(unit(0.99996), ">0.999");
        assert_eq!(unit(1.0), "1.000");
        assert_eq!(unit(0.00001), "<0.001");
        assert_eq!(unit(0.0), "0.000");
        assert_eq!(unit(f64::NAN), NONE);
    }

    #[test]
    fn scores_of_a_column_align() {
        assert_eq!(
            scores(&[Some(10.2412), None, Some(1.637)]),
            ["10.241", NONE, "1.637"]
        );
        assert_eq!(scores(&[Some(1e9), Some(1.5)]), ["1.000e9", "1.500"]);
        assert_eq!(
            scores(&[Some(f64::INFINITY), Some(-0.25)]),
            [NONE, "-0.2500"]
        );
    }

    #[test]
    fn rates_carry_no_noise() {
        assert_eq!(rate(0.07), "7\u{a0}%");
        assert_eq!(rate(0.001), "0.1\u{a0}%");
        assert_eq!(rate(1.0), "100\u{a0}%");
    }

    #[test]
    fn percentages_keep_useful_digits() {
        assert_eq!(percent(0.0097), "0.97\u{a0}%");
        assert_eq!(percent(0.9534), "95.3\u{a0}%");
    }

    #[test]
    fn durations_stay_on_their_line() {
        assert_eq!(duration(192.4), "3\u{a0}min\u{a0}12\u{a0}s");
    }

    #[test]
    fn dates_are_cut_to_the_minute() {
        assert_eq!(date("2026-03-01T09:30:12Z"), "2026-03-01 09:30 UTC");
        assert_eq!(date("yesterday"), "yesterday");
    }
}
