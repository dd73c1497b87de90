//! Settings that cannot be out of range: the range is part of the type, for files and for code.

use std::ops::Deref;

use serde::{Deserialize, Serialize};

/// A number of a setting, and the range that it is kept in.
macro_rules! checked {
    ($(#[$doc:meta])* $name:ident($inner:ty = $serde:literal), $expected:literal, |$value:ident| $holds:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
        #[serde(try_from = $serde, into = $serde)]
        pub struct $name($inner);

        #[allow(clippy::manual_range_contains, reason = "`contains` is not const")]
        impl $name {
            /// The range, in words.
            pub const RANGE: &'static str = $expected;

            /// For values that stand in code.
            ///
            /// # Panics
            /// If the value is out of range; at compile time in a constant.
            pub const fn of($value: $inner) -> Self {
                assert!($holds, "a setting out of its range");
                Self($value)
            }

            /// The number.
            pub const fn get(self) -> $inner {
                self.0
            }
        }

        #[allow(clippy::manual_range_contains, reason = "`contains` is not const")]
        impl TryFrom<$inner> for $name {
            type Error = OutOfRange;

            fn try_from($value: $inner) -> Result<Self, OutOfRange> {
                match $holds {
                    true => Ok(Self($value)),
                    false => Err(OutOfRange {
                        found: $value.to_string(),
                        expected: Self::RANGE,
                    }),
                }
            }
        }

        impl From<$name> for $inner {
            fn from(setting: $name) -> Self {
                setting.0
            }
        }
    };
}

checked! {
    /// A share that is never the whole: dropout, a decay.
    Share(f32 = "f32"), "from 0 up to, not including, 1", |v| v >= 0.0 && v < 1.0
}
checked! {
    /// A share of anything between nothing and all.
    Fraction(f32 = "f32"), "from 0 to 1", |v| v >= 0.0 && v <= 1.0
}
checked! {
    /// A number above 0: a learning rate, a spread.
    Positive(f32 = "f32"), "a number above 0", |v| v > 0.0 && v.is_finite()
}
checked! {
    /// The weight of a loss: 0 leaves it out.
    Weight(f32 = "f32"), "0 or more", |v| v >= 0.0 && v.is_finite()
}
checked! {
    /// Numbers that a layer gives, the channels of a map, the length of z.
    Width(usize = "usize"), "from 1 to 65536", |v| v >= 1 && v <= MOST
}
checked! {
    /// Further layers of one width.
    Depth(usize = "usize"), "from 0 to 64", |v| v <= DEEPEST
}
checked! {
    /// How often something is done.
    Count(usize = "usize"), "at least 1", |v| v >= 1
}

/// The widest layer: more would not fit into memory beside another as wide.
const MOST: usize = 1 << 16;

/// Layers one after the other, at most: every one of them takes room on the stack of what walks a network.
const DEEPEST: usize = 64;

/// Widths of hidden layers one after the other, at least `LEAST` of them and at most 64.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<usize>", into = "Vec<usize>")]
pub struct Widths<const LEAST: usize = 0>(Vec<usize>);

impl<const LEAST: usize> Widths<LEAST> {
    /// For widths that stand in code.
    ///
    /// # Panics
    /// If a width is out of range, or there are too few or too many.
    pub fn of(widths: impl Into<Vec<usize>>) -> Self {
        match Self::try_from(widths.into()) {
            Ok(widths) => widths,
            Err(error) => panic!("{error}"),
        }
    }
}

impl<const LEAST: usize> Deref for Widths<LEAST> {
    type Target = [usize];

    fn deref(&self) -> &[usize] {
        &self.0
    }
}

impl<const LEAST: usize> TryFrom<Vec<usize>> for Widths<LEAST> {
    type Error = OutOfRange;

    fn try_from(widths: Vec<usize>) -> Result<Self, OutOfRange> {
        let (found, expected) = if widths.len() < LEAST {
            let expected = "at least one layer: the last is the feature layer";
            (format!("{widths:?}"), expected)
        } else if widths.len() > DEEPEST {
            (format!("{} layers", widths.len()), "at most 64 layers")
        } else if !widths.iter().all(|w| (1..=MOST).contains(w)) {
            let expected = "widths from 1 to 65536, one for each hidden layer";
            (format!("{widths:?}"), expected)
        } else {
            return Ok(Self(widths));
        };
        Err(OutOfRange { found, expected })
    }
}

impl<const LEAST: usize> From<Widths<LEAST>> for Vec<usize> {
    fn from(widths: Widths<LEAST>) -> Self {
        widths.0
    }
}

/// A value that a setting cannot have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found}; expected {expected}")]
pub struct OutOfRange {
    /// The value.
    pub found: String,
    /// The range, in words.
    pub expected: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_for_files_and_for_code() {
        assert!(Share::try_from(0.999).is_ok());
        for bad in [-0.1, 1.0, f32::NAN, f32::INFINITY] {
            assert!(Share::try_from(bad).is_err(), "{bad}");
        }
        for bad in [0.0, -1.0, f32::NAN, f32::INFINITY] {
            assert!(Positive::try_from(bad).is_err(), "{bad}");
        }
        assert!(Weight::try_from(0.0).is_ok() && Weight::try_from(-0.1).is_err());
        assert!(Fraction::try_from(1.0).is_ok() && Fraction::try_from(1.1).is_err());
        assert!(Width::try_from(0).is_err() && Width::try_from(usize::MAX).is_err());
        let error = serde_json::from_str::<Share>("1.5").unwrap_err();
        assert!(error.to_string().starts_with("1.5; expected from 0 up to"));
        assert_eq!(serde_json::to_string(&Share::of(0.5)).unwrap(), "0.5");
        assert!(serde_json::from_str::<Widths>("[]").is_ok());
        let error = serde_json::from_str::<Widths<1>>("[]").unwrap_err();
        assert!(error.to_string().contains("the feature layer"), "{error}");
        let error = serde_json::from_str::<Widths>("[4, 0]").unwrap_err();
        assert!(error.to_string().contains("[4, 0]"), "{error}");
        assert!(Widths::<0>::try_from(vec![4; 64]).is_ok());
        let error = Widths::<0>::try_from(vec![4; 65]).unwrap_err().to_string();
        assert_eq!(error, "65 layers; expected at most 64 layers");
    }
}
