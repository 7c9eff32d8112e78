//! The REST source of `examples/custom-source` with the real host, as a component, over real sockets: after each run the tables hold what the desk
//! holds.

use std::{
    collections::BTreeMap,
    fs,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};
use tidegate_tests::{
    folder,
    program::Workplace,
    root,
    wire::{Asked, Reply, Wire},
};

/// When the desk opens: 2026-01-01T00:00:00Z.
const OPENS: u64 = 1_767_225_600;
const TOKEN: &str = "desk-token-for-tests";

/// A help desk. Tickets are shown 100 per page, ordered by id.
struct Desk {
    tickets: Mutex<BTreeMap<u64, Ticket>>,
    now: Mutex<u64>,
}

#[derive(Clone)]
struct Ticket {
    updated: u64,
    price: String,
    comments: u64,
}

impl Desk {
    fn with_tickets(count: u64) -> Arc<Self> {
        let ticket = |id| Ticket { updated: OPENS + id, price: format!("{}.50", id % 90), comments: u64::from(id % 50 == 0) * 2 };
        let tickets = (1..=count).map(|id| (id, ticket(id))).collect();
        Arc::new(Self { tickets: Mutex::new(tickets), now: Mutex::new(OPENS + 3_600) })
    }

    fn tickets(&self) -> MutexGuard<'_, BTreeMap<u64, Ticket>> {
        self.tickets.lock().unwrap()
    }

    /// Lets an hour pass; the change happens in its last second but nine.
    fn change(&self, change: impl FnOnce(&mut BTreeMap<u64, Ticket>, u64)) {
        let mut now = self.now.lock().unwrap();
        *now += 3_600;
        change(&mut self.tickets(), *now - 10);
    }

    fn serve(self: &Arc<Self>) -> Wire {
        let (answering, telling) = (self.clone(), self.clone());
        let wire = Wire::start(move |asked| answering.answer(asked));
        wire.set_clock(move || -> SystemTime { UNIX_EPOCH + Duration::from_secs(*telling.now.lock().unwrap()) });
        wire
    }

    fn answer(&self, asked: &Asked) -> Reply {
        if asked.header("authorization") != Some(&format!("Bearer {TOKEN}")) {
            return Reply::json(401, &json!({ "error": "who are you" }));
        }
        let parts: Vec<_> = asked.path.split('/').skip(1).collect();
        match parts[..] {
            ["api", "status"] => Reply::json(200, &json!({ "ok": true })),
            ["api", "tickets"] => self.list(asked),
            ["api", "tickets", id, "comments"] => {
                let id: u64 = id.parse().unwrap();
                let count = self.tickets().get(&id).map_or(0, |ticket| ticket.comments);
                let comment = |number| json!({ "id": id * 10 + number, "author": "ann", "body": "Thanks", "created_at": written(OPENS) });
                Reply::json(200, &(1..=count).map(comment).collect())
            }
            _ => Reply::json(404, &json!({ "error": "there is nothing here" })),
        }
    }

    fn list(&self, asked: &Asked) -> Reply {
        let size = asked.param("per_page").map_or(10, |text| text.parse().unwrap());
        let after: u64 = asked.param("after").map_or(0, |text| text.parse().unwrap());
        let time = |name: &str, none: u64| asked.param(name).map_or(none, read);
        let (since, before) = (time("updated_since", 0), time("updated_before", u64::MAX));
        let tickets = self.tickets();
        let found = tickets.range(after + 1..).filter(|(_, ticket)| (since..=before).contains(&ticket.updated));
        let found: Vec<_> = found.take(size + 1).collect();
        let shown: Vec<Value> = found.iter().take(size).map(|(id, ticket)| ticket.to_json(**id)).collect();
        let reply = Reply::json(200, &json!({ "tickets": shown }));
        if found.len() <= size {
            return reply;
        }
        let (path, query) = asked.target.split_once('?').unwrap();
        let kept: Vec<_> = query.split('&').filter(|pair| !pair.starts_with("after=")).collect();
        reply.header("Link", format!("<{path}?{}&after={}>; rel=\"next\"", kept.join("&"), found[size - 1].0))
    }

    /// What the table of tickets is to hold.
    fn rows(&self) -> String {
        let row = |(id, ticket): (&u64, &Ticket)| format!("{id},{},a{id}@example.org\n", ticket.price);
        "id,price,customer\n".to_owned() + &self.tickets().iter().map(row).collect::<String>()
    }
}

impl Ticket {
    fn to_json(&self, id: u64) -> Value {
        json!({
            "id": id, "subject": format!("Ticket \"{id}\""), "price": self.price, "updated_at": written(self.updated),
            "customer": { "email": format!("a{id}@example.org") }, "tags": ["not", "wanted"],
        })
    }
}

