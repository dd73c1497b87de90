//! Charts as SVG, drawn by plotters and coloured by the page's style sheet.
//!
//! plotters places everything on whole units, so a chart is drawn [`DETAIL`] times larger than it
//! is shown. Every colour is one of [`Ink`]'s; the style sheet finds elements by their colour and
//! replaces it, which gives light, dark and printed charts from one drawing.

mod axis;
mod curves;
mod histogram;
mod parts;
mod training;

use plotters::{
    chart::ChartBuilder,
    drawing::{DrawingAreaErrorKind, IntoDrawingArea},
    element::{Circle, PathElement, Polygon, Text},
    prelude::SVGBackend,
    style::{
        Color, FontFamily, RGBColor, ShapeStyle, TRANSPARENT, TextStyle,
        text_anchor::{HPos, Pos, VPos},
    },
};
use unlike_core::{Error, Result};

use axis::Axis;
pub(crate) use curves::{precision_recall, roc, roc_log};
pub(crate) use histogram::{histogram_counts, histogram_shares};
pub(crate) use parts::parts;
pub(crate) use training::{held_out, losses, monitors};

/// Drawing units per unit of the page.
const DETAIL: i32 = 4;
/// Points closer than this to the last one drawn are skipped; half a unit of the page.
const THIN: i32 = DETAIL / 2;
const FONT: f64 = 12.5;

/// A colour with a meaning. The palette is Okabe and Ito's, which people with colour-blindness can
/// tell apart; the style sheet gives baselines different dashes too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    Text,
    Axis,
    Grid,
    Blue,
    Vermilion,
    Orange,
    Green,
    Purple,
    Grey,
    Mark,
}

impl Ink {
    /// For the curves of baselines, in order.
    const OTHERS: [Self; 4] = [Self::Orange, Self::Green, Self::Purple, Self::Grey];

    fn rgb(self) -> RGBColor {
        match self {
            Self::Text => RGBColor(0x55, 0x5D, 0x66),
            Self::Axis => RGBColor(0x9A, 0xA2, 0xAB),
            Self::Grid => RGBColor(0xE4, 0xE7, 0xEB),
            Self::Blue => RGBColor(0x00, 0x72, 0xB2),
            Self::Vermilion => RGBColor(0xD5, 0x5E, 0x00),
            Self::Orange => RGBColor(0xE6, 0x9F, 0x00),
            Self::Green => RGBColor(0x00, 0x9E, 0x73),
            Self::Purple => RGBColor(0xCC, 0x79, 0xA7),
            Self::Grey => RGBColor(0x6F, 0x76, 0x7E),
            Self::Mark => RGBColor(0x1F, 0x24, 0x29),
        }
    }

    /// As plotters writes it, for legends.
    pub(crate) fn hex(self) -> String {
        let RGBColor(r, g, b) = self.rgb();
        format!("#{r:02X}{g:02X}{b:02X}")
    }
}

/// A drawing with its legend; the legend's texts are the users' and not yet escaped.
pub(crate) struct Drawn {
    pub(crate) svg: String,
    pub(crate) legend: Vec<Key>,
}

pub(crate) struct Key {
    pub(crate) text: String,
    pub(crate) color: String,
    pub(crate) mark: &'static str,
}

impl Key {
    fn line(text: impl Into<String>, ink: Ink) -> Self {
        Self {
            text: text.into(),
            color: ink.hex(),
            mark: "line",
        }
    }

    fn area(text: impl Into<String>, ink: Ink) -> Self {
        Self {
            text: text.into(),
            color: ink.hex(),
            mark: "area",
        }
    }

    fn dot(text: impl Into<String>, ink: Ink) -> Self {
        Self {
            text: text.into(),
            color: ink.hex(),
            mark: "dot",
        }
    }
}

/// How large a chart is shown, in units of the page.
#[derive(Clone, Copy)]
enum Size {
    Wide,
    Half,
}

impl Size {
    fn pixels(self) -> (i32, i32) {
        match self {
            Self::Wide => (860, 308),
            Self::Half => (420, 308),
        }
    }
}

/// What is drawn, in data coordinates, from back to front.
enum Layer {
    Area {
        points: Vec<[f64; 2]>,
        ink: Ink,
        opacity: f64,
    },
    Line {
        points: Vec<[f64; 2]>,
        ink: Ink,
        width: f64,
    },
    Dots {
        points: Vec<[f64; 2]>,
        ink: Ink,
        radius: f64,
    },
    /// Text above the end of a vertical line; to its left if the line is in the right half.
    Note { x: f64, text: String, ink: Ink },
}

struct Chart {
    size: Size,
    /// Said aloud in place of the drawing; must not hold users' texts.
    alt: String,
    x: Axis,
    y: Axis,
    layers: Vec<Layer>,
}

impl Chart {
    fn svg(&self) -> Result<String> {
        let mut svg = String::new();
        self.draw(&mut svg)
            .map_err(|e| Error::io("draw", "chart.svg")(std::io::Error::other(e.to_string())))?;
        // plotters gives the drawing a fixed size; the page decides on it instead.
        let (width, height) = self.size.pixels();
        let class = match self.size {
            Size::Wide => "wide",
            Size::Half => "half",
        };
        let body = svg.split_once('>').map_or("", |(_, body)| body);
        Ok(format!(
            "<svg class=\"chart {class}\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">{}",
            width * DETAIL,
            height * DETAIL,
            self.alt,
            body.replace(" opacity=\"1\"", "").replace(" \"/>", "\"/>")
        ))
    }

