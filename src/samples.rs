//! The sample graphs that `serve --sample NAME` starts with.
//!
//! Not fixtures of tests and not defaults: a server without `--sample` starts empty. Each sample is
//! a file of `snapshots/samples/`, beside where it comes from and its licence, carried unchanged.
//!
//! - A sample is one request of the ingest form, and valid: it goes the way of any other payload.
//! - Names are unique, in the order in which help shows them.

/// A graph inside the binary.
#[derive(Debug)]
pub struct Sample {
    /// What `--sample` takes.
    pub name: &'static str,
    /// One line for a person who has to choose.
    pub description: &'static str,
    /// The ingest request, UTF-8 JSON.
    pub json: &'static [u8],
}

/// Every sample.
pub const ALL: &[Sample] = &[
    Sample {
        name: "online-boutique",
        description: "Google's microservices demo: 12 services of a shop, as Kubernetes shows them",
        json: include_bytes!("../snapshots/samples/online-boutique/graph.json"),
    },
    Sample {
        name: "robot-shop",
        description: "Instana's demo shop: 12 services, data stores and a queue among them",
        json: include_bytes!("../snapshots/samples/robot-shop/graph.json"),
    },
    Sample {
        name: "govuk",
        description: "GOV.UK's applications as its developers run them: 187 services of a real site",
        json: include_bytes!("../snapshots/samples/govuk/graph.json"),
    },
    Sample {
        name: "platform",
        description: "Four small landscapes in one, with a billing service, a shop and an SLO engine",
        json: include_bytes!("../snapshots/samples/platform/graph.json"),
    },
];

/// The sample of that name.
pub fn find(name: &str) -> Option<&'static Sample> {
    ALL.iter().find(|sample| sample.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_is_an_ingest_request() {
        for sample in ALL {
            let request: serde_json::Value = serde_json::from_slice(sample.json).unwrap();
            assert!(request["source"].is_string() && request["timestamp"].is_string(), "{}", sample.name);
            assert!(!request["nodes"].as_array().unwrap().is_empty(), "{}", sample.name);
            assert!(!request["edges"].as_array().unwrap().is_empty(), "{}", sample.name);
        }
    }

    #[test]
    fn finds_by_the_exact_name_only() {
        for sample in ALL {
            assert_eq!(find(sample.name).map(|found| found.name), Some(sample.name));
        }
        for name in ["", "Govuk", "govuk ", "online_boutique", "jaeger"] {
            assert!(find(name).is_none(), "{name:?}");
        }
    }
}
