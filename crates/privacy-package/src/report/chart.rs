//! A small chart of events by day.

use std::collections::BTreeMap;

use jiff::{ToSpan, civil::Date};
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
    let shown = filled(&activity.days);
    html! {
        @if shown.len() > 1 { (bars(texts, &shown)) }
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

/// The last days up to the last one with events; those without any in between, too.
fn filled(days: &BTreeMap<String, u64>) -> Vec<(String, u64)> {
    let dates = days.keys().filter_map(|day| day.parse::<Date>().ok());
    let (Some(first), Some(last)) = (dates.clone().min(), dates.max()) else { return Vec::new() };
    let back = i64::try_from(MOST - 1).unwrap_or(0);
    let first = last.checked_sub(back.days()).map_or(first, |earliest| first.max(earliest));
    let all = first.series(1.day()).take(MOST).take_while(|day| *day <= last).map(|day| day.to_string());
    all.map(|day| (days.get(&day).copied().unwrap_or(0), day)).map(|(count, day)| (day, count)).collect()
}

fn bars(texts: &Texts, days: &[(String, u64)]) -> Markup {
    let most = days.iter().map(|(_, count)| *count).max().unwrap_or(1).max(1);
    let step = WIDTH / days.len();
    // A day with events is seen, however few they are.
    let height = |count: u64| match count {
        0 => 0,
        _ => usize::try_from(count.saturating_mul(HEIGHT as u64) / most).unwrap_or(HEIGHT).max(1),
    };
    html! {
        figure {
            figcaption { (texts.by_day) }
            svg viewBox=(format!("0 0 {WIDTH} {}", HEIGHT + FOOT)) role="img" aria-label=(texts.by_day) {
                line x1="0" y1=(HEIGHT) x2=(WIDTH) y2=(HEIGHT) {}
                @for (at, (day, count)) in days.iter().enumerate() {
                    rect x=(at * step + 1) y=(HEIGHT - height(*count)) width=(step.saturating_sub(2).max(1)) height=(height(*count)) {
                        title { (day) ": " (number(*count)) }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_without_events_are_days_too_and_the_last_ones_are_shown() {
        let days =
            |list: &[(&str, u64)]| filled(&list.iter().map(|(day, count)| ((*day).to_owned(), *count)).collect());
        assert_eq!(days(&[]), []);
        let shown = days(&[("2026-02-27", 3), ("2026-03-02", 1)]);
        let expected = [("2026-02-27", 3), ("2026-02-28", 0), ("2026-03-01", 0), ("2026-03-02", 1)];
        assert_eq!(shown, expected.map(|(day, count)| (day.to_owned(), count)));
        let long = days(&[("1999-01-01", 3), ("2026-03-02", 1)]);
        assert_eq!((long.len(), long[0].1, long[MOST - 1].1), (MOST, 0, 1));
        assert_eq!(days(&[("9999-12-31", 1), ("-009999-01-01", 1)]).len(), MOST);
    }
}
