//! Recordings: each published stream as MP4 files in a folder (`--record`), `DIR/APP/NAME-20261130T010203Z.mp4`.
//!
//! ```text
//! ring -> cursor -> FlvDemuxer -> tape (what to write) -> disk
//! ```
//!
//! **Invariant:** nothing waits for the disk but the recording: a disk that is slow loses groups of pictures, as a slow player
//! does; one that fails loses the file under way, is told and counted, and is tried again after [`RETRY`].

mod name;
mod tape;

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::SystemTime,
};

use sailcast_media::{DemuxEvent, Demuxer, FlvDemuxer};
use tokio::{
    fs,
    io::AsyncWriteExt,
    time::{Duration, Instant},
};

use self::{
    name::file_name,
    tape::{Act, Tape},
};
use crate::{hub::Subscription, metrics::Counter, name::StreamName};

const RETRY: Duration = Duration::from_secs(10);
/// Files of one stream that begin in the same second.
const MAX_SAME_NAME: u32 = 100;

pub struct Recorder {
    dir: PathBuf,
    /// Files that are open.
    open: AtomicUsize,
    pub bytes: Counter,
    pub errors: Counter,
}

impl Recorder {
    pub fn new(dir: PathBuf) -> Self {
        Self { dir, open: AtomicUsize::new(0), bytes: Counter::default(), errors: Counter::default() }
    }

    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Records a stream until it is over.
    pub async fn follow(self: Arc<Self>, mut subscription: Subscription) {
        let mut demuxer = FlvDemuxer::new();
        let mut recording = Recording::new(&self, subscription.name().clone());
        while let Ok(bytes) = subscription.next().await {
            demuxer.push(bytes);
            while let Ok(Some(event)) = demuxer.poll() {
                recording.take(event).await;
            }
            let lost = subscription.take_skipped();
            if lost.times > 0 {
                log::warn!("{}: the disk is too slow, {} tags are not recorded", recording.name, lost.tags);
            }
        }
        recording.end().await;
    }
}

/// Of one stream.
struct Recording<'a> {
    recorder: &'a Recorder,
    name: StreamName,
    tape: Tape,
    file: Option<OpenFile<'a>>,
    /// When the disk is tried again after it failed.
    retry: Option<Instant>,
}

impl<'a> Recording<'a> {
    fn new(recorder: &'a Recorder, name: StreamName) -> Self {
        Self { recorder, name, tape: Tape::new(), file: None, retry: None }
    }

    async fn take(&mut self, event: DemuxEvent) {
        self.retry = self.retry.filter(|at| *at > Instant::now());
        // Configurations are kept for the next file.
        if self.retry.is_some() && !matches!(event, DemuxEvent::Track(_)) {
            return;
        }
        match self.tape.push(event) {
            Ok(acts) => self.act(acts).await,
            Err(error) => self.failed(&error).await,
        }
    }

    async fn end(mut self) {
        match self.tape.end() {
            Ok(acts) => self.act(acts).await,
            Err(error) => self.failed(&error).await,
        }
    }

    async fn act(&mut self, acts: Vec<Act>) {
        for act in acts {
            if let Err(error) = self.try_act(act).await {
                return self.failed(&error).await;
            }
        }
    }

    async fn try_act(&mut self, act: Act) -> io::Result<()> {
        match act {
            Act::Begin => self.file = Some(OpenFile::create(self.recorder, &self.name).await?),
            Act::Write(bytes) => {
                if let Some(file) = &mut self.file {
                    file.write(&bytes).await?;
                }
            }
            Act::End => {
                if let Some(file) = self.file.take() {
                    file.close().await?;
                }
            }
        }
        Ok(())
    }

    async fn failed(&mut self, error: &(dyn std::error::Error + Sync)) {
        self.recorder.errors.add(1);
        log::error!("{}: cannot record: {error}", self.name);
        self.tape.abandon();
        self.retry = Some(Instant::now() + RETRY);
        if let Some(file) = self.file.take()
            && let Err(error) = file.give_up().await
        {
            log::debug!("{}: {error}", self.name);
        }
    }
}

/// A file that is written, counted for as long as it is open.
struct OpenFile<'a> {
    recorder: &'a Recorder,
    path: PathBuf,
    file: fs::File,
    len: u64,
}

impl<'a> OpenFile<'a> {
    async fn create(recorder: &'a Recorder, name: &StreamName) -> io::Result<Self> {
        let folder = recorder.dir.join(name.app());
        fs::create_dir_all(&folder).await?;
        let (path, file) = create_new(&folder, name.name(), SystemTime::now()).await?;
        log::info!("{name}: recorded to {}", path.display());
        recorder.open.fetch_add(1, Ordering::Relaxed);
        Ok(Self { recorder, path, file, len: 0 })
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes).await?;
        self.file.flush().await?;
        self.len += bytes.len() as u64;
        self.recorder.bytes.add(bytes.len() as u64);
        Ok(())
    }

    /// After a write that failed: what was half written goes, and a file that got nothing. A disk that is full would have one
    /// more of them with each try.
    async fn give_up(self) -> io::Result<()> {
        if self.len == 0 {
            return fs::remove_file(&self.path).await;
        }
        self.file.set_len(self.len).await?;
        self.close().await
    }

    async fn close(self) -> io::Result<()> {
        self.file.sync_all().await?;
        log::info!("{}: closed, {} bytes", self.path.display(), self.len);
        Ok(())
    }
}

impl Drop for OpenFile<'_> {
    fn drop(&mut self) {
        self.recorder.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A file that was not there: no recording overwrites another.
async fn create_new(folder: &Path, name: &str, now: SystemTime) -> io::Result<(PathBuf, fs::File)> {
    let mut attempt = 1;
    loop {
        let path = folder.join(file_name(name, now, attempt));
        match fs::File::create_new(&path).await {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < MAX_SAME_NAME => {
                attempt += 1
            }
            created => return Ok((path, created?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[tokio::test]
    async fn a_disk_that_takes_nothing_is_not_filled_with_empty_files() {
        let dir = std::env::temp_dir().join(format!("sailcast-record-{}", std::process::id()));
        let recorder = Recorder::new(dir.clone());
        let full = io::Error::from(io::ErrorKind::StorageFull);
        let written = [vec![], vec![Act::Write(Bytes::from_static(b"fragment"))]];
        for (writes, left) in written.into_iter().zip([0, 1]) {
            let mut recording = Recording::new(&recorder, "live/a".parse().unwrap());
            recording.act(vec![Act::Begin]).await;
            recording.act(writes).await;
            recording.failed(&full).await;
            let files: Vec<_> = std::fs::read_dir(dir.join("live")).unwrap().collect();
            assert_eq!((files.len(), recorder.open()), (left, 0));
        }
        std::fs::remove_dir_all(dir).unwrap();
        assert_eq!((recorder.errors.get(), recorder.bytes.get()), (2, 8));
    }
}
