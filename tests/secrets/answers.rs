//! What AWS answers, and what becomes of it. AWS is a few lines here that say what a test tells them; `tests/aws` asks
//! an imitation of the real one.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use aws_config::SdkConfig;
use aws_sdk_dynamodb::config::{Credentials, Region};
use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use ld_dynamodb_relay::aws;
use ld_dynamodb_relay::config::Reference;
use ld_dynamodb_relay::secrets::{Keeper, Kept};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::world::{Log, Reading, after, at, sdk_key, trouble, value};

/// AWS, as far as it goes: what it says of each name.
struct Aws {
    address: SocketAddr,
    state: Arc<State>,
    _server: JoinSet<()>,
}

#[derive(Default)]
struct State {
    says: Mutex<HashMap<String, (u16, Value)>>,
    /// Names, in the order in which they were asked for.
    asked: watch::Sender<Vec<String>>,
    /// Asked and not answered, now and at most.
    waiting: Mutex<(usize, usize)>,
    /// Holds answers back while there is none.
    gate: Option<Semaphore>,
}

impl Aws {
    async fn start() -> Self {
        Self::with(State::default()).await
    }

    async fn with(state: State) -> Self {
        let state = Arc::new(state);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::clone(&state);
        let router = Router::new().fallback(move |body: Bytes| answer(Arc::clone(&shared), body));
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            address,
            state,
            _server: server,
        }
    }

    fn says(&self, name: &str, status: u16, body: Value) {
        let mut says = self.state.says.lock().unwrap();
        says.insert(name.to_owned(), (status, body));
    }

    fn refuses(&self, name: &str, code: &str) {
        self.says(name, 400, json!({"__type": code, "message": "no"}));
    }

    fn has_parameter(&self, name: &str, value: &str) {
        self.says(
            name,
            200,
            json!({"Parameter": {"Name": name, "Value": value}}),
        );
    }

    async fn settings(&self) -> SdkConfig {
        settings(&format!("http://{}", self.address)).await
    }

    async fn keeper(&self) -> Keeper {
        Keeper::new(Some(self.settings().await))
    }
}

async fn settings(endpoint: &str) -> SdkConfig {
    let credentials = Credentials::new("test", "test", None, None, "test");
    aws::settings()
        .region(Region::new("eu-west-1"))
        .credentials_provider(credentials)
        .endpoint_url(endpoint)
        .load()
        .await
}

async fn answer(state: Arc<State>, body: Bytes) -> (StatusCode, String) {
    let request: Value = serde_json::from_slice(&body).unwrap();
    let name = request["Name"].as_str().or(request["SecretId"].as_str());
    let name = name.unwrap().to_owned();
    {
        let mut waiting = state.waiting.lock().unwrap();
        waiting.0 += 1;
        waiting.1 = waiting.1.max(waiting.0);
    }
    state.asked.send_modify(|asked| asked.push(name.clone()));
    if let Some(gate) = &state.gate {
        drop(gate.acquire().await.unwrap());
    }
    state.waiting.lock().unwrap().0 -= 1;
    let says = state.says.lock().unwrap();
    let (status, body) = says.get(&name).unwrap();
    (StatusCode::from_u16(*status).unwrap(), body.to_string())
}

fn parameter(name: &str) -> Reference {
    Reference::Parameter(name.to_owned())
}

fn secret(id: &str) -> Reference {
    Reference::SecretsManager {
        id: id.to_owned(),
        member: None,
    }
}

fn keep(keeper: &mut Keeper, reference: Reference) -> Kept {
    keeper.keep(&at(reference), sdk_key())
}