    fn draw(&self, svg: &mut String) -> Result<(), DrawingAreaErrorKind<std::io::Error>> {
        let (width, height) = self.size.pixels();
        let unit = |pixels: f64| (pixels * f64::from(DETAIL)).round() as i32;
        let area =
            SVGBackend::with_string(svg, (unit(width.into()) as u32, unit(height.into()) as u32))
                .into_drawing_area();
        let mut chart = ChartBuilder::on(&area)
            .margin_top(unit(34.0))
            .margin_right(unit(18.0))
            .margin_bottom(unit(22.0))
            .x_label_area_size(unit(20.0))
            .y_label_area_size(unit(52.0))
            .build_cartesian_2d(self.x.coordinates(), self.y.coordinates())?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(stroke(Ink::Grid, 1.0))
            .axis_style(stroke(Ink::Axis, 1.0))
            .set_all_tick_mark_size(unit(4.0))
            .label_style(lettering(Ink::Text))
            .x_label_formatter(&|v| self.x.label(*v))
            .y_label_formatter(&|v| self.y.label(*v))
            .draw()?;
        // Axis titles stand level: above the vertical axis and below the horizontal one.
        area.draw(&Text::new(
            self.y.title.as_str(),
            (unit(2.0), unit(2.0)),
            lettering(Ink::Text).pos(Pos::new(HPos::Left, VPos::Top)),
        ))?;
        area.draw(&Text::new(
            self.x.title.as_str(),
            (
                unit((f64::from(width) + 46.0 - 14.0) / 2.0),
                unit(f64::from(height) - 16.0),
            ),
            lettering(Ink::Text).pos(Pos::new(HPos::Center, VPos::Top)),
        ))?;
        for layer in &self.layers {
            let place = |points: &[[f64; 2]]| -> Vec<(f64, f64)> {
                points.iter().filter_map(|p| self.place(*p)).collect()
            };
            let thin = |points: Vec<(f64, f64)>| thinned(points, |p| chart.backend_coord(p));
            match layer {
                Layer::Area {
                    points,
                    ink,
                    opacity,
                } => {
                    let points = thin(place(points));
                    chart.draw_series([Polygon::new(points, ink.rgb().mix(*opacity).filled())])?;
                }
                Layer::Line { points, ink, width } => {
                    let points = thin(place(points));
                    chart.draw_series([PathElement::new(points, stroke(*ink, *width))])?;
                }
                Layer::Dots {
                    points,
                    ink,
                    radius,
                } => {
                    let dot = |p| Circle::new(p, unit(*radius), ink.rgb().filled());
                    chart.draw_series(place(points).into_iter().map(dot))?;
                }
                Layer::Note { x, text, ink } => {
                    let Some(at) = self.x.place(*x) else { continue };
                    let right = at > 0.5 * (self.x.low + self.x.high);
                    let side = if right { HPos::Right } else { HPos::Left };
                    let (x, y) = chart.backend_coord(&(at, self.y.high));
                    let y = y - unit(2.0);
                    let style = lettering(*ink).pos(Pos::new(side, VPos::Bottom));
                    area.draw(&Text::new(text.as_str(), (x, y), style))?;
                }
            }
        }
        area.present()
    }

    /// Where a point lies on the axes, at the edge if it is outside; `None` if it is not finite.
    fn place(&self, [x, y]: [f64; 2]) -> Option<(f64, f64)> {
        Some((self.x.place(x)?, self.y.place(y)?))
    }
}

fn stroke(ink: Ink, width: f64) -> ShapeStyle {
    ink.rgb()
        .stroke_width((width * f64::from(DETAIL)).round() as u32)
}

fn lettering(ink: Ink) -> TextStyle<'static> {
    // plotters' SVG text comes out at size / 1.24.
    let size = FONT * 1.24 * f64::from(DETAIL);
    TextStyle {
        color: ink.rgb().to_backend_color(),
        ..(FontFamily::SansSerif, size).into()
    }
}

/// Leaves out points that lie within [`THIN`] of the last one kept; the ends stay.
fn thinned(points: Vec<(f64, f64)>, pixel: impl Fn(&(f64, f64)) -> (i32, i32)) -> Vec<(f64, f64)> {
    let mut kept: Vec<(f64, f64)> = Vec::new();
    let mut last: Option<(i32, i32)> = None;
    let n = points.len();
    for (i, point) in points.into_iter().enumerate() {
        let at = pixel(&point);
        let far = |l: (i32, i32)| (at.0 - l.0).abs().max((at.1 - l.1).abs()) > THIN;
        if i + 1 == n || last.is_none_or(far) {
            last = Some(at);
            kept.push(point);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_keeps_the_ends_and_drops_what_nobody_sees() {
        let dense: Vec<(f64, f64)> = (0..=100_000).map(|i| (f64::from(i) / 1e5, 0.0)).collect();
        let kept = thinned(dense, |p| ((p.0 * 900.0) as i32, 0));
        assert!(kept.len() <= 302, "{}", kept.len());
        assert_eq!((kept[0].0, kept[kept.len() - 1].0), (0.0, 1.0));
    }

    #[test]
    fn the_style_sheet_knows_every_colour() {
        let style = include_str!("../../templates/style.css");
        let inks = [
            Ink::Text,
            Ink::Axis,
            Ink::Grid,
            Ink::Blue,
            Ink::Vermilion,
            Ink::Green,
            Ink::Mark,
        ];
        for ink in inks.into_iter().chain(Ink::OTHERS) {
            let rule = format!("[stroke=\"{}\"]", ink.hex());
            assert!(style.contains(&rule), "{ink:?}: {rule}");
        }
    }
}
