//! What `npm publish` would send, seen from a project that installs it.
//!
//! The real tarball is unpacked into a project of its own under `.cache/`: its modules must load in Node, where there
//! is no window and no worker, and its types must hold under both ways that TypeScript resolves packages.

use crate::codecs;
use crate::shell::{at, cmd, npx, read, run, write_file};
use anyhow::{Context, Result, bail};
use std::path::Path;

/// Without these the package does not play.
const EXPECTED: &[&str] = &[
    "package.json",
    "README.md",
    "LICENSE-MIT",
    "LICENSE-APACHE",
    "THIRD_PARTY_NOTICES.md",
    "dist/index.js",
    "dist/index.d.ts",
    "dist/element.js",
    "dist/element.d.ts",
    "dist/publisher/index.js",
    "dist/publisher/index.d.ts",
    "dist/publisher/element.js",
    "dist/publisher/element.d.ts",
    "dist/publisher/internal/worker.js",
    "dist/publisher/internal/capture/worklet.js",
    "dist/report/index.js",
    "dist/report/index.d.ts",
    "dist/internal/worker.js",
    "dist/wasm/sailcast.js",
    "dist/wasm/sailcast_bg.wasm",
    "dist/wasm/streams_bg.wasm",
    "dist/wasm/publisher.js",
    "dist/wasm/publisher_bg.wasm",
];

/// Loads every entry where there is no browser and looks for traces on the global object.
const ON_A_SERVER: &str = "
const before = Reflect.ownKeys(globalThis).length;
const { Player } = await import('sailcast');
await import('sailcast/element');
await import('sailcast/publisher');
await import('sailcast/publisher/element');
await import('sailcast/report');
if (typeof Player !== 'function') throw new Error('sailcast does not export Player');
if (Reflect.ownKeys(globalThis).length !== before) throw new Error('importing sailcast left a global behind');
";

/// A user's code, as far as the types are concerned.
const TYPED: &str = "
import { Player, type PlayerOptions } from 'sailcast';
import 'sailcast/element';
import { Publisher, type PublisherOptions } from 'sailcast/publisher';
import 'sailcast/publisher/element';
import { Reporter } from 'sailcast/report';
const options: PlayerOptions = { container: '#player', url: 'https://example.org/live.flv', muted: true, latency: 0.8 };
const player = new Player(options);
player.addEventListener('firstframe', () => console.log(player.latency, player.currentTime));
const reporter = new Reporter(player, { url: '/quality', sampling: 0.1, events: { qos: ['latency'] } });
reporter.flush();
player.addEventListener('qos', event => console.log(event.detail.stats.quality.stalls.histogram));
void player.play().then(() => player.destroy());
// @ts-expect-error: options are checked
new Player({ container: 1 });
const source: PublisherOptions = { preview: '#preview', video: { kind: 'screen', onStop: 'camera' }, config: { video: { resolution: '504P' } } };
const publisher = new Publisher(source);
publisher.addEventListener('bitratechange', event => console.log(event.detail.to, publisher.stats().queue));
void publisher.start(['wss://a.example/live/room', 'wss://b.example/live/room']).then(() => publisher.stop());
document.querySelector('sailcast-publisher')?.replaceSource({ audio: { kind: 'microphone', echoCancellation: false } });
// @ts-expect-error: sources are checked
new Publisher({ video: { kind: 'television' } });
";

pub fn check() -> Result<()> {
    let project = at(".cache/package");
    if project.exists() {
        std::fs::remove_dir_all(&project).context("cannot clear .cache/package")?;
    }
    let installed = project.join("node_modules/sailcast");
    std::fs::create_dir_all(&installed)?;
    pack(&project, &installed)?;

    write_file(&project.join("package.json"), br#"{ "type": "module", "private": true }"#)?;
    run(cmd("node", &["--input-type=module", "--eval", ON_A_SERVER]).current_dir(&project))?;
    write_file(&project.join("main.ts"), TYPED.as_bytes())?;
    for (module, resolution) in [("nodenext", "nodenext"), ("esnext", "bundler")] {
        let config = serde_json::json!({
            "compilerOptions": {
                "noEmit": true, "strict": true, "target": "es2022", "lib": ["es2022", "dom"], "types": [],
                "module": module, "moduleResolution": resolution,
            },
            "files": ["main.ts"],
        });
        write_file(&project.join("tsconfig.json"), config.to_string().as_bytes())?;
        run(npx("tsc", &[]).current_dir(&project))?;
    }
    println!("sailcast loads in Node and its types resolve");
    Ok(())
}

/// Packs, checks the list of files and unpacks into `installed`.
fn pack(project: &Path, installed: &Path) -> Result<()> {
    let destination = project.display().to_string();
    let list = read(&mut cmd("npm", &["pack", "--json", "--silent", "--pack-destination", &destination]))?;
    let list: serde_json::Value = serde_json::from_str(&list).context("npm pack --json")?;
    // npm 11 gives a list of packages, npm 12 an object of them by name.
    let packed = list.get(0).or_else(|| list.get("sailcast")).context("npm pack names no package")?;
    let files: Vec<&str> =
        packed["files"].as_array().into_iter().flatten().filter_map(|file| file["path"].as_str()).collect();
    if let Some(name) = EXPECTED.iter().find(|name| !files.contains(name)) {
        bail!("the package lacks {name}");
    }
    for name in codecs::outputs()? {
        if !files.contains(&name.as_str()) {
            bail!("the package lacks {name}");
        }
    }
    for name in files.iter().filter(|name| !EXPECTED.contains(name)) {
        let fine = [".js", ".js.map", ".d.ts", ".wasm"].iter().any(|end| name.ends_with(end));
        if !name.starts_with("dist/") || !fine {
            bail!("the package carries {name}");
        }
    }
    let tarball = project.join(packed["filename"].as_str().context("npm pack names no file")?);
    println!("{}: {} files, {} bytes", packed["filename"], files.len(), packed["size"]);
    run(cmd("tar", &["-x", "--strip-components=1", "-f"]).arg(tarball).arg("-C").arg(installed))
}
