//! `watershed impact`: what breaks, and how, when services fail.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;

use super::client::{Client, ServerOption};
use super::console::{Console, FormatOption, or_dash, show, table};
use super::failure::Failure;
use super::url;
use crate::types::{Criticality, ServiceId};
use crate::{clock, limits};

const EXAMPLES: &str = "\
Examples:
  watershed impact payment-provider               everything that needs it
  watershed impact redis rabbitmq --depth 3       both fail at once, three hops up
  watershed impact rabbitmq --hard-only           without what only gets worse
  watershed impact hub --summary --format json | jq .totals.by_team

An outage waits for what fails, and fails with it, all the way down; the rest is degraded.
Exit codes: 0 done, 1 failed, 2 bad usage.";

/// Show what breaks when one service fails, or several at once
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// The ids of the services that fail
    #[arg(required = true, value_name = "SERVICE", value_parser = ServiceId::parse)]
    services: Vec<ServiceId>,
    /// How many hops to follow, 1 to 100 [default: 10]
    #[arg(long, value_name = "HOPS",
        value_parser = clap::value_parser!(u8).range(1..=i64::from(limits::IMPACT_DEPTH_MAX)))]
    depth: Option<u8>,
    /// Follow only dependencies whose loss fails the caller
    #[arg(long)]
    hard_only: bool,
    /// Only how much breaks, by team and criticality, not what
    #[arg(long)]
    summary: bool,
    #[command(flatten)]
    format: FormatOption,
    #[command(flatten)]
    server: ServerOption,
}

/// What a table needs of the answer.
#[derive(Deserialize)]
struct Answer {
    /// Left out of a summary.
    impacted_services: Option<Vec<Impacted>>,
    totals: Totals,
}

#[derive(Deserialize)]
struct Impacted {
    service_id: String,
    distance: u32,
    severity: String,
    path: Vec<String>,
    team: Option<String>,
    criticality: String,
}

#[derive(Deserialize)]
struct Totals {
    impacted: u64,
    by_severity: Severities,
    by_team: BTreeMap<String, u64>,
    by_criticality: BTreeMap<String, u64>,
}

#[derive(Deserialize)]
struct Severities {
    outage: u64,
    degraded: u64,
}

pub(super) fn run(options: &Options, console: &mut Console) -> Result<(), Failure> {
    let client = Client::new(&options.server)?;
    let body = match options.services.as_slice() {
        [only] => client.get(&path(options, only)),
        _ => client.post("/api/v1/impact", question(options), clock::new_id()),
    };
    let names = || options.services.iter().map(ServiceId::as_str).collect::<Vec<_>>().join(" or ");
    let body = body.map_err(|error| Failure::about(names(), error))?;
    show(console, options.format, &client, &body, render)
}

fn path(options: &Options, service: &ServiceId) -> String {
    let query = url::query(&[
        ("depth", options.depth.map(|depth| depth.to_string())),
        ("include_soft", options.hard_only.then(|| "false".to_owned())),
        ("summary", options.summary.then(|| "true".to_owned())),
    ]);
    format!("/api/v1/services/{}/impact{query}", url::encode(service.as_str()))
}

fn question(options: &Options) -> Bytes {
    let services: Vec<&str> = options.services.iter().map(ServiceId::as_str).collect();
    let question = json!({
        "service_ids": services, "depth": options.depth, "include_soft": !options.hard_only,
        "summary": options.summary,
    });
    question.to_string().into()
}

fn render(answer: &Answer) -> String {
    let Severities { outage, degraded } = answer.totals.by_severity;
    let totals = format!("{} services: {outage} fail, {degraded} get worse\n", answer.totals.impacted);
    let what = match &answer.impacted_services {
        _ if answer.totals.impacted == 0 => return totals,
        Some(services) => list(services),
        None => groups(&answer.totals),
    };
    format!("{what}\n{totals}")
}

fn list(services: &[Impacted]) -> String {
    let rows = services.iter().map(|each| {
        [
            each.severity.clone(),
            each.service_id.clone(),
            each.distance.to_string(),
            or_dash(each.team.as_deref()),
            each.criticality.clone(),
            each.path.join(" → "),
        ]
    });
    table(["SEVERITY", "SERVICE", "HOPS", "TEAM", "CRITICALITY", "PATH"], rows)
}

