//! People who look: each with a connection and a cookie, a page after the other, and time to read between.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use reqwest::{Client, header};
use tokio::{sync::watch, task::JoinHandle};

use crate::operator::cookie;

/// A page that was seen: its kind, and the milliseconds until all of it was there.
pub type Seen = (&'static str, f64);

/// What all viewers have seen.
#[derive(Default)]
pub struct Sights {
    /// Pages that came.
    pub times: Vec<Seen>,
    /// What did not, in words.
    pub errors: Vec<String>,
}

/// The viewers.
pub struct Audience {
    looking: watch::Sender<Option<bool>>,
    sights: Arc<Mutex<Sights>>,
    seats: Vec<JoinHandle<()>>,
}

/// What people open, with its kind: the business side more often than the rest.
pub fn pages(run: &str) -> Vec<(&'static str, String)> {
    let mut pages: Vec<(&'static str, String)> = Vec::new();
    for (state, category) in [("", ""), ("SP", ""), ("RJ", ""), ("", "bed_bath_table"), ("MG", "health_beauty")] {
        pages.push(("overview", format!("/overview/olist?state={state}&category={category}")));
        pages.push(("overview", "/overview/olist".to_owned()));
    }
    for table in ["fact_orders", "fact_order_items", "dim_customers", "sales_by_month"] {
        pages.push(("rows", format!("/data/olist/{table}")));
    }
    pages.push(("pipelines", "/pipelines".to_owned()));
    pages.push(("pipeline", "/pipelines/olist".to_owned()));
    pages.push(("run", format!("/runs/olist/{run}")));
    pages.push(("sources", "/sources".to_owned()));
    pages
}

impl Audience {
    /// Seats so many viewers, who look at nothing yet.
    pub fn seat(count: usize, address: SocketAddr, reading: Duration, pages: Arc<Vec<(&'static str, String)>>) -> Self {
        let (looking, watching) = watch::channel(Some(false));
        let sights = Arc::new(Mutex::new(Sights::default()));
        let seat = |number: usize| {
            let viewer = Viewer {
                base: format!("http://{address}"),
                client: Client::new(),
                cookie: None,
                chance: Chance(number as u64),
                reading,
                pages: pages.clone(),
                sights: sights.clone(),
            };
            tokio::spawn(viewer.look(watching.clone()))
        };
        Self { seats: (0..count).map(seat).collect(), looking, sights }
    }

    /// Lets them look, or has them close their eyes.
    pub fn look(&self, at_it: bool) {
        self.looking.send_replace(Some(at_it));
    }

    /// Sends them home; gives what they have seen.
    pub async fn leave(self) -> Sights {
        self.looking.send_replace(None);
        for seat in self.seats {
            if let Err(error) = seat.await {
                self.sights.lock().unwrap_or_else(PoisonError::into_inner).errors.push(format!("a viewer fell over: {error}"));
            }
        }
        std::mem::take(&mut *self.sights.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

struct Viewer {
    base: String,
    client: Client,
    cookie: Option<String>,
    chance: Chance,
    reading: Duration,
    pages: Arc<Vec<(&'static str, String)>>,
    sights: Arc<Mutex<Sights>>,
}

impl Viewer {
    async fn look(mut self, mut looking: watch::Receiver<Option<bool>>) {
        // They come one after another, not all in the same instant.
        let mut wait = self.reading.mul_f64(self.chance.share());
        loop {
            let Ok(now) = looking.wait_for(|state| *state != Some(false)).await.map(|state| *state) else { return };
            if now.is_none() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => self.open().await,
                _ = async { looking.wait_for(|state| *state != Some(true)).await.map(drop) } => {}
            }
            wait = self.reading.mul_f64(0.5 + self.chance.share());
        }
    }

    async fn open(&mut self) {
        let (kind, path) = self.pages[self.chance.below(self.pages.len())].clone();
        let started = Instant::now();
        let outcome = self.fetch(&path).await;
        let millis = started.elapsed().as_secs_f64() * 1000.0;
        let mut sights = self.sights.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Ok(()) => sights.times.push((kind, millis)),
            Err(error) => sights.errors.push(format!("{path}: {error:#}")),
        }
    }

    async fn fetch(&mut self, path: &str) -> anyhow::Result<()> {
        let mut request = self.client.get(format!("{}{path}", self.base)).header(header::ACCEPT, "text/html");
        request = request.header(header::ACCEPT_ENCODING, "gzip, br");
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        let answer = request.send().await?.error_for_status()?;
        self.cookie = cookie(&answer).or_else(|| self.cookie.take());
        answer.bytes().await?;
        Ok(())
    }
}

/// Numbers by chance, the same each time (splitmix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to 1.
    fn share(&mut self) -> f64 {
        f64::from(u32::try_from(self.next() >> 32).unwrap_or(u32::MAX)) / f64::from(u32::MAX)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap_or_default()
    }
}
