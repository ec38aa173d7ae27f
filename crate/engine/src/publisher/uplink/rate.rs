//! How much the encoder shall make: down at once when the link says so, up again by what it has carried, or by trying.
//!
//! A queue as such is no reason to lower: a keyframe makes one on any link. Only a link that carries less than is made is. A try
//! that failed is made again after twice the time, so on a steady link the changes become rare.

use sailcast_media::{MediaKind, Micros, Packet};

use super::{UplinkConfig, Why, link::Link, made::Made};
use crate::io::Instant;

/// Waiting for longer than this is worth a look at what the link carries.
const WAITS: Micros = Micros::from_millis(150);
/// And less than this is none.
const CALM: Micros = Micros::from_millis(80);
const CALM_FOR: Micros = Micros::from_millis(300);
/// Made at most of what the link carries; beyond it the bitrate is lowered...
const MOST: f64 = 0.94;
/// ...to this share, or to the other while a queue is to be worked off.
const LOWERED: f64 = 0.88;
const DRAINING: f64 = 0.75;
/// A queue that grows by less may be none, but a longer way...
const GROWS: Micros = Micros::from_millis(50);
/// ...and is taken for one after so long.
const CERTAIN: Micros = Micros::from_millis(500);
/// An encoder takes so long to follow.
const LOWER_EVERY: Micros = Micros::from_millis(500);
/// In silence the bitrate is halved as often.
const HALVED: f64 = 0.5;
/// Of what was carried in a burst, this much is made...
const OF_CARRIED: f64 = 0.9;
/// ...or this much of what it carries for certain...
const OF_KNOWN: f64 = 0.88;
/// ...in steps of at most this.
const CARRIED_STEP: f64 = 1.5;
const RAISE_EVERY: Micros = Micros::from_millis(700);
/// After lowering nothing is raised for so long.
const REST: Micros = Micros::from_millis(1500);
/// Tries: the more have gone well in a row, the bolder the next.
const TRIES: [f64; 4] = [1.08, 1.12, 1.2, 1.35];
const TRY_EVERY: Micros = Micros::from_secs(1);
/// Up to this share of where the link gave in, a try is not bold.
const BELOW_CEILING: f64 = 0.93;
/// Bold ones wait at first so long, and after failures at most so long.
const FIRST_HOLD: Micros = Micros::from_secs(4);
const LONGEST_HOLD: Micros = Micros::from_secs(32);
/// Without acknowledgements only tries find a faster link.
const LONGEST_HOLD_UNACKED: Micros = Micros::from_secs(8);
/// A try has gone well when the link has taken it for so long, and failed if not.
const TRIED: Micros = Micros::from_secs(5);
/// So many that went well in a row, and the link is a faster one.
const CONVINCING: u32 = 3;
/// A burst that was carried so much faster ends what was believed of the ceiling.
const FASTER: f64 = 1.15;
/// What the system may hide below a socket, and the longest that it is waited for.
const HIDDEN: f64 = 128.0 * 1024.0 * 8.0;
const LONGEST_HIDDEN: Micros = Micros::from_secs(6);
/// An encoder that makes less than this of its target has nothing to say: a higher one is not tried.
const USED: f64 = 0.5;
/// And one that makes less than this has no need to know what more there is.
const WANTS: f64 = 0.7;
/// Smaller changes are not worth the encoder's unrest.
const SMALLEST: f64 = 0.04;
const BITRATE_STEP: f64 = 5_000.0;

/// What the queue tells the rate.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    pub lag: Micros,
    pub budget: Micros,
    /// No video is taken but a keyframe.
    pub broken: bool,
}

#[derive(Debug)]
pub struct Rate {
    least: f64,
    most: f64,
    audio: f64,
    /// Video and sound together, bit/s: what is wanted, and what was told.
    total: f64,
    told: u32,
    made: Made,
    raised: Option<Instant>,
    lowered: Option<Instant>,
    calm: Option<Instant>,
    /// What the link carried when it last gave in; ended by what goes well.
    ceiling: Option<f64>,
    /// The same, and how long was waited, until nothing waits.
    gave_in: Option<(f64, Micros)>,
    /// Since then the way seems to be a longer one.
    detour: Option<Instant>,
    hold: Micros,
    /// A bold try that is not decided yet.
    bold: Option<Instant>,
    /// Bold tries in a row that the link has taken.
    taken: u32,
    /// Raises in a row that went well.
    streak: usize,
    /// Frames were, since it was looked at.
    given_up: bool,
    /// Nothing is raised before.
    rest_until: Option<Instant>,
}

