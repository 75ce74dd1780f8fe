//! One environment on the page. The same for a page that is opened and for one that is open.

use std::sync::Arc;

use maud::{Markup, PreEscaped, html};

use super::condition::{Concern, Level, reasons};
use super::text::{Times, counted, grouped, in_path, lasted, shown, time};
use crate::clock::Moment;
use crate::http::document::{Reading, moment};
use crate::model::{ItemKey, Kind};
use crate::status::{Held, HeldReason, RowChange, SourcePhase, TablePhase, Written};

/// Held or contested items that are listed; how many more there are is told.
pub(super) const MAX_LISTED: usize = 20;

/// What is shown of one environment.
pub(super) struct Shown<'a> {
    reading: &'a Reading<'a>,
    /// Where it is in the configuration: that is its name in the page.
    id: String,
    pub(super) level: Level,
    reasons: Vec<Concern>,
    times: Times,
}

impl<'a> Shown<'a> {
    pub(super) fn new(reading: &'a Reading<'a>, times: Times) -> Self {
        let reasons = reasons(reading);
        Self {
            reading,
            id: format!("env-{}", in_path(&reading.info.name)),
            level: reasons.first().map_or(Level::Good, |it| it.level),
            reasons,
            times,
        }
    }

    pub(super) const fn name(&self) -> &'a Arc<str> {
        &self.reading.info.name
    }

    /// Whether somebody who looks for this finds it; `sought` is in small letters.
    pub(super) fn is_sought(&self, sought: &str) -> bool {
        self.found_by().contains(sought)
    }

    /// What it is found by, in small letters.
    fn found_by(&self) -> String {
        let info = self.reading.info;
        let names = [
            info.project.as_deref(),
            info.environment_key.as_deref(),
            info.project_name.as_deref(),
            info.environment_name.as_deref(),
            self.reading.environment_id(),
        ];
        let words = [&*info.name, &*info.table, &*info.prefix].into_iter();
        let words: Vec<_> = words
            .chain(names.into_iter().flatten())
            .map(shown)
            .collect();
        words.join(" ").to_lowercase()
    }

    /// `open`: whether its details can be seen from the start.
    pub(super) fn markup(&self, open: bool, hidden: bool) -> Markup {
        let label = self.reasons.first().map_or("Up to date", |it| it.label);
        let Self { id, level, .. } = self;
        html! {
            article.environment id=(id) data-level=(level.word()) data-label=(label) data-name=(shown(self.name()))
                data-found-by=(self.found_by()) hidden[hidden] {
                details open[open] {
                    summary id=(format!("{id}-row")) {
                        span.badge { (icon(*level)) (label) }
                        span.who {
                            h2 { bdi { (shown(self.name())) } (self.title()) }
                            span.meta { (self.belongs_to()) }
                        }
                        span.counts { (self.counts()) }
                        span.confirmed { (self.confirmed()) }
                        @if let Some(first) = self.reasons.first() {
                            span.why { (shown(&first.what)) }
                        }
                    }
                    div.inside {
                        (self.what_to_do())
                        (self.halves())
                        (self.figures())
                        (self.changes())
                        (self.held())
                        (self.contested())
                        (self.orders())
                    }
                }
            }
        }
    }

    /// What people call its project and itself at LaunchDarkly.
    fn title(&self) -> Markup {
        let info = self.reading.info;
        let names = [&info.project_name, &info.environment_name];
        let names: Vec<_> = names.into_iter().flatten().collect();
        html! {
            @if !names.is_empty() {
                " " span.title {
                    @for (at, name) in names.iter().enumerate() {
                        @if at > 0 { " / " }
                        bdi { (shown(name)) }
                    }
                }
            }
        }
    }

    fn belongs_to(&self) -> Markup {
        let info = self.reading.info;
        html! {
            @if let Some(project) = &info.project { "project " bdi { (shown(project)) } ", " }
            "table " bdi { (shown(&info.table)) }
            @if !info.prefix.is_empty() { ", prefix " bdi { (shown(&info.prefix)) } }
        }
    }

    fn counts(&self) -> String {
        let counted = |(kind, count): &(Kind, usize)| counted(*count, kind.label());
        let items = &self.reading.facts.items;
        items.iter().map(counted).collect::<Vec<_>>().join(", ")
    }

    fn confirmed(&self) -> Markup {
        html! {
            @if let Some(at) = self.reading.facts.confirmed() {
                "confirmed " (time(at, self.times))
            } @else {
                "not confirmed yet"
            }
        }
    }

    fn what_to_do(&self) -> Markup {
        html! {
            (told(&self.reasons))
            (self.release())
        }
    }

    /// The removals that the brake holds, and the button that lets them go.
    fn release(&self) -> Markup {
        let held = self.reading.facts.braked;
        if held == 0 {
            return html! {};
        }
        let since = self.reading.facts.braked_since();
        let since = since.map(|since| moment(since, self.reading.now));
        let path = in_path(self.name());
        // Another number is another form: who is about to press one does not press the other.
        let id = format!("{}-release-{held}", self.id);
        html! {
            form.order.release id=(id) method="post" action=(format!("/sync/{path}?confirm=removals&count={held}")) {
                button type="submit" id=(format!("{id}-button")) {
                    "Confirm " (counted(held, "removal"))
                    span.unseen { " of " (shown(self.name())) }
                }
                @if let Some(since) = since { " " span.note { "held since " (time(since, self.times)) } }
            }
        }
    }

    fn halves(&self) -> Markup {
        let facts = &self.reading.facts;
        let (source, since) = facts.source;
        let listening = match source {
            SourcePhase::Connecting => "connecting: not everything has been said yet",
            SourcePhase::Connected => "connected, and everything was said",
            SourcePhase::Interrupted => "interrupted: waiting to connect again",
            SourcePhase::Refused => "refused: LaunchDarkly does not take the key",
        };
        let (table, table_since) = facts.table;
        let writing = match table {
            TablePhase::Reading => "reading what the table holds",
            TablePhase::Settled => "settled: all is stored or held by name",
            TablePhase::Writing => "writing what is left",
            TablePhase::Throttled => "throttled: DynamoDB allows it only slowly",
            TablePhase::Unreachable => "unreachable: trying again",
            TablePhase::Misconfigured => "misconfigured: waiting for an operator",
        };
        let when =
            |at: Option<Moment>| at.map_or_else(|| html! { "never" }, |at| time(at, self.times));
        html! {
            div.halves {
                dl {
                    dt { "LaunchDarkly" } dd { (listening) " " span.note { "since " (time(since, self.times)) } }
                    dt { "Last heard" } dd { (when(facts.heard)) }
                }
                dl {
                    dt { "DynamoDB" } dd { (writing) " " span.note { "since " (time(table_since, self.times)) } }
                    dt { "Table last read" } dd { (when(facts.verified)) }
                }
            }
        }
    }

    fn figures(&self) -> Markup {
        let facts = &self.reading.facts;
        let recent = &facts.recent;
        let units = recent.write_units(self.reading.now.monotonic);
        html! {
            dl.figures {
                @for (kind, count) in &facts.items {
                    div { dt { @match kind { Kind::Flag => "Flags", Kind::Segment => "Segments" } } dd { (grouped(*count as u64)) } }
                }
                @match recent.propagation(self.reading.now.monotonic) {
                    Some(took) => {
                        div { dt { "Propagation, p50" } dd { (lasted(took.p50)) } }
                        div { dt { "Propagation, p99" } dd { (lasted(took.p99)) span.note { "of " (counted(took.writes, "write")) ", last hour" } } }
                    }
                    None => { div { dt { "Propagation" } dd { "\u{2013}" span.note { "nothing announced in the last hour" } } } }
                }
                div { dt { "Write units, last hour" } dd { (grouped_units(units)) } }
                div { dt { "Drift repaired" } dd { (grouped(recent.repaired())) span.note { "since the start" } } }
                @if facts.pending > 0 {
                    div { dt { "Left to write" } dd { (grouped(facts.pending as u64)) } }
                }
            }
        }
    }

    fn changes(&self) -> Markup {
        let changes = self.reading.facts.recent.changes();
        if changes.len() == 0 {
            return html! { p.note { "Nothing has been written since the start." } };
        }
        html! {
            table.changes {
                caption { "Last changes" }
                thead { tr { th scope="col" { "Item" } th scope="col" { "Version" } th scope="col" { "Propagation" } th scope="col" { "When" } } }
                tbody { @for change in changes { (self.change(change)) } }
            }
        }
    }

    fn change(&self, change: &Written) -> Markup {
        let versions = match (change.from, change.to) {
            (Some(from), Some(to)) => format!("{from} \u{2192} {to}"),
            (one, other) => other
                .or(one)
                .map_or_else(|| "none".to_owned(), |it| it.to_string()),
        };
        let done = match (change.done, change.from) {
            (RowChange::Stored, None) => "new",
            (done, _) => done.label(),
        };
        html! {
            tr {
                td { (item(&change.key)) }
                td { span.versions { (versions) } " " span.note { (done) } }
                td {
                    @match change.propagation {
                        Some(took) => { (lasted(took)) }
                        None if change.repair => { span.note { "drift repaired" } }
                        None => { span.note { "not announced" } }
                    }
                }
                td { (time(change.at, self.times)) }
            }
        }
    }

    fn held(&self) -> Markup {
        let held = &self.reading.facts.held;
        if held.is_empty() {
            return html! {};
        }
        // Those first that somebody has to act on.
        let mut items: Vec<_> = held.iter().collect();
        items.sort_by_key(|(_, held)| std::cmp::Reverse(held.reason));
        html! {
            table {
                caption { "Held: " (counted(held.len(), "item")) }
                thead { tr { th scope="col" { "Item" } th scope="col" { "Why" } th scope="col" { "Since" } } }
                tbody { @for (key, held) in items.iter().take(MAX_LISTED) { (self.held_item(key, held)) } }
            }
            (more(held.len()))
        }
    }

    fn held_item(&self, key: &ItemKey, held: &Held) -> Markup {
        let why = match held.reason {
            HeldReason::Unconfirmed => "unconfirmed",
            HeldReason::Brake => "brake",
            HeldReason::TooLarge => "too large",
            HeldReason::Malformed => "malformed",
            HeldReason::Failing => "failing",
        };
        let since = moment(held.since, self.reading.now);
        html! {
            tr { td { (item(key)) } td { strong { (why) } ": " (shown(&held.detail)) } td { (time(since, self.times)) } }
        }
    }

    fn contested(&self) -> Markup {
        let contested = &self.reading.facts.contested;
        if contested.is_empty() {
            return html! {};
        }
        html! {
            table {
                caption { "Contested: " (counted(contested.len(), "item")) }
                thead { tr { th scope="col" { "Item" } } }
                tbody { @for key in contested.iter().take(MAX_LISTED) { tr { td { (item(key)) } } } }
            }
            (more(contested.len()))
        }
    }

    fn orders(&self) -> Markup {
        let id = format!("{}-sync", self.id);
        html! {
            form.order.sync id=(id) method="post" action=(format!("/sync/{}", in_path(self.name()))) {
                button type="submit" id=(format!("{id}-button")) {
                    "Look again" span.unseen { " at " (shown(self.name())) }
                }
                " " span.note { "has LaunchDarkly say everything again and reads the table again" }
            }
        }
    }
}

