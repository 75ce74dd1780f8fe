//! What holds for any webhook. The input is a body; where it has several lines, the first is the signature's header.

use ld_dynamodb_relay::webhook::{
    About, Addressee, Hook, MAX_SUBJECTS, Subject, Which, is_signed, matching, read, sign,
};
use secrecy::SecretString;

/// The secret of the fixtures, so that their signatures are ones.
const OURS: &str = "wh-secret-7d0f4c";

pub(crate) fn check(input: &[u8]) {
    let (header, body) = match input.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&input[..end], &input[end + 1..]),
        None => (&[][..], input),
    };
    signature(header, body);
    let Ok(hook) = read(body) else { return };
    said(&hook, body);
    for subject in &hook.subjects {
        woken(subject);
    }
}

/// Only what `sign` makes is accepted, with the secret that made it.
fn signature(header: &[u8], body: &[u8]) {
    let secret = |text: &str| SecretString::from(text.to_owned());
    let ours = secret(OURS);
    let right = sign(body, &ours);
    let is_right = header.eq_ignore_ascii_case(right.as_bytes());
    assert_eq!(is_signed(body, header, &ours), is_right);
    if let Some((_, rest)) = body.split_last() {
        assert!(!is_signed(rest, right.as_bytes(), &ours));
    }

    assert!(is_signed(body, right.to_uppercase().as_bytes(), &ours));
    let by_anybody = sign(body, &secret(""));
    for other in [secret("other"), secret("")] {
        assert!(!is_signed(body, right.as_bytes(), &other));
        assert!(!is_signed(body, by_anybody.as_bytes(), &other));
    }
    assert!(!is_signed(body, by_anybody.as_bytes(), &ours));
}

/// What is read is bounded, each thing is said once, and keys are such.
fn said(hook: &Hook, body: &[u8]) {
    let object = body.trim_ascii();
    assert!(object.starts_with(b"{") && object.ends_with(b"}"));
    assert!(
        read(&object[..object.len() - 1]).is_err(),
        "a part is no body"
    );
    let spaced = [b"\r\n\t ", object, b" \n"].concat();
    assert_eq!(read(&spaced).as_ref(), Ok(hook));

    assert!(hook.subjects.len() <= MAX_SUBJECTS);
    assert!(
        hook.subjects.is_sorted_by(|one, next| one < next),
        "each once"
    );
    if let Some(id) = &hook.id {
        assert!((1..=128).contains(&id.len()));
    }
    for subject in &hook.subjects {
        if let Some(project) = &subject.project {
            is_key(project);
        }
        if let Which::Named(environment) = &subject.environment {
            is_key(environment);
        }
        if let About::Item(item) = &subject.about {
            is_key(&item.key);
        }
    }
}

#[track_caller]
fn is_key(text: &str) {
    let is_key = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    assert!(is_key && !text.is_empty());
}

/// Whoever has the subject's keys in its settings is meant; whoever has others is not.
fn woken(subject: &Subject) {
    let key = match &subject.environment {
        Which::Named(key) => Some(key.as_str()),
        Which::Every | Which::Unsaid => None,
    };
    let (project, no_key) = (subject.project.as_deref(), "no key"); // for it has a blank
    let addressee = |name, project, environment| Addressee {
        name,
        project,
        environment,
    };
    let addressees = [
        addressee("exactly", project, key),
        addressee("elsewhere", Some(no_key), key),
        addressee("other", project, Some(no_key)),
        addressee(key.unwrap_or("named"), None, None),
    ];
    let expected: &[usize] = match (&subject.environment, project) {
        (Which::Unsaid, _) => &[],
        (Which::Named(_), Some(_)) => &[0],
        (Which::Named(_), None) => &[0, 1],
        (Which::Every, Some(_)) => &[0, 2, 3],
        (Which::Every, None) => &[0, 1, 2, 3],
    };
    assert_eq!(matching(subject, &addressees), expected);

    let is_one_meant = subject.environment != Which::Unsaid;
    assert_eq!(
        matching(subject, &addressees[3..]).len(),
        usize::from(is_one_meant)
    );
    assert!(matching(subject, &[]).is_empty());
}
