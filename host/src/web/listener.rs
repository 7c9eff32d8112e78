//! The socket: how many may be connected, and for how long one may be silent.
//!
//! What always holds here: a connection on which nothing goes either way for [`SILENCE`] ends, and no more than [`MOST`] are open, so that
//! nobody uses up the daemon's files by connecting (`tests`).

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{extract::connect_info::Connected, serve::IncomingStream};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, Sleep, sleep},
};

/// Browsers open six connections each; most systems let a process have 1,024 files, of which runs need theirs.
const MOST: usize = 512;
/// Longer than the pauses of a live page, which is told something every 15 seconds.
const SILENCE: Duration = Duration::from_secs(75);

/// Who is at the other end of a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub SocketAddr);

impl Connected<IncomingStream<'_, Entrance>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Entrance>) -> Self {
        Self(*stream.remote_addr())
    }
}

/// A listener that counts those who are in.
pub(super) struct Entrance {
    listener: TcpListener,
    places: Arc<Semaphore>,
    silence: Duration,
}

impl Entrance {
    pub fn new(listener: TcpListener) -> Self {
        Self { listener, places: Arc::new(Semaphore::new(MOST)), silence: SILENCE }
    }
}

impl axum::serve::Listener for Entrance {
    type Io = Guest;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Guest, SocketAddr) {
        loop {
            // The semaphore is never closed; without a place the next one waits in the system's queue.
            let place = self.places.clone().acquire_owned().await.ok();
            match self.listener.accept().await {
                Ok((stream, address)) => {
                    let _ = stream.set_nodelay(true);
                    return (Guest { stream, silence: self.silence, alarm: Box::pin(sleep(self.silence)), _place: place }, address);
                }
                Err(error) => {
                    tracing::warn!("the dashboard can't take a connection: {error}");
                    // Out of files, for instance: trying again at once would only burn time.
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection with an alarm that goes off when nothing has gone either way for a while.
pub(super) struct Guest {
    stream: TcpStream,
    silence: Duration,
    alarm: Pin<Box<Sleep>>,
    _place: Option<OwnedSemaphorePermit>,
}

impl Guest {
    /// Sets the alarm anew when something went, and sounds it when nothing did for too long.
    fn heard<T>(&mut self, context: &mut Context<'_>, went: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if went.is_ready() {
            self.alarm.as_mut().reset(Instant::now() + self.silence);
            return went;
        }
        match self.alarm.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for Guest {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let went = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.heard(context, went)
    }
}

impl AsyncWrite for Guest {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let went = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.heard(context, went)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, context: &mut Context<'_>, parts: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let went = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.heard(context, went)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use axum::serve::Listener;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn entrance(places: usize, silence: Duration) -> Entrance {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Entrance { listener, places: Arc::new(Semaphore::new(places)), silence }
    }

    #[tokio::test]
    async fn a_silent_connection_ends() {
        let mut entrance = entrance(8, Duration::from_millis(40)).await;
        let mut client = TcpStream::connect(entrance.local_addr().unwrap()).await.unwrap();
        let (mut guest, _) = entrance.accept().await;
        client.write_all(b"a").await.unwrap();
        assert_eq!(guest.read_u8().await.unwrap(), b'a');
        let error = guest.read_u8().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn one_more_waits_until_somebody_leaves() {
        let mut entrance = entrance(1, SILENCE).await;
        let address = entrance.local_addr().unwrap();
        let _clients = [TcpStream::connect(address).await.unwrap(), TcpStream::connect(address).await.unwrap()];
        let (first, _) = entrance.accept().await;
        assert!(tokio::time::timeout(Duration::from_millis(30), entrance.accept()).await.is_err());
        drop(first);
        entrance.accept().await;
    }
}
