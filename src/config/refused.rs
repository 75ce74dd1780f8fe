//! The options with which the daemon does not start: what they ask for it does not do, or not yet.
//!
//! Switched off, or at the value that holds anyway, they are let through: nothing is lost.

use super::options::Treatment::{PartOf, Refused};
use super::options::{Opt, Treatment};
use super::values::{boolean, duration};

const REDIS: &str = "Redis is not supported, only DynamoDB; remove it, and keep a Relay Proxy for what reads from Redis";
const CONSUL: &str = "Consul is not supported, only DynamoDB; remove it, and keep a Relay Proxy for what reads from Consul";
const FILTERS: &str = "payload filters are not supported, and LaunchDarkly's protocol 2 has none; remove it, and every \
     flag of the environment is written";
const BIG_SEGMENTS: &str = "big segments are not built yet; remove it, and keep a Relay Proxy for environments that use them";
const NTLM: &str = "NTLM is not supported; set PROXY_AUTH_NTLM=false and put user and password into PROXY_URL, or go \
     through a local proxy that speaks NTLM";
const SAMPLING: &str =
    "this variable was retired by the Relay Proxy, and events are not forwarded here; remove it";
const REDIS_TTL: &str = "this variable was retired by the Relay Proxy in favour of CACHE_TTL, which has no effect here; remove it";
const TTL_MINUTES: &str = "this variable was retired by the Relay Proxy in favour of LD_TTL_<name>, which has no effect here; remove it";

const fn refused(why: &'static str) -> Treatment {
    Refused {
        harmless: |_| false,
        why,
    }
}

/// Refused unless it is switched off.
const fn switch(why: &'static str) -> Treatment {
    Refused {
        harmless: |it| boolean(it) == Ok(false),
        why,
    }
}

const fn part_of(switch: &'static str, why: &'static str) -> Treatment {
    PartOf {
        switch,
        switches_in_file: false,
        why,
        instead: "",
    }
}

/// The Relay Proxy ignores these without a word unless NTLM is on.
const fn part_of_ntlm() -> Treatment {
    PartOf {
        switch: "PROXY_AUTH_NTLM",
        switches_in_file: false,
        why: NTLM,
        instead: "; put user and password into PROXY_URL",
    }
}

/// In the Relay Proxy's file Redis and Consul have no switch: naming one is switching it on.
const fn switches_in_file(switch: &'static str, why: &'static str) -> Treatment {
    PartOf {
        switch,
        switches_in_file: true,
        why,
        instead: "",
    }
}

fn is(value: &str, default: &str) -> bool {
    duration(value).is_ok_and(|it| duration(default) == Ok(it))
}

#[rustfmt::skip] // A row a line: it is read as a table.
pub(super) const OPTIONS: &[Opt] = &[
    Opt::foreign("LD_FILTER_KEYS_", &["Filters.keys"], refused(FILTERS)),
    Opt::foreign("USE_REDIS", &[], switch(REDIS)),
    Opt::foreign("REDIS_HOST", &["Redis.host"], switches_in_file("USE_REDIS", REDIS)),
    Opt::foreign("REDIS_PORT", &["Redis.port"], switches_in_file("USE_REDIS", REDIS)),
    Opt::foreign("REDIS_URL", &["Redis.url"], switches_in_file("USE_REDIS", REDIS)).secret(),
    Opt::foreign("REDIS_TLS", &["Redis.tls"], part_of("USE_REDIS", REDIS)),
    Opt::foreign("REDIS_USERNAME", &["Redis.username"], part_of("USE_REDIS", REDIS)),
    Opt::foreign("REDIS_PASSWORD", &["Redis.password"], part_of("USE_REDIS", REDIS)).secret(),
    Opt::foreign("REDIS_CLIENT_CERT_FILE", &["Redis.clientCertificateFile"], part_of("USE_REDIS", REDIS)),
    Opt::foreign("REDIS_CLIENT_KEY_FILE", &["Redis.clientKeyFile"], part_of("USE_REDIS", REDIS)),
    Opt::foreign("REDIS_CA_FILE", &["Redis.caFile"], part_of("USE_REDIS", REDIS)),
    Opt::foreign("REDIS_ATOMIC_UPSERT", &["Redis.atomicUpsert"], part_of("USE_REDIS", REDIS)),
    Opt::foreign("REDIS_CONNECT_TIMEOUT", &["Redis.connectTimeout"], part_of("USE_REDIS", REDIS)),
    Opt::foreign("REDIS_READ_TIMEOUT", &["Redis.readTimeout"], part_of("USE_REDIS", REDIS)),
    Opt::foreign("USE_CONSUL", &[], switch(CONSUL)),
    Opt::foreign("CONSUL_HOST", &["Consul.host"], switches_in_file("USE_CONSUL", CONSUL)),
    Opt::foreign("CONSUL_TOKEN", &["Consul.token"], part_of("USE_CONSUL", CONSUL)).secret(),
    Opt::foreign("CONSUL_TOKEN_FILE", &["Consul.tokenFile"], part_of("USE_CONSUL", CONSUL)),
    Opt::foreign("BIG_SEGMENTS_STALE_AS_DEGRADED", &["Main.bigSegmentsStaleAsDegraded"], switch(BIG_SEGMENTS)),
    Opt::foreign("BIG_SEGMENTS_STALE_THRESHOLD", &["Main.bigSegmentsStaleThreshold"],
        Refused { harmless: |it| is(it, "5m"), why: BIG_SEGMENTS }),
    Opt::foreign("PROXY_AUTH_NTLM", &["Proxy.ntlmAuth"], switch(NTLM)),
    Opt::foreign("PROXY_AUTH_USER", &["Proxy.user"], part_of_ntlm()),
    Opt::foreign("PROXY_AUTH_PASSWORD", &["Proxy.password"], part_of_ntlm()).secret(),
    Opt::foreign("PROXY_AUTH_DOMAIN", &["Proxy.domain"], part_of_ntlm()),
    Opt::foreign("EVENTS_SAMPLING_INTERVAL", &[], refused(SAMPLING)),
    Opt::foreign("REDIS_TTL", &[], refused(REDIS_TTL)),
    Opt::foreign("LD_TTL_MINUTES_", &[], refused(TTL_MINUTES)),
];
