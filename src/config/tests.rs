//! Precedence and refusals of [`Config::resolve`], as tables.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use super::*;

const MACHINE: Machine = Machine { cores: 6, log_format: LogFormat::Json };

type Pairs<'a> = &'a [(&'a str, &'a str)];

/// Resolves with flags and environment by name (`API_PORT`) and the text of a file.
fn resolve(flags: Pairs<'_>, environment: Pairs<'_>, file: &str) -> Result<Config, String> {
    let flags = flags.iter().map(|&(name, value)| {
        let setting = SETTINGS.iter().find(|setting| setting.name == name).unwrap();
        (setting.key, OsString::from(value))
    });
    let lookup = |name: &str| {
        environment.iter().find(|(held, _)| *held == name).map(|(_, value)| OsString::from(value))
    };
    let file = SettingsFile::parse(Path::new("w.toml"), file).unwrap();
    Config::resolve(&flags.collect(), lookup, &file, MACHINE).map_err(|error| error.to_string())
}

#[test]
fn the_defaults_are_those_of_the_contract() {
    let expected = Config {
        api_host: "127.0.0.1".parse().unwrap(),
        api_port: 8000,
        api_workers: 6,
        data_dir: "./data".into(),
        wal_durability: WalDurability::Sync,
        wal_segment_bytes: 67_108_864,
        snapshot_interval: Duration::from_mins(5),
        snapshot_retain: 5,
        stale_after: [Some(Duration::from_hours(168)); 4],
        sweep_interval: Some(Duration::from_hours(24)),
        purge_stale_after: None,
        audit_retain: Some(Duration::from_hours(365 * 24)),
        max_body_bytes: 10_485_760,
        request_timeout: Duration::from_secs(30),
        header_timeout: Duration::from_secs(10),
        max_connections: 10_000,
        log_level: LogLevel::Info,
        log_format: LogFormat::Json,
        shutdown_grace: Duration::from_secs(30),
    };
    assert_eq!(resolve(&[], &[], ""), Ok(expected));
}

#[test]
fn a_flag_goes_before_the_environment_before_the_file() {
    let file = "api_port = 3";
    let cases: [(Pairs<'_>, Pairs<'_>, &str, u16); 6] = [
        (&[("API_PORT", "1")], &[("API_PORT", "2")], file, 1),
        (&[], &[("API_PORT", "2")], file, 2),
        (&[], &[("API_PORT", "")], file, 3),
        (&[], &[], file, 3),
        (&[], &[("API_PORT", "")], "", 8000),
        (&[("API_PORT", "1")], &[("API_PORT", "no port")], "api_port = \"none\"", 1),
    ];
    for (flags, environment, file, expected) in cases {
        let port = resolve(flags, environment, file).map(|config| config.api_port);
        assert_eq!(port, Ok(expected), "{flags:?} {environment:?} {file:?}");
    }
}

#[test]
fn the_example_file_sets_the_defaults() {
    let example = env_example();
    let pairs: Vec<(&str, &str)> = example
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('='))
        .collect();
    assert_eq!(pairs.len(), SETTINGS.len());
    assert_eq!(resolve(&[], &pairs, ""), resolve(&[], &[], ""));
}

#[test]
fn edges_of_the_ranges_are_in() {
    let cases = [
        ("API_HOST", "::1"),
        ("API_HOST", "127.9.9.9"),
        ("API_HOST", "::ffff:127.0.0.1"),
        ("API_PORT", "0"),
        ("API_PORT", "65535"),
        ("API_WORKERS", "1"),
        ("API_WORKERS", "1024"),
        ("MAX_BODY_BYTES", "1"),
        ("MAX_BODY_BYTES", "1073741824"),
        ("REQUEST_TIMEOUT_SECONDS", "86400"),
        ("HEADER_TIMEOUT_SECONDS", "1"),
        ("MAX_CONNECTIONS", "1000000"),
        ("SHUTDOWN_GRACE_SECONDS", "0"),
        ("STALE_EDGE_THRESHOLD_HOURS", "0"),
        ("STALE_EDGE_THRESHOLD_HOURS_KUBERNETES", "876000"),
        ("STALENESS_SWEEP_INTERVAL_HOURS", "0"),
        ("PURGE_STALE_AFTER_DAYS", "36500"),
        ("AUDIT_RETAIN_DAYS", "0"),
        ("PURGE_STALE_AFTER_DAYS", "off"),
        ("LOG_LEVEL", "trace"),
        ("LOG_FORMAT", "text"),
        ("DATA_DIR", "/srv/größe 7"),
    ];
    for pair in cases {
        assert!(resolve(&[pair], &[], "").is_ok(), "{pair:?}");
        assert!(resolve(&[], &[pair], "").is_ok(), "{pair:?}");
    }
}

