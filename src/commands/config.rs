//! `config`: what was understood of the settings, and what became of everything that was given.
//!
//! For those who come from the Relay Proxy this is the guide: their own file, option by option.

use std::io::{self, Write};

use serde_json::json;

use crate::config::{Input, Loaded, Origin, Remark, Setting};

/// Prints it, for machines if `as_json`, and says whether the daemon would start with it.
pub fn print(loaded: &Loaded, as_json: bool, out: &mut impl Write) -> io::Result<bool> {
    if as_json {
        print_json(loaded, out)?;
    } else {
        print_text(loaded, out)?;
    }
    Ok(loaded.config.is_ok())
}

fn problems(loaded: &Loaded) -> &[Remark] {
    loaded.config.as_ref().err().map_or(&[], |it| &it.0)
}

fn print_text(loaded: &Loaded, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "Settings")?;
    let settings: Vec<_> = loaded.settings.iter().map(setting_row).collect();
    print_table(&settings, out)?;
    let given: Vec<_> = loaded.inputs.iter().map(input_row).collect();
    if !given.is_empty() {
        writeln!(out, "\nWhat was given")?;
        print_table(&given, out)?;
    }
    print_remarks("Warnings", &loaded.warnings, out)?;
    print_remarks("Problems", problems(loaded), out)
}

fn setting_row(it: &Setting) -> [String; 3] {
    let value = if it.value.is_empty() { "-" } else { &it.value };
    let origin = match &it.origin {
        Origin::Default => format!("default ({})", it.variable),
        origin => origin.to_string(),
    };
    [it.name.clone(), value.to_owned(), origin]
}

fn input_row(it: &Input) -> [String; 3] {
    [
        it.origin.to_string(),
        it.effect.label().to_owned(),
        // The effect says that already.
        it.sentence
            .trim_start_matches("no effect here: ")
            .to_owned(),
    ]
}

/// Columns as wide as they need to be; the last one as it comes.
fn print_table(rows: &[[String; 3]], out: &mut impl Write) -> io::Result<()> {
    let width = |column: usize| {
        rows.iter()
            .map(|it| it[column].chars().count())
            .max()
            .unwrap_or_default()
    };
    let (first, second) = (width(0), width(1));
    for [a, b, c] in rows {
        let line = format!("  {a:first$}  {b:second$}  {c}");
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

fn print_remarks(head: &str, remarks: &[Remark], out: &mut impl Write) -> io::Result<()> {
    if !remarks.is_empty() {
        writeln!(out, "\n{head}")?;
    }
    for remark in remarks {
        writeln!(out, "  {remark}")?;
    }
    Ok(())
}

fn print_json(loaded: &Loaded, out: &mut impl Write) -> io::Result<()> {
    let settings: Vec<_> = loaded
        .settings
        .iter()
        .map(|it| {
            let value = Some(&it.value).filter(|it| !it.is_empty());
            json!({"name": it.name, "variable": it.variable, "value": value, "origin": it.origin.to_string()})
        })
        .collect();
    let given: Vec<_> = loaded
        .inputs
        .iter()
        .map(|it| json!({"origin": it.origin.to_string(), "verdict": it.effect.label(), "sentence": it.sentence}))
        .collect();
    let remarks = |remarks: &[Remark]| -> Vec<_> {
        let about =
            |it: &Remark| -> Vec<String> { it.about.iter().map(ToString::to_string).collect() };
        remarks
            .iter()
            .map(|it| json!({"about": about(it), "text": it.text}))
            .collect()
    };
    let document = json!({
        "valid": loaded.config.is_ok(),
        "settings": settings,
        "given": given,
        "warnings": remarks(&loaded.warnings),
        "problems": remarks(problems(loaded)),
    });
    writeln!(out, "{document:#}")
}
