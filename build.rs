//! Makes sure that the folder the web app is embedded from exists, so that `cargo build` works before the web app was
//! built. It never touches a page that is already there; `make build` always builds the real one first.

use std::{fs, io, path::Path};

/// Shown when somebody built the server with plain cargo and without the web app.
const PLACEHOLDER: &str = "<!doctype html><meta charset=\"utf-8\"><title>Plenum</title>\n\
<h1>Plenum is running, without its web app</h1>\n\
<p>This binary was built before the web app was. Run <code>make build</code> (or <code>make run</code>) and start it again. \
The API, the media node and all SDKs work all the same.</p>\n";

fn main() -> io::Result<()> {
    let dist = Path::new("web/dist");
    let index = dist.join("index.html");
    if !index.exists() {
        fs::create_dir_all(dist)?;
        fs::write(&index, PLACEHOLDER)?;
    }
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=web/dist");
    Ok(())
}
