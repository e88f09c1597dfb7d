//! `PromQL` for what was seen in a window.
//!
//! Not a general builder: two expressions, and what of them comes from the settings made safe.
//!
//! - A name from the settings stands in a query as a name or as a quoted text, never as syntax.
//! - Windows are whole seconds.

use std::time::Duration;

/// The selector of a configured metric: its name, or a regular expression of it for any other text.
///
/// Prometheus refuses an expression that matches two metrics with the same labels.
pub fn selector(metric: &str) -> String {
    if is_metric_name(metric) { metric.to_owned() } else { format!("{{__name__=~{}}}", quoted(metric)) }
}

/// The groups of series of a counter that were seen in the window.
///
/// An increase alone misses a counter that was born in the window and stood still since, or that has one sample: the
/// second half finds what is there now and was not when the window began.
pub fn seen_within(selector: &str, by: &[&str], window: Duration) -> String {
    let (by, window) = (labels(by), seconds(window));
    format!(
        "(sum by ({by})(increase({selector}[{window}])) > 0) or \
         (sum by ({by})(last_over_time({selector}[{window}])) unless sum by ({by})({selector} offset {window}))"
    )
}

/// The groups of series of a gauge that was above zero when it was last seen in the window.
pub fn present_within(selector: &str, by: &[&str], window: Duration) -> String {
    format!("group by ({})(last_over_time({selector}[{}]) > 0)", labels(by), seconds(window))
}

fn is_metric_name(text: &str) -> bool {
    is_name(text, |c| c == '_' || c == ':')
}

/// A name such as those of code, of ASCII letters, digits and these marks.
fn is_name(text: &str, is_mark: impl Fn(char) -> bool) -> bool {
    !text.starts_with(|c: char| c.is_ascii_digit())
        && !text.is_empty()
        && text.chars().all(|c| c.is_ascii_alphanumeric() || is_mark(c))
}

/// Labels for a grouping. An empty name means that there is no such label; one that is no plain name is quoted, which
/// Prometheus takes from its version 3 on.
fn labels(names: &[&str]) -> String {
    let label = |name: &&str| if is_name(name, |c| c == '_') { (*name).to_owned() } else { quoted(name) };
    let names = names.iter().filter(|name| !name.is_empty());
    names.map(label).collect::<Vec<_>>().join(", ")
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            _ => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

fn seconds(window: Duration) -> String {
    format!("{}s", window.as_secs().max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_asked_for_in_two_halves() {
        let query = seen_within("m", &["client", "", "server"], Duration::from_mins(15));
        assert_eq!(
            query,
            "(sum by (client, server)(increase(m[900s])) > 0) or (sum by (client, server)(last_over_time(m[900s])) \
             unless sum by (client, server)(m offset 900s))"
        );
        let query = present_within("m", &["a"], Duration::from_millis(10));
        assert_eq!(query, "group by (a)(last_over_time(m[1s]) > 0)");
    }

    #[test]
    fn what_is_configured_never_becomes_syntax() {
        let cases = [
            ("traces:x_total9", "traces:x_total9"),
            ("9lives", r#"{__name__=~"9lives"}"#),
            ("", r#"{__name__=~""}"#),
            ("(a_)?b", r#"{__name__=~"(a_)?b"}"#),
            (r"a\.b", r#"{__name__=~"a\\.b"}"#),
            ("a\"} or up{b=\"", r#"{__name__=~"a\"} or up{b=\""}"#),
            ("a\nb", r#"{__name__=~"a\nb"}"#),
            ("é", r#"{__name__=~"é"}"#),
        ];
        for (metric, expected) in cases {
            assert_eq!(selector(metric), expected, "{metric:?}");
        }
        assert_eq!(labels(&["a", "b.c", "d)\"", "e:f"]), r#"a, "b.c", "d)\"", "e:f""#);
    }
}
