//! One connection to a server, from its first byte to its last.
//!
//! **Invariant:** a tag is taken from the ring only while less than [`HIGH_WATER`] waits to be written, and the server
//! is read only then too: what it costs is that, one tag, and what its system's buffer holds.

use std::{future::pending, io, net::SocketAddr, time::Duration};

use bytes::Bytes;
use sailcast_media::flv::{TagEvent, TagKind, TagReader};
use thiserror::Error;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream, lookup_host},
    time::{Instant, sleep_until, timeout},
};

use super::{Pushing, timeline::Timeline};
use crate::{
    hub::Subscription,
    ring::Ended,
    rtmp::{Client, RtmpError, Target},
    tags::as_data_frame,
};

/// For each address that the server's name has, and for learning them.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const MAX_ADDRESSES: usize = 4;
/// From the connection to the leave to publish.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a server may take nothing of what is there for it.
const STALL_TIMEOUT: Duration = Duration::from_secs(10);
/// For what is left of a stream that is over, and the goodbye.
const GOODBYE: Duration = Duration::from_secs(1);
const HIGH_WATER: usize = 64 << 10;
const READ_SIZE: usize = 4096;
/// What the system holds for a server that does not read; left alone it grows to megabytes, all of it stale.
const SEND_BUFFER: u32 = 256 << 10;

/// Why a connection came to its end before the stream did.
#[derive(Debug, Error)]
pub enum Lost {
    #[error("cannot connect: {0}")]
    Connect(io::Error),
    #[error("lost: {0}")]
    Io(#[from] io::Error),
    #[error("lost: the server closed the connection")]
    Closed,
    #[error("lost: the server did not say for {} s whether it takes the stream", ANSWER_TIMEOUT.as_secs())]
    Unanswered,
    #[error("lost: the server took nothing for {} s", STALL_TIMEOUT.as_secs())]
    Stalled,
    #[error(transparent)]
    Rtmp(#[from] RtmpError),
}

/// Publishes until the stream is over. `seed` is any number.
pub(super) async fn session(
    target: &Target,
    subscription: &mut Subscription,
    seed: u64,
    pushing: &Pushing,
) -> Result<(), Lost> {
    let connected = tokio::select! {
        connected = connect(target) => connected,
        () = subscription.over() => return Ok(()),
    };
    let socket = connected.map_err(Lost::Connect)?;
    let client = Client::new(target, pushing.name.name(), seed);
    let mut session = Session { socket, client, feed: Feed::default(), began: Instant::now() };
    session.run(subscription, pushing).await?;
    // What the stream's end left unsaid is not worth a retry.
    let _ = timeout(GOODBYE, session.leave()).await;
    Ok(())
}

async fn connect(target: &Target) -> io::Result<TcpStream> {
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    let addresses = timeout(CONNECT_TIMEOUT, lookup_host(target.host())).await??;
    for address in addresses.take(MAX_ADDRESSES) {
        match timeout(CONNECT_TIMEOUT, connect_to(address)).await {
            Ok(Ok(socket)) => return Ok(socket),
            Ok(Err(error)) => failure = error,
            Err(late) => failure = late.into(),
        }
    }
    Err(failure)
}

async fn connect_to(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.set_keepalive(true)?;
    let stream = socket.connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

struct Session {
    socket: TcpStream,
    client: Client,
    feed: Feed,
    began: Instant,
}

impl Session {
    async fn run(&mut self, subscription: &mut Subscription, pushing: &Pushing) -> Result<(), Lost> {
        let mut input = [0; READ_SIZE];
        // When the server last took something, or had nothing to take.
        let mut moved = self.began;
        loop {
            let publishing = self.client.is_publishing();
            let waiting = self.client.output().len();
            let room = waiting < HIGH_WATER;
            let deadline = match (publishing, waiting) {
                (false, _) => Some(self.began + ANSWER_TIMEOUT),
                (true, 0) => None,
                (true, _) => Some(moved + STALL_TIMEOUT),
            };
            if waiting == 0 {
                moved = Instant::now();
            }
            let (mut from, mut to) = self.socket.split();
            tokio::select! {
                read = from.read(&mut input), if room => match read? {
                    0 => return Err(Lost::Closed),
                    len => {
                        self.client.input(&input[..len])?;
                        if self.client.is_publishing() && !publishing {
                            pushing.note_publishing();
                        }
                    }
                },
                written = to.write_buf(self.client.output()), if waiting > 0 => {
                    pushing.note_sent(written?);
                    moved = Instant::now();
                }
                next = next(subscription, publishing), if room => match next {
                    Ok(bytes) => {
                        let skipped = subscription.take_skipped();
                        if skipped.times > 0 {
                            pushing.note_skipped(skipped);
                        }
                        self.feed.push(bytes, &mut self.client);
                    }
                    Err(_ended) => return Ok(()),
                },
                () = at(deadline) => return Err(if publishing { Lost::Stalled } else { Lost::Unanswered }),
            }
        }
    }

    /// Writes what is left and the goodbye, and waits until the server has it.
    async fn leave(&mut self) -> io::Result<()> {
        self.client.unpublish();
        self.socket.write_all_buf(self.client.output()).await?;
        self.socket.shutdown().await?;
        let mut input = [0; READ_SIZE];
        while self.socket.read(&mut input).await? > 0 {}
        Ok(())
    }
}

/// The next bytes of the stream, or its end. Before the server has agreed only the end is of interest.
async fn next(subscription: &mut Subscription, publishing: bool) -> Result<Bytes, Ended> {
    if publishing {
        return subscription.next().await;
    }
    subscription.over().await;
    Err(Ended::Publisher)
}

async fn at(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => pending().await,
    }
}

/// From the FLV that players get to RTMP's messages.
#[derive(Default)]
struct Feed {
    reader: TagReader,
    timeline: Timeline,
}

impl Feed {
    fn push(&mut self, bytes: Bytes, client: &mut Client) {
        self.reader.push(bytes);
        loop {
            match self.reader.poll() {
                Ok(Some(TagEvent::Tag(tag))) => {
                    let timestamp = self.timeline.place(tag.kind, tag.timestamp);
                    let body = if tag.kind == TagKind::Script { as_data_frame(&tag.body) } else { tag.body };
                    client.send(tag.kind, timestamp, &body);
                }
                Ok(Some(_)) => {}
                Ok(None) => return,
                // The ring gives out whole tags.
                Err(error) => return log::error!("a stream for upstream cannot be read: {error}"),
            }
        }
    }
}
