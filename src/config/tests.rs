//! Merging, refusing and masking of settings.

use clap::Parser;

use super::*;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    overrides: Overrides,
}

fn load(toml: &str, flags: &[&str]) -> Result<Settings, String> {
    let dir = std::env::temp_dir().join(format!("plenum-config-{}", uuid::Uuid::now_v7()));
    std::fs::create_dir_all(&dir).expect("a folder");
    let file = dir.join("plenum.toml");
    std::fs::write(&file, toml).expect("a file");
    let line = Line::try_parse_from(["plenum"].iter().chain(flags)).map_err(|error| error.to_string())?;
    let settings = Settings::load(Some(&file), &line.overrides).map_err(|error| error.to_string());
    std::fs::remove_dir_all(&dir).expect("our own folder");
    settings
}

#[test]
fn without_anything_the_documented_defaults_hold() {
    let settings = load("", &[]).expect("an empty file is fine");
    assert_eq!(settings, Settings::default());
    assert_eq!((settings.server.http_port, settings.server.https_port, settings.media.udp_port), (7880, 7843, 7882));
    assert!(settings.workers() >= 1);
}

#[test]
fn flags_win_over_the_file() {
    let file = "[server]\nhttp_port = 1000\nhttps_port = 2000\n[media]\nadvertise_ip = [\"192.0.2.1\"]\n";
    let settings = load(file, &["--http-port", "3000", "--advertise-ip", "192.0.2.2,2001:db8::1"]).expect("settings");
    assert_eq!((settings.server.http_port, settings.server.https_port), (3000, 2000));
    assert_eq!(settings.media.advertise_ip.len(), 2);
}

#[test]
fn unknown_keys_are_refused_by_name_and_line() {
    for (file, culprit) in [
        ("[server]\nhttp_prot = 1\n", "http_prot"),
        ("[sevrer]\nhttp_port = 1\n", "sevrer"),
        ("http_port = 7880\n", "http_port"),
    ] {
        let error = load(file, &[]).expect_err("a typing error");
        assert!(error.contains(culprit) && error.contains("unknown field"), "{error}");
    }
}

#[test]
fn contradictions_name_the_option_to_change() {
    for (flags, option) in [
        (&["--http-port", "0", "--https-port", "0"][..], "--http-port (PLENUM_HTTP_PORT)"),
        (&["--http-port", "7843"], "--https-port"),
        (&["--tls-cert", "cert.pem"], "--tls-key"),
        (&["--tls-key", "key.pem"], "--tls-cert"),
        (&["--public-url", "meet.example.org"], "--public-url"),
        (&["--public-url", "https://meet.example.org/path"], "--public-url"),
        (&["--media-url", "ws://10.0.0.1"], "--media-url"),
        (&["--database-url", "mysql://host/db"], "--database-url"),
        (&["--redis-url", "http://host"], "--redis-url"),
        (&["--redis-url", "redis"], "--redis-url"),
        (&["--workers", "0"], "--workers"),
        (&["--udp-port", "65535", "--workers", "2"], "--udp-port"),
        (&["--udp-port", "0"], "--udp-port"),
        (&["--advertise-ip", "0.0.0.0"], "--advertise-ip"),
        (&["--api-key", "key"], "--api-secret"),
        (&["--internal-secret", "secret"], "--internal-key"),
        (&["--api-key", "k", "--api-secret", "s", "--internal-key", "k", "--internal-secret", "s"], "--internal-key"),
        (&["--smtp-url", "smtp://localhost"], "--mail-from"),
        (&["--mail-from", "plenum@example.org"], "--smtp-url"),
        (&["--smtp-url", "https://localhost", "--mail-from", "plenum@example.org"], "--smtp-url"),
        (&["--smtp-url", "smtp://localhost", "--mail-from", "plenum"], "--mail-from"),
        (&["--google-client-id", "id"], "--google-client-secret"),
        (&["--microsoft-client-secret", "s"], "--microsoft-client-id"),
        (&["--google-issuer", "accounts.google.com"], "--google-issuer"),
        (&["--push-contact", "ops@example.org"], "--push-contact"),
        (&["--log-filter", "sfu=loud"], "--log-filter"),
        (&["--connections", "0"], "--connections"),
        (&["--header-timeout-s", "0"], "--header-timeout-s"),
    ] {
        let error = load("", flags).expect_err("contradictory settings");
        assert!(error.contains(option), "{flags:?} → {error}");
    }
}

#[test]
fn all_problems_are_named_at_once() {
    let error = load("", &["--workers", "0", "--api-key", "key", "--http-port", "7843"]).expect_err("three problems");
    assert_eq!(error.lines().count(), 4, "{error}");
}

#[test]
fn secrets_are_not_shown() {
    let settings = load(
        "",
        &[
            "--api-key",
            "visible",
            "--api-secret",
            "hidden-1",
            "--internal-key",
            "inner",
            "--internal-secret",
            "hidden-2",
            "--metrics-token",
            "hidden-3",
            "--database-url",
            "postgres://me:hidden-4@db/plenum",
            "--redis-url",
            "redis://me:hidden-6@cache/1",
            "--smtp-url",
            "smtps://me:hidden-5@mail.example.org",
            "--mail-from",
            "plenum@example.org",
            "--google-client-id",
            "visible-id",
            "--google-client-secret",
            "hidden-6",
            "--vapid-private-key",
            "hidden-6",
        ],
    )
    .expect("settings");
    let keys = format!("{:?} {:?} {:?}", settings.keys, settings.push, settings.redis);
    for text in [settings.shown(None), keys, format!("{:?} {:?}", settings.mail, settings.oauth)] {
        assert!(!text.contains("hidden"), "{text}");
    }
    assert!(
        settings.shown(None).contains("visible") && settings.shown(None).contains("@db/plenum"),
        "{}",
        settings.shown(None)
    );
}

#[test]
fn what_is_shown_can_be_read_again() {
    let settings = load("", &["--bind", "127.0.0.1", "--trusted-proxies", "10.0.0.0/8"]).expect("settings");
    assert_eq!(toml::from_str::<Settings>(&settings.shown(None)).expect("our own output"), settings);
}

#[test]
fn what_is_not_set_is_shown_as_what_it_amounts_to() {
    let shown = load("", &["--workers", "3"]).expect("settings").shown(None);
    for part in
        ["# bind = \"::\"", "# public_url: ", "workers = 3", "# url: SQLite", "# api_key, api_secret: generated at"]
    {
        assert!(shown.contains(part), "{part} is missing in\n{shown}");
    }
    let (before, after) = shown.split_once("[database]").expect("a section");
    assert!(before.contains("# bind") && !after.contains("# bind"), "{shown}");
    let shown = load("", &["--bind", "127.0.0.1", "--public-url", "https://a.example"]).expect("settings").shown(None);
    assert!(!shown.contains("# bind") && !shown.contains("# public_url"), "{shown}");
    assert!(shown.contains("# workers = ") && shown.contains("# token: none"), "{shown}");
}

#[test]
fn misspelt_variables_are_noticed() {
    let names = ["PLENUM_HTTP_PORT", "PLENUM_HTPT_PORT", "PLENUM_CONFIG", "PATH"].map(std::ffi::OsString::from);
    assert_eq!(Overrides::unknown_variables(names.into_iter()), ["PLENUM_HTPT_PORT"]);
}
