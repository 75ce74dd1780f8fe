//! Parses the command line, runs one command and maps its result to an exit code.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser as _;
use ld_dynamodb_relay::cli::{Cli, Command, ConfigArgs};
use ld_dynamodb_relay::commands::{self, health, run};
use ld_dynamodb_relay::config::{self, Config, Loaded, Sources};
use ld_dynamodb_relay::logging::{self, Output};
use ld_dynamodb_relay::table;
use tokio_util::sync::CancellationToken;

/// Something failed, or differs.
const FAILED: u8 = 1;
/// The settings cannot be used.
const MISCONFIGURED: u8 = 2;
/// Not initialised in time, with `EXIT_ON_ERROR`.
const NOT_INITIALIZED: u8 = 3;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let code = runtime
        .map_err(Into::into)
        .and_then(|runtime| runtime.block_on(run_command(cli)));
    match code {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            complain(&format!("{error:#}"));
            ExitCode::from(FAILED)
        }
    }
}

async fn run_command(cli: Cli) -> Result<u8> {
    let loaded = load(cli.config);
    match cli.command.unwrap_or(Command::Run) {
        Command::Config { output } => {
            let valid = commands::config::print(&loaded, output.json, &mut io::stdout().lock())?;
            Ok(if valid { 0 } else { MISCONFIGURED })
        }
        Command::Health {
            ready,
            port,
            output,
        } => {
            let configured = loaded.config.as_ref().ok().map(|config| config.http.port);
            let port = port.or(configured).unwrap_or(health::DEFAULT_PORT);
            let question = if ready {
                health::Question::Ready
            } else {
                health::Question::Alive
            };
            let answer = health::ask(port, question).await;
            answer.write(&mut io::stdout().lock(), output.json)?;
            Ok(if answer.is_good() { 0 } else { FAILED })
        }
        Command::Run => match usable(loaded, Output::Stdout)? {
            Some(config) => daemon(config).await,
            None => Ok(MISCONFIGURED),
        },
        command => other(command, loaded).await,
    }
}

async fn other(command: Command, loaded: Loaded) -> Result<u8> {
    let _ = (command, loaded);
    Ok(0)
}

fn load(args: ConfigArgs) -> Loaded {
    config::load(&Sources::of_process(args.config, args.allow_missing_file))
}

/// Starts logging and gives the settings, or tells what is wrong with them.
fn usable(loaded: Loaded, output: Output) -> Result<Option<Config>> {
    let config = match loaded.config {
        Ok(config) => config,
        Err(problems) => {
            complain(&problems.to_string());
            return Ok(None);
        }
    };
    let is_terminal = match output {
        Output::Stdout => io::stdout().is_terminal(),
        Output::Stderr => io::stderr().is_terminal(),
    };
    let levels: Vec<_> = config
        .environments
        .iter()
        .filter_map(|it| Some((&*it.name, it.log_level?)))
        .collect();
    logging::init(&config.log, output, is_terminal, &levels)?;
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    Ok(Some(config))
}

async fn daemon(config: Config) -> Result<u8> {
    let ports = match run::Ports::bind(&config).await {
        Ok(ports) => ports,
        Err(error) => {
            complain(&format!("{error:#}"));
            return Ok(MISCONFIGURED);
        }
    };
    let connection = table::connect(config.store.endpoint.as_deref(), None).await;
    let end = run::run(&config, ports, connection, CancellationToken::new()).await?;
    Ok(match end {
        run::End::Stopped => 0,
        run::End::NotInitialized => NOT_INITIALIZED,
    })
}

/// To standard error; there is nobody to tell if that fails.
fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
