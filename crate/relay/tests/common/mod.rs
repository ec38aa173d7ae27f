//! The real binary and plain clients for it.
#![allow(dead_code, reason = "each test file uses its part")]

pub mod ffmpeg;

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use futures_util::{SinkExt, StreamExt, stream};
use http_body_util::{BodyExt, Empty, StreamBody, combinators::UnsyncBoxBody};
use hyper::{Method, Request, Response, StatusCode, body::Frame, body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use sailcast_media::flv::{
    Tag, TagClass, TagEvent, TagReader,
    tag::{write_header, write_tag},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpSocket, TcpStream},
    sync::mpsc,
    task::JoinHandle,
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue, protocol::CloseFrame},
};

pub type Body = UnsyncBoxBody<Bytes, std::io::Error>;

/// Longer than anything here takes on a busy machine; a test that waits for it has failed.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("nothing within {PATIENCE:?}: {what}"))
}

pub fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/media").join(name)
}

pub fn fixture_bytes(name: &str) -> Bytes {
    std::fs::read(fixture(name)).unwrap().into()
}

/// A running relay; killed when dropped, if it was started here.
pub struct Relay {
    child: Option<Child>,
    id: u32,
    pub port: u16,
}

impl Relay {
    pub fn start(args: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sailcast-relay"))
            .args(["--port", "0"])
            .args(args)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut relay = Self::of(&mut child);
        relay.child = Some(child);
        relay
    }

    /// One that the test itself has started, its output piped.
    pub fn of(child: &mut Child) -> Self {
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address =
            line.trim_end().strip_prefix("listening on ").and_then(|url| url.split_once("://127.0.0.1:"));
        let port = address.map(|(_, port)| port).unwrap_or_else(|| panic!("said {line:?}")).parse().unwrap();
        Self { child: None, id: child.id(), port }
    }

