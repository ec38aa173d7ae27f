//! One load, from its first byte to its end: demux, buffer, start, play, stall, chase, seek, end.
//!
//! The playhead is *pinned* before the start and during a stall (it follows the live edge at target latency, or stands),
//! and *runs* in between. That of a paced source stands where it was put: it is never chased by what arrives. Every call of [`Playback::advance`] looks at what there is and does what is due; it may be called
//! at any time, any number of times.

mod away;
mod chase;
mod cue;
mod cut;
mod intake;
mod live;
mod paced;
mod rate;
mod reach;
mod renditions;
mod report;
mod seek;
mod start_stop;
mod tracks;
mod turns;
mod watch;

use std::collections::VecDeque;

use sailcast_media::{MediaTime, Metadata, Micros};

pub use self::rate::Wishes;
use self::{live::Live, renditions::Renditions, seek::Seeks, turns::Turns, watch::Barren};
use crate::{
    arrival::Arrival,
    audio::Audio,
    clock::Clock,
    connection::Brought,
    cues::Cues,
    decode::Fault,
    definitions::Setting,
    error::SailcastError,
    event::{Event, State, Stats},
    feed::{Extent, Feed},
    io::{AudioOutput, FrameInfo, Input, Instant, Load, Output, RequestId, SourceKind},
    ladder::Ladder,
    latency::{Aim, LatencyController, LatencyTarget},
    outbox::Outbox,
    player::{Background, PlayerConfig},
    pressure::Pressure,
    recording::{self, Recorder},
    sources::MakePaced,
    timeline::Timeline,
    tracks::Tracks,
    video::Video,
    warnings::Warnings,
};

/// How long a stream may go on with video packets and no keyframe.
const KEYFRAME_TIMEOUT: Micros = Micros::from_secs(10);
/// A codec we cannot play is an error once nothing else has come for this long.
const CODEC_TIMEOUT: Micros = Micros::from_secs(3);
/// A track this far behind the other has stopped: it no longer counts for what can be played.
const TRACK_LOST: Micros = Micros::from_secs(1);
/// And is back when it is nearer than this: one that is always about as far behind does not come and go.
const TRACK_BACK: Micros = Micros::from_millis(700);

/// The same of a paced source, which loads one track after the other...
const PACED_TRACK_LOST: Micros = Micros::from_secs(10);
/// ...and where it says that it has loaded both.
const PACED_TRACK_ENDED: Micros = Micros::from_millis(500);

/// Behind the end of the stream: how soon to look whether the decoders have given all.
const DRAINS: Micros = Micros::from_millis(20);

#[derive(Debug, PartialEq)]
enum Phase {
    /// Before the first start: pinned to the live edge.
    Starting,
    Playing,
    /// Underrun: the playhead stands.
    Stalled {
        since: Instant,
    },
    /// Of a paced source: the playhead was put where nothing is ready yet.
    Seeking,
    /// A paced source stands at its end; a seek goes on.
    Ended,
    /// This build cannot play it: what comes of it is kept for another one.
    Beyond,
    Over(State),
}

pub struct Playback {
    /// `None` until it is opened, and after `close`.
    feed: Option<Feed>,
    /// `None`: this build plays streams only.
    paced: Option<MakePaced>,
    timeline: Timeline,
    video: Video,
    audio: Audio,
    video_tracks: Tracks,
    audio_tracks: Tracks,
    cues: Cues,
    renditions: Renditions,
    /// Messages whose picture comes next.
    sei: Vec<Metadata>,
    /// What the connections before this one had brought of the pictures, in decoding order: messages up to there have been
    /// told.
    repeated: Option<MediaTime>,
    clock: Clock,
    /// Which latency to hold, within what was asked for.
    aim: Aim,
    latency: LatencyController,
    pressure: Pressure,
    background: Background,
    /// The page cannot be seen.
    hidden: bool,
    arrival: Arrival,
    warnings: Warnings,
    recording: Box<dyn Recorder>,
    phase: Phase,
    paused: bool,
    /// What the connections before this one had brought: pictures decoded, and the end of everything.
    decoded_before: u64,
    /// Pictures there had been when another connection was asked for since no decoder came to one.
    decoded_in_vain: Option<u64>,
    end_before: Option<MediaTime>,
    barren: Barren,
    last_stall: Option<Instant>,
    /// Stalls in a row with little time between them, the first not counted.
    stalls_together: u32,
    /// Playback stood because the viewer was away, who wants to be live again.
    returning: bool,
    /// The pause began while playing: time to hold the clock.
    held: bool,
    first_video: Option<Instant>,
    /// pts of the first keyframe and of the first sound: playback cannot start before.
    first_keyframe: Option<MediaTime>,
    first_sound: Option<MediaTime>,
    /// One of the tracks has stopped, or is too far behind the other.
    apart: bool,
    unsupported: Option<(Instant, SailcastError)>,
    keyframe_warned: bool,
    next_tick: Instant,
    /// As last told to the page.
    told_target: Micros,
    told_source: Option<(SourceKind, bool)>,
    /// What follows is of paced sources.
    extent: Extent,
    seeks: Seeks,
    live: Live,
    turns: Turns,
    pub wishes: Wishes,
    /// Sound of another rate has been written: the playhead follows when it is heard.
    rate_due: Option<(Instant, f64)>,
    /// What another sound has before this is not heard.
    sound_from: Option<MediaTime>,
    /// What could not be had, from where to where.
    holes: VecDeque<(MediaTime, MediaTime)>,
    stats: Stats,
}

