//! Who may give orders on the admin port: whoever works on this machine, or knows the token.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr as _;

use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, header};
use secrecy::{ExposeSecret as _, SecretString};

use crate::webhook::{is_signed, sign};

/// How the headers begin that proxies add: then it is not this machine that asks, though the connection comes from it. A
/// proxy that adds none cannot be told from an operator.
const FORWARDED: [&str; 4] = ["forwarded", "via", "x-forwarded", "x-real-ip"];

/// Why somebody may give orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OperatorRight {
    /// Asks from this machine.
    Local,
    /// Knows the token.
    HasToken,
}

impl OperatorRight {
    /// For the log.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Local => "somebody on this machine",
            Self::HasToken => "somebody with ADMIN_TOKEN",
        }
    }
}

/// Whether a request with these headers, from this peer, is an operator's.
pub(super) fn operator(
    peer: Option<SocketAddr>,
    headers: &HeaderMap,
    token: Option<&SecretString>,
) -> Option<OperatorRight> {
    if headers.contains_key(header::AUTHORIZATION) {
        // Whoever gives a token is judged by it: a wrong one is no lesser right.
        let is_right = token.is_some_and(|token| has_token(headers, token));
        return is_right.then_some(OperatorRight::HasToken);
    }
    let is_local = peer.is_some_and(|peer| peer.ip().to_canonical().is_loopback());
    let adds = |name: &HeaderName| FORWARDED.iter().any(|it| name.as_str().starts_with(it));
    let is_forwarded = headers.keys().any(adds);
    (is_local && !is_forwarded && is_no_page(headers)).then_some(OperatorRight::Local)
}

/// Whether a page may be shown to who asks: a browser on this machine has to call us by a name of this machine, or the name
/// was made to lead here by somebody whose page it then is.
pub(super) fn is_called_by_our_name(peer: Option<SocketAddr>, headers: &HeaderMap) -> bool {
    let is_local = peer.is_some_and(|peer| peer.ip().to_canonical().is_loopback());
    !is_local || only(headers, &header::HOST).is_some_and(names_this_machine)
}

fn has_token(headers: &HeaderMap, token: &SecretString) -> bool {
    let Some(given) = only(headers, &header::AUTHORIZATION).and_then(|it| it.split_once(' '))
    else {
        return false;
    };
    let (scheme, given) = given;
    let token = SecretString::from(token.expose_secret().trim());
    // Equal secrets sign alike, and signatures are compared in constant time.
    let signature = sign(b"", &SecretString::from(given.trim()));
    let is_right = is_signed(b"", signature.as_bytes(), &token);
    scheme.eq_ignore_ascii_case("bearer") && !token.expose_secret().is_empty() && is_right
}

/// A page in an operator's browser sends from this machine as well. If it is of another site, its origin is; and if its
/// name was made to lead to this machine, the host is that name.
fn is_no_page(headers: &HeaderMap) -> bool {
    let Some(host) = only(headers, &header::HOST) else {
        return false;
    };
    let is_ours = |origin: &str| origin.eq_ignore_ascii_case(&format!("http://{host}"));
    names_this_machine(host)
        && (!headers.contains_key(header::ORIGIN)
            || only(headers, &header::ORIGIN).is_some_and(is_ours))
}

/// `localhost` or an address of loopback, with or without a port. Who is on this machine has no need of another name.
fn names_this_machine(host: &str) -> bool {
    let Ok(authority) = Authority::from_str(host) else {
        return false;
    };
    let name = authority.host();
    let address = name.trim_start_matches('[').trim_end_matches(']');
    let is_loopback = |it: IpAddr| it.to_canonical().is_loopback();
    !host.contains('@')
        && (name.eq_ignore_ascii_case("localhost") || address.parse().is_ok_and(is_loopback))
}

