//! WebSocket: publishing with the subprotocol `publisher` and playing without, as node-media-server 4 does.
//!
//! A publisher that offers `acks.sailcast` beside it hears how many bytes of its messages were taken, by text messages
//! `{"received":N}`: right after the first, then as they grow, [`ACK_INTERVAL`] apart.
//!
//! **Invariant:** every refusal and every end is a close frame with a code and a reason, since a browser cannot read
//! the status of a refused upgrade. A publisher that does not read its acknowledgements is not held up by them, and
//! one of them waits for it at most.

use std::{pin::pin, sync::Arc, time::Duration};

use axum::{
    extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade},
    response::Response,
};
use bytes::{Bytes, BytesMut};
use futures_util::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use hyper::http::request::Parts;
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use crate::{
    app::App,
    auth::Action,
    hub::{Publication, Subscription},
    ingest::{MAX_MESSAGE, Over, forward},
    intake::BadStream,
    name::StreamName,
    refusal::Refusal,
    ring::{Ended, Step},
    throttle::paced,
};

/// Asked for by publishers, and only by them.
const PUBLISHER: &str = "publisher";
/// Offered beside it by publishers that want to hear what was taken.
const ACKS: &str = "acks.sailcast";

const NORMAL: u16 = 1000;

/// What one message to a player holds at most: what a player that does not read costs.
const MAX_PLAY_MESSAGE: usize = 64 << 10;
/// Players have nothing to say but pongs and close frames.
const MAX_PLAYER_MESSAGE: usize = 4 << 10;
const PLAYER_READ_BUFFER: usize = 4 << 10;
const PUBLISHER_READ_BUFFER: usize = 64 << 10;
/// A close frame's reason has room for this many bytes (RFC 6455, 5.5).
const MAX_REASON: usize = 123;
/// How long a peer may take to answer a close frame.
const CLOSE_WAIT: Duration = Duration::from_secs(1);
/// Acknowledgements are no closer to each other.
const ACK_INTERVAL: Duration = Duration::from_millis(100);

pub fn answer(ws: WebSocketUpgrade, app: Arc<App>, name: StreamName, parts: &Parts) -> Response {
    let offers = |name: &str| ws.requested_protocols().any(|protocol| protocol.as_bytes() == name.as_bytes());
    let (publishes, acks) = (offers(PUBLISHER), offers(ACKS));
    let action = if publishes { Action::Publish } else { Action::Play };
    let admitted = app.admit(action, &name, &parts.uri, &parts.headers);
    if publishes { publish(ws, app, name, admitted, acks) } else { play(ws, app, name, admitted) }
}

fn publish(
    ws: WebSocketUpgrade,
    app: Arc<App>,
    name: StreamName,
    admitted: Result<(), Refusal>,
    acks: bool,
) -> Response {
    let running = app.tasks.token();
    ws.protocols([PUBLISHER])
        .read_buffer_size(PUBLISHER_READ_BUFFER)
        .max_message_size(MAX_MESSAGE)
        .max_frame_size(MAX_MESSAGE)
        .on_upgrade(async move |socket| {
            let taken = match admitted {
                Ok(()) => app.publish(name).await,
                Err(why) => Err(why),
            };
            match taken {
                Ok(publication) => take(socket, &app, publication, acks).await,
                Err(why) => refuse(socket, &app, &why).await,
            }
            drop(running);
        })
}

/// Takes what a publisher sends until it is over.
async fn take(socket: WebSocket, app: &App, publication: Publication, acks: bool) {
    let counted = app.publisher();
    let (mut to, mut from) = socket.split();
    let (received, told) = watch::channel(0_u64);
    let over = {
        let pace = app.pace(&publication);
        let chunks = pin!(paced((&mut from).map(chunk), pace).inspect(|chunk| {
            let len = chunk.as_ref().map_or(0, Bytes::len);
            if acks && len > 0 {
                received.send_modify(|all| *all += len as u64);
            }
        }));
        tokio::select! {
            over = forward(publication, chunks, &app.limits, &app.shutdown) => over,
            never = acknowledge(&mut to, told) => match never {},
        }
    };
    drop(counted);
    let Ok(socket) = to.reunite(from) else { return };
    match over {
        Over::Left => close(socket, NORMAL, "the publisher left").await,
        Over::Refused(why) => refuse(socket, app, &why).await,
    }
}

/// Tells how much was taken, for ever. Whoever does not read the last one gets no other.
async fn acknowledge(
    to: &mut SplitSink<WebSocket, Message>,
    mut received: watch::Receiver<u64>,
) -> std::convert::Infallible {
    while received.changed().await.is_ok() {
        let taken = *received.borrow_and_update();
        if to.send(Message::text(format!("{{\"received\":{taken}}}"))).await.is_err() {
            break;
        }
        sleep(ACK_INTERVAL).await;
    }
    std::future::pending().await
}

