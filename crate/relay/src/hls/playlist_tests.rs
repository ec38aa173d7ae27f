use sailcast_media::hls::{Playlist, Variables, parse, write, write_multivariant};

use super::*;
use crate::hls::{
    testing::{EPOCH, FIRST, Studio, audio, ms, video},
    window::Bounds,
};

const URL: &str = "http://relay/live/a/ll.m3u8";

/// As a client reads it.
fn read(studio: &Studio, delta: bool) -> MediaPlaylist {
    let text = write(&media(&studio.packager, "", delta));
    match parse(text.as_bytes(), URL, &Variables::default()) {
        Ok(Playlist::Media(playlist)) => playlist,
        other => panic!("{other:?}\n{text}"),
    }
}

fn text(studio: &Studio) -> String {
    write(&media(&studio.packager, "", false))
}

#[test]
fn a_client_reads_what_is_there() {
    let mut studio = Studio::new(Format::Fmp4);
    studio.run(ms(4700));
    let playlist = read(&studio, false);
    assert_eq!((playlist.media_sequence, playlist.target_duration), (FIRST, Micros::from_secs(2)));
    assert_eq!(playlist.part_target, Some(ms(339)));
    let control = playlist.control;
    assert!(control.can_block_reload);
    assert_eq!((control.can_skip_until, control.part_hold_back), (Some(ms(12_000)), Some(ms(1017))));
    let seen: Vec<_> = playlist.segments.iter().map(|one| (one.uri.as_deref(), one.parts.len())).collect();
    let url = |file: &str| format!("http://relay/live/a/{EPOCH}/{file}");
    let (first, second) = (url("3600000000.m4s"), url("3600000001.m4s"));
    assert_eq!(seen, [(Some(first.as_str()), 6), (Some(&second), 6), (None, 2)]);
    assert_eq!(playlist.segments[0].map.as_ref().unwrap().uri, url("init0.mp4"));
    assert_eq!(playlist.segments[2].parts[1].uri, url("part13.m4s"));
    assert_eq!(playlist.preload_hints[0].uri, url("part14.m4s"));
    assert!(playlist.segments.iter().all(|one| one.program_date_time.is_some()));
}

#[test]
fn the_next_part_is_the_one_that_was_hinted_at_also_over_the_end_of_a_segment() {
    let mut studio = Studio::new(Format::Fmp4);
    let mut hinted = None;
    for _ in 0..200 {
        studio.run(ms(33));
        let playlist = media(&studio.packager, "", false);
        let Some(newest) = playlist.segments.iter().flat_map(|one| &one.parts).next_back() else { continue };
        let hint = &playlist.preload_hints[0].uri;
        assert!(hinted.is_none_or(|hinted| hinted == newest.uri || hinted == *hint), "{hint}");
        hinted = Some(hint.clone());
    }
}

#[test]
fn parts_are_named_near_the_end_only() {
    let mut studio = Studio::new(Format::Fmp4);
    studio.run(ms(20_100));
    let named: Vec<bool> = read(&studio, false).segments.iter().map(|one| !one.parts.is_empty()).collect();
    assert_eq!(named, [false, false, false, false, false, false, false, true, true, true]);
}

#[test]
fn a_delta_update_with_what_the_client_has_is_the_whole_playlist() {
    let mut studio = Studio::new(Format::Fmp4);
    studio.run(ms(8100));
    studio.configure(audio(44_100));
    studio.run(ms(16_000));
    let before = read(&studio, false);
    studio.run(ms(2300));
    let update = read(&studio, true);
    assert_eq!(update.skip.as_ref().map(|skip| skip.segments), Some(7));
    let mut whole = read(&studio, false);
    // Older parts than a server keeps: a client has forgotten them too.
    whole.segments.iter_mut().take(7).for_each(|segment| segment.parts.clear());
    assert_eq!(update.merge_delta(&before), Ok(whole));
}

