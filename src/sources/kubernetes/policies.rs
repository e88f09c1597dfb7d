//! Who may call whom: network policies, and those of a mesh.
//!
//! Not proof of a call: such a dependency has its evidence with it.
//!
//! - A rule that chooses everything, or whole namespaces, says nothing of single workloads and makes no dependency.

use std::collections::BTreeSet;

use super::edges::Edges;
use super::objects::{NamespacedName, Objects};
use super::selector::{EVERYTHING, Reason};
use super::shapes::{
    AuthorizationSource, AuthorizationSpec, NetworkPolicySpec, Peer, Selector, SidecarSpec, Texts,
};
use crate::sources::Name;

/// Adds what policies allow.
pub(super) fn add(edges: &mut Edges<'_>, objects: &Objects) {
    for (full_name, policy) in &objects.network_policies {
        if !edges.is_spent() {
            network(edges, &full_name.namespace, policy);
        }
    }
    for (full_name, policy) in &objects.authorizations {
        if !edges.is_spent() {
            authorization(edges, &full_name.namespace, policy);
        }
    }
    for (full_name, sidecar) in &objects.sidecars {
        if !edges.is_spent() {
            self::sidecar(edges, &full_name.namespace, sidecar);
        }
    }
}

/// What is chosen, or nobody: then the reason is counted.
fn or_nobody(edges: &mut Edges<'_>, chosen: Result<BTreeSet<Name>, Reason>) -> BTreeSet<Name> {
    chosen.unwrap_or_else(|reason| {
        edges.found.leave_out(reason);
        BTreeSet::new()
    })
}

fn network(edges: &mut Edges<'_>, namespace: &str, policy: &NetworkPolicySpec) {
    let callers = policy.ingress.iter().flatten().flat_map(|rule| rule.from.iter().flatten());
    let called = policy.egress.iter().flatten().flat_map(|rule| rule.to.iter().flatten());
    let (callers, called): (Vec<&Peer>, Vec<&Peer>) = (callers.collect(), called.collect());
    if callers.is_empty() && called.is_empty() {
        return;
    }
    let own = match &policy.pod_selector {
        Some(selector) => edges.cluster.chosen(namespace, selector),
        None => Err(EVERYTHING),
    };
    let own = or_nobody(edges, own);
    if own.is_empty() {
        return;
    }
    for peer in callers {
        let callers = peers(edges, namespace, peer);
        edges.allow(&callers, &own, "network_policy");
    }
    for peer in called {
        let called = peers(edges, namespace, peer);
        edges.allow(&own, &called, "network_policy");
    }
}

fn peers(edges: &mut Edges<'_>, namespace: &str, peer: &Peer) -> BTreeSet<Name> {
    let cluster = edges.cluster;
    let chosen = match (&peer.pod_selector, &peer.namespace_selector) {
        (Some(pods), None) => cluster.chosen(namespace, pods),
        (Some(pods), Some(namespaces)) => cluster.chosen_namespaces(namespaces).and_then(|namespaces| {
            let mut chosen = BTreeSet::new();
            for namespace in namespaces {
                chosen.extend(cluster.chosen(namespace, pods)?);
            }
            Ok(chosen)
        }),
        (None, Some(_)) => Err("policy rules about whole namespaces"),
        (None, None) => Err("policy rules about addresses outside"),
    };
    or_nobody(edges, chosen)
}

fn authorization(edges: &mut Edges<'_>, namespace: &str, policy: &AuthorizationSpec) {
    if policy.action.as_deref().is_some_and(|action| action != "ALLOW") {
        return;
    }
    let sources = policy.rules.iter().flatten().flat_map(|rule| rule.from.iter().flatten());
    let sources: Vec<&AuthorizationSource> = sources.filter_map(|from| from.source.as_ref()).collect();
    if sources.is_empty() {
        return;
    }
    let called = called(edges, namespace, policy);
    if called.is_empty() {
        return;
    }
    for source in sources {
        let mut callers = BTreeSet::new();
        for account in accounts(source, namespace) {
            let chosen = match &account {
                Some(account) => edges.cluster.under(account).cloned(),
                None => Err("policy rules about accounts that many share"),
            };
            callers.extend(or_nobody(edges, chosen));
        }
        edges.allow(&callers, &called, "authorization_policy");
    }
}

fn called(edges: &mut Edges<'_>, namespace: &str, policy: &AuthorizationSpec) -> BTreeSet<Name> {
    let references = policy.target_ref.iter().chain(policy.target_refs.iter().flatten());
    let services = references.filter(|target| target.kind.as_deref() == Some("Service"));
    let mut called = BTreeSet::new();
    for service in services {
        let namespace = service.namespace.as_deref().unwrap_or(namespace);
        let target = edges.cluster.reference(namespace, &service.name);
        called.extend(edges.cluster.names(&target));
    }
    if let Some(selector) = &policy.selector {
        let chosen = edges.cluster.chosen(namespace, selector);
        called.extend(or_nobody(edges, chosen));
    } else if called.is_empty() {
        edges.found.leave_out("policy rules about whole namespaces");
    }
    called
}

/// The accounts of a source; `None` for one that stands for many workloads.
fn accounts(source: &AuthorizationSource, own: &str) -> BTreeSet<Option<NamespacedName>> {
    let by_principal = source.principals.iter().flatten().map(|principal| {
        let mut parts = principal.split('/').skip_while(|part| *part != "ns").skip(1);
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(namespace), Some("sa"), Some(account), None) => (namespace, account),
            _ => ("", ""),
        }
    });
    let by_account = source.service_accounts.iter().flatten();
    let by_account = by_account.map(|account| account.split_once('/').unwrap_or((own, account)));
    let full_name = |(namespace, account): (&str, &str)| {
        // Pods without an account of their own run under `default`.
        let is_shared =
            account.is_empty() || account == "default" || namespace.contains('*') || account.contains('*');
        (!is_shared).then(|| NamespacedName::of(namespace, account))
    };
    by_principal.chain(by_account).map(full_name).collect()
}

fn sidecar(edges: &mut Edges<'_>, namespace: &str, sidecar: &SidecarSpec) {
    let hosts: BTreeSet<&String> =
        sidecar.egress.iter().flatten().flat_map(|egress| egress.hosts.iter().flatten()).collect();
    let labels = sidecar.workload_selector.as_ref().and_then(|selector| selector.labels.as_ref());
    let callers = edges.cluster.chosen(namespace, &selector(labels));
    let callers = or_nobody(edges, callers);
    if callers.is_empty() {
        return;
    }
    for host in hosts {
        let (within, host) = host.split_once('/').unwrap_or((".", host));
        if host.contains('*') {
            edges.found.leave_out("policy rules about whole namespaces");
            continue;
        }
        let within = if within == "." || within == "*" { namespace } else { within };
        if let Some(target) = edges.cluster.resolve(host, within) {
            let called = edges.cluster.names(&target);
            edges.allow(&callers, &called, "sidecar");
        }
    }
}

fn selector(labels: Option<&Texts>) -> Selector {
    Selector { match_labels: labels.cloned(), match_expressions: None }
}
