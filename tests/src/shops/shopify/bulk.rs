//! Bulk operations: started by a mutation, worked on while somebody polls, ended with a file of flat lines, or with half of one.

use serde_json::{Map, Value, json};

use super::{
    State,
    graph::{Graph, Refusal, nested},
    query::{self, Field, Selection},
    view::gid,
};

/// The fields that are lists of objects, in which no connection may stand.
const LISTS: [&str; 3] = ["refunds", "quantities", "selectedOptions"];

/// One bulk operation.
#[derive(Debug)]
pub struct Operation {
    id: u64,
    query: String,
    root: Field,
    /// What is left to be read, in the order of ids.
    left: Vec<(i64, u64)>,
    /// How many objects are read with each poll.
    step: usize,
    status: &'static str,
    fails: bool,
    objects: u64,
    roots: u64,
    /// The file so far.
    pub lines: Vec<String>,
}

impl Operation {
    /// Its number.
    pub fn number(&self) -> u64 {
        self.id
    }

    fn runs(&self) -> bool {
        matches!(self.status, "CREATED" | "RUNNING")
    }
}

impl State {
    /// Answers `bulkOperationRunQuery`.
    pub fn start_operation(&mut self, field: &Field) -> Value {
        let refuse = |code: &str, message: String| json!({ "__typename": "Payload", "bulkOperation": null, "userErrors": [{ "__typename": "UserError", "code": code, "field": null, "message": message }] });
        let running: Vec<_> = self.operations.iter().filter(|operation| operation.runs()).map(|operation| operation.id).collect();
        if running.len() >= self.behaviour.operations {
            let id = gid("BulkOperation", running[0]);
            return refuse("OPERATION_IN_PROGRESS", format!("A bulk query operation for this app and shop is already in progress: {id}."));
        }
        let query = field.arguments.get("query").and_then(Value::as_str).unwrap_or_default().to_owned();
        let root = match self.plan(&query) {
            Ok(root) => root,
            Err(refusal) => return refuse("INVALID", refusal.message),
        };
        let graph = Graph { stock: &self.stock, deepest: usize::MAX, spent: 0 };
        let mut left = match graph.list(&root.name, &root.arguments) {
            Some(Ok(left)) => left,
            Some(Err(refusal)) => return refuse("INVALID", refusal.message),
            None => return refuse("INVALID", format!("Field '{}' doesn't exist on type 'QueryRoot'", root.name)),
        };
        left.sort_unstable_by_key(|(_, id)| *id);
        let id = self.stock.number();
        let fails = self.seen.operations < self.behaviour.failing_operations;
        let step = left.len().div_ceil(self.behaviour.polls.max(1));
        self.operations.push(Operation { id, query, root, left, step, status: "CREATED", fails, objects: 0, roots: 0, lines: Vec::new() });
        json!({
            "__typename": "Payload", "userErrors": [],
            "bulkOperation": { "__typename": "BulkOperation", "id": gid("BulkOperation", id), "status": "CREATED" },
        })
    }

    /// Starts an operation that is somebody else's and never asked for here.
    pub fn occupy(&mut self, query: &str) {
        let root = self.plan(query).expect("the test's query is one for a bulk operation");
        let id = self.stock.number();
        let operation = Operation {
            id,
            query: query.to_owned(),
            root,
            left: Vec::new(),
            step: 0,
            status: "CREATED",
            fails: false,
            objects: 0,
            roots: 0,
            lines: Vec::new(),
        };
        self.operations.push(operation);
    }

    /// How an operation stands; being asked makes it go on.
    pub fn operation(&mut self, id: u64, base: &str) -> Option<Value> {
        let place = self.operations.iter().position(|operation| operation.id == id)?;
        let mut operation = self.operations.remove(place);
        match operation.status {
            "CREATED" => operation.status = "RUNNING",
            "RUNNING" => self.work(&mut operation),
            _ => {}
        }
        let file =
            |wanted: bool| (wanted && !operation.lines.is_empty()).then(|| format!("{base}/bulk-files/{id}.jsonl?signature=s1gn%2Bed"));
        let view = json!({
            "__typename": "BulkOperation", "id": gid("BulkOperation", id), "status": operation.status, "query": operation.query,
            "errorCode": (operation.status == "FAILED").then_some("INTERNAL_SERVER_ERROR"), "type": "QUERY",
            "objectCount": operation.objects.to_string(), "rootObjectCount": operation.roots.to_string(),
            "url": file(operation.status == "COMPLETED"), "partialDataUrl": file(operation.status == "FAILED"),
        });
        self.operations.insert(place, operation);
        Some(view)
    }

