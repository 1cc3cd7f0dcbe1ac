//! Whole-product tests that start the real binary. One test binary, so that it is linked once.

use std::process::Command;

#[test]
fn the_binary_says_which_version_it_is() {
    let out = Command::new(env!("CARGO_BIN_EXE_plenum")).arg("version").output().expect("the binary starts");
    assert!(out.status.success());
    let text = String::from_utf8_lossy(&out.stdout);
    assert!(text.contains(env!("CARGO_PKG_VERSION")), "no version in {text:?}");
}
