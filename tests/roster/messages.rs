//! What events say.

use ld_dynamodb_relay::launchdarkly::sse::{Decoder, Frame};
use ld_dynamodb_relay::roster::{
    IgnoredMessage, MalformedMessage, Reconnection, RosterMessage, RosterNews, WaitCurve, read,
};
use serde_json::json;

use crate::world::{World, environment, fixture, put_of, told};

#[test]
fn what_is_not_for_us_is_left_aside() {
    let environment = environment("a", 1);
    for (event, data, expected) in [
        (
            "patch",
            json!({"path": "/filters/f", "data": {}}),
            IgnoredMessage::Filter,
        ),
        (
            "delete",
            json!({"path": "/filters/f", "version": 1}),
            IgnoredMessage::Filter,
        ),
        (
            "patch",
            json!({"path": "/widgets/a", "data": environment}),
            IgnoredMessage::Path,
        ),
        (
            "patch",
            json!({"path": "/environments/", "data": environment}),
            IgnoredMessage::Path,
        ),
        (
            "patch",
            json!({"path": "/environments/a/b", "data": environment}),
            IgnoredMessage::Path,
        ),
        (
            "delete",
            json!({"path": "/", "version": 1}),
            IgnoredMessage::Path,
        ),
        (
            "put",
            json!({"path": "/environments", "data": 1}),
            IgnoredMessage::PutPath,
        ),
        ("surprise", json!(1), IgnoredMessage::Event),
    ] {
        let heard = read(event, &data.to_string());
        assert!(
            matches!(heard, Ok(RosterMessage::Ignored(it)) if it == expected),
            "{event} {data}: {heard:?}"
        );
    }
    assert!(matches!(
        read("surprise", "{"),
        Ok(RosterMessage::Ignored(_))
    ));
}

#[test]
fn a_reconnect_has_no_data_to_look_at() {
    for data in ["", " ", "{"] {
        assert!(matches!(
            read("reconnect", data),
            Ok(RosterMessage::Reconnect)
        ));
    }
}

