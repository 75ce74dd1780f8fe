//! Parses the command line, runs one command and maps its result to an exit code.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser as _;
use ld_dynamodb_relay::cli::{Cli, Command, ConfigArgs};
use ld_dynamodb_relay::commands::{
    config as show, doctor, dry_run, health, run, sync, verify, webhook_policy,
};
#[cfg(feature = "demo")]
use ld_dynamodb_relay::commands::{demo, simulate};
use ld_dynamodb_relay::config::{self, Config, Loaded, Sources};
use ld_dynamodb_relay::logging::{self, LogLevels, LogOutput};
use ld_dynamodb_relay::table::{self, Connection};
use tokio_util::sync::CancellationToken;

/// Something failed, or differs.
const FAILED: u8 = 1;
/// The settings cannot be used; for `verify`, something could not be compared.
const TROUBLE: u8 = 2;
/// Not initialised in time, with `EXIT_ON_ERROR`.
const NOT_INITIALIZED: u8 = 3;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let on_error = match cli.command {
        None | Some(Command::Run | Command::Verify { .. } | Command::Config { .. }) => TROUBLE,
        Some(_) => FAILED,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let code = runtime.map_err(Into::into).and_then(|runtime| {
        let code = runtime.block_on(run_command(cli));
        // A name that is still being looked up must not hold up the exit.
        runtime.shutdown_background();
        code
    });
    match code {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            complain(&format!("{error:#}"));
            ExitCode::from(on_error)
        }
    }
}

async fn run_command(cli: Cli) -> Result<u8> {
    match cli.command.unwrap_or(Command::Run) {
        Command::Run => daemon(load(cli.config)).await,
        Command::Sync {
            dry_run,
            confirm_removals,
            output,
        } => {
            let Some((config, connection)) = once(load(cli.config)).await? else {
                return Ok(TROUBLE);
            };
            if let Some(why) = confirm_removals.and_then(|_| sync::whose(&config)) {
                complain(&why);
                return Ok(TROUBLE);
            }
            if dry_run {
                let compared = verify::compare(&config, &connection, confirm_removals).await?;
                let good = dry_run::print(&compared, output.json, &mut io::stdout())?;
                return Ok(passed(good));
            }
            let results = sync::sync(&config, &connection, confirm_removals).await?;
            sync::print(&results, output.json, &mut io::stdout())?;
            Ok(passed(results.iter().all(sync::Synced::is_equal)))
        }
        Command::Verify { output } => {
            let Some((config, connection)) = once(load(cli.config)).await? else {
                return Ok(TROUBLE);
            };
            let compared = verify::compare(&config, &connection, None).await?;
            let agreement = verify::print(&compared, output.json, &mut io::stdout())?;
            Ok(match agreement {
                verify::Agreement::Same => 0,
                verify::Agreement::Drift => FAILED,
                verify::Agreement::Unknown => TROUBLE,
            })
        }
        Command::Doctor { output } => {
            let Some((config, connection)) = once(load(cli.config)).await? else {
                return Ok(FAILED);
            };
            let findings = doctor::examine(&config, &connection).await?;
            let good = doctor::print(&findings, output.json, &mut io::stdout())?;
            Ok(passed(good))
        }
        Command::Config { output } => {
            let valid = show::print(&load(cli.config), output.json, &mut io::stdout())?;
            Ok(if valid { 0 } else { TROUBLE })
        }
        Command::Health {
            ready,
            port,
            output,
        } => {
            let port = port.unwrap_or_else(|| health::port(&load(cli.config)));
            let question = if ready {
                health::Question::Ready
            } else {
                health::Question::Alive
            };
            let answer = health::ask(port, question).await;
            answer.write(&mut io::stdout(), output.json)?;
            Ok(passed(answer.is_good()))
        }
        Command::WebhookPolicy {
            project,
            environment,
        } => {
            webhook_policy::print(&project, &environment, &mut io::stdout())?;
            Ok(0)
        }
        #[cfg(feature = "demo")]
        Command::Demo {
            file,
            data_dir,
            port,
            auto_config,
        } => {
            let demo = demo::Demo::start(demo::Options {
                file,
                data_dir,
                port,
                auto_config,
            })
            .await?;
            let levels = log(&demo.config, LogOutput::Stderr)?;
            Box::pin(demo.run(levels)).await?;
            Ok(0)
        }
        #[cfg(feature = "demo")]
        Command::Simulate(simulation) => {
            simulate::simulate(simulation).await?;
            Ok(0)
        }
        #[cfg(feature = "demo")]
        Command::CreateTable => {
            simulate::create_table(&mut io::stdout()).await?;
            Ok(0)
        }
    }
}

const fn passed(good: bool) -> u8 {
    if good { 0 } else { FAILED }
}

async fn daemon(loaded: Loaded) -> Result<u8> {
    let Some((config, levels)) = usable(loaded, LogOutput::Stdout)? else {
        return Ok(TROUBLE);
    };
    if config.lifecycle.exit_always {
        let connection = table::connect(config.store.endpoint.as_deref(), None).await;
        let results = match sync::sync(&config, &connection, None).await {
            Ok(results) => results,
            Err(error) => {
                tracing::error!(
                    detail = format!("{error:#}"),
                    "no environment was synchronised"
                );
                return Ok(FAILED);
            }
        };
        sync::log(&results);
        return Ok(passed(results.iter().all(sync::Synced::is_equal)));
    }
    let ports = match run::Ports::bind(&config).await {
        Ok(ports) => ports,
        Err(error) => {
            complain(&format!("{error:#}"));
            return Ok(TROUBLE);
        }
    };
    let connection = table::connect(config.store.endpoint.as_deref(), None).await;
    let end = run::run(&config, ports, connection, levels, CancellationToken::new()).await?;
    Ok(match end {
        run::End::Stopped => 0,
        run::End::NotInitialized => NOT_INITIALIZED,
        run::End::NoArchive => TROUBLE,
    })
}

fn load(args: ConfigArgs) -> Loaded {
    config::load(&Sources::of_process(args.config, args.allow_missing_file))
}

/// For a command that does its work once: the settings and the table, or nothing, and what is wrong was told.
async fn once(loaded: Loaded) -> Result<Option<(Config, Connection)>> {
    let Some((config, _)) = usable(loaded, LogOutput::Stderr)? else {
        return Ok(None);
    };
    let connection = table::connect(config.store.endpoint.as_deref(), None).await;
    Ok(Some((config, connection)))
}

/// Starts logging and gives the settings, or tells what is wrong with them.
fn usable(loaded: Loaded, output: LogOutput) -> Result<Option<(Config, LogLevels)>> {
    match loaded.config {
        Ok(config) => {
            let levels = log(&config, output)?;
            for warning in &loaded.warnings {
                tracing::warn!(detail = %warning, "a setting does not do what it says");
            }
            Ok(Some((config, levels)))
        }
        Err(problems) => {
            complain(&problems.to_string());
            Ok(None)
        }
    }
}

fn log(config: &Config, output: LogOutput) -> Result<LogLevels> {
    let is_terminal = match output {
        LogOutput::Stdout => io::stdout().is_terminal(),
        LogOutput::Stderr => io::stderr().is_terminal(),
    };
    let levels: Vec<_> = config
        .environments
        .iter()
        .filter_map(|it| Some((&*it.name, it.log_level?)))
        .collect();
    let levels = LogLevels::new(config.log.level, &levels);
    logging::init(config.log.format, output, is_terminal, &levels)?;
    Ok(levels)
}

/// To standard error; there is nobody to tell if that fails.
fn complain(text: &str) {
    drop(writeln!(io::stderr(), "{text}"));
}
