//! Values as people write them: durations and sizes carry a unit, switches are true or false.
//!
//! An error completes the sentence "the value ...", and never repeats the value: it may be a secret in the wrong place.

use std::time::Duration;

use reqwest::Url;
use tracing::level_filters::LevelFilter;

type Parsed<T> = Result<T, String>;

const DURATION: &str =
    "is not a duration; write a number with a unit, such as `500ms`, `30s` or `1m30s`";
const SIZE: &str = "is not a size; write a whole number with a unit, such as `64KB` or `128MiB`";

/// Nanoseconds of each unit; of two that match, the longer name comes first.
const DURATION_UNITS: [(&str, u128); 4] = [
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

const SIZE_UNITS: [(&str, u64); 7] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("B", 1),
];

/// `30s`, `1m30s`, `1.5h`, `500ms`, `0`.
pub(super) fn duration(text: &str) -> Parsed<Duration> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let mut rest = text;
    let mut nanos = 0_u128;
    while !rest.is_empty() || text.is_empty() {
        let (part, unit, after) = duration_part(rest).ok_or(DURATION)?;
        let scaled = scale(part, unit).ok_or(DURATION)?;
        nanos = nanos.checked_add(scaled).ok_or(DURATION)?;
        rest = after;
    }
    let nanos = u64::try_from(nanos).map_err(|_| DURATION)?;
    Ok(Duration::from_nanos(nanos))
}

/// A number, its unit, and what follows.
fn duration_part(text: &str) -> Option<(&str, u128, &str)> {
    let end = text.find(|it: char| !it.is_ascii_digit() && it != '.')?;
    let (number, rest) = text.split_at(end);
    let (name, unit) = DURATION_UNITS
        .iter()
        .find(|(name, _)| rest.starts_with(name))?;
    Some((number, *unit, &rest[name.len()..]))
}

fn scale(number: &str, unit: u128) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    // Nine places are a nanosecond of a second: more is no duration that anybody means.
    if whole.len() + fraction.len() == 0 || fraction.len() > 9 || whole.len() > 12 {
        return None;
    }
    let digits: u128 = format!("{whole}{fraction}").parse().ok()?;
    let divisor = 10_u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    Some(digits.checked_mul(unit)? / divisor)
}

/// A duration between two others, both included.
pub(super) fn duration_within(text: &str, least: &str, most: &str) -> Parsed<Duration> {
    let value = duration(text)?;
    if (duration(least)?..=duration(most)?).contains(&value) {
        Ok(value)
    } else {
        Err(format!("is out of range; take {least} to {most}"))
    }
}

/// `64KB`, `128MiB`, `1GiB`.
pub(super) fn size(text: &str) -> Parsed<u64> {
    let end = text.find(|it: char| !it.is_ascii_digit()).ok_or(SIZE)?;
    let (number, name) = text.split_at(end);
    let (_, unit) = SIZE_UNITS
        .iter()
        .find(|(it, _)| name.trim_start().eq_ignore_ascii_case(it))
        .ok_or(SIZE)?;
    let number: u64 = number.parse().map_err(|_| SIZE)?;
    number.checked_mul(*unit).ok_or_else(|| SIZE.to_owned())
}

/// A size between two others, both included.
pub(super) fn size_within(text: &str, least: &str, most: &str) -> Parsed<usize> {
    let value = size(text)?;
    if !(size(least)?..=size(most)?).contains(&value) {
        return Err(format!("is out of range; take {least} to {most}"));
    }
    usize::try_from(value).map_err(|_| SIZE.to_owned())
}

/// `true`, `1`, `false`, `0`.
pub(super) fn boolean(text: &str) -> Parsed<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err("is neither true nor false; write `true` or `false`".to_owned()),
    }
}

/// A log level: `debug`, `info`, `warn`, `error` or `none`. An error completes the sentence "the value ...".
pub fn level(text: &str) -> Result<LevelFilter, String> {
    match text.to_ascii_lowercase().as_str() {
        "debug" => Ok(LevelFilter::DEBUG),
        "info" => Ok(LevelFilter::INFO),
        "warn" => Ok(LevelFilter::WARN),
        "error" => Ok(LevelFilter::ERROR),
        "none" => Ok(LevelFilter::OFF),
        _ => Err("is no log level; take `debug`, `info`, `warn`, `error` or `none`".to_owned()),
    }
}