    pub fn resident_mib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id)).unwrap();
        let kib = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).unwrap();
        kib.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
    }

    pub fn signal(&self, name: &str) {
        let done = Command::new("kill").args([name, &self.id.to_string()]).status().unwrap();
        assert!(done.success());
    }

    pub async fn exit(&mut self) -> ExitStatus {
        within("exit", async {
            loop {
                if let Some(status) = self.child.as_mut().unwrap().try_wait().unwrap() {
                    return status;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await
    }

    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.port)).await.unwrap()
    }

    /// A connection whose system buffers hold little, so that not reading is felt at the other end.
    pub async fn connect_narrow(&self) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(8 << 10).unwrap();
        socket.connect(([127, 0, 0, 1], self.port).into()).await.unwrap()
    }

    pub async fn request(&self, method: Method, path: &str) -> Response<Incoming> {
        self.request_on(self.connect().await, method, path, &[], empty()).await
    }

    pub async fn get(&self, path: &str) -> Response<Incoming> {
        self.request(Method::GET, path).await
    }

    pub async fn request_on(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> Response<Incoming> {
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let mut request = Request::builder().method(method).uri(path).header("host", "relay");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        within(path, sender.send_request(request.body(body).unwrap())).await.unwrap()
    }

    /// Publishes by POST what is sent to the channel; the answer comes from the task.
    pub fn post(&self, path: &str) -> (mpsc::Sender<Bytes>, JoinHandle<(StatusCode, serde_json::Value)>) {
        let (sender, receiver) = mpsc::channel::<Bytes>(4);
        let chunks = stream::unfold(receiver, async |mut receiver| {
            let chunk = receiver.recv().await?;
            Some((Ok::<_, std::io::Error>(Frame::data(chunk)), receiver))
        });
        let body = StreamBody::new(Box::pin(chunks)).boxed_unsync();
        let (port, path) = (self.port, path.to_owned());
        let answer = tokio::spawn(async move {
            let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
            tokio::spawn(connection);
            let request = Request::post(path).header("host", "relay").body(body).unwrap();
            let response = sender.send_request(request).await.unwrap();
            let status = response.status();
            (status, serde_json::from_slice(&whole(response).await).unwrap())
        });
        (sender, answer)
    }

    pub async fn socket(&self, path: &str, protocol: Option<&str>) -> Socket {
        self.socket_on(self.connect().await, path, protocol).await
    }

    pub async fn socket_on(&self, stream: TcpStream, path: &str, protocol: Option<&str>) -> Socket {
        let mut request = format!("ws://127.0.0.1:{}{path}", self.port).into_client_request().unwrap();
        if let Some(protocol) = protocol {
            let value = HeaderValue::from_str(protocol).unwrap();
            request.headers_mut().insert("sec-websocket-protocol", value);
        }
        let (socket, response) = within("upgrade", client_async(request, stream)).await.unwrap();
        let chosen = response.headers().get("sec-websocket-protocol").map(|v| v.to_str().unwrap().to_owned());
        assert_eq!(chosen.as_deref(), protocol);
        Socket(socket)
    }

    /// Waits until the health report says so of the stream.
    pub async fn until(&self, name: &str, so: impl Fn(&serde_json::Value) -> bool) -> serde_json::Value {
        within(&format!("state of {name}"), async {
            loop {
                let health: serde_json::Value =
                    serde_json::from_slice(&whole(self.get("/health").await).await).unwrap();
                let stream =
                    health["streams"].as_array().unwrap().iter().find(|s| s["name"] == name).cloned();
                let stream = stream.unwrap_or_default();
                if so(&stream) {
                    return stream;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await
    }

    /// Waits until so many tags of the stream are there.
    pub async fn until_has(&self, name: &str, tags: usize) -> serde_json::Value {
        self.until(name, |stream| stream["tags"].as_u64().is_some_and(|n| n >= tags as u64)).await
    }

    pub async fn until_gone(&self, name: &str) {
        self.until(name, serde_json::Value::is_null).await;
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

pub fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

pub async fn whole(response: Response<Incoming>) -> Bytes {
    within("body", response.into_body().collect()).await.unwrap().to_bytes()
}

/// A WebSocket's client.
pub struct Socket(pub WebSocketStream<TcpStream>);

impl Socket {
    pub async fn send(&mut self, data: Bytes) {
        within("send", self.0.send(Message::Binary(data))).await.unwrap();
    }

    /// The next data, or the close frame.
    pub async fn next(&mut self) -> Result<Bytes, CloseFrame> {
        loop {
            match within("message", self.0.next()).await {
                Some(Ok(Message::Binary(data))) => return Ok(data),
                Some(Ok(Message::Close(frame))) => return Err(frame.expect("a close frame with a code")),
                Some(Ok(_)) => {}
                other => panic!("no close frame but {other:?}"),
            }
        }
    }

    /// The code and reason of the close frame, whatever comes before it.
    pub async fn closed(&mut self) -> (u16, String) {
        loop {
            if let Err(frame) = self.next().await {
                return (frame.code.into(), frame.reason.to_string());
            }
        }
    }
}

enum Carrier {
    Http(Incoming),
    Socket(Box<Socket>),
}

/// A player that checks that it gets FLV without a fault.
pub struct Player {
    carrier: Carrier,
    reader: TagReader,
    pub header: Option<(bool, bool)>,
    /// How the stream ended: a close frame's code and reason over WebSocket.
    pub ended: Option<Option<(u16, String)>>,
}

impl Player {
    pub async fn http(relay: &Relay, path: &str) -> Self {
        Self::of_response(relay.get(path).await)
    }

    pub fn of_response(response: Response<Incoming>) -> Self {
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "video/x-flv");
        Self::new(Carrier::Http(response.into_body()))
    }

    pub async fn socket(relay: &Relay, path: &str) -> Self {
        Self::of_socket(relay.socket(path, None).await)
    }

    pub fn of_socket(socket: Socket) -> Self {
        Self::new(Carrier::Socket(Box::new(socket)))
    }

    fn new(carrier: Carrier) -> Self {
        Self { carrier, reader: TagReader::new(), header: None, ended: None }
    }

    /// The next tag; `None` at the end of the stream.
    pub async fn next(&mut self) -> Option<Tag> {
        loop {
            match self.reader.poll().unwrap() {
                Some(TagEvent::Tag(tag)) => return Some(tag),
                Some(TagEvent::Header { has_audio, has_video }) => self.header = Some((has_audio, has_video)),
                Some(fault) => panic!("{fault:?}"),
                None if self.ended.is_some() => return None,
                None => self.fill().await,
            }
        }
    }

    async fn fill(&mut self) {
        let more = match &mut self.carrier {
            Carrier::Http(body) => match within("body", body.frame()).await {
                Some(frame) => Ok(frame.unwrap().into_data().unwrap()),
                None => Err(None),
            },
            Carrier::Socket(socket) => {
                socket.next().await.map_err(|f| Some((f.code.into(), f.reason.to_string())))
            }
        };
        match more {
            Ok(data) => self.reader.push(data),
            Err(end) => {
                self.reader.finish();
                self.ended = Some(end);
            }
        }
    }

    pub async fn tags(&mut self, count: usize) -> Vec<Tag> {
        let mut tags = Vec::new();
        while tags.len() < count {
            tags.push(self.next().await.expect("more tags"));
        }
        tags
    }

    pub async fn rest(&mut self) -> Vec<Tag> {
        let mut tags = Vec::new();
        while let Some(tag) = self.next().await {
            tags.push(tag);
        }
        tags
    }
}

/// The tags of FLV bytes.
pub fn tags_of(flv: &Bytes) -> Vec<Tag> {
    let mut reader = TagReader::new();
    reader.push(flv.clone());
    reader.finish();
    let mut tags = Vec::new();
    while let Some(event) = reader.poll().unwrap() {
        match event {
            TagEvent::Tag(tag) => tags.push(tag),
            TagEvent::Header { .. } => {}
            TagEvent::Skipped { .. } => panic!("{event:?}"),
        }
    }
    tags
}

pub fn flv_of(tags: &[Tag], header: bool) -> Bytes {
    let mut out = BytesMut::new();
    if header {
        write_header(&mut out, true, true);
    }
    for tag in tags {
        write_tag(&mut out, tag.kind, tag.timestamp, &tag.body).unwrap();
    }
    out.freeze()
}

/// Where the newest group of pictures starts.
pub fn last_keyframe(tags: &[Tag]) -> usize {
    tags.iter().rposition(|tag| tag.class() == TagClass::Keyframe).unwrap()
}

/// Body and time stamp: what must survive the way.
pub fn essence(tags: &[Tag]) -> Vec<(u32, Bytes)> {
    tags.iter().map(|tag| (tag.timestamp, tag.body.clone())).collect()
}
