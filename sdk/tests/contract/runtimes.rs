//! The store is called from everywhere, and waits for nobody's runtime but its own.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use launchdarkly_server_sdk::{DataKind, PersistentDataStore, PersistentDataStoreFactory as _};
use ld_dynamodb_relay::simulator::store::Fault;
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;

use crate::place::{Place, client, live, one, set};

/// Everything that a store can do.
fn use_it(store: &mut dyn PersistentDataStore) {
    store.init(set(&[("a", 1), ("b", 1)], &[("s", 1)])).unwrap();
    assert!(store.upsert(DataKind::Flag, "a", live("a", 2, "")).unwrap());
    assert_eq!(one(store.flag("a").unwrap()), Some((2, false)));
    assert_eq!(one(store.segment("s").unwrap()), Some((1, false)));
    store.all_flags().unwrap();
    assert!(store.is_initialized());
}

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn it_works_on_every_runtime_and_on_none() {
    let place = Place::embedded();
    use_it(&mut *place.store());
    current_thread().block_on(async { use_it(&mut *place.store()) });
    let many = Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .unwrap();
    let mut store = place.store();
    let used = many.spawn(async move {
        use_it(&mut *store);
        store
    });
    let mut store = many.block_on(used).unwrap();
    drop(many);
    use_it(&mut *store);
    let mut store = place.store();
    thread::spawn(move || use_it(&mut *store)).join().unwrap();
}

#[test]
fn it_may_be_dropped_anywhere() {
    let place = Place::embedded();
    let many = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    for _ in 0..20 {
        drop(place.store()); // while it connects
        let (one, other) = (place.store(), place.store());
        one.flag("a").unwrap();
        current_thread().block_on(async move { drop(one) });
        many.block_on(many.spawn(async move { drop(other) }))
            .unwrap();
    }
}

/// Many threads at once, as evaluations are.
#[test]
fn it_is_shared_between_threads() {
    let place = Place::embedded();
    let mut store = place.store();
    use_it(&mut *store);
    let store: Arc<dyn PersistentDataStore> = store.into();
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                for _ in 0..10 {
                    assert_eq!(one(store.flag("a").unwrap()), Some((2, false)));
                }
            });
        }
    });
}

/// The pooled connections of a client belong to the runtime on which they were opened. That runtime waits for us, and so
/// drives none of them; later it is gone.
#[test]
fn a_client_that_was_used_elsewhere_is_as_good() {
    let place = Place::embedded();
    place.store().init(set(&[("a", 1)], &[])).unwrap();
    let runtime = current_thread();
    let client = client(&place.endpoint());
    let warm = || client.list_tables().send();
    runtime.block_on(warm()).unwrap();
    let builder = place.builder().prefix(place.prefix).client(client.clone());
    let store = builder.create_persistent_data_store().unwrap();
    let start = Instant::now();
    runtime.block_on(async {
        warm().await.unwrap();
        assert_eq!(one(store.flag("a").unwrap()), Some((1, false)));
        warm().await.unwrap();
    });
    drop(runtime);
    assert_eq!(one(store.flag("a").unwrap()), Some((1, false)));
    let later = builder.create_persistent_data_store().unwrap();
    assert_eq!(one(later.flag("a").unwrap()), Some((1, false)));
    assert!(
        start.elapsed() < Duration::from_secs(2),
        "nothing was waited for in vain"
    );
}

#[derive(Debug)]
struct Panics;

impl ProvideCredentials for Panics {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        panic!("these credentials panic")
    }
}

#[test]
fn a_request_that_panics_is_an_error() {
    let place = Place::embedded();
    let config = place.client.config().to_builder();
    let config = config.credentials_provider(SharedCredentialsProvider::new(Panics));
    let client = aws_sdk_dynamodb::Client::from_conf(config.build());
    let builder = place.builder().client(client);
    let mut store = builder.create_persistent_data_store().unwrap();
    for _ in 0..3 {
        let error = store.flag("a").map(drop).unwrap_err().to_string();
        assert!(error.contains("panicked"), "{error}");
        assert!(store.init(set(&[], &[])).is_err());
    }
}

/// A client's own time-outs hold; without any, a read takes 11 s at most.
#[test]
fn an_answer_is_not_waited_for_for_ever() {
    let place = Place::embedded();
    let timeouts = TimeoutConfig::builder().operation_timeout(Duration::from_millis(200));
    let config = place
        .client
        .config()
        .to_builder()
        .timeout_config(timeouts.build());
    let client = aws_sdk_dynamodb::Client::from_conf(config.build());
    let store = place
        .builder()
        .client(client)
        .create_persistent_data_store()
        .unwrap();
    let late = Fault::delay_the_answer(Duration::from_mins(1)).on_reads();
    let late = place.dynamo().inject(late);
    let start = Instant::now();
    assert!(store.flag("a").is_err());
    assert!(start.elapsed() < Duration::from_secs(5));
    late.withdraw();
    assert!(store.flag("a").is_ok());
}
