//! HTTP: which request means what, publishing by POST, playing by GET, and the reports.
//!
//! **Invariant:** every answer about a stream may be read by the pages that may use the relay (CORS) and kept by no
//! cache, but for what HLS says may be. Folders named by the operator go before streams, streams before the folder at `/`.

use std::{convert::Infallible, pin::pin, sync::Arc, time::Duration};

use axum::{
    Extension,
    body::Body,
    extract::{FromRequestParts, Request, State, ws::WebSocketUpgrade},
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt, stream};
use hyper::{Method, StatusCode, Version, header, header::HeaderValue, http::request::Parts};
use serde_json::{Value, json};
use tokio::{
    sync::{SetOnce, mpsc},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::{
    app::App,
    auth::Action,
    health,
    hls::{self, Resource},
    hub::Subscription,
    ingest::{Over, forward},
    metrics,
    name::{BadName, StreamName},
    refusal::Refusal,
    throttle::{self, paced},
    ws,
};

const THROTTLE_PREFIX: &str = "throttle/";
const FLV_SUFFIX: &str = ".flv";
const FLV_TYPE: &str = "video/x-flv";
/// How long a refused publisher may go on sending before its connection is cut: closing at once would reset it,
/// and the refusal might be lost on the way.
const LINGER: Duration = Duration::from_secs(2);

/// Of one connection of HTTP/1: cancelled once the stream that it plays has been let go. A connection whose client does not
/// read asks for no more of the body, and could not learn it from there.
#[derive(Clone, Default)]
pub struct Playing(pub Arc<SetOnce<CancellationToken>>);

/// What a request asks for.
#[derive(Debug, PartialEq, Eq)]
enum Route {
    Health,
    Metrics,
    Preflight,
    Publish(StreamName),
    Throttle(StreamName),
    Play(StreamName),
    Hls(StreamName, Resource),
    Socket(StreamName),
    Page,
    BadName,
    NotAllowed,
}

impl Route {
    /// `folder`: the path belongs to a folder with a prefix of its own.
    fn of(method: &Method, path: &str, is_socket: bool, folder: bool) -> Self {
        let reads = matches!(*method, Method::GET | Method::HEAD);
        let path = path.trim_start_matches('/');
        match path {
            "health" if reads && !is_socket => return Self::Health,
            "metrics" if reads && !is_socket => return Self::Metrics,
            _ => {}
        }
        if method == Method::OPTIONS {
            return Self::Preflight;
        }
        if let (&Method::POST, Some(name)) = (method, path.strip_prefix(THROTTLE_PREFIX))
            && let Ok(name) = name.parse()
        {
            return Self::Throttle(name);
        }
        if reads
            && !is_socket
            && !folder
            && let Some((name, resource)) = Resource::of(path)
        {
            return Self::Hls(name, resource);
        }
        let name = path.strip_suffix(FLV_SUFFIX).unwrap_or(path).parse::<StreamName>();
        let is_flv = path.ends_with(FLV_SUFFIX) && path.matches('/').count() == 1;
        match (is_socket, name) {
            (false, _) if reads && (folder || !is_flv) => Self::Page,
            _ if folder => Self::NotAllowed,
            (_, Err(BadName)) if reads || method == Method::POST => Self::BadName,
            (true, Ok(name)) => Self::Socket(name),
            (false, Ok(name)) if reads => Self::Play(name),
            (false, Ok(name)) if method == Method::POST => Self::Publish(name),
            _ => Self::NotAllowed,
        }
    }
}

pub async fn handle(
    State(app): State<Arc<App>>,
    Extension(playing): Extension<Playing>,
    request: Request,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let asks_upgrade = parts.headers.contains_key(header::SEC_WEBSOCKET_KEY);
    let path = parts.uri.path().to_owned();
    let origin = parts.headers.get(header::ORIGIN).cloned();
    let mut response = match Route::of(&parts.method, &path, asks_upgrade, app.pages.owns(&path)) {
        Route::Page => return app.pages.answer(Request::from_parts(parts, body)).await,
        Route::Socket(name) => {
            return match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
                Ok(upgrade) => ws::answer(upgrade, app, name, &parts),
                Err(rejection) => rejection.into_response(),
            };
        }
        Route::Health => answer(StatusCode::OK, &health::report(&app)),
        Route::Metrics => {
            ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], metrics::page(&app)).into_response()
        }
        Route::Preflight => StatusCode::NO_CONTENT.into_response(),
        Route::Play(name) => play(&app, &name, &parts, &playing).unwrap_or_else(|why| refusal(&app, &why)),
        Route::Hls(name, resource) => {
            hls::answer(&app, &name, resource, &parts).await.unwrap_or_else(|why| refusal(&app, &why))
        }
        Route::Publish(name) => publish(&app, name, &parts, body).await,
        Route::Throttle(name) => throttle(&app, name, &parts),
        Route::BadName => refusal(&app, &BadName.into()),
        Route::NotAllowed => refusal(&app, &Refusal::Method),
    };
    app.origins.mark(&mut response, origin.as_ref());
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    // Pages that are cross-origin isolated may embed streams.
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
    response
}

