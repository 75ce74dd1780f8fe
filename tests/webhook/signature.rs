//! Only what was signed with one of the secrets is accepted.

use std::fs;

use ld_dynamodb_relay::webhook::{is_signed, sign};
use proptest::prelude::*;
use secrecy::SecretString;

fn fixture(name: &str) -> Vec<u8> {
    fs::read(format!("tests/fixtures/{name}")).unwrap()
}

fn secret(text: &str) -> SecretString {
    text.into()
}

/// Whether one of these secrets signed it.
fn is_signed_by_one(body: &[u8], signature: &[u8], secrets: &[&str]) -> bool {
    let mut secrets = secrets.iter();
    secrets.any(|text| is_signed(body, signature, &secret(text)))
}

/// With one bit of it the other way.
fn flipped(bytes: &[u8], at: prop::sample::Index) -> Vec<u8> {
    let bit = at.index(bytes.len() * 8);
    let mut bytes = bytes.to_vec();
    bytes[bit / 8] ^= 1 << (bit % 8);
    bytes
}

/// The vectors: signatures of the files, and of bodies that are almost the last of them.
#[test]
fn what_launchdarkly_signed_is_accepted_and_what_is_almost_that_is_not() {
    let vectors: serde_json::Value =
        serde_json::from_slice(&fixture("webhook-signatures.json")).unwrap();
    let key = secret(vectors["secret"].as_str().unwrap());
    let files = vectors["files"].as_object().unwrap();
    assert_eq!(files.len(), 4);
    for (name, vector) in files {
        let (body, signature) = (fixture(name), vector["signature"].as_str().unwrap());
        assert_eq!(vector["length"], body.len(), "{name}");
        assert_eq!(sign(&body, &key), signature, "{name}");
        let accepts = |body: &[u8]| is_signed(body, signature.as_bytes(), &key);
        assert!(accepts(&body), "{name}");
        assert!(!accepts(&[&*body, b"\n"].concat()), "{name}");
    }
    let minimal = fixture("webhook-minimal.json");
    let others = vectors["negativeExamples"].as_object().unwrap();
    assert_eq!(others.len(), 2);
    for (name, signature) in others {
        let signature = signature.as_str().unwrap().as_bytes();
        assert!(!is_signed(&minimal, signature, &key), "{name}");
    }
}

proptest! {
    #[test]
    fn one_bit_of_the_body_or_the_signature_or_the_secret_makes_it_another(
        body in prop::collection::vec(any::<u8>(), 1..200),
        text in "[ -~]{1,80}",
        at in any::<prop::sample::Index>(),
    ) {
        let key = secret(&text);
        let signature = sign(&body, &key);
        prop_assert!(is_signed(&body, signature.as_bytes(), &key));
        prop_assert!(!is_signed(&flipped(&body, at), signature.as_bytes(), &key));
        let other = flipped(signature.as_bytes(), at);
        // Bit 5 of a letter is its case, which does not count.
        let differs = !other.eq_ignore_ascii_case(signature.as_bytes());
        prop_assert_eq!(is_signed(&body, &other, &key), !differs);
        if let Ok(other) = String::from_utf8(flipped(text.as_bytes(), at)) {
            prop_assert!(!is_signed(&body, signature.as_bytes(), &secret(&other)));
        }
    }

    #[test]
    fn no_bytes_but_the_signature_are_one(
        body in prop::collection::vec(any::<u8>(), 0..50),
        signature in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..140),
            "[0-9a-fA-F]{64}".prop_map(String::into_bytes),
        ],
    ) {
        prop_assert!(!is_signed_by_one(&body, &signature, &["one", "two"]));
    }

    /// In a rotation both secrets hold, wherever they stand; afterwards the old one does not.
    #[test]
    fn any_of_several_secrets_is_enough(
        body in prop::collection::vec(any::<u8>(), 0..50),
        all in prop::collection::vec("[a-z]{1,3}", 1..4),
        at in any::<prop::sample::Index>(),
    ) {
        let signer = at.get(&all);
        let signature = sign(&body, &signer.as_str().into());
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        prop_assert!(is_signed_by_one(&body, signature.as_bytes(), &all));
        let rest: Vec<&str> = all.into_iter().filter(|it| it != signer).collect();
        prop_assert!(!is_signed_by_one(&body, signature.as_bytes(), &rest));
    }
}

#[test]
fn a_signature_is_64_digits_in_either_case_and_nothing_else() {
    let body = b"{}";
    let key = secret("wh-secret");
    let right = sign(body, &key);
    let (lower, upper) = (right.to_lowercase(), right.to_uppercase());
    let mixed = upper[..32].to_owned() + &lower[32..];
    for accepted in [&lower, &upper, &mixed] {
        assert!(is_signed(body, accepted.as_bytes(), &key), "{accepted}");
    }
    let refused = [
        String::new(),
        right[..1].to_owned(),
        right[..62].to_owned(),
        right[..63].to_owned(),
        format!("{right}0"),
        format!("{right}{right}"),
        format!(" {right}"),
        format!("{right} "),
        format!("{right}\n"),
        format!("{} {}", &right[..32], &right[32..]),
        format!("{} {}", &right[..32], &right[33..]),
        format!("0x{right}"),
        format!("0x{}", &right[2..]),
        format!("sha256={right}"),
        format!("{}é", &right[..62]),
        "g".repeat(64),
        "\0".repeat(64),
    ];
    for refused in refused {
        assert!(!is_signed(body, refused.as_bytes(), &key), "{refused:?}");
    }
    assert!(!is_signed(body, &[0xFF; 64], &key));
    // The digest itself is not its hexadecimal digits.
    assert!(!is_signed(body, &hex::decode(&right).unwrap(), &key));
}

/// Everybody knows the empty secret.
#[test]
fn without_a_secret_nothing_is_signed() {
    let by_nobody = sign(b"{}", &"".into());
    assert_eq!(by_nobody.len(), 64);
    for none in [&[][..], &[""], &["", ""]] {
        assert!(!is_signed_by_one(b"{}", by_nobody.as_bytes(), none));
        assert!(!is_signed_by_one(b"{}", b"", none));
    }
    let with_some = &["", "some"];
    assert!(!is_signed_by_one(b"{}", by_nobody.as_bytes(), with_some));
    let by_some = sign(b"{}", &"some".into());
    assert!(is_signed_by_one(b"{}", by_some.as_bytes(), with_some));
}

/// A secret longer than a block of the digest is one like the others.
#[test]
fn a_long_secret_signs() {
    let long = "s".repeat(1_000);
    let signature = sign(b"{}", &long.as_str().into());
    assert!(is_signed(b"{}", signature.as_bytes(), &secret(&long)));
    assert!(!is_signed(b"{}", signature.as_bytes(), &secret(&long[1..])));
}
