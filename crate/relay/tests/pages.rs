//! Folders of files.

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
};

use common::{Relay, empty, whole};
use hyper::{Method, StatusCode};

/// A folder of its own, gone with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(path.join("sub")).unwrap();
        for (file, text) in [
            ("index.html", "<title>home</title>"),
            ("a.js", "1"),
            ("a.mjs", "2"),
            ("a.wasm", "\0asm"),
            ("a.css", ""),
            ("sub/index.html", "<title>sub</title>"),
        ] {
            fs::write(path.join(file), text).unwrap();
        }
        Self(path)
    }

    fn under(&self, prefix: &str) -> String {
        format!("{prefix}={}", self.0.display())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn files_come_with_their_types_and_folders_with_their_index() {
    let folder = Folder::new("types");
    let relay = Relay::start(&["--serve", &folder.under("/"), "--serve", &folder.under("/dist/")]);
    for (path, type_) in [
        ("/", "text/html; charset=utf-8"),
        ("/sub/", "text/html; charset=utf-8"),
        ("/a.js", "text/javascript; charset=utf-8"),
        ("/dist/a.mjs?v=1", "text/javascript; charset=utf-8"),
        ("/dist/a.wasm", "application/wasm"),
        ("/dist/a.css", "text/css; charset=utf-8"),
    ] {
        let response = relay.get(path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert_eq!(response.headers()["content-type"], type_, "{path}");
        assert!(!response.headers().contains_key("cross-origin-opener-policy"));
    }
    assert_eq!(whole(relay.get("/dist/sub/").await).await, "<title>sub</title>");
    for (path, to) in [("/dist", "/dist/"), ("/dist/sub?a=b", "/dist/sub/?a=b"), ("/sub", "/sub/")] {
        let response = relay.get(path).await;
        assert_eq!(response.status(), StatusCode::TEMPORARY_REDIRECT, "{path}");
        assert_eq!(response.headers()["location"], to);
    }
    for path in ["/none", "/dist/none", "/..%2f..%2fCargo.toml", "/dist/../../Cargo.toml"] {
        assert_eq!(relay.get(path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    let folder = Folder::new("validators");
    let relay = Relay::start(&["--serve", &folder.under("/")]);
    let response = relay.get("/a.js").await;
    assert_eq!(response.headers()["cache-control"], "no-cache");
    let modified = response.headers()["last-modified"].to_str().unwrap().to_owned();
    let headers = [("if-modified-since", modified.as_str())];
    let again = relay.request_on(relay.connect().await, Method::GET, "/a.js", &headers, empty()).await;
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn pages_can_be_isolated_and_streams_still_play_there() {
    let folder = Folder::new("isolated");
    let relay = Relay::start(&["--isolate", "--serve", &folder.under("/")]);
    let response = relay.get("/").await;
    assert_eq!(response.headers()["cross-origin-opener-policy"], "same-origin");
    assert_eq!(response.headers()["cross-origin-embedder-policy"], "require-corp");
    assert_eq!(response.headers()["cross-origin-resource-policy"], "cross-origin");
    let stream = relay.get("/live/none.flv").await;
    assert_eq!(stream.headers()["cross-origin-resource-policy"], "cross-origin");
}

#[tokio::test]
async fn a_folder_keeps_its_paths_from_publishers() {
    let folder = Folder::new("kept");
    let relay = Relay::start(&["--serve", &folder.under("/dist")]);
    let response = relay.request(Method::POST, "/dist/a").await;
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
}
