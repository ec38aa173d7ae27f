//! What a reference in a playlist means, and how a playlist is asked for again.

use sailcast_media::hls::{Delta, resolve, with_directives};

/// RFC 3986, 5.4: reference and target, from `http://a/b/c/d;p?q`.
const EXAMPLES: [(&str, &str); 42] = [
    ("g:h", "g:h"),
    ("g", "http://a/b/c/g"),
    ("./g", "http://a/b/c/g"),
    ("g/", "http://a/b/c/g/"),
    ("/g", "http://a/g"),
    ("//g", "http://g"),
    ("?y", "http://a/b/c/d;p?y"),
    ("g?y", "http://a/b/c/g?y"),
    ("#s", "http://a/b/c/d;p?q#s"),
    ("g#s", "http://a/b/c/g#s"),
    ("g?y#s", "http://a/b/c/g?y#s"),
    (";x", "http://a/b/c/;x"),
    ("g;x", "http://a/b/c/g;x"),
    ("g;x?y#s", "http://a/b/c/g;x?y#s"),
    ("", "http://a/b/c/d;p?q"),
    (".", "http://a/b/c/"),
    ("./", "http://a/b/c/"),
    ("..", "http://a/b/"),
    ("../", "http://a/b/"),
    ("../g", "http://a/b/g"),
    ("../..", "http://a/"),
    ("../../", "http://a/"),
    ("../../g", "http://a/g"),
    ("../../../g", "http://a/g"),
    ("../../../../g", "http://a/g"),
    ("/./g", "http://a/g"),
    ("/../g", "http://a/g"),
    ("g.", "http://a/b/c/g."),
    (".g", "http://a/b/c/.g"),
    ("g..", "http://a/b/c/g.."),
    ("..g", "http://a/b/c/..g"),
    ("./../g", "http://a/b/g"),
    ("./g/.", "http://a/b/c/g/"),
    ("g/./h", "http://a/b/c/g/h"),
    ("g/../h", "http://a/b/c/h"),
    ("g;x=1/./y", "http://a/b/c/g;x=1/y"),
    ("g;x=1/../y", "http://a/b/c/y"),
    ("g?y/./x", "http://a/b/c/g?y/./x"),
    ("g?y/../x", "http://a/b/c/g?y/../x"),
    ("g#s/./x", "http://a/b/c/g#s/./x"),
    ("g#s/../x", "http://a/b/c/g#s/../x"),
    ("http:g", "http:g"),
];

#[test]
fn references_mean_what_the_standard_says() {
    for (reference, target) in EXAMPLES {
        assert_eq!(resolve("http://a/b/c/d;p?q", reference), target, "{reference}");
    }
}

#[test]
fn addresses_as_live_sites_have_them_resolve() {
    let playlist = "https://cdn.example.com:8443/app/stream.m3u8?auth=a/b/../c&t=1#x";
    for (reference, target) in [
        ("seg-1.ts?auth=x/../y", "https://cdn.example.com:8443/app/seg-1.ts?auth=x/../y"),
        ("2024-05-01T10:00:00.ts", "https://cdn.example.com:8443/app/2024-05-01T10:00:00.ts"),
        ("//other.example.com/a.ts", "https://other.example.com/a.ts"),
        ("data:text/plain;base64,AA/../BB==", "data:text/plain;base64,AA/../BB=="),
        ("skd://key-id", "skd://key-id"),
        ("blob:https://example.com/1", "blob:https://example.com/1"),
    ] {
        assert_eq!(resolve(playlist, reference), target);
    }
    assert_eq!(resolve("https://example.com", "a.ts"), "https://example.com/a.ts");
    assert_eq!(resolve("https://example.com?q", "a.ts"), "https://example.com/a.ts");
    assert_eq!(resolve("live/index.m3u8", "../a.ts"), "a.ts");
    assert_eq!(resolve("index.m3u8", "../a.ts"), "../a.ts");
}

#[test]
fn directives_come_behind_the_query_in_the_order_of_their_names() {
    let url = "https://example.com/live.m3u8";
    let asked = with_directives(url, Some(273), Some(2), Some(Delta::Segments));
    assert_eq!(asked, "https://example.com/live.m3u8?_HLS_msn=273&_HLS_part=2&_HLS_skip=YES");
    let asked =
        with_directives("https://example.com/live.m3u8?t=1#x", Some(7), None, Some(Delta::DateRangesToo));
    assert_eq!(asked, "https://example.com/live.m3u8?t=1&_HLS_msn=7&_HLS_skip=v2#x");
    assert_eq!(with_directives(url, None, Some(2), None), url, "a part of no segment is a bad request");
}

#[test]
fn directives_that_are_there_already_are_replaced() {
    let redirected = "https://example.com/live.m3u8?_HLS_msn=1&t=1&_HLS_part=3";
    assert_eq!(
        with_directives(redirected, Some(2), None, None),
        "https://example.com/live.m3u8?t=1&_HLS_msn=2"
    );
    assert_eq!(with_directives("/a?_HLS_skip=YES", None, None, None), "/a");
}