impl Playback {
    pub fn new(config: PlayerConfig, paused: bool, now: Instant) -> Self {
        let aim = Aim::new(config.latency);
        let start = aim.held();
        Self {
            feed: None,
            paced: config.sources.paced,
            timeline: Timeline::default(),
            video: Video::new(Ladder::new(config.decoder, config.webcodecs.video)),
            audio: Audio::new(Ladder::new(config.decoder, config.webcodecs.audio)),
            video_tracks: Tracks::default(),
            audio_tracks: Tracks::default(),
            cues: Cues::default(),
            renditions: Renditions::default(),
            sei: Vec::new(),
            repeated: None,
            clock: Clock::new(),
            aim,
            latency: LatencyController::new(start),
            pressure: Pressure::default(),
            background: config.background,
            hidden: false,
            arrival: Arrival::default(),
            warnings: Warnings::default(),
            recording: (config.sources.recorder)(),
            phase: Phase::Starting,
            paused,
            decoded_before: 0,
            decoded_in_vain: None,
            end_before: None,
            barren: Barren::default(),
            last_stall: None,
            stalls_together: 0,
            returning: false,
            held: false,
            first_video: None,
            first_keyframe: None,
            first_sound: None,
            apart: false,
            unsupported: None,
            keyframe_warned: false,
            next_tick: now,
            told_target: start,
            told_source: None,
            extent: Extent::default(),
            seeks: Seeks::default(),
            live: Live::default(),
            turns: Turns::default(),
            wishes: Wishes::default(),
            rate_due: None,
            sound_from: None,
            holes: VecDeque::new(),
            stats: Stats::default(),
        }
    }

    /// Opens the source, or leaves that to the moment at which the page is seen.
    pub fn open(&mut self, load: Load, setting: Setting, seed: u64, now: Instant, out: &mut Outbox) {
        let mut feed = Feed::new(load, setting, self.paced, seed);
        match self.is_put_away() {
            true => feed.suspend(out),
            false => feed.open(now, out),
        }
        self.feed = Some(feed);
    }

    pub fn set_target(&mut self, target: LatencyTarget) {
        self.aim.set(target);
    }

    pub fn set_audio_output(&mut self, output: AudioOutput, now: Instant, out: &mut Outbox) {
        self.audio.set_output(output, out);
        self.clock.forget_sound();
        if output == AudioOutput::Off {
            // What the closed decoder held is lost; sound that comes back joins where the playhead then is.
            self.audio.stage.queue.drop_until(self.clock.media(now));
        }
    }

    pub fn inherit_sound(&mut self, before: &mut Self) {
        self.audio.inherit(&mut before.audio);
    }