/// The hardest hit teams first, and the services that matter most.
fn groups(totals: &Totals) -> String {
    let mut teams: Vec<_> = totals.by_team.iter().collect();
    teams.sort_by_key(|(_, count)| Reverse(**count));
    let teams =
        table(["TEAM", "SERVICES"], teams.into_iter().map(|(team, count)| [team.clone(), count.to_string()]));
    let counted =
        Criticality::NAMES.iter().filter_map(|name| Some((name, totals.by_criticality.get(*name)?)));
    let counted = counted.map(|(name, count)| [(*name).to_owned(), count.to_string()]);
    format!("{teams}\n{}", table(["CRITICALITY", "SERVICES"], counted))
}

#[cfg(test)]
mod tests {
    use crate::cli::console::Sink;
    use crate::cli::testing::{ask, json, problem, rows};

    const TOTALS: &str = r#""totals":{"impacted":3,"by_severity":{"outage":1,"degraded":2},
        "by_team":{"a\u001bteam":1,"shop":2},"by_criticality":{"critical":1,"high":0,"medium":2,"low":0}}"#;

    fn answer(list: &str) -> String {
        json(&format!(r#"{{"service_id":"db","version":1,{list}{TOTALS}}}"#))
    }

    #[test]
    fn one_is_asked_for_by_its_path_and_several_by_a_body() {
        let line = "impact component:x/y --depth 100 --hard-only --summary";
        let (code, out, err, requests) = ask(vec![answer("")], Sink::Pipe, line);
        assert_eq!((code, err.as_str()), (0, ""));
        assert!(out.starts_with(r#"{"service_id":"db","version":1,"totals""#), "as it came: {out}");
        let path = "/api/v1/services/component%3Ax%2Fy/impact?depth=100&include_soft=false&summary=true";
        assert!(requests[0].starts_with(&format!("GET {path} HTTP")), "{requests:?}");
        let (_, _, _, requests) = ask(vec![answer("")], Sink::Pipe, "impact a b/c --depth 2");
        assert!(requests[0].starts_with("POST /api/v1/impact HTTP"), "{requests:?}");
        let body = r#"{"service_ids":["a","b/c"],"depth":2,"include_soft":true,"summary":false}"#;
        assert!(requests[0].ends_with(body), "{requests:?}");
    }

    #[test]
    fn a_person_sees_what_breaks_and_how_much() {
        let list = r#""impacted_services":[{"service_id":"\u001b[2Jshop","distance":2,"severity":"outage",
            "path":["shop","x\ny","db"],"team":null,"criticality":"high"}],"#;
        let (_, out, _, _) = ask(vec![answer(list)], Sink::Terminal, "impact db");
        assert_eq!(
            rows(&out),
            [
                "SEVERITY SERVICE HOPS TEAM CRITICALITY PATH",
                "outage \u{fffd}[2Jshop 2 - high shop → x\u{fffd}y → db",
                "",
                "3 services: 1 fail, 2 get worse"
            ]
        );
        let (_, out, _, _) = ask(vec![answer("")], Sink::Terminal, "impact db --summary");
        let summary = [
            "TEAM SERVICES",
            "shop 2",
            "a\u{fffd}team 1",
            "",
            "CRITICALITY SERVICES",
            "critical 1",
            "high 0",
            "medium 2",
            "low 0",
            "",
            "3 services: 1 fail, 2 get worse",
        ];
        assert_eq!(rows(&out), summary);
        let nothing = TOTALS
            .replace("\"impacted\":3", "\"impacted\":0")
            .replace("\":1,\"degraded\":2", "\":0,\"degraded\":0");
        let nothing = json(&format!(r#"{{"impacted_services":[],{nothing}}}"#));
        let (_, out, _, _) = ask(vec![nothing], Sink::Terminal, "impact db");
        assert_eq!(out, "0 services: 0 fail, 0 get worse\n");
    }

    #[test]
    fn what_is_unknown_is_named_in_one_line() {
        let refusal =
            problem("404 Not Found", "", r#"{"title":"Not Found","detail":"no service has this id"}"#);
        let (code, _, err, _) = ask(vec![refusal], Sink::Pipe, "impact a b");
        assert_eq!((code, err.as_str()), (1, "watershed: a or b: 404 Not Found: no service has this id\n"));
        let (code, out, err, _) = ask(vec![json("{}")], Sink::Terminal, "impact db");
        assert_eq!((code, out.as_str(), err.contains("is not understood")), (1, "", true), "{err}");
    }
}
