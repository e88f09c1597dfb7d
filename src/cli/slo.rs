//! `watershed slo`: SLO targets, and what a change of one does upstream.

use serde::Deserialize;
use serde_json::json;

use super::client::{Client, ServerOption};
use super::console::{Console, FormatOption, printable, show, table};
use super::failure::Failure;
use super::url;
use crate::types::ServiceId;
use crate::{clock, limits};

const EXAMPLES: &str = "\
Examples:
  watershed slo set checkout 99.9
  watershed slo unset checkout
  watershed slo impact payment-provider --from 99.99 --to 99.5

Exit codes: 0 done, 1 failed, 2 bad usage.";

const SET_EXAMPLES: &str = "\
Examples:
  watershed slo set checkout 99.9

It replaces the target that there is. Exit codes: 0 done, 1 failed (there is no such service, for one), 2 bad usage.";

const UNSET_EXAMPLES: &str = "\
Examples:
  watershed slo unset checkout

Exit codes: 0 done, 1 failed (there is no such service, for one), 2 bad usage.";

const IMPACT_EXAMPLES: &str = "\
Examples:
  watershed slo impact payment-provider --from 99.99 --to 99.5
  watershed slo impact payment-provider --from 200 --to 500 --sli latency
  watershed slo impact payment-provider --from 99.99 --to 99.5 --format json | jq .summary

NOW and THEN are the product of the availabilities of all that a service waits for, in percent; nothing is
changed. Exit codes: 0 done, 1 failed (there is no such service, for one), 2 bad usage.";

/// Set SLO targets, and see what a change of one does to the services that need it
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Set the availability target of a service, in percent
    #[command(after_help = SET_EXAMPLES)]
    Set {
        /// The id of the service
        #[arg(value_parser = ServiceId::parse)]
        service: ServiceId,
        /// Above 0 and at most 100
        #[arg(value_parser = number)]
        percent: f64,
        #[command(flatten)]
        format: FormatOption,
        #[command(flatten)]
        server: ServerOption,
    },
    /// Take the availability target of a service away
    #[command(after_help = UNSET_EXAMPLES)]
    Unset {
        /// The id of the service
        #[arg(value_parser = ServiceId::parse)]
        service: ServiceId,
        #[command(flatten)]
        format: FormatOption,
        #[command(flatten)]
        server: ServerOption,
    },
    /// Show what a change of a service's SLO does to those that wait for it
    #[command(after_help = IMPACT_EXAMPLES)]
    Impact(ImpactOptions),
}

#[derive(clap::Args)]
struct ImpactOptions {
    /// The id of the service that changes
    #[arg(value_parser = ServiceId::parse)]
    service: ServiceId,
    /// What it promises now: percent, or milliseconds of latency
    #[arg(long, value_name = "TARGET", value_parser = number)]
    from: f64,
    /// What it would promise
    #[arg(long, value_name = "TARGET", value_parser = number)]
    to: f64,
    /// What the promise is about
    #[arg(long, value_name = "TYPE", default_value = "availability", value_parser = ["availability", "latency"])]
    sli: String,
    /// How many hops upstream to look, 1 to 100 [default: 3]
    #[arg(long, value_name = "HOPS",
        value_parser = clap::value_parser!(u8).range(1..=i64::from(limits::SLO_DEPTH_MAX)))]
    depth: Option<u8>,
    #[command(flatten)]
    format: FormatOption,
    #[command(flatten)]
    server: ServerOption,
}

#[derive(Deserialize)]
struct Target {
    service_id: String,
    availability_target: Option<f64>,
}

#[derive(Deserialize)]
struct Analysis {
    impacted_services: Vec<Row>,
    summary: Summary,
}

#[derive(Deserialize)]
struct Row {
    service_id: String,
    relationship: String,
    current_composite_availability: Option<f64>,
    projected_composite_availability: Option<f64>,
    delta: Option<f64>,
    current_slo_target: Option<f64>,
    slo_at_risk: Option<bool>,
}

#[derive(Deserialize)]
struct Summary {
    recommendation: String,
    latency_note: Option<String>,
}

pub(super) fn run(options: &Options, console: &mut Console) -> Result<(), Failure> {
    match &options.command {
        Command::Set { service, percent, format, server } => {
            set(service, Some(*percent), *format, server, console)
        }
        Command::Unset { service, format, server } => set(service, None, *format, server, console),
        Command::Impact(options) => impact(options, console),
    }
}

/// JSON has neither infinity nor what is no number; both would be sent as null, which takes a target away.
fn number(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite());
    number.ok_or_else(|| "expected a number such as 99.9".to_owned())
}

fn set(
    service: &ServiceId,
    percent: Option<f64>,
    format: FormatOption,
    server: &ServerOption,
    console: &mut Console,
) -> Result<(), Failure> {
    let client = Client::new(server)?;
    let body = json!({"availability_target": percent}).to_string();
    let path = format!("/api/v1/services/{}/slo", url::encode(service.as_str()));
    let answer = client.put(&path, body.into()).map_err(|error| Failure::about(service, error))?;
    show(console, format, &client, &answer, |target: &Target| {
        let promise =
            target.availability_target.map_or("no target".to_owned(), |percent| format!("{percent}%"));
        format!("{}: {promise}\n", printable(&target.service_id))
    })
}

