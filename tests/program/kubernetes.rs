//! The variables of the manifest for Kubernetes are those that the program knows.

use serde::Deserialize as _;
use serde_json::Value;

use crate::process::Program;

const MANIFEST: &str = include_str!("../../deploy/kubernetes/relay.yaml");
/// Where the manifest mounts the secrets.
const MOUNT: &str = "/run/secrets/launchdarkly";

/// The one container of the manifest.
fn container() -> Value {
    let documents = serde_yaml_ng::Deserializer::from_str(MANIFEST);
    let mut documents = documents.map(|it| Value::deserialize(it).unwrap());
    let deployment = documents.find(|it| it["kind"] == "Deployment").unwrap();
    let containers = &deployment["spec"]["template"]["spec"]["containers"];
    assert_eq!(containers.as_array().unwrap().len(), 1);
    containers[0].clone()
}

#[tokio::test]
async fn every_variable_is_honoured() {
    let container = container();
    assert_eq!(container["volumeMounts"][0]["mountPath"], MOUNT);
    let folder = tempfile::tempdir().unwrap();
    // The names are those of the command that the manifest shows for making the Secret.
    for (name, value) in [
        ("sdkkey", "sdk-c0ffee00-0000-4000-8000-00000000beef"),
        ("webhooksecret", "wh-secret-7d0f4c"),
    ] {
        assert!(MANIFEST.contains(&format!("--from-file={name}")));
        std::fs::write(folder.path().join(name), value).unwrap();
    }
    let mut program = Program::new(&["config", "--json"]);
    let mut names = Vec::new();
    for it in container["env"].as_array().unwrap() {
        let (name, value) = (it["name"].as_str().unwrap(), it["value"].as_str().unwrap());
        let value = value.replace(MOUNT, folder.path().to_str().unwrap());
        program = program.set(name, &value);
        names.push(name.to_owned());
    }

    let understood = program.output().await;

    assert_eq!(understood.code, Some(0), "{understood:?}");
    let understood = understood.json();
    assert_eq!(understood["warnings"], Value::Array(Vec::new()));
    let given = understood["given"].as_array().unwrap();
    // The region is read by the AWS chain.
    for name in names.iter().filter(|it| *it != "AWS_REGION") {
        let is_it = |it: &&Value| it["origin"].as_str().unwrap().contains(name.as_str());
        let it = given.iter().find(is_it);
        assert_eq!(
            it.map(|it| &it["verdict"]),
            Some(&Value::from("honoured")),
            "{name}"
        );
    }
}

#[test]
fn the_program_is_told_to_run() {
    assert_eq!(container()["args"], Value::from(vec!["run"]));
}
