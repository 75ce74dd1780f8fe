//! `sync --dry-run`: what a synchronisation would write and hold.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::verify::Comparisons;
use crate::environment::Comparison;
use crate::model::{ItemKey, Stamp};
use crate::plan;

/// Prints every environment's plan; true if each could be made.
pub fn print(all: &Comparisons, as_json: bool, out: &mut impl Write) -> io::Result<bool> {
    let Comparisons { compared, unusable } = all;
    if as_json {
        let environments = compared.iter().map(|(environment, comparison)| {
            let name = &*environment.name;
            match comparison {
                Ok(comparison) => document(name, comparison),
                Err(failure) => json!({"environment": name, "error": failure.to_string()}),
            }
        });
        let unusable = unusable.iter();
        let unusable = unusable.map(|it| json!({"environment": &*it.id, "error": it.reason}));
        let environments: Vec<_> = environments.chain(unusable).collect();
        writeln!(out, "{}", json!({"environments": environments}))?;
    } else {
        for (environment, comparison) in compared {
            match comparison {
                Ok(comparison) => print_text(&environment.name, comparison, out)?,
                Err(failure) => writeln!(out, "{}: {failure}", environment.name)?,
            }
        }
        for it in unusable {
            writeln!(out, "{}: {}", it.id, it.reason)?;
        }
    }
    Ok(unusable.is_empty() && compared.iter().all(|(_, comparison)| comparison.is_ok()))
}

/// One write, as it is told.
struct DryRunStep<'a> {
    action: &'static str,
    key: Option<&'a ItemKey>,
    old: Option<u64>,
    new: Option<u64>,
}

fn steps(comparison: &Comparison) -> impl Iterator<Item = DryRunStep<'_>> {
    let writes = comparison.plan.stages.iter().flatten();
    writes.map(|write| match write {
        plan::Write::Put(key, item, seen) => DryRunStep {
            action: if item.is_tombstone() { "delete" } else { "put" },
            key: Some(key),
            old: seen.as_ref().and_then(Stamp::number),
            new: item.version(),
        },
        plan::Write::Remove(key, seen) => DryRunStep {
            action: "remove",
            key: Some(key),
            old: seen.number(),
            new: None,
        },
        plan::Write::MarkInitialized => DryRunStep {
            action: "mark",
            key: None,
            old: None,
            new: None,
        },
    })
}

fn document(name: &str, comparison: &Comparison) -> Value {
    let writes = steps(comparison).map(|step| {
        json!({"action": step.action, "kind": step.key.map(|it| it.kind.label()), "key": step.key.map(|it| &*it.key),
               "old_version": step.old, "new_version": step.new})
    });
    let held = comparison.held();
    let held = held.iter().map(|(key, held)| {
        json!({"kind": key.kind.label(), "key": &*key.key, "reason": held.reason.label(), "detail": held.detail})
    });
    json!({
        "environment": name, "would_write": writes.collect::<Vec<_>>(), "would_hold": held.collect::<Vec<_>>(),
        "braked_removals": comparison.plan.held.braked(),
    })
}

fn print_text(name: &str, comparison: &Comparison, out: &mut impl Write) -> io::Result<()> {
    let held = comparison.held();
    if comparison.plan.is_empty() && held.is_empty() {
        return writeln!(out, "{name}: nothing to write");
    }
    writeln!(out, "{name}:")?;
    let version = |it: Option<u64>| it.map_or_else(|| "none".into(), |it| it.to_string());
    for DryRunStep {
        action,
        key,
        old,
        new,
    } in steps(comparison)
    {
        match key {
            Some(key) => {
                let (old, new) = (version(old), version(new));
                writeln!(out, "  would {action} {key}: version {old} to {new}")?;
            }
            None => writeln!(out, "  would write the marker")?,
        }
    }
    for (key, held) in &held {
        let (reason, detail) = (held.reason.label(), &held.detail);
        writeln!(out, "  would hold {key}: {reason}: {detail}")?;
    }
    match comparison.plan.held.braked() {
        0 => Ok(()),
        count => writeln!(
            out,
            "  the brake would hold {count} removals; if they are right: sync --confirm-removals {count}"
        ),
    }
}
