//! `verify`: names what differs and changes nothing.

use ld_dynamodb_relay::simulator::Behaviour;
use ld_dynamodb_relay::simulator::store::Row;

use crate::process::Output;
use crate::world::{PREFIX, TABLE, World, flag, large_flag};

async fn verify(world: &World, arguments: &[&str]) -> Output {
    let arguments = [&["verify"], arguments].concat();
    let end = world.program(&arguments).output().await;
    assert_eq!(world.store.counts().writes(), 0);
    end
}

fn row(key: &str, version: u64, text: &str) -> Row {
    let row = Row::new(format!("{PREFIX}:features"), key);
    row.at_version(version).holding(text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_equal_is_the_same() {
    let world = World::filled(3).await;
    let end = verify(&world, &[]).await;
    assert_eq!((end.code, &*end.stdout), (Some(0), "production: same\n"));
    let end = verify(&world, &["--json"]).await;
    assert_eq!((end.code, &end.json()["same"]), (Some(0), &true.into()));
}

/// Makes the table differ.
type Cause<'a> = &'a dyn Fn(&World);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_difference_is_named() {
    let marker = format!("{PREFIX}:$inited");
    let cases: [(&str, &str, Cause<'_>); 8] = [
        ("missing", "flag-0000", &|world| {
            world
                .store
                .delete_row(TABLE, &format!("{PREFIX}:features"), "flag-0000")
                .unwrap();
        }),
        ("extra", "more", &|world| {
            world.store.put_row(TABLE, row("more", 1, "{}")).unwrap();
        }),
        ("older", "flag-0001", &|world| {
            let old = row("flag-0001", 1, &flag("flag-0001", 1));
            world.store.put_row(TABLE, old).unwrap();
        }),
        ("newer", "flag-0001", &|world| {
            let new = row("flag-0001", 3, &flag("flag-0001", 3));
            world.store.put_row(TABLE, new).unwrap();
        }),
        ("altered", "flag-0001", &|world| {
            world
                .store
                .put_row(TABLE, row("flag-0001", 2, "{}"))
                .unwrap();
        }),
        // What the SDKs for Java and .NET leave of deleted items, and others cannot read.
        ("altered", "gone", &|world| {
            world.store.put_row(TABLE, row("gone", 3, "null")).unwrap();
        }),
        ("too_large", "large", &|world| {
            world.production.put_flag(&large_flag("large", 1));
        }),
        ("marker", "", &|world| {
            world.store.delete_row(TABLE, &marker, &marker).unwrap();
        }),
    ];
    for (difference, key, cause) in cases {
        let world = World::filled(2).await;
        cause(&world);
        let end = verify(&world, &["--json"]).await;
        assert_eq!(end.code, Some(1), "{difference}: {end:?}");
        let document = end.json();
        assert_eq!(document["same"], false);
        let found = document["environments"][0]["differences"]
            .as_array()
            .unwrap();
        assert_eq!(found.len(), 1, "{difference}: {document}");
        assert_eq!(found[0]["difference"], difference);
        assert_eq!(found[0]["key"].as_str().unwrap_or_default(), key);
        let end = verify(&world, &[]).await;
        assert_eq!(end.code, Some(1), "{difference}: {end:?}");
        assert!(
            end.stdout.starts_with("production: 1 difference\n"),
            "{end:?}"
        );
        assert!(end.stdout.contains(key), "{end:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_compared_is_trouble() {
    let world = World::filled(1).await;
    let end = verify_with(&world, "DYNAMODB_TABLE", "nowhere").await;
    assert_eq!(end.code, Some(2), "{end:?}");
    assert!(
        end.stdout.contains("table nowhere does not exist"),
        "{end:?}"
    );

    world.production.always(Behaviour::status(401));
    let end = verify(&world, &["--json"]).await;
    assert_eq!(end.code, Some(2), "{end:?}");
    let error = end.json()["environments"][0]["error"].clone();
    assert!(error.as_str().unwrap().contains("401"), "{error}");

    world.production.always(Behaviour::never());
    let end = verify_with(&world, "INIT_TIMEOUT", "200ms").await;
    assert_eq!(end.code, Some(2), "{end:?}");
    assert!(
        end.stdout.contains("a larger INIT_TIMEOUT waits longer"),
        "{end:?}"
    );

    for command in ["verify", "run"] {
        let program = world.program(&[command]).set("PROXY_CA_CERTS", "ca.pem");
        let end = program.with_file("ca.pem", "no certificate").output().await;
        assert_eq!(end.code, Some(2), "{end:?}");
        let told = "PROXY_CA_CERTS: the file ca.pem holds no certificate in PEM";
        assert!(end.stderr.starts_with(told), "{end:?}");
    }
}

async fn verify_with(world: &World, name: &str, value: &str) -> Output {
    world.program(&["verify"]).set(name, value).output().await
}
