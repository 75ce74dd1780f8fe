//! The runbook has a section for whatever may wake somebody. `tests/program/runbook.rs` compares what the sections show.

use std::path::Path;

const RUNBOOK: &str = include_str!("../docs/runbook.md");
const PROBES: &str = include_str!("../src/http/probes.rs");
/// What `/readyz` answers where nothing is wrong.
const WELL: &str = "ready";
/// What completes a line, told in the section of that line.
const PARTS: [&str; 2] = [
    "the previous data is still in the table",
    "there is no usable data",
];

fn headings() -> Vec<&'static str> {
    let lines = RUNBOOK.lines().filter_map(|line| line.strip_prefix("## "));
    lines.collect()
}

/// What `/readyz` may say: the texts of the code that makes the answer.
fn reasons() -> Vec<&'static str> {
    let texts = PROBES
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let texts = texts.flat_map(|line| line.split('"').skip(1).step_by(2));
    // What is filled in is no text of ours.
    let texts = texts.flat_map(|text| text.split(['{', '}']).step_by(2));
    let texts = texts.map(|text| text.trim_matches([' ', ':', ';']));
    texts
        .filter(|text| text.len() > 4 && *text != WELL && !text.starts_with("\\n"))
        .collect()
}

#[test]
fn every_reason_that_readyz_gives_has_its_section() {
    let (headings, reasons) = (headings(), reasons());
    assert!(reasons.len() >= 10, "{reasons:?}");
    let without: Vec<_> = reasons
        .into_iter()
        .filter(|it| !["1 environment", "environments"].contains(it))
        .filter(|reason| !headings.iter().any(|heading| heading.contains(reason)))
        .filter(|reason| !PARTS.contains(reason) || !RUNBOOK.contains(reason))
        .collect();
    assert_eq!(without, Vec::<&str>::new(), "without a section");
}

#[test]
fn every_link_within_leads_to_a_section() {
    let anchor = |heading: &&str| heading.to_lowercase();
    let mut anchors: Vec<_> = headings().iter().map(anchor).collect();
    anchors.push("what-readyz-answers".to_owned());
    assert!(RUNBOOK.contains("\n# What `/readyz` answers\n"));
    let links = RUNBOOK.split("](#").skip(1);
    for link in links.map(|rest| rest.split(')').next().unwrap()) {
        assert!(anchors.iter().any(|it| it == link), "{link}");
    }
}

#[test]
fn every_alert_has_its_section_and_every_section_its_alert() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/prometheus/rules.yml");
    let rules = std::fs::read_to_string(path).unwrap();
    let lines = rules
        .lines()
        .map(|line| line.trim_start().trim_start_matches("- "));
    let mut alerts: Vec<_> = lines
        .filter_map(|line| line.strip_prefix("alert:"))
        .map(|name| name.trim().trim_matches(['"', '\'']))
        .collect();
    let mut sections = headings();
    sections.retain(|heading| heading.starts_with("Relay"));
    alerts.sort_unstable();
    sections.sort_unstable();
    assert_eq!(alerts, sections);
}

#[test]
fn every_alarm_on_aws_names_a_section() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/ecs/template.yaml");
    let template = std::fs::read_to_string(path).unwrap();
    let named = template.split("docs/runbook.md, section ").skip(1);
    let named: Vec<_> = named
        .map(|rest| rest.split(['.', '\n']).next().unwrap())
        .collect();
    let alarms = template.matches("Type: AWS::CloudWatch::Alarm").count();
    assert!(alarms > 0);
    assert_eq!(named.len(), alarms, "{named:?}");
    let headings = headings();
    assert!(
        named.iter().all(|it| headings.contains(it)),
        "{named:?} in {headings:?}"
    );
}
