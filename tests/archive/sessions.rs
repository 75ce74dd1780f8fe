//! What an environment of an archive hears.

use ld_dynamodb_relay::archive::{ArchiveSession, ArchiveSource};

use ld_dynamodb_relay::launchdarkly::Signal;
use ld_dynamodb_relay::launchdarkly::fdv1::Said;
use tokio::time::{Instant, timeout};

use crate::file::{SECOND, Watched};
use crate::pack::{OFFICIAL, PRODUCTION, Pack, STAGING};

fn source(watched: &Watched, id: &str) -> ArchiveSource {
    let mut news = watched.news.clone();
    // Whoever made it has seen what is known.
    news.mark_unchanged();
    ArchiveSource::new(id.into(), news)
}

fn open(watched: &Watched, id: &str) -> ArchiveSession {
    source(watched, id).open()
}

/// What is said next.
async fn next(session: &mut ArchiveSession) -> Signal {
    timeout(SECOND, session.next()).await.unwrap().unwrap()
}

/// What is said now, in short; sets by the number of their items.
async fn said(session: &mut ArchiveSession) -> Vec<String> {
    let mut told = Vec::new();
    while let Ok(signal) = timeout(SECOND / 10, session.next()).await {
        told.push(match signal.unwrap() {
            Signal::Connected(greeting) => {
                assert_eq!(greeting.date, None);
                format!("connected to {}", greeting.environment_id.unwrap())
            }
            Signal::Said(Said::Full(items), _) => format!("{} items", items.len()),
            Signal::Asked(_) => "asked".to_owned(),
            Signal::Alive => "alive".to_owned(),
            other => panic!("{other:?}"),
        });
    }
    told
}

fn first(id: &str, items: usize) -> Vec<String> {
    vec![format!("connected to {id}"), format!("{items} items")]
}

#[tokio::test(start_paused = true)]
async fn a_session_says_whose_it_is_and_everything_and_lives_while_the_file_does() {
    let mut watched = Watched::with(OFFICIAL).await;
    let mut session = open(&watched, PRODUCTION);
    assert_eq!(said(&mut session).await, first(PRODUCTION, 18));
    watched.looks(6).await;
    assert_eq!(said(&mut session).await, ["alive"]);
    // While the file is gone nobody knows.
    std::fs::remove_file(watched.path()).unwrap();
    watched.looks(100).await;
    assert_eq!(said(&mut session).await, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_session_waits_for_the_file_and_for_its_environment() {
    let mut watched = Watched::nothing();
    let mut session = open(&watched, STAGING);
    watched.looks(2).await;
    assert_eq!(said(&mut session).await, Vec::<String>::new());
    watched.put(&Pack::removed().gzip());
    watched.looks(10).await;
    assert_eq!(said(&mut session).await, Vec::<String>::new());
    watched.put(OFFICIAL);
    watched.looks(2).await;
    assert_eq!(said(&mut session).await, first(STAGING, 1));
}

#[tokio::test(start_paused = true)]
async fn another_data_id_is_everything_again_and_the_others_only_live() {
    let mut watched = Watched::with(OFFICIAL).await;
    let (mut session, mut other) = (open(&watched, PRODUCTION), open(&watched, STAGING));
    said(&mut session).await;
    said(&mut other).await;
    watched.put(&Pack::second().gzip());
    watched.looks(2).await;
    assert_eq!(said(&mut session).await, ["asked", "1 items"]);
    assert_eq!(said(&mut other).await, ["alive"]);
}

#[tokio::test(start_paused = true)]
async fn a_new_set_was_asked_for_when_its_file_was_read() {
    let mut watched = Watched::with(OFFICIAL).await;
    let mut session = open(&watched, PRODUCTION);
    let opened = Instant::now();
    let full = |signal| match signal {
        Signal::Said(_, received) => received,
        other => panic!("{other:?}"),
    };
    next(&mut session).await;
    let received = full(next(&mut session).await);
    assert_eq!(received, opened, "it was read before, and is said now");
    watched.put(&Pack::second().gzip());
    watched.look().await;
    let read = Instant::now();
    watched.looks(5).await;
    assert!(matches!(next(&mut session).await, Signal::Asked(at) if at == read));
    assert_eq!(full(next(&mut session).await), read);
}

#[tokio::test(start_paused = true)]
async fn opening_again_says_what_holds_again() {
    let mut watched = Watched::with(OFFICIAL).await;
    watched.put(&Pack::bad_data().gzip());
    watched.looks(2).await;
    // The last good word of it.
    let source = source(&watched, PRODUCTION);
    for _ in 0..3 {
        let mut session = source.open();
        assert_eq!(said(&mut session).await, first(PRODUCTION, 18));
    }
    watched.put(b"broken");
    watched.looks(2).await;
    let mut session = source.open();
    assert_eq!(said(&mut session).await, first(PRODUCTION, 18));
}

#[tokio::test(start_paused = true)]
async fn an_environment_that_is_removed_says_nothing_any_more() {
    let mut watched = Watched::with(OFFICIAL).await;
    let mut session = open(&watched, STAGING);
    said(&mut session).await;
    watched.put(&Pack::removed().gzip());
    watched.looks(20).await;
    assert_eq!(said(&mut session).await, Vec::<String>::new());
    let mut again = open(&watched, STAGING);
    assert_eq!(said(&mut again).await, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn waiting_may_be_given_up_and_begun_again_without_loss() {
    let mut watched = Watched::with(OFFICIAL).await;
    let mut session = open(&watched, PRODUCTION);
    let mut told = Vec::new();
    for _ in 0..4 {
        let next = session.next();
        drop(next);
        told.extend(said(&mut session).await);
        watched.put(&Pack::second().gzip());
        watched.looks(2).await;
    }
    let expected = [
        first(PRODUCTION, 18),
        vec!["asked".into(), "1 items".into()],
    ]
    .concat();
    assert_eq!(told[..4], expected);
    assert!(told[4..].iter().all(|it| it == "alive"), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn where_nobody_looks_any_more_a_session_is_silent() {
    let watched = Watched::with(OFFICIAL).await;
    let mut session = open(&watched, STAGING);
    drop(watched);
    assert_eq!(said(&mut session).await, first(STAGING, 1));
    assert_eq!(said(&mut session).await, Vec::<String>::new());
}
