//! Against a small document and what such documents can hold.

use proptest::prelude::*;
use serde_json::json;

use super::*;

const KEYS: Outline = Outline::Array(&Outline::Object(&[
    ("key", Outline::Value),
    ("value", Outline::Value),
]));
const ENVIRONMENT: Outline = Outline::Object(&[
    ("status", Outline::Value),
    ("envName", Outline::Value),
    ("keys", KEYS),
    ("since", Outline::Value),
    ("counts", Outline::Numbers(|| vec!["flag", "segment"])),
    ("names", Outline::Array(&Outline::Value)),
]);
const OUTLINE: Outline = Outline::Object(&[
    ("status", Outline::Value),
    ("environments", Outline::Map(&ENVIRONMENT)),
]);

fn document() -> Value {
    json!({
        "status": "healthy",
        "environments": {
            "my env": {
                "status": "connected",
                "since": 1_600_000_000_000_u64,
                "keys": [{"key": "old", "value": "sdk-*a"}, {"value": "sdk-*b"}, {"key": "new", "value": "sdk-*c"}],
                "counts": {"flag": 7},
                "names": ["one", true, null, 0.5],
            },
            "a.b": {"status": "disconnected", "keys": [], "since": null},
            "c[=d": {"status": "connected"},
        },
    })
}

fn verdict(clauses: &[&str]) -> Value {
    let clauses = clauses.iter().map(ToString::to_string).collect();
    let verdict = judge(clauses, OUTLINE, &document());
    let code = verdict.code.as_u16();
    let mut value = serde_json::to_value(verdict).unwrap();
    value["code"] = code.into();
    value
}

#[track_caller]
fn check(code: u16, clauses: &[&str]) {
    for clause in clauses {
        let verdict = verdict(&[clause]);
        assert_eq!(verdict["code"], code, "{clause}: {verdict}");
        assert_eq!(verdict["satisfied"], code == 200, "{clause}: {verdict}");
        let [result] = verdict["results"].as_array().unwrap().as_slice() else {
            panic!("{clause}: {verdict}");
        };
        assert_eq!(result["expr"], *clause);
        assert_eq!(result["ok"], code == 200, "{clause}: {verdict}");
        let judged = code == 200 || code == 412;
        assert_eq!(result.get("expected").is_some(), judged, "{verdict}");
        assert_eq!(result.get("problem").is_some(), !judged, "{verdict}");
    }
}

#[test]
fn what_is_there_is_compared_as_text() {
    check(
        200,
        &[
            "status=healthy",
            "status!=degraded",
            "status!=",
            ".status.=healthy",
            "environments.my env.status=connected",
            "environments[\"my env\"].status=connected",
            "environments['a.b'].status=disconnected",
            "environments[\"c[=d\"].status=connected",
            "[\"environments\"][\"a.b\"][\"status\"]=disconnected",
            "environments.my env.since=1600000000000",
            "environments['a.b'].since=null",
            "environments.my env.keys[0].key=old",
            "environments.my env.keys[2].value=sdk-*c",
            "environments.my env.keys[key=new].value=sdk-*c",
            "environments.my env.keys[key=\"new\"].value!=sdk-*a",
            "environments.my env.keys[value=sdk-*a]key=old",
            "environments.my env.counts.flag=7",
            "environments.my env.names[1]=true",
            "environments.my env.names[2]=null",
            "environments.my env.names[3]=0.5",
        ],
    );
    check(
        412,
        &[
            "status=degraded",
            "status=Healthy",
            "status=healthy ",
            "status=",
            "status!=healthy",
            "environments.my env.since=1.6e12",
        ],
    );
}

