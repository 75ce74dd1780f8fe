//! A running relay and a browser that looks at it.

use std::process::Stdio;
use std::time::Duration;

use ld_dynamodb_relay::simulator::{AutoConfiguration, Behaviour};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::Command;
use tokio::time::{Instant, timeout};

use crate::process::{PATIENCE, Program, Running};
use crate::world::{World, flag};

pub(crate) const AUTO_CONFIG_KEY: &str = "rel-00000000-0000-4000-8000-00000000beef";
pub(crate) const TOKEN: &str = "a-token-of-some-length";
/// Nothing that a browser does here takes so long unless it is broken.
const SCENARIO: Duration = Duration::from_mins(2);
/// An open page does not hold up an end longer than this.
const QUICKLY: Duration = Duration::from_secs(4);

/// What a scenario plays on.
pub(crate) struct Stage {
    world: World,
    with: Box<dyn Fn(Program) -> Program>,
    relay: Option<Running>,
    port: u16,
}

impl Stage {
    /// With the relay running, started as `with` says.
    pub(crate) async fn new(world: World, with: impl Fn(Program) -> Program + 'static) -> Self {
        let mut stage = Self {
            world,
            with: Box::new(with),
            relay: None,
            port: 0,
        };
        stage.start().await;
        stage
    }

    async fn start(&mut self) {
        let program = self.world.program(&["run"]);
        let program = program.set("PROMETHEUS_PORT", &self.port.to_string());
        let relay = (self.with)(program).start();
        (_, self.port) = relay.ports().await;
        self.relay = Some(relay);
    }

    /// Has the browser play a scenario of `run.mjs`, and does what it asks for.
    pub(crate) async fn play(mut self, scenario: &str) {
        let mut browser = Command::new("node")
            .args([
                "tests/page/run.mjs",
                scenario,
                &self.port.to_string(),
                TOKEN,
            ])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut asked = BufReader::new(browser.stdout.take().unwrap()).lines();
        let mut answers = browser.stdin.take().unwrap();
        let played = async {
            while let Some(line) = asked.next_line().await.unwrap() {
                let question: Value = serde_json::from_str(&line).unwrap();
                let answer = self.answer(&question).await;
                let line = format!("{answer}\n");
                answers.write_all(line.as_bytes()).await.unwrap();
            }
            browser.wait().await.unwrap()
        };
        let ended = timeout(SCENARIO, played).await.unwrap();
        assert!(
            ended.success(),
            "{scenario}: what is printed above says why"
        );
    }

    fn roster(&self) -> AutoConfiguration {
        self.world.launchdarkly.auto_configuration(AUTO_CONFIG_KEY)
    }

    async fn answer(&mut self, question: &Value) -> Value {
        let text = |at: usize| question[at].as_str().unwrap();
        match text(0) {
            // The key as it is written in JSON.
            "put" => {
                let version = question[2].as_u64().unwrap();
                let key = Value::from(text(1)).to_string();
                let key = &key[1..key.len() - 1];
                self.world.production.put_flag(&flag(key, version));
                json!(null)
            }
            "list" => {
                self.roster().add(text(1), "harbor", text(1));
                json!(null)
            }
            "list unusably" => {
                self.roster().list(text(1), "harbor", text(1), "");
                json!(null)
            }
            // And nobody is told again.
            "list nobody" => {
                for id in question[1].as_array().unwrap() {
                    self.roster().leave_out(id.as_str().unwrap());
                }
                self.roster().always(Behaviour::status(503));
                self.roster().announce();
                json!(null)
            }
            "live flags" => json!(self.world.live_flags()),
            "stop" => {
                let asked = Instant::now();
                let end = self.relay.take().unwrap().stop().await;
                assert_eq!(end.code, Some(0), "{end:?}");
                assert!(asked.elapsed() < QUICKLY, "{:?}", asked.elapsed());
                assert!(!end.stdout.contains("cut off"), "{end:?}");
                json!(null)
            }
            "start" => {
                timeout(PATIENCE, self.start()).await.unwrap();
                json!(null)
            }
            other => panic!("nobody knows how to {other}"),
        }
    }
}