impl Rate {
    pub fn new(config: &UplinkConfig) -> Self {
        let mut rate = Self {
            least: 0.0,
            most: 0.0,
            audio: 0.0,
            total: 0.0,
            told: 0,
            made: Made::default(),
            raised: None,
            lowered: None,
            calm: None,
            ceiling: None,
            gave_in: None,
            detour: None,
            hold: FIRST_HOLD,
            bold: None,
            taken: 0,
            streak: 0,
            given_up: false,
            rest_until: None,
        };
        rate.bound(config);
        // Nothing is known: between the bounds, where a wrong guess costs the same on both sides.
        rate.total = rate.audio + (rate.least * rate.most).sqrt();
        rate.tell();
        rate
    }

    pub fn configure(&mut self, config: &UplinkConfig) {
        let audio = self.audio;
        self.bound(config);
        self.total += self.audio - audio;
        self.tell();
    }

    fn bound(&mut self, config: &UplinkConfig) {
        let (least, most) = config.video_bitrate;
        self.most = f64::from(most);
        self.least = f64::from(least.min(most));
        self.audio = f64::from(config.audio_bitrate);
    }

    pub fn reopened(&mut self, link: &Link) {
        if let Some(estimate) = link.estimate() {
            self.total = self.total.min(estimate * OF_CARRIED);
        }
        self.ceiling = None;
        self.hold = FIRST_HOLD;
        (self.bold, self.streak, self.calm, self.rest_until) = (None, 0, None, None);
        self.made.restart();
        self.tell();
    }

    /// What the encoder of video is asked for, bit/s.
    pub fn video(&self) -> u32 {
        self.told
    }

    /// Video and sound as they are asked for, bit/s.
    pub fn total(&self) -> f64 {
        self.audio + f64::from(self.told)
    }

    /// What the encoder of video makes, bit/s, where that is known.
    pub fn made_bitrate(&self) -> Option<f64> {
        self.made.of(f64::from(self.told))
    }

    /// Nothing has waited for a while.
    pub fn is_calm(&self, now: Instant) -> bool {
        self.calm.is_some_and(|since| now - since >= CALM_FOR)
    }

    /// The encoder has made this.
    pub fn produced(&mut self, packet: &Packet, now: Instant) {
        if packet.track.kind == MediaKind::Video {
            let bits = packet.data.len() as f64 * 8.0;
            self.made.note(bits, packet.keyframe, f64::from(self.told), now);
        }
    }

    /// It was kept from making something.
    pub fn rested(&mut self) {
        self.made.spoil();
    }

    /// Frames were given up that others refer to.
    pub fn gave_up(&mut self) {
        self.made.spoil();
        self.given_up = true;
    }

    /// What is really made of `total`.
    fn made_of(&self, total: f64) -> f64 {
        self.audio + (total - self.audio).max(0.0) * self.made.factor()
    }

    /// What to ask for, so that `bits` are made.
    fn to_make(&self, bits: f64) -> f64 {
        self.audio + (bits - self.audio).max(0.0) / self.made.factor()
    }

    pub fn decide(&mut self, link: &mut Link, seen: Seen, now: Instant) -> Option<Why> {
        let waits = link.excess(now);
        if waits < CALM && seen.lag < WAITS {
            self.calm.get_or_insert(now);
        } else {
            self.calm = None;
        }
        if self.is_calm(now) {
            (self.gave_in, self.detour) = (None, None);
        }
        self.judge_try(now);
        if let Some(why) = self.lower(link, waits, seen, now) {
            return Some(why);
        }
        self.raise(link, seen, now)
    }

    /// Whether nothing is known of what more the link carries, though more would be made: not where the picture is so simple that
    /// even what it may have is not used.
    pub fn is_curious(&self, link: &Link, now: Instant) -> bool {
        let more = self.total < self.audio + self.most && self.made_of(self.total) >= self.total * WANTS;
        more && link.is_exact() && self.is_calm(now) && link.known(now).is_none()
    }

