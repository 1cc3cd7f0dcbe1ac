//! `plenum`: the one binary. Parses the command line and runs the halves it was asked for.

fn main() {
    println!("plenum {}", env!("CARGO_PKG_VERSION"));
}
