//! Reads tickets, and the comments of each ticket, from a help desk with a JSON API.

use tidegate_sdk::{
    prelude::*,
    rest::{Api, Endpoint, Incremental, Kind::*, Pages, RestSource},
};

/// What a pipeline sets. The host checks it against the JSON Schema that is derived here.
#[derive(Deserialize, JsonSchema)]
#[serde(crate = "tidegate_sdk::serde", deny_unknown_fields)]
#[schemars(crate = "tidegate_sdk::schemars")]
pub struct Config {
    /// Where the API is: `https://desk.example/api`.
    pub url: String,
}

pub struct Desk;

impl RestSource for Desk {
    type Config = Config;

    fn grants() -> Vec<Grant> {
        vec![Grant::http("desk.example", "reads tickets and their comments")]
    }

    fn api(config: &Config) -> Result<Api> {
        // The list of tickets: pages that name the next one in the header `link`, and only what changed since the last run.
        let tickets = Endpoint::new("tickets", "/tickets")
            .query("per_page", 100)
            .records("/tickets")
            .pages(Pages::link())
            .incremental(Incremental::by("updated_at").from("updated_since").until("updated_before"))
            .key(["id"])
            .columns([("id", Integer), ("subject", Text), ("price", Decimal(10, 2)), ("updated_at", Timestamp)])
            .columns([("customer", Text, "/customer/email")]);
        // A list for each ticket that changed. The tickets come from the run's archive: they are asked for once.
        let comments = Endpoint::new("comments", "/tickets/{ticket_id}/comments")
            .per("tickets", [("ticket_id", "id")])
            .key(["ticket_id", "id"])
            .columns([("id", Integer), ("author", Text), ("body", Text), ("created_at", Timestamp)]);
        // The time of the server, from this answer, ends the windows of all streams of a run.
        Ok(Api::new(&config.url).credential("token").clock("/status").endpoint(tickets).endpoint(comments))
    }
}

export_source!(Desk);

#[cfg(test)]
mod tests {
    use tidegate_sdk::{
        arrow_array::{cast::AsArray, types::Int64Type},
        http::testing::{self, Asked, Reply},
        serde_json::json,
    };

    use super::*;

    fn desk(asked: &Asked) -> Reply {
        match (asked.path(), asked.query("page")) {
            ("/api/status", _) => Reply::json(200, &json!({ "ok": true })),
            ("/api/tickets", None) => {
                let tickets =
                    json!([{ "id": 1, "subject": "Broken", "price": "9.90", "customer": { "email": "ann@example.org" } }, { "id": "?" }]);
                Reply::json(200, &json!({ "tickets": tickets })).header("Link", "</api/tickets?page=2>; rel=\"next\"")
            }
            ("/api/tickets", _) => Reply::json(200, &json!({ "tickets": [{ "id": 2 }] })),
            ("/api/tickets/2/comments", _) => Reply::json(200, &json!([{ "id": 7, "author": "ann", "body": "Thanks" }])),
            _ => Reply::json(200, &json!([])),
        }
    }

    /// All rows of a stream, how many records were unread, and the cursor.
    fn read(stream: &str) -> (Vec<RecordBatch>, usize, Option<String>) {
        testing::answer(|asked| Ok(desk(asked)));
        let config = || Config { url: "https://desk.example/api".into() };
        let slice = Desk::slices(&config(), stream, None, 1).unwrap().remove(0);
        let request = Request { stream: stream.into(), slice, cursor: None, batch_rows: 100 };
        let mut reader = Desk::open(config(), request).unwrap();
        let (mut batches, mut unread, mut cursor) = (Vec::new(), 0, None);
        while let Some(pulled) = reader.next().unwrap() {
            batches.extend(pulled.batch);
            unread += pulled.unread.len();
            cursor = pulled.cursor.or(cursor);
        }
        (batches, unread, cursor)
    }

    #[test]
    fn tickets_are_read_page_by_page_and_what_is_no_ticket_is_set_aside() {
        let (batches, unread, cursor) = read("tickets");
        let ids: Vec<_> = batches.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec()).collect();
        assert_eq!((ids, unread, cursor.as_deref()), (vec![1, 2], 1, Some("2026-11-27T00:00:00Z")));
    }

    #[test]
    fn comments_know_their_ticket() {
        let (batches, ..) = read("comments");
        assert_eq!(batches[0].column_by_name("ticket_id").unwrap().as_primitive::<Int64Type>().value(0), 2);
    }
}
