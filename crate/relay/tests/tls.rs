//! TLS, and HTTP/2 for who asks for it.

mod common;

use std::{path::PathBuf, process::Command, sync::Arc};

use bytes::Bytes;
use common::{Body, PATIENCE, Player, Relay, empty, fixture, fixture_bytes, whole, within};
use hyper::{Method, Request, Response, StatusCode, Version, body::Incoming, client::conn::http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::CertificateDer},
};
use tokio_tungstenite::client_async;

/// A certificate of its own for `localhost`, as files and for a client.
struct Identity {
    folder: PathBuf,
    certificate: CertificateDer<'static>,
}

impl Identity {
    fn new(test: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(test);
        std::fs::create_dir_all(&folder).unwrap();
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(folder.join("cert.pem"), made.cert.pem()).unwrap();
        std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
        Self { folder, certificate: made.cert.der().clone() }
    }

    fn file(&self, name: &str) -> String {
        self.folder.join(name).to_str().unwrap().to_owned()
    }

    fn start(&self, args: &[&str]) -> Relay {
        let (cert, key) = (self.file("cert.pem"), self.file("key.pem"));
        Relay::start(&[&["--tls-cert", &cert, "--tls-key", &key], args].concat())
    }

    /// What a client that offers these protocols gets to speak.
    async fn connect(&self, relay: &Relay, offers: &[&str]) -> TlsStream<TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = offers.iter().map(|offer| offer.as_bytes().to_vec()).collect();
        let connecting = TlsConnector::from(Arc::new(config))
            .connect("localhost".try_into().unwrap(), relay.connect().await);
        within("TLS", connecting).await.unwrap()
    }
}

async fn http2(stream: TlsStream<TcpStream>, window: u32) -> http2::SendRequest<Body> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder.initial_stream_window_size(window);
    let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

async fn get(sender: &mut http2::SendRequest<Body>, path: &str) -> Response<Incoming> {
    let request = Request::get(format!("https://localhost{path}")).body(empty()).unwrap();
    within(path, sender.send_request(request)).await.unwrap()
}

#[tokio::test]
async fn many_streams_play_on_one_connection_of_http2() {
    let identity = Identity::new("many-streams");
    let relay = identity.start(&["--demo", fixture("card.flv").to_str().unwrap()]);
    let stream = identity.connect(&relay, &["h2", "http/1.1"]).await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let mut sender = http2(stream, 1 << 20).await;
    let mut players = [
        Player::of_response(get(&mut sender, "/live/demo.flv").await),
        Player::of_response(get(&mut sender, "/live/demo.flv").await),
    ];
    for player in &mut players {
        assert_eq!(player.tags(20).await.len(), 20);
    }
    let health = get(&mut sender, "/health").await;
    assert_eq!((health.status(), health.version()), (StatusCode::OK, Version::HTTP_2));
    let health: serde_json::Value = serde_json::from_slice(&whole(health).await).unwrap();
    assert_eq!(health["streams"][0]["players"], 2);
}

#[tokio::test]
async fn who_does_not_ask_for_http2_speaks_http1_and_websocket() {
    let identity = Identity::new("http1");
    let relay = identity.start(&["--demo", fixture("card.flv").to_str().unwrap()]);
    for offers in [&["http/1.1"][..], &[]] {
        let stream = identity.connect(&relay, offers).await;
        let response = relay.request_on(stream, Method::GET, "/live/demo.flv", &[], empty()).await;
        assert_eq!(response.version(), Version::HTTP_11);
        Player::of_response(response).tags(3).await;
    }
    let stream = identity.connect(&relay, &["http/1.1"]).await;
    let (mut socket, _) = within("upgrade", client_async("ws://localhost/live/demo", stream)).await.unwrap();
    let first = within("message", futures_util::StreamExt::next(&mut socket)).await.unwrap().unwrap();
    assert!(first.into_data().starts_with(b"FLV"));
}

#[tokio::test]
async fn a_player_that_does_not_read_is_let_go_after_the_stream_and_its_connection_lives_on() {
    let identity = Identity::new("unread");
    let relay = identity.start(&[]);
    let mut publishing = http2(identity.connect(&relay, &["h2"]).await, 1 << 20).await;
    let mut playing = http2(identity.connect(&relay, &["h2"]).await, 1000).await;
    let (chunks, body) = tokio::sync::mpsc::channel::<Bytes>(4);
    let frames = futures_util::stream::unfold(body, async |mut body| {
        let chunk = body.recv().await?;
        Some((Ok::<_, std::io::Error>(hyper::body::Frame::data(chunk)), body))
    });
    let body = http_body_util::BodyExt::boxed_unsync(http_body_util::StreamBody::new(Box::pin(frames)));
    let posted = publishing.send_request(Request::post("https://localhost/live/a").body(body).unwrap());
    let posted = tokio::spawn(posted);
    chunks.send(fixture_bytes("card.flv")).await.unwrap();
    let players = async |sender: &mut http2::SendRequest<Body>| {
        let page = String::from_utf8(whole(get(sender, "/metrics").await).await.to_vec()).unwrap();
        let line = page.lines().find_map(|line| line.strip_prefix("sailcast_relay_players ")).unwrap();
        line.parse::<u32>().unwrap()
    };
    let unread = loop {
        let response = get(&mut playing, "/live/a.flv").await;
        if response.status() == StatusCode::OK {
            break response;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    assert_eq!(players(&mut publishing).await, 1);
    drop(chunks);
    assert_eq!(within("answer", posted).await.unwrap().unwrap().status(), StatusCode::OK);
    let began = std::time::Instant::now();
    while players(&mut playing).await > 0 {
        assert!(began.elapsed() < PATIENCE, "still a player");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    drop(unread);
}

#[test]
fn a_certificate_that_cannot_be_used_is_told_at_the_start() {
    let identity = Identity::new("bad");
    let (cert, key) = (identity.file("cert.pem"), identity.file("key.pem"));
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    for (cert, key, said) in [
        (cert.as_str(), "missing.pem", "missing.pem"),
        (manifest, key.as_str(), "no certificate"),
        (&cert, manifest, "Cargo.toml"),
    ] {
        let out = Command::new(env!("CARGO_BIN_EXE_sailcast-relay"))
            .args(["--port", "0", "--tls-cert", cert, "--tls-key", key])
            .output()
            .unwrap();
        assert_eq!(out.status.code(), Some(1));
        let told = String::from_utf8(out.stderr).unwrap();
        assert!(told.contains(said), "{told}");
    }
}
