//! `watershed register`: writes down what a service is.

use serde_json::{Map, Value, json};

use super::client::{Client, ServerOption};
use super::console::{Console, FormatOption, show};
use super::failure::Failure;
use super::{services, url};
use crate::types::{Criticality, ServiceId, ServiceType};

const EXAMPLES: &str = "\
Examples:
  watershed register checkout --team payments --criticality critical
  watershed register stripe --type external --metadata '{\"published_sla\":0.9999}'

It replaces all that was written down about the service before; what other sources report of it stays.
Exit codes: 0 done, 1 failed, 2 bad usage.";

/// Register a service, or write down anew what it is
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// The id of the service
    #[arg(value_parser = ServiceId::parse)]
    service: ServiceId,
    /// Who answers for it
    #[arg(long, value_name = "TEAM")]
    team: Option<String>,
    /// How much it matters [default: medium]
    #[arg(long, value_name = "CRITICALITY",
        value_parser = clap::builder::PossibleValuesParser::new(Criticality::NAMES))]
    criticality: Option<String>,
    /// Whether the organisation runs it itself [default: internal]
    #[arg(long = "type", value_name = "TYPE",
        value_parser = clap::builder::PossibleValuesParser::new(ServiceType::NAMES))]
    service_type: Option<String>,
    /// Anything else, a JSON object
    #[arg(long, value_name = "JSON", value_parser = object)]
    metadata: Option<Map<String, Value>>,
    #[command(flatten)]
    format: FormatOption,
    #[command(flatten)]
    server: ServerOption,
}

pub(super) fn run(options: &Options, console: &mut Console) -> Result<(), Failure> {
    let client = Client::new(&options.server)?;
    let path = format!("/api/v1/services/{}", url::encode(options.service.as_str()));
    let body = client.put(&path, json!({"metadata": metadata(options)}).to_string().into())?;
    show(console, options.format, &client, &body, |service: &services::Item| {
        services::render(std::slice::from_ref(service))
    })
}

/// The object with what has an option of its own.
fn metadata(options: &Options) -> Map<String, Value> {
    let mut metadata = options.metadata.clone().unwrap_or_default();
    for (name, value) in [
        ("team", &options.team),
        ("criticality", &options.criticality),
        ("service_type", &options.service_type),
    ] {
        if let Some(value) = value {
            metadata.insert(name.to_owned(), value.as_str().into());
        }
    }
    metadata
}

fn object(text: &str) -> Result<Map<String, Value>, String> {
    serde_json::from_str(text).map_err(|error| format!("expected a JSON object: {error}"))
}

#[cfg(test)]
mod tests {
    use crate::cli::console::Sink;
    use crate::cli::testing::{answer, ask, problem, rows};

    const SERVICE: &str = r#"{"service_id":"a/b","id":"i","team":"t","criticality":"high","service_type":"internal","discovered":false,"metadata":{}}"#;

    fn created() -> Vec<String> {
        vec![answer("201 Created", "content-type: application/json\r\n", SERVICE)]
    }

    #[test]
    fn options_go_into_the_metadata() {
        let line =
            r#"register a/b --team t --criticality high --type internal --metadata {"tier":1,"team":"u"}"#;
        let (code, out, _, requests) = ask(created(), Sink::Pipe, line);
        assert_eq!((code, out), (0, format!("{SERVICE}\n")));
        assert!(requests[0].starts_with("PUT /api/v1/services/a%2Fb HTTP"), "{requests:?}");
        let body = r#"{"metadata":{"tier":1,"team":"t","criticality":"high","service_type":"internal"}}"#;
        assert!(requests[0].ends_with(body), "{requests:?}");
        let (_, out, _, requests) = ask(created(), Sink::Terminal, "register a/b");
        assert_eq!(rows(&out)[1], "a/b t high internal registered");
        assert!(requests[0].ends_with(r#"{"metadata":{}}"#), "{requests:?}");
    }

    #[test]
    fn a_refusal_is_passed_on() {
        let body =
            r#"{"title":"Unprocessable Entity","detail":"expected 1 to 255 bytes","field":"metadata.team"}"#;
        let refusal = problem("422 Unprocessable Entity", "", body);
        let (code, out, err, _) = ask(vec![refusal], Sink::Terminal, "register a --team x");
        assert_eq!((code, out.as_str(), err.contains("[field metadata.team]")), (1, "", true), "{err}");
    }

    #[test]
    fn metadata_that_is_no_object_is_bad_usage() {
        for text in ["[]", "1", "null", "{", r#"{"a":NaN}"#, ""] {
            let (code, _, err, requests) = ask(vec![], Sink::Pipe, &format!("register a --metadata {text}"));
            assert_eq!((code, requests.len()), (2, 0), "{text}: {err}");
        }
    }
}
