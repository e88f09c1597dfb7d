//! Texts in which a service may be named: values of variables, arguments, files of configuration.
//!
//! Not the judge of whether a host exists: that needs the cluster.
//!
//! - One pass over the text, however it is made.
//! - Words in prose are no addresses: without a scheme, a port or a dot, only a text that is nothing else counts.

use crate::sources::protocols;

/// A host named in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Address<'t> {
    /// What stands before `://`, empty if nothing does.
    pub(super) scheme: &'t str,
    /// The host, in at least one label.
    pub(super) host: &'t str,
    /// The port, if it is a number.
    pub(super) port: Option<u16>,
    /// Whether it is a single word without scheme and port, which counts only where a service is expected.
    pub(super) is_bare: bool,
}

/// The addresses in a text. O(text).
pub(super) fn addresses(text: &str) -> impl Iterator<Item = Address<'_>> {
    let whole = text.trim();
    // In a file, or a script, a comment names examples.
    let lines = whole.lines().filter(|line| !line.trim_start().starts_with('#'));
    let tokens = lines.flat_map(|line| line.split(is_separator)).filter(|token| !token.is_empty());
    tokens.filter_map(address).filter(move |address| !address.is_bare || address.host == whole)
}

fn is_separator(character: char) -> bool {
    !(character.is_ascii_alphanumeric() || matches!(character, '.' | '-' | '_' | ':' | '/' | '@' | '+' | '%'))
}

fn address(token: &str) -> Option<Address<'_>> {
    // `jdbc:oracle:thin:@//host:1521` has more than a colon before its slashes.
    let (scheme, rest) = match token.split_once("//") {
        Some((scheme, rest)) if scheme.ends_with([':', '@']) => (scheme.trim_end_matches([':', '@']), rest),
        _ => ("", token),
    };
    if protocols::has_no_host(scheme) {
        return None;
    }
    // An empty authority, as in `dns:///cart:50051`, leaves the name to the path.
    let rest = if scheme.is_empty() { rest } else { rest.trim_start_matches('/') };
    let (authority, path) =
        rest.split_once('/').map_or((rest, None), |(authority, path)| (authority, Some(path)));
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let mut parts = authority.split(':');
    let host = host(parts.next().unwrap_or_default())?;
    let port = match parts.next() {
        None => None,
        // What was to follow, as in `http://cart:$(PORT)`, stands in another variable.
        Some("") if !scheme.is_empty() => None,
        Some(port) => Some(port.parse().ok()?),
    };
    let is_bare = scheme.is_empty() && port.is_none() && !host.contains('.');
    (!is_bare || path.is_none()).then_some(Address { scheme, host, port, is_bare })
}

/// A host of DNS labels in lower case. The dot of a whole name goes; that of `cart.$(NAMESPACE)` spoils it.
fn host(text: &str) -> Option<&str> {
    let host = match text.strip_suffix('.') {
        Some(host) if host.contains('.') => host,
        Some(_) => return None,
        None => text,
    };
    host.split('.').all(is_label).then_some(host)
}

/// Whether it can name an object: a DNS label in lower case.
pub(super) fn is_label(text: &str) -> bool {
    let bytes = text.as_bytes();
    let fits = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-';
    (1..=63).contains(&bytes.len()) && bytes.iter().all(fits) && bytes[0] != b'-' && !text.ends_with('-')
}

/// What a host means inside a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ClusterName<'t> {
    /// The Service.
    pub(super) service: &'t str,
    /// Its namespace; `None` for the namespace of whoever says it.
    pub(super) namespace: Option<&'t str>,
    /// Whether the form is one of the cluster's DNS and of nobody else.
    pub(super) is_certain: bool,
}

/// The ways in which a host can be meant, the likelier first: `<service>[.<namespace>[.svc[.cluster.local]]]`, before
/// it perhaps a pod of a `StatefulSet`, `<name>-<number>.`.
pub(super) fn cluster_names(host: &str) -> impl Iterator<Item = ClusterName<'_>> {
    let pod = host.split_once('.').filter(|(pod, _)| {
        pod.rsplit_once('-').is_some_and(|(_, number)| number.bytes().all(|byte| byte.is_ascii_digit()))
    });
    [Some(host), pod.map(|(_, rest)| rest)].into_iter().flatten().filter_map(cluster_name)
}

fn cluster_name(host: &str) -> Option<ClusterName<'_>> {
    let (service, rest) = host.split_once('.').map_or((host, None), |(service, rest)| (service, Some(rest)));
    if service.is_empty() {
        return None;
    }
    let Some(rest) = rest else { return Some(ClusterName { service, namespace: None, is_certain: false }) };
    let (namespace, domain) =
        rest.split_once('.').map_or((rest, None), |(name, domain)| (name, Some(domain)));
    let is_certain = match domain {
        None => false,
        Some("svc" | "svc.cluster.local") => true,
        Some(_) => return None,
    };
    Some(ClusterName { service, namespace: Some(namespace), is_certain })
}

/// Whether a variable of this name may hold the bare name of a service: not one that holds a user, a kind or a
/// database of the same name.
pub(super) fn may_name_service(variable: &str) -> bool {
    const OTHERS: &[&str] = &[
        "USER",
        "USERNAME",
        "PASSWORD",
        "PASS",
        "DATABASE",
        "DB",
        "SCHEMA",
        "TYPE",
        "KIND",
        "ENGINE",
        "DRIVER",
        "DIALECT",
        "MODE",
        "ROLE",
        "PROFILE",
        "PROFILES",
        "ENV",
        "ENVIRONMENT",
        "NAMESPACE",
        "VHOST",
        "LEVEL",
        "ACTIVE",
    ];
    let name = variable.to_ascii_uppercase().replace(['.', '-'], "_");
    let last = name.rsplit('_').next().unwrap_or(&name);
    let is_other_name =
        last == "NAME" && !["HOST_NAME", "SERVICE_NAME"].iter().any(|end| name.ends_with(end));
    !OTHERS.contains(&last) && !is_other_name
}
