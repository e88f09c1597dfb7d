//! Fuzzes the answers of Prometheus: what is read is what stands there, series by series.
#![no_main]

use watershed_fuzz::sources::prometheus::answer::parse;
use watershed_fuzz::{check, fuzz};

fuzz!(|input| {
    let Ok(answer) = parse(input) else { return };
    // Numbers that are none equal nothing.
    assert_eq!(format!("{:?}", parse(input)), format!("{:?}", Ok::<_, ()>(&answer)), "asked twice");
    assert!(answer.seen().all(|series| series.value > 0.0));
    if let Some(value) = std::str::from_utf8(input).ok().and_then(check::json) {
        let series = value["data"]["result"].as_array().expect("a vector was read");
        assert_eq!(series.len(), answer.series.len());
        for (read, series) in answer.series.iter().zip(series) {
            assert!(read.labels.iter().all(|(name, text)| series["metric"][name] == **text), "{series}");
        }
    }
});