fn play(ws: WebSocketUpgrade, app: Arc<App>, name: StreamName, admitted: Result<(), Refusal>) -> Response {
    let running = app.tasks.token();
    ws.read_buffer_size(PLAYER_READ_BUFFER)
        .write_buffer_size(0)
        .max_message_size(MAX_PLAYER_MESSAGE)
        .max_frame_size(MAX_PLAYER_MESSAGE)
        .on_upgrade(async move |socket| {
            match admitted.and_then(|()| app.hub.play(&name)) {
                Ok(subscription) => serve(socket, &app, subscription).await,
                Err(why) => refuse(socket, &app, &why).await,
            }
            drop(running);
        })
}

/// A publisher's message as a chunk of FLV.
fn chunk(message: Result<Message, axum::Error>) -> Result<Bytes, Over> {
    match message {
        Ok(Message::Binary(data)) => Ok(data),
        Ok(Message::Ping(_) | Message::Pong(_)) => Ok(Bytes::new()),
        Ok(Message::Text(_)) => {
            Err(BadStream::Carrier("a text message; FLV comes in binary ones".to_owned()).into())
        }
        Ok(Message::Close(_)) => Err(Over::Left),
        Err(error) => Err(BadStream::Carrier(error.to_string()).into()),
    }
}

async fn serve(socket: WebSocket, app: &App, mut subscription: Subscription) {
    let (mut to_player, mut from_player) = socket.split();
    let let_go = subscription.let_go();
    let ended = tokio::select! {
        ended = pump(&mut to_player, &mut subscription) => ended,
        () = gone(&mut from_player) => None,
        () = let_go.cancelled() => Some(Ended::Publisher),
    };
    // The player no longer counts while it takes its time to say goodbye.
    drop(subscription);
    let Ok(socket) = to_player.reunite(from_player) else { return };
    match ended {
        None => close(socket, NORMAL, "the player left").await,
        Some(Ended::Publisher) => close(socket, NORMAL, "stream ended").await,
        Some(Ended::Shutdown) => refuse(socket, app, &Refusal::Shutdown).await,
    }
}

/// Sends until the stream ends, or `None` when the player cannot be reached.
async fn pump(to: &mut SplitSink<WebSocket, Message>, subscription: &mut Subscription) -> Option<Ended> {
    let mut held = None;
    loop {
        let first = match held.take() {
            Some(bytes) => bytes,
            None => match subscription.next().await {
                Ok(bytes) => bytes,
                Err(ended) => return Some(ended),
            },
        };
        let mut message;
        (message, held) = gather(first, subscription);
        while !message.is_empty() {
            let piece = message.split_to(message.len().min(MAX_PLAY_MESSAGE));
            to.send(Message::Binary(piece)).await.ok()?;
        }
    }
}

/// One message of all that is there, and what did not fit. A tag too large for a message goes alone and uncopied.
fn gather(first: Bytes, subscription: &mut Subscription) -> (Bytes, Option<Bytes>) {
    let mut parts = vec![first];
    let mut len = parts.iter().map(Bytes::len).sum::<usize>();
    let held = loop {
        match subscription.try_next() {
            Step::Send(next) if len + next.len() <= MAX_PLAY_MESSAGE => {
                len += next.len();
                parts.push(next);
            }
            Step::Send(next) => break Some(next),
            Step::Wait | Step::End(_) => break None,
        }
    };
    let message = match parts.as_slice() {
        [only] => only.clone(),
        parts => {
            let mut message = BytesMut::with_capacity(len);
            parts.iter().for_each(|part| message.extend_from_slice(part));
            message.freeze()
        }
    };
    (message, held)
}

/// Waits until the player closes; reading is also what answers its pings.
async fn gone(from: &mut SplitStream<WebSocket>) {
    while let Some(Ok(message)) = from.next().await {
        if matches!(message, Message::Close(_)) {
            break;
        }
    }
}

async fn refuse(socket: WebSocket, app: &App, why: &Refusal) {
    app.hub.counters.refused(why);
    close(socket, why.close_code(), &why.to_string()).await;
}

/// Says why, and gives the peer a moment to hear it: closing a socket with unread data resets it, and the reason
/// would be lost on the way.
async fn close(mut socket: WebSocket, code: u16, reason: &str) {
    let end = reason.floor_char_boundary(MAX_REASON);
    let frame = CloseFrame { code, reason: reason[..end].into() };
    let farewell = async {
        // Refused where the peer closed first; reading on is then what sends the answer to its close frame.
        let _ = socket.send(Message::Close(Some(frame))).await;
        while let Some(Ok(_)) = socket.recv().await {}
    };
    if timeout(CLOSE_WAIT, farewell).await.is_err() {
        log::debug!("a peer did not answer its close frame: {reason}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_publisher_must_speak_in_binary_messages() {
        assert_eq!(chunk(Ok(Message::binary(&b"FLV"[..]))), Ok(Bytes::from_static(b"FLV")));
        assert_eq!(chunk(Ok(Message::Ping(Bytes::new()))), Ok(Bytes::new()));
        assert!(matches!(chunk(Ok(Message::text("FLV"))), Err(Over::Refused(_))));
        assert_eq!(chunk(Ok(Message::Close(None))), Err(Over::Left));
    }
}
