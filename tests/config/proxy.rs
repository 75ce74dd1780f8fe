//! The forward proxy and the authorities that are trusted: what is taken, and what is said of the rest.

use std::path::Path;

use secrecy::ExposeSecret as _;

use crate::certificates::Authority;
use crate::settings::{KEY, TABLE, load_from, problems};

fn check_authorities(files: &[(&str, &str)], paths: &str, expected: &[&str]) {
    let files = [&[("relay.toml", "")], files].concat();
    let found = problems(&load_from(&files, &[KEY, TABLE, ("PROXY_CA_CERTS", paths)]));
    assert_eq!(found.len(), expected.len(), "{paths}: {found:?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with("PROXY_CA_CERTS: the file /"), "{found}");
        assert!(found.contains(expected), "{expected}: {found}");
    }
}

#[test]
fn files_of_authorities_hold_certificates_or_nothing_starts() {
    let pem = Authority::new().pem();
    let two = format!("Mine:\n{pem}And another:\n{}", Authority::new().pem());
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let cut = pem.replace("-----END CERTIFICATE-----", "");
    let half = [&pem, broken].concat();
    let files = [
        ("/good.pem", pem.as_str()),
        ("/two.pem", &two),
        ("/empty.pem", ""),
        ("/none.pem", "no certificate"),
        ("/broken.pem", broken),
        ("/half.pem", &half),
        ("/cut.pem", &cut),
    ];
    check_authorities(&files, "/good.pem,/two.pem", &[]);
    check_authorities(
        &files,
        "/missing.pem,/good.pem",
        &["/missing.pem cannot be read"],
    );
    for none in [
        "/empty.pem",
        "/none.pem",
        "/broken.pem",
        "/half.pem",
        "/cut.pem",
    ] {
        let expected = format!("{none} holds no certificate in PEM, or one that is broken");
        check_authorities(&files, none, &[&expected]);
    }
}

#[test]
fn empty_entries_among_the_authorities_are_skipped() {
    let pem = Authority::new().pem();
    let file = "[Proxy]\ncaCertFiles =\ncaCertFiles = /a.pem\ncaCertFiles = \"\"\n";
    let files = [("relay.conf", file), ("/a.pem", &pem), ("/b.pem", &pem)];
    let all = |variables: &[(&str, &str)]| {
        let loaded = load_from(&files, &[&[KEY, TABLE], variables].concat());
        let config = loaded.config.unwrap_or_else(|error| panic!("{error}"));
        config.upstream.ca_certificates
    };
    assert_eq!(all(&[]), [Path::new("/a.pem")]);
    let several = all(&[("PROXY_CA_CERTS", ",/a.pem, ,, /b.pem ,")]);
    assert_eq!(several, [Path::new("/a.pem"), Path::new("/b.pem")]);
    assert!(all(&[("PROXY_CA_CERTS", " , ")]).is_empty());
}

#[test]
fn a_proxy_is_an_absolute_url_of_one_of_three_schemes() {
    for right in [
        "http://proxy.test:3128",
        "https://proxy.test",
        "socks5://proxy.test:1080",
        "http://user:p%40ss@proxy.test:3128/",
    ] {
        let loaded = load_from(&[], &[KEY, TABLE, ("PROXY_URL", right)]);
        let config = loaded.config.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(loaded.warnings, []);
        let proxy = config.upstream.proxy_url.unwrap();
        assert_eq!(proxy.expose_secret(), right);
    }
    for wrong in [
        "proxy.test:3128",
        "proxy.test",
        "ftp://user:hunter22@proxy.test",
        "socks4://proxy.test",
        "socks5h://proxy.test",
        "http://",
        "http://user:hunter/22@proxy.test",
    ] {
        let found = problems(&load_from(&[], &[KEY, TABLE, ("PROXY_URL", wrong)]));
        assert_eq!(found.len(), 1, "{wrong}: {found:?}");
        let start = "PROXY_URL: the value is not the URL of a proxy; write `http://host:port`";
        assert!(found[0].starts_with(start), "{found:?}");
        assert!(!found[0].contains("hunter"), "{found:?}");
    }
}
