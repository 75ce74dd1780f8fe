//! The template's task definition is what the program understands: started with its variables and its command, it reads its
//! secrets from Parameter Store, fills the table, takes webhooks on the routes, and writes the line that alarms are made from.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::UNIX_EPOCH;

use ld_dynamodb_relay::clock;
use ld_dynamodb_relay::webhook::sign;
use serde::Deserialize;
use serde_json::Value;

use crate::ask;
use crate::moto::Moto;
use crate::process::Program;
use crate::world::{KEY, World};

/// What `task.py` prints.
#[derive(Deserialize)]
struct Task {
    variables: BTreeMap<String, String>,
    command: Vec<String>,
    health: Vec<String>,
    routes: Vec<String>,
    port: u16,
    filters: Vec<Filter>,
    secrets: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Filter {
    pattern: String,
    value: String,
}

async fn deploy(moto: &Moto) -> Task {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = tokio::process::Command::new(root.join(".tools/python/bin/python"))
        .arg(root.join("tests/deploy/task.py"))
        .arg(&moto.endpoint)
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

impl Task {
    /// The program as the container runs it, but that it finds this machine's LaunchDarkly, Parameter Store and table,
    /// and takes any free ports.
    fn program(&self, arguments: &[&str], world: &World, moto: &Moto) -> Program {
        let mut program = Program::new(arguments);
        for (name, value) in &self.variables {
            program = program.set(name, value);
        }
        program
            .set("STREAM_URI", &world.launchdarkly.uri())
            .set("BASE_URI", &world.launchdarkly.uri())
            .set("DYNAMODB_URL", &world.store.endpoint())
            .set("AWS_ENDPOINT_URL_SSM", &moto.endpoint)
            .set("AWS_EC2_METADATA_DISABLED", "true")
            .set("PORT", "0")
            .set("PROMETHEUS_PORT", "0")
    }
}

/// A flag changed just now.
fn body(id: usize) -> String {
    let now = clock::now().wall.duration_since(UNIX_EPOCH).unwrap();
    let date = now.as_millis();
    format!(
        r#"{{"_id":"{id}","date":{date},"kind":"flag","accesses":[{{"action":"updateOn","resource":"proj/shop:env/production:flag/flag-0000"}}]}}"#
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_task_runs_with_what_the_template_gives_it() {
    let moto = Moto::start().await;
    let task = deploy(&moto).await;
    let world = World::with_flags(3).await;
    let table = &task.variables["DYNAMODB_TABLE"];
    world.store.create_table(table).unwrap();
    assert_eq!(task.secrets["sdkkey"], KEY);

    // Nothing is misspelt.
    let understood = task
        .program(&["config", "--json"], &world, &moto)
        .output()
        .await;
    assert_eq!(understood.code, Some(0), "{understood:?}");
    let understood = understood.json();
    assert_eq!(understood["warnings"], Value::Array(Vec::new()));
    let given = understood["given"].as_array().unwrap();
    for (name, value) in &task.variables {
        let is_it = |it: &&Value| it["origin"].as_str().unwrap().contains(name.as_str());
        let verdict = given.iter().find(is_it).map(|it| &it["verdict"]);
        // The region is read by the AWS chain.
        if name != "AWS_REGION" && !value.is_empty() {
            assert_eq!(verdict, Some(&Value::from("honoured")), "{name}");
        }
    }
    let setting = |variable: &str| {
        let settings = understood["settings"].as_array().unwrap();
        let it = settings.iter().find(|it| it["variable"] == variable);
        it.unwrap()["value"].clone()
    };
    assert_eq!(task.variables["PORT"], task.port.to_string());
    assert_eq!(setting("LOG_FORMAT"), "json");

    // Ready, with the rows where the SDKs look for them.
    let command: Vec<_> = task.command.iter().map(String::as_str).collect();
    let relay = task.program(&command, &world, &moto).start();
    relay.first_write().await;
    let (port, _) = relay.ports().await;
    ask::until(port, "/readyz", |it| it.status == 200).await;
    let row = world.store.row(table, "shop:features", "flag-0002");
    assert!(row.unwrap().is_some());
    // The program's name in the image is another one than here.
    let [_, program, health @ ..] = task.health.as_slice() else {
        panic!("{:?}", task.health);
    };
    assert!(program.ends_with("ld-dynamodb-relay"));
    let health: Vec<_> = health.iter().map(String::as_str).collect();
    let healthy = task.program(&health, &world, &moto);
    let healthy = healthy.set("PORT", &port.to_string()).output().await;
    assert_eq!(healthy.code, Some(0), "{healthy:?}");

    // What API Gateway routes is taken, if it is signed.
    assert_eq!(task.routes.len(), 2);
    for (id, route) in task.routes.iter().enumerate() {
        let path = route.strip_prefix("POST ").unwrap();
        let path = path.replace("{environment}", "production");
        let body = body(id);
        for (secret, expected) in [
            ("not-the-secret", 401),
            (&*task.secrets["webhooksecret"], 202),
        ] {
            let signature = sign(body.as_bytes(), &secret.into());
            let header = format!("X-LD-Signature: {signature}");
            let answer = ask::post(port, &path, &[&header], body.as_bytes()).await;
            assert_eq!(answer.status, expected, "{path} {answer:?}");
        }
    }

    // Each metric filter finds its number in the line that is really written, and in no other.
    let summary = relay.event("summary").await;
    assert!(task.filters.len() > 5);
    for filter in &task.filters {
        assert_eq!(filter.pattern, r#"{ $.message = "summary" }"#);
        let member = filter.value.strip_prefix("$.").unwrap();
        assert!(summary[member].is_u64(), "{member}: {summary}");
    }
    let end = relay.stop().await;
    assert_eq!(end.code, Some(0));
    for secret in task.secrets.values() {
        assert!(!end.stdout.contains(secret) && !end.stderr.contains(secret));
    }
}
