#!/usr/bin/env node
/**
 * The HEVC streams the decoder is held against: `node tests/codec/hevc-vectors.mjs [name...]` makes them (ffmpeg with x265).
 *
 * Each is `hevc-NAME.hevc` in tests/fixtures/media; tests/fixtures/expected/hevc.json has the frame number of each packet, and the
 * MD5 of each frame as ffmpeg decodes it. All are committed: another x265 gives other bytes.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from './module.mjs';

const media = path.join(root, 'tests/fixtures/media');
const expected = path.join(root, 'tests/fixtures/expected/hevc.json');
const MOST_BYTES = 60_000;

/** x265 codes rectangles and asymmetric partitions from `slow` on, and synchronises a row's entropy coder with the one above. */
const VECTORS = {
  // B-frames as references, leading pictures of open GOPs, weighted prediction, four references; sizes that need cropping.
  main: {
    size: '202x118',
    params: 'keyint=10:min-keyint=10:open-gop=1:bframes=4:weightb=1:ref=4:amp=1:rect=1',
  },
  main10: {
    size: '202x118',
    format: 'yuv420p10le',
    params:
      'keyint=10:min-keyint=10:bframes=3:scaling-list=default:aq-mode=3:qg-size=16:cbqpoffs=4:crqpoffs=-3',
  },
  // What cameras and low-latency encoders make; several slices a picture.
  low: { size: '208x240', params: 'keyint=30:bframes=0:slices=3:deblock=-2,2:tskip=1', frames: 24 },
  layers: { size: '176x144', params: 'keyint=16:open-gop=0:radl=2:bframes=3:temporal-layers=1:ctu=16:wpp=0' },
  unfiltered: {
    size: '176x144',
    params: 'keyint=8:deblock=0:no-deblock=1:sao=0:constrained-intra=1:signhide=0',
  },
  intra: { size: '128x96', params: 'keyint=1', frames: 8 },
  lossless: { size: '96x80', params: 'lossless=1:keyint=8:cu-lossless=1', frames: 10 },
  full: { size: '128x96', format: 'yuv444p', params: 'keyint=10', frames: 16 },
  full12: { size: '128x96', format: 'yuv444p12le', params: 'keyint=10', frames: 12 },
};

export const NAMES = Object.keys(VECTORS);

/** `{ bytes, packets, frames }`: the stream, the frame number of each of its packets, the MD5 of each of its frames. */
export function vector(name) {
  const { [name]: known } = JSON.parse(readFileSync(expected, 'utf8'));
  return { bytes: readFileSync(path.join(media, `hevc-${name}.hevc`)), ...known };
}

/** A zoom for motion, moving edges for partitions, fades for weights. */
const scene = (size, frames) => [
  '-filter_complex',
  `mandelbrot=size=${size}:rate=25:start_scale=0.6:end_scale=0.1:end_pts=40[zoom];testsrc2=size=${size}:rate=25[test];` +
    `[zoom][test]blend=all_expr='if(lt(Y,H/3),B,A)',fade=out:${Math.floor(frames * 0.6)}:8[v]`,
  ...['-map', '[v]', '-frames:v', `${frames}`],
];

function run(tool, args) {
  const { status, stdout, stderr, error } = spawnSync(tool, args, { maxBuffer: 1 << 26 });
  if (status !== 0) throw new Error(error?.message ?? `${tool}: ${stderr}`);
  return stdout.toString();
}

function make(name, folder) {
  const { size, params, format = 'yuv420p', frames = 32 } = VECTORS[name];
  const mp4 = path.join(folder, `${name}.mp4`);
  const raw = path.join(media, `hevc-${name}.hevc`);
  // One frame at a time: the same x265 gives the same bytes.
  const x265 = `crf=32:log-level=none:info=0:frame-threads=1:${params}`;
  const quiet = ['-v', 'error', '-y'];
  const encode = ['-pix_fmt', format, '-c:v', 'libx265', '-preset', 'slow', '-x265-params', x265];
  run('ffmpeg', [...quiet, ...scene(size, frames), ...encode, mp4]);
  run('ffmpeg', [...quiet, '-i', mp4, '-c', 'copy', '-bsf:v', 'hevc_mp4toannexb', raw]);
  const { size: bytes } = statSync(raw);
  if (bytes > MOST_BYTES) throw new Error(`${raw} has ${bytes} bytes`);
  const listed = run('ffprobe', [
    ...['-v', 'error', '-select_streams', 'v', '-show_entries', 'packet=pts', '-of', 'csv=p=0', mp4],
  ]);
  const times = listed.split('\n').filter(Boolean).map(Number.parseFloat);
  const order = times.toSorted((a, b) => a - b);
  const hashes = run('ffmpeg', ['-v', 'error', '-i', mp4, '-vsync', 'passthrough', '-f', 'framemd5', '-']);
  const lines = hashes.split('\n').filter(line => line !== '' && !line.startsWith('#'));
  if (lines.length !== times.length)
    throw new Error(`${name}: ${lines.length} frames of ${times.length} packets`);
  console.log(`hevc-${name}.hevc`, bytes, 'bytes', times.length, 'frames');
  return {
    packets: times.map(time => order.indexOf(time)),
    frames: lines.map(line => line.split(',').at(-1).trim()),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = mkdtempSync(path.join(tmpdir(), 'hevc-'));
  const chosen = process.argv.slice(2);
  const all = {};
  for (const name of NAMES) {
    all[name] =
      chosen.length === 0 || chosen.includes(name)
        ? make(name, folder)
        : JSON.parse(readFileSync(expected, 'utf8'))[name];
  }
  const lists = Object.entries(all).map(([name, { packets, frames }]) => {
    const indent = frames.map(hash => `      ${JSON.stringify(hash)}`).join(',\n');
    return `  "${name}": {\n    "packets": ${JSON.stringify(packets).replaceAll(',', ', ')},\n    "frames": [\n${indent}\n    ]\n  }`;
  });
  writeFileSync(expected, `{\n${lists.join(',\n')}\n}\n`);
  rmSync(folder, { recursive: true });
}
