//! `plenum`: the one binary.
//!
//! In the order things happen: [`cli`] parses the command line and the environment, [`config`] makes settings of them and
//! of a file, [`operate`] talks to a server that runs already, [`run`] starts what `serve` asks for: [`secrets`], the [`halves`] joined by [`wire`], [`http`] in front, and
//! the [`greeting`].

mod cli;
mod config;
mod greeting;
mod halves;
mod http;
mod log;
mod operate;
mod run;
mod secrets;
mod wire;

use std::process::ExitCode;

/// Many threads allocate and free small things for hours; the system's allocator keeps more of it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Whatever this process writes (database, secrets, certificates) is for its owner alone, wherever the folder lies.
    #[cfg(unix)]
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    // Once and for all: every TLS user of this process finds the same provider. It fails only when one is installed.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    match cli::main() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("plenum: {}", in_words(&error));
            ExitCode::FAILURE
        }
    }
}

/// An error and its causes, each said once: many an error repeats its cause in its own words.
fn in_words(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(|cause| cause.to_string()) {
        let cause = cause.trim_end();
        if text.contains(cause) {
            continue;
        }
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(cause);
    }
    text
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    #[test]
    fn nothing_is_said_twice() {
        #[derive(Debug, thiserror::Error)]
        #[error("cannot listen: {source}. Choose another port")]
        struct Outer {
            source: std::io::Error,
        }
        let refused = || std::io::Error::other("address in use");
        let error = Err::<(), _>(Outer { source: refused() }).context("cannot start").unwrap_err();
        assert_eq!(super::in_words(&error), "cannot start: cannot listen: address in use. Choose another port");
        let error = Err::<(), _>(refused()).context("cannot start").unwrap_err();
        assert_eq!(super::in_words(&error), "cannot start: address in use");
    }
}
