//! An AWS of one's own: moto's server on a free port, with made-up credentials.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::config::{Credentials, Region};
use aws_sdk_ssm::types::ParameterType;
use ld_dynamodb_relay::aws;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Python takes its time on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// Dropping it ends it.
pub(crate) struct Moto {
    pub(crate) endpoint: String,
    pub(crate) settings: SdkConfig,
    parameters: aws_sdk_ssm::Client,
    secrets: aws_sdk_secretsmanager::Client,
    _reader: JoinSet<()>,
    _server: Child,
}

impl Moto {
    pub(crate) async fn start() -> Self {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/python/bin/moto_server");
        let mut server = Command::new(&program)
            .args(["--host", "127.0.0.1", "--port", "0"])
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("PYTHONUNBUFFERED", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}: run `make aws`", program.display()));
        let mut lines = BufReader::new(server.stderr.take().unwrap()).lines();
        let announced = async {
            loop {
                let line = lines.next_line().await.unwrap().unwrap();
                if let Some((_, address)) = line.split_once("Running on ") {
                    return address.trim().to_owned();
                }
            }
        };
        let endpoint = timeout(PATIENCE, announced).await.unwrap();
        // It goes on telling what it is asked; nobody reads that, and a full pipe would stop it.
        let mut reader = JoinSet::new();
        reader.spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let settings = aws::settings()
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .endpoint_url(&endpoint)
            .load()
            .await;
        let moto = Self {
            endpoint,
            parameters: aws_sdk_ssm::Client::new(&settings),
            secrets: aws_sdk_secretsmanager::Client::new(&settings),
            settings,
            _reader: reader,
            _server: server,
        };
        // It listens before it says so; what it answers first shows that it is at work.
        moto.parameters.describe_parameters().send().await.unwrap();
        moto
    }

    /// Encrypted, in place of what was there.
    pub(crate) async fn put_parameter(&self, name: &str, value: &str) {
        let put = self.parameters.put_parameter().name(name).value(value);
        let put = put.r#type(ParameterType::SecureString).overwrite(true);
        put.send().await.unwrap();
    }

    pub(crate) async fn create_secret(&self, name: &str, value: &str) {
        let create = self.secrets.create_secret().name(name);
        create.secret_string(value).send().await.unwrap();
    }

    pub(crate) async fn put_secret(&self, name: &str, value: &str) {
        let put = self.secrets.put_secret_value().secret_id(name);
        put.secret_string(value).send().await.unwrap();
    }
}