#[test]
fn a_bad_value_is_named_in_one_line() {
    let cases = [
        ("API_HOST", "localhost", "an IP address"),
        ("API_HOST", "0.0.0.0", "without API keys the server listens on loopback only"),
        ("API_HOST", "::", "without API keys the server listens on loopback only"),
        ("API_HOST", "::ffff:10.0.0.1", "loopback only"),
        ("API_PORT", "65536", "a port, 0 to 65535"),
        ("API_PORT", "-1", "a port, 0 to 65535"),
        ("API_PORT", "80a", "a port, 0 to 65535"),
        ("API_PORT", " 80", "a port, 0 to 65535"),
        ("API_WORKERS", "0", "a whole number from 1 to 1024"),
        ("API_WORKERS", "1025", "a whole number from 1 to 1024"),
        ("MAX_BODY_BYTES", "0", "a whole number from 1 to 1073741824"),
        ("MAX_BODY_BYTES", "1073741825", "a whole number from 1 to 1073741824"),
        ("MAX_BODY_BYTES", "10MB", "a whole number"),
        ("REQUEST_TIMEOUT_SECONDS", "0", "a whole number of seconds from 1 to 86400"),
        ("HEADER_TIMEOUT_SECONDS", "1.5", "a whole number of seconds from 1 to 86400"),
        ("MAX_CONNECTIONS", "99999999999999999999999", "a whole number from 1 to 1000000"),
        ("SHUTDOWN_GRACE_SECONDS", "86401", "a whole number of seconds from 0 to 86400"),
        ("STALE_EDGE_THRESHOLD_HOURS", "-1", "off, or a whole number of hours from 0 to 876000"),
        ("STALE_EDGE_THRESHOLD_HOURS_MANUAL", "1.5", "off, or a whole number of hours from 0 to 876000"),
        ("STALENESS_SWEEP_INTERVAL_HOURS", "876001", "off, or a whole number of hours from 0 to 876000"),
        ("PURGE_STALE_AFTER_DAYS", "never", "off, or a whole number of days from 0 to 36500"),
        ("AUDIT_RETAIN_DAYS", "36501", "off, or a whole number of days from 0 to 36500"),
        ("LOG_LEVEL", "INFO", "error, warn, info, debug or trace"),
        ("LOG_LEVEL", "info\nforged line", "error, warn, info, debug or trace"),
        ("LOG_FORMAT", "pretty", "json or text"),
    ];
    for (name, value, expected) in cases {
        let message = resolve(&[], &[(name, value)], "").unwrap_err();
        let start = format!("{name} from the environment is {value:?}; expected ");
        assert!(message.starts_with(&start) && message.contains(expected), "{name}={value}: {message}");
        assert!(!message.contains('\n'), "{message:?}");
    }
}

#[test]
fn a_bad_value_names_where_it_came_from() {
    let cases = [
        (resolve(&[("API_PORT", "")], &[], ""), "API_PORT from --api-port is \"\"; "),
        (resolve(&[("DATA_DIR", "")], &[], ""), "DATA_DIR from --data-dir is \"\"; "),
        (resolve(&[], &[], "api_port = -1"), "API_PORT from w.toml is \"-1\"; "),
        (resolve(&[], &[], "log_level = true"), "LOG_LEVEL from w.toml is \"true\"; "),
        (
            resolve(&[], &[("LOG_LEVEL", "x"), ("API_HOST", "x")], ""),
            "API_HOST from the environment is \"x\"; ",
        ),
    ];
    for (result, expected) in cases {
        let message = result.unwrap_err();
        assert!(message.starts_with(expected), "{message}");
    }
}

#[test]
fn a_long_value_is_cut() {
    let message = resolve(&[("LOG_LEVEL", &"x".repeat(100_000))], &[], "").unwrap_err();
    assert!(message.len() < 400, "{}", message.len());
}

/// Settings, and what comes of them.
type Case<'a> = (&'a [(&'a str, &'a str)], [Option<Duration>; 4]);

#[test]
fn a_source_has_the_common_threshold_unless_it_has_its_own() {
    let hours = |hours| Some(Duration::from_hours(hours));
    let cases: [Case<'_>; 4] = [
        (&[], [hours(168); 4]),
        (&[("STALE_EDGE_THRESHOLD_HOURS", "5")], [hours(5); 4]),
        (
            &[("STALE_EDGE_THRESHOLD_HOURS", "0"), ("STALE_EDGE_THRESHOLD_HOURS_SERVICE_MESH", "2")],
            [None, hours(2), None, None],
        ),
        (&[("STALE_EDGE_THRESHOLD_HOURS_MANUAL", "0")], [None, hours(168), hours(168), hours(168)]),
    ];
    for (environment, expected) in cases {
        let found = resolve(&[], environment, "").map(|config| config.stale_after);
        assert_eq!(found, Ok(expected), "{environment:?}");
    }
}
