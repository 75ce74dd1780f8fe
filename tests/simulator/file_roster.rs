//! A file that lists environments, as an auto-configuration: read, changed, broken and mended.

use std::path::PathBuf;

use ld_dynamodb_relay::model::ItemKey;
use ld_dynamodb_relay::simulator::{ANY_PORT, AutoConfiguration, FileRoster, LaunchDarkly};
use serde_json::{Value, json};
use tempfile::TempDir;

struct Served {
    _launchdarkly: LaunchDarkly,
    auto: AutoConfiguration,
    roster: FileRoster,
    file: PathBuf,
    _folder: TempDir,
}

async fn serve(contents: &Value) -> Served {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("flags.json");
    std::fs::write(&file, contents.to_string()).unwrap();
    let launchdarkly = LaunchDarkly::start(ANY_PORT).await.unwrap();
    let auto = launchdarkly.auto_configuration("rel-0001");
    let roster = FileRoster::load(&file, auto.clone()).await.unwrap();
    Served {
        _launchdarkly: launchdarkly,
        auto,
        roster,
        file,
        _folder: folder,
    }
}

impl Served {
    async fn after_writing(&mut self, contents: &Value) -> anyhow::Result<Vec<String>> {
        std::fs::write(&self.file, contents.to_string()).unwrap();
        let looked = self.roster.look().await.expect("the file was written");
        Ok(looked?.iter().map(ToString::to_string).collect())
    }

    /// What is listed, as `ID PROJECT/KEY SDK-KEY`.
    fn listed(&self) -> Vec<String> {
        let put: Value = serde_json::from_str(&self.auto.to_put()).unwrap();
        let listed = put["data"]["environments"].as_object().unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        listed
            .iter()
            .map(|(id, it)| {
                let (project, key) = (text(&it["projKey"]), text(&it["envKey"]));
                format!("{id} {project}/{key} {}", text(&it["sdkKey"]["value"]))
            })
            .collect()
    }

    fn flag(&self, id: &str, key: &str) -> Option<u64> {
        let items = self.auto.environment(id).items();
        items.version(&ItemKey::flag(key))
    }
}

#[tokio::test]
async fn environments_are_listed_with_their_own_flags_or_the_files() {
    let served = serve(&json!({
        "flagValues": {"common": 1},
        "environments": {
            "66f2": {"projKey": "harbor", "envKey": "test", "sdkKey": "sdk-1", "flagValues": {"own": 1}},
            "66f3": {},
        },
    }))
    .await;
    assert_eq!(
        served.listed(),
        ["66f2 harbor/test sdk-1", "66f3 simulated/66f3 sdk-66f3"]
    );
    assert_eq!(
        (served.flag("66f2", "own"), served.flag("66f2", "common")),
        (Some(1), None)
    );
    assert_eq!(served.flag("66f3", "common"), Some(1));
}

#[tokio::test]
async fn what_changes_in_the_file_is_announced() {
    let mut served = serve(&json!({"flagValues": {"a": 1}, "environments": {"66f2": {}}})).await;
    assert!(
        served.roster.look().await.is_none(),
        "nobody wrote the file"
    );
    for (contents, sentences, listed) in [
        (
            json!({"flagValues": {"a": 1}, "environments": {"66f2": {}, "66f3": {}}}),
            vec!["environment 66f3: added"],
            vec![
                "66f2 simulated/66f2 sdk-66f2",
                "66f3 simulated/66f3 sdk-66f3",
            ],
        ),
        (
            json!({"flagValues": {"a": 22}, "environments": {"66f2": {}, "66f3": {"sdkKey": "sdk-3"}}}),
            vec![
                "environment 66f2: 1 changes",
                "environment 66f3: described anew",
            ],
            vec!["66f2 simulated/66f2 sdk-66f2", "66f3 simulated/66f3 sdk-3"],
        ),
        (
            json!({"flagValues": {"a": 22}, "environments": {"66f3": {"sdkKey": "sdk-3"}}}),
            vec!["environment 66f2: removed"],
            vec!["66f3 simulated/66f3 sdk-3"],
        ),
        (
            json!({"flagValues": {"a": 22}, "environments": {}}),
            vec!["environment 66f3: removed"],
            vec![],
        ),
        (
            json!({"flagValues": {"a": 333}, "environments": {"66f2": {}}}),
            vec!["environment 66f2: added"],
            vec!["66f2 simulated/66f2 sdk-66f2"],
        ),
    ] {
        assert_eq!(served.after_writing(&contents).await.unwrap(), sentences);
        assert_eq!(served.listed(), listed, "{contents}");
    }
    assert_eq!(served.flag("66f2", "a"), Some(3), "versions rise on");
}

#[tokio::test]
async fn a_broken_file_changes_nothing() {
    let mut served = serve(&json!({"environments": {"66f2": {}}})).await;
    let before = served.auto.to_put();
    for broken in [
        json!({"environments": []}),
        json!({"environments": {"66f2": 1}}),
        json!({"environments": {"66f2": {"sdkKey": 17}}}),
        json!({"environments": {"66f2": {"flags": {"a": 18}}}}),
        json!({"environments": {}, "flags": {"a": 1888}}),
    ] {
        assert!(served.after_writing(&broken).await.is_err(), "{broken}");
        assert_eq!(served.auto.to_put(), before);
    }
}

#[tokio::test]
async fn a_file_without_environments_lists_none() {
    let served = serve(&json!({"flagValues": {"a": 1}})).await;
    assert_eq!(served.listed(), [""; 0]);
}
