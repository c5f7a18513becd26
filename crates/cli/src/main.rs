//! `sori`: the server, and the same work without one.

mod commands;
mod credentials;
mod failure;
mod memory;
mod place;
mod progress;
mod prompt;
mod remote;

use clap::{Parser, Subcommand};

use failure::Failure;

/// Script-driven spoken media: a script goes in, voices and captions come out.
#[derive(Parser)]
#[command(name = "sori", version, propagate_version = true, arg_required_else_help = true)]
struct Cli {
    /// Language of messages: `en` or `ko` (default: from LC_ALL, LC_MESSAGES or LANG).
    #[arg(long, global = true, value_parser = ["en", "ko"])]
    lang: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server
    Serve(commands::serve::Serve),
    /// Render a script to audio and captions
    Render(commands::render::Render),
    /// Speak a text
    Say(commands::say::Say),
    /// List the voices
    Voices(commands::voices::Voices),
    /// Sign in at a server, and stay signed in
    Login(commands::login::Login),
    /// End this machine's sign-in at a server
    Logout(commands::login::Logout),
    /// Print who is signed in at a server
    Whoami(commands::login::Whoami),
    /// Make and change accounts
    User(commands::user::UserCommand),
    /// Make and revoke API keys
    Key(commands::key::KeyCommand),
    /// Print the settings in effect
    Config(commands::config::ShowConfig),
    /// Print the OpenAPI document of the server
    Openapi,
}

fn main() -> std::process::ExitCode {
    memory::give_back();
    let cli = Cli::parse();
    let language = failure::language(cli.lang.as_deref());
    let outcome = match cli.command {
        Command::Serve(serve) => serve.run(),
        Command::Render(render) => render.run(),
        Command::Say(say) => say.run(),
        Command::Voices(voices) => voices.run(),
        Command::Login(login) => login.run(language),
        Command::Logout(logout) => logout.run(language),
        Command::Whoami(whoami) => whoami.run(language),
        Command::User(user) => user.run(language),
        Command::Key(key) => key.run(language),
        Command::Config(config) => config.run(),
        Command::Openapi => commands::openapi::run(),
    };
    match outcome {
        Ok(()) => std::process::ExitCode::SUCCESS,
        // Whoever reads our output has read enough, as `head` does.
        Err(Failure::OutputClosed) => std::process::ExitCode::SUCCESS,
        Err(failure) => failure.tell(language),
    }
}
