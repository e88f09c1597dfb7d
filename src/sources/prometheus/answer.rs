//! The answer of Prometheus to an instant query, read.
//!
//! Not tied to Prometheus itself: Thanos, Mimir and `VictoriaMetrics` answer in the same form.
//!
//! - Only a vector is an answer to our queries; a scalar or a matrix is an error.
//! - An answer that is not understood as a whole is an error: half an answer looks like services that are gone.
//! - Members that are not known are skipped.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

/// The answer to one query.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// The series, in the order of the answer.
    pub series: Vec<Series>,
    /// Why the answer may lack something.
    pub warnings: Vec<String>,
}

/// One series of a vector.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// Its labels by name.
    pub labels: BTreeMap<String, String>,
    /// Its value; of a native histogram the count of its observations.
    pub value: f64,
}

/// Why a text is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAnswer {
    /// Prometheus says that it cannot answer.
    #[error("refused as {kind}: {message}")]
    Refused {
        /// Its kind of error, such as `bad_data` or `timeout`.
        kind: String,
        /// What it says of it.
        message: String,
    },
    /// The result of another kind of query.
    #[error("expected a vector, not a {0}")]
    ResultType(String),
    /// Something else than an answer of Prometheus.
    #[error("not an answer of Prometheus: {0}")]
    Shape(String),
}

impl Series {
    /// The value of a label; empty where it is absent, which Prometheus does not tell apart either.
    pub fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }

    /// The value of the first of these labels that is there.
    pub(super) fn first_of<'s>(&'s self, names: &[&str]) -> Option<&'s str> {
        names.iter().map(|name| self.label(name)).find(|value| !value.is_empty())
    }
}

impl Answer {
    /// The series that were seen: `NaN` and what is not above zero were not.
    pub fn seen(&self) -> impl Iterator<Item = &Series> {
        self.series.iter().filter(|series| series.value > 0.0)
    }
}

#[derive(Deserialize)]
struct Envelope<'a> {
    status: String,
    #[serde(borrow)]
    data: Option<Data<'a>>,
    #[serde(rename = "errorType")]
    error_type: Option<String>,
    error: Option<String>,
    warnings: Option<Vec<String>>,
    #[serde(rename = "isPartial")]
    is_partial: Option<bool>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(rename = "resultType")]
    result_type: String,
    // Its shape depends on the type, which may stand behind it.
    #[serde(borrow)]
    result: &'a RawValue,
}

#[derive(Deserialize)]
struct Sample {
    #[serde(default)]
    metric: BTreeMap<String, String>,
    value: Option<(IgnoredAny, String)>,
    histogram: Option<(IgnoredAny, Histogram)>,
}

#[derive(Deserialize)]
struct Histogram {
    count: String,
}

/// Reads the body of an answer of `/api/v1/query`. O(bytes).
pub fn parse(text: &[u8]) -> Result<Answer, InvalidAnswer> {
    let envelope: Envelope<'_> = serde_json::from_slice(text).map_err(|error| shape(&error))?;
    let data = match (envelope.status.as_str(), envelope.data) {
        ("success", Some(data)) => data,
        ("success", None) => return Err(InvalidAnswer::Shape("it succeeded without data".to_owned())),
        ("error", _) => {
            let kind = envelope.error_type.unwrap_or_default();
            return Err(InvalidAnswer::Refused { kind, message: envelope.error.unwrap_or_default() });
        }
        (status, _) => return Err(InvalidAnswer::Shape(format!("its status is {status:?}"))),
    };
    if data.result_type != "vector" {
        return Err(InvalidAnswer::ResultType(data.result_type));
    }
    let samples: Vec<Sample> = serde_json::from_str(data.result.get()).map_err(|error| shape(&error))?;
    let series = samples.into_iter().map(series).collect::<Result<_, _>>()?;
    let mut warnings = envelope.warnings.unwrap_or_default();
    if envelope.is_partial == Some(true) {
        warnings.push("it says so itself".to_owned());
    }
    Ok(Answer { series, warnings })
}

