//! Traces at a real collector, decoded with OpenTelemetry's own messages.

use std::collections::BTreeMap;

use serde_json::Value;
use tidegate_tests::{
    mail::run_python,
    program::Workplace,
    wire::{Reply, Wire},
};

use super::{lose_input, script, shop};

/// Runs the shop with a collector and gives the resource and the spans.
fn traced(workplace: &mut Workplace, code: i32) -> (Value, Vec<Value>) {
    let wire = Wire::start(|_| Reply::new(200).header("content-type", "application/x-protobuf"));
    workplace.set("OTEL_EXPORTER_OTLP_ENDPOINT", &wire.url());
    workplace.set("OTEL_EXPORTER_OTLP_HEADERS", "api-key=s3cret%20key");
    let said = workplace.tidegate(&["run", "--quiet"]).unwrap();
    assert_eq!(said.code, code, "{}", said.stderr);
    let asked = wire.asked();
    assert_eq!(asked.len(), 1, "{}", said.stderr);
    assert_eq!((asked[0].method.as_str(), asked[0].path.as_str()), ("POST", "/v1/traces"));
    assert_eq!(asked[0].header("content-type"), Some("application/x-protobuf"));
    assert_eq!(asked[0].header("api-key"), Some("s3cret key"));
    let decoded: Value = serde_json::from_str(&run_python(&script("decode_traces.py"), &asked[0].body).unwrap()).unwrap();
    let resource = &decoded["resourceSpans"][0];
    (resource["resource"].clone(), resource["scopeSpans"][0]["spans"].as_array().unwrap().clone())
}

fn attributes(of: &Value) -> BTreeMap<String, String> {
    let list = of["attributes"].as_array().into_iter().flatten();
    list.map(|attribute| {
        let value = attribute["value"].as_object().unwrap().values().next().unwrap();
        (attribute["key"].as_str().unwrap().to_owned(), value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    })
    .collect()
}

fn nanos(span: &Value, key: &str) -> u64 {
    span[key].as_str().unwrap().parse().unwrap()
}

#[test]
fn a_run_is_a_trace_of_its_streams_and_stages() {
    let mut workplace = shop(false);
    let (resource, spans) = traced(&mut workplace, 0);
    assert_eq!(attributes(&resource)["service.name"], "tidegate");
    let names: Vec<_> = spans.iter().map(|span| span["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["run shop", "extract orders", "extract customers", "checks", "load", "refresh"]);
    let root = &spans[0];
    assert!(root.get("parentSpanId").is_none() && root["status"].get("code").is_none(), "{root}");
    let of_root = attributes(root);
    assert_eq!((of_root["tidegate.outcome"].as_str(), of_root["tidegate.verdict"].as_str()), ("loaded", "pass"));
    for span in &spans[1..] {
        assert_eq!((&span["traceId"], &span["parentSpanId"]), (&root["traceId"], &root["spanId"]));
        let (start, end) = (nanos(span, "startTimeUnixNano"), nanos(span, "endTimeUnixNano"));
        assert!(
            nanos(root, "startTimeUnixNano") <= start && start <= end && end <= nanos(root, "endTimeUnixNano"),
            "{span} outside of {root}"
        );
    }
    let orders = attributes(&spans[1]);
    assert_eq!((orders["tidegate.rows.read"].as_str(), orders["tidegate.source"].as_str()), ("3", "files"));
    assert!(nanos(&spans[2], "startTimeUnixNano") >= nanos(&spans[1], "endTimeUnixNano"), "streams run one after another");
}

#[test]
fn runs_that_were_held_or_failed_have_the_status_error() {
    let mut workplace = shop(true);
    workplace.set("OTEL_SERVICE_NAME", "shop-etl");
    let (resource, spans) = traced(&mut workplace, 3);
    assert_eq!(attributes(&resource)["service.name"], "shop-etl");
    assert_eq!(spans[0]["status"]["code"], "STATUS_CODE_ERROR");
    assert!(spans[0]["status"]["message"].as_str().unwrap().contains("integrity is 66.67 %"), "{}", spans[0]);

    let mut workplace = shop(false);
    lose_input(&workplace);
    let (_, spans) = traced(&mut workplace, 4);
    assert_eq!(spans[0]["status"]["code"], "STATUS_CODE_ERROR");
    assert!(spans[0]["status"]["message"].as_str().unwrap().contains("can't open the directory"), "{}", spans[0]);
    assert_eq!(attributes(&spans[0])["tidegate.outcome"], "failed");
}

#[test]
fn a_run_that_failed_has_the_steps_as_far_as_it_came() {
    let mut workplace = shop(false);
    // Customers are letters: the second table can't be made of them.
    let pipeline = super::PIPELINE.replace("1 as one", "cast(c.id as bigint) as one");
    workplace.write("pipeline.toml", &pipeline).unwrap();
    let (_, spans) = traced(&mut workplace, 7);
    let names: Vec<_> = spans.iter().map(|span| span["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["run shop", "extract orders", "extract customers", "checks", "load"]);
    let (root, load) = (&spans[0], &spans[4]);
    for span in [root, load] {
        assert_eq!(span["status"]["code"], "STATUS_CODE_ERROR", "{span}");
        assert!(span["status"]["message"].as_str().unwrap().contains("run the SQL of the table `bought`"), "{span}");
    }
    assert!(spans[1..4].iter().all(|span| span["status"].get("code").is_none()), "what went well is no error: {spans:?}");
    for span in &spans[1..] {
        assert_eq!((&span["traceId"], &span["parentSpanId"]), (&root["traceId"], &root["spanId"]));
        assert_eq!(attributes(span)["tidegate.stage"], span["name"].as_str().unwrap().split(' ').next().unwrap());
    }
    assert!(nanos(load, "startTimeUnixNano") >= nanos(&spans[3], "endTimeUnixNano"));
    assert!(nanos(load, "endTimeUnixNano") <= nanos(root, "endTimeUnixNano"));
}

#[test]
fn a_collector_that_is_down_fails_no_run() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut workplace = shop(false);
    workplace.set("OTEL_EXPORTER_OTLP_ENDPOINT", &format!("http://127.0.0.1:{port}"));
    let said = workplace.tidegate(&["run", "--quiet"]).unwrap();
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(said.stderr.contains("the run's trace could not be sent"), "{}", said.stderr);
}