#[tokio::test]
async fn each_refusal_says_what_to_do() {
    let log = Log::collect();
    let aws = Aws::start().await;
    let mut keeper = aws.keeper().await;
    let mut check = |reference: Reference, words: &'static [&'static str]| {
        (keep(&mut keeper, reference), words)
    };
    aws.refuses("/denied", "AccessDeniedException");
    aws.refuses("denied", "AccessDeniedException");
    aws.refuses("/missing", "ParameterNotFound");
    aws.refuses("missing", "ResourceNotFoundException");
    aws.refuses("/who", "UnrecognizedClientException");
    aws.refuses("deleted", "InvalidRequestException");
    aws.has_parameter("/empty", " ");
    aws.has_parameter("/mobile", "mob-1");
    aws.says(
        "bytes",
        200,
        json!({"Name": "bytes", "SecretBinary": "c2Rr"}),
    );
    let all = [
        check(
            parameter("/denied"),
            &["ssm:/denied ", "allow ssm:GetParameter", "kms:Decrypt"],
        ),
        check(
            secret("denied"),
            &[
                "secretsmanager:denied ",
                "allow secretsmanager:GetSecretValue",
            ],
        ),
        check(
            parameter("/missing"),
            &["ssm:/missing ", "not exist in Parameter Store", "eu-west-1"],
        ),
        check(
            secret("missing"),
            &["secretsmanager:missing ", "not exist in Secrets Manager"],
        ),
        check(
            parameter("/who"),
            &["credentials", "UnrecognizedClientException"],
        ),
        check(secret("deleted"), &["InvalidRequestException"]),
        check(parameter("/empty"), &["ssm:/empty is empty"]),
        check(
            parameter("/mobile"),
            &["ssm:/mobile ", "holds a value that is a mobile key"],
        ),
        check(secret("bytes"), &["as text"]),
    ];
    assert_eq!(trouble(&all[0].0), "", "until it was tried");
    keeper.read().await;
    for (kept, words) in &all {
        assert_eq!(value(kept), None, "{words:?}");
        let sentence = trouble(kept);
        for word in *words {
            assert!(sentence.contains(word), "{word} is not in: {sentence}");
        }
    }
    assert_eq!(log.with("a secret cannot be used").len(), all.len());
    assert_eq!(log.with("mob-1"), [""; 0], "no secret is logged");
}

#[tokio::test]
async fn who_does_not_answer_and_who_cannot_ask_are_told_apart() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let settings = settings(&endpoint).await;
    let without_region = settings.clone().into_builder().region(None).build();
    let without_credentials = settings.clone().into_builder();
    let without_credentials = without_credentials.credentials_provider(
        aws_credential_types::provider::SharedCredentialsProvider::new(Nothing),
    );
    for (settings, words) in [
        (
            settings,
            "Parameter Store did not answer (Connection refused",
        ),
        (without_region, "set AWS_REGION"),
        (without_credentials.build(), "without AWS credentials"),
    ] {
        let mut keeper = Keeper::new(Some(settings));
        let kept = keep(&mut keeper, parameter("/key"));
        keeper.read().await;
        let sentence = trouble(&kept);
        assert!(sentence.contains(words), "{words} is not in: {sentence}");
    }
}

/// Provides no credentials.
#[derive(Debug)]
struct Nothing;

impl aws_credential_types::provider::ProvideCredentials for Nothing {
    fn provide_credentials<'a>(
        &'a self,
    ) -> aws_credential_types::provider::future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let none = aws_credential_types::provider::error::CredentialsError::not_loaded("none");
        aws_credential_types::provider::future::ProvideCredentials::ready(Err(none))
    }
}

#[tokio::test]
async fn many_are_read_four_at_a_time_and_each_once() {
    let gate = Some(Semaphore::new(0));
    let aws = Aws::with(State {
        gate,
        ..State::default()
    })
    .await;
    let mut keeper = aws.keeper().await;
    let mut all = Vec::new();
    for number in 0..10 {
        let name = format!("/key/{number}");
        aws.has_parameter(&name, &format!("sdk-{number}"));
        for _ in 0..3 {
            all.push((number, keep(&mut keeper, parameter(&name))));
        }
    }
    let four = async {
        let mut asked = aws.state.asked.subscribe();
        asked.wait_for(|asked| asked.len() == 4).await.unwrap();
        aws.state.gate.as_ref().unwrap().add_permits(100);
    };
    tokio::join!(keeper.read(), four);
    for (number, kept) in &all {
        assert_eq!(value(kept), Some(format!("sdk-{number}")));
        assert_eq!(trouble(kept), "");
    }
    assert_eq!(aws.state.asked.borrow().len(), 10, "each once");
    assert!(aws.state.waiting.lock().unwrap().1 <= 4, "four at most");
}

#[tokio::test]
async fn a_recheck_is_answered_at_once() {
    let aws = Aws::start().await;
    aws.has_parameter("/key", "sdk-old-one");
    let mut keeper = aws.keeper().await;
    let kept = keep(&mut keeper, parameter("/key"));
    // Read for the first time by `run`, so that there is no earlier reading to wait for.
    let reading = Reading::start(keeper);
    assert_eq!(after(&kept, None).await, "sdk-old-one");
    aws.has_parameter("/key", "sdk-new-one");
    kept.recheck();
    let since = tokio::time::Instant::now();
    assert_eq!(after(&kept, Some("sdk-old-one")).await, "sdk-new-one");
    let took = since.elapsed().as_secs();
    assert!((3..=6).contains(&took), "within its five seconds: {took} s");
    reading.stop().await;
}
