//! What a signed body comes to: whom it wakes. A function of values, and of what was here before.

use std::time::Duration;

use tokio::time::Instant;

use super::deduplicator::Deduplicator;
use crate::clock::Moment;
use crate::model::Digest;
use crate::webhook::{About, Addressee, Hook, Subject, Unreadable, WebhookResult, matching};

/// A signed body on its way.
pub(super) struct Delivery<'a> {
    /// Every environment that there is.
    pub(super) addressees: &'a [Addressee<'a>],
    /// Those of them that it may wake: its signature is by one of their secrets.
    pub(super) signed: &'a [usize],
    /// Whether the path names the one.
    pub(super) is_named: bool,
    /// The signature as it came.
    pub(super) signature: &'a [u8],
    /// What is dated longer ago wakes nobody.
    pub(super) max_age: Duration,
    /// When it came.
    pub(super) now: Moment,
}

/// An environment that is to be woken, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wake {
    /// Its place in the list.
    pub(super) environment: usize,
    /// What may have changed.
    pub(super) about: About,
    /// When it did.
    pub(super) happened: Instant,
}

impl Delivery<'_> {
    /// What becomes of it, and whom it wakes.
    pub(super) fn deliver(
        &self,
        hook: Result<Hook, Unreadable>,
        deduplicator: &mut Deduplicator,
    ) -> (WebhookResult, Vec<Wake>) {
        let id = hook.as_ref().ok().and_then(|hook| hook.id.as_deref());
        if !deduplicator.is_new(self.digest(id), self.now.monotonic) {
            return (WebhookResult::Duplicate, Vec::new());
        }
        let Ok(hook) = hook else {
            let wakes = self.signed.iter();
            let wakes = wakes.map(|it| wake(*it, &About::Everything, self.now.monotonic));
            return (WebhookResult::Unreadable, wakes.collect());
        };
        // A date in the future is a clock's mistake, theirs or ours: it counts as now.
        let age = hook
            .date
            .and_then(|date| self.now.wall.duration_since(date).ok());
        let age = age.unwrap_or_default();
        if age > self.max_age {
            return (WebhookResult::Late, Vec::new());
        }
        if hook.subjects.is_empty() {
            return (WebhookResult::Ignored, Vec::new());
        }
        let happened = self.now.monotonic.checked_sub(age);
        let wakes = self.wakes(&hook.subjects, happened.unwrap_or(self.now.monotonic));
        let result = if wakes.is_empty() {
            WebhookResult::Unmatched
        } else {
            WebhookResult::Woken
        };
        (result, wakes)
    }

    /// Its id, or the signature where it has none, and whom it may wake: one change may be announced by several
    /// webhooks, each for environments of its own, and these are no duplicates of one another.
    fn digest(&self, id: Option<&str>) -> Digest {
        // By name: places change when environments come and go.
        let signed = self.signed.iter().map(|at| self.addressees[*at].name);
        let signed = signed.collect::<Vec<_>>().join("\0");
        // The same signature in other letters is the same.
        let signature = self.signature.to_ascii_lowercase();
        Digest::of_attributes([
            match id {
                Some(id) => ("id", 'S', id.as_bytes()),
                None => ("id", 'B', &*signature),
            },
            ("named", 'B', &[u8::from(self.is_named)]),
            ("signed", 'B', signed.as_bytes()),
        ])
    }

    fn wakes(&self, subjects: &[Subject], happened: Instant) -> Vec<Wake> {
        let mut wakes = Vec::new();
        for subject in subjects {
            let meant = if self.is_named {
                // The path says whom, the body only what.
                self.signed.to_vec()
            } else {
                matching(subject, self.addressees)
            };
            let meant = meant.into_iter().filter(|it| self.signed.contains(it));
            wakes.extend(meant.map(|it| wake(it, &subject.about, happened)));
        }
        wakes
    }
}