    pub fn handle(&mut self, input: Input, now: Instant, out: &mut Outbox) {
        match input {
            Input::Io(id, event) if self.owns(id) => {
                if let Some(feed) = &mut self.feed {
                    feed.on_io(id, event, now, out);
                }
                self.demux(now, out);
            }
            Input::Resolved(id, url) if self.owns(id) => {
                let played = self.end().is_some();
                if let Some(feed) = &mut self.feed {
                    feed.on_resolved(id, url, played, now, out);
                }
            }
            Input::Decrypted(id, clear) if self.owns(id) => {
                if let Some(feed) = &mut self.feed {
                    feed.on_decrypted(id, clear, now, out);
                }
                self.demux(now, out);
            }
            Input::SelectRendition(rendition) => {
                if let Some(feed) = &mut self.feed {
                    feed.select(rendition, now, out);
                }
            }
            Input::Seek { to, exact } => self.seek(to, exact, now, out),
            Input::SeekLive => self.seek_live(now, out),
            Input::NetworkChanged => self.slept(now),
            Input::Suspend => self.suspend(now, out),
            Input::Wake => self.wake(now, out),
            Input::NotShown(_) => self.video.not_shown(),
            Input::FrameDecoded(id, frame) if self.video.stage.owns(id) => {
                self.barren.clear();
                self.video.on_frame(frame, now, out);
            }
            Input::FrameDecoded(_, frame) => out.push(Output::Release(frame.id)),
            Input::SamplesDecoded(id, pts, block) if self.audio.stage.owns(id) => {
                self.audio.on_samples(pts, block, now);
            }
            Input::Flushed(id) if self.video.stage.owns(id) => self.video.stage.on_flushed(out),
            Input::Flushed(id) if self.audio.stage.owns(id) => self.audio.stage.on_flushed(out),
            Input::LeftOut(id, pts, why) => self.left_out(id, pts, &why, now, out),
            Input::DecoderFailed(id, why) if self.video.stage.owns(id) => {
                self.video_failed(Fault::Error(&why), now, out);
            }
            Input::DecoderFailed(id, why) if self.audio.stage.owns(id) => {
                self.audio_failed(Fault::Error(&why), now, out);
            }
            Input::DecoderReclaimed(id) if self.video.stage.owns(id) => {
                self.video.on_reclaimed(self.playhead(now));
            }
            Input::DecoderReclaimed(id) if self.audio.stage.owns(id) => {
                self.audio.stage.on_reclaimed();
            }
            Input::Record(Some(_)) if self.is_over() => recording::refuse(out),
            Input::Record(container) => self.recording.want(container, now, out),
            Input::SelectTrack(id) => self.select_track(id, now, out),
            Input::AudioPlayed { frames } => {
                if let Some(heard) = self.audio.on_played(frames, now) {
                    self.clock.follow(heard, now);
                }
            }
            _ => {}
        }
    }

    pub fn set_paused(&mut self, paused: bool, now: Instant, out: &mut Outbox) {
        if paused == self.paused || self.is_over() {
            return;
        }
        self.paused = paused;
        if paused {
            self.held = self.phase == Phase::Playing;
            self.clock.stop(now);
            self.audio.silence(now, out);
        } else if std::mem::take(&mut self.held) {
            self.resume(now, out);
        }
        // A pause is no stall.
        let away = self.is_suspended();
        if let Phase::Stalled { since } = &mut self.phase {
            if paused && !away {
                self.stats.stalled += now - *since;
            }
            *since = now;
        }
    }

    /// Does whatever is due at `now`.
    pub fn advance(&mut self, now: Instant, out: &mut Outbox) {
        if self.is_over() || self.phase == Phase::Beyond {
            return;
        }
        if self.feed.as_ref().is_some_and(Feed::is_beyond) {
            self.phase = Phase::Beyond;
            out.push(Output::Event(Event::NeedsAll));
            return;
        }
        self.advance_feed(now, out);
        if self.is_paced() {
            return self.advance_paced(now, out);
        }
        if self.feed.as_ref().is_some_and(Feed::has_news) {
            self.demux(now, out);
        }
        self.extent = self.feed.as_ref().map(|feed| feed.extent(now)).unwrap_or_default();
        self.aim(now);
        self.watch(now, out);
        self.bound_buffers();
        if !self.paused && !self.is_suspended() {
            match self.phase {
                Phase::Starting | Phase::Stalled { .. } => self.try_start(now, out),
                Phase::Playing => self.keep_latency(now, out),
                Phase::Seeking | Phase::Ended | Phase::Beyond | Phase::Over(_) => {}
            }
        }
        self.decode_and_present(now, out);
        self.run_dry(now, out);
        self.tell_cues(now, out);
    }

    /// Asks for what is wanted next, and does what is due of the connection.
    fn advance_feed(&mut self, now: Instant, out: &mut Outbox) {
        let end = self.end();
        let brought = Brought { any: end.is_some(), new: end > self.end_before, good: self.is_good() };
        let view = self.view(now);
        if let Some(feed) = &mut self.feed {
            feed.advance(brought, &view, now, out);
        }
    }

