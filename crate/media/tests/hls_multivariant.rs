//! What multivariant playlists say.

mod playlists;

use playlists::{multivariant, refused};
use sailcast_media::{
    Micros,
    hls::{RenditionKind, Start},
};

#[test]
fn variants_and_renditions_say_what_is_chosen_by() {
    let main = multivariant(
        "#EXTM3U
#EXT-X-VERSION:7
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-START:TIME-OFFSET=-12.5,PRECISE=YES
#EXT-X-SESSION-DATA:DATA-ID=\"com.example.title\",VALUE=\"x\"
#EXT-X-CONTENT-STEERING:SERVER-URI=\"/steering\"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"aac\",NAME=\"English\",LANGUAGE=\"en\",DEFAULT=YES,CHANNELS=\"2\",URI=\"en.m3u8\"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"aac\",NAME=\"Described\",CHARACTERISTICS=\"public.accessibility.describes-video\"
#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"cc\",NAME=\"CC\",INSTREAM-ID=\"CC1\"
#EXT-X-MEDIA:TYPE=HOLOGRAM,GROUP-ID=\"h\",NAME=\"?\"
#EXT-X-STREAM-INF:BANDWIDTH=2560000,AVERAGE-BANDWIDTH=2000000,SCORE=1.5,CODECS=\"avc1.64001f, mp4a.40.2\",RESOLUTION=1280x720,FRAME-RATE=29.970,AUDIO=\"aac\",VIDEO-RANGE=SDR,NAME=\"720p\",PATHWAY-ID=\"A\"
# the URI comes

720.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=9000000,RESOLUTION=3840x2160,STABLE-VARIANT-ID=\"v4\",REQ-VIDEO-LAYOUT=\"CH-STEREO,CH-MONO\",SUPPLEMENTAL-CODECS=\"dvh1.08.07/db4h\"
uhd/index.m3u8
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=86000,URI=\"low/iframe.m3u8\"
#EXT-X-STREAM-INF:BANDWIDTH=1
",
    );
    assert_eq!((main.version, main.independent_segments), (7, true));
    assert_eq!(main.start, Some(Start { offset: Micros(-12_500_000), precise: true }));
    let [hd, uhd] = main.variants.as_slice() else { panic!("{:?}", main.variants) };
    assert_eq!((hd.bandwidth, hd.average_bandwidth, hd.score), (2_560_000, Some(2_000_000), Some(1.5)));
    assert_eq!(hd.uri, "https://example.com/live/720.m3u8");
    assert_eq!(hd.codecs, ["avc1.64001f", "mp4a.40.2"]);
    assert_eq!((hd.width, hd.height, hd.frame_rate), (Some(1280), Some(720), Some(29.97)));
    assert_eq!(
        (hd.audio.as_deref(), hd.name.as_deref(), hd.pathway.as_deref()),
        (Some("aac"), Some("720p"), Some("A"))
    );
    assert_eq!(hd.video_range.as_deref(), Some("SDR"));
    assert_eq!((uhd.name.as_deref(), uhd.video_layout.len()), (Some("v4"), 2));
    assert_eq!(uhd.supplemental_codecs, ["dvh1.08.07/db4h"]);
    assert_eq!(main.i_frame_variants[0].uri, "https://example.com/live/low/iframe.m3u8");
    let [english, described, captions] = main.renditions.as_slice() else { panic!("{:?}", main.renditions) };
    assert!(english.is_default && english.autoselect, "what is the default is selected");
    assert_eq!(english.uri.as_deref(), Some("https://example.com/live/en.m3u8"));
    assert_eq!((english.language.as_deref(), english.channels.as_deref()), (Some("en"), Some("2")));
    assert_eq!((described.uri.as_deref(), described.autoselect), (None, false));
    assert_eq!(described.characteristics, ["public.accessibility.describes-video"]);
    assert_eq!(captions.kind, RenditionKind::ClosedCaptions);
}

#[test]
fn attributes_need_no_care() {
    let main = multivariant(
        "#EXTM3U\n#EXT-X-STREAM-INF: BANDWIDTH = \"900\" , CODECS=avc1.42e01e,RESOLUTION=640X360,, junk ,NAME=\"a\",NAME=\"b, c\" \nlow\n\
         #EXT-X-STREAM-INF:AVERAGE-BANDWIDTH=5,RESOLUTION=wide\nhigh\n#EXT-X-STREAM-INF:\nunknown\n",
    );
    let told: Vec<_> = main.variants.iter().map(|v| (v.bandwidth, v.width, v.name.as_deref())).collect();
    assert_eq!(told, [(900, Some(640), Some("b, c")), (5, None, None), (0, None, None)]);
    assert_eq!(main.variants[0].codecs, ["avc1.42e01e"]);
}

#[test]
fn a_playlist_of_both_kinds_is_none() {
    assert_eq!(
        refused("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na.m3u8\n#EXTINF:4,\na.ts\n"),
        "line 4 of the playlist has a segment in a multivariant playlist"
    );
    assert_eq!(refused("#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\"\n"), "the playlist has no variants");
}
