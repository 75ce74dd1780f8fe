//! The page as a whole, and its parts that are not about one environment.

use maud::{DOCTYPE, Markup, html};

use super::condition::Level;
use super::environment::{Shown, icon};
use super::roster::ShownRoster;
use super::text::{Times, counted, grouped, shown};
use crate::http::document::Reading;
use crate::status::RosterFacts;

/// With so many environments or fewer, all are opened from the start.
const FEW: usize = 3;
/// Of those that are the matter, so many are opened from the start.
const OPEN: usize = 10;
/// Who has no JavaScript may have the page load itself again after so many seconds.
const RELOAD: u64 = 15;

/// Who looks.
pub(super) struct Viewer {
    /// What is looked for, as it was typed.
    pub(super) sought: String,
    /// Whether the page is to load itself again.
    pub(super) reloads: bool,
    /// What the viewer has to do for an order to be taken.
    pub(super) orders: Orders,
}

/// What an order needs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Orders {
    /// Nothing: the browser is on this machine.
    Free,
    /// `ADMIN_TOKEN`.
    WithToken,
    /// It cannot be given from there.
    Never,
}

/// Every environment, in the order of the configuration.
pub(super) fn all<'a>(readings: &'a [Reading<'a>], times: Times) -> Vec<Shown<'a>> {
    readings
        .iter()
        .map(|reading| Shown::new(reading, times))
        .collect()
}

/// One line about all of them.
fn line(environments: &[Shown<'_>], readings: &[Reading<'_>]) -> String {
    let up_to_date = readings.iter().filter(|it| it.health.up_to_date).count();
    let all = counted(environments.len(), "environment");
    format!("{all}, {} up to date", grouped(up_to_date as u64))
}

/// What is said of all of them, with the title of the page.
pub(super) fn summary(environments: &[Shown<'_>], readings: &[Reading<'_>]) -> Markup {
    let line = line(environments, readings);
    let count = |level| environments.iter().filter(|it| it.level == level).count();
    let told = [
        (Level::Trouble, "in trouble"),
        (Level::Attention, "waiting for a decision"),
        (Level::Working, "being worked on"),
    ];
    html! {
        div id="summary" data-title=(title(&line)) {
            p.line { (line) }
            ul {
                @for (level, what) in told {
                    @if count(level) > 0 {
                        li.badge data-level=(level.word()) { (icon(level)) (grouped(count(level) as u64)) " " (what) }
                    }
                }
            }
        }
    }
}

fn title(line: &str) -> String {
    format!("{line} \u{b7} ld-dynamodb-relay")
}

/// The places of the environments, the worst first.
pub(super) fn order(environments: &[Shown<'_>]) -> impl Iterator<Item = usize> {
    let mut order: Vec<_> = (0..environments.len()).collect();
    order.sort_by_key(|&at| (environments[at].level, environments[at].name()));
    order.into_iter()
}

/// The environments, the worst first.
pub(super) fn list(environments: &[Shown<'_>], sought: &str) -> Markup {
    let few = environments.len() <= FEW;
    let opens = |at, it: &Shown<'_>| few || it.level <= Level::Attention && at < OPEN;
    html! {
        div id="environments" {
            @if environments.is_empty() { (nobody()) }
            @for (at, environment) in order(environments).enumerate() {
                @let environment = &environments[environment];
                (environment.markup(opens(at, environment), !environment.is_sought(sought)))
            }
        }
    }
}

/// In the place of environments.
pub(super) fn nobody() -> Markup {
    html! { p { "No environment is known." } }
}

/// The whole page. `live` is where what changes is heard of.
pub(super) fn page(
    readings: &[Reading<'_>],
    roster: &RosterFacts,
    times: Times,
    viewer: &Viewer,
    live: &str,
) -> Markup {
    let environments = all(readings, times);
    let shown_roster = ShownRoster::new(roster, readings.len(), times);
    let sought = shown(viewer.sought.trim()).to_lowercase();
    let found = environments
        .iter()
        .filter(|it| it.is_sought(&sought))
        .count();
    frame(
        &title(&line(&environments, readings)),
        &html! {
            script src="/page.js" defer {}
            @if viewer.reloads { noscript { meta http-equiv="refresh" content=(RELOAD); } }
        },
        &html! {
            h1 { "ld-dynamodb-relay" }
            (summary(&environments, readings))
            div.tools {
                form role="search" method="get" action="/" {
                    label for="search" { "Find an environment" }
                    input type="search" id="search" name="q" value=(viewer.sought) autocomplete="off" spellcheck="false";
                    @if viewer.reloads { input type="hidden" name="reload" value="1"; }
                    button.without-script type="submit" { "Find" }
                    span id="found" role="status" {
                        @if !sought.is_empty() { (grouped(found as u64)) " of " (counted(environments.len(), "environment")) }
                    }
                }
                (orders(viewer.orders))
            }
            p id="live" data-from=(live) { (without_script(viewer)) }
            div id="news" role="status" aria-live="polite" {}
        },
        &html! {
            (shown_roster.markup())
            (list(&environments, &sought))
            div id="answer" role="status" {}
        },
    )
}

fn orders(needs: Orders) -> Markup {
    html! {
        @match needs {
            Orders::Free => {}
            Orders::WithToken => {
                div.token {
                    label for="token" { "ADMIN_TOKEN, for the buttons" }
                    input type="password" id="token" autocomplete="off" spellcheck="false";
                    p.note.without-script { "The token needs JavaScript, or curl with the header Authorization: Bearer." }
                }
            }
            Orders::Never => p.note {
                "The buttons work in a browser on the relay's own machine, or from anywhere once ADMIN_TOKEN is set."
            }
        }
    }
}

fn without_script(viewer: &Viewer) -> Markup {
    let at = |reload: bool| {
        let mut query = vec![];
        if !viewer.sought.is_empty() {
            query.push(format!("q={}", super::text::in_path(&viewer.sought)));
        }
        if reload {
            query.push("reload=1".to_owned());
        }
        if query.is_empty() {
            return "/".to_owned();
        }
        format!("/?{}", query.join("&"))
    };
    html! {
        span.without-script {
            @if viewer.reloads {
                "Without JavaScript this page loads itself again every " (RELOAD) " seconds. "
                a href=(at(false)) { "Stop that" } "."
            } @else {
                "Without JavaScript this page shows how it was when it was opened. "
                a href=(at(false)) { "Load it again" } ", or "
                a href=(at(true)) { "have it load itself again every " (RELOAD) " seconds" } "."
            }
        }
    }
}

/// What an order came to.
pub(super) fn answer(done: bool, text: &str) -> Markup {
    let (title, level) = if done {
        ("Accepted", Level::Good)
    } else {
        ("Not done", Level::Attention)
    };
    frame(
        title,
        &html! {},
        &html! { h1 { "ld-dynamodb-relay" } },
        &html! {
            div.answer data-level=(level.word()) {
                h2 { (icon(level)) (title) }
                p { (shown(text.trim())) }
                p { a href="/" { "Back to the environments" } }
            }
        },
    )
}

fn frame(title: &str, head: &Markup, top: &Markup, main: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                link rel="icon" href="/icon.svg" type="image/svg+xml";
                link rel="stylesheet" href="/page.css";
                (head)
            }
            body {
                a.skip href="#main" { "Skip to the environments" }
                header { (top) }
                main id="main" tabindex="-1" { (main) }
                footer {
                    "ld-dynamodb-relay " (env!("CARGO_PKG_VERSION")) ". The same for programs: "
                    a href="/status" { "/status" } ", " a href="/metrics" { "/metrics" } "."
                }
            }
        }
    }
}