#[test]
fn there_is_no_delta_update_of_a_short_playlist() {
    let mut studio = Studio::new(Format::Fmp4);
    studio.run(ms(12_100));
    assert_eq!(read(&studio, true), read(&studio, false));
}

#[test]
fn sequences_count_what_has_slid_out() {
    let bounds = Bounds { listed: Micros::from_secs(8), bytes: usize::MAX };
    let mut studio = Studio::with(Format::Fmp4, bounds);
    studio.run(ms(4100));
    studio.configure(audio(44_100));
    studio.run(ms(6000));
    let playlist = read(&studio, false);
    assert_eq!((playlist.media_sequence, playlist.discontinuity_sequence), (FIRST + 1, 0));
    assert_eq!(text(&studio).matches("#EXT-X-DISCONTINUITY\n").count(), 1);
    studio.run(ms(6000));
    let playlist = read(&studio, false);
    assert_eq!((playlist.media_sequence, playlist.discontinuity_sequence), (FIRST + 4, 1));
    assert_eq!(text(&studio).matches("#EXT-X-DISCONTINUITY\n").count(), 0);
    assert_eq!(playlist.segments[0].map.as_ref().unwrap().uri.rsplit('/').next(), Some("init1.mp4"));
}

#[test]
fn the_end_is_told_and_hints_at_nothing() {
    let mut studio = Studio::new(Format::Fmp4);
    studio.run(ms(4700));
    studio.packager.end();
    let playlist = read(&studio, false);
    assert!(playlist.ended && playlist.preload_hints.is_empty());
    assert!(playlist.segments.iter().all(|one| one.uri.is_some()));
}

#[test]
fn ts_is_told_without_anything_that_old_players_do_not_know() {
    let mut studio = Studio::new(Format::Ts);
    studio.run(ms(4700));
    let text = text(&studio);
    assert!(text.contains("#EXT-X-VERSION:3\n") && text.contains("3600000001.ts\n"), "{text}");
    for tag in ["#EXT-X-MAP", "#EXT-X-PART", "#EXT-X-PRELOAD-HINT", "CAN-SKIP"] {
        assert!(!text.contains(tag), "{tag}\n{text}");
    }
    assert_eq!(read(&studio, true).segments.len(), 2);
}

#[test]
fn what_the_playlist_was_admitted_by_is_carried_on() {
    let mut studio = Studio::new(Format::Fmp4);
    studio.run(ms(4700));
    let suffix = "?sign=1-ab";
    let text = write(&media(&studio.packager, suffix, false));
    let addresses = text.lines().filter(|line| line.contains(&EPOCH.to_string()) && line.contains(".m"));
    assert!(addresses.clone().count() > 15);
    for address in addresses {
        let bare = address.split("URI=\"").last().unwrap().split('"').next().unwrap();
        assert!(bare.ends_with(suffix), "{address}");
    }
    let multivariant = multivariant(&studio.packager, "a", suffix);
    assert_eq!(multivariant.variants[0].uri, "a/ll.m3u8?sign=1-ab");
}

#[test]
fn the_multivariant_playlist_says_what_was_measured() {
    let mut studio = Studio::new(Format::Fmp4);
    studio.run(ms(10_100));
    let playlist = multivariant(&studio.packager, "a", "");
    let variant = &playlist.variants[0];
    assert_eq!(variant.codecs, [video().config.codec_string, audio(48_000).config.codec_string]);
    assert_eq!((variant.width, variant.height), (Some(320), Some(180)));
    assert!((variant.frame_rate.unwrap() - 30.0).abs() < 0.1);
    let (peak, mean) = (variant.bandwidth, variant.average_bandwidth.unwrap());
    let bytes: usize =
        studio.packager.window().listed().filter(|one| one.complete).map(|one| one.len()).sum();
    assert!(peak >= mean && mean.abs_diff(bytes as u64 * 8 / 10) < 10, "{peak} {mean} {bytes}");
    assert!(write_multivariant(&playlist).contains("a/ll.m3u8\n"));
}
