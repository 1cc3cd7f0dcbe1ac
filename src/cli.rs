//! The commands of `plenum`, and what each prints.
//!
//! In: arguments and environment. Out: a running server, or an answer on standard output. Errors go to the caller.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use serde_json::{Map, Value};
use signaling_proto::token::{AccessToken, VideoGrant};

use crate::config::{Overrides, Settings};
use crate::operate::{self, NodeCommand};
use crate::secrets::Secrets;
use crate::{halves, log, run};

/// How long threads that block get when everything else has ended.
const LAST_THREADS: Duration = Duration::from_secs(1);

/// A self-hosted video-conferencing server: media, accounts and web app in one process.
///
/// Without a command it serves everything. Every option is also an environment variable (PLENUM_HTTP_PORT for
/// --http-port) and a setting of the configuration file; `plenum config` prints the settings in effect.
#[derive(Parser)]
#[command(name = "plenum", version, disable_help_subcommand = true)]
struct Cli {
    /// Configuration file, TOML
    #[arg(long, env = "PLENUM_CONFIG", value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    #[command(flatten)]
    overrides: Overrides,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve everything, or one half (this is what happens without a command)
    Serve {
        /// Serve one half only, for a split over several machines
        #[arg(long, value_name = "HALF")]
        only: Option<Half>,
    },
    /// Print the settings in effect, secrets masked
    Config,
    /// Print a join token, signed with the API key of the data directory
    Token(TokenArgs),
    /// List and drain media nodes
    Node {
        #[command(subcommand)]
        command: NodeCommand,
    },
    /// Administer accounts
    Admin {
        #[command(subcommand)]
        command: AdminCommand,
    },
    /// Print the version
    Version,
}

/// One of the two halves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Half {
    /// The media node
    Sfu,
    /// Accounts, rooms and the web app
    ControlPlane,
}

#[derive(Args)]
struct TokenArgs {
    /// Who joins; two participants of one room cannot have the same
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    identity: String,
    /// The room's name
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    room: String,
    /// The name the others see
    #[arg(long, default_value = "")]
    name: String,
    /// Free text for the application
    #[arg(long, default_value = "")]
    metadata: String,
    /// Seconds until it expires
    #[arg(long, value_name = "S", default_value_t = 6 * 3_600, value_parser = clap::value_parser!(u64).range(1..))]
    ttl_s: u64,
    /// More grants as JSON, e.g. {"canPublish":false,"roomAdmin":true}
    #[arg(long, value_name = "JSON", value_parser = grants)]
    grants: Option<Map<String, Value>>,
}

#[derive(Subcommand)]
enum AdminCommand {
    /// Make an account that may administer the platform; the password is read from standard input
    Create {
        /// Address to sign in with
        #[arg(long)]
        email: String,
        /// The name others see
        #[arg(long)]
        name: Option<String>,
    },
}

/// Parses the command line and does what it says.
///
/// # Errors
/// Whatever kept the command from being done, in words for the person who typed it.
pub(crate) fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    if matches!(cli.command, Some(Command::Version)) {
        return print(&format!("plenum {}\n", env!("CARGO_PKG_VERSION")));
    }
    let settings = Settings::load(cli.config.as_deref(), &cli.overrides)?;
    match cli.command {
        None => serve(settings, None),
        Some(Command::Serve { only }) => serve(settings, only),
        Some(Command::Config) => print(&settings.shown(Secrets::stored(&settings)?.as_ref())),
        Some(Command::Token(args)) => print(&token(&settings, args)?),
        Some(Command::Admin { command: AdminCommand::Create { email, name } }) => create_admin(&settings, email, name),
        Some(Command::Node { command }) => print(&runtime()?.block_on(operate::node(&settings, command))?),
        Some(Command::Version) => Ok(()),
    }
}

fn serve(settings: Settings, only: Option<Half>) -> anyhow::Result<()> {
    log::start(&settings.log)?;
    let strangers = Overrides::unknown_variables(std::env::vars_os().map(|(name, _)| name));
    for name in strangers {
        // Not refused: Kubernetes sets such variables for a service called `plenum`.
        tracing::warn!(name, "nothing reads this environment variable; is its name misspelt?");
    }
    let runtime = runtime()?;
    let outcome = runtime.block_on(run::serve(settings, only));
    // Whatever still blocks a thread has had its time.
    runtime.shutdown_timeout(LAST_THREADS);
    outcome
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")
}

