//! EXT-X-DEFINE: variables in playlists.

mod playlists;

use playlists::{media, multivariant, refused};
use sailcast_media::hls::{Playlist, Variables, parse};

fn pairs(variables: &[(&str, &str)]) -> Variables {
    Variables(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
}

#[test]
fn variables_are_replaced_in_uris_and_in_texts() {
    let playlist = media(
        "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-DEFINE:NAME=\"host\",VALUE=\"https://cdn.example.com\"\n\
         #EXT-X-DEFINE:NAME=\"id\",VALUE=\"{$host}-7\"\n#EXT-X-DEFINE:NAME=\"iv\",VALUE=\"0x0B\"\n\
         #EXT-X-KEY:METHOD=AES-128,URI=\"{$host}/key\",IV={$iv}\n#EXT-X-DATERANGE:ID=\"{$id}\"\n\
         #EXTINF:4,{$title}\n{$host}/{$id}.ts\n{$}{$ no name}.ts\n",
    );
    assert_eq!(playlist.date_ranges[0].id, "https://cdn.example.com-7");
    let [first, second] = playlist.segments.as_slice() else { panic!() };
    assert_eq!(first.uri.as_deref(), Some("https://cdn.example.com/https://cdn.example.com-7.ts"));
    assert_eq!(first.title, "{$title}", "titles have no variables");
    assert_eq!(first.keys[0].uri, "https://cdn.example.com/key");
    assert_eq!(first.keys[0].iv.map(u128::from_be_bytes), Some(11));
    assert_eq!(second.uri, playlists::at("{$}{$ no name}.ts"), "what is no reference stays");
}

#[test]
fn what_a_url_says_reaches_the_media_playlists_that_import_it() {
    let main = multivariant(
        "#EXTM3U\n#EXT-X-DEFINE:QUERYPARAM=\"token\"\n#EXT-X-DEFINE:NAME=\"n\",VALUE=\"1\"\n\
         #EXT-X-STREAM-INF:BANDWIDTH=1\n{$n}.m3u8?{$token}\n",
    );
    assert_eq!(main.variants[0].uri, "https://example.com/live/1.m3u8?a b");
    assert_eq!(main.variables, pairs(&[("token", "a b"), ("n", "1")]));
    let text = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-DEFINE:IMPORT=\"token\"\n{$token}.ts\n";
    let Ok(Playlist::Media(playlist)) = parse(text.as_bytes(), "", &main.variables) else { panic!() };
    assert_eq!(playlist.segments[0].uri.as_deref(), Some("a b.ts"));
}

#[test]
fn a_variable_that_is_not_defined_is_an_error() {
    let head = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n";
    for (text, why) in [
        ("{$a}.ts\n", "line 3 of the playlist uses the variable a, which is not defined"),
        (
            "{$a}.ts\n#EXT-X-DEFINE:NAME=\"a\",VALUE=\"\"\n",
            "line 3 of the playlist uses the variable a, which is not defined",
        ),
        ("#EXT-X-DEFINE:IMPORT=\"a\"\n", "line 3 of the playlist has a variable that is not there to import"),
        (
            "#EXT-X-DEFINE:QUERYPARAM=\"a\"\n",
            "line 3 of the playlist has a variable that the URL's query does not have",
        ),
        (
            "#EXT-X-DEFINE:NAME=\"a\",VALUE=\"1\"\n#EXT-X-DEFINE:NAME=\"a\",VALUE=\"1\"\n",
            "line 4 of the playlist has a variable that is there already",
        ),
        ("#EXT-X-DEFINE:NAME=\"a\"\n", "line 3 of the playlist has a variable without VALUE"),
        ("#EXT-X-DEFINE:VALUE=\"a\"\n", "line 3 of the playlist has a variable without a name"),
    ] {
        assert_eq!(refused(&format!("{head}{text}")), why);
    }
}

#[test]
fn variables_cannot_make_a_small_text_large() {
    let mut text =
        String::from("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-DEFINE:NAME=\"a0\",VALUE=\"0123456789\"\n");
    for n in 1..9 {
        text += &format!("#EXT-X-DEFINE:NAME=\"a{n}\",VALUE=\"{}\"\n", format!("{{$a{}}}", n - 1).repeat(10));
    }
    assert_eq!(refused(&text), "the playlist has more than 16384 bytes in a variable");
    let value = "v".repeat(16 << 10);
    let head = format!("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-DEFINE:NAME=\"a\",VALUE=\"{value}\"\n");
    let text = head + &"{$a}\n".repeat(20_000);
    assert_eq!(refused(&text), "the playlist has more than 134217728 bytes when it is expanded");
}
