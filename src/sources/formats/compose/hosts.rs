//! Which hosts a setting names: in URLs, as `host:port`, and alone where the setting's name says that it is one.
//!
//! Not a judge of which of them are services.

use crate::sources::protocols;

/// A host, in lower case, and the scheme of its URL, empty without one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Host {
    pub(super) name: String,
    pub(super) scheme: String,
}

/// The hosts in a setting. `key` is empty for the words of a command. O(bytes).
pub(super) fn named_hosts(key: &str, value: &str) -> Vec<Host> {
    let value = with_defaults(value);
    let mut hosts = Vec::new();
    let mut rest = value.as_str();
    while let Some(at) = rest.find("://") {
        let (before, after) = (&rest[..at], &rest[at + 3..]);
        let scheme_at = before
            .rfind(|letter: char| !is_of_scheme(letter))
            .map_or(0, |end| end + last_char(&before[end..]));
        outside_of_urls(&before[..scheme_at], &mut hosts);
        let mut end =
            after.find(['/', '?', '#', '"', '\'', ';', ' ', '\t', '\n', '\r']).unwrap_or(after.len());
        if after[end..].starts_with("//") && after[..end].ends_with(':') {
            // The next URL of a list has begun.
            end = after[..end - 1].rfind(|letter: char| !is_of_scheme(letter)).unwrap_or(0);
        }
        let authority = &after[..end];
        let scheme = before[scheme_at..].to_lowercase();
        let authority = if protocols::has_no_host(&scheme) { "" } else { authority };
        for host in authority.rsplit('@').next().unwrap_or_default().split(',') {
            let name = host.split([':', ')', '\\']).next().unwrap_or_default();
            push(&mut hosts, name, &scheme);
        }
        rest = &after[end..];
    }
    outside_of_urls(rest, &mut hosts);
    if is_about_hosts(key) {
        for name in value.split([',', ' ']).map(str::trim) {
            push(&mut hosts, name, "");
        }
    }
    hosts
}

fn last_char(text: &str) -> usize {
    text.chars().next().map_or(0, char::len_utf8)
}

fn is_of_scheme(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '+' | '-' | '.')
}

fn is_of_host(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_')
}

/// `host:port` between anything that is in no name.
fn outside_of_urls(text: &str, hosts: &mut Vec<Host>) {
    for word in text.split(|letter: char| !is_of_host(letter) && letter != ':') {
        let Some((name, port)) = word.rsplit_once(':') else { continue };
        let name = name.rsplit(':').next().unwrap_or_default();
        if !port.is_empty() && port.len() <= 5 && port.bytes().all(|digit| digit.is_ascii_digit()) {
            push(hosts, name, "");
        }
    }
}

fn push(hosts: &mut Vec<Host>, name: &str, scheme: &str) {
    if !name.is_empty() && name.chars().all(is_of_host) {
        hosts.push(Host { name: name.to_lowercase(), scheme: scheme.to_owned() });
    }
}

/// Whether a variable of that name holds hosts. Others may say `redis` and mean a kind of cache.
fn is_about_hosts(key: &str) -> bool {
    const WORDS: [&str; 14] = [
        "host", "hosts", "hostname", "server", "servers", "addr", "address", "url", "uri", "endpoint",
        "broker", "brokers", "service", "peer",
    ];
    let last = key.rsplit(['_', '.', '-']).next().unwrap_or_default().to_lowercase();
    WORDS.contains(&last.as_str()) || last.ends_with("host")
}

/// The text with `${NAME:-default}` and `${NAME-default}` as their defaults.
fn with_defaults(text: &str) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        filled.push_str(&rest[..at]);
        let inside = &rest[at + 2..];
        let Some(end) = inside.find('}') else {
            rest = &rest[at..];
            break;
        };
        match inside[..end].split_once('-') {
            Some((_, default)) => filled.push_str(default),
            None => filled.push_str(&rest[at..at + end + 3]),
        }
        rest = &inside[end + 1..];
    }
    filled + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_stand_in_urls_before_ports_and_alone() {
        let cases = [
            ("A", "http://api:8080/v1?x=db:1", "http+api,db"),
            ("A", "postgres://user:5secret@db:5432/x", "postgres+db"),
            ("A", "postgres://u:p@ss@db/x", "postgres+db"),
            ("A", "jdbc:mysql://mysql/shop,jdbc:mysql://other", "mysql+mysql,mysql+other"),
            ("A", "mongodb://a:1,b:2/x", "mongodb+a,mongodb+b"),
            ("A", "PLAINTEXT://kafka:9092,EXTERNAL://localhost:29092", "plaintext+kafka,external+localhost"),
            ("A", "kafka-1:9092, kafka-2:9092", "kafka-1,kafka-2"),
            ("A", "user:pass@tcp(mysql:3306)/shop", "mysql"),
            ("A", "--target=redis:6379 --x", "redis"),
            ("A", "redis", ""),
            ("REDIS_HOST", "redis", "redis"),
            ("spring.redis.host", "Redis", "redis"),
            ("HOSTS", "a, b", "a,b"),
            ("CACHE", "redis:7-alpine", ""),
            ("A", "redis:123456", ""),
            ("A", "redis://${HOST:-redis}:${PORT-6379}", "redis+redis"),
            ("A", "redis://${HOST}:6379", ""),
            ("A", "${HOST", ""),
            ("A", "://", ""),
            ("A", "s3://db/key", ""),
            ("URL", "é://ü://x:1", "x"),
            ("", "wait-for db:5432 -- run", "db"),
        ];
        for (key, value, expected) in cases {
            let text = |host: Host| match host.scheme.as_str() {
                "" => host.name,
                scheme => format!("{scheme}+{}", host.name),
            };
            let actual: Vec<String> = named_hosts(key, value).into_iter().map(text).collect();
            assert_eq!(actual.join(","), expected, "{key}={value}");
        }
    }
}