/// A signed token and a line break.
fn token(settings: &Settings, args: TokenArgs) -> anyhow::Result<String> {
    let api = Secrets::api_key(settings)?;
    let mut claims = serde_json::to_value(VideoGrant::join(args.room))?;
    if let (Value::Object(claims), Some(more)) = (&mut claims, args.grants) {
        claims.extend(more);
    }
    let grant: VideoGrant = serde_json::from_value(claims).context("--grants")?;
    let token = AccessToken::new(api.key, api.secret)
        .identity(args.identity)
        .name(args.name)
        .metadata(args.metadata)
        .grant(grant)
        .ttl(Duration::from_secs(args.ttl_s))
        .to_jwt()?;
    Ok(format!("{token}\n"))
}

/// Parses `--grants` and refuses names that are no grants: a misspelt one would silently grant nothing.
fn grants(text: &str) -> Result<Map<String, Value>, String> {
    let Ok(Value::Object(given)) = serde_json::from_str(text) else {
        return Err("not a JSON object".to_owned());
    };
    for name in given.keys() {
        if !GRANTS.contains(&name.as_str()) {
            return Err(format!("{name:?} is not a grant; these are: {}", GRANTS.join(", ")));
        }
    }
    Ok(given)
}

/// Names inside the `video` claim of a token.
const GRANTS: [&str; 17] = [
    "roomCreate",
    "roomList",
    "roomRecord",
    "roomAdmin",
    "roomJoin",
    "room",
    "canPublish",
    "canSubscribe",
    "canPublishData",
    "canPublishSources",
    "canUpdateOwnMetadata",
    "ingressAdmin",
    "hidden",
    "recorder",
    "agent",
    "canSubscribeMetrics",
    "destinationRoom",
];

fn create_admin(settings: &Settings, email: String, name: Option<String>) -> anyhow::Result<()> {
    log::start(&settings.log)?;
    eprint!("Password for {email}: ");
    std::io::stderr().flush()?;
    let mut password = String::new();
    std::io::stdin().read_line(&mut password).context("cannot read the password")?;
    let password = password.trim_end_matches(['\r', '\n']).to_owned();
    if password.is_empty() {
        bail!("no password was given");
    }
    // Makes the folder if this comes before the first start.
    Secrets::open(settings)?;
    let id = runtime()?.block_on(halves::create_admin(settings, email, name, password))?;
    print(&format!("{id}\n"))
}

/// Writes an answer; a reader that has gone away (`plenum config | head`) is no error.
fn print(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("cannot write the answer"),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_come_before_or_after_the_command() {
        for line in [["plenum", "--http-port", "1", "serve"], ["plenum", "serve", "--http-port", "1"]] {
            assert!(Cli::try_parse_from(line).is_ok(), "{line:?}");
        }
    }

    #[test]
    fn a_token_says_what_was_asked_for() {
        let mut settings = Settings::default();
        settings.keys.api_key = Some("key".to_owned());
        settings.keys.api_secret = Some("secret-of-thirty-two-characters!".to_owned());
        let args = TokenArgs {
            identity: "ada".to_owned(),
            room: "r".to_owned(),
            name: "Ada".to_owned(),
            metadata: String::new(),
            ttl_s: 60,
            grants: Some(grants("{\"canPublish\":false,\"roomAdmin\":true}").expect("grants")),
        };
        let token = token(&settings, args).expect("a token");
        let keys = signaling_proto::token::KeyStore::with_key("key", "secret-of-thirty-two-characters!");
        let claims =
            signaling_proto::token::verify(token.trim(), &keys, signaling_proto::unix_now()).expect("a valid token");
        let grant = claims.join_grant().expect("may join");
        assert_eq!((claims.identity(), claims.name.as_str(), grant.room.as_str()), ("ada", "Ada", "r"));
        assert!(!grant.can_publish() && grant.can_subscribe() && grant.room_admin);
    }

    #[test]
    fn misspelt_grants_are_refused() {
        assert!(grants("{\"canPublsh\":false}").is_err_and(|message| message.contains("canPublish")));
        assert!(grants("[]").is_err());
    }
}
