//! LaunchDarkly behind a forward proxy and behind authorities of one's own. A stream of more than ten minutes cannot be waited
//! for: that one tunnel is kept, and its keep-alive timer, stand for it.

mod authorities;
mod forward;
mod secure;

use std::time::Duration;

use serde_json::Value;

use crate::ask::{self, Answer};
use crate::certificates::Authority;
use crate::process::{Output, PATIENCE, Program, Running};
use crate::world::{World, flag};
use forward::{Asked, ForwardProxy, Manner};
use secure::{SecureFront, acceptor};

/// As it is, and as a URL has it.
const CREDENTIALS: &str = "relay@corp:hunter2/2:x";
const ENCODED: &str = "relay%40corp:hunter2%2F2%3Ax";
const ENDED: &str = "the connection to LaunchDarkly ended";
/// The normal curve's longest wait; the other one begins with minutes.
const NORMAL: u64 = 30_000;

/// A world whose LaunchDarkly speaks TLS, with a certificate that this authority issued.
struct Secure {
    world: World,
    authority: Authority,
    front: SecureFront,
}

impl Secure {
    async fn new() -> Self {
        let world = World::with_flags(2).await;
        let authority = Authority::new();
        let front = SecureFront::start(&authority, &world.launchdarkly.uri()).await;
        Self {
            world,
            authority,
            front,
        }
    }

    fn target(&self) -> String {
        format!("localhost:{}", self.front.port)
    }

    /// The daemon that trusts the authority.
    fn run(&self) -> Program {
        self.trusting(&self.authority)
    }

    fn trusting(&self, authority: &Authority) -> Program {
        self.world
            .program(&["run"])
            .set("STREAM_URI", &self.front.uri())
            .set("BASE_URI", &self.front.uri())
            .set("LOG_LEVEL", "debug")
            .with_file("ca.pem", &authority.pem())
            .set("PROXY_CA_CERTS", "ca.pem")
    }
}

fn through(scheme: &str, port: u16) -> String {
    format!("{scheme}://{ENCODED}@localhost:{port}")
}

fn asked(what: &str, target: &str, credentials: Option<&str>) -> Asked {
    Asked {
        what: format!("{what} {target}"),
        credentials: credentials.map(Into::into),
    }
}

/// Stores what is said first, and a change.
async fn is_heard(relay: &Running, world: &World) {
    relay.first_write().await;
    world.production.put_flag(&flag("later", 1));
    relay.event_with("stored", |it| it["key"] == "later").await;
    world.assert_equal();
}

/// Nothing that was printed tells the password, in either form.
fn assert_silent(output: &Output) {
    for secret in [CREDENTIALS, ENCODED, "hunter2"] {
        assert!(!output.stdout.contains(secret), "{}", output.stdout);
        assert!(!output.stderr.contains(secret), "{}", output.stderr);
    }
}

