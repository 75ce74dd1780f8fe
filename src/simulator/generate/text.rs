//! The JSON texts of generated flags and segments: as LaunchDarkly composes them, with what trips readers strewn in.

use std::fmt::Write as _;

use super::random::Random;

const WORDS: &[&str] = &[
    "checkout", "search", "banner", "pricing", "signup", "mobile", "billing", "export", "report",
    "theme", "video", "limits", "router", "cache", "alerts", "profile",
];
/// As JSON text: literal astral characters beside escaped ones, escapes that nobody needs, a line separator.
const TEXTS: &[&str] = &[
    r#""plain""#,
    r#""rocket 🚀 literal""#,
    r#""rocket \ud83d\ude80 escaped""#,
    r#""both 🚀\ud83d\ude80""#,
    r#""\u003cb\u003eélise\u003c/b\u003e""#,
    r#""日本語 \u65e5\u672c""#,
    r#""a\/b \u2028 \"quoted\"""#,
    r#""""#,
];
const VALUES: &[&str] = &[
    "1E2",
    "1.0",
    "-0.5",
    "0",
    "9007199254740993",
    "null",
    "[]",
    "{}",
    r#"{"b":1,"a":[1,2.50,null]}"#,
];
/// Attribute, operator, values: pairs that mean the same to every SDK.
const CLAUSES: &[(&str, &str, &str)] = &[
    ("email", "endsWith", r#""@example.test","@example.invalid""#),
    ("name", "startsWith", r#""A","É""#),
    ("name", "contains", r#""li","\u006fb""#),
    ("country", "in", r#""no","de","jp""#),
    ("age", "lessThan", "18"),
    ("age", "greaterThanOrEqual", "65.0"),
    ("beta", "in", "true"),
    ("created", "before", r#""2026-01-01T00:00:00Z""#),
    ("created", "after", "1577836800000"),
    ("version", "semVerLessThan", r#""2.0.0""#),
    ("version", "semVerGreaterThan", r#""3.1.0-beta""#),
    ("key", "matches", r#""^user-[0-9]*[02468]$""#),
    ("/address/city", "in", r#""Oslo""#),
];

/// A flag or segment that grows until it has its size.
pub(super) struct Flag<'a> {
    pub(super) key: &'a str,
    pub(super) version: u64,
    /// As JSON.
    pub(super) prerequisites: &'a str,
    pub(super) segments: &'a [String],
    pub(super) size: usize,
}

impl Flag<'_> {
    /// At least two variations: who has this flag as a prerequisite asks for 0 or 1.
    pub(super) fn write(&self, random: &mut Random) -> String {
        let mut variations = variations(random);
        let count = 2 + variations.matches('\u{1f}').count();
        variations = variations.replace('\u{1f}', ",");
        let salt = random.next();
        let on = !random.one_in(6);
        let fallthrough = serve(random, count);
        let off = if random.one_in(8) {
            "null".into()
        } else {
            random.below(count).to_string()
        };
        let client = random.one_in(3);
        let track = random.one_in(5);
        let future = if random.one_in(3) {
            r#","addedLater":{"ratio":1.50,"of":["\u00e9"]}"#
        } else {
            ""
        };
        let tail = format!(
            r#""fallthrough":{fallthrough},"offVariation":{off},"variations":[{variations}],"clientSideAvailability":{{"usingMobileKey":{client},"usingEnvironmentId":{client}}},"clientSide":{client},"salt":"{salt:032x}","trackEvents":{track},"trackEventsFallthrough":false,"debugEventsUntilDate":null,"version":{version},"deleted":false{future}}}"#,
            version = self.version
        );
        let head = format!(
            r#"{{"key":"{}","on":{on},"prerequisites":{},"#,
            self.key, self.prerequisites
        );
        let room = self.size.saturating_sub(head.len() + tail.len() + 40);
        // Large flags are large because of the people named in them.
        let for_rules = (room / 2).min(6_000);
        let rules = rules(random, for_rules, count, self.segments);
        let (targets, contexts) = targets(random, room.saturating_sub(rules.len()), count);
        format!(
            r#"{head}"targets":[{targets}],"contextTargets":[{contexts}],"rules":[{rules}],{tail}"#
        )
    }
}

/// A segment of about this size.
pub(super) fn segment(random: &mut Random, key: &str, version: u64, size: usize) -> String {
    let room = size.saturating_sub(350);
    let included = people(random, room * 2 / 3);
    let excluded = people(random, room / 8);
    let clause = clause(random, &[]);
    let weight = if random.one_in(3) {
        r#","weight":25000,"bucketBy":"key","rolloutContextKind":"user""#
    } else {
        ""
    };
    let salt = random.next();
    format!(
        r#"{{"key":"{key}","included":[{included}],"excluded":[{excluded}],"includedContexts":[{{"contextKind":"org","values":["org-1","org-7"]}}],"excludedContexts":[],"salt":"{salt:032x}","rules":[{{"id":"rule-0","clauses":[{clause}]{weight}}}],"unbounded":false,"generation":null,"version":{version},"deleted":false}}"#
    )
}

/// A key that is unlike its neighbours.
pub(super) fn key(random: &mut Random, number: usize) -> String {
    let (first, second) = (random.word(WORDS), random.word(WORDS));
    let dot = random.word(&["-", "_", "."]);
    format!("{first}{dot}{second}-{number}")
}

/// Separated by U+001F, which occurs in no value, so that they can be counted.
fn variations(random: &mut Random) -> String {
    match random.below(4) {
        0 | 1 => "true,false".into(),
        2 => {
            let mut texts = format!("{},{}", random.word(TEXTS), random.word(TEXTS));
            for _ in 0..random.below(4) {
                texts.push('\u{1f}');
                texts.push_str(random.word(TEXTS));
            }
            texts
        }
        _ => {
            let mut values = format!("{},{}", random.word(VALUES), random.word(VALUES));
            if random.one_in(2) {
                values.push('\u{1f}');
                values.push_str(random.word(VALUES));
            }
            values
        }
    }
}

/// `{"variation":…}` or `{"rollout":…}`.
fn serve(random: &mut Random, count: usize) -> String {
    if !random.one_in(3) {
        return format!(r#"{{"variation":{}}}"#, random.below(count));
    }
    let share = random.below(100_001);
    let kind = random.word(&["user", "user", "org"]);
    let how = random.word(&[
        "",
        r#","bucketBy":"country""#,
        r#","kind":"rollout","bucketBy":"key""#,
        r#","kind":"experiment","seed":493021785"#,
    ]);
    format!(
        r#"{{"rollout":{{"contextKind":"{kind}","variations":[{{"variation":0,"weight":{share}}},{{"variation":1,"weight":{}}}]{how}}}}}"#,
        100_000 - share
    )
}

fn rules(random: &mut Random, room: usize, count: usize, segments: &[String]) -> String {
    let mut rules = String::new();
    for number in 0.. {
        let clauses = clause(random, segments);
        let more = if random.one_in(3) {
            format!(",{}", clause(random, &[]))
        } else {
            String::new()
        };
        let served = serve(random, count);
        let served = &served[1..served.len() - 1];
        let track = random.one_in(9);
        let rule = format!(
            r#"{{{served},"id":"rule-{number}","clauses":[{clauses}{more}],"trackEvents":{track}}}"#
        );
        if rules.len() + rule.len() > room {
            break;
        }
        if number > 0 {
            rules.push(',');
        }
        rules.push_str(&rule);
    }
    rules
}

fn clause(random: &mut Random, segments: &[String]) -> String {
    let negate = random.one_in(7);
    if let Some(segment) = random.choose(segments)
        && random.one_in(3)
    {
        return format!(
            r#"{{"contextKind":"user","attribute":"","op":"segmentMatch","values":["{segment}"],"negate":{negate}}}"#
        );
    }
    let (attribute, operator, values) =
        random
            .choose(CLAUSES)
            .copied()
            .unwrap_or(("kind", "in", r#""user""#));
    format!(
        r#"{{"contextKind":"user","attribute":"{attribute}","op":"{operator}","values":[{values}],"negate":{negate}}}"#
    )
}

/// `targets` and `contextTargets`.
fn targets(random: &mut Random, room: usize, count: usize) -> (String, String) {
    if room < 150 {
        return (String::new(), String::new());
    }
    let variation = random.below(count);
    let people = people(random, room.saturating_sub(150));
    let contexts = if random.one_in(2) {
        r#",{"contextKind":"org","values":["org-1","org-acme-7"],"variation":0}"#
    } else {
        ""
    };
    (
        format!(r#"{{"values":[{people}],"variation":{variation}}}"#),
        format!(r#"{{"contextKind":"user","values":[],"variation":{variation}}}{contexts}"#),
    )
}

fn people(random: &mut Random, room: usize) -> String {
    let mut people = String::new();
    while people.len() + 16 < room {
        if !people.is_empty() {
            people.push(',');
        }
        let name = random.word(&["user", "user", "user", "élise", "анна", "qa"]);
        let written = write!(people, r#""{name}-{}""#, random.below(100_000));
        debug_assert!(written.is_ok(), "text takes any text");
    }
    people
}
