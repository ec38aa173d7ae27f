#!/usr/bin/env node
/**
 * Pictures a CPU second of the H.264 module, with SIMD and without, beside native ffmpeg on one thread: `node tests/codec/bench.mjs`.
 *
 * The streams are made once, into .cache/codec-bench. The best of some turns counts: a busy machine only takes away.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { ffmpeg } from './ffmpeg.mjs';
import { readFlv } from './flv.mjs';
import { Codec, compile, FLAVOURS, root } from './module.mjs';

const TURNS = Number(process.env.TURNS ?? 5);
const SECONDS = 8;
const STREAMS = {
  '720p30 baseline': { rate: 30, args: ['-profile:v', 'baseline', '-tune', 'zerolatency', '-b:v', '2M'] },
  '720p25 high': { rate: 25, args: ['-profile:v', 'high', '-bf', '2', '-b:v', '2500k'] },
};

const cache = path.join(root, '.cache/codec-bench');
const folder = process.env.SAILCAST_CODECS ?? path.join(root, 'dist/codecs');

function stream(name) {
  const file = path.join(cache, `${name.replaceAll(' ', '-')}.flv`);
  if (!existsSync(file)) {
    mkdirSync(cache, { recursive: true });
    const { rate, args } = STREAMS[name];
    // Noise costs what a camera's picture costs.
    const source = `testsrc2=size=1280x720:rate=${rate}:duration=${SECONDS},noise=c0s=6:c0f=t`;
    const how = ['-c:v', 'libx264', '-preset', 'veryfast', '-threads', '1', '-g', `${rate * 2}`, ...args];
    ffmpeg(['-f', 'lavfi', '-i', source, '-pix_fmt', 'yuv420p', ...how, '-y', file]);
  }
  return file;
}

/** User and system time, s. */
function spent(act) {
  const before = process.cpuUsage();
  act();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

function best(turn) {
  return Math.max(...Array.from({ length: TURNS }, turn)).toFixed(0);
}

console.log('module                 bytes     gzip   brotli');
for (const flavour of FLAVOURS) {
  const bytes = readFileSync(path.join(folder, `h264.${flavour}`));
  const sizes = [bytes, gzipSync(bytes, { level: 9 }), brotliCompressSync(bytes)].map(
    ({ length }) => `${length}`,
  );
  console.log(`h264.${flavour}`.padEnd(20), ...sizes.map(size => size.padStart(8)));
}

console.log('\nframes a CPU second  ', ...FLAVOURS.map(flavour => flavour.padStart(12)), '      ffmpeg');
for (const name of Object.keys(STREAMS)) {
  const file = stream(name);
  const { video } = readFlv(file);
  const figures = FLAVOURS.map(flavour => {
    const module = compile('h264', flavour);
    return best(() => {
      const codec = new Codec(module, video);
      let shown = 0;
      const took = spent(() => {
        for (const { data, pts, keyframe } of video.packets)
          shown += codec.decode(data, pts, keyframe).length;
        shown += codec.flush().length;
      });
      if (shown !== video.packets.length) throw new Error(`${shown} pictures of ${video.packets.length}`);
      return shown / took;
    });
  });
  const native = best(() => {
    const args = ['-benchmark', '-hide_banner', '-threads', '1', '-i', file, '-an', '-f', 'null', '-'];
    const told = execFileSync('sh', ['-c', 'exec ffmpeg "$@" 2>&1', 'sh', ...args]).toString();
    const [, user, system] = told.match(/utime=([\d.]+)s stime=([\d.]+)s/);
    return video.packets.length / (Number(user) + Number(system));
  });
  console.log(name.padEnd(22), ...[...figures, native].map(figure => figure.padStart(12)));
}
