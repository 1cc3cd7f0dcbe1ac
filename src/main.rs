//! `plenum`: the one binary.
//!
//! In the order things happen: [`cli`] parses the command line and the environment, [`config`] makes settings of them and
//! of a file, [`run`] starts what `serve` asks for: [`secrets`], the [`halves`] joined by [`wire`], [`http`] in front, and
//! the [`greeting`].

mod cli;
mod config;
mod greeting;
mod halves;
mod http;
mod log;
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
            eprintln!("plenum: {error:#}");
            ExitCode::FAILURE
        }
    }
}
