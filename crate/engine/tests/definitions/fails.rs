//! When one of the two streams fails, or both.

use bytes::Bytes;
use sailcast_engine::{ErrorCode, Event, Input, Instant, IoError, IoEvent, IoRequest, Load, Response, State};
use sailcast_media::Micros;
use sailcast_sim::{BEGIN, Deliveries, LinkModel, Server, Sim, feed::Network};

use crate::world::*;

/// Asks for the low definition, which does not come, and expects the high one to go on.
fn assert_goes_on(low: Network, code: ErrorCode) -> Sim {
    let mut sim = watching(Site::fast(60).instead("low", low), at(400), Some(HIGH));
    sim.run_ms(4_000);
    let begin = sim.now;
    sim.input(Input::SelectRendition(Some(LOW)));
    sim.run_ms(25_000);
    assert_eq!((missing(&sim, begin), sim.stats().stalls), (0, 0));
    assert_even_sound(&sim, begin, 12);
    assert_eq!(changes(&sim).len(), 1, "the rendition stays");
    assert_eq!(sim.stats().rendition, Some(HIGH));
    let errors: Vec<_> = sim.errors().into_iter().map(|error| (error.code, error.fatal)).collect();
    assert_eq!(errors, [(code, false)]);
    assert_eq!(
        sim.count(|e| matches!(e, Event::Reconnecting { .. })),
        0,
        "the one that plays has no trouble"
    );
    sim
}

#[test]
fn one_that_is_refused_leaves_the_other_as_it_was() {
    assert_goes_on(Network::refused(), ErrorCode::ConnectionFailed);
}

#[test]
fn one_that_does_not_exist_leaves_the_other_as_it_was() {
    let not_found = Network::only(vec![IoEvent::Opened(Response::new(404, true))]);
    assert_goes_on(not_found, ErrorCode::HttpStatus);
}

#[test]
fn one_that_sends_something_else_leaves_the_other_as_it_was() {
    let page = IoEvent::Bytes(Bytes::from_static(b"<!DOCTYPE html><html></html>"));
    let page = Network::only(vec![IoEvent::Opened(Response::new(200, false)), page]);
    assert_goes_on(page, ErrorCode::FormatUnrecognised);
}

#[test]
fn one_that_never_speaks_is_given_up() {
    let silent = Network::only(vec![IoEvent::Opened(Response::new(200, false))]);
    let sim = assert_goes_on(silent, ErrorCode::Timeout);
    assert_eq!(sim.requests.len() - sim.cancelled.len(), 1);
}

/// The site until an instant, from which the high definition breaks and is refused.
struct Breaks {
    site: Site,
    at: Instant,
}

impl Server for Breaks {
    fn connect(&mut self, request: &IoRequest, now: Instant) -> Deliveries {
        if !request.url.contains("high") {
            return self.site.connect(request, now);
        }
        let left: Micros = self.at - now;
        if left <= Micros::ZERO {
            return Network::refused().connect(request, now);
        }
        let lost = (left, IoEvent::Failed(IoError::Lost));
        Box::new(self.site.connect(request, now).take_while(move |(at, _)| *at < left).chain([lost]))
    }
}

#[test]
fn where_the_present_one_is_lost_the_other_takes_over_at_once() {
    // A keyframe each ten seconds: waiting for the next one would take long.
    let site = Site::new(LinkModel::default(), 300, |_, _| {});
    let mut sim = watching(Breaks { site, at: BEGIN + MS(4_150) }, at(600), Some(HIGH));
    sim.run_ms(4_000);
    let asked = sim.now;
    sim.input(Input::SelectRendition(Some(LOW)));
    sim.run_ms(6_000);
    let (changed, id) = *changes(&sim).last().expect("a change");
    assert_eq!(id, LOW);
    assert!(changed < MS(4_700), "{changed:?}");
    missing(&sim, asked);
    // As long as its decoder takes from that keyframe on.
    assert!(longest_hold(&sim, asked) < MS(750), "{:?}", longest_hold(&sim, asked));
    assert_eq!(sim.stats().stalls, 0);
    assert_eq!(sim.state(), State::Playing);
}

#[test]
fn where_the_present_one_is_gone_for_good_another_one_is_played() {
    let site = Breaks { site: Site::fast(60), at: BEGIN };
    let mut sim = watching(site, at(400), Some(HIGH));
    sim.run_ms(12_000);
    assert_eq!(sim.stats().rendition, Some(MID));
    assert_eq!(sim.state(), State::Playing);
    let fatal = sim.errors().iter().filter(|error| error.fatal).count();
    assert_eq!(fatal, 0, "{:?}", sim.errors());
}

#[test]
fn where_none_can_be_had_it_fails_with_the_reason() {
    let mut site = Site::fast(60);
    for name in ["low", "mid", "high"] {
        site = site.instead(name, Network::refused());
    }
    let mut sim = watching(site, at(400), Some(HIGH));
    sim.run_ms(60_000);
    assert_eq!(sim.state(), State::Failed);
    assert_eq!(
        sim.errors().last().map(|error| (error.code, error.fatal)),
        Some((ErrorCode::ConnectionFailed, true))
    );
}

#[test]
fn a_load_that_was_left_leaves_no_connection() {
    let mut sim = watching(Site::fast(60), at(400), Some(HIGH));
    sim.run_ms(3_000);
    sim.input(Input::SelectRendition(Some(LOW)));
    sim.run_ms(30);
    sim.input(Input::Close);
    assert_eq!(sim.requests.len(), sim.cancelled.len());
    assert_eq!(sim.outstanding_frames(), 0);
}

#[test]
fn a_list_with_an_address_that_cannot_be_opened_is_refused() {
    let mut list = definitions();
    list[2].lines.push("rtmp://live/high".to_owned());
    let mut sim = Sim::with(at(400), Site::fast(60));
    sim.input(Input::Load(Load { definitions: list, ..Load::default() }));
    assert_eq!(sim.state(), State::Failed);
    assert_eq!(sim.errors().iter().map(|error| error.code).collect::<Vec<_>>(), [ErrorCode::UrlUnsupported]);
    assert_eq!(sim.requests.len(), 0);
}
