//! What pages are made of: numbers, times, signs, badges, bars. Every page says a thing the same way.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use chrono_tz::Tz;
use maud::{Markup, PreEscaped, html};

use crate::state::{Level, Status, Verdict};

/// A count with its thousands apart: `1,234,567`.
pub fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A size in the unit that leaves one to three digits before the point: `17.2 MiB`.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let mut size = bytes as f64;
    let mut unit = "B";
    for next in UNITS {
        // 1,023.96 would be shown as 1024.0.
        if size < 1023.95 {
            break;
        }
        size /= 1024.0;
        unit = next;
    }
    format!("{size:.1} {unit}")
}

/// A length of time with its two largest units: `3 h 12 min`, `4.2 s`, `87 ms`.
pub fn duration(span: TimeDelta) -> String {
    let millis = span.num_milliseconds().max(0);
    let seconds = millis / 1000;
    match seconds {
        0 => format!("{millis} ms"),
        1..=59 => format!("{seconds}.{} s", millis % 1000 / 100),
        60..=3599 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..=86399 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86400, seconds % 86400 / 3600),
    }
}

/// Microseconds as a length of time; below a millisecond they are shown as they are.
pub fn micros(micros: u64) -> String {
    if micros < 1000 { format!("{micros} µs") } else { duration(TimeDelta::microseconds(i64::try_from(micros).unwrap_or(i64::MAX))) }
}

/// A percentage with at most two decimals, and never one that looks like 100 and is not.
pub fn percent(share: f64) -> String {
    let text = format!("{share:.2}");
    let text = if text == "100.00" && share < 100.0 { "99.99".to_owned() } else { text };
    let short = text.trim_end_matches('0').trim_end_matches('.');
    format!("{short} %")
}

/// An instant, in UTC for people and to the second for machines. Where scripts run, it tells how long ago on top.
pub fn time(at: DateTime<Utc>) -> Markup {
    let exact = at.to_rfc3339_opts(SecondsFormat::Secs, true);
    html! { time datetime=(exact) title=(exact) { (at.format("%Y-%m-%d %H:%M:%S")) } }
}

/// What the clock shows at an instant in the zone that a pipeline keeps its calendar in; nothing where that is UTC.
pub fn local(at: DateTime<Utc>, zone: Tz) -> Markup {
    html! {
        @if zone != Tz::UTC { span.zone { (at.with_timezone(&zone).format("%H:%M")) " in " (zone.name()) } }
    }
}

/// An instant with how far it is from `now`: `2026-11-27 06:00:00 · in 2 h 20 min`.
pub fn time_from(at: DateTime<Utc>, now: DateTime<Utc>) -> Markup {
    let away = at - now;
    let words = if away >= TimeDelta::zero() { format!("in {}", coarse(away)) } else { format!("{} ago", coarse(-away)) };
    html! { (time(at)) " " span.away { (words) } }
}

/// A length of time with its largest unit.
pub fn coarse(span: TimeDelta) -> String {
    let seconds = span.num_seconds().max(0);
    match seconds {
        0..=59 => format!("{seconds} s"),
        60..=3599 => format!("{} min", seconds / 60),
        3600..=172_799 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86400),
    }
}

/// The tone of a badge or a note: a colour that never stands alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// It went as it should.
    Good,
    /// Somebody should look at it.
    Warn,
    /// It went wrong.
    Bad,
    /// It goes on.
    Busy,
    /// Nothing to say.
    Quiet,
}

impl Tone {
    /// Its class in the style sheet.
    pub fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::Busy => "busy",
            Self::Quiet => "quiet",
        }
    }

    /// The sign that says the same as its colour.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Good => "check",
            Self::Warn => "pause",
            Self::Bad => "cross",
            Self::Busy => "dots",
            Self::Quiet => "minus",
        }
    }
}

/// A word with its tone and sign.
pub fn badge(tone: Tone, words: &str) -> Markup {
    html! { span class={ "badge " (tone.class()) } { (icon(tone.sign())) (words) } }
}