/// The header, if it is there once and readable.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).into_iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    value.to_str().ok()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const TOKEN: &str = "a-token-of-some-length";

    /// Headers as lines: `host: localhost`.
    fn check(peer: &str, lines: &[&'static str], expect: Option<OperatorRight>) {
        let mut headers = HeaderMap::new();
        for line in lines {
            let (name, value) = line.split_once(": ").unwrap();
            let name = HeaderName::from_static(name);
            headers.append(name, HeaderValue::from_static(value));
        }
        let peer = peer.parse().ok();
        let token = SecretString::from(TOKEN);
        let given = operator(peer, &headers, Some(&token));
        assert_eq!(given, expect, "{peer:?} {lines:?}");
    }

    #[test]
    fn who_asks_from_this_machine_is_an_operator() {
        let local = Some(OperatorRight::Local);
        for peer in [
            "127.0.0.1:5",
            "127.9.9.9:5",
            "[::1]:5",
            "[::ffff:127.0.0.1]:5",
        ] {
            check(peer, &["host: localhost:8031"], local);
        }
        for host in [
            "host: localhost",
            "host: LocalHost:8031",
            "host: 127.0.0.1",
            "host: 127.0.0.1:8031",
            "host: [::1]",
            "host: [::1]:8031",
            "host: [::ffff:127.0.0.1]:8031",
        ] {
            check("127.0.0.1:5", &[host], local);
        }
        let own = ["host: localhost:8031", "origin: http://localhost:8031"];
        check("127.0.0.1:5", &own, local);
    }

    #[test]
    fn who_asks_from_elsewhere_is_none() {
        for peer in [
            "none",
            "10.0.0.1:5",
            "192.168.0.1:5",
            "0.0.0.0:5",
            "[::]:5",
            "[fe80::1]:5",
            "[::ffff:10.0.0.1]:5",
            "[::7f00:1]:5",
        ] {
            check(peer, &["host: localhost:8031"], None);
        }
    }

    #[test]
    fn what_a_proxy_or_a_page_sends_from_this_machine_is_none() {
        let proxied = [
            "forwarded: for=192.0.2.1",
            "x-forwarded-for: 192.0.2.1",
            "x-forwarded-for: 127.0.0.1",
            "x-forwarded-proto: http",
            "x-forwarded-host: relay.example",
            "x-forwarded-port: 443",
            "x-forwarded-prefix: /relay",
            "x-real-ip: 192.0.2.1",
            "via: 1.1 proxy",
        ];
        for line in proxied {
            check("127.0.0.1:5", &["host: localhost:8031", line], None);
        }
        for host in [
            "host: relay.example:8031",
            "host: localhost.example",
            "host: 127.0.0.1.example",
            "host: 10.0.0.5:8031",
            "host: 0.0.0.0:8031",
            "host: [fe80::1]:8031",
            "host: me@localhost:8031",
            "host: localhost:8031/",
            "host: ",
        ] {
            check("127.0.0.1:5", &[host], None);
        }
        check("127.0.0.1:5", &[], None);
        let twice = ["host: localhost:8031", "host: relay.example"];
        check("127.0.0.1:5", &twice, None);
        for origin in [
            "origin: http://relay.example",
            "origin: http://localhost",
            "origin: http://localhost:3000",
            "origin: https://localhost:8031",
            "origin: http://127.0.0.1:8031",
            "origin: null",
            "origin: ",
        ] {
            check("127.0.0.1:5", &["host: localhost:8031", origin], None);
        }
        let twice = [
            "host: localhost:8031",
            "origin: http://localhost:8031",
            "origin: http://relay.example",
        ];
        check("127.0.0.1:5", &twice, None);
    }

    #[test]
    fn the_token_makes_anybody_an_operator() {
        let remote = |line| ["host: relay.example:8031", line];
        let right = remote("authorization: Bearer a-token-of-some-length");
        check("10.0.0.1:5", &right, Some(OperatorRight::HasToken));
        check("127.0.0.1:5", &right, Some(OperatorRight::HasToken));
        let small = remote("authorization: bearer a-token-of-some-length");
        check("10.0.0.1:5", &small, Some(OperatorRight::HasToken));
        for wrong in [
            "authorization: Bearer a-token-of-some-lengtH",
            "authorization: Bearer a-token-of-some-lengt",
            "authorization: Bearer a-token-of-some-length-and-more",
            "authorization: Bearer ",
            "authorization: Bearer",
            "authorization: Basic a-token-of-some-length",
            "authorization: a-token-of-some-length",
            "authorization: ",
        ] {
            check("10.0.0.1:5", &remote(wrong), None);
            check("127.0.0.1:5", &["host: localhost:8031", wrong], None);
        }
        let twice = [
            "authorization: Bearer guess",
            "authorization: Bearer a-token-of-some-length",
        ];
        check("10.0.0.1:5", &twice, None);
    }

    #[test]
    fn without_a_token_none_is_right() {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Bearer "));
        let peer = "10.0.0.1:5".parse().ok();
        assert_eq!(operator(peer, &headers, None), None);
        for empty in ["", "  "] {
            let token = SecretString::from(empty);
            assert_eq!(operator(peer, &headers, Some(&token)), None);
        }
    }
}
