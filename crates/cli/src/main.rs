//! `sori`: the server, and the same work without one.

mod commands;
mod failure;
mod progress;

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
    /// Print the OpenAPI document of the server
    Openapi,
}

fn main() -> std::process::ExitCode {
    let cli = Cli::parse();
    let language = failure::language(cli.lang.as_deref());
    let outcome = match cli.command {
        Command::Serve(serve) => serve.run(),
        Command::Render(render) => render.run(),
        Command::Say(say) => say.run(),
        Command::Voices(voices) => voices.run(),
        Command::Openapi => commands::openapi::run(),
    };
    match outcome {
        Ok(()) => std::process::ExitCode::SUCCESS,
        // Whoever reads our output has read enough, as `head` does.
        Err(Failure::OutputClosed) => std::process::ExitCode::SUCCESS,
        Err(failure) => failure.tell(language),
    }
}