fn series(sample: Sample) -> Result<Series, InvalidAnswer> {
    let value = match (sample.value, sample.histogram) {
        (Some((_, value)), _) => value,
        (None, Some((_, histogram))) => histogram.count,
        (None, None) => return Err(InvalidAnswer::Shape("a series without a value".to_owned())),
    };
    let number = value.parse().map_err(|_| InvalidAnswer::Shape(format!("{value:?} is not a value")))?;
    Ok(Series { labels: sample.metric, value: number })
}

fn shape(error: &serde_json::Error) -> InvalidAnswer {
    InvalidAnswer::Shape(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector(result: &str) -> String {
        format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{result}]}}}}"#)
    }

    #[test]
    fn values_are_texts_of_which_some_were_seen() {
        let cases = [
            (r#""value":[1435781451.781,"1"]"#, 1.0, true),
            (r#""value":[1435781451,"+Inf"]"#, f64::INFINITY, true),
            (r#""value":[1,"1.5e+21"]"#, 1.5e21, true),
            (r#""value":[1,"0"]"#, 0.0, false),
            (r#""value":[1,"-3"]"#, -3.0, false),
            (r#""value":[1,"-Inf"]"#, f64::NEG_INFINITY, false),
            (r#""value":[1,"NaN"]"#, f64::NAN, false),
            (r#""histogram":[1,{"count":"42","sum":"9.5","buckets":[[3,"-0.25","0.25","42"]]}]"#, 42.0, true),
        ];
        for (value, expected, is_seen) in cases {
            let answer =
                parse(vector(&format!(r#"{{"metric":{{"client":"a"}},{value}}}"#)).as_bytes()).unwrap();
            let series = &answer.series[0];
            assert_eq!((series.label("client"), series.label("server")), ("a", ""), "{value}");
            assert!(series.value.total_cmp(&expected).is_eq(), "{value}: {}", series.value);
            assert_eq!(answer.seen().count(), usize::from(is_seen), "{value}");
        }
    }

    #[test]
    fn warnings_count_and_infos_do_not() {
        let cases = [
            (r#""warnings":["store down"],"infos":["PromQL info: not a counter"]"#, vec!["store down"]),
            (r#""warnings":null"#, vec![]),
            (r#""isPartial":false"#, vec![]),
            (r#""isPartial":true"#, vec!["it says so itself"]),
        ];
        for (members, expected) in cases {
            let text =
                format!(r#"{{{members},"data":{{"result":[],"resultType":"vector"}},"status":"success"}}"#);
            assert_eq!(parse(text.as_bytes()).unwrap().warnings, expected, "{members}");
        }
    }

    #[test]
    fn anything_else_is_refused_by_name() {
        let cases = [
            (
                r#"{"status":"error","errorType":"timeout","error":"too slow"}"#,
                "refused as timeout: too slow",
            ),
            (
                r#"{"status":"error","errorType":"bad_data","error":"x","data":null}"#,
                "refused as bad_data: x",
            ),
            (r#"{"status":"success"}"#, "not an answer of Prometheus: it succeeded without data"),
            (r#"{"status":"done"}"#, r#"not an answer of Prometheus: its status is "done""#),
            (
                r#"{"status":"success","data":{"resultType":"scalar","result":[1,"1"]}}"#,
                "expected a vector, not a scalar",
            ),
            (
                r#"{"status":"success","data":{"result":[1,"a"],"resultType":"string"}}"#,
                "expected a vector, not a string",
            ),
            (
                r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#,
                "expected a vector, not a matrix",
            ),
            ("<html>Sign in</html>", "not an answer of Prometheus: expected value at line 1 column 1"),
            ("", "not an answer of Prometheus: EOF while parsing a value at line 1 column 0"),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text.as_bytes()).unwrap_err().to_string(), expected, "{text}");
        }
        for series in [r#"{"metric":{}}"#, r#"{"value":[1,"x"]}"#, r#"{"value":[1,2]}"#, "3"] {
            let error = parse(vector(series).as_bytes()).unwrap_err();
            assert!(matches!(error, InvalidAnswer::Shape(_)), "{series}: {error}");
        }
        let deep = vector(&"[".repeat(100_000));
        assert!(matches!(parse(deep.as_bytes()), Err(InvalidAnswer::Shape(_))));
    }
}
