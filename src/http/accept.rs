//! Which of several media types a client likes best, by its `Accept` headers (RFC 9110 §12.5.1).
//!
//! - The quality of a type is that of the most specific range that matches it: the type itself, then
//!   `type/*`, then `*/*`. Parameters of a range other than `q` are ignored.
//! - The type of highest quality is chosen, of equal ones the one offered first. Nothing is chosen where
//!   every quality is 0, where nothing matches, or where there is no header: then the server does as it
//!   would without one.
//! - A range, or a `q`, that is none is ignored with its range.

use hyper::header::{ACCEPT, HeaderMap};

/// One element of the header.
struct Range<'h> {
    kind: &'h str,
    subtype: &'h str,
    /// In thousandths.
    quality: u16,
}

/// The position in `offers` of the type to answer in.
pub(super) fn preferred(headers: &HeaderMap, offers: &[&str]) -> Option<usize> {
    let given = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let ranges: Vec<Range<'_>> = given.flat_map(|value| value.split(',')).filter_map(range).collect();
    let rated = offers.iter().enumerate().map(|(position, offer)| (quality(&ranges, offer), position));
    // Of equal ones `max_by_key` would take the last.
    rated
        .filter(|(quality, _)| *quality > 0)
        .max_by_key(|(quality, position)| (*quality, std::cmp::Reverse(*position)))
        .map(|(_, position)| position)
}

fn range(text: &str) -> Option<Range<'_>> {
    let mut parts = text.split(';').map(str::trim);
    let (kind, subtype) = parts.next()?.split_once('/')?;
    let mut quality = 1_000;
    for parameter in parts {
        if let Some((name, value)) = parameter.split_once('=')
            && name.trim_end().eq_ignore_ascii_case("q")
        {
            quality = thousandths(value.trim_start())?;
        }
    }
    Some(Range { kind, subtype, quality })
}

/// `0`, `1`, `0.5`: at most three digits behind the point, at most 1.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = matches!(whole, "0" | "1") && fraction.len() <= 3;
    if !is_number || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = format!("{whole}{fraction:0<3}").parse().ok()?;
    (number <= 1_000).then_some(number)
}

fn quality(ranges: &[Range<'_>], offer: &str) -> u16 {
    let (kind, subtype) = offer.split_once('/').unwrap_or((offer, ""));
    let specificity = |range: &Range<'_>| {
        let same_kind = range.kind.eq_ignore_ascii_case(kind);
        match (range.kind, range.subtype) {
            ("*", "*") => Some(1),
            (_, "*") if same_kind => Some(2),
            (_, given) if same_kind && given.eq_ignore_ascii_case(subtype) => Some(3),
            _ => None,
        }
    };
    let matching = ranges.iter().filter_map(|range| Some((specificity(range)?, range.quality)));
    matching.max().map_or(0, |(_, quality)| quality)
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    const OFFERS: [&str; 4] =
        ["application/json", "text/vnd.graphviz", "text/vnd.mermaid", "application/json"];

    fn choose(values: &[&str]) -> Option<usize> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(ACCEPT, HeaderValue::from_str(value).unwrap());
        }
        preferred(&headers, &OFFERS)
    }

    #[test]
    fn the_best_liked_is_chosen() {
        let cases: [(&[&str], usize); 12] = [
            (&["*/*"], 0),
            (&["text/vnd.graphviz"], 1),
            (&["TEXT/vnd.Graphviz"], 1),
            (&["text/*"], 1),
            (&["text/vnd.mermaid;charset=utf-8"], 2),
            (&["text/*;q=0.5, text/vnd.mermaid"], 2),
            (&["text/*, text/vnd.graphviz;q=0"], 2),
            (&["application/json;q=0.5, text/vnd.mermaid;q=0.501"], 2),
            (&["application/json;q=0.5", "text/vnd.mermaid ; Q=0.6"], 2),
            (&["text/html, application/xhtml+xml, */*;q=0.8"], 0),
            (&["text/vnd.graphviz, application/json"], 0),
            (&["*/*, application/json;q=0.1"], 1),
        ];
        for (values, expected) in cases {
            assert_eq!(choose(values), Some(expected), "{values:?}");
        }
    }

    #[test]
    fn what_matches_nothing_chooses_nothing() {
        let none: [&[&str]; 9] = [
            &[],
            &[""],
            &["text/html"],
            &["text"],
            &["*/vnd.graphviz"],
            &["*/*;q=0"],
            &["text/vnd.graphviz;q=2"],
            &["text/vnd.graphviz;q=0.1234, text/vnd.graphviz;q=x"],
            &["text/vnd.graphviz;q=1.001"],
        ];
        for values in none {
            assert_eq!(choose(values), None, "{values:?}");
        }
    }
}
