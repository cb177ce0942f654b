//! Plots as SVG. Nothing that was captured is in them but numbers.

use core::fmt::Write;

use flowscope_core::Timestamp;

use super::counts::Histogram;
use super::series::Series;
use crate::civil;

/// Bars over time, one kind on top of the other.
pub(super) fn over_time<const N: usize>(
    title: &str,
    series: &Series<N>,
    names: &[&str],
    text: impl Fn(u64) -> String,
) -> String {
    let most = series
        .slots
        .iter()
        .map(|slot| slot.iter().sum::<u64>())
        .max();
    let most = most.unwrap_or(0).max(1);
    let slots = series.slots.len().max(1);
    let total: u64 = series.slots.iter().flatten().sum();
    let mut svg = format!(
        "<figure class=\"plot\"><figcaption>{title}: {} in all, at most {} in {}</figcaption>\
         <svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" data-zoom preserveAspectRatio=\"none\" role=\"img\" \
         tabindex=\"0\" aria-label=\"{title}, {} in all, at most {} in {}\">",
        text(total),
        text(most),
        span(series.step),
        text(total),
        text(most),
        span(series.step),
    );
    let width = WIDTH as f64 / slots as f64;
    for (n, slot) in series.slots.iter().enumerate() {
        let sum: u64 = slot.iter().sum();
        if sum == 0 {
            continue;
        }
        let at = series.start().as_nanos() + n as u64 * series.step;
        let x = n as f64 * width;
        let _ = write!(
            svg,
            "<g><title>{}",
            civil::spaced(Timestamp::from_nanos(at))
        );
        for (name, value) in names.iter().zip(slot).filter(|(_, value)| **value > 0) {
            let _ = write!(svg, ", {name} {}", text(*value));
        }
        svg.push_str("</title>");
        let mut below = 0.0;
        for (kind, value) in slot.iter().enumerate() {
            let height = *value as f64 * HEIGHT as f64 / most as f64;
            if height > 0.0 {
                let y = HEIGHT as f64 - below - height;
                let _ = write!(
                    svg,
                    "<rect class=\"k{kind}\" x=\"{x:.2}\" y=\"{y:.2}\" width=\"{width:.2}\" \
                     height=\"{height:.2}\"/>"
                );
            }
            below += height;
        }
        svg.push_str("</g>");
    }
    svg.push_str("</svg>");
    let end = series.start().as_nanos() + slots as u64 * series.step;
    let _ = write!(
        svg,
        "<div class=\"axis\"><span>{}</span><span>{}</span></div>",
        civil::spaced(series.start()),
        civil::spaced(Timestamp::from_nanos(end)),
    );
    if names.len() > 1 {
        svg.push_str("<div class=\"legend\">");
        for (kind, name) in names.iter().enumerate() {
            let sum: u64 = series.slots.iter().filter_map(|slot| slot.get(kind)).sum();
            let _ = write!(svg, "<span class=\"k{kind}\">{name} {}</span>", text(sum));
        }
        svg.push_str("</div>");
    }
    svg.push_str("</figure>");
    svg
}

/// How long things took.
pub(super) fn latencies(title: &str, histogram: &Histogram) -> String {
    if histogram.count == 0 {
        return String::new();
    }
    let used = |count: &u64| *count > 0;
    let first = histogram.slots.iter().position(used).unwrap_or(0);
    let last = histogram.slots.iter().rposition(used).unwrap_or(0);
    let most = histogram.slots.iter().max().copied().unwrap_or(1).max(1);
    let [p50, p95, p99] = [50, 95, 99].map(|it| span(histogram.percentile(it) * 1000));
    let mut svg = format!(
        "<figure class=\"plot\"><figcaption>{title}: {} answers, half of them within {p50}, 95 % \
         within {p95}, 99 % within {p99}</figcaption><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{title}: half within {p50}, 95 % \
         within {p95}, 99 % within {p99}\">",
        histogram.count,
    );
    let width = WIDTH as f64 / (last - first + 1) as f64;
    for slot in first..=last {
        let count = histogram.slots.get(slot).copied().unwrap_or(0);
        if count == 0 {
            continue;
        }
        let height = count as f64 * HEIGHT as f64 / most as f64;
        let x = (slot - first) as f64 * width;
        let y = HEIGHT as f64 - height;
        let (from, to) = (Histogram::begin(slot), Histogram::begin(slot + 1));
        let _ = write!(
            svg,
            "<g><title>{} to {}: {count}</title><rect class=\"k0\" x=\"{x:.2}\" y=\"{y:.2}\" \
             width=\"{width:.2}\" height=\"{height:.2}\"/></g>",
            span(from * 1000),
            span(to * 1000),
        );
    }
    let (from, to) = (Histogram::begin(first), Histogram::begin(last + 1));
    let _ = write!(
        svg,
        "</svg><div class=\"axis\"><span>{}</span><span>{}</span></div></figure>",
        span(from * 1000),
        span(to * 1000),
    );
    svg
}

/// A span of time.
fn span(nanos: u64) -> String {
    let value = nanos as f64;
    for (least, unit) in [(1e9, "s"), (1e6, "ms"), (1e3, "µs")] {
        if value >= least {
            let value = value / least;
            return match value {
                ..9.995 => format!("{value:.2} {unit}"),
                ..99.95 => format!("{value:.1} {unit}"),
                _ => format!("{value:.0} {unit}"),
            };
        }
    }
    format!("{nanos} ns")
}

const WIDTH: u32 = 960;
const HEIGHT: u32 = 160;
