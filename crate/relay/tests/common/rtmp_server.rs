//! A server that takes what is published by RTMP, and tells what it saw.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    task::{JoinHandle, JoinSet},
    time::{Duration, sleep},
};

use crate::{
    common::within,
    rtmp_peer::{Peer, Seen},
};

pub struct RtmpServer {
    pub port: u16,
    /// What each connection did, in the order in which they came.
    seen: Arc<Mutex<Vec<Vec<Seen>>>>,
    serving: JoinHandle<()>,
}

impl RtmpServer {
    /// On a free port if that is 0.
    pub async fn start(port: u16, refusal: Option<&'static str>) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(([127, 0, 0, 1], port).into()).unwrap();
        let listener = socket.listen(16).unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen: Arc<Mutex<Vec<Vec<Seen>>>> = Arc::default();
        let serving = tokio::spawn(serve(listener, seen.clone(), refusal));
        Self { port, seen, serving }
    }

    pub fn url(&self) -> String {
        format!("rtmp://127.0.0.1:{}/app", self.port)
    }

    pub fn seen(&self) -> Vec<Vec<Seen>> {
        self.seen.lock().unwrap().clone()
    }

    /// What was seen, once it is so.
    pub async fn until(&self, what: &str, so: impl Fn(&[Vec<Seen>]) -> bool) -> Vec<Vec<Seen>> {
        within(what, async {
            loop {
                let seen = self.seen();
                if so(&seen) {
                    return seen;
                }
                sleep(Duration::from_millis(10)).await;
            }
        })
        .await
    }

    /// Ends, with all its connections, and frees the port.
    pub async fn stop(self) {
        self.serving.abort();
        let _ = self.serving.await;
    }
}

async fn serve(listener: TcpListener, seen: Arc<Mutex<Vec<Vec<Seen>>>>, refusal: Option<&'static str>) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let index = {
            let mut seen = seen.lock().unwrap();
            seen.push(Vec::new());
            seen.len() - 1
        };
        let seen = seen.clone();
        connections.spawn(async move {
            let mut peer = Peer::new(refusal);
            converse(stream, &mut peer, |peer| seen.lock().unwrap()[index].append(&mut peer.seen)).await;
        });
    }
}

async fn converse(mut stream: TcpStream, peer: &mut Peer, mut note: impl FnMut(&mut Peer)) {
    let mut bytes = vec![0; 16 << 10];
    while let Ok(len @ 1..) = stream.read(&mut bytes).await {
        let answer = peer.input(&bytes[..len]);
        note(peer);
        if stream.write_all(&answer).await.is_err() {
            return;
        }
    }
}
