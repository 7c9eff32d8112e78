//! Answering GraphQL: what a query selects, what it costs, and what is refused.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{
    model::Stock,
    query::{Field, Selection},
    search::Filter,
};

/// The most objects of one page.
const LARGEST: i64 = 250;
/// The most points of one query.
pub const MOST_COST: u64 = 1000;

/// Why a query is refused.
#[derive(Debug)]
pub struct Refusal {
    /// For people.
    pub message: String,
    /// For programs.
    pub code: Option<&'static str>,
}

impl Refusal {
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: None }
    }
}

/// Selects from views.
pub struct Graph<'a> {
    /// What the shop has.
    pub stock: &'a Stock,
    /// How many objects a list can be walked.
    pub deepest: usize,
    /// How many points were spent: objects and connections that came back.
    pub spent: u64,
}

impl Graph<'_> {
    /// The objects of a connection of the root, as times of change with keys, in the order of the query.
    pub fn list(&self, root: &str, arguments: &Map<String, Value>) -> Option<Result<Vec<(i64, u64)>, Refusal>> {
        let all: Vec<(i64, u64)> = match root {
            "orders" => self.stock.orders.values().map(|order| (order.updated, order.id)).collect(),
            "customers" => self.stock.customers.values().map(|customer| (customer.updated, customer.id)).collect(),
            "products" => self.stock.products.values().map(|product| (product.updated, product.id)).collect(),
            "locations" => {
                let inactive = arguments.get("includeInactive") == Some(&Value::Bool(true));
                self.stock.locations.iter().filter(|(_, active)| *active || inactive).map(|(id, _)| (0, *id)).collect()
            }
            _ => return None,
        };
        Some(Filter::of(arguments).map(|filter| {
            // A location has no time of change, and a filter that a list does not know is ignored, not refused.
            let mut found: Vec<_> = all.into_iter().filter(|(updated, _)| root == "locations" || filter.takes(*updated)).collect();
            if arguments.get("sortKey").and_then(Value::as_str) == Some("UPDATED_AT") {
                found.sort_unstable();
            } else {
                found.iter_mut().for_each(|(value, _)| *value = 0);
                found.sort_unstable();
            }
            found
        }))
    }

    /// The view of an object of a root's connection.
    pub fn object(&self, root: &str, id: u64) -> Value {
        match root {
            "orders" => self.stock.orders[&id].graph(),
            "customers" => self.stock.customers[&id].graph(),
            "products" => self.stock.products[&id].graph(),
            _ => self.stock.location(id),
        }
    }

    /// Answers one field of the root.
    pub fn root(&mut self, field: &Field) -> Result<Value, Refusal> {
        match field.name.as_str() {
            "shop" => self.select(&json!({ "__typename": "Shop", "name": "Fake", "currencyCode": "BRL" }), &field.fields),
            "node" => {
                let id = field
                    .arguments
                    .get("id")
                    .and_then(Value::as_str)
                    .ok_or_else(|| Refusal::new("Field 'node' is missing required arguments: id"))?;
                match self.stock.node(id) {
                    Some(view) => self.select(&view, &field.fields),
                    None => Ok(Value::Null),
                }
            }
            "nodes" => {
                let ids = field.arguments.get("ids").and_then(Value::as_array).cloned().unwrap_or_default();
                if ids.len() as i64 > LARGEST {
                    return Err(Refusal::new(format!(
                        "The input array size of {} is greater than the maximum allowed of {LARGEST}.",
                        ids.len()
                    )));
                }
                let views: Vec<_> = ids.iter().map(|id| id.as_str().and_then(|id| self.stock.node(id))).collect();
                views.iter().map(|view| view.as_ref().map_or(Ok(Value::Null), |view| self.select(view, &field.fields))).collect()
            }
            root => {
                let keys = self
                    .list(root, &field.arguments)
                    .ok_or_else(|| Refusal::new(format!("Field '{root}' doesn't exist on type 'QueryRoot'")))??;
                let root = root.to_owned();
                self.connection(field, &keys, move |graph, (_, id)| graph.object(&root, id))
            }
        }
    }

    /// What is selected of an object.
    pub fn select(&mut self, object: &Value, selections: &[Selection]) -> Result<Value, Refusal> {
        self.spent += 1;
        let kind = object["__typename"].as_str().unwrap_or_default();
        let mut found = Map::new();
        for selection in selections {
            match selection {
                Selection::On(wanted, inside) if wanted == kind => {
                    let Value::Object(more) = self.select(object, inside)? else { continue };
                    self.spent -= 1;
                    found.extend(more);
                }
                Selection::On(..) => {}
                Selection::Field(field) => {
                    let value = object.get(&field.name).filter(|_| field.name != "__connection");
                    let value = value.ok_or_else(|| Refusal::new(format!("Field '{}' doesn't exist on type '{kind}'", field.name)))?;
                    let value = self.value(value, field)?;
                    found.insert(field.key.clone(), value);
                }
            }
        }
        Ok(Value::Object(found))
    }

    fn value(&mut self, value: &Value, field: &Field) -> Result<Value, Refusal> {
        match value {
            Value::Object(map) if map.contains_key("__connection") => {
                // A cursor names an object, not a place: what leaves a filtered list while it is read shifts nothing.
                let views: BTreeMap<u64, Value> =
                    nested(map, field)?.into_iter().zip(1..).map(|(view, place)| (key(&view, place), view)).collect();
                let keys: Vec<(i64, u64)> = views.keys().map(|key| (0, *key)).collect();
                self.connection(field, &keys, |_, (_, key)| views[&key].clone())
            }
            Value::Object(_) | Value::Array(_) if value.is_object() || value[0].is_object() => {
                if field.fields.is_empty() {
                    return Err(Refusal::new(format!("Field must have selections (field '{}')", field.name)));
                }
                let Value::Array(list) = value else { return self.select(value, &field.fields) };
                let wanted = field.arguments.get("names").and_then(Value::as_array);
                if field.name == "quantities" && wanted.is_none() {
                    return Err(Refusal::new("Field 'quantities' is missing required arguments: names"));
                }
                let list: Vec<_> = list.iter().filter(|view| wanted.is_none_or(|wanted| wanted.contains(&view["name"]))).collect();
                list.into_iter().map(|view| self.select(view, &field.fields)).collect()
            }
            scalar if field.fields.is_empty() || scalar.is_null() || scalar == &json!([]) => Ok(scalar.clone()),
            _ => Err(Refusal::new(format!("Selections can't be made on scalars (field '{}')", field.name))),
        }
    }

    /// A page of a connection.
    fn connection<K: Copy + Ord + Into<(i64, u64)>>(
        &mut self,
        field: &Field,
        keys: &[K],
        view: impl Fn(&Self, (i64, u64)) -> Value,
    ) -> Result<Value, Refusal> {
        let first = field.arguments.get("first").and_then(Value::as_i64);
        let first = first.ok_or_else(|| Refusal::new(format!("you must provide one of first or last (field '{}')", field.name)))?;
        if !(0..=LARGEST).contains(&first) {
            return Err(Refusal::new(format!("The first argument of '{}' must be at most {LARGEST}", field.name)));
        }
        let cursor = match field.arguments.get("after").and_then(Value::as_str) {
            Some(text) => Some(Cursor::read(text).ok_or_else(|| Refusal::new("Invalid cursor for current pagination sort."))?),
            None => None,
        };
        let depth = cursor.map_or(0, |cursor| cursor.depth);
        if depth + first as usize > self.deepest {
            return Err(Refusal::new(format!("Pagination beyond {} objects is not possible", self.deepest)));
        }
        let keys: Vec<(i64, u64)> = keys.iter().map(|key| (*key).into()).collect();
        let start = cursor.map_or(0, |cursor| keys.partition_point(|key| *key <= (cursor.value, cursor.id)));
        let page = &keys[start..keys.len().min(start + first as usize)];
        let end = page.last().map(|(value, id)| Cursor { value: *value, id: *id, depth: depth + page.len() }.write());
        self.spent += 2;
        let info = json!({
            "__typename": "PageInfo", "hasNextPage": start + page.len() < keys.len(), "hasPreviousPage": start > 0, "endCursor": end,
        });
        let mut found = Map::new();
        for selection in &field.fields {
            let Selection::Field(part) = selection else { return Err(Refusal::new("a connection has no types")) };
            let value = match part.name.as_str() {
                "pageInfo" => self.select(&info, &part.fields).inspect(|_| self.spent -= 1)?,
                "nodes" => page.iter().map(|key| self.select(&view(self, *key), &part.fields)).collect::<Result<_, _>>()?,
                "edges" => {
                    let edge = |graph: &mut Self, key| {
                        let node = view(graph, key);
                        graph
                            .select(&json!({ "__typename": "Edge", "node": node, "cursor": "" }), &part.fields)
                            .inspect(|_| graph.spent -= 1)
                    };
                    page.iter().map(|key| edge(self, *key)).collect::<Result<_, _>>()?
                }
                other => return Err(Refusal::new(format!("Field '{other}' doesn't exist on a connection"))),
            };
            found.insert(part.key.clone(), value);
        }
        Ok(Value::Object(found))
    }
}