#[test]
fn what_is_left_out_is_neither_equal_nor_different() {
    for path in [
        "environments.nobody.status",
        "environments.my env.envName",
        "environments.my env.counts.segment",
        "environments['a.b'].counts.flag",
        "environments.my env.keys[1].key",
        "environments.my env.keys[3].key",
        "environments.my env.keys[18446744073709551615].key",
        "environments.my env.keys[key=nobody].value",
        "environments['a.b'].keys[0].value",
    ] {
        for clause in [format!("{path}=x"), format!("{path}!=x")] {
            check(412, &[&clause]);
            assert_eq!(verdict(&[&clause])["results"][0].get("actual"), None);
        }
    }
}

#[test]
fn what_can_never_hold_is_told_from_what_does_not() {
    check(
        422,
        &[
            "statuss=healthy",
            "status.nested=healthy",
            "status[0]=healthy",
            "a]b=c",
            "environments=x",
            "environments.my env=x",
            "environments.nobody.statuz=connected",
            "environments.a.b.status=disconnected",
            "environments[0].status=connected",
            "environments[status=connected].status=connected",
            "environments.my env[0]=x",
            "environments.my env.keys=x",
            "environments.my env.keys[0]=x",
            "environments.my env.keys.key=x",
            "environments.my env.keys[name=new].value=x",
            "environments.my env.names[key=one]=one",
            "environments.my env.counts=7",
            "environments.my env.counts.flags=7",
            "environments.my env.counts[0]=7",
        ],
    );
    for operator in [
        "==", ">=", "<=", ">", "<", "=~", "~=", "<>", "!", "!==", "=!=",
    ] {
        check(422, &[&format!("status{operator}healthy")]);
    }
}

#[test]
fn what_is_no_clause_is_refused() {
    check(
        400,
        &[
            "",
            "status",
            "=healthy",
            "!=healthy",
            ">=healthy",
            "environments[\"my env\"].status",
            "environments[.status=x",
            "environments[].status=x",
            "environments[\"].status=x",
            "environments['].status=x",
            "environments[-1].status=x",
            "environments[xyz].status=x",
            "environments[=1].status=x",
            "environments[18446744073709551616].status=x",
            "...=x",
        ],
    );
    // One that is open hides the operator.
    check(400, &["environments[status=connected"]);
}

#[test]
fn a_problem_says_what_there_is() {
    let problem = |clause| verdict(&[clause])["results"][0]["problem"].clone();
    assert_eq!(
        problem("statuss=healthy"),
        "unknown field \"statuss\": there are status, environments"
    );
    assert_eq!(
        problem("environments.my env.counts.flags=7"),
        "unknown field \"flags\": there are flag, segment"
    );
    assert_eq!(
        problem("status>=healthy"),
        "operator \">=\" is not supported: use = or !="
    );
}

#[test]
fn everything_is_judged_and_the_gravest_judgement_answers() {
    let (holds, unmet) = ("status=healthy", "status=degraded");
    let (impossible, unreadable) = ("statuss=healthy", "status");
    let all = [holds, unmet, impossible, unreadable];
    assert_eq!(verdict(&all)["code"], 400);
    assert_eq!(verdict(&all[..3])["code"], 422);
    assert_eq!(verdict(&all[..2])["code"], 412);
    assert_eq!(verdict(&all[..1])["code"], 200);
    assert_eq!(
        verdict(&[holds, unmet]),
        json!({"code": 412, "satisfied": false, "results": [
            {"expr": "status=healthy", "expected": "healthy", "actual": "healthy", "ok": true},
            {"expr": "status=degraded", "expected": "degraded", "actual": "healthy", "ok": false},
        ]})
    );
    let results = &verdict(&all)["results"];
    let ok: Vec<_> = results
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["ok"])
        .collect();
    assert_eq!(ok, [true, false, false, false]);
}

