//! Colours for anomaly maps: from dark violet through red and orange to light yellow.

use std::sync::LazyLock;

/// Entries of the table.
const STEPS: usize = 256;

static COLOURS: LazyLock<Vec<[u8; 3]>> = LazyLock::new(|| {
    let last = (STEPS - 1) as f64;
    (0..STEPS).map(|i| colour(i as f64 / last)).collect()
});

/// The colour of a value in [0, 1]; what is outside gets the colour of the nearest end.
pub fn heat(value: f32) -> [u8; 3] {
    // A NaN becomes 0.
    COLOURS[(value.clamp(0.0, 1.0) * (STEPS - 1) as f32).round() as usize]
}

/// Lightness rises evenly from 4 to 94, so that equal steps look equally large, in print and to the
/// colour-blind too; the hue turns from violet to yellow by way of red. In CIE L*C*h, with the
/// chroma cut to what a screen can show.
fn colour(value: f64) -> [u8; 3] {
    let lightness = 4.0 + 90.0 * value;
    let hue = (300.0 + 160.0 * value).to_radians();
    let shown = |chroma: f64| screen(lightness, chroma * hue.cos(), chroma * hue.sin());
    // Dark colours stay close to black.
    let most = (300.0 * value).min(85.0) as u32;
    (0..=most)
        .rev()
        .find_map(|chroma| shown(f64::from(chroma)))
        .unwrap_or_default()
}

/// From CIE L*a*b* (white point D65) to sRGB (IEC 61966-2-1); `None` outside of what it can show.
fn screen(lightness: f64, a: f64, b: f64) -> Option<[u8; 3]> {
    const WHITE: [f64; 3] = [0.950_47, 1.0, 1.088_83];
    let fy = (lightness + 16.0) / 116.0;
    let inverse = |f: f64| match f > 6.0 / 29.0 {
        true => f.powi(3),
        false => 3.0 * (6.0_f64 / 29.0).powi(2) * (f - 4.0 / 29.0),
    };
    let [x, y, z] = [
        WHITE[0] * inverse(fy + a / 500.0),
        WHITE[1] * inverse(fy),
        WHITE[2] * inverse(fy - b / 200.0),
    ];
    let linear = [
        3.240_45 * x - 1.537_14 * y - 0.498_53 * z,
        -0.969_27 * x + 1.876_01 * y + 0.041_56 * z,
        0.055_64 * x - 0.204_03 * y + 1.057_23 * z,
    ];
    let inside = linear.iter().all(|v| (-1e-4..=1.0 + 1e-4).contains(v));
    inside.then(|| linear.map(encode))
}

/// The transfer curve of sRGB.
fn encode(linear: f64) -> u8 {
    let value = match linear.clamp(0.0, 1.0) {
        v if v <= 0.003_130_8 => 12.92 * v,
        v => 1.055 * v.powf(1.0 / 2.4) - 0.055,
    };
    (255.0 * value).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lightness_rises_at_every_step_and_the_ends_are_dark_and_light() {
        let luminance = |[r, g, b]: [u8; 3]| {
            let linear = |v: u8| match f64::from(v) / 255.0 {
                v if v <= 0.040_45 => v / 12.92,
                v => ((v + 0.055) / 1.055_f64).powf(2.4),
            };
            0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
        };
        // Every fourth: single steps are lost in rounding to 8 bits.
        let all: Vec<f64> = (0..=63).map(|i| luminance(heat(i as f32 / 63.0))).collect();
        assert!(all.windows(2).all(|w| w[0] < w[1]), "{all:?}");
        assert!(all[0] < 0.01 && all[63] > 0.8, "{} {}", all[0], all[63]);
        assert_eq!(heat(7.0), heat(1.0));
        assert_eq!(heat(f32::NAN), heat(0.0));
    }

    #[test]
    fn white_and_black_are_white_and_black() {
        assert_eq!(screen(100.0, 0.0, 0.0), Some([255; 3]));
        assert_eq!(screen(0.0, 0.0, 0.0), Some([0; 3]));
        assert_eq!(screen(50.0, 200.0, 0.0), None);
    }
}
