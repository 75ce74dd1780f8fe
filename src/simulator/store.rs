//! An embedded DynamoDB, spoken to over HTTP by any AWS SDK, that counts, limits and fails on demand.

mod counts;
mod engine;
mod faults;
mod front;
mod limit;
mod request;
mod rows;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use dynoxide::Database;

use super::server::Server;
use front::Front;
use limit::Use;

pub use counts::{Counts, Record, RequestOutcome, round_trips};
pub use engine::Operation;
pub use faults::{Fault, Injected, StoreRefusal};
pub use limit::Bucket;
pub use request::{Partition, Request};
pub use rows::{Attribute, Row};

/// `SQLite` blocks the worker that asks it, so the store has workers of its own: one reads requests while another acts.
const WORKERS: usize = 2;

/// Where the store listens and where its data goes.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// Port 0 takes a free one.
    pub address: SocketAddr,
    /// A folder that is there already; `None` keeps everything in memory.
    pub data_dir: Option<PathBuf>,
}

impl Default for StoreOptions {
    /// A free loopback port, in memory.
    fn default() -> Self {
        Self {
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            data_dir: None,
        }
    }
}

/// The store. Stops when it is dropped.
pub struct Store {
    front: Arc<Front>,
    // Before the runtime, so that connections are cut first.
    server: Server,
    _runtime: OwnRuntime,
}

impl Store {
    /// Starts it.
    pub async fn start(options: StoreOptions) -> anyhow::Result<Self> {
        let database = match &options.data_dir {
            None => Database::memory(),
            Some(folder) => Database::new(&folder.join("dynamodb.sqlite").to_string_lossy()),
        }
        .context("the embedded DynamoDB cannot open its data: check that the folder exists and can be written")?;
        let runtime = OwnRuntime::new()?;
        let front = Front::new(database);
        let server = Server::start(options.address, front.router(), runtime.handle())
            .await
            .with_context(|| {
                format!("the embedded DynamoDB cannot listen on {}", options.address)
            })?;
        Ok(Self {
            front,
            server,
            _runtime: runtime,
        })
    }

    /// What an SDK needs as its endpoint URL.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// A client for it, with credentials of no meaning and no retries.
    pub fn client(&self) -> aws_sdk_dynamodb::Client {
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new(
                "simulator",
                "simulator",
                None,
                None,
                "simulator",
            ))
            .retry_config(aws_sdk_dynamodb::config::retry::RetryConfig::disabled())
            .endpoint_url(self.endpoint())
            .build();
        aws_sdk_dynamodb::Client::from_conf(config)
    }

    /// Makes a table with the schema that SDKs expect. A table that is there already is kept.
    pub fn create_table(&self, name: &str) -> anyhow::Result<()> {
        rows::create_table(&self.front.database, name)
    }

    // What clients did.

    /// Numbers since the start or the last reset.
    pub fn counts(&self) -> Counts {
        self.front.counter.counts()
    }

    /// Starts counting anew; forgets the log.
    pub fn reset_counts(&self) {
        self.front.counter.reset();
    }

    /// The last 100,000 requests that are over, oldest first.
    pub fn log(&self) -> Vec<Record> {
        self.front.counter.log()
    }

    /// Returns once `n` requests have arrived since the start or the last reset, held ones included.
    ///
    /// # Panics
    ///
    /// After half a minute.
    pub async fn wait_for_requests(&self, n: u64) {
        let what = format!("{n} requests to the store");
        self.wait_until(&what, |it| it.arrived >= n).await;
    }

    /// Returns once the counts satisfy `done`. `what` says what is waited for, if it never comes.
    ///
    /// # Panics
    ///
    /// After half a minute.
    pub async fn wait_until(&self, what: &str, done: impl Fn(&Counts) -> bool) {
        let counter = &self.front.counter;
        counter.bell.until(what, || done(&counter.counts())).await;
    }

    // What goes wrong.

    /// Gives each partition (table and partition value) that many write units a second; `None`: as many as it likes.
    pub fn limit(&self, units_per_second: Option<f64>) {
        self.front.limits.set(Use::Write, units_per_second);
    }

    /// The same for read units; AWS's published limit is 3,000.
    pub fn read_limit(&self, units_per_second: Option<f64>) {
        self.front.limits.set(Use::Read, units_per_second);
    }

    /// Every request takes that long, as over a network. It acts first and waits then.
    pub fn latency(&self, each: Duration) {
        let mut latency = self.front.latency.lock();
        **latency.as_mut().unwrap_or_else(PoisonError::get_mut) = each;
    }

    /// Lets something go wrong.
    pub fn inject(&self, fault: Fault) -> Injected {
        self.front.faults.inject(fault)
    }

    /// Nothing goes wrong any more.
    pub fn heal(&self) {
        self.front.faults.clear();
    }

    /// Holds every request that comes, until it is released.
    pub fn hold(&self) {
        self.front.held.send_replace(true);
    }

    /// Lets held requests go on.
    pub fn release(&self) {
        self.front.held.send_replace(false);
    }

    /// An outage: connections are cut and refused. The data stays.
    pub async fn stop(&self) {
        self.server.close().await;
    }

    /// The end of an outage: the same port, the same data.
    pub async fn restart(&self) -> anyhow::Result<()> {
        self.server
            .open()
            .await
            .map(drop)
            .context("the embedded DynamoDB cannot listen on its port again")
    }

    /// Cuts every connection; new ones are welcome.
    pub fn cut_connections(&self) {
        self.server.cut_all();
    }

    // What it holds.

    /// Every row of a table, sorted.
    pub fn table(&self, table: &str) -> anyhow::Result<Vec<Row>> {
        rows::all(&self.front.database, table)
    }

    /// The rows of one partition value, sorted by key.
    pub fn rows(&self, table: &str, namespace: &str) -> anyhow::Result<Vec<Row>> {
        let mut rows = self.table(table)?;
        rows.retain(|row| row.namespace == namespace);
        Ok(rows)
    }

    /// One row.
    pub fn row(&self, table: &str, namespace: &str, key: &str) -> anyhow::Result<Option<Row>> {
        rows::one(&self.front.database, table, namespace, key)
    }

    /// Writes a row behind every client's back.
    pub fn put_row(&self, table: &str, row: Row) -> anyhow::Result<()> {
        rows::put(&self.front.database, table, row)
    }

    /// Removes a row behind every client's back.
    pub fn delete_row(&self, table: &str, namespace: &str, key: &str) -> anyhow::Result<()> {
        rows::delete(&self.front.database, table, namespace, key)
    }

    /// Removes everything of one prefix (`""`: of none) behind every client's back.
    pub fn clear(&self, table: &str, prefix: &str) -> anyhow::Result<()> {
        for row in self.table(table)? {
            let (of, _) = row.namespace.rsplit_once(':').unwrap_or_default();
            if of == prefix {
                self.delete_row(table, &row.namespace, &row.key)?;
            }
        }
        Ok(())
    }
}

/// A runtime that may be dropped within another.
struct OwnRuntime(Option<tokio::runtime::Runtime>);

impl OwnRuntime {
    fn new() -> anyhow::Result<Self> {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .thread_name("dynamodb")
            .enable_all()
            .build()
            .map(|runtime| Self(Some(runtime)))
            .context("the embedded DynamoDB gets no threads")
    }

    fn handle(&self) -> tokio::runtime::Handle {
        match &self.0 {
            Some(runtime) => runtime.handle().clone(),
            None => tokio::runtime::Handle::current(),
        }
    }
}

impl Drop for OwnRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