    /// The earliest instant at which `advance` has something to do.
    pub fn next_wake(&mut self, now: Instant) -> Option<Instant> {
        if self.is_over() || self.phase == Phase::Beyond {
            return None;
        }
        let mut wake: Option<Instant> = None;
        let mut at = |t: Instant| wake = Some(wake.map_or(t, |w: Instant| w.min(t)));
        if let Some(deadline) = self.feed.as_mut().and_then(|feed| feed.deadline(now)) {
            at(deadline);
        }
        let paced = [self.seeks.deadline(), self.rate_due.map(|(due, _)| due)];
        for due in paced.into_iter().flatten() {
            at(due);
        }
        if let Some(first) =
            self.first_video.filter(|_| self.first_keyframe.is_none() && !self.keyframe_warned)
        {
            at(first + KEYFRAME_TIMEOUT);
        }
        let deadlines = [self.unsupported_until(), self.video_deadline(), self.audio.deadline()];
        for deadline in deadlines.into_iter().flatten() {
            at(deadline);
        }
        if self.clock.is_running() {
            if self.phase == Phase::Playing {
                at(self.next_tick);
            }
            if let Some(pump) = self.audio.next_pump(now) {
                at(pump);
            }
            if let Some((pts, earliest)) = self.video.next_due()
                && let Some(due) = self.clock.instant_of(pts)
            {
                at(due.max(earliest));
            }
            if let Some(end) = self.dry_at().and_then(|end| self.clock.instant_of(end)) {
                let soon = if self.has_ended() { DRAINS } else { Micros(1000) };
                at(if end > now { end } else { now + soon });
            }
            if let Some(seam) = self.turns.next().and_then(|seam| self.clock.instant_of(seam)) {
                at(seam.max(now));
            }
            if let Some(cue) = self.next_cue(now) {
                at(cue);
            }
        } else if let Some(next) = self.next_start(now) {
            at(next);
        }
        wake
    }

    /// Cancels the request, silences the sound and gives every frame back. The figures stay.
    pub fn close(&mut self, now: Instant, out: &mut Outbox) {
        let Some(mut feed) = self.feed.take() else { return };
        feed.close(out);
        self.recording.finish(now, out);
        self.stats.bytes_received = feed.bytes();
        self.stats.reconnects = feed.reconnects();
        self.clock.stop(now);
        self.video.close(out);
        self.audio.silence(now, out);
        self.audio.stage.close(out);
        self.cues = Cues::default();
        if !self.is_over() {
            self.phase = Phase::Over(State::Idle);
        }
    }

    /// A closed one, in whose place nothing could be loaded.
    pub fn give_up(&mut self) {
        self.phase = Phase::Over(State::Failed);
    }

    fn owns(&self, id: RequestId) -> bool {
        !self.is_over() && self.feed.as_ref().is_some_and(|feed| feed.owns(id))
    }

    fn decode_and_present(&mut self, now: Instant, out: &mut Outbox) {
        if self.is_over() || self.is_suspended() {
            return;
        }
        let ended = self.has_ended();
        let playhead = self.playhead(now);
        let unseen = self.is_unseen();
        if self.is_paced() {
            self.video.set_rate(self.clock.rate());
        }
        if !unseen {
            self.video.feed(ended, playhead, now, out);
        }
        let paused_on_picture = self.paused && self.video.stands();
        if !paused_on_picture {
            let pinned = self.phase == Phase::Starting && !self.is_paced();
            if pinned {
                self.video.chase(playhead);
            }
            self.audio.feed(ended, pinned, playhead, now, out);
            self.present(playhead, now, out);
            // A frame handed over makes room for the next packet.
            if !unseen {
                self.video.feed(ended, playhead, now, out);
            }
        }
        let rate = self.rate_due.map_or(self.clock.rate(), |(_, rate)| rate);
        self.audio.pump(&self.clock, rate, now, out);
    }

    fn present(&mut self, playhead: MediaTime, now: Instant, out: &mut Outbox) {
        let presented = self.video.present(self.has_ended(), playhead, now, out);
        if let Some(FrameInfo { width, height, turn, .. }) = presented.resized {
            out.push(Output::Event(Event::Resize { width, height, turn }));
        }
        if presented.first {
            out.push(Output::Event(Event::FirstFrame));
        }
        if let Some(pts) = presented.pts {
            if self.seeks.is_under_way() {
                // Of the pictures that led here nobody saw any.
                self.cues.forget_before(pts);
            }
            self.tell_cues_until(pts, out);
            self.stats.av_offset = self.audio.heard(now).map(|heard| pts - heard);
        }
    }
}