    /// Reads some more objects as they are now.
    fn work(&mut self, operation: &mut Operation) {
        if operation.fails && operation.roots > 0 {
            operation.status = "FAILED";
            return;
        }
        let batch: Vec<_> = operation.left.drain(..operation.step.min(operation.left.len())).collect();
        let mut graph = Graph { stock: &self.stock, deepest: usize::MAX, spent: 0 };
        // Children come after the parents of all of them: nothing says that they follow their own.
        let mut children = Vec::new();
        for (_, id) in batch {
            let view = graph.object(&operation.root.name, id);
            let selections = inner(&operation.root).expect("the plan has looked");
            let parent = operation.lines.len();
            write(&mut graph, &view, selections, None, &mut operation.lines, &mut children).expect("the plan has looked");
            operation.roots += (operation.lines.len() - parent) as u64;
        }
        operation.lines.append(&mut children);
        operation.objects = operation.lines.len() as u64;
        if operation.left.is_empty() {
            operation.status = "COMPLETED";
        }
    }

    /// Checks a query by the rules of bulk operations.
    fn plan(&self, query: &str) -> Result<Field, Refusal> {
        let parsed = query::parse(query, &Value::Null).map_err(Refusal::new)?;
        let Some(Selection::Field(root)) = parsed.fields.first() else { return Err(Refusal::new("a bulk query has one field")) };
        if inner(root).is_none() {
            return Err(Refusal::new("Bulk queries must contain at least one connection."));
        }
        let mut connections = 0;
        check(root, 1, false, &mut connections)?;
        if connections > 5 {
            return Err(Refusal::new("Bulk queries cannot contain more than 5 connections."));
        }
        // What it selects is found out on a view, before anything runs.
        let graph = Graph { stock: &self.stock, deepest: usize::MAX, spent: 0 };
        let first = graph.list(&root.name, &root.arguments).and_then(Result::ok).and_then(|keys| keys.first().copied());
        if let (Some((_, id)), Some(selections)) = (first, inner(root)) {
            let view = graph.object(&root.name, id);
            let mut graph = Graph { stock: &self.stock, deepest: usize::MAX, spent: 0 };
            write(&mut graph, &view, selections, None, &mut Vec::new(), &mut Vec::new())?;
        }
        Ok(root.clone())
    }
}

/// What is asked of a connection's objects; none where the field is no connection.
fn inner(field: &Field) -> Option<&[Selection]> {
    let part = |selections: &'_ [Selection], name: &str| {
        selections.iter().position(|selection| matches!(selection, Selection::Field(part) if part.name == name))
    };
    let fields = |selection: &Selection| match selection {
        Selection::Field(part) => part.fields.len(),
        Selection::On(..) => 0,
    };
    if let Some(at) = part(&field.fields, "nodes") {
        let Selection::Field(nodes) = &field.fields[at] else { return None };
        return Some(&nodes.fields);
    }
    let Selection::Field(edges) = &field.fields[part(&field.fields, "edges")?] else { return None };
    let at = part(&edges.fields, "node").filter(|at| fields(&edges.fields[*at]) > 0)?;
    match &edges.fields[at] {
        Selection::Field(node) => Some(&node.fields),
        Selection::On(..) => None,
    }
}

fn check(field: &Field, depth: usize, in_list: bool, connections: &mut usize) -> Result<(), Refusal> {
    let inside = inner(field);
    if inside.is_some() {
        *connections += 1;
        if in_list {
            return Err(Refusal::new("Queries that contain a connection field within a list field are not currently supported."));
        }
        if depth > 2 {
            return Err(Refusal::new("Bulk queries cannot contain connections with a nesting depth greater than 2."));
        }
    }
    let in_list = in_list || LISTS.contains(&field.name.as_str());
    let depth = depth + usize::from(inside.is_some());
    for selection in inside.unwrap_or(&field.fields) {
        match selection {
            Selection::Field(field) => check(field, depth, in_list, connections)?,
            Selection::On(_, inside) => {
                let fields = inside.iter().filter_map(|selection| if let Selection::Field(field) = selection { Some(field) } else { None });
                fields.into_iter().try_for_each(|field| check(field, depth, in_list, connections))?;
            }
        }
    }
    Ok(())
}

/// Writes an object as a line, and what its connections hold as lines of their own.
fn write(
    graph: &mut Graph<'_>,
    view: &Value,
    selections: &[Selection],
    parent: Option<&Value>,
    lines: &mut Vec<String>,
    children: &mut Vec<String>,
) -> Result<(), Refusal> {
    let is_connection = |selection: &Selection| matches!(selection, Selection::Field(field) if inner(field).is_some());
    let own: Vec<_> = selections.iter().filter(|selection| !is_connection(selection)).cloned().collect();
    let mut line = graph.select(view, &own)?;
    if let Some(parent) = parent {
        line["__parentId"] = parent.clone();
    }
    lines.push(line.to_string());
    for selection in selections.iter().filter(|selection| is_connection(selection)) {
        let Selection::Field(field) = selection else { continue };
        let connection = view.get(&field.name).and_then(Value::as_object).cloned().unwrap_or_else(Map::new);
        if !connection.contains_key("__connection") {
            return Err(Refusal::new(format!("Field '{}' doesn't exist on type '{}'", field.name, view["__typename"])));
        }
        for child in nested(&connection, field)? {
            let mut deeper = Vec::new();
            write(graph, &child, inner(field).unwrap_or_default(), Some(&view["id"]), children, &mut deeper)?;
            children.append(&mut deeper);
        }
    }
    Ok(())
}