fn item(key: &ItemKey) -> Markup {
    html! { span.kind { (key.kind.label()) } " " bdi.key { (shown(&key.key)) } }
}

/// What is the matter, and what to do.
pub(super) fn told(reasons: &[Concern]) -> Markup {
    html! {
        @if !reasons.is_empty() {
            ul.reasons {
                @for reason in reasons {
                    li data-level=(reason.level.word()) {
                        p { (icon(reason.level)) strong { (shown(&reason.what)) } }
                        p { (reason.to_do) }
                    }
                }
            }
        }
    }
}

pub(super) fn more(count: usize) -> Markup {
    html! { @if count > MAX_LISTED { p.note { "and " (grouped((count - MAX_LISTED) as u64)) " more" } } }
}

/// Units come in halves; hundreds of them are read as a whole.
fn grouped_units(units: f64) -> String {
    if units < 100.0 && units.fract() > 0.0 {
        return format!("{units:.1}");
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a cast from a float saturates, and there are no negative units"
    )]
    let whole = units.round() as u64;
    grouped(whole)
}

/// A shape of its own for each level: colour alone tells nothing.
pub(super) fn icon(level: Level) -> Markup {
    let path = match level {
        Level::Trouble => "M8 1 15 14H1ZM8 6v4M8 12v.5",
        Level::Attention => "M8 1.5 14.5 8 8 14.5 1.5 8ZM8 5v4M8 11v.5",
        Level::Working => "M13 8a5 5 0 1 1-2-4M11 1v3.2H7.8",
        Level::Good => "M2.5 8.5 6.5 12.5 13.5 4",
    };
    html! {
        svg.icon viewBox="0 0 16 16" aria-hidden="true" { path d=(PreEscaped(path)) {} }
    }
}