fn wake(environment: usize, about: &About, happened: Instant) -> Wake {
    Wake {
        environment,
        about: about.clone(),
        happened,
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::model::ItemKey;
    use crate::webhook::Which;

    const SHOP: Addressee<'_> = addressee("production", Some("shop"), None);
    const STAGING: Addressee<'_> = addressee("staging", Some("shop"), None);
    const OTHER: Addressee<'_> = addressee("other", Some("bank"), Some("production"));
    const ADDRESSEES: [Addressee<'_>; 3] = [SHOP, STAGING, OTHER];
    const ALL: &[usize] = &[0, 1, 2];

    const fn addressee<'a>(
        name: &'a str,
        project: Option<&'a str>,
        environment: Option<&'a str>,
    ) -> Addressee<'a> {
        Addressee {
            name,
            project,
            environment,
        }
    }

    fn now() -> Moment {
        Moment {
            monotonic: Instant::now() + Duration::from_hours(1),
            wall: SystemTime::UNIX_EPOCH + Duration::from_hours(1),
        }
    }

    fn signed_by(signed: &[usize], now: Moment) -> Delivery<'_> {
        Delivery {
            addressees: &ADDRESSEES,
            signed,
            is_named: false,
            signature: b"00ff",
            max_age: Duration::from_mins(5),
            now,
        }
    }

    fn about(environment: Which, about: About) -> Hook {
        Hook {
            id: None,
            date: None,
            subjects: vec![Subject {
                project: Some("shop".to_owned()),
                environment,
                about,
            }],
        }
    }

    fn flag() -> Hook {
        let item = About::Item(ItemKey::flag("a"));
        about(Which::Named("production".to_owned()), item)
    }

    fn every() -> Hook {
        about(Which::Every, About::Everything)
    }

    /// What becomes of the first webhook ever, and which environments it wakes.
    fn check(delivery: &Delivery<'_>, hook: Hook, expect: WebhookResult, woken: &[usize]) {
        let (result, wakes) = delivery.deliver(Ok(hook), &mut Deduplicator::default());
        let environments: Vec<_> = wakes.iter().map(|it| it.environment).collect();
        assert_eq!((result, &*environments), (expect, woken));
    }

    #[test]
    fn the_body_says_whom_it_wakes_among_those_whose_secret_signed() {
        let now = now();
        check(&signed_by(ALL, now), flag(), WebhookResult::Woken, &[0]);
        check(&signed_by(ALL, now), every(), WebhookResult::Woken, &[0, 1]);
        check(&signed_by(&[1], now), every(), WebhookResult::Woken, &[1]);
        check(&signed_by(&[1], now), flag(), WebhookResult::Unmatched, &[]);
        check(
            &signed_by(&[2], now),
            every(),
            WebhookResult::Unmatched,
            &[],
        );
        check(&signed_by(&[], now), every(), WebhookResult::Unmatched, &[]);
        let nothing = Hook {
            subjects: Vec::new(),
            ..flag()
        };
        check(&signed_by(ALL, now), nothing, WebhookResult::Ignored, &[]);
    }

    #[test]
    fn the_path_says_whom_and_the_body_what() {
        let now = now();
        let named = Delivery {
            is_named: true,
            ..signed_by(&[2], now)
        };
        let (result, wakes) = named.deliver(Ok(flag()), &mut Deduplicator::default());
        let item = About::Item(ItemKey::flag("a"));
        assert_eq!(result, WebhookResult::Woken);
        assert_eq!(wakes, [wake(2, &item, now.monotonic)]);
        let unsaid = about(Which::Unsaid, About::Key);
        let (_, wakes) = named.deliver(Ok(unsaid), &mut Deduplicator::default());
        assert_eq!(wakes, [wake(2, &About::Key, now.monotonic)]);
    }

    #[test]
    fn what_cannot_be_read_wakes_all_whose_secret_signed() {
        let now = now();
        let delivery = signed_by(&[0, 2], now);
        let (result, wakes) = delivery.deliver(Err(Unreadable), &mut Deduplicator::default());
        assert_eq!(result, WebhookResult::Unreadable);
        let everything = |it| wake(it, &About::Everything, now.monotonic);
        assert_eq!(wakes, [everything(0), everything(2)]);
    }

    #[test]
    fn the_date_says_when_it_happened_and_what_is_too_late() {
        let now = now();
        let ago = |minutes| Some(now.wall - Duration::from_mins(minutes));
        let ahead = Some(now.wall + Duration::from_mins(90));
        for (date, minutes) in [(None, 0), (ago(0), 0), (ago(5), 5), (ahead, 0)] {
            let hook = Hook { date, ..flag() };
            let (result, wakes) =
                signed_by(ALL, now).deliver(Ok(hook), &mut Deduplicator::default());
            assert_eq!(result, WebhookResult::Woken);
            let happened = now.monotonic - Duration::from_mins(minutes);
            assert_eq!(wakes[0].happened, happened, "{date:?}");
        }
        for date in [ago(6), Some(SystemTime::UNIX_EPOCH)] {
            let hook = Hook { date, ..flag() };
            check(&signed_by(ALL, now), hook, WebhookResult::Late, &[]);
        }
    }

    #[test]
    fn what_was_here_wakes_nobody_again() {
        let now = now();
        let again = |first: &Delivery<'_>, second: &Delivery<'_>, ids: [Option<&str>; 2]| {
            let mut deduplicator = Deduplicator::default();
            let hooks = ids.map(|id| Hook {
                id: id.map(str::to_owned),
                ..flag()
            });
            let [one, two] = hooks;
            let (result, _) = first.deliver(Ok(one), &mut deduplicator);
            assert_eq!(result, WebhookResult::Woken);
            let (result, wakes) = second.deliver(Ok(two), &mut deduplicator);
            assert_eq!(wakes.is_empty(), result == WebhookResult::Duplicate);
            result == WebhookResult::Duplicate
        };
        let all = signed_by(ALL, now);
        let other = Delivery {
            signature: b"11ff",
            ..signed_by(ALL, now)
        };
        let same = Delivery {
            signature: b"00FF",
            ..signed_by(ALL, now)
        };
        assert!(again(&all, &other, [Some("a"); 2]), "by id");
        assert!(!again(&all, &all, [Some("a"), Some("b")]));
        assert!(again(&all, &same, [None; 2]), "by signature");
        assert!(!again(&all, &other, [None; 2]));
        assert!(!again(&all, &all, [Some("00ff"), None]));

        // Another webhook, for other environments.
        let one = signed_by(&[0], now);
        assert!(!again(&all, &one, [Some("a"); 2]));
        let named = Delivery {
            is_named: true,
            ..signed_by(&[0], now)
        };
        assert!(!again(&one, &named, [Some("a"); 2]));
    }
}
