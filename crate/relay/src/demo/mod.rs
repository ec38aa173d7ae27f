//! The demo channel: an FLV file published for ever, in real time, with the wall clock in it.
//!
//! **Invariant:** to the rest of the relay it is a publisher like any other. It runs whether or not anyone watches:
//! the first player then starts from a full ring like every later one, and an idle file costs next to nothing.
//!
//! The clock is the script tag `onWallClock` with `{ wallclock }`: the milliseconds since the Unix epoch at which
//! the frame with the tag's time stamp left here. It comes right before each keyframe and at least once a second.

mod timeline;

use std::{
    collections::VecDeque,
    io::{self, SeekFrom},
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::BytesMut;
use sailcast_media::{
    Value,
    flv::{Tag, TagKind, amf0},
};
use thiserror::Error;
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncSeekExt},
    time::{Instant, sleep_until},
};

use self::timeline::{CannotLoop, Looper, Plan, Survey};
use crate::{
    hub::Publication,
    intake::{BadStream, Intake},
};

/// Where the channel is found.
pub const NAME: &str = "live/demo";
const CLOCK_MESSAGE: &str = "onWallClock";
const CLOCK_FIELD: &str = "wallclock";
const READ_SIZE: usize = 64 << 10;
/// Further behind than this (the machine slept), the channel goes on from now instead of catching up.
const MAX_LATE: Duration = Duration::from_secs(1);

#[derive(Debug, Error)]
pub enum DemoError {
    #[error(transparent)]
    Read(#[from] io::Error),
    #[error(transparent)]
    Bad(#[from] BadStream),
    #[error("cannot be looped: {0}")]
    CannotLoop(#[from] CannotLoop),
}

/// A file that has been read through once and can loop.
pub struct Demo {
    file: TagFile,
    plan: Plan,
}

impl Demo {
    pub async fn open(path: &Path) -> Result<Self, DemoError> {
        let mut file = TagFile::new(File::open(path).await?);
        let mut survey = Survey::default();
        while let Some(tag) = file.next().await? {
            survey.note(&tag);
        }
        let plan = survey.plan()?;
        file.rewind().await?;
        Ok(Self { file, plan })
    }

    /// Publishes until the file cannot be read any more.
    pub async fn run(mut self, publication: Publication) {
        log::info!("{NAME}: a loop of {} ms", self.plan.period_ms());
        if let Err(error) = self.publish(&publication).await {
            log::error!("{NAME}: {error}");
        }
    }

    async fn publish(&mut self, publication: &Publication) -> Result<(), DemoError> {
        let mut looper = Looper::new(self.plan);
        let mut began = Instant::now();
        loop {
            let Some(tag) = self.file.next().await? else {
                self.file.rewind().await?;
                looper.next_round();
                continue;
            };
            let Some(placed) = looper.place(tag) else { continue };
            let due = began + Duration::from_millis(placed.at.unsigned_abs());
            sleep_until(due).await;
            let late = Instant::now().saturating_duration_since(due);
            if late > MAX_LATE {
                began += late;
            }
            let clock = placed.clock_due.then(|| clock_tag(placed.tag.timestamp, SystemTime::now()));
            let tags: Vec<Tag> = clock.into_iter().flatten().chain([placed.tag]).collect();
            publication.push(&tags);
        }
    }
}

fn clock_tag(timestamp: u32, now: SystemTime) -> Option<Tag> {
    let ms = now.duration_since(UNIX_EPOCH).ok()?.as_micros() as f64 / 1000.0;
    let mut body = BytesMut::new();
    let value = Value::Object(vec![(CLOCK_FIELD.to_owned(), Value::Number(ms))]);
    amf0::write_script(&mut body, CLOCK_MESSAGE, &[value]).ok()?;
    Some(Tag { offset: 0, kind: TagKind::Script, timestamp, body: body.freeze() })
}

/// The tags of a file, a little of it in memory at a time. The file stays open, so that replacing it does not change
/// a loop that is under way.
struct TagFile {
    file: File,
    intake: Intake,
    tags: VecDeque<Tag>,
}

impl TagFile {
    fn new(file: File) -> Self {
        Self { file, intake: Intake::default(), tags: VecDeque::new() }
    }

    async fn rewind(&mut self) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0)).await?;
        self.intake = Intake::default();
        Ok(())
    }

    /// `None` at the file's end.
    async fn next(&mut self) -> Result<Option<Tag>, DemoError> {
        while self.tags.is_empty() {
            let mut chunk = BytesMut::with_capacity(READ_SIZE);
            let mut tags = Vec::new();
            let ended = self.file.read_buf(&mut chunk).await? == 0;
            if ended {
                self.intake.finish(&mut tags)?;
            } else {
                self.intake.push(chunk.freeze(), &mut tags)?;
            }
            self.tags.extend(tags);
            if ended {
                break;
            }
        }
        Ok(self.tags.pop_front())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_a_script_tag_in_milliseconds() {
        let now = UNIX_EPOCH + Duration::from_micros(1_800_000_000_123_500);
        let tag = clock_tag(77, now).unwrap();
        assert_eq!((tag.kind, tag.timestamp), (TagKind::Script, 77));
        let (name, values) = amf0::read_script(&tag.body).unwrap();
        assert_eq!(name, "onWallClock");
        let wallclock = Value::Number(1_800_000_000_123.5);
        assert_eq!(values, [Value::Object(vec![("wallclock".into(), wallclock)])]);
    }
}