/// Says that a run is unlike those before it.
pub fn unusual() -> Markup {
    html! { span.badge.warn { (icon("flag")) "unusual" } }
}

/// The tone of a run's status.
pub fn tone_of(status: Status) -> Tone {
    match status {
        Status::Running => Tone::Busy,
        Status::Loaded => Tone::Good,
        Status::Held => Tone::Warn,
        Status::Failed | Status::Died => Tone::Bad,
        Status::Stopped | Status::Resumed => Tone::Quiet,
    }
}

/// How a run stands.
pub fn status(status: Status) -> Markup {
    badge(tone_of(status), status.name())
}

/// What the gate said.
pub fn verdict(verdict: Option<Verdict>) -> Markup {
    match verdict {
        Some(Verdict::Pass) => badge(Tone::Good, "pass"),
        Some(Verdict::Hold) => badge(Tone::Warn, "hold"),
        None => html! { span.none { "–" } },
    }
}

/// How grave a message is.
pub fn level(level: Level) -> Markup {
    let tone = match level {
        Level::Error => Tone::Bad,
        Level::Warn => Tone::Warn,
        _ => Tone::Quiet,
    };
    html! { span class={ "level " (tone.class()) } { (level.name()) } }
}

/// A bar that is full at 100, with a mark where it has to reach. The number stands beside it, so readers of screens pass it over.
pub fn bar(share: f64, floor: Option<f64>, tone: Tone) -> Markup {
    let width = format!("{:.1}", share.clamp(0.0, 100.0));
    html! {
        svg class={ "bar " (tone.class()) } viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
            rect.track width="100" height="8" {}
            rect.fill width=(width) height="8" {}
            @if let Some(floor) = floor { rect.floor x=(format!("{:.1}", floor.clamp(0.0, 100.0) - 0.4)) width="0.8" height="8" {} }
        }
    }
}

/// A table that scrolls inside its own box where the window is narrower than it: also by the keyboard, so the box has a name.
pub fn table(label: &str, table: &Markup) -> Markup {
    html! { div.table tabindex="0" role="region" aria-label=(label) { (table) } }
}

/// A link to a page, with the rows before it and after it.
pub fn pager(page: u64, has_more: bool, url: impl Fn(u64) -> String) -> Markup {
    if page <= 1 && !has_more {
        return html! {};
    }
    html! {
        nav.pager aria-label="Pages" {
            @if page > 1 { a.button rel="prev" href=(url(page - 1)) { "Newer" } }
            span { "Page " (page) }
            @if has_more { a.button rel="next" href=(url(page + 1)) { "Older" } }
        }
    }
}

/// What is said where there is nothing to show, and what to do about it.
pub fn empty(what: &str, hint: &str) -> Markup {
    html! { div.empty { p.what { (what) } p { (hint) } } }
}

/// The way to a page: the pages above it. The last one is the page itself.
pub fn crumbs(above: &[(&str, &str)]) -> Markup {
    html! {
        nav.crumbs aria-label="Breadcrumb" {
            ol { @for (href, name) in above { li { a href=(href) { (name) } } } }
        }
    }
}

/// A text as a part of a URL's path, or as a value of its query.
pub fn in_url(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            safe.push(char::from(byte));
        } else {
            safe.push_str(&format!("%{byte:02X}"));
        }
    }
    safe
}

