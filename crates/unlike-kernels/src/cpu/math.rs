//! Elementary functions without branches, so that loops over them vectorise.

use super::simd::Simd;

/// `exp(x)` for `x` in [-87.3, 88.3], within 2 units in the last place; the ends outside.
///
/// `2^n` times a polynomial on `[-ln 2 / 2, ln 2 / 2]` (coefficients of Cephes' `expf`).
#[inline(always)]
pub(crate) fn exp<S: Simd>(x: f32) -> f32 {
    let x = x.clamp(-87.3, 88.3);
    // Adding 1.5 * 2^23 rounds to an integer, which then is in the low bits.
    const MAGIC: f32 = 12_582_912.0;
    let shifted = S::mul_add(x, std::f32::consts::LOG2_E, MAGIC);
    let n = shifted - MAGIC;
    let r = S::mul_add(n, -0.693_359_4, x);
    let r = S::mul_add(n, 2.121_944_4e-4, r);
    let mut p = 1.987_569_1e-4;
    p = S::mul_add(p, r, 1.398_2e-3);
    p = S::mul_add(p, r, 8.333_452e-3);
    p = S::mul_add(p, r, 4.166_579_6e-2);
    p = S::mul_add(p, r, 0.166_666_65);
    p = S::mul_add(p, r, 0.5);
    let p = S::mul_add(p, r * r, r) + 1.0;
    let exponent = shifted
        .to_bits()
        .wrapping_sub(MAGIC.to_bits())
        .wrapping_add(127);
    p * f32::from_bits(exponent << 23)
}

/// `1 / (1 + exp(-x))`
#[inline(always)]
pub(crate) fn sigmoid<S: Simd>(x: f32) -> f32 {
    1.0 / (1.0 + exp::<S>(-x))
}

/// Hyperbolic tangent: an odd polynomial near 0 (coefficients of Cephes' `tanhf`), and
/// `1 - 2 / (exp(2 |x|) + 1)` elsewhere.
#[inline(always)]
pub(crate) fn tanh<S: Simd>(x: f32) -> f32 {
    let size = x.abs();
    let square = x * x;
    let mut p = -5.704_988_7e-3;
    p = S::mul_add(p, square, 2.063_909e-2);
    p = S::mul_add(p, square, -5.373_971_5e-2);
    p = S::mul_add(p, square, 0.133_314_42);
    p = S::mul_add(p, square, -0.333_332_8);
    let near = S::mul_add(p * square, x, x);
    let far = 1.0 - 2.0 / (exp::<S>(2.0 * size) + 1.0);
    if size < 0.625 { near } else { far.copysign(x) }
}

/// `ln(1 + exp(x))`, precise also where it is small.
///
/// `max(x, 0) + ln(1 + u)` with `u = exp(-|x|)`, and `ln(1 + u) = 2 artanh(u / (2 + u))` as a series.
#[inline(always)]
pub(crate) fn softplus<S: Simd>(x: f32) -> f32 {
    let u = exp::<S>(-x.abs());
    let s = u / (2.0 + u);
    let square = s * s;
    let mut p = 1.0 / 15.0;
    p = S::mul_add(p, square, 1.0 / 13.0);
    p = S::mul_add(p, square, 1.0 / 11.0);
    p = S::mul_add(p, square, 1.0 / 9.0);
    p = S::mul_add(p, square, 1.0 / 7.0);
    p = S::mul_add(p, square, 1.0 / 5.0);
    p = S::mul_add(p, square, 1.0 / 3.0);
    let log = 2.0 * S::mul_add(p * square, s, s);
    if x > 0.0 { x + log } else { log }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::simd::Portable;

    /// Largest error relative to the value over a range; infinite where a value is not a number.
    fn worst(f: fn(f32) -> f32, exact: fn(f64) -> f64, from: f32, to: f32) -> f64 {
        let n = 200_000;
        (0..=n)
            .map(|i| from + (to - from) * i as f32 / n as f32)
            .map(|x| {
                let e = exact(f64::from(x));
                let error = (f64::from(f(x)) - e).abs() / e.abs().max(1e-37);
                if error.is_nan() { f64::INFINITY } else { error }
            })
            .fold(0.0, f64::max)
    }

    #[test]
    fn functions_are_precise_to_a_few_units_in_the_last_place() {
        let logistic = |x: f64| 1.0 / (1.0 + (-x).exp());
        let softplus_exact = |x: f64| x.max(0.0) + (-x.abs()).exp().ln_1p();
        assert!(worst(exp::<Portable>, f64::exp, -87.0, 88.0) < 3e-7);
        assert!(worst(sigmoid::<Portable>, logistic, -80.0, 80.0) < 4e-7);
        assert!(worst(tanh::<Portable>, f64::tanh, -20.0, 20.0) < 3e-7);
        assert!(worst(tanh::<Portable>, f64::tanh, -1e-3, 1e-3) < 3e-7);
        assert!(worst(softplus::<Portable>, softplus_exact, -80.0, 80.0) < 4e-7);
        for x in [f32::NEG_INFINITY, f32::INFINITY] {
            assert_eq!(tanh::<Portable>(x), x.signum());
            assert!((sigmoid::<Portable>(x) - f32::from(x > 0.0)).abs() < 1e-37);
        }
        assert!(exp::<Portable>(f32::NAN).is_nan() && tanh::<Portable>(f32::NAN).is_nan());
    }

    #[test]
    fn a_function_that_gives_no_number_is_not_precise() {
        assert_eq!(worst(|_| f32::NAN, f64::exp, 0.0, 1.0), f64::INFINITY);
        let once = |x: f32| if x == 0.5 { f32::NAN } else { x.exp() };
        assert_eq!(worst(once, f64::exp, 0.0, 1.0), f64::INFINITY);
    }
}
