//! The embedded DynamoDB, asked by AWS's own SDK.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use ld_dynamodb_relay::simulator::store::{
    Fault, Operation, RequestOutcome as Outcome, Row, StoreRefusal, round_trips,
};
use ld_dynamodb_relay::simulator::{Store, StoreOptions};

const TABLE: &str = "flags";

async fn store_with_table() -> (Store, Client) {
    let store = Store::start(StoreOptions::default()).await.unwrap();
    store.create_table(TABLE).unwrap();
    let client = store.client();
    (store, client)
}

async fn put(client: &Client, key: &str, bytes: usize) -> Result<(), SdkError<PutItemError>> {
    client
        .put_item()
        .table_name(TABLE)
        .item("namespace", AttributeValue::S("features".into()))
        .item("key", AttributeValue::S(key.into()))
        .item("version", AttributeValue::N("1".into()))
        .item("item", AttributeValue::S("x".repeat(bytes)))
        .condition_expression("attribute_not_exists(#key)")
        .expression_attribute_names("#key", "key")
        .send()
        .await
        .map(drop)
}

async fn query_all(client: &Client) -> usize {
    client
        .query()
        .table_name(TABLE)
        .consistent_read(true)
        .key_condition_expression("#n = :n")
        .expression_attribute_names("#n", "namespace")
        .expression_attribute_values(":n", AttributeValue::S("features".into()))
        .send()
        .await
        .unwrap()
        .items()
        .len()
}

#[tokio::test]
async fn what_is_put_can_be_read_and_is_counted() {
    let (store, client) = store_with_table().await;
    store.create_table(TABLE).unwrap();

    put(&client, "small", 10).await.unwrap();
    put(&client, "large", 3_000).await.unwrap();
    assert_eq!(query_all(&client).await, 2);

    let counts = store.counts();
    assert_eq!(counts.requests(Operation::PutItem), 2);
    assert_eq!(counts.writes_accepted(), 2);
    assert!((counts.write_units_of("features") - 4.0).abs() < f64::EPSILON);
    assert!((counts.read_units_of("features") - 1.0).abs() < f64::EPSILON);
    assert_eq!(store.rows(TABLE, "features").unwrap().len(), 2);

    store.reset_counts();
    assert_eq!(store.counts().arrived, 0);
    assert!(store.log().is_empty());
}

#[tokio::test]
async fn a_failed_condition_costs_as_much_as_the_row() {
    let (store, client) = store_with_table().await;
    put(&client, "large", 3_000).await.unwrap();
    store.reset_counts();

    let error = put(&client, "large", 10).await.unwrap_err();

    assert_eq!(error.code(), Some("ConditionalCheckFailedException"));
    assert_eq!(store.counts().with(Outcome::ConditionFailed), 1);
    assert!((store.counts().write_units() - 3.0).abs() < f64::EPSILON);
    let last = store.log().pop().unwrap();
    assert!(last.request.conditional);
    assert_eq!(last.request.key.as_deref(), Some("large"));
}

#[tokio::test]
async fn a_partition_gives_what_it_has_and_refuses_the_rest() {
    let (store, client) = store_with_table().await;
    store.limit(Some(2.0));

    // Ten units overdraw the bucket, so the next must wait about five seconds.
    put(&client, "large", 10_000).await.unwrap();
    let first = put(&client, "a", 1).await.unwrap_err();
    let second = put(&client, "b", 1).await.unwrap_err();

    let mut codes = [first.code(), second.code()];
    codes.sort_unstable();
    assert_eq!(
        codes,
        [
            Some("ProvisionedThroughputExceededException"),
            Some("ThrottlingException")
        ]
    );
    assert_eq!(store.counts().with(Outcome::Throttled), 2);

    // Another partition value has units of its own, and so have readers.
    store
        .put_row(TABLE, Row::new("segments", "beta").at_version(3))
        .unwrap();
    assert_eq!(query_all(&client).await, 1);

    store.limit(None);
    put(&client, "a", 1).await.unwrap();
}

#[tokio::test]
async fn reads_have_a_limit_of_their_own() {
    let (store, client) = store_with_table().await;
    store.read_limit(Some(0.001));
    query_all(&client).await;

    let get = client.get_item().table_name(TABLE);
    let error = get
        .key("namespace", AttributeValue::S("features".into()))
        .key("key", AttributeValue::S("a".into()))
        .send()
        .await
        .unwrap_err();

    assert!(matches!(
        error.code(),
        Some("ProvisionedThroughputExceededException" | "ThrottlingException")
    ));
}

