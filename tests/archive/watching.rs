//! A file that is copied, exchanged, damaged and removed while it is looked at.

use std::fs;

use ld_dynamodb_relay::archive::ArchiveWatch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::file::{SECOND, Watched};
use crate::log::messages;
use crate::pack::{DEMO, OFFICIAL, PRODUCTION, Pack, STAGING};

/// What [`OFFICIAL`] holds.
fn official() -> Vec<(String, usize)> {
    vec![(PRODUCTION.to_owned(), 18), (STAGING.to_owned(), 1)]
}

/// What [`Pack::second`] holds.
fn second() -> Vec<(String, usize)> {
    let ids = [PRODUCTION, STAGING, DEMO];
    ids.map(|id| (id.to_owned(), 1)).to_vec()
}

#[tokio::test(start_paused = true)]
async fn the_first_archive_is_read_once_it_has_stood_still() {
    let mut watched = Watched::nothing();
    watched.copy(OFFICIAL);
    watched.look().await;
    assert_eq!(watched.holds(), []);
    assert!(watched.known().file.is_none());
    let start = Instant::now();
    watched.look().await;
    assert_eq!(watched.holds(), official());
    let news = watched.known();
    assert_eq!(news.confirmed, Some(start));
    let file = news.file.unwrap();
    assert_eq!(file.bytes, OFFICIAL.len() as u64);
    assert_eq!((file.asked, file.read), (start, start));
    assert_eq!(
        file.modified,
        fs::metadata(watched.path()).unwrap().modified().unwrap()
    );
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_grows_in_steps_is_never_taken_in_part() {
    let new = Pack::second().gzip();
    let steps = [1, 2, new.len() / 3, new.len() - 9, new.len() - 1];
    // It is looked at between all steps, or it stands still between some.
    for looks in [1, 3] {
        let mut watched = Watched::with(OFFICIAL).await;
        for step in steps {
            watched.copy(&new[..step]);
            watched.looks(looks).await;
            assert_eq!(watched.holds(), official(), "{step}");
            assert_eq!(watched.trouble().is_some(), looks > 1, "{step}");
        }
        watched.copy(&new);
        watched.looks(2).await;
        assert_eq!((watched.holds(), watched.trouble()), (second(), None));
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_put_in_place_by_renaming_is_read() {
    let mut watched = Watched::with(OFFICIAL).await;
    watched.put(&Pack::second().gzip());
    watched.looks(2).await;
    assert_eq!(watched.holds(), second());
    watched.put(&Pack::removed().gzip());
    watched.looks(2).await;
    assert_eq!(watched.holds(), official()[..1]);
}

#[tokio::test(start_paused = true)]
async fn a_mounted_file_is_followed_when_its_links_are_exchanged() {
    let mut watched = Watched::nothing();
    watched.mount("..1", OFFICIAL);
    watched.looks(2).await;
    assert_eq!(watched.holds(), official());
    watched.mount("..2", &Pack::second().gzip());
    watched.looks(2).await;
    assert_eq!(watched.holds(), second());
}

#[tokio::test(start_paused = true)]
async fn a_bad_archive_after_a_good_one_changes_nothing_and_is_tried_at_each_look() {
    let mut watched = Watched::with(OFFICIAL).await;
    let mut bytes = Pack::second().gzip();
    let at = bytes.len() / 2;
    bytes[at] ^= 0xff;
    watched.put(&bytes);
    watched.looks(2).await;
    let confirmed = watched.known().confirmed;
    let trouble = watched.trouble().unwrap();
    assert!(
        trouble.contains("flags.tar.gz: it is no whole tar archive"),
        "{trouble}"
    );
    watched.looks(10).await;
    assert_eq!(watched.holds(), official());
    assert_eq!(watched.known().confirmed, confirmed, "no sign of life");
    bytes[at] ^= 0xff;
    watched.alter_unseen(&bytes);
    watched.look().await;
    assert_eq!((watched.holds(), watched.trouble()), (second(), None));
}

#[tokio::test(start_paused = true)]
async fn a_file_that_vanishes_changes_nothing_until_it_is_back() {
    let mut watched = Watched::with(OFFICIAL).await;
    let aside = watched.path().with_extension("aside");
    fs::rename(watched.path(), &aside).unwrap();
    watched.looks(3).await;
    assert_eq!(watched.holds(), official());
    let trouble = watched.trouble().unwrap();
    assert!(trouble.contains("it cannot be looked at"), "{trouble}");
    // The same again is there at once.
    fs::rename(&aside, watched.path()).unwrap();
    let back = Instant::now();
    watched.look().await;
    assert_eq!(watched.trouble(), None);
    assert_eq!(watched.known().confirmed, Some(back));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_file_is_not_opened() {
    let mut watched = Watched::nothing();
    fs::create_dir(watched.path()).unwrap();
    watched.looks(3).await;
    let trouble = watched.trouble().unwrap();
    assert!(
        trouble.ends_with("it is no file: name the archive"),
        "{trouble}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_bad_environment_keeps_what_it_had_in_a_good_archive() {
    let mut watched = Watched::with(OFFICIAL).await;
    watched.put(&Pack::bad_data().gzip());
    watched.looks(2).await;
    assert_eq!(watched.trouble(), None);
    let expected = [(PRODUCTION, 18), (STAGING, 1), (DEMO, 1)].map(|(id, it)| (id.to_owned(), it));
    assert_eq!(watched.holds(), expected);
    let refused = watched.known().applied.refused()[0].to_string();
    assert!(
        refused.starts_with(&format!("{PRODUCTION}: its data")),
        "{refused}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_file_that_stays_as_it_is_gives_a_sign_of_life_each_5_seconds() {
    let mut watched = Watched::with(OFFICIAL).await;
    let mut seen = Vec::new();
    watched.news.mark_unchanged();
    let start = watched.known().confirmed.unwrap();
    for _ in 0..21 {
        watched.look().await;
        if watched.news.has_changed().unwrap() {
            watched.news.mark_unchanged();
            let confirmed = watched.known().confirmed.unwrap();
            seen.push((confirmed - start).as_secs());
        }
    }
    assert_eq!(seen, [5, 10, 15, 20]);
}

#[tokio::test(start_paused = true)]
async fn it_looks_by_itself_until_it_is_stopped() {
    let mut watched = Watched::nothing();
    let (watch, mut news) = ArchiveWatch::new(watched.path(), SECOND);
    let (stop, mut task) = (CancellationToken::new(), JoinSet::new());
    task.spawn(watch.run(stop.clone()));
    news.wait_for(|it| it.trouble.is_some()).await.unwrap();
    watched.put(OFFICIAL);
    let read = news.wait_for(|it| it.applied.environments().len() == 2);
    assert!(read.await.unwrap().trouble.is_none());
    stop.cancel();
    task.join_next().await.unwrap().unwrap();
    assert!(news.changed().await.is_err(), "nobody looks any more");
}

const UNUSABLE: &str = "the archive cannot be used, and everything stays as it was";

#[tokio::test(start_paused = true)]
async fn each_thing_is_logged_once_and_a_trouble_once_a_minute() {
    let mut watched = Watched::with(OFFICIAL).await;
    watched.looks(70).await;
    assert_eq!(messages(), ["read the archive"]);
    watched.put(b"half");
    watched.looks(122).await;
    assert_eq!(messages(), [UNUSABLE; 3]);
    fs::remove_file(watched.path()).unwrap();
    watched.looks(50).await;
    assert_eq!(messages(), [UNUSABLE], "it is another trouble");
    let mut pack = Pack::bad_data().sealed();
    pack.0.insert("folder/a.json".to_owned(), b"{}".to_vec());
    watched.put(&pack.tar());
    watched.looks(2).await;
    assert_eq!(
        messages(),
        [
            "read the archive",
            "parts of the archive were skipped",
            "environments of the archive cannot be used, and stay as they were",
            "the archive can be used again",
        ]
    );
}