/// A sign, drawn with lines in the colour of the text around it. It says nothing that the words beside it do not.
pub fn icon(name: &str) -> Markup {
    let path = match name {
        "chart" => "M3 13V8M8 13V3M13 13V6",
        "table" => "M2.5 3.5h11v9h-11zM2.5 6.5h11M6.5 6.5v6",
        "flow" => "M2.5 4h4v3h-4zM9.5 9h4v3h-4zM6.5 5.5h2.5a1 1 0 0 1 1 1V9",
        "plug" => "M6 2v3M10 2v3M4 5h8v2.5a4 4 0 0 1-8 0zM8 11.5V14",
        "cube" => "M8 2l5.5 3v6L8 14l-5.5-3V5zM2.5 5L8 8l5.5-3M8 8v6",
        "system" => "M8 2.5a5.5 5.5 0 1 0 0 11zM8 2.5a5.5 5.5 0 1 1 0 11",
        "light" => {
            "M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6M8 1.5v1M8 13.5v1M1.5 8h1M13.5 8h1M3.4 3.4l.7.7M11.9 11.9l.7.7M3.4 12.6l.7-.7M11.9 4.1l.7-.7"
        }
        "dark" => "M13 9.5A5.5 5.5 0 1 1 6.5 3a4.5 4.5 0 0 0 6.5 6.5z",
        "leave" => "M6.5 2.5h-4v11h4M6.5 8h7M11 5.5L13.5 8 11 10.5",
        "check" => "M3.5 8.5l3 3 6-7",
        "pause" => "M5.5 3.5v9M10.5 3.5v9",
        "cross" => "M4 4l8 8M12 4l-8 8",
        "dots" => "M3.5 8h.01M8 8h.01M12.5 8h.01",
        "play" => "M5 3.5l7 4.5-7 4.5z",
        "stop" => "M4.5 4.5h7v7h-7z",
        "again" => "M12.5 5.5A5 5 0 1 0 13 9M12.8 2.5v3h-3",
        "clock" => "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11M8 5v3l2 1.5",
        "file" => "M4 2.5h5l3 3v8H4zM9 2.5v3h3",
        "lock" => "M4 7.5h8v6H4zM5.5 7.5v-2a2.5 2.5 0 0 1 5 0v2",
        "flag" => "M4 14V2.5M4 3h7l-1.5 2.5L11 8H4",
        "next" => "M6 3.5L10.5 8 6 12.5",
        _ => "M4 8h8",
    };
    html! {
        svg.icon viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false" { path d=(PreEscaped(path)) {} }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([0, 1023, 1024, 1_048_500, 18_035_671].map(bytes), ["0 B", "1023 B", "1.0 KiB", "1023.9 KiB", "17.2 MiB"]);
        assert_eq!(bytes(u64::MAX), "16384.0 PiB");
        assert_eq!([100.0, 99.999, 87.5, 0.0, 33.333].map(percent), ["100 %", "99.99 %", "87.5 %", "0 %", "33.33 %"]);
    }

    #[test]
    fn lengths_of_time_have_two_units() {
        let spans = [87, 4_230, 61_000, 11_520_000, 180_000_000].map(TimeDelta::milliseconds);
        assert_eq!(spans.map(duration), ["87 ms", "4.2 s", "1 min 1 s", "3 h 12 min", "2 d 2 h"]);
        assert_eq!([120, 1500].map(micros), ["120 µs", "1 ms"]);
        assert_eq!(duration(TimeDelta::seconds(-5)), "0 ms");
    }

    #[test]
    fn an_instant_is_for_people_and_machines() {
        let at = "2026-11-27T06:00:00.25Z".parse().unwrap();
        assert_eq!(
            time(at).into_string(),
            "<time datetime=\"2026-11-27T06:00:00Z\" title=\"2026-11-27T06:00:00Z\">2026-11-27 06:00:00</time>"
        );
        assert_eq!(local(at, Tz::America__Sao_Paulo).into_string(), "<span class=\"zone\">03:00 in America/Sao_Paulo</span>");
        assert_eq!(local(at, Tz::UTC).into_string(), "");
        assert!(time_from(at, at + TimeDelta::hours(3)).into_string().contains("3 h ago"));
        assert!(time_from(at, at - TimeDelta::minutes(3)).into_string().contains("in 3 min"));
    }

    #[test]
    fn no_status_is_told_by_its_colour_alone() {
        for known in Status::ALL {
            let text = status(*known).into_string();
            assert!(text.contains(known.name()) && text.contains("<svg"), "{text}");
        }
    }

    #[test]
    fn text_is_safe_in_a_url() {
        assert_eq!(in_url("a b/ç?&#\"<"), "a%20b%2F%C3%A7%3F%26%23%22%3C");
    }
}
