//! A curve as a picture that is readable on a light page and on a dark one.

use std::error::Error;
use std::path::Path;

use plotters::prelude::*;
use tta_benches::{Curve, Series};

/// Draws a curve.
///
/// # Panics
///
/// When the file cannot be written.
pub(crate) fn draw(curve: &Curve, path: &Path) {
    if let Err(error) = drawn(curve, path) {
        panic!("failed to draw {}: {error}", path.display());
    }
}

fn drawn(curve: &Curve, path: &Path) -> Result<(), Box<dyn Error>> {
    let area = SVGBackend::new(path, SIZE).into_drawing_area();
    let (xs, ys) = (range(curve, |(x, _)| x), range(curve, |(_, y)| y));
    let label = ("sans-serif", 13).into_font().color(&GREY);
    let mut chart = ChartBuilder::on(&area)
        .caption(curve.title, ("sans-serif", 17).into_font().color(&GREY))
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(70)
        .build_cartesian_2d(
            (xs.0..xs.1).log_scale(),
            (ys.0 * 0.8..ys.1 * 1.25).log_scale(),
        )?;
    chart
        .configure_mesh()
        .disable_mesh()
        .axis_style(GREY)
        .label_style(label.clone())
        .axis_desc_style(label.clone())
        .x_desc(curve.x)
        .y_desc(curve.y)
        .x_label_formatter(&|x| shown(*x))
        .y_label_formatter(&|y| shown(*y))
        .draw()?;
    for (Series { name, points }, colour) in curve.series.iter().zip(COLOURS.iter().cycle()) {
        // No logarithm is taken of what was measured in no round.
        let points: Vec<(f64, f64)> = points.iter().copied().filter(|(_, y)| *y > 0.0).collect();
        let style = colour.stroke_width(if name.starts_with("tta") { 3 } else { 1 });
        chart
            .draw_series(LineSeries::new(points.clone(), style))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
        let dots = points
            .iter()
            .map(|&point| Circle::new(point, 3, colour.filled()));
        chart.draw_series(dots)?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .label_font(label)
        .draw()?;
    area.present()?;
    Ok(())
}

/// From the least to the most of a coordinate, never an empty stretch.
fn range(curve: &Curve, of: impl Fn((f64, f64)) -> f64) -> (f64, f64) {
    let points = curve.series.iter().flat_map(|it| &it.points);
    let values = points.map(|point| of(*point)).filter(|it| *it > 0.0);
    let (least, most) = values.fold((f64::MAX, f64::MIN_POSITIVE), |(least, most), value| {
        (least.min(value), most.max(value))
    });
    if least < most {
        (least, most)
    } else {
        (least * 0.5, least * 2.0)
    }
}

fn shown(value: f64) -> String {
    match value {
        1e3.. => format!("{:.0},000", value / 1e3),
        10.0.. => format!("{value:.0}"),
        _ => format!("{value:.1}"),
    }
}

const SIZE: (u32, u32) = (720, 420);
/// Between black and white, so that it stands out against either.
const GREY: RGBColor = RGBColor(128, 128, 128);
/// Of one lightness, and told apart by those who see no red or no green.
const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(150, 130, 20),
    RGBColor(110, 110, 200),
];