fn impact(options: &ImpactOptions, console: &mut Console) -> Result<(), Failure> {
    let client = Client::new(&options.server)?;
    let change =
        json!({"sli_type": options.sli, "current_target": options.from, "proposed_target": options.to});
    let question = json!({"service_id": options.service.as_str(), "proposed_change": change, "max_depth": options.depth});
    let path = "/api/v1/slos/impact-analysis";
    let body = client.post(path, question.to_string().into(), clock::new_id());
    let body = body.map_err(|error| Failure::about(&options.service, error))?;
    show(console, options.format, &client, &body, render)
}

fn render(analysis: &Analysis) -> String {
    let percent = |number: Option<f64>| number.map_or("-".to_owned(), |number| format!("{number:.4}"));
    let rows = analysis.impacted_services.iter().map(|row| {
        let risk = match row.slo_at_risk {
            Some(true) => "at risk",
            Some(false) => "holds",
            None => "-",
        };
        [
            row.service_id.clone(),
            row.relationship.clone(),
            percent(row.current_composite_availability),
            percent(row.projected_composite_availability),
            percent(row.delta),
            row.current_slo_target.map_or("-".to_owned(), |target| target.to_string()),
            risk.to_owned(),
        ]
    });
    let header = ["SERVICE", "RELATIONSHIP", "NOW", "THEN", "DELTA", "TARGET", "SLO"];
    let note = analysis.summary.latency_note.iter().map(|note| printable(note) + "\n").collect::<String>();
    format!("{}\n{}\n{note}", table(header, rows), printable(&analysis.summary.recommendation))
}

#[cfg(test)]
mod tests {
    use crate::cli::console::Sink;
    use crate::cli::testing::{ask, json, problem, rows};

    const ANALYSIS: &str = r#"{"impacted_services":[
        {"service_id":"b","relationship":"upstream","current_composite_availability":99.9,
         "projected_composite_availability":99.5,"delta":-0.4,"current_slo_target":99.8,"slo_at_risk":true,"risk_detail":"x"},
        {"service_id":"c","relationship":"upstream (transitive, depth=2)","current_composite_availability":null,
         "projected_composite_availability":null,"delta":null,"current_slo_target":null,"slo_at_risk":null,"risk_detail":null}],
        "summary":{"total_impacted":2,"slos_at_risk":1,"recommendation":"do\u0007not","latency_note":null}}"#;

    #[test]
    fn a_target_is_sent_and_null_takes_it_away() {
        for (line, sent, shown) in [
            ("slo set a/b 99.95", r#"{"availability_target":99.95}"#, "a/b: 99.95%\n"),
            ("slo unset a/b", r#"{"availability_target":null}"#, "a/b: no target\n"),
        ] {
            let answer = sent.replace('{', r#"{"service_id":"a/b","#);
            let (code, out, err, requests) = ask(vec![json(&answer)], Sink::Terminal, line);
            assert_eq!((code, out.as_str(), err.as_str()), (0, shown, ""), "{line}");
            assert!(requests[0].starts_with("PUT /api/v1/services/a%2Fb/slo HTTP"), "{requests:?}");
            assert!(requests[0].ends_with(sent), "{requests:?}");
        }
    }

    #[test]
    fn what_is_no_number_never_takes_a_target_away() {
        for text in ["nan", "NaN", "inf", "-inf", "infinity", "1e999", "", "99,9"] {
            let (code, _, err, requests) = ask(vec![], Sink::Pipe, &format!("slo set a {text}"));
            assert_eq!((code, requests.len()), (2, 0), "{text}: {err}");
        }
    }

    #[test]
    fn an_analysis_is_a_table_and_a_word_of_advice() {
        let line = "slo impact a --from 99.9 --to 99.5 --depth 100";
        let (code, out, _, requests) = ask(vec![json(ANALYSIS)], Sink::Terminal, line);
        let shown = rows(&out);
        assert_eq!(code, 0);
        assert_eq!(
            shown[1..],
            [
                "b upstream 99.9000 99.5000 -0.4000 99.8 at risk",
                "c upstream (transitive, depth=2) - - - - -",
                "",
                "do\u{fffd}not"
            ]
        );
        let sent = r#"{"service_id":"a","proposed_change":{"sli_type":"availability","current_target":99.9,"proposed_target":99.5},"max_depth":100}"#;
        assert!(requests[0].starts_with("POST /api/v1/slos/impact-analysis HTTP"), "{requests:?}");
        assert!(requests[0].ends_with(sent), "{requests:?}");
    }

    #[test]
    fn an_unknown_service_is_named() {
        let refusal =
            problem("404 Not Found", "", r#"{"title":"Not Found","detail":"no service has this id"}"#);
        for line in ["slo set a 99", "slo unset a", "slo impact a --from 99 --to 98"] {
            let (code, out, err, _) = ask(vec![refusal.clone()], Sink::Terminal, line);
            assert_eq!((code, out.as_str()), (1, ""), "{line}");
            assert_eq!(err, "watershed: a: 404 Not Found: no service has this id\n", "{line}");
        }
    }
}
