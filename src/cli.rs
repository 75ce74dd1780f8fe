//! What can be said on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// The command line.
#[derive(Parser)]
#[command(name = "ld-dynamodb-relay", version, about)]
pub struct Cli {
    /// Where settings come from.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// What to do; the daemon, if nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Where settings come from, besides the environment variables, which win.
#[derive(Args)]
pub struct ConfigArgs {
    /// Settings file: TOML, or the Relay Proxy's syntax if it ends with .conf [default: relay.toml, if it is there]
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// Go on without the settings file if it is not there
    #[arg(long, global = true)]
    pub allow_missing_file: bool,
    /// Does nothing (environment variables are always read); here for the Relay Proxy's command lines
    #[arg(long, global = true, hide_short_help = true)]
    pub from_env: bool,
}

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Keep the tables as LaunchDarkly has them, until stopped (also without a command)
    Run,
    /// Bring every table to what LaunchDarkly has, once, and print what was written
    Sync {
        /// Print what would be written, and write nothing
        #[arg(long)]
        dry_run: bool,
        /// Let a set that removes exactly this many items pass the brake; for one environment alone
        #[arg(long, value_name = "N")]
        confirm_removals: Option<usize>,
        /// How to print.
        #[command(flatten)]
        output: Output,
    },
    /// Compare every table with what LaunchDarkly has, and print the differences
    Verify {
        /// How to print.
        #[command(flatten)]
        output: Output,
    },
    /// Look at table, permissions, keys, clock and sizes, with advice
    Doctor {
        /// How to print.
        #[command(flatten)]
        output: Output,
    },
    /// Print what was understood of the settings, and where each came from
    Config {
        /// How to print.
        #[command(flatten)]
        output: Output,
    },
    /// Ask the running daemon whether it is alive
    Health {
        /// Ask whether it is ready instead: every environment has usable data
        #[arg(long)]
        ready: bool,
        /// The daemon's port [default: PORT; the admin port where that speaks TLS]
        #[arg(long, value_name = "PORT")]
        port: Option<u16>,
        /// How to print.
        #[command(flatten)]
        output: Output,
    },
    /// Print the policy of a webhook in LaunchDarkly, as JSON
    WebhookPolicy {
        /// The project's key in LaunchDarkly
        #[arg(long, value_name = "KEY", value_parser = key)]
        project: String,
        /// The environment's key there, or '*' for all of the project
        #[arg(long = "env", value_name = "KEY", value_parser = key_or_all)]
        environment: String,
    },
    /// See it work, on a machine with nothing else: a simulated LaunchDarkly, an embedded DynamoDB, and the relay between
    #[cfg(feature = "demo")]
    Demo {
        /// Flags in the SDKs' file data source format, JSON or YAML; read again when it changes [default: a small example]
        file: Option<PathBuf>,
        /// Where to keep the table [default: in memory]
        #[arg(long, value_name = "DIR")]
        data_dir: Option<PathBuf>,
        /// The embedded DynamoDB's port [default: any free one]
        #[arg(long, value_name = "PORT")]
        port: Option<u16>,
        /// Take the environments from auto-configuration: those that the file lists, each under a prefix of its own
        #[arg(long)]
        auto_config: bool,
    },
    /// Serve flags as LaunchDarkly does, by itself
    #[cfg(feature = "demo")]
    #[command(hide = true)]
    Simulate(Simulation),
    /// Make the table `DYNAMODB_TABLE` at `DYNAMODB_URL`
    #[cfg(feature = "demo")]
    #[command(hide = true)]
    CreateTable,
}

/// What a simulated LaunchDarkly has, and where it is.
#[cfg(feature = "demo")]
#[derive(Args)]
pub struct Simulation {
    /// Where to listen
    #[arg(long, default_value = "127.0.0.1:8040")]
    pub address: std::net::SocketAddr,
    /// Keep an offline archive of the same data there, too
    #[arg(long, value_name = "FILE")]
    pub archive: Option<PathBuf>,
    /// Flags in the SDKs' file data source format, and `environments` for auto-configuration; read again when it changes
    /// [default: a small example]
    pub file: Option<PathBuf>,
}

/// How to print.
#[derive(Args, Clone, Copy)]
pub struct Output {
    /// Print JSON, for machines
    #[arg(long)]
    pub json: bool,
}

/// What LaunchDarkly takes as a key. Anything else would make the policy mean something else: `:`, `;` and `*` are its signs.
fn key(text: &str) -> Result<String, String> {
    let is_key = |letter: u8| letter.is_ascii_alphanumeric() || b"._-".contains(&letter);
    if !text.is_empty() && text.bytes().all(is_key) {
        return Ok(text.to_owned());
    }
    Err("give the key that LaunchDarkly shows: letters, digits, '.', '_' and '-'".to_owned())
}

fn key_or_all(text: &str) -> Result<String, String> {
    match text {
        "*" => Ok(text.to_owned()),
        _ => key(text).map_err(|error| format!("{error}; or '*' for all environments")),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Cli {
        Cli::try_parse_from(line.split_whitespace())
            .unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_relay_proxys_command_line_runs_the_daemon() {
        let cli = parse("relay --config /ldr/ld-relay.conf --allow-missing-file --from-env");
        assert!(cli.command.is_none());
        assert!(cli.config.allow_missing_file);
        assert_eq!(cli.config.config, Some("/ldr/ld-relay.conf".into()));
    }

    #[test]
    fn settings_may_be_named_before_and_after_the_command() {
        for line in [
            "relay --config a.toml verify --json",
            "relay verify --json --config a.toml",
        ] {
            let cli = parse(line);
            assert_eq!(cli.config.config, Some("a.toml".into()));
            assert!(matches!(
                cli.command,
                Some(Command::Verify {
                    output: Output { json: true }
                })
            ));
        }
    }

    #[test]
    fn sync_takes_the_number_of_removals() {
        let cli = parse("relay sync --dry-run --confirm-removals 40");
        assert!(matches!(
            cli.command,
            Some(Command::Sync {
                dry_run: true,
                confirm_removals: Some(40),
                ..
            })
        ));
    }
}
