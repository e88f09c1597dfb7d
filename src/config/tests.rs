//! Precedence and refusals of [`Config::resolve`], as tables.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::num::NonZeroU32;
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
    Config::resolve(&flags.collect(), lookup, &file, secret_file, MACHINE).map_err(|error| error.to_string())
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
        discovery: DiscoverySettings {
            prometheus: None,
            service_graph: None,
            mesh: None,
            metrics_interval: Duration::from_mins(15),
            kubernetes: None,
            templates: [const { None }; 4],
            aliases: BTreeMap::new(),
        },
        export: None,
        log_level: LogLevel::Info,
        log_format: LogFormat::Json,
        shutdown_grace: Duration::from_secs(30),
        admin_api_key: None,
        rate_limits: [NonZeroU32::new(10), NonZeroU32::new(60), NonZeroU32::new(30)],
        redis_url: None,
        trusted_proxies: Vec::new(),
        cors_origins: Origins::Listed(Vec::new()),
        metrics_require_key: false,
        tls_files: None,
        otlp_endpoint: None,
        trace_sample_rate: 0.1,
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
    let secret_files = SETTINGS.iter().filter(|setting| setting.is_secret()).count();
    assert_eq!(pairs.len(), SETTINGS.len() + secret_files);
    assert_eq!(resolve(&[], &pairs, ""), resolve(&[], &[], ""));
}

