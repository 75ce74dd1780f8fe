//! A file with a secret is looked at again and again. Time is paused, the files are real.

use std::fs;
use std::os::unix::fs::symlink;

use ld_dynamodb_relay::config::secret_check;
use ld_dynamodb_relay::secrets::Keeper;

use crate::world::{Log, Reading, after, in_file, sdk_key, stays, trouble, value};

#[tokio::test(start_paused = true)]
async fn a_changed_file_changes_the_secret() {
    let log = Log::collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    fs::write(&path, "sdk-old-one\n").unwrap();
    let mut keeper = Keeper::default();
    let kept = keeper.keep(&in_file(&path), sdk_key());
    let other = keeper.keep(&in_file(&path), sdk_key());
    keeper.read().await;
    let reading = Reading::start(keeper);
    assert_eq!(value(&kept).as_deref(), Some("sdk-old-one"));
    stays(&kept).await;

    fs::write(&path, " sdk-new-one ").unwrap();
    assert_eq!(after(&kept, Some("sdk-old-one")).await, "sdk-new-one");
    assert_eq!(after(&other, Some("sdk-old-one")).await, "sdk-new-one");
    stays(&kept).await;
    // The same again, with a later time: nothing changed.
    fs::write(&path, "sdk-new-one").unwrap();
    stays(&kept).await;
    reading.stop().await;

    let told = log.with("a secret changed");
    assert_eq!(told.len(), 1, "one line for one reading: {told:?}");
    assert!(told[0].contains(&format!("file:{}", path.display())));
    assert_eq!(log.with("sdk-"), [""; 0], "no secret is logged");
}

#[tokio::test(start_paused = true)]
async fn what_kubernetes_mounts_is_exchanged_by_its_links() {
    let folder = tempfile::tempdir().unwrap();
    let put = |version: &str, key: &str| {
        let at = folder.path().join(version);
        fs::create_dir(&at).unwrap();
        fs::write(at.join("key"), key).unwrap();
        symlink(version, folder.path().join("..data_tmp")).unwrap();
        fs::rename(
            folder.path().join("..data_tmp"),
            folder.path().join("..data"),
        )
        .unwrap();
    };
    put("..2024_01", "sdk-old-one");
    let path = folder.path().join("key");
    symlink("..data/key", &path).unwrap();
    let mut keeper = Keeper::default();
    let kept = keeper.keep(&in_file(&path), sdk_key());
    let reading = Reading::start(keeper);
    put("..2024_02", "sdk-new-one");
    fs::remove_dir_all(folder.path().join("..2024_01")).unwrap();
    assert_eq!(after(&kept, Some("sdk-old-one")).await, "sdk-new-one");
    reading.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_used_leaves_the_last_secret_and_is_told_once() {
    let log = Log::collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    fs::write(&path, "sdk-good-one").unwrap();
    let mut keeper = Keeper::default();
    let kept = keeper.keep(&in_file(&path), sdk_key());
    let reading = Reading::start(keeper);
    let too_large = "x".repeat(64 * 1_024 + 1);
    let wrongs: [(Option<&[u8]>, &str); 6] = [
        (Some(b""), "is empty"),
        (None, "cannot be read"),
        (Some(b"mob-0000-1111"), "is a mobile key"),
        (Some(b" \n"), "is empty"),
        (Some(b"sdk-\xff"), "no text"),
        (Some(too_large.as_bytes()), "at most 64 KiB"),
    ];
    for (wrong, why) in wrongs {
        match wrong {
            Some(bytes) => fs::write(&path, bytes).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        stays(&kept).await;
        assert_eq!(value(&kept).as_deref(), Some("sdk-good-one"), "{why}");
        let sentence = trouble(&kept);
        assert!(sentence.contains(why), "{why}: {sentence}");
        assert!(
            sentence.starts_with(&format!("file:{}", path.display())),
            "{sentence}"
        );
    }
    // Ten seconds were five looks at each.
    let told = log.with("a secret cannot be used");
    assert_eq!(told.len(), wrongs.len(), "{told:#?}");
    fs::write(&path, "sdk-good-one").unwrap();
    stays(&kept).await;
    assert_eq!(trouble(&kept), "");
    assert_eq!(log.with("a secret can be used again").len(), 1);
    assert_eq!(log.with("a secret changed"), [""; 0]);
    assert_eq!(log.with("mob-"), [""; 0], "no secret is logged");
    reading.stop().await;
}

#[tokio::test(start_paused = true)]
async fn one_file_for_two_uses_is_judged_for_each() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("both");
    fs::write(&path, "sdk-as-both").unwrap();
    let mut keeper = Keeper::default();
    let key = keeper.keep(&in_file(&path), sdk_key());
    let webhook = keeper.keep(&in_file(&path), secret_check::webhook_secret);
    let reading = Reading::start(keeper);
    fs::write(&path, "a-webhook-secret,another-one").unwrap();
    assert_eq!(
        after(&webhook, Some("sdk-as-both")).await,
        "a-webhook-secret,another-one"
    );
    stays(&key).await;
    assert_eq!(value(&key).as_deref(), Some("sdk-as-both"));
    assert!(trouble(&key).contains("does not begin with sdk-"));
    assert_eq!(trouble(&webhook), "");
    reading.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_was_given_as_it_is_never_changes() {
    let mut keeper = Keeper::default();
    let kept = keeper.keep(&"sdk-fixed".into(), sdk_key());
    keeper.read().await;
    kept.recheck();
    let reading = Reading::start(keeper);
    stays(&kept).await;
    assert_eq!(value(&kept).as_deref(), Some("sdk-fixed"));
    assert_eq!(trouble(&kept), "");
    reading.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_change_that_came_while_nobody_waited_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    fs::write(&path, "sdk-old-one").unwrap();
    let mut keeper = Keeper::default();
    let kept = keeper.keep(&in_file(&path), sdk_key());
    let reading = Reading::start(keeper);
    fs::write(&path, "sdk-new-one").unwrap();
    after(&kept, Some("sdk-old-one")).await;
    reading.stop().await;
    assert_eq!(after(&kept, Some("sdk-old-one")).await, "sdk-new-one");
    assert_eq!(after(&kept, None).await, "sdk-new-one");
}