/// What an object of a nested connection is sorted by: the last number of its id, or its place where it has none.
fn key(view: &Value, place: u64) -> u64 {
    let number = view["id"].as_str().and_then(|id| id.rsplit(['/', '=']).next()?.parse().ok());
    number.unwrap_or(place)
}

/// The objects of a nested connection that its filter takes.
pub fn nested(map: &Map<String, Value>, field: &Field) -> Result<Vec<Value>, Refusal> {
    let Some(Value::Array(views)) = map.get("__connection") else { return Ok(Vec::new()) };
    let filter = Filter::of(&field.arguments)?;
    let takes = |view: &&Value| match view["updatedAt"].as_str() {
        Some(updated) if field.name == "inventoryLevels" => filter.takes_text(updated),
        _ => true,
    };
    Ok(views.iter().filter(takes).cloned().collect())
}

/// Where a page ended.
#[derive(Debug, Clone, Copy)]
struct Cursor {
    value: i64,
    id: u64,
    depth: usize,
}

impl Cursor {
    fn write(self) -> String {
        format!("{:x}-{:x}-{:x}", self.value, self.id, self.depth)
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let value = i64::from_str_radix(parts.next()?, 16).ok()?;
        let id = u64::from_str_radix(parts.next()?, 16).ok()?;
        Some(Self { value, id, depth: usize::from_str_radix(parts.next()?, 16).ok()? })
    }
}

/// What selections may cost at most: an object is a point, a connection two and what its page may hold.
pub fn cost(selections: &[Selection]) -> u64 {
    let mut sum = 0;
    let mut most_on = 0;
    for selection in selections {
        match selection {
            Selection::On(_, inside) => most_on = most_on.max(cost(inside)),
            Selection::Field(field) if field.fields.is_empty() => {}
            Selection::Field(field) => sum += cost_of(field),
        }
    }
    sum + most_on
}

fn cost_of(field: &Field) -> u64 {
    let part = |name: &str| {
        field.fields.iter().find_map(|selection| match selection {
            Selection::Field(part) if part.name == name => Some(part),
            _ => None,
        })
    };
    if let Some(ids) = field.arguments.get("ids").and_then(Value::as_array) {
        return ids.len() as u64 * (1 + cost(&field.fields));
    }
    let first = field.arguments.get("first").and_then(Value::as_u64);
    match (first, part("nodes").or_else(|| part("edges"))) {
        (Some(first), Some(inside)) => 2 + first * (1 + cost(&inside.fields)),
        _ => 1 + cost(&field.fields),
    }
}