#[test]
fn edges_of_the_ranges_are_in() {
    let cases = [
        ("API_HOST", "::1"),
        ("API_HOST", "127.9.9.9"),
        ("API_HOST", "::ffff:127.0.0.1"),
        ("API_HOST", "0.0.0.0"),
        ("RATE_LIMIT_INGESTION", "0"),
        ("RATE_LIMIT_QUERY", "100000000"),
        ("TRUSTED_PROXIES", "10.0.0.1, 192.168.0.0/16,fd00::/8"),
        ("CORS_ORIGINS", "*"),
        ("CORS_ORIGINS", "https://Backstage.example.com,http://localhost:3000"),
        ("METRICS_REQUIRE_KEY", "true"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector:4318/"),
        ("OTEL_TRACE_SAMPLE_RATE", "1"),
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
        ("RATE_LIMIT_INGESTION", "-1", "a whole number from 0 to 100000000"),
        ("RATE_LIMIT_QUERY", "100000001", "a whole number from 0 to 100000000"),
        ("RATE_LIMIT_DEFAULT", "10/min", "a whole number from 0 to 1000000"),
        ("TRUSTED_PROXIES", "proxy.example.com", "IP addresses or networks"),
        ("TRUSTED_PROXIES", "10.0.0.0/33", "IP addresses or networks"),
        ("CORS_ORIGINS", "https://a.example/", "origins separated by commas"),
        ("CORS_ORIGINS", "*,https://a.example", "origins separated by commas"),
        ("CORS_ORIGINS", "a.example", "origins separated by commas"),
        ("METRICS_REQUIRE_KEY", "yes", "true or false"),
        ("TLS_KEY_FILE", "key.pem", "TLS_CERT_FILE to be set, too"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318", "a URL that begins with http://"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://me:pass@collector", "holds no password"),
        ("OTEL_TRACE_SAMPLE_RATE", "1.1", "a number from 0 to 1"),
        ("OTEL_TRACE_SAMPLE_RATE", "NaN", "a number from 0 to 1"),
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

/// The only file that there is for secrets.
fn secret_file(path: &Path) -> io::Result<String> {
    match path.to_str() {
        Some("/run/secrets/key") => Ok("0123456789abcdef0123456789abcdef\n".to_owned()),
        Some("/run/secrets/short") => Ok("hush\n".to_owned()),
        Some("/run/secrets/empty") => Ok("\n".to_owned()),
        _ => Err(io::ErrorKind::NotFound.into()),
    }
}

#[test]
fn secrets_come_from_the_environment_or_a_file_it_names_or_the_settings_file() {
    let key = "0123456789abcdef0123456789abcdef";
    let cases: [(Pairs<'_>, &str); 3] = [
        (&[("ADMIN_API_KEY", key)], ""),
        (&[("ADMIN_API_KEY_FILE", "/run/secrets/key")], ""),
        (&[("ADMIN_API_KEY_FILE", "")], &format!("admin_api_key = \"{key}\"")),
    ];
    for (environment, file) in cases {
        let found = resolve(&[], environment, file).unwrap().admin_api_key;
        assert_eq!(found, Some(Secret::new(key.to_owned())), "{environment:?}");
    }
    let debug = format!("{:?}", resolve(&[], &[("ADMIN_API_KEY", key)], "").unwrap());
    assert!(!debug.contains(key), "{debug}");
}

#[test]
fn a_refused_secret_is_not_shown() {
    let long = "x".repeat(1025);
    let cases: [(Pairs<'_>, &str); 8] = [
        (
            &[("ADMIN_API_KEY", "hush")],
            "ADMIN_API_KEY from the environment is a value that is not shown; expected 32",
        ),
        (
            &[("ADMIN_API_KEY", "hush hush hush hush hush hush hush")],
            "ADMIN_API_KEY from the environment is a value",
        ),
        (&[("ADMIN_API_KEY", &long)], "ADMIN_API_KEY from the environment is a value that is not shown"),
        (&[("ADMIN_API_KEY_FILE", "/run/secrets/short")], "ADMIN_API_KEY from the environment is a value"),
        (
            &[("ADMIN_API_KEY_FILE", "/run/secrets/empty")],
            "ADMIN_API_KEY from ADMIN_API_KEY_FILE is \"/run/secrets/empty\"; expected a file that holds something",
        ),
        (
            &[("REDIS_URL_FILE", "/none")],
            "REDIS_URL from REDIS_URL_FILE is \"/none\"; expected a readable file: ",
        ),
        (
            &[("REDIS_URL_FILE", "/run/secrets/key"), ("REDIS_URL", "redis://:hush@cache")],
            "REDIS_URL from REDIS_URL_FILE is \"/run/secrets/key\"; expected REDIS_URL or REDIS_URL_FILE, not both",
        ),
        (
            &[("REDIS_URL", "http://:hush@cache")],
            "REDIS_URL from the environment is a value that is not shown",
        ),
    ];
    for (environment, expected) in cases {
        let message = resolve(&[], environment, "").unwrap_err();
        assert!(message.starts_with(expected) && !message.contains("hush"), "{message}");
    }
}

#[test]
fn a_certificate_needs_its_key() {
    let both = [("TLS_CERT_FILE", "chain.pem"), ("TLS_KEY_FILE", "key.pem")];
    let files = resolve(&[], &both, "").unwrap().tls_files;
    assert_eq!(files, Some(("chain.pem".into(), "key.pem".into())));
    let message = resolve(&[], &both[..1], "").unwrap_err();
    assert!(
        message.starts_with("TLS_KEY_FILE from the default is \"\"; expected the path of a file"),
        "{message}"
    );
}

#[test]
fn proxies_are_addresses_and_networks() {
    let text = "10.0.0.1, 192.168.0.0/16,::ffff:10.9.9.9";
    let proxies = resolve(&[], &[("TRUSTED_PROXIES", text)], "").unwrap().trusted_proxies;
    let trusted = |address: &str| {
        let address = address.parse().unwrap();
        proxies.iter().any(|proxy| proxy.contains(address))
    };
    for address in ["10.0.0.1", "192.168.7.7", "::ffff:192.168.7.7", "10.9.9.9"] {
        assert!(trusted(address), "{address}");
    }
    for address in ["10.0.0.2", "192.169.0.1", "::1", "::ffff:10.0.0.2"] {
        assert!(!trusted(address), "{address}");
    }
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