fn written(seconds: u64) -> String {
    chrono::DateTime::from_timestamp(seconds.cast_signed(), 0).unwrap().to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

fn read(text: &str) -> u64 {
    chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp().unsigned_abs()
}

/// The example in a folder of its own, built, with the desk's address in its pipeline.
fn workplace(wire: &Wire) -> Workplace {
    let mut workplace = Workplace::empty().unwrap();
    folder::lay_over(&root().join("examples/custom-source"), workplace.path()).unwrap();
    let edit = |file: &str, changes: &[(&str, &str)]| {
        let mut text = fs::read_to_string(workplace.path().join(file)).unwrap();
        for (from, to) in changes {
            assert!(text.contains(from), "{file}: {from}");
            text = text.replace(from, to);
        }
        workplace.write(file, &text).unwrap();
    };
    edit("Cargo.toml", &[("../../sdk/rust", &root().join("sdk/rust").to_string_lossy())]);
    let private = format!("url = \"{}/api/**\"\nprivate = true", wire.url());
    // The first run asks once per ticket, which at the usual rate takes minutes.
    let patience = "[sources.desk.patience]\nrequests_per_minute = 100000\n\n[streams.tickets]";
    let changes = [
        ("url = \"https://desk.example/api/**\"", private.as_str()),
        ("https://desk.example", &wire.url()),
        ("[streams.tickets]", patience),
    ];
    edit("pipeline.toml", &changes);
    fs::copy(root().join("Cargo.lock"), workplace.path().join("Cargo.lock")).unwrap();
    let built = workplace.tidegate(&["plugin", "build", ".", "--out", "plugins"]).unwrap();
    assert_eq!(built.code, 0, "{}", built.stderr);
    workplace.set("DESK_TOKEN", TOKEN);
    workplace
}

fn query(workplace: &Workplace, sql: &str) -> String {
    let said = workplace.tidegate(&["query", "--format", "csv", sql]).unwrap();
    assert_eq!(said.code, 0, "{}", said.stderr);
    said.stdout
}

#[test]
fn the_rest_source_of_the_example_keeps_up_with_a_desk() {
    let desk = Desk::with_tickets(250);
    let wire = desk.serve();
    let workplace = workplace(&wire);
    let run = |desk: &Desk, tickets: u64| {
        let before = wire.asked().len();
        let ran = workplace.tidegate(&["run"]).unwrap();
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert_eq!(query(&workplace, "select id, price, customer from tickets order by id"), desk.rows());
        let comments: u64 = desk.tickets().values().map(|ticket| ticket.comments).sum();
        assert_eq!(query(&workplace, "select count(*) as n from comments"), format!("n\n{comments}\n"));
        // The streams share the clock and the list of tickets; comments are asked for once per ticket of the window.
        let asked: Vec<_> = wire.asked().split_off(before);
        let count = |end: &str| asked.iter().filter(|asked| asked.path.ends_with(end)).count() as u64;
        assert_eq!((count("/status"), count("/tickets"), count("/comments")), (1, tickets.div_ceil(100).max(1), tickets));
    };
    run(&desk, 250);

    desk.change(|tickets, at| {
        let changed = Ticket { updated: at, price: "9.99".into(), comments: 3 };
        tickets.insert(7, changed.clone());
        tickets.insert(251, changed);
    });
    run(&desk, 2);

    // Changed in the second of the last window's end: the overlap finds it.
    desk.change(|tickets, at| {
        let late = Ticket { updated: at - 3_590, price: "1.00".into(), comments: 0 };
        tickets.insert(252, late);
    });
    run(&desk, 3);

    // Nothing happened for a day: the overlap reads nothing again.
    *desk.now.lock().unwrap() += 86_400;
    run(&desk, 0);
}

#[test]
fn a_ticket_that_does_not_fit_goes_to_quarantine_alone() {
    let desk = Desk::with_tickets(20);
    desk.change(|tickets, _| tickets.get_mut(&2).unwrap().price = "a lot".into());
    let wire = desk.serve();
    let workplace = workplace(&wire);
    let ran = workplace.tidegate(&["run"]).unwrap();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(query(&workplace, "select count(*) as n, min(id) as least from tickets where id <> 2"), "n,least\n19,1\n");
    let rejected = workplace.tidegate(&["quarantine", "--export", "csv"]).unwrap();
    assert!(rejected.stdout.contains("`price` is not a number that fits decimal(10,2) exactly"), "{}", rejected.stdout);
}
