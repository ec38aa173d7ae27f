//! docs/latency.md and its plots, from the figures.

use std::{fs, io, path::Path};

use sailcast_media::Micros;
use sailcast_sim::{
    Figures, Session, auto,
    peer::PEERS,
    study::{LATEST_BACK, MOST_DROPPED, MOST_STALLED, OURS, Study},
    trace,
};

use crate::{plot, table};

/// The traces whose latency is drawn over time, from where to where, and up to which latency (s).
const DRAWN: [(&str, i64, i64, f64); 4] =
    [("interrupted", 0, 60, 1.8), ("outage", 0, 0, 4.2), ("bufferbloat", 0, 90, 2.4), ("wifi", 0, 60, 1.8)];
/// Around an outage, in s.
const BEFORE: i64 = 10;
const AFTER: i64 = 30;

const INTRODUCTION: &str = "\
# Latency and stalls

How near to live the player stays, and what that costs, beside the policies of other players on the same networks. Made by
`cargo xtask sim --write`: the real engine (`crate/engine`, with its demuxer, its decoders' queues and its sound) in virtual
time, the others re-implemented from their published rules. The same seed gives the same figures.

The player runs as it comes, with `latency: 'auto'`. `cargo xtask sim --trace NAME --explain` tells one of its sessions as it
happens.

## What is measured

- **latency**: the age of the picture on the screen, ten times a second from the first picture to the end: time since its
  capture, with neither encoding nor upload in it. Decoding (4 ms), network and buffer are.
- **behind edge**: newest received data minus playhead, median: the part of latency that is the player's own choice.
- **frozen**: share of the time in which a picture stood for more than 100 ms, less one picture's time. **silent**: share of
  the time in which sound was missing. The stall ratio of the verdict is the worse of the two.
- **other rate**: share of the time played faster or slower than the stream.
- **dropped**: pictures of the stream that were never shown, from three seconds after the first picture on.
- **back after**: from the end of a 3 s outage until the latency is within 0.5 s of what it was before the outage (p95).
- **dominated**: another policy has both a lower median latency and a lower stall ratio.

## Who is compared

";

const MODELS: &str = "
A peer is an ideal media element: appending, seeking and decoding ahead cost nothing, it shows the first picture at once,
starts with 0.1 s and resumes with 0.2 s of buffer. Real ones are worse. They start at the beginning of what the server sends, as browsers do, and a slow decoder's late pictures are shown
late without a penalty for the sound that is ahead of them.

## The networks

A server with a GOP cache, 720p at 30 pictures and 2 Mbit/s with a keyframe each 2 s, AAC at 128 kbit/s. Joins fall anywhere
in a GOP. Between server and viewer is one bottleneck with a queue, a propagation delay, and TCP: slow start at first, and
nothing overtakes. A second connection meets the same weather. Not modelled: the congestion window later on, the back-off of
retransmission timers over an outage, TLS, and DNS.

";

const READING: &str = "
## In short

Median latency and stall ratio. What the figures do not say: they are a model's. The links are as described above and no
others, the peers are better than in a browser, and nothing here is slow but what is said to be slow. `npm run bench` measures
real browsers ([performance.md](performance.md)). The tuned liveSync of mpegts.js, for one, froze 8 % of the time on the
interrupted link in Chromium at a median of 0.34 s, and less than half of that here.

A session begins knowing nothing: the first interruption of each kind is seen as a stall by a player that was close to live,
and is covered from then on. Policies that start a second behind are spared that one.

";

pub fn write(root: &Path, studies: &[Study], seed: u64) -> io::Result<()> {
    let folder = root.join("docs/latency");
    fs::create_dir_all(&folder)?;
    let mut page = INTRODUCTION.to_owned();
    page += &format!("- **{OURS}**: the engine of this project\n");
    for peer in PEERS {
        page += &format!("- **{}**: {}\n", peer.name, peer.what);
    }
    page += MODELS;
    for study in studies {
        page += &format!("- **{}**: {}\n", study.trace.name, study.trace.what);
    }
    page += &reading(studies);
    page += &targets(studies);
    page += "\n## Latency against stalls\n\nLower left is better; the median latency across, the stall ratio up.\n\n";
    page += "![Median latency against stall ratio, by trace](latency/stalls.svg)\n";
    fs::write(folder.join("stalls.svg"), plot::against_stalls(studies))?;
    page += "\n## Latency over time\n";
    for (name, from, to, ceiling) in DRAWN {
        let Some(svg) = drawn(name, Micros::from_secs(from), Micros::from_secs(to), ceiling, seed) else {
            continue;
        };
        let file = format!("{}.svg", name.replace(' ', "-"));
        fs::write(folder.join(&file), svg)?;
        page += &format!("\nOne session on **{name}**:\n\n![Latency over time on {name}](latency/{file})\n");
    }
    page += "\n## Tables\n";
    for study in studies {
        let sessions = study.ours().sessions;
        page += &format!("\n### {}\n\n{}. {sessions} sessions.\n\n", study.trace.name, study.trace.what);
        page += &table::markdown(study);
    }
    fs::write(root.join("docs/latency.md"), page)
}

/// Ours beside the best of the others in each respect.
fn reading(studies: &[Study]) -> String {
    let mut text = READING.to_owned();
    text += "| network | this player | lowest latency of the others | fewest stalls of the others |\n|---|---|---|---|\n";
    for study in studies {
        let cell = |(name, f): &(&str, Figures)| {
            let (latency, stalled) = (f.latency.percentile(0.5).0 / 1000, f.stall_ratio() * 100.0);
            format!("{latency} ms, {stalled:.2} % ({name})")
        };
        let (ours, others) = study.rows.split_at(1);
        let fastest = others.iter().min_by_key(|(_, f)| f.latency.percentile(0.5));
        let calmest = others.iter().min_by(|(_, a), (_, b)| a.stall_ratio().total_cmp(&b.stall_ratio()));
        let cells: Vec<String> = ours.iter().chain(fastest).chain(calmest).map(cell).collect();
        text += &format!("| {} | {} |\n", study.trace.name, cells.join(" | "));
    }
    text
}

fn targets(studies: &[Study]) -> String {
    let mut text = format!(
        "\n## Targets\n\nStall ratio at most {:.0} % and drops at most {:.0} % wherever the bandwidth is 1.15 times the bitrate or \
         more and the decoder keeps up; back within {:.0} s of the end of a 3 s outage; dominated by no other policy on any \
         trace. `cargo test -p sailcast-sim` asserts them.\n\n",
        MOST_STALLED * 100.0,
        MOST_DROPPED * 100.0,
        LATEST_BACK.as_secs_f64()
    );
    let missed: Vec<String> = studies
        .iter()
        .flat_map(|s| s.missed().into_iter().map(move |m| format!("- missed on **{}**: {m}\n", s.trace.name)))
        .collect();
    match missed.is_empty() {
        true => text += "All are met.\n",
        false => text += &missed.concat(),
    }
    text
}

fn drawn(name: &str, from: Micros, to: Micros, ceiling: f64, seed: u64) -> Option<String> {
    let trace = trace::named(name)?;
    let session = Session::new(&trace, seed).with_trails();
    let (from, to) = match session.outages().first() {
        Some((begin, end)) => (*begin + Micros::from_secs(-BEFORE), *end + Micros::from_secs(AFTER)),
        None => (from, to),
    };
    let names: Vec<&str> = std::iter::once(OURS).chain(PEERS.iter().map(|p| p.name)).collect();
    let mut trails = vec![session.ours(auto()).1?];
    for (_, trail) in session.peers() {
        trails.push(trail?);
    }
    Some(plot::over_time(&names, &trails, from, to, ceiling))
}
