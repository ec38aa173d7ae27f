//! Connections: taking them, their limits, and letting them go.
//!
//! **Invariant:** once told to go down it takes no connection, says goodbye on those it has, and is over within
//! [`GOODBYE`]. A connection that asks for nothing is let go, whatever it speaks, and one that takes nothing.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Extension, Router};
use hyper::server::conn::{http1, http2};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpSocket, TcpStream},
    pin,
    sync::watch,
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use tower::{Layer, ServiceExt};

use crate::{
    app::App,
    http::{Playing, handle},
    stall::Unstalled,
    tls,
};

const BACKLOG: u32 = 1024;
/// How long a client may take to agree on TLS, and for a request's head, or keep a connection without one.
const HEADER_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a client of HTTP/2 may ask for nothing: then what it has begun is the last that it gets here.
const IDLE: Duration = Duration::from_secs(60);
/// How often a client of HTTP/2 is asked whether it still lives, and how long it may take to answer.
const PING_INTERVAL: Duration = Duration::from_secs(20);
/// Requests at once on one connection of HTTP/2: some players, and their waiting requests.
const MAX_REQUESTS: u32 = 64;
/// The heads of one request of HTTP/2, as those of HTTP/1 fit [`CONNECTION_BUFFER`].
const MAX_HEADS: u32 = 16 << 10;
/// What one connection may hold of requests' heads and of bytes on their way out; tags on their way out are shared.
const CONNECTION_BUFFER: usize = 64 << 10;
/// What the system holds for a player that does not read. Left alone it grows to megabytes, all of it stale once
/// the player reads on, and no frame in it could be dropped. At 100 ms of round trip this is 20 Mbit/s.
const SEND_BUFFER: u32 = 256 << 10;
/// What the system takes for a publisher that is read slowly on purpose; left alone it would take megabytes.
const NARROW_BUFFER: u32 = 64 << 10;
/// After an error that is not one connection's own, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long going down may take.
const GOODBYE: Duration = Duration::from_millis(1500);

/// Files of the process beside those of its players: publishers, upstreams, pages.
const OTHER_FILES: usize = 256;

/// A connection is a file, and many systems give a process 1024 unless it asks.
pub fn allow_files(players: usize) {
    let wanted = players.saturating_add(OTHER_FILES) as u64;
    match rlimit::increase_nofile_limit(wanted) {
        Ok(allowed) if allowed < wanted => {
            log::info!("the system allows {allowed} open files, fewer than {players} players need");
        }
        Ok(_) => {}
        Err(error) => log::info!("the limit of open files stays as it is: {error}"),
    }
}

/// `narrow`: publishers soon feel it when they are not read.
pub fn listen(address: SocketAddr, narrow: bool) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    if cfg!(unix) {
        // A restart does not wait for the old connections to be forgotten.
        socket.set_reuseaddr(true)?;
    }
    socket.set_send_buffer_size(SEND_BUFFER)?;
    if narrow {
        socket.set_recv_buffer_size(NARROW_BUFFER)?;
    }
    socket.set_keepalive(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves until the app's shutdown token is cancelled.
pub async fn serve(listener: TcpListener, tls: Option<TlsAcceptor>, app: Arc<App>) {
    let router = Router::new().fallback(handle).with_state(app.clone());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = app.shutdown.cancelled() => break,
        };
        match accepted {
            Ok((stream, _)) => {
                app.tasks.spawn(connection(stream, tls.clone(), router.clone(), app.clone()));
            }
            Err(error) => {
                log::warn!("cannot take a connection: {error}");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    app.tasks.close();
    if timeout(GOODBYE, app.tasks.wait()).await.is_err() {
        log::warn!("{} connections did not end in time", app.tasks.len());
    }
}

async fn connection(stream: TcpStream, tls: Option<TlsAcceptor>, router: Router, app: Arc<App>) {
    if let Err(error) = stream.set_nodelay(true) {
        log::debug!("TCP_NODELAY: {error}");
    }
    let stream = Unstalled::new(stream);
    let Some(tls) = tls else { return over_http1(stream, router, app).await };
    let agreed = tokio::select! {
        agreed = timeout(HEADER_TIMEOUT, tls.accept(stream)) => agreed,
        () = app.shutdown.cancelled() => return,
    };
    match agreed {
        Ok(Ok(stream)) if stream.get_ref().1.alpn_protocol() == Some(tls::H2) => {
            over_http2(stream, router, app).await;
        }
        Ok(Ok(stream)) => over_http1(stream, router, app).await,
        Ok(Err(error)) => log::debug!("TLS: {error}"),
        Err(_elapsed) => log::debug!("TLS: not agreed in time"),
    }
}

async fn over_http1(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    app: Arc<App>,
) {
    let playing = Playing::default();
    let service = Extension(playing.clone()).layer(router);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(CONNECTION_BUFFER)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
        .with_upgrades();
    pin!(connection);
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = async { playing.0.wait().await.cancelled().await } => {
            log::debug!("connection: cut, it does not read the rest of a stream that is over");
            return;
        }
        () = app.shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        log::debug!("connection: {error}");
    }
}

async fn over_http2(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    app: Arc<App>,
) {
    let (asked, mut last_asked) = watch::channel(());
    let service = Extension(Playing::default()).layer(router).map_request(move |request| {
        asked.send_replace(());
        request
    });
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_INTERVAL)
        .max_concurrent_streams(MAX_REQUESTS)
        .max_header_list_size(MAX_HEADS)
        .max_send_buf_size(CONNECTION_BUFFER)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    pin!(connection);
    let idle = async { while let Ok(Ok(())) = timeout(IDLE, last_asked.changed()).await {} };
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = idle => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
        () = app.shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        log::debug!("connection: {error}");
    }
}
