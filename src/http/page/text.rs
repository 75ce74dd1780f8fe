//! Numbers, times and texts of others as people read them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use maud::{Markup, html};

use crate::clock::Moment;

/// Longer keys and messages are cut.
const MAX_SHOWN: usize = 200;
const DAY: u64 = 86_400;

/// Who says how long ago something was.
#[derive(Clone, Copy)]
pub(super) enum Times {
    /// We do: it is this time now.
    At(SystemTime),
    /// The browser does, and goes on doing so.
    InBrowser,
}

/// What others wrote, without what would hide or turn around its surroundings, and not endlessly.
pub(super) fn shown(text: &str) -> String {
    let mut shown = String::new();
    for (at, char) in text.chars().enumerate() {
        if at == MAX_SHOWN {
            shown.push('…');
            break;
        }
        if char.is_control() || turns_direction(char) {
            shown.extend(char.escape_unicode());
        } else {
            shown.push(char);
        }
    }
    shown
}

/// Marks that change the direction of what follows, and those that nobody sees.
const fn turns_direction(char: char) -> bool {
    matches!(char, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// `1 flag`, `5,214 flags`.
pub(super) fn counted(count: usize, one: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{} {one}{ending}", grouped(count as u64))
}

/// `5,214`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `12.3 ms`, `1.24 s`, `8 min 5 s`.
pub(super) fn lasted(took: Duration) -> String {
    let seconds = took.as_secs_f64();
    match took.as_secs() {
        // What would be rounded to the next unit is told in it.
        0 if seconds < 0.999_95 => format!("{:.1} ms", seconds * 1_000.0),
        0..60 if seconds < 59.995 => format!("{seconds:.2} s"),
        _ => match (took + Duration::from_millis(500)).as_secs() {
            whole @ 60..3_600 => format!("{} min {} s", whole / 60, whole % 60),
            whole => about(whole),
        },
    }
}

/// `12 s`, `3 min`, `2 h`, `5 d`.
fn about(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..DAY => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / DAY),
    }
}

/// When something was: how long ago, and the date.
pub(super) fn time(at: Moment, times: Times) -> Markup {
    wall_time(at.wall, times)
}

/// The same of a time that others tell.
pub(super) fn wall_time(at: SystemTime, times: Times) -> Markup {
    let (date, clock) = utc(at);
    let ago = match times {
        Times::At(now) => {
            let ago = now.duration_since(at).unwrap_or_default();
            format!("{} ago", about(ago.as_secs()))
        }
        Times::InBrowser => String::new(),
    };
    html! {
        time datetime=(format!("{date}T{clock}Z")) {
            span.ago { (ago) }
            " "
            span.at { span { (date) } " " span { (clock) " UTC" } }
        }
    }
}

/// Date and time of day in UTC.
fn utc(at: SystemTime) -> (String, String) {
    let seconds = at
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let (year, month, day) = date(seconds / DAY);
    let (hour, minute, second) = (seconds % DAY / 3_600, seconds % 3_600 / 60, seconds % 60);
    (
        format!("{year:04}-{month:02}-{day:02}"),
        format!("{hour:02}:{minute:02}:{second:02}"),
    )
}

/// The date so many days after 1970-01-01. Years begin in March here, so that the leap day is their last.
fn date(days: u64) -> (u64, u64, u64) {
    const CYCLE: u64 = 146_097; // days in 400 years
    let days = days + 719_468; // since 0000-03-01
    let (cycle, day) = (days / CYCLE, days % CYCLE);
    let year = (day - day / 1_460 + day / 36_524 - day / (CYCLE - 1)) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    (cycle * 400 + year + next, month, day)
}

/// A name as a part of a path.
pub(super) fn in_path(name: &str) -> String {
    let mut path = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_~".contains(&byte) {
            path.push(char::from(byte));
        } else {
            path.extend(['%', hex(byte >> 4), hex(byte & 0xf)]);
        }
    }
    path
}

fn hex(digit: u8) -> char {
    char::from(b"0123456789ABCDEF"[usize::from(digit)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_others_are_cut_and_hide_nothing() {
        assert_eq!(shown("dark-mode ✓ ü"), "dark-mode ✓ ü");
        assert_eq!(shown("a\u{202e}b\n\0"), r"a\u{202e}b\u{a}\u{0}");
        let long = shown(&"x".repeat(10_000));
        assert_eq!(long.chars().count(), MAX_SHOWN + 1);
        assert!(long.ends_with('…'));
    }

    #[test]
    fn numbers_are_read_at_a_glance() {
        assert_eq!(counted(1, "flag"), "1 flag");
        assert_eq!(counted(0, "flag"), "0 flags");
        assert_eq!(counted(1_234_567, "flag"), "1,234,567 flags");
        assert_eq!(grouped(999), "999");
        let check = |milliseconds, expect| {
            assert_eq!(lasted(Duration::from_millis(milliseconds)), expect);
        };
        check(12, "12.0 ms");
        check(1_240, "1.24 s");
        check(60_000, "1 min 0 s");
        assert_eq!(about(7_200), "2 h");
        assert_eq!(about(3 * DAY), "3 d");
    }

    #[test]
    fn dates_are_right_in_leap_years_too() {
        let check = |seconds, expect: (&str, &str)| {
            let (date, clock) = utc(UNIX_EPOCH + Duration::from_secs(seconds));
            assert_eq!((&*date, &*clock), expect);
        };
        check(0, ("1970-01-01", "00:00:00"));
        check(951_782_399, ("2000-02-28", "23:59:59"));
        check(951_782_400, ("2000-02-29", "00:00:00"));
        check(1_709_251_199, ("2024-02-29", "23:59:59"));
        check(1_709_251_200, ("2024-03-01", "00:00:00"));
        check(4_107_542_400, ("2100-03-01", "00:00:00"));
        check(1_798_761_599, ("2026-12-31", "23:59:59"));
    }

    #[test]
    fn a_name_stays_one_part_of_a_path() {
        assert_eq!(in_path("production"), "production");
        assert_eq!(in_path("a b/c?d#é."), "a%20b%2Fc%3Fd%23%C3%A9%2E");
    }
}
