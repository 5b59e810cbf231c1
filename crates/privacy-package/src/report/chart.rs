//! A small chart of events by day.

use maud::{Markup, html};

use super::texts::{Texts, number};
use crate::survey::Activity;

/// Days of a chart at most: the last ones.
const MOST: usize = 60;
const WIDTH: usize = 720;
const HEIGHT: usize = 120;
const FOOT: usize = 18;

/// The chart, and the same as a table for whoever does not see it.
pub(super) fn by_day(texts: &Texts, activity: &Activity) -> Markup {
    let days: Vec<_> = activity.days.iter().collect();
    html! {
        @if days.len() > 1 { (bars(texts, &days[days.len().saturating_sub(MOST)..])) }
        details {
            summary { (texts.by_day) }
            table {
                thead { tr { th scope="col" { (texts.day) } th.number scope="col" { (texts.count) } } }
                tbody {
                    @for (day, count) in days { tr { th scope="row" { (day) } td.number { (number(*count)) } } }
                    @if activity.other_days > 0 {
                        tr { th scope="row" { (texts.others) } td.number { (number(activity.other_days)) } }
                    }
                }
            }
        }
    }
}

fn bars(texts: &Texts, days: &[(&String, &u64)]) -> Markup {
    let most = days.iter().map(|(_, count)| **count).max().unwrap_or(1).max(1);
    let step = WIDTH / days.len();
    let height = |count: u64| usize::try_from(count.saturating_mul(HEIGHT as u64) / most).unwrap_or(HEIGHT).max(1);
    html! {
        figure {
            figcaption { (texts.by_day) }
            svg viewBox=(format!("0 0 {WIDTH} {}", HEIGHT + FOOT)) role="img" aria-label=(texts.by_day) {
                line x1="0" y1=(HEIGHT) x2=(WIDTH) y2=(HEIGHT) {}
                @for (at, (day, count)) in days.iter().enumerate() {
                    rect x=(at * step + 1) y=(HEIGHT - height(**count)) width=(step.saturating_sub(2).max(1)) height=(height(**count)) {
                        title { (day) ": " (number(**count)) }
                    }
                }
                @if let (Some(first), Some(last)) = (days.first(), days.last()) {
                    text x="0" y=(HEIGHT + FOOT - 4) { (first.0) }
                    text x=(step * days.len()) y=(HEIGHT + FOOT - 4) text-anchor="end" { (last.0) }
                }
            }
        }
    }
}