/// 0 to 65535.
pub(super) fn port(text: &str) -> Parsed<u16> {
    text.parse()
        .map_err(|_| "is not a port; write a number from 0 (any free port) to 65535".to_owned())
}

/// A whole number between two others, both included.
pub(super) fn count(text: &str, least: usize, most: usize) -> Parsed<usize> {
    text.parse()
        .ok()
        .filter(|it| (least..=most).contains(it))
        .ok_or_else(|| format!("is not a whole number from {least} to {most}"))
}

/// A base URL, without the slash at its end. The host that LaunchDarkly used before is replaced by today's.
pub(super) fn base_url(text: &str) -> Parsed<String> {
    let url = http_url(text)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("has a user name or password in it; write the URL without".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("has a query or fragment; write the base URL alone".to_owned());
    }
    let base = url.as_str().trim_end_matches('/');
    Ok(match base {
        "https://app.launchdarkly.com" => "https://sdk.launchdarkly.com".to_owned(),
        _ => base.to_owned(),
    })
}

/// An absolute URL of http or https.
pub(super) fn http_url(text: &str) -> Parsed<Url> {
    let url = Url::parse(text)
        .ok()
        .filter(|it| it.host_str().is_some_and(|host| !host.is_empty()));
    match url {
        Some(url) if matches!(url.scheme(), "http" | "https") => Ok(url),
        _ => Err("is not an absolute URL; write `https://host` or `http://host:port`".to_owned()),
    }
}

/// The URL of a forward proxy, with or without user and password.
pub(super) fn proxy_url(text: &str) -> Parsed<Url> {
    let has_host = |it: &Url| it.host_str().is_some_and(|host| !host.is_empty());
    match Url::parse(text).ok().filter(has_host) {
        Some(url) if matches!(url.scheme(), "http" | "https" | "socks5") => Ok(url),
        _ => Err(
            "is not the URL of a proxy; write `http://host:port`, `https://...` or `socks5://...`, and percent-encode what is \
             special in user and password"
                .to_owned(),
        ),
    }
}

/// DynamoDB's rule for a table's name; an ARN is taken as it is.
pub(super) fn table_name(text: &str) -> Parsed<String> {
    let plain = |it: char| it.is_ascii_alphanumeric() || matches!(it, '_' | '.' | '-');
    let named = (3..=255).contains(&text.len()) && text.chars().all(plain);
    let arn = text.len() <= 1_024
        && text.starts_with("arn:")
        && text.contains(":dynamodb:")
        && text
            .split_once(":table/")
            .is_some_and(|(_, name)| name.len() >= 3 && name.chars().all(plain));
    if named || arn {
        Ok(text.to_owned())
    } else {
        Err(
            "is not a table's name; write 3 to 255 of A-Z a-z 0-9 _ . - or the table's ARN"
                .to_owned(),
        )
    }
}

/// The same where `$CID`, `$PROJ_KEY` and `$ENV_KEY` stand for what LaunchDarkly calls an environment.
pub(super) fn table_template(text: &str) -> Parsed<String> {
    let mut filled = text.to_owned();
    for placeholder in ["$CID", "$PROJ_KEY", "$ENV_KEY"] {
        filled = filled.replace(placeholder, "filled");
    }
    table_name(&filled)?;
    Ok(text.to_owned())
}

/// A partition key, of rows that are no items.
pub(super) fn namespace(text: &str) -> Parsed<String> {
    // Whatever the prefix, the rows of an environment are under one of these.
    let ours = ["features", "segments", "$inited", "$identity"];
    if ours.contains(&text.rsplit_once(':').map_or(text, |(_, name)| name)) {
        return Err("is a namespace of flags and segments, or of what is stored beside them; take another name".to_owned());
    }
    if (1..=2_048).contains(&text.len()) {
        Ok(text.to_owned())
    } else {
        Err("is empty or too long; DynamoDB's keys leave room for 1 to 2,048 bytes".to_owned())
    }
}

/// The longest prefix: the marker's sort key is `PREFIX:$inited`, and DynamoDB allows 1,024 bytes there.
const MAX_PREFIX_BYTES: usize = 1_024 - ":$inited".len();

/// A key or ID as LaunchDarkly gives them to projects and environments.
pub(super) fn launchdarkly_name(text: &str) -> Parsed<String> {
    let plain = |it: char| it.is_ascii_alphanumeric() || matches!(it, '_' | '.' | '-');
    if text.len() <= 256 && text.chars().all(plain) {
        Ok(text.to_owned())
    } else {
        Err(
            "holds characters that no key of LaunchDarkly's has; copy it again from LaunchDarkly"
                .to_owned(),
        )
    }
}