    fn lower(&mut self, link: &mut Link, waits: Micros, seen: Seen, now: Instant) -> Option<Why> {
        if self.lowered.is_some_and(|at| now - at < LOWER_EVERY) {
            return None;
        }
        if link.silence(now).is_some() {
            self.total *= HALVED;
            self.lowered(link, None, now);
            return self.tell().then_some(Why::Silence);
        }
        let rate = link.busy_rate()?;
        // Frames that came too late were too many, whatever they should have been.
        let given_up = std::mem::take(&mut self.given_up);
        if waits < WAITS || (self.made_of(self.total) <= rate * MOST && !given_up) {
            return None;
        }
        if !given_up && self.is_detour(link, rate, waits, now) {
            return None;
        }
        let draining = seen.lag > seen.budget.scale(0.5) || !link.is_exact();
        let wanted = self.to_make(rate * if draining { DRAINING } else { LOWERED });
        let wanted = if given_up { wanted.min(self.total * LOWERED) } else { wanted };
        if wanted >= self.total {
            return None;
        }
        self.total = wanted;
        self.gave_in = Some((rate, waits));
        self.lowered(link, Some(rate), now);
        self.tell().then_some(Why::Congestion)
    }

    /// Whether the way has become longer rather than narrower: less has come through only since less was sent, and it takes
    /// no longer than before. A queue would have become shorter.
    fn is_detour(&mut self, link: &mut Link, rate: f64, waits: Micros, now: Instant) -> bool {
        let is_one =
            self.gave_in.is_some_and(|(before, waited)| rate < before * MOST && waits < waited + GROWS);
        if !is_one {
            self.detour = None;
            return false;
        }
        if now - *self.detour.get_or_insert(now) >= CERTAIN {
            (self.detour, self.gave_in) = (None, None);
            link.rebase();
        }
        true
    }

    fn lowered(&mut self, link: &mut Link, rate: Option<f64>, now: Instant) {
        if self.bold.take().is_some() || self.raised.is_some_and(|at| now - at < TRIED) {
            let longest = if link.is_exact() { LONGEST_HOLD } else { LONGEST_HOLD_UNACKED };
            self.hold = (self.hold + self.hold).min(longest);
        }
        self.raised = None;
        self.lowered = Some(now);
        (self.streak, self.taken) = (0, 0);
        self.ceiling = rate;
        link.forget_bursts(now);
        let hidden = rate.filter(|_| !link.is_exact()).map_or(Micros::ZERO, |rate| {
            let spare = (rate - self.made_of(self.total)).max(1.0);
            Micros::from_secs(1).scale(HIDDEN / spare).min(LONGEST_HIDDEN)
        });
        self.rest_until = Some(now + REST.max(hidden));
    }

    /// A bold try that the link has taken moves the ceiling, and the next one has to wait as long; some in a row end it.
    fn judge_try(&mut self, now: Instant) {
        if self.bold.is_some_and(|at| now - at >= TRIED) {
            self.bold = None;
            self.taken = self.taken.saturating_add(1);
            let taken = self.made_of(self.total) / BELOW_CEILING;
            self.ceiling = self.ceiling.map(|ceiling| ceiling.max(taken)).filter(|_| self.taken < CONVINCING);
            if self.ceiling.is_none() {
                self.hold = FIRST_HOLD;
            }
        }
    }

    fn raise(&mut self, link: &Link, seen: Seen, now: Instant) -> Option<Why> {
        let known = link.known(now).map_or(f64::MAX, |rate| self.to_make(rate * OF_KNOWN));
        let most = known.min(self.audio + self.most);
        let resting = self.rest_until.is_some_and(|until| now < until);
        if resting || seen.broken || self.total >= most || !self.is_calm(now) {
            return None;
        }
        let since = self.raised.max(self.lowered).map_or(Micros(i64::MAX), |at| now - at);
        let carried = link.carried().unwrap_or(0.0);
        if self.ceiling.is_some_and(|ceiling| carried > ceiling * FASTER) {
            self.ceiling = None;
            self.hold = FIRST_HOLD;
        }
        let supported = self.to_make(carried * OF_CARRIED).min(self.total * CARRIED_STEP).min(most);
        if supported > self.total * (1.0 + SMALLEST) {
            return self.raise_to(supported, since >= RAISE_EVERY, now).then_some(Why::Carried);
        }
        if link.recent(now) < self.made_of(self.total) * USED {
            return None;
        }
        let growth =
            if self.ceiling.is_some() || link.is_exact() { TRIES.first() } else { TRIES.get(self.streak) };
        let next = (self.total * growth.or(TRIES.last()).copied().unwrap_or(1.0)).min(most);
        let bold = self.ceiling.is_some_and(|ceiling| self.made_of(next) > ceiling * BELOW_CEILING);
        let pause = if bold { self.hold } else { TRY_EVERY };
        let raised = self.raise_to(next, since >= pause, now);
        if raised && bold {
            self.bold = Some(now);
        }
        raised.then_some(Why::Probe)
    }

