//! OpenLineage events at a real server and in a file, read by OpenLineage's own client.

use serde_json::{Value, json};
use tidegate_tests::{
    mail::run_python,
    program::Workplace,
    wire::{Asked, Reply, Wire},
};

use super::{lose_input, script, shop};

/// Runs the shop with a lineage server and gives the events.
fn events(workplace: &mut Workplace, code: i32) -> Vec<Value> {
    let wire = Wire::start(|_| Reply::new(201));
    workplace.set("OPENLINEAGE_URL", &wire.url());
    workplace.set("OPENLINEAGE_API_KEY", "s3cret-key");
    let said = workplace.tidegate(&["run", "--quiet"]).unwrap();
    assert_eq!(said.code, code, "{}", said.stderr);
    let asked = wire.asked();
    for asked in &asked {
        assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/api/v1/lineage"));
        assert_eq!(asked.header("authorization"), Some("Bearer s3cret-key"));
    }
    let events: Vec<Value> = asked.iter().map(|asked| asked.json().unwrap()).collect();
    let checked = run_python(&script("check_lineage.py"), json!(events).to_string().as_bytes()).unwrap();
    assert!(checked.trim().parse::<u32>().unwrap() > 0);
    events
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["eventType"].as_str().unwrap()).collect()
}

/// The dataset whose name ends so.
fn dataset<'e>(event: &'e Value, list: &str, name: &str) -> &'e Value {
    let found = event[list].as_array().unwrap().iter().find(|dataset| dataset["name"].as_str().unwrap().ends_with(name));
    found.unwrap_or_else(|| panic!("no {name} among the {list} of {event:#}"))
}

#[test]
fn a_good_run_tells_datasets_columns_and_quality() {
    let mut workplace = shop(false);
    let events = events(&mut workplace, 0);
    assert_eq!(kinds(&events), ["START", "COMPLETE"]);
    assert_eq!(events[0]["run"]["runId"], events[1]["run"]["runId"]);
    let end = &events[1];
    assert_eq!((end["job"]["namespace"].as_str(), end["job"]["name"].as_str()), (Some("tidegate"), Some("shop")));

    let orders = dataset(end, "inputs", "input/orders");
    assert_eq!(orders["namespace"], "file");
    assert_eq!(orders["inputFacets"]["dataQualityMetrics"]["rowCount"], 3);
    assert_eq!(orders["inputFacets"]["dataQualityMetrics"]["columnMetrics"]["customer"]["nullCount"], 0);
    let assertions = orders["inputFacets"]["dataQualityAssertions"]["assertions"].as_array().unwrap();
    assert!(assertions.iter().any(|a| a["assertion"] == "integrity" && a["success"] == true && a["expected"] == "100 %"), "{assertions:?}");

    let bought = dataset(end, "outputs", "lake/bought");
    let fields: Vec<_> =
        bought["facets"]["schema"]["fields"].as_array().unwrap().iter().map(|field| field["name"].as_str().unwrap()).collect();
    assert_eq!(fields, ["customer", "state", "orders", "one"]);
    assert_eq!(bought["outputFacets"]["outputStatistics"]["rowCount"], 2);
    let columns = &bought["facets"]["columnLineage"]["fields"];
    let from = &columns["state"]["inputFields"][0];
    assert!(from["name"].as_str().unwrap().ends_with("clean/customers") && from["field"] == "state", "{columns}");
    assert_eq!(columns.get("one"), None, "a constant comes from nowhere");
    let state = &dataset(end, "outputs", "lake/by_state")["facets"]["columnLineage"]["fields"]["state"]["inputFields"][0];
    assert!(state["name"].as_str().unwrap().ends_with("lake/bought") && state["field"] == "state", "{state}");
    let clean = dataset(end, "outputs", "clean/orders");
    assert!(!clean.to_string().contains("_origin"), "{clean}");
    assert_eq!(dataset(end, "outputs", "lake/orders")["facets"]["columnLineage"]["fields"]["id"]["inputFields"][0]["field"], "id");
}

#[test]
fn a_held_run_gave_nothing_and_says_why() {
    let mut workplace = shop(true);
    let events = events(&mut workplace, 3);
    assert_eq!(kinds(&events), ["START", "FAIL"]);
    let message = events[1]["run"]["facets"]["errorMessage"]["message"].as_str().unwrap();
    assert!(message.starts_with("held by the gate: orders: integrity is 66.67 %"), "{message}");
    let assertions = &dataset(&events[1], "inputs", "input/orders")["inputFacets"]["dataQualityAssertions"]["assertions"];
    assert!(assertions.as_array().unwrap().iter().any(|a| a["assertion"] == "integrity" && a["success"] == false), "{assertions}");
    assert!(!events[1]["outputs"].to_string().contains("lake/"), "no table was loaded");
}

#[test]
fn a_failed_run_is_told_with_its_parent() {
    let mut workplace = shop(false);
    lose_input(&workplace);
    workplace.set("OPENLINEAGE_NAMESPACE", "etl");
    workplace.set("OPENLINEAGE_PARENT_ID", "airflow/daily.shop/0192b7f0-0000-7000-8000-000000000001");
    workplace.set("OPENLINEAGE_ROOT_PARENT_ID", "airflow/daily/0192b7f0-0000-7000-8000-000000000002");
    let events = events(&mut workplace, 4);
    assert_eq!(kinds(&events), ["START", "FAIL"]);
    let facets = &events[1]["run"]["facets"];
    assert!(facets["errorMessage"]["message"].as_str().unwrap().contains("can't open the directory"), "{facets}");
    assert_eq!(facets["parent"]["job"], json!({ "namespace": "airflow", "name": "daily.shop" }));
    assert_eq!(facets["parent"]["root"]["run"]["runId"], "0192b7f0-0000-7000-8000-000000000002");
    assert_eq!(events[1]["job"]["namespace"], "etl");
}

#[test]
fn events_go_to_a_file_one_in_a_line() {
    let mut workplace = shop(false);
    workplace.set("OPENLINEAGE__TRANSPORT__LOG_FILE_PATH", "lineage/events.jsonl");
    for _ in 0..2 {
        assert_eq!(workplace.tidegate(&["run", "--quiet"]).unwrap().code, 0);
    }
    let text = std::fs::read_to_string(workplace.path().join("lineage/events.jsonl")).unwrap();
    let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(kinds(&events), ["START", "COMPLETE", "START", "COMPLETE"]);
    assert_ne!(events[0]["run"]["runId"], events[2]["run"]["runId"]);
}

#[test]
fn a_server_that_is_down_fails_no_run() {
    let wire = Wire::start(|asked: &Asked| if asked.number == 1 { Reply::text(503, "") } else { Reply::text(401, "who are you") });
    let mut workplace = shop(false);
    workplace.set("OPENLINEAGE_URL", &wire.url());
    let said = workplace.tidegate(&["run", "--quiet"]).unwrap();
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(said.stderr.contains("the lineage event START could not be delivered"), "{}", said.stderr);
    assert_eq!(wire.asked().len(), 3, "503 is tried again, 401 is not");
}