/// A prefix that leaves room for what is put behind it.
pub(super) fn prefix(text: &str) -> Parsed<String> {
    if text.len() <= MAX_PREFIX_BYTES {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "is too long; DynamoDB's keys leave room for {MAX_PREFIX_BYTES} bytes"
        ))
    }
}

/// What every metric's name begins with, with the underscore at its end.
pub(super) fn metrics_prefix(text: &str) -> Parsed<String> {
    let first = |it: char| it.is_ascii_alphabetic() || it == '_';
    let other = |it: char| it.is_ascii_alphanumeric() || it == '_';
    if text.starts_with(first) && text.chars().all(other) {
        Ok(format!("{}_", text.trim_end_matches('_')))
    } else {
        Err("cannot begin a metric's name; take letters, digits and `_`, no digit first".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_carry_units() {
        let millis = |text| duration(text).map(|it| it.as_millis()).ok();
        assert_eq!(millis("500ms"), Some(500));
        assert_eq!(millis("30s"), Some(30_000));
        assert_eq!(millis("1m30s"), Some(90_000));
        assert_eq!(millis("1.5h"), Some(5_400_000));
        assert_eq!(millis("0"), Some(0));
        for wrong in [
            "",
            "30",
            "s",
            "-1s",
            "1m30",
            ".s",
            "1.2.3s",
            "1d",
            "1 s",
            "99999999999999h",
            "é",
            "999999999999h",
        ] {
            assert_eq!(millis(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn durations_keep_to_their_range() {
        assert!(duration_within("100ms", "100ms", "1h").is_ok());
        assert!(duration_within("1h", "100ms", "1h").is_ok());
        assert!(duration_within("99ms", "100ms", "1h").is_err());
        assert!(duration_within("3601s", "100ms", "1h").is_err());
    }

    #[test]
    fn sizes_carry_units() {
        assert_eq!(size("64KB"), Ok(64_000));
        assert_eq!(size("128MiB"), Ok(134_217_728));
        assert_eq!(size("1 gib"), Ok(1 << 30));
        for wrong in ["", "128", "MiB", "1.5MiB", "-1B", "12XB", "99999999999GiB"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn urls_lose_their_last_slash_and_the_old_host() {
        assert_eq!(base_url("https://h/").as_deref(), Ok("https://h"));
        assert_eq!(base_url("http://h:81/a/").as_deref(), Ok("http://h:81/a"));
        assert_eq!(
            base_url("https://app.launchdarkly.com/").as_deref(),
            Ok("https://sdk.launchdarkly.com")
        );
        for wrong in [
            "",
            "h",
            "ftp://h",
            "https://",
            "//h",
            "https://u:p@h",
            "https://h?a=b",
            "h:8000",
        ] {
            assert!(base_url(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn table_names_follow_dynamodb() {
        let longest = "t".repeat(255);
        for right in [
            "abc",
            "A_b.c-9",
            &longest,
            "arn:aws:dynamodb:eu-west-1:123456789012:table/flags",
        ] {
            assert!(table_name(right).is_ok(), "{right}");
        }
        for wrong in [
            "",
            "ab",
            &"t".repeat(256),
            "a b c",
            "flags$",
            "arn:aws:s3:::flags",
            "arn:aws:dynamodb:x:1:table/",
        ] {
            assert!(table_name(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn prefixes_leave_room_for_the_marker() {
        assert!(prefix(&"p".repeat(1_016)).is_ok());
        assert!(prefix(&"p".repeat(1_017)).is_err());
    }

    #[test]
    fn launchdarklys_names_have_few_characters() {
        for right in ["production", "my.Project_2-x", "5f00c0ffee00112233445566"] {
            assert!(launchdarkly_name(right).is_ok(), "{right}");
        }
        for wrong in ["my project", "caf\u{e9}", "a/b", &"k".repeat(257)] {
            assert!(launchdarkly_name(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn metric_prefixes_end_with_one_underscore() {
        assert_eq!(metrics_prefix("ld").as_deref(), Ok("ld_"));
        assert_eq!(metrics_prefix("ld_").as_deref(), Ok("ld_"));
        for wrong in ["", "9ld", "l-d", "l.d"] {
            assert!(metrics_prefix(wrong).is_err(), "{wrong}");
        }
    }
}
