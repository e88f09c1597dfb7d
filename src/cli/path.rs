//! `watershed path`: the shortest ways from one service to another.

use serde::Deserialize;

use super::client::{Client, ServerOption};
use super::console::{Console, FormatOption, printable, show};
use super::failure::Failure;
use super::url;
use crate::limits;
use crate::types::ServiceId;

const EXAMPLES: &str = "\
Examples:
  watershed path frontend redis-cart
  watershed path frontend redis-cart --max 1

Dependencies are followed from caller to called; stale ones are not. Exit codes: 0 done, 1 failed, 2 bad usage.";

/// Show the shortest ways from one service to another
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// The id of the service that calls
    #[arg(value_parser = ServiceId::parse)]
    from: ServiceId,
    /// The id of the service that is reached
    #[arg(value_parser = ServiceId::parse)]
    to: ServiceId,
    /// How many ways at most, 1 to 100 [default: 5]
    #[arg(long, value_name = "NUMBER", 
        value_parser = clap::value_parser!(u32).range(1..=i64::from(limits::PATHS_MAX)))]
    max: Option<u32>,
    #[command(flatten)]
    format: FormatOption,
    #[command(flatten)]
    server: ServerOption,
}

#[derive(Deserialize)]
struct Answer {
    paths: Vec<Vec<String>>,
}

pub(super) fn run(options: &Options, console: &mut Console) -> Result<(), Failure> {
    let client = Client::new(&options.server)?;
    let query = url::query(&[
        ("from", Some(options.from.to_string())),
        ("to", Some(options.to.to_string())),
        ("max_paths", options.max.map(|number| number.to_string())),
    ]);
    let body = client.get(&format!("/api/v1/paths{query}"));
    let either = || format!("{} or {}", options.from, options.to);
    let body = body.map_err(|error| Failure::about(either(), error))?;
    show(console, options.format, &client, &body, |answer: &Answer| {
        if answer.paths.is_empty() {
            return "There is no way.\n".to_owned();
        }
        answer.paths.iter().map(|path| printable(&path.join(" → ")) + "\n").collect()
    })
}

#[cfg(test)]
mod tests {
    use crate::cli::console::Sink;
    use crate::cli::testing::{ask, json, problem};

    #[test]
    fn a_way_is_a_line() {
        let body = r#"{"from":"a&b","to":"c","paths":[["a&b","c"],["a&b","x\u001b","c"]]}"#;
        let (code, out, _, requests) = ask(vec![json(body)], Sink::Terminal, "path a&b c --max 2");
        assert_eq!((code, out.as_str()), (0, "a&b → c\na&b → x\u{fffd} → c\n"));
        assert!(
            requests[0].starts_with("GET /api/v1/paths?from=a%26b&to=c&max_paths=2 HTTP"),
            "{requests:?}"
        );
        let nothing = r#"{"from":"a","to":"c","paths":[]}"#;
        assert_eq!(ask(vec![json(nothing)], Sink::Terminal, "path a c").1, "There is no way.\n");
        assert_eq!(ask(vec![json(nothing)], Sink::Pipe, "path a c").1, format!("{nothing}\n"));
    }

    #[test]
    fn what_is_no_answer_fails() {
        let refusal = problem("404 Not Found", "", r#"{"title":"Not Found","detail":"why"}"#);
        for (answer, expected) in [
            (refusal, "watershed: a or c: 404 Not Found: why\n"),
            (json(r#"{"paths":[[1]]}"#), "is not understood"),
        ] {
            let (code, out, err, _) = ask(vec![answer], Sink::Terminal, "path a c");
            assert_eq!((code, out.as_str(), err.contains(expected)), (1, "", true), "{err}");
        }
    }
}
