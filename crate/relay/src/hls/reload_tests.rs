use super::*;
use crate::{
    hls::testing::{FIRST, Studio, ms},
    muxer::Format,
};

/// Two segments are complete, and of the third two parts are there.
fn studio() -> Studio {
    let mut studio = Studio::new(Format::Fmp4);
    studio.run(ms(4700));
    assert_eq!(studio.packager.window().edge(), Edge { sequence: FIRST + 2, parts: 2 });
    studio
}

fn ask(studio: &Studio, segment: u64, part: Option<u64>) -> Result<Reload, BadDirective> {
    Directives { msn: Some(FIRST + segment), part, skip: false }.reload(&studio.packager)
}

#[test]
fn what_is_there_is_told_at_once() {
    let studio = studio();
    assert_eq!(Directives::default().reload(&studio.packager), Ok(Reload::Ready));
    for (segment, part) in [(0, None), (1, None), (0, Some(0)), (1, Some(5)), (2, Some(0)), (2, Some(1))] {
        assert_eq!(ask(&studio, segment, part), Ok(Reload::Ready), "{segment} {part:?}");
    }
    let slid = Directives { msn: Some(0), part: Some(3), skip: false };
    assert_eq!(slid.reload(&studio.packager), Ok(Reload::Ready));
}

#[test]
fn what_comes_next_is_waited_for() {
    let mut studio = studio();
    for (segment, part) in [(2, None), (2, Some(2)), (2, Some(5)), (3, None), (3, Some(0))] {
        assert_eq!(ask(&studio, segment, part), Ok(Reload::Wait), "{segment} {part:?}");
    }
    studio.run(ms(400));
    assert_eq!(ask(&studio, 2, Some(2)), Ok(Reload::Ready));
    assert_eq!(ask(&studio, 2, None), Ok(Reload::Wait));
    studio.run(ms(1400));
    assert_eq!(ask(&studio, 2, None), Ok(Reload::Ready));
}

#[test]
fn a_part_behind_the_end_of_its_segment_is_the_first_of_the_next() {
    let mut studio = Studio::new(Format::Fmp4);
    studio.run(ms(4100));
    assert_eq!(studio.packager.window().edge(), Edge { sequence: FIRST + 2, parts: 0 });
    assert_eq!(ask(&studio, 1, Some(6)), Ok(Reload::Wait));
    studio.run(ms(400));
    assert_eq!(ask(&studio, 1, Some(6)), Ok(Reload::Ready));
}

#[test]
fn what_is_too_far_ahead_is_refused() {
    let studio = studio();
    for (segment, part) in [(4, None), (4, Some(0)), (2, Some(11)), (3, Some(9)), (u64::MAX - FIRST, None)] {
        assert!(matches!(ask(&studio, segment, part), Err(BadDirective::TooFar(_))), "{segment} {part:?}");
    }
    assert_eq!(ask(&studio, 2, Some(10)), Ok(Reload::Wait));
}

#[test]
fn a_stream_that_is_over_waits_for_nothing() {
    let mut studio = studio();
    studio.packager.end();
    for segment in [2, 3, 100] {
        assert_eq!(ask(&studio, segment, Some(0)), Ok(Reload::Ready));
    }
}

#[test]
fn directives_are_read_from_the_query() {
    let parse = |query| Directives::parse(Some(query));
    let all = Directives { msn: Some(7), part: Some(2), skip: true };
    assert_eq!(parse("secret=x&_HLS_msn=7&_HLS_part=2&_HLS_skip=YES"), Ok(all));
    assert_eq!(parse("_HLS_skip=v2"), Ok(Directives { skip: true, ..Directives::default() }));
    assert_eq!(Directives::parse(None), Ok(Directives::default()));
    assert_eq!(parse("_HLS_part=2"), Err(BadDirective::PartOfNothing));
    assert_eq!(parse("_HLS_skip=1"), Err(BadDirective::Skip));
    for bad in ["_HLS_msn=", "_HLS_msn=-1", "_HLS_msn=1&_HLS_part=x", "_HLS_msn=99999999999999999999"] {
        assert_eq!(parse(bad), Err(BadDirective::NotANumber), "{bad}");
    }
}

#[test]
fn a_playlist_without_parts_waits_for_segments() {
    let mut studio = Studio::new(Format::Ts);
    studio.run(ms(4700));
    assert_eq!(ask(&studio, 1, Some(7)), Ok(Reload::Ready));
    assert_eq!(ask(&studio, 2, Some(0)), Ok(Reload::Wait));
}