#[tokio::test]
async fn a_fault_strikes_whom_it_is_meant_for_and_as_often_as_it_is_told() {
    let (store, client) = store_with_table().await;
    let denied = store.inject(
        Fault::refuse(StoreRefusal::AccessDenied)
            .on(Operation::PutItem)
            .for_key("a")
            .after(1)
            .times(1),
    );

    put(&client, "a", 1).await.unwrap();
    put(&client, "b", 1).await.unwrap();
    let error = put(&client, "a", 1).await.unwrap_err();
    assert_eq!(error.code(), Some("AccessDeniedException"));
    assert_eq!(denied.hits(), 1);
    let error = put(&client, "a", 1).await.unwrap_err();
    assert_eq!(error.code(), Some("ConditionalCheckFailedException"));
}

#[tokio::test]
async fn an_answer_can_be_lost_after_the_write_happened() {
    let (store, client) = store_with_table().await;
    let lost = store.inject(Fault::lose_the_answer().on_writes().times(1));

    let error = put(&client, "a", 1).await.unwrap_err();

    assert!(error.code().is_none(), "there is no answer: {error:?}");
    assert_eq!(lost.hits(), 1);
    assert_eq!(store.counts().with(Outcome::AnswerLost), 1);
    assert!(store.row(TABLE, "features", "a").unwrap().is_some());
}

#[tokio::test]
async fn a_connection_can_be_cut_before_anything_happened() {
    let (store, client) = store_with_table().await;
    store.inject(Fault::cut_before_acting().times(1));

    assert!(put(&client, "a", 1).await.is_err());

    assert_eq!(store.counts().with(Outcome::Cut), 1);
    assert!(store.table(TABLE).unwrap().is_empty());
    put(&client, "a", 1).await.unwrap();
}

#[tokio::test]
async fn a_held_store_lets_requests_arrive_and_nothing_happen() {
    let (store, client) = store_with_table().await;
    store.hold();

    let two = tokio::time::timeout(Duration::from_secs(20), async {
        tokio::join!(put(&client, "a", 1), put(&client, "b", 1), async {
            store.wait_for_requests(2).await;
            assert!(store.table(TABLE).unwrap().is_empty());
            assert_eq!(store.counts().peak_in_flight, 2);
            store.release();
        })
    });

    let (a, b, ()) = two.await.unwrap();
    a.and(b).unwrap();
    assert_eq!(store.table(TABLE).unwrap().len(), 2);
}

#[tokio::test]
async fn a_stopped_store_refuses_connections_and_comes_back_with_its_data() {
    let (store, client) = store_with_table().await;
    put(&client, "a", 1).await.unwrap();

    store.stop().await;
    let error = put(&client, "b", 1).await.unwrap_err();
    assert!(matches!(error, SdkError::DispatchFailure(_)), "{error:?}");

    store.restart().await.unwrap();
    put(&client, "b", 1).await.unwrap();
    assert_eq!(store.table(TABLE).unwrap().len(), 2);
}

#[tokio::test]
async fn data_in_a_folder_outlives_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let options = StoreOptions {
        data_dir: Some(folder.path().into()),
        ..StoreOptions::default()
    };
    let store = Store::start(options.clone()).await.unwrap();
    store.create_table(TABLE).unwrap();
    store
        .put_row(TABLE, Row::new("features", "a").at_version(7).holding("{}"))
        .unwrap();
    drop(store);

    let store = Store::start(options).await.unwrap();
    store.create_table(TABLE).unwrap();

    let row = store.row(TABLE, "features", "a").unwrap().unwrap();
    assert_eq!((row.version(), row.item()), (Some(7), Some("{}")));
}

#[tokio::test]
async fn round_trips_one_after_the_other_can_be_counted() {
    let (store, client) = store_with_table().await;
    store.latency(Duration::from_millis(60));

    for keys in [["a", "b", "c"], ["d", "e", "f"]] {
        let [x, y, z] = keys.map(|key| put(&client, key, 1));
        let (x, y, z) = tokio::join!(x, y, z);
        x.and(y).and(z).unwrap();
    }

    assert_eq!(round_trips(&store.log()), 2);
}

#[tokio::test]
async fn clearing_a_prefix_leaves_the_others() {
    let (store, _) = store_with_table().await;
    for namespace in ["features", "a:features", "a:$inited", "a:b:features"] {
        store.put_row(TABLE, Row::new(namespace, "x")).unwrap();
    }

    store.clear(TABLE, "a").unwrap();

    let left: Vec<_> = store.table(TABLE).unwrap();
    let left: Vec<_> = left.iter().map(|row| row.namespace.as_str()).collect();
    assert_eq!(left, ["a:b:features", "features"]);
}