/// A failed connection that is tried again soon, and what is said of it.
fn assert_normal(ended: &Value) -> String {
    let wait = ended["retry_in_milliseconds"].as_u64().unwrap();
    assert!(wait <= NORMAL, "{ended}");
    ended["detail"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_goes_through_one_tunnel_of_a_proxy_that_asks_for_basic() {
    let secure = Secure::new().await;
    let proxy = ForwardProxy::start(Manner::Basic(CREDENTIALS)).await;
    let program = secure.run().set("PROXY_URL", &through("http", proxy.port));
    let relay = program.start();
    is_heard(&relay, &secure.world).await;
    let tunnel = asked("CONNECT", &secure.target(), Some(CREDENTIALS));
    assert_eq!(
        proxy.asked(),
        [tunnel],
        "one, and nothing else: no DynamoDB"
    );
    let (_, admin) = relay.ports().await;
    for path in ["/status", "/", "/metrics"] {
        let shown = ask::get(admin, path).await.body;
        assert!(
            !shown.contains("hunter2") && !shown.contains("corp"),
            "{shown}"
        );
    }
    assert_silent(&relay.stop().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn polls_go_through_the_proxy_too() {
    let secure = Secure::new().await;
    let proxy = ForwardProxy::start(Manner::Basic(CREDENTIALS)).await;
    let program = secure.run().set("UPSTREAM", "poll");
    let relay = program
        .set("PROXY_URL", &through("http", proxy.port))
        .start();
    relay.first_write().await;
    secure.world.assert_equal();
    let tunnel = asked("CONNECT", &secure.target(), Some(CREDENTIALS));
    assert_eq!(proxy.asked(), [tunnel]);
    assert_silent(&relay.stop().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_may_itself_speak_tls_with_a_certificate_of_the_authority() {
    let secure = Secure::new().await;
    let manner = Manner::Basic(CREDENTIALS);
    let proxy = ForwardProxy::secure(manner, acceptor(&secure.authority)).await;
    let program = secure.run().set("PROXY_URL", &through("https", proxy.port));
    let relay = program.start();
    is_heard(&relay, &secure.world).await;
    let tunnel = asked("CONNECT", &secure.target(), Some(CREDENTIALS));
    assert_eq!(proxy.asked(), [tunnel]);
    assert_silent(&relay.stop().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socks_proxy_is_given_the_name_to_resolve() {
    let secure = Secure::new().await;
    let proxy = ForwardProxy::socks(Manner::Basic(CREDENTIALS)).await;
    let program = secure
        .run()
        .set("PROXY_URL", &through("socks5", proxy.port));
    let relay = program.start();
    is_heard(&relay, &secure.world).await;
    let tunnel = asked("SOCKS", &secure.target(), Some(CREDENTIALS));
    assert_eq!(proxy.asked(), [tunnel]);
    assert_silent(&relay.stop().await);
}

/// Without TLS there is no tunnel, and the proxy's 407 looks like LaunchDarkly's answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_407_is_the_proxys_refusal_and_not_the_keys() {
    let secure = Secure::new().await;
    for (upstream, what) in [
        (secure.front.uri(), "CONNECT"),
        (secure.world.launchdarkly.uri(), "GET"),
    ] {
        for mode in ["stream", "poll"] {
            let proxy = ForwardProxy::start(Manner::Basic("another:one")).await;
            let program = secure.run().set("PROXY_URL", &through("http", proxy.port));
            let program = program.set("UPSTREAM", mode);
            let relay = program
                .set("STREAM_URI", &upstream)
                .set("BASE_URI", &upstream)
                .start();
            let ended = relay.event(ENDED).await;
            let detail = ended["detail"].as_str().unwrap();
            let start = "the forward proxy refused the connection to LaunchDarkly: it answered 407";
            assert!(detail.starts_with(start), "{detail}");
            assert!(
                detail.contains("PROXY_URL") && !detail.contains("key"),
                "{detail}"
            );
            assert_normal(&ended);
            assert!(proxy.asked()[0].what.starts_with(what));
            let (_, admin) = relay.ports().await;
            let of = |it: &Answer| it.json()["environments"]["production"].clone();
            let failed = |it: &Answer| !of(it)["connectionStatus"]["lastError"].is_null();
            let status = of(&ask::until(admin, "/status", failed).await);
            let error = &status["connectionStatus"]["lastError"];
            assert_eq!(error["kind"], "NETWORK_ERROR", "{status}");
            assert_ne!(status["sync"]["source"]["phase"], "refused", "{status}");
            assert_silent(&relay.stop().await);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tunnel_that_is_not_opened_is_a_network_failure_on_the_normal_curve() {
    let secure = Secure::new().await;
    for status in [403, 502, 204] {
        let proxy = ForwardProxy::start(Manner::Refusing(status)).await;
        let program = secure.run().set("PROXY_URL", &through("http", proxy.port));
        let relay = program.start();
        let ended = relay.event(ENDED).await;
        let detail = assert_normal(&ended);
        assert!(detail.contains("it opened no tunnel"), "{status}: {detail}");
        // It is tried again soon.
        proxy.asked_times(2).await;
        assert_silent(&relay.stop().await);
    }
}

/// What it is about, what is set, and how many streams either proxy has carried in the end.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], [usize; 2]);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proxy_url_takes_the_place_of_the_proxies_of_the_environment_and_of_no_proxy() {
    let world = World::with_flags(2).await;
    let (own, common) = (
        ForwardProxy::start(Manner::Open).await,
        ForwardProxy::start(Manner::Open).await,
    );
    let of = |proxy: &ForwardProxy| format!("http://localhost:{}", proxy.port);
    // By name: what the client makes of `NO_PROXY=*`, it makes of names.
    let uri = world.launchdarkly.uri().replace("127.0.0.1", "localhost");
    let launchdarkly = format!("GET {uri}/all");
    let heard_by = |proxy: &ForwardProxy| {
        let asked = proxy.asked();
        asked.iter().filter(|it| it.what == launchdarkly).count()
    };
    let cases: [Case<'_>; 6] = [
        ("HTTP_PROXY alone", &[("HTTP_PROXY", "common")], [0, 1]),
        (
            "NO_PROXY spares it",
            &[("HTTP_PROXY", "common"), ("NO_PROXY", "*")],
            [0, 1],
        ),
        ("PROXY_URL alone", &[("PROXY_URL", "own")], [1, 1]),
        (
            "NO_PROXY does not count",
            &[("PROXY_URL", "own"), ("NO_PROXY", "*")],
            [2, 1],
        ),
        (
            "nor does HTTP_PROXY",
            &[
                ("PROXY_URL", "own"),
                ("HTTP_PROXY", "common"),
                ("HTTPS_PROXY", "common"),
            ],
            [3, 1],
        ),
        (
            "nor do both",
            &[
                ("PROXY_URL", "own"),
                ("HTTP_PROXY", "common"),
                ("no_proxy", "*"),
            ],
            [4, 1],
        ),
    ];
    for (case, settings, expected) in cases {
        let mut program = world.program(&["run"]).set("STREAM_URI", &uri);
        for (name, value) in settings {
            program = match *value {
                "own" => program.set(name, &of(&own)),
                "common" => program.set(name, &of(&common)),
                value => program.set(name, value),
            };
        }
        let relay = program.start();
        relay.event("LaunchDarkly said everything").await;
        relay.event("summary").await;
        assert_eq!([heard_by(&own), heard_by(&common)], expected, "{case}");
        assert_eq!(relay.stop().await.code, Some(0));
    }
    // DynamoDB is reached as the environment says, and never by PROXY_URL.
    let to_store = format!("POST {}/", world.store.endpoint());
    let stored_by = |proxy: &ForwardProxy| proxy.asked().iter().any(|it| it.what == to_store);
    assert!(stored_by(&common), "{:?}", common.asked());
    assert!(!stored_by(&own), "{:?}", own.asked());
}

/// In hundredths of a second, how long until the kernel asks whether the proxy is still there.
#[cfg(target_os = "linux")]
fn keep_alive_due(port: u16) -> Option<u64> {
    let sockets = ["/proc/net/tcp", "/proc/net/tcp6"].map(std::fs::read_to_string);
    let sockets: String = sockets.into_iter().flatten().collect();
    sockets.lines().find_map(|line| {
        let words: Vec<_> = line.split_whitespace().collect();
        let is_to_proxy = words.get(2)?.ends_with(&format!(":{port:04X}"));
        let (timer, due) = words.get(5)?.split_once(':')?;
        let due = u64::from_str_radix(due, 16).ok()?;
        (is_to_proxy && timer == "02").then_some(due)
    })
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_tunnel_is_kept_alive_before_a_proxys_half_minute_is_over() {
    let secure = Secure::new().await;
    let proxy = ForwardProxy::start(Manner::Open).await;
    let program = secure.run().set("PROXY_URL", &through("http", proxy.port));
    let relay = program.start();
    is_heard(&relay, &secure.world).await;
    // Another timer runs while something is not acknowledged.
    let mut now_and_then = tokio::time::interval(Duration::from_millis(10));
    let due = async {
        loop {
            if let Some(due) = keep_alive_due(proxy.port) {
                return due;
            }
            now_and_then.tick().await;
        }
    };
    let due = tokio::time::timeout(PATIENCE, due).await;
    assert!(due.unwrap() < 3_000, "30 s");
    assert_eq!(relay.stop().await.code, Some(0));
}
