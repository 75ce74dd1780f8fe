//! A file as an environment: read, changed, broken and mended.

use std::path::PathBuf;

use ld_dynamodb_relay::model::ItemKey;
use ld_dynamodb_relay::simulator::{
    ANY_PORT, FileData, LaunchDarkly, Reload, SimulatedEnvironment, Step, file_data,
};
use tempfile::TempDir;

const FILE: &str = include_str!("../fixtures/file-data.json");

struct Served {
    _launchdarkly: LaunchDarkly,
    environment: SimulatedEnvironment,
    data: FileData,
    file: PathBuf,
    _folder: TempDir,
}

async fn serve(text: &str) -> Served {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("flags.json");
    std::fs::write(&file, text).unwrap();
    let launchdarkly = LaunchDarkly::start(ANY_PORT).await.unwrap();
    let environment = launchdarkly.environment("sdk-0001");
    let data = FileData::load(&file, environment.clone()).await.unwrap();
    Served {
        _launchdarkly: launchdarkly,
        environment,
        data,
        file,
        _folder: folder,
    }
}

impl Served {
    async fn after_writing(&mut self, text: &str) -> Reload {
        std::fs::write(&self.file, text).unwrap();
        self.data.look().await.expect("the file was written")
    }
}

fn changed(reload: Reload) -> Vec<String> {
    let Reload::Changed(steps) = reload else {
        panic!("{reload:?}");
    };
    steps
        .into_iter()
        .map(|step| match step {
            Step::Put(key, _) => format!("put {key}"),
            Step::Delete(key, version) => format!("delete {key} at {version}"),
        })
        .collect()
}

#[tokio::test]
async fn a_file_is_served_with_what_launchdarkly_would_add() {
    let served = serve(FILE).await;

    let items = served.environment.items();
    assert_eq!(items.len(), 5);
    assert_eq!(items.version(&ItemKey::flag("billing-v2")), Some(8));
    assert_eq!(items.version(&ItemKey::flag("no-version")), Some(1));
    let whole = items.get(&ItemKey::flag("billing-v2")).unwrap();
    assert!(FILE.contains(&**whole), "what lacks nothing stays as it is");
    let simple = items.get(&ItemKey::flag("simple-json")).unwrap();
    assert!(
        simple.starts_with(
            r#"{"on":true,"variations":[{
      "a": ["#
        ),
        "{simple}"
    );
    for (_, text) in items.iter() {
        assert!(text.contains(r#""salt""#) && text.contains(r#""deleted""#));
    }
}

#[tokio::test]
async fn what_changes_in_the_file_is_announced() {
    let mut served = serve(r#"{"flagValues":{"a":1,"b":2}}"#).await;
    assert!(served.data.look().await.is_none(), "nobody wrote the file");

    let reload = served
        .after_writing(r#"{"flagValues":{"a":1,"c":33}}"#)
        .await;

    assert_eq!(changed(reload), ["put flag c", "delete flag b at 2"]);
    let reload = served
        .after_writing(r#"{"flagValues":{"a":"one","c":33}}"#)
        .await;
    assert_eq!(changed(reload), ["put flag a"]);
    let items = served.environment.items();
    assert_eq!(items.version(&ItemKey::flag("a")), Some(2));
    assert_eq!(items.get(&ItemKey::flag("b")), None);
}

#[tokio::test]
async fn a_broken_file_changes_nothing() {
    let mut served = serve(FILE).await;
    let before = served.environment.items();

    for broken in [
        "{\"flags\":",
        r#"{"flags":{"a":17}}"#,
        r#"{"flags":{"a":{"key":"b"}}}"#,
        r#"{"flags":{"a":{"version":"three"}}}"#,
        r#"{"flags":{"a":{}},"flagValues":{"a":1}}"#,
    ] {
        let reload = served.after_writing(broken).await;
        assert!(matches!(reload, Reload::Broken(_)), "{broken}: {reload:?}");
        assert_eq!(served.environment.items(), before);
    }

    assert!(changed(served.after_writing(FILE).await).is_empty());
}

#[test]
fn yaml_says_the_same_as_json() {
    let yaml = "
flags:
  a: &flag
    variations: [true, false]
    on: true
  b:
    <<: *flag
    fallthrough: {variation: 1}
flagValues:
  c: text
segments:
  s:
    included: [user-1]
";
    let json = r#"{"flags":{"a":{"on":true,"variations":[true,false]},
        "b":{"fallthrough":{"variation":1},"on":true,"variations":[true,false]}},
        "flagValues":{"c":"text"},"segments":{"s":{"included":["user-1"]}}}"#;
    let (yaml, json) = (
        file_data::parse(yaml).unwrap(),
        file_data::parse(json).unwrap(),
    );
    assert_eq!(yaml.len(), 4);
    for (key, text) in json.iter() {
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(value(yaml.get(key).unwrap()), value(text), "{key}");
    }
}