fn play(app: &App, name: &StreamName, parts: &Parts, playing: &Playing) -> Result<Response, Refusal> {
    app.admit(Action::Play, name, &parts.uri, &parts.headers)?;
    let subscription = app.hub.play(name)?;
    if parts.version == Version::HTTP_2 {
        return Ok(([(header::CONTENT_TYPE, FLV_TYPE)], pumped(app, subscription)).into_response());
    }
    if playing.0.set(subscription.let_go()).is_err() {
        return Err(Refusal::SecondStream);
    }
    // A tag at a time and uncopied: the connection gathers what is there into one write.
    let tags = stream::unfold(subscription, async |mut subscription| {
        let bytes = subscription.next().await.ok()?;
        Some((Ok::<_, Infallible>(bytes), subscription))
    });
    // The connection ends with the stream that it plays, and is not another request's.
    let headers = [(header::CONTENT_TYPE, FLV_TYPE), (header::CONNECTION, "close")];
    Ok((headers, Body::from_stream(tags)).into_response())
}

/// What a player gets over HTTP/2, where its connection is other requests' too: a stream that it does not read holds no
/// place in the ring once it has been let go, though nobody asks for more of the body.
fn pumped(app: &App, mut subscription: Subscription) -> Body {
    let (sender, receiver) = mpsc::channel(1);
    app.tasks.spawn(async move {
        let let_go = subscription.let_go();
        let pump = async {
            while let Ok(bytes) = subscription.next().await
                && sender.send(bytes).await.is_ok()
            {}
        };
        tokio::select! {
            () = pump => {}
            () = sender.closed() => {}
            () = let_go.cancelled() => {}
        }
    });
    Body::from_stream(stream::unfold(receiver, async |mut receiver| {
        Some((Ok::<_, Infallible>(receiver.recv().await?), receiver))
    }))
}

async fn publish(app: &App, name: StreamName, parts: &Parts, body: Body) -> Response {
    let shown = name.to_string();
    let mut chunks = body.into_data_stream().map(|chunk| chunk.map_err(|_| Over::Left));
    let taken = match app.admit(Action::Publish, &name, &parts.uri, &parts.headers) {
        Ok(()) => app.publish(name).await,
        Err(why) => Err(why),
    };
    let publication = match taken {
        Ok(publication) => publication,
        Err(why) => {
            // A client that waits to be asked for the body is not asked.
            if !parts.headers.contains_key(header::EXPECT) {
                linger(app, chunks);
            }
            return refusal(app, &why);
        }
    };
    let counted = app.publisher();
    let pace = app.pace(&publication);
    let over = forward(publication, pin!(paced(&mut chunks, pace)), &app.limits, &app.shutdown).await;
    drop(counted);
    match over {
        Over::Left => answer(StatusCode::OK, &json!({ "status": 200, "stream": shown })),
        Over::Refused(why) => {
            linger(app, chunks);
            refusal(app, &why)
        }
    }
}

