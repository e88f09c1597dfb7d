//! Questions to the graph, and its alerts.

use serde_json::{Value, json};

use super::Operation;
use crate::http::openapi::answers::{
    OF_A_QUESTION, OF_A_QUESTION_ABOUT, graph_json, not_modified, tagged_json,
};
use crate::http::openapi::parameters::{
    flag, id, if_none_match, integer, one_of, page, query, required, service, service_id, truth,
};
use crate::limits;
use crate::query::Divergence;
use crate::render::Format;
use crate::types::{AlertStatus, Criticality, Direction, ServiceType};

const TAG: &str = "graph";
const ALERTS: &str = "alerts";

pub(super) fn all() -> Vec<Operation> {
    let mut all = vec![dependencies(), impact(), joint_impact(), analyse_slo(), paths()];
    all.extend(services());
    all.extend(whole_graph());
    all.extend(alerts());
    all
}

fn dependencies() -> Operation {
    let mut answer = tagged_json("Subgraph", "The subgraph around the service");
    let either =
        ["Subgraph", "CytoscapeGraph"].map(|name| json!({"$ref": format!("#/components/schemas/{name}")}));
    answer["content"]["application/json"]["schema"] = json!({"oneOf": either});
    let others = Format::ALL.map(Format::content_type).into_iter().filter(|kind| *kind != "application/json");
    for media_type in others {
        let kind = if media_type.ends_with("json") { "object" } else { "string" };
        answer["content"][media_type] = json!({"schema": {"type": kind}});
    }
    let confidence = json!({"type": "number", "minimum": 0, "maximum": 1, "default": 0});
    let depth = integer(1, limits::QUERY_DEPTH_MAX.into(), limits::QUERY_DEPTH_DEFAULT.into());
    let nodes = integer(1, limits::QUERY_NODES_MAX.into(), limits::QUERY_NODES_DEFAULT.into());
    let mut direction = one_of(Direction::NAMES);
    direction["default"] = "both".into();
    Operation::new(("GET", "/api/v1/services/{service_id}/dependencies"), "dependencies", TAG, answer)
        .says("The subgraph around a service", "What it calls, who calls it, or both, so many hops away.")
        .takes([
            service("service_id", "ecommerce-api"),
            query("direction", "Against the calls, with them, or both", &direction),
            query("depth", "Hops", &depth),
            query("include_stale", "Whether stale dependencies are followed", &flag(false)),
            query("include_external", "Whether external services are shown", &flag(true)),
            query("min_confidence", "The least confidence that is followed", &confidence),
            query("max_nodes", "Services of the answer, the root among them", &nodes),
            query("view", "All there is, or ids and positions", &one_of(&["full", "ids"])),
            query("format", "The form of the answer; without it Accept chooses", &one_of(Format::NAMES)),
            if_none_match(),
        ])
        .or(not_modified())
        .fails(&OF_A_QUESTION_ABOUT)
}

fn impact() -> Operation {
    Operation::new(
        ("GET", "/api/v1/services/{service_id}/impact"),
        "impact",
        TAG,
        tagged_json("Impact", "Who is hit, the worst first"),
    )
    .says(
        "What breaks, and how, when a service fails",
        "Every transitive caller over dependencies that are not stale.",
    )
    .takes([
        service("service_id", "payment-provider"),
        query(
            "depth",
            "Hops",
            &integer(1, limits::IMPACT_DEPTH_MAX.into(), limits::IMPACT_DEPTH_DEFAULT.into()),
        ),
        query("include_soft", "Whether other than hard dependencies are followed", &flag(true)),
        query("summary", "Whether the list is left out", &flag(false)),
        if_none_match(),
    ])
    .or(not_modified())
    .fails(&OF_A_QUESTION_ABOUT)
}

fn joint_impact() -> Operation {
    let answer = graph_json("JointImpact", "Who is hit, and by which of them");
    Operation::new(("POST", "/api/v1/impact"), "joint_impact", TAG, answer)
        .says("The same for several services that fail at once", "")
        .reads("JointImpactRequest", &json!({"service_ids": ["payment-provider", "rabbitmq"], "depth": 10}))
        .fails(&[400, 404, 408, 413, 415, 422])
}

fn analyse_slo() -> Operation {
    let change = json!({"sli_type": "availability", "current_target": 99.99, "proposed_target": 99.5});
    let answer = graph_json("SloAnalysis", "The services whose availability changes, the most changed first");
    Operation::new(("POST", "/api/v1/slos/impact-analysis"), "analyse_slo", TAG, answer)
        .says("What a change of a service's SLO does to those that wait for it", "Nothing is changed.")
        .reads(
            "SloAnalysisRequest",
            &json!({"service_id": "payment-provider", "proposed_change": change, "max_depth": 3}),
        )
        .fails(&[400, 404, 408, 413, 415, 422])
}