#[test]
fn a_query_is_read_as_a_whole_or_not_at_all() {
    let clauses =
        |clauses: &[&str]| Expectations::Clauses(clauses.iter().map(ToString::to_string).collect());
    let check = |query, expect| assert_eq!(read(query), expect, "{query}");
    check("", Expectations::Nothing);
    check("foo=1&expected=status=healthy", Expectations::Nothing);
    check("expect=status=healthy", clauses(&["status=healthy"]));
    check("&&expect=a=1&b=2&expect=a=1&", clauses(&["a=1", "a=1"]));
    check("expect", clauses(&[""]));
    check("expect=", clauses(&[""]));
    check("%65xpect=my+env%3d%c3%A9%2B", clauses(&["my env=é+"]));
    // Nothing is asked for, so nothing can be passed over.
    for query in ["junk=%zz", "cachebust=1;2", "expect;x=1", "%zz=expect"] {
        check(query, Expectations::Nothing);
    }
    for query in [
        "expect=status=healthy;x",
        "expect=status=healthy%zz",
        "expect=status=healthy%",
        "expect=status=healthy%4",
        "expect=status=%ff",
        "expect=status=%+1",
        "%65xpect=status=healthy;x",
        "expect=status=healthy&expect=%",
        "expect=status=healthy&junk=%zz",
        "expect=status=healthy&%zz=junk",
        "expect=status=healthy&junk=1;2",
    ] {
        let Expectations::Unreadable(error) = read(query) else {
            panic!("{query}: {:?}", read(query));
        };
        assert!(error.contains("%3B") && error.contains("%25"), "{error}");
    }
}

#[test]
fn so_many_clauses_are_read_and_no_more_and_no_longer_ones() {
    let is_read = |query: String| matches!(read(&query), Expectations::Clauses(_));
    assert!(is_read("expect=a=1&".repeat(64)));
    assert!(!is_read("expect=a=1&".repeat(65)));
    assert!(is_read(format!("expect={}", "%41".repeat(1_024))));
    assert!(!is_read(format!("expect={}", "a".repeat(1_025))));
}

/// Pieces that clauses are made of, and others.
fn clause() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "(status|environments|my env|keys|key|value|names|counts|flag|é)",
        r#"[\[\]."'=!<>~0-9;%]"#,
        r#"\[("a\.b"|key=new|0|value=x)\]"#,
        ".{0,3}",
    ];
    proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_query_is_read(query in ".{0,60}", pieces in proptest::collection::vec(clause(), 0..5)) {
        read(&query);
        let query = format!("{query}&expect={}", pieces.join("&expect="));
        if let Expectations::Clauses(clauses) = read(&query) {
            prop_assert_eq!(judge(clauses.clone(), OUTLINE, &document()).results.len(), clauses.len());
        }
    }

    #[test]
    fn clauses_are_judged_the_same_in_any_order(
        (clauses, shuffled) in proptest::collection::vec(clause(), 1..6)
            .prop_flat_map(|clauses| (Just(clauses.clone()), Just(clauses).prop_shuffle())),
    ) {
        let sorted = |clauses: Vec<String>| {
            let verdict = judge(clauses, OUTLINE, &document());
            let mut results: Vec<_> = verdict
                .results
                .iter()
                .map(|it| serde_json::to_string(it).unwrap())
                .collect();
            results.sort();
            (verdict.code, verdict.satisfied, results)
        };
        prop_assert_eq!(sorted(clauses), sorted(shuffled));
    }

    /// What is never there is so whatever the document holds; what a document shows depends on it.
    #[test]
    fn whether_a_clause_can_hold_does_not_depend_on_the_document(clause in clause()) {
        let code = |document: &Value| judge(vec![clause.clone()], OUTLINE, document).code.as_u16();
        let (full, empty) = (code(&document()), code(&json!({})));
        prop_assert_eq!(full >= 400 && full != 412, empty != 412, "{} {}", full, empty);
    }

    /// An encoded clause is the clause.
    #[test]
    fn what_was_encoded_is_decoded(clause in ".{0,40}") {
        let encoded: Vec<_> = clause.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let encoded = encoded.concat();
        prop_assert_eq!(
            read(&format!("expect={encoded}")),
            Expectations::Clauses(vec![clause])
        );
    }
}
