//! WebSocket: publishing with the subprotocol `publisher` and playing without, as node-media-server 4 does.
//!
//! **Invariant:** every refusal and every end is a close frame with a code and a reason, since a browser cannot read
//! the status of a refused upgrade. The codes are 4000 plus the HTTP status that says the same.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade},
    response::Response,
};
use bytes::{Bytes, BytesMut};
use futures_util::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use tokio::time::timeout;

use crate::{
    http::App,
    hub::{Refused, StreamName, Subscription},
    ingest::{BadStream, MAX_MESSAGE, Over, forward},
    ring::{Ended, Step},
};

/// Asked for by publishers, and only by them.
pub const PUBLISHER: &str = "publisher";

const NORMAL: u16 = 1000;
const GOING_AWAY: u16 = 1001;
const BAD_STREAM: u16 = 4400;
const NOT_LIVE: u16 = 4404;
const SILENT: u16 = 4408;
const TAKEN: u16 = 4409;
const FULL: u16 = 4503;

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

/// Whether the client asks to publish.
pub fn wants_to_publish(ws: &WebSocketUpgrade) -> bool {
    ws.requested_protocols().any(|protocol| protocol.as_bytes() == PUBLISHER.as_bytes())
}

pub fn publish(ws: WebSocketUpgrade, app: Arc<App>, name: StreamName) -> Response {
    let running = app.tasks.token();
    ws.protocols([PUBLISHER])
        .read_buffer_size(PUBLISHER_READ_BUFFER)
        .max_message_size(MAX_MESSAGE)
        .max_frame_size(MAX_MESSAGE)
        .on_upgrade(async move |mut socket| {
            let (code, reason) = match app.hub.publish(name).await {
                Err(refused) => (refusal_code(&refused), refused.to_string()),
                Ok(publication) => {
                    let chunks = (&mut socket).map(chunk);
                    let over = forward(publication, chunks, &app.shutdown).await;
                    (over_code(&over), over.to_string())
                }
            };
            close(socket, code, &reason).await;
            drop(running);
        })
}

pub fn play(ws: WebSocketUpgrade, app: Arc<App>, name: StreamName) -> Response {
    let running = app.tasks.token();
    ws.read_buffer_size(PLAYER_READ_BUFFER)
        .write_buffer_size(0)
        .max_message_size(MAX_PLAYER_MESSAGE)
        .max_frame_size(MAX_PLAYER_MESSAGE)
        .on_upgrade(async move |socket| {
            match app.hub.play(&name) {
                None => close(socket, NOT_LIVE, &format!("{name} is not live")).await,
                Some(subscription) => serve(socket, subscription).await,
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

fn refusal_code(refused: &Refused) -> u16 {
    match refused {
        Refused::Taken(_) => TAKEN,
        Refused::Full => FULL,
        Refused::Shutdown => GOING_AWAY,
    }
}

fn over_code(over: &Over) -> u16 {
    match over {
        Over::Left => NORMAL,
        Over::Silent => SILENT,
        Over::Shutdown => GOING_AWAY,
        Over::Bad(_) => BAD_STREAM,
    }
}

async fn serve(socket: WebSocket, mut subscription: Subscription) {
    let (mut to_player, mut from_player) = socket.split();
    let let_go = subscription.let_go();
    let ended = tokio::select! {
        ended = pump(&mut to_player, &mut subscription) => ended,
        () = gone(&mut from_player) => None,
        () = let_go.cancelled() => Some(Ended::Publisher),
    };
    // The player no longer counts while it takes its time to say goodbye.
    drop(subscription);
    let (code, reason) = match ended {
        None => (NORMAL, "the player left"),
        Some(Ended::Publisher) => (NORMAL, "stream ended"),
        Some(Ended::Shutdown) => (GOING_AWAY, "the relay is going down"),
    };
    if let Ok(socket) = to_player.reunite(from_player) {
        close(socket, code, reason).await;
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
        assert!(matches!(chunk(Ok(Message::text("FLV"))), Err(Over::Bad(_))));
        assert_eq!(chunk(Ok(Message::Close(None))), Err(Over::Left));
    }
}