#[test]
fn what_has_another_shape_is_malformed_and_its_contents_are_not_told() {
    let listed =
        |members: &str| format!(r#"{{"path":"/","data":{{"environments":{{"a":{members}}}}}}}"#);
    let cases = [
        ("put", String::new()),
        ("put", "{".to_owned()),
        ("put", "[]".to_owned()),
        ("put", r#"["/",{"environments":{}}]"#.to_owned()),
        ("put", r#"{"path":1,"data":{"environments":{}}}"#.to_owned()),
        ("put", r#"{"path":"/"}"#.to_owned()),
        ("put", r#"{"path":"/","data":null}"#.to_owned()),
        ("put", r#"{"path":"/","data":{}}"#.to_owned()),
        (
            "put",
            r#"{"path":"/","data":{"environments":null}}"#.to_owned(),
        ),
        (
            "put",
            r#"{"path":"/","data":{"environments":[]}}"#.to_owned(),
        ),
        ("put", listed("null")),
        ("put", listed("[]")),
        ("put", listed(r#"{"envID":1}"#)),
        ("put", listed(r#"{"envID":"a","version":"4"}"#)),
        ("put", listed(r#"{"envID":"a","version":-4}"#)),
        ("put", listed(r#"{"envID":"a","sdkKey":"sdk-secret"}"#)),
        ("put", listed(r#"{"envID":"a","sdkKey":["sdk-secret"]}"#)),
        (
            "put",
            listed(r#"{"envID":"a","sdkKeys":{"a":"sdk-secret"}}"#),
        ),
        (
            "put",
            listed(r#"{"envID":"a","sdkKeys":[["a","sdk-secret"]]}"#),
        ),
        (
            "put",
            listed(r#"{"envID":"a","sdkKey":{"value":"a","expiring":"sdk-secret"}}"#),
        ),
        ("patch", r#"{"path":"/environments/a"}"#.to_owned()),
        ("patch", r#"{"data":{}}"#.to_owned()),
        ("delete", r#"{"path":"/environments/a"}"#.to_owned()),
        (
            "delete",
            r#"{"path":"/environments/a","version":"sdk-secret"}"#.to_owned(),
        ),
    ];
    for (event, data) in cases {
        let malformed = read(event, &data).expect_err(&data);
        let said = format!("{malformed} {malformed:?}");
        assert!(said.starts_with(event), "{said}");
        assert!(!said.contains("secret"), "{said}");
    }
    assert_eq!(
        read("put", "{").unwrap_err(),
        MalformedMessage::NotJson("put")
    );
}

#[test]
fn unknown_members_and_nulls_are_nothing() {
    let mut world = World::default();
    let data = json!({"path": "/environments/a", "more": 1, "data": {
        "envID": "a", "version": 1, "sdkKey": {"value": "sdk-a", "expiring": null, "more": 1},
        "mobKey": null, "sdkKeys": null, "mobileKeys": null, "envName": null, "tags": [1],
    }});
    assert_eq!(told(&world.hear("patch", &data.to_string())), ["add a"]);
}

#[test]
fn a_put_that_is_malformed_stops_nobody() {
    let mut world = World::default();
    world.put(&[environment("a", 1)]);
    for data in [
        json!({"path": "/", "data": {}}),
        json!({"path": "/", "data": {"environments": null}}),
    ] {
        let step = world.hear("put", &data.to_string());
        assert_eq!(told(&step), [""; 0]);
        assert!(matches!(step.connection, Reconnection::Close(_)));
    }
    assert_eq!(world.served(), ["a@1"]);
}

#[test]
fn malformed_twice_then_an_unknown_event_then_malformed_only_the_second_wait_is_long() {
    let mut world = World::default();
    let mut check = |event: &str, data: &str, expected| {
        world.roster.opened();
        assert_eq!(
            world.hear(event, data).connection,
            expected,
            "{event} {data}"
        );
    };
    check("put", "{", Reconnection::Close(WaitCurve::Normal));
    check("patch", "[]", Reconnection::Close(WaitCurve::Extended));
    check("surprise", "", Reconnection::Stay);
    check("put", "{", Reconnection::Close(WaitCurve::Normal));
    check("put", &put_of(&[]), Reconnection::Stay);
    check("put", "{", Reconnection::Close(WaitCurve::Normal));
}

#[test]
fn whoever_is_told_to_reconnect_does_so_at_once_but_not_in_circles() {
    let mut world = World::default();
    let mut check = |now_ms, expected| {
        let step = world.roster.heed(read("reconnect", ""), now_ms);
        assert_eq!(step.connection, expected, "{now_ms}");
    };
    check(100_000, Reconnection::AtOnce);
    check(105_000, Reconnection::Close(WaitCurve::Normal));
    check(115_000, Reconnection::AtOnce);
    // The clock went back.
    check(1_000, Reconnection::Close(WaitCurve::Normal));
}

#[test]
fn the_events_of_the_fixture_do_what_they_say() {
    let (mut decoder, mut frames) = (Decoder::new(1 << 20), Vec::new());
    let bytes = fixture("auto-config-events.sse");
    decoder.push(bytes.as_bytes(), &mut frames).unwrap();
    let mut world = World::default();
    let mut all = Vec::new();
    for frame in frames {
        let Frame::Event { name: event, data } = frame else {
            continue;
        };
        let step = world.hear(&event, &data);
        let mut said = told(&step);
        said.extend(step.news.iter().map(|news| match news {
            RosterNews::Ignored(ignored) => format!("ignored: {ignored}"),
            other => format!("{other:?}"),
        }));
        if step.connection != Reconnection::Stay {
            said.push(format!("{:?}", step.connection));
        }
        all.push(format!("{event}: {}", said.join(", ")));
    }
    assert_eq!(
        all,
        [
            "put: add 66f2a90c1d4e8b0012ab34cd, add 66f2a90c1d4e8b0012ab34ce, add 66f2a90c1d4e8b0012ab34cf",
            "patch: update 66f2a90c1d4e8b0012ab34cd anchor others",
            "patch: ",
            "patch: ignored: a path that names no environment",
            "delete: remove 66f2a90c1d4e8b0012ab34cf",
            "reconnect: AtOnce",
        ]
    );
}