/// Who may publish may also say how fast.
fn throttle(app: &App, name: StreamName, parts: &Parts) -> Response {
    if let Err(why) = app.admit(Action::Publish, &name, &parts.uri, &parts.headers) {
        return refusal(app, &why);
    }
    let throttle = app.throttle.as_ref();
    let (status, body) =
        throttle.map_or_else(throttle::missing, |throttle| throttle.set(name, parts.uri.query()));
    answer(status, &body)
}

/// Reads on for a while, to nowhere.
fn linger(
    app: &App,
    mut chunks: impl stream::Stream<Item = Result<bytes::Bytes, Over>> + Unpin + Send + 'static,
) {
    let shutdown = app.shutdown.clone();
    app.tasks.spawn(async move {
        let drain = async { while let Some(Ok(_)) = chunks.next().await {} };
        tokio::select! {
            _ = timeout(LINGER, drain) => {}
            () = shutdown.cancelled() => {}
        }
    });
}

fn refusal(app: &App, why: &Refusal) -> Response {
    app.hub.counters.refused(why);
    let status = why.status();
    let mut body = json!({ "status": status.as_u16(), "reason": why.to_string() });
    if let Some(offset) = why.offset() {
        body["offset"] = offset.into();
    }
    answer(status, &body)
}

fn answer(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(s: &str) -> StreamName {
        s.parse().unwrap()
    }

    #[test]
    fn requests_are_told_apart_by_method_and_path() {
        let get = |path| Route::of(&Method::GET, path, false, false);
        let post = |path| Route::of(&Method::POST, path, false, false);
        assert_eq!(get("/health"), Route::Health);
        assert_eq!(get("/metrics"), Route::Metrics);
        assert_eq!(get("/live/a.flv"), Route::Play(name("live/a")));
        assert_eq!(Route::of(&Method::HEAD, "/live/a.flv", false, false), Route::Play(name("live/a")));
        let live = Route::Hls(name("live/a"), Resource::of("live/a/ll.m3u8").unwrap().1);
        assert_eq!(get("/live/a/ll.m3u8"), live);
        assert_eq!(get("/live/a/index.m3u8"), Route::Page);
        assert_eq!(get("/live/a.b.flv"), Route::BadName);
        assert_eq!(get("/live/.flv"), Route::BadName);
        assert_eq!(get("/live/a"), Route::Page);
        assert_eq!(get("/"), Route::Page);
        assert_eq!(get("/a/b/c.flv"), Route::Page);
        assert_eq!(post("/live/a"), Route::Publish(name("live/a")));
        assert_eq!(post("/live/a.flv"), Route::Publish(name("live/a")));
        assert_eq!(post("/a"), Route::BadName);
        assert_eq!(post("/live/%2e"), Route::BadName);
        assert_eq!(post("/throttle/live/a"), Route::Throttle(name("live/a")));
        assert_eq!(post("/throttle/a"), Route::Publish(name("throttle/a")));
        assert_eq!(get("/throttle/live/a"), Route::Page);
        assert_eq!(Route::of(&Method::OPTIONS, "/live/a.flv", false, false), Route::Preflight);
        assert_eq!(Route::of(&Method::DELETE, "/live/a.flv", false, false), Route::NotAllowed);
    }

    #[test]
    fn sockets_name_a_stream_with_or_without_suffix() {
        let socket = |path| Route::of(&Method::GET, path, true, false);
        assert_eq!(socket("/live/a"), Route::Socket(name("live/a")));
        assert_eq!(socket("/live/a.flv"), Route::Socket(name("live/a")));
        assert_eq!(socket("/"), Route::BadName);
        assert_eq!(socket("/health"), Route::BadName);
    }

    #[test]
    fn a_folder_keeps_its_paths_from_streams() {
        assert_eq!(Route::of(&Method::GET, "/dist/a.flv", false, true), Route::Page);
        assert_eq!(Route::of(&Method::GET, "/dist/a.m3u8", false, true), Route::Page);
        assert_eq!(Route::of(&Method::POST, "/dist/a.flv", false, true), Route::NotAllowed);
        assert_eq!(Route::of(&Method::GET, "/dist/a", true, true), Route::NotAllowed);
    }
}