    fn raise_to(&mut self, total: f64, is_time: bool, now: Instant) -> bool {
        if !is_time {
            return false;
        }
        self.total = total;
        self.raised = Some(now);
        self.streak = self.streak.saturating_add(1);
        self.tell()
    }

    /// Keeps to the bounds, and says whether the encoder is asked for something else.
    fn tell(&mut self) -> bool {
        let video = (self.total - self.audio).max(self.least).min(self.most);
        self.total = self.audio + video;
        let before = f64::from(self.told);
        let at_bound = video == self.least || video == self.most;
        let rounded = if at_bound { video } else { (video / BITRATE_STEP).round() * BITRATE_STEP };
        if (rounded - before).abs() < before * SMALLEST && !at_bound {
            return false;
        }
        let changed = rounded as u32 != self.told;
        self.told = rounded as u32;
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::publisher::uplink::SocketState;

    const MS: fn(i64) -> Micros = Micros::from_millis;
    const EVERY: i64 = 20;

    /// An encoder that makes what it is asked, evenly, and a link of so many bit/s that acknowledges at once.
    struct Loop {
        rate: Rate,
        link: Link,
        carries: f64,
        /// Of what is asked, so much is made.
        uses: f64,
        handed: f64,
        left: f64,
        ms: i64,
        changes: Vec<(i64, Why)>,
    }

    impl Loop {
        fn new(carries: f64) -> Self {
            let config = UplinkConfig { video_bitrate: (200_000, 2_000_000), ..UplinkConfig::default() };
            let (rate, link) = (Rate::new(&config), Link::new(Instant(0)));
            Self { rate, link, carries, uses: 1.0, handed: 0.0, left: 0.0, ms: 0, changes: Vec::new() }
        }

        fn run(&mut self, seconds: i64) -> &mut Self {
            let end = self.ms + seconds * 1000;
            while self.ms < end {
                self.ms += EVERY;
                let now = Instant(0) + MS(self.ms);
                let share = EVERY as f64 / 8_000.0;
                let made = (self.rate.total() * self.uses * share).floor();
                self.handed += made;
                self.link.hand(made as u64, now);
                self.left = (self.left + self.carries * share).min(self.handed);
                let state =
                    SocketState { handed: self.handed as u64, buffered: 0, acked: Some(self.left as u64) };
                self.link.note(state, now);
                let lag = self.link.wait(self.rate.total());
                let seen = Seen { lag, budget: MS(500), broken: false };
                if let Some(why) = self.rate.decide(&mut self.link, seen, now) {
                    self.changes.push((self.ms, why));
                }
            }
            self
        }

        fn video(&self) -> u32 {
            self.rate.video()
        }
    }

    #[test]
    fn it_rises_to_the_highest_where_the_link_carries_it() {
        let mut all = Loop::new(10e6);
        all.run(25);
        assert_eq!(all.video(), 2_000_000);
        assert!(
            all.changes.iter().all(|(_, why)| matches!(why, Why::Carried | Why::Probe)),
            "{:?}",
            all.changes
        );
    }

    #[test]
    fn it_is_lowered_within_a_second_below_what_the_link_carries() {
        let mut all = Loop::new(10e6);
        all.run(25).carries = 500e3;
        all.run(1);
        assert!(all.video() < 436_000, "{}", all.video());
    }

    #[test]
    fn in_silence_it_falls_to_the_lowest() {
        let mut all = Loop::new(10e6);
        all.run(25).carries = 0.0;
        all.run(4);
        assert_eq!(all.video(), 200_000);
        assert_eq!(all.changes.last().map(|(_, why)| *why), Some(Why::Silence));
    }

    #[test]
    fn on_a_steady_link_changes_become_rare() {
        let mut all = Loop::new(800e3);
        all.run(60).changes.clear();
        all.run(120);
        assert!(all.changes.len() <= 16, "{:?}", all.changes);
        assert!(all.video() > 560_000, "{}", all.video());
    }

    #[test]
    fn what_an_encoder_leaves_unused_is_not_taken_away_and_not_added_to() {
        let mut all = Loop::new(1e6);
        all.run(30);
        let before = all.video();
        all.uses = 0.1;
        all.run(60);
        assert_eq!(all.video(), before);
    }
}