fn paths() -> Operation {
    let most = integer(1, limits::PATHS_MAX.into(), limits::PATHS_DEFAULT as u64);
    Operation::new(
        ("GET", "/api/v1/paths"),
        "paths",
        TAG,
        tagged_json("Paths", "The shortest first; none where there is none"),
    )
    .says("The shortest ways from one service to another", "No service twice on a path.")
    .takes([
        required("from", "Where they begin", &service_id(), "front-door"),
        required("to", "Where they end", &service_id(), "payment-provider"),
        query("max_paths", "How many", &most),
        if_none_match(),
    ])
    .or(not_modified())
    .fails(&OF_A_QUESTION_ABOUT)
}

fn services() -> Vec<Operation> {
    let filters = [
        query("ids", "Only these, between commas", &json!({"type": "string"})),
        query("team", "Only those of this team", &json!({"type": "string"})),
        query("criticality", "Only those that matter so much", &one_of(Criticality::NAMES)),
        query("discovered", "Only those that nobody registered, or only the others", &truth()),
        query("service_type", "Only those run by us, or by others", &one_of(ServiceType::NAMES)),
        query("q", "Only those with this in their id, in either case", &json!({"type": "string"})),
        if_none_match(),
    ];
    vec![
        Operation::new(
            ("GET", "/api/v1/services"),
            "services",
            TAG,
            tagged_json("ServicePage", "By id, bytewise"),
        )
        .says("Services, filtered and paged", "")
        .takes(page().into_iter().chain(filters))
        .or(not_modified())
        .fails(&OF_A_QUESTION),
        Operation::new(
            ("GET", "/api/v1/services/{service_id}"),
            "service",
            TAG,
            tagged_json("Service", "The service with its counts and times"),
        )
        .says("One service", "")
        .takes([service("service_id", "ecommerce-api"), if_none_match()])
        .or(not_modified())
        .fails(&OF_A_QUESTION_ABOUT),
    ]
}

fn whole_graph() -> Vec<Operation> {
    let kinds = one_of(Divergence::NAMES);
    let critical = integer(1, limits::PAGE_ITEMS_MAX as u64, limits::PAGE_ITEMS_DEFAULT as u64);
    let kind = required("kind", "Run and never declared, or the reverse", &kinds, "unobserved");
    vec![
        Operation::new(
            ("GET", "/api/v1/graph/divergence"),
            "divergence",
            TAG,
            tagged_json("DivergencePage", "Dependencies in order of their ends"),
        )
        .says("Where what runs and what is declared differ", "")
        .takes([kind].into_iter().chain(page()).chain([if_none_match()]))
        .or(not_modified())
        .fails(&OF_A_QUESTION),
        Operation::new(
            ("GET", "/api/v1/graph/stats"),
            "stats",
            TAG,
            tagged_json("Stats", "Counts and the digest"),
        )
        .says("How much there is, how it hangs together, and the digest of it", "")
        .takes([if_none_match()])
        .or(not_modified())
        .fails(&OF_A_QUESTION),
        Operation::new(
            ("GET", "/api/v1/graph/critical"),
            "critical",
            TAG,
            tagged_json("Critical", "The worst first"),
        )
        .says("Services that are the only way to others", "")
        .takes([query("limit", "How many", &critical), if_none_match()])
        .or(not_modified())
        .fails(&OF_A_QUESTION),
    ]
}

fn alerts() -> Vec<Operation> {
    let alert = || -> Value { id("alert_id", "The id of an alert") };
    let filters = [
        query("status", "Only those that somebody is so far with", &one_of(AlertStatus::NAMES)),
        query("active", "Only those whose cycle is there, or is not", &truth()),
        query("strong", "Only those over sync and hard dependencies alone, or the others", &truth()),
        if_none_match(),
    ];
    vec![
        Operation::new(
            ("GET", "/api/v1/circular-dependencies"),
            "alerts",
            ALERTS,
            tagged_json("AlertPage", "In order of detection"),
        )
        .says("Circular dependencies", "One for each set of services that need each other.")
        .takes(page().into_iter().chain(filters))
        .or(not_modified())
        .fails(&OF_A_QUESTION),
        Operation::new(
            ("GET", "/api/v1/circular-dependencies/{alert_id}"),
            "alert",
            ALERTS,
            tagged_json("Alert", "The alert"),
        )
        .says("One circular dependency", "")
        .takes([alert(), if_none_match()])
        .or(not_modified())
        .fails(&OF_A_QUESTION_ABOUT),
        Operation::new(
            ("POST", "/api/v1/circular-dependencies/{alert_id}/acknowledge"),
            "acknowledge",
            ALERTS,
            graph_json("Alert", "The alert as it is now"),
        )
        .says("Somebody looks after it", "An open alert only.")
        .takes([alert()])
        .reads("Acknowledgement", &json!({"acknowledged_by": "the platform team"}))
        .fails(&[400, 404, 408, 409, 413, 415, 422, 507]),
        Operation::new(
            ("POST", "/api/v1/circular-dependencies/{alert_id}/resolve"),
            "resolve",
            ALERTS,
            graph_json("Alert", "The alert as it is now"),
        )
        .says("It was dealt with", "An open or acknowledged alert only.")
        .takes([alert()])
        .reads("Resolution", &json!({"resolution_notes": "orders publishes an event instead"}))
        .fails(&[400, 404, 408, 409, 413, 415, 422, 507]),
    ]
}
