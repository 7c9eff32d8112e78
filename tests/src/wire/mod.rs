//! A server of HTTP/1.1 over real sockets for tests: what it answers is a closure, what goes wrong on the way is said per request.
//!
//! What always holds here:
//! - It listens on loopback only, speaks plain HTTP, keeps connections open and gives each connection a thread.
//! - Every request is written down before it is answered: [`Wire::asked`].
//! - A client that breaks off, sends nonsense or stays silent ends its connection and nothing else.
//! - When the value goes, its threads and connections are gone (`a_server_takes_its_threads_with_it`).
//! - A closure that panics answers with 500, and the test fails when the value goes.

mod asked;
mod connection;
mod fault;
mod reply;

use std::{
    collections::HashMap,
    io,
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant, SystemTime},
};

pub use asked::Asked;
pub use fault::{Fault, Plan};
pub use reply::Reply;

/// A server that runs until this value goes.
pub struct Wire {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

/// What all connections share.
struct Shared {
    answer: Box<dyn Fn(&Asked) -> Reply + Send + Sync>,
    plan: Plan,
    started: Instant,
    asked: Mutex<Vec<Asked>>,
    clock: Mutex<Box<dyn Fn() -> SystemTime + Send>>,
    connections: AtomicU64,
    open: Mutex<HashMap<u64, (TcpStream, JoinHandle<()>)>>,
    stop: Stop,
    panicked: AtomicBool,
}

/// What wakes those who wait when the server goes.
#[derive(Default)]
struct Stop {
    stopped: Mutex<bool>,
    told: Condvar,
}

impl Wire {
    /// Starts a server that answers with what `answer` says.
    pub fn start(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        Self::disturbed(Plan::none(), answer)
    }

    /// The same with faults by plan; a reply that names its own fault is left alone.
    pub fn disturbed(plan: Plan, answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let shared = Arc::new(Shared {
            answer: Box::new(answer),
            plan,
            started: Instant::now(),
            asked: Mutex::default(),
            clock: Mutex::new(Box::new(SystemTime::now)),
            connections: AtomicU64::new(0),
            open: Mutex::default(),
            stop: Stop::default(),
            panicked: AtomicBool::new(false),
        });
        let accepting = shared.clone();
        let acceptor = named(address.port()).spawn(move || accept(&listener, &accepting)).expect("a thread starts");
        Self { address, shared, acceptor: Some(acceptor) }
    }

    /// Its base URL, without a slash at the end: `http://127.0.0.1:40123`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Every request so far, in the order they came.
    pub fn asked(&self) -> Vec<Asked> {
        locked(&self.shared.asked).clone()
    }

    /// How many faults of its plan it has put in the way.
    pub fn faults(&self) -> usize {
        self.shared.plan.given()
    }

    /// How many connections were opened so far.
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// What the header `Date` says from now on; until then it is the machine's time.
    pub fn set_clock(&self, clock: impl Fn() -> SystemTime + Send + 'static) {
        *locked(&self.shared.clock) = Box::new(clock);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.shared.stop.now();
        // The acceptor sleeps until somebody knocks.
        drop(TcpStream::connect(self.address));
        if let Some(acceptor) = self.acceptor.take() {
            drop(acceptor.join());
        }
        // Threads take themselves off the list as they end, so the list is free while they are waited for.
        let open = std::mem::take(&mut *locked(&self.shared.open));
        for (stream, thread) in open.into_values() {
            drop(stream.shutdown(Shutdown::Both));
            drop(thread.join());
        }
        if self.shared.panicked.load(Ordering::Relaxed) && !std::thread::panicking() {
            panic!("an answer of the server panicked; its words stand above");
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.stop.is_now() {
            return;
        }
        // A client that is gone before it is greeted is no reason to stop.
        if let Err(error) = stream.and_then(|stream| greet(stream, shared)) {
            eprintln!("the server lost a connection: {error}");
        }
    }
}

fn greet(stream: TcpStream, shared: &Arc<Shared>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let number = shared.connections.fetch_add(1, Ordering::Relaxed);
    let twin = stream.try_clone()?;
    // The lock is held until the thread is listed, so that it can't take itself off the list before it is on it.
    let mut open = locked(&shared.open);
    let serving = shared.clone();
    let thread = named(stream.local_addr()?.port()).spawn(move || {
        connection::serve(stream, &serving, || drop(locked(&serving.open).remove(&number)));
    })?;
    open.insert(number, (twin, thread));
    Ok(())
}

/// Threads bear the port in their name: `wire 40123`.
fn named(port: u16) -> std::thread::Builder {
    std::thread::Builder::new().name(format!("wire {port}"))
}

impl Shared {
    /// Writes a request down; gives it with its number, from 1.
    fn note(&self, mut asked: Asked) -> Asked {
        asked.at = self.started.elapsed();
        let mut all = locked(&self.asked);
        asked.number = all.len() + 1;
        all.push(asked.clone());
        asked
    }

    /// What is answered, with the fault that the plan wants.
    fn answer(&self, asked: &Asked) -> Reply {
        let answer = std::panic::AssertUnwindSafe(|| (self.answer)(asked));
        let Ok(reply) = std::panic::catch_unwind(answer) else {
            self.panicked.store(true, Ordering::Relaxed);
            return Reply::text(500, "the answer panicked");
        };
        match reply.fault {
            Some(_) => reply,
            None => Reply { fault: self.plan.next(asked), ..reply },
        }
    }

    fn date(&self) -> String {
        httpdate::fmt_http_date((locked(&self.clock))())
    }
}

impl Stop {
    fn now(&self) {
        *locked(&self.stopped) = true;
        self.told.notify_all();
    }

    fn is_now(&self) -> bool {
        *locked(&self.stopped)
    }

    /// Sleeps that long, or until the server goes; whether it goes.
    fn sleep(&self, time: Duration) -> bool {
        let waited = self.told.wait_timeout_while(locked(&self.stopped), time, |stopped| !*stopped);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// What a thread that panicked left behind is still right here: every change is one assignment or one push.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
