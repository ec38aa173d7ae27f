/**
 * The demuxers that the vectors are given to: ours by `cargo xtask packets`, mpegts.js' and xgplayer's as they are in their packages, whole
 * streams at once. Each gives what it reads as a list of { kind, dts (ms), key }, messages among them.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import webpack from 'webpack';

const root = fileURLToPath(new URL('../..', import.meta.url));
const cache = path.join(root, '.cache/peers');

/** Both packages keep their demuxers to themselves: bundled from their sources, once for each version. */
export async function peers() {
  const version = name =>
    JSON.parse(readFileSync(path.join(root, 'node_modules', name, 'package.json'), 'utf8')).version;
  const versions = { mpegts: version('mpegts.js'), xgplayer: version('xgplayer-transmuxer') };
  const stamp = path.join(cache, 'stamp.json');
  const wanted = JSON.stringify(versions);
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
    await bundle();
    writeFileSync(stamp, wanted);
  }
  const load = name => import(pathToFileURL(path.join(cache, `${name}.mjs`)).href);
  const [mpegts, xgplayer] = await Promise.all([load('mpegts'), load('xgplayer')]);
  return {
    versions,
    mpegts: data => readMpegts(mpegts.default, data),
    xgplayer: data => readXgplayer(xgplayer.FlvDemuxer, data),
  };
}

async function bundle() {
  rmSync(cache, { recursive: true, force: true });
  mkdirSync(cache, { recursive: true });
  // tsc leaves alone what lies in node_modules.
  cpSync(path.join(root, 'node_modules/mpegts.js/src'), path.join(cache, 'source'), { recursive: true });
  const how =
    '--ignoreConfig --allowJs --noCheck --skipLibCheck --target es2022 --module esnext --moduleResolution bundler';
  const tsc = spawnSync(
    'npx',
    [
      'tsc',
      ...how.split(' '),
      '--rootDir',
      `${cache}/source`,
      '--outDir',
      `${cache}/compiled`,
      `${cache}/source/demux/flv-demuxer.js`,
    ],
    { cwd: root, encoding: 'utf8' },
  );
  if (tsc.status !== 0) throw new Error(`tsc of mpegts.js: ${tsc.stdout}${tsc.stderr}`);
  await new Promise((resolve, reject) => {
    webpack(
      {
        mode: 'none',
        target: 'node',
        context: root,
        entry: {
          mpegts: `${cache}/compiled/demux/flv-demuxer.js`,
          xgplayer: './node_modules/xgplayer-transmuxer/es/flv/index.js',
        },
        experiments: { outputModule: true },
        // Its sources name each other as TypeScript does.
        resolve: { extensionAlias: { '.ts': ['.js'] }, fullySpecified: false },
        module: { rules: [{ test: /\.js$/, resolve: { fullySpecified: false } }] },
        output: { path: cache, filename: '[name].mjs', library: { type: 'module' } },
      },
      (error, stats) => {
        if (error || stats.hasErrors()) reject(error ?? new Error(stats.toString('errors-only')));
        else resolve();
      },
    );
  });
}

/** Silences what a demuxer says on the console, which is a lot. */
function quietly(act) {
  const { log, warn, error, debug, info } = console;
  Object.assign(console, { log() {}, warn() {}, error() {}, debug() {}, info() {} });
  try {
    return act();
  } finally {
    Object.assign(console, { log, warn, error, debug, info });
  }
}

/** mpegts.js asks which browser it is in. */
globalThis.self ??= globalThis;
globalThis.navigator ??= { userAgent: 'Chrome/156' };

function readMpegts(FlvDemuxer, data) {
  const seen = [];
  const probe = FlvDemuxer.probe(data.buffer);
  if (!probe.match) return { seen, error: 'not FLV' };
  const demuxer = new FlvDemuxer(probe, { deferLoadAfterSourceOpen: false });
  let error;
  demuxer.onError = (type, why) => {
    error = why ?? type;
  };
  demuxer.onMediaInfo = () => {};
  demuxer.onTrackMetadata = () => {};
  demuxer.onMetaDataArrived = () => seen.push({ kind: 'metadata' });
  demuxer.onScriptDataArrived = () => seen.push({ kind: 'metadata' });
  demuxer.onSeiArrived = () => seen.push({ kind: 'sei' });
  const collect = (audio, video) => {
    for (const { dts, isKeyframe } of video.samples) seen.push({ kind: 'video', dts, key: isKeyframe });
    for (const { dts } of audio.samples) seen.push({ kind: 'audio', dts, key: true });
    for (const track of [audio, video]) Object.assign(track, { samples: [], length: 0 });
  };
  demuxer.onDataAvailable = collect;
  try {
    quietly(() => demuxer.parseChunks(data.buffer, 0));
    // Some it keeps until the next chunk, which a stream that goes on would bring.
    if (demuxer._isInitialMetadataDispatched()) collect(demuxer._audioTrack, demuxer._videoTrack);
  } catch (thrown) {
    error ??= thrown.message;
  }
  return { seen, error };
}

function readXgplayer(FlvDemuxer, data) {
  const seen = [];
  const demuxer = new FlvDemuxer();
  try {
    // What is not a whole tag with the one behind it stays inside.
    const { videoTrack, audioTrack, metadataTrack } = quietly(() => demuxer.demux(data));
    if (videoTrack.exist()) {
      for (const { dts, keyframe } of videoTrack.samples)
        seen.push({ kind: 'video', dts, key: Boolean(keyframe) });
    }
    if (audioTrack.exist()) {
      for (const { dts, pts } of audioTrack.samples) seen.push({ kind: 'audio', dts: dts ?? pts, key: true });
    }
    for (const _ of metadataTrack.flvScriptSamples) seen.push({ kind: 'metadata' });
    for (const _ of metadataTrack.seiSamples) seen.push({ kind: 'sei' });
    return { seen };
  } catch (thrown) {
    return { seen, error: thrown.message };
  }
}

/** By name, for all vectors at once. */
export function readOurs(files) {
  const out = spawnSync('cargo', ['run', '--quiet', '--package', 'xtask', '--', 'packets', ...files], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  });
  if (out.status !== 0) throw new Error(`cargo xtask packets: ${out.stderr}`);
  const read = new Map();
  let present;
  for (const line of out.stdout.trim().split('\n')) {
    const event = JSON.parse(line);
    if (event.kind === 'file') {
      present = { seen: [] };
      read.set(event.path, present);
    } else if (event.kind === 'packet') {
      const kind = event.track.split(' ')[0];
      present.seen.push({ kind, dts: event.dts / 1000, key: event.key, track: event.track });
    } else if (event.kind === 'metadata' || event.kind === 'sei') present.seen.push({ kind: event.kind });
    else if (event.kind === 'error') present.error = event.message;
  }
  return read;
}
