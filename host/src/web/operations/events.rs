//! A run that goes on, told as it happens: server-sent events.
//!
//! What always holds here: whoever follows gets every stage and every line of the log once, those before they came and those after, and at last
//! `ended`. A follower that is too slow for the log misses lines, and is told that the run ended all the same.

use std::{collections::VecDeque, convert::Infallible, sync::atomic::Ordering::Relaxed, time::Duration};

use axum::{
    extract::{Path, State},
    response::sse::{Event as Sent, KeepAlive, Sse},
};
use futures::{Stream, stream};
use serde_json::json;
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::{Interval, MissedTickBehavior, interval},
};

use super::{
    super::{App, Problem},
    place::run_of,
};
use crate::{
    flow::report::EgressReport,
    schedule::{Event, Live},
    state::{RunId, Status},
};

/// How often counts and the state of sources are told.
const TICK: Duration = Duration::from_millis(700);
/// How often the history is asked about a run of another process.
const ELSEWHERE: Duration = Duration::from_secs(2);

struct Follower {
    app: App,
    place: super::Place,
    run: RunId,
    live: Option<(Live, Receiver<Event>)>,
    before: VecDeque<Event>,
    tick: Interval,
    over: bool,
}

pub(super) async fn follow(
    State(app): State<App>,
    Path((pipeline, run)): Path<(String, String)>,
) -> Result<Sse<impl Stream<Item = Result<Sent, Infallible>>>, Problem> {
    let (place, run, _) = run_of(&app, &pipeline, &run).await?;
    let live = app.desk().live(&run.id);
    let (before, live) = match live {
        Some(live) => {
            let (before, receiver) = live.follow();
            (before.into(), Some((live, receiver)))
        }
        None => (VecDeque::new(), None),
    };
    let mut tick = interval(if live.is_some() { TICK } else { ELSEWHERE });
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let follower = Follower { app, place, run: run.id, live, before, tick, over: false };
    let events = stream::unfold(follower, |mut follower| async move {
        let event = follower.next().await?;
        Some((Ok(event), follower))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}

impl Follower {
    /// The next thing to tell; none when all is told.
    async fn next(&mut self) -> Option<Sent> {
        if self.over {
            return None;
        }
        if let Some(event) = self.before.pop_front() {
            return Some(self.told(&event));
        }
        let Some((live, receiver)) = &mut self.live else {
            return self.elsewhere().await;
        };
        loop {
            tokio::select! {
                () = self.app.stopped() => return None,
                event = receiver.recv() => match event {
                    Ok(event) => return Some(self.told(&event)),
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return Some(self.ended(None)),
                },
                _ = self.tick.tick() => {
                    return Some(named("progress", &progress(live)));
                }
            }
        }
    }

    /// Waits for the end of a run that another process works on, or that has ended already.
    async fn elsewhere(&mut self) -> Option<Sent> {
        tokio::select! {
            () = self.app.stopped() => return None,
            _ = self.tick.tick() => {}
        }
        let run = self.run.clone();
        let status = self.place.read(None, move |state, _| state.run(&run).map(|run| Some(run.status))).await.ok().flatten();
        match status {
            Some(Status::Running) => Some(Sent::default().comment("it goes on")),
            status => Some(self.ended(status)),
        }
    }

    fn ended(&mut self, status: Option<Status>) -> Sent {
        self.over = true;
        named("ended", &json!({ "status": status }))
    }

    fn told(&mut self, event: &Event) -> Sent {
        match event {
            Event::StageStarted { stage, what, .. } => named("stage", &json!({ "stage": stage, "what": what, "finished": false })),
            Event::StageFinished { stage, what, .. } => named("stage", &json!({ "stage": stage, "what": what, "finished": true })),
            Event::Log(entry) => named("log", &json!(entry)),
            Event::Ended { status } => self.ended(Some(*status)),
        }
    }
}

/// How far a run is, and how the requests of its sources go.
fn progress(live: &Live) -> serde_json::Value {
    let done = &live.progress;
    let contact = |EgressReport { source, health }| json!({ "source": source, "circuit": health.circuit, "said": health.sentence() });
    json!({
        "rows": done.rows.load(Relaxed), "landed": done.landed.load(Relaxed), "rejected": done.rejected.load(Relaxed),
        "bytes": done.bytes.load(Relaxed), "sources": live.course.egress().into_iter().map(contact).collect::<Vec<_>>(),
    })
}

fn named(name: &str, data: &serde_json::Value) -> Sent {
    // JSON in one line has no line break, which is all that an event's data may not have.
    Sent::default().event(name).data(data.to_string())
}
