//! HTTP: which request means what, publishing by POST, playing by GET, and the health report.
//!
//! **Invariant:** every answer about a stream may be read by any page (CORS) and kept by no cache. Folders named by
//! the operator go before streams, streams before the folder at `/`.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension,
    body::Body,
    extract::{FromRequestParts, Request, State, ws::WebSocketUpgrade},
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt, stream};
use hyper::{HeaderMap, Method, StatusCode, header, header::HeaderValue};
use serde_json::{Value, json};
use tokio::{sync::SetOnce, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    hub::{BadName, Hub, Refused, StreamName},
    ingest::{BadStream, Over, forward},
    pages::Pages,
    ws,
};

const FLV_SUFFIX: &str = ".flv";
const FLV_TYPE: &str = "video/x-flv";
/// How long a refused publisher may go on sending before its connection is cut: closing at once would reset it,
/// and the refusal might be lost on the way.
const LINGER: Duration = Duration::from_secs(2);

/// What every connection shares.
pub struct App {
    pub hub: Arc<Hub>,
    pub pages: Pages,
    /// Everything that must be over before the process goes.
    pub tasks: TaskTracker,
    pub shutdown: CancellationToken,
}

/// Of one connection: cancelled once the stream that it plays has been let go. A connection whose client does not
/// read asks for no more of the body, and could not learn it from there.
#[derive(Clone, Default)]
pub struct Playing(pub Arc<SetOnce<CancellationToken>>);

/// What a request asks for.
#[derive(Debug, PartialEq, Eq)]
enum Route {
    Health,
    Preflight,
    Publish(StreamName),
    Play(StreamName),
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
        if reads && path == "health" && !is_socket {
            return Self::Health;
        }
        if method == Method::OPTIONS {
            return Self::Preflight;
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
    match Route::of(&parts.method, &path, asks_upgrade, app.pages.owns(&path)) {
        Route::Page => app.pages.answer(Request::from_parts(parts, body)).await,
        Route::Health => with_stream_headers(health(&app)),
        Route::Preflight => with_stream_headers(StatusCode::NO_CONTENT.into_response()),
        Route::Play(name) => with_stream_headers(play(&app, &name, &playing)),
        Route::Publish(name) => with_stream_headers(publish(&app, name, &parts.headers, body).await),
        Route::Socket(name) => match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
            Ok(upgrade) if ws::wants_to_publish(&upgrade) => ws::publish(upgrade, app, name),
            Ok(upgrade) => ws::play(upgrade, app, name),
            Err(rejection) => rejection.into_response(),
        },
        Route::BadName => with_stream_headers(refusal(StatusCode::BAD_REQUEST, &BadName.to_string(), None)),
        Route::NotAllowed => {
            let reason = "nothing here takes this method";
            with_stream_headers(refusal(StatusCode::METHOD_NOT_ALLOWED, reason, None))
        }
    }
}

fn play(app: &App, name: &StreamName, playing: &Playing) -> Response {
    let Some(subscription) = app.hub.play(name) else {
        return refusal(StatusCode::NOT_FOUND, &format!("{name} is not live"), None);
    };
    if playing.0.set(subscription.let_go()).is_err() {
        return refusal(StatusCode::BAD_REQUEST, "a connection plays one stream", None);
    }
    // A tag at a time and uncopied: the connection gathers what is there into one write.
    let tags = stream::unfold(subscription, async |mut subscription| {
        let bytes = subscription.next().await.ok()?;
        Some((Ok::<_, std::convert::Infallible>(bytes), subscription))
    });
    // The connection ends with the stream that it plays, and is not another request's.
    let headers = [(header::CONTENT_TYPE, FLV_TYPE), (header::CONNECTION, "close")];
    (headers, Body::from_stream(tags)).into_response()
}

async fn publish(app: &App, name: StreamName, headers: &HeaderMap, body: Body) -> Response {
    let shown = name.to_string();
    let mut chunks = body.into_data_stream().map(|chunk| chunk.map_err(|_| Over::Left));
    let over = match app.hub.publish(name).await {
        Ok(publication) => forward(publication, &mut chunks, &app.shutdown).await,
        Err(refused) => {
            // A client that waits to be asked for the body is not asked.
            if !headers.contains_key(header::EXPECT) {
                linger(app, chunks);
            }
            let status = match refused {
                Refused::Taken(_) => StatusCode::CONFLICT,
                Refused::Full | Refused::Shutdown => StatusCode::SERVICE_UNAVAILABLE,
            };
            return refusal(status, &refused.to_string(), None);
        }
    };
    if over != Over::Left {
        linger(app, chunks);
    }
    match over {
        Over::Left => answer(StatusCode::OK, &json!({ "status": 200, "stream": shown })),
        Over::Silent => refusal(StatusCode::REQUEST_TIMEOUT, &over.to_string(), None),
        Over::Shutdown => refusal(StatusCode::SERVICE_UNAVAILABLE, &over.to_string(), None),
        Over::Bad(bad) => refusal(StatusCode::BAD_REQUEST, &bad.to_string(), Some(&bad)),
    }
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

fn refusal(status: StatusCode, reason: &str, bad: Option<&BadStream>) -> Response {
    let mut body = json!({ "status": status.as_u16(), "reason": reason });
    if let Some(offset) = bad.and_then(BadStream::offset) {
        body["offset"] = offset.into();
    }
    answer(status, &body)
}

fn answer(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

fn health(app: &App) -> Response {
    let streams: Vec<Value> = app
        .hub
        .health()
        .into_iter()
        .map(|s| {
            json!({
                "name": s.name,
                "players": s.players,
                "skips": s.skips,
                "tags": s.tags,
                "kbitPerSecond": s.kbit_per_s,
                "codecs": s.codecs,
                "ageSeconds": s.age.as_secs(),
            })
        })
        .collect();
    answer(StatusCode::OK, &json!({ "streams": streams, "residentBytes": resident_bytes() }))
}

/// The process's resident memory, where the system tells it the way Linux does.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(kib.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

fn with_stream_headers(mut response: Response) -> Response {
    let any = HeaderValue::from_static("*");
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, any.clone());
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, any.clone());
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, any);
    headers
        .insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, HEAD, POST, OPTIONS"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Pages that are cross-origin isolated may embed streams.
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
    response
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
        assert_eq!(get("/live/a.flv"), Route::Play(name("live/a")));
        assert_eq!(Route::of(&Method::HEAD, "/live/a.flv", false, false), Route::Play(name("live/a")));
        assert_eq!(get("/live/a.b.flv"), Route::BadName);
        assert_eq!(get("/live/.flv"), Route::BadName);
        assert_eq!(get("/live/a"), Route::Page);
        assert_eq!(get("/"), Route::Page);
        assert_eq!(get("/a/b/c.flv"), Route::Page);
        assert_eq!(post("/live/a"), Route::Publish(name("live/a")));
        assert_eq!(post("/live/a.flv"), Route::Publish(name("live/a")));
        assert_eq!(post("/a"), Route::BadName);
        assert_eq!(post("/live/%2e"), Route::BadName);
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
        assert_eq!(Route::of(&Method::POST, "/dist/a.flv", false, true), Route::NotAllowed);
        assert_eq!(Route::of(&Method::GET, "/dist/a", true, true), Route::NotAllowed);
    }
}
