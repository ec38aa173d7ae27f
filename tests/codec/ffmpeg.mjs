/** ffmpeg as the judge of pictures, and as the maker of streams that the fixtures do not have. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';

export function ffmpeg(args, input) {
  const all = ['-hide_banner', '-loglevel', 'error', ...args];
  const run = spawnSync('ffmpeg', all, { input, maxBuffer: 1 << 30, stdio: ['pipe', 'pipe', 'inherit'] });
  if (run.status !== 0) throw new Error(run.error?.message ?? `ffmpeg ended with status ${run.status}`);
  return run.stdout;
}

export const md5 = bytes => createHash('md5').update(bytes).digest('hex');

/** The MD5 of each picture, in the order in which they are shown. */
export function pictures(args, input) {
  const out = ffmpeg(
    [...args, '-an', '-vsync', 'passthrough', '-f', 'framemd5', '-pix_fmt', 'yuv420p', '-'],
    input,
  );
  const lines = out.toString().split('\n');
  return lines.filter(line => /^\d/.test(line)).map(line => line.split(',').pop().trim());
}

const made = new Map();

/** A few pictures of H.264 in Annex B. */
export function x264(options = {}) {
  const key = JSON.stringify(options);
  if (!made.has(key)) made.set(key, encode(options));
  return made.get(key);
}

function encode({ size = '160x120', frames = 12, params = '', args = [] }) {
  const source = `testsrc2=size=${size}:rate=25,noise=alls=8:allf=t`;
  const one = ['-f', 'lavfi', '-i', source, '-frames:v', `${frames}`, '-c:v', 'libx264'];
  return ffmpeg([...one, '-x264-params', `threads=1:${params}`, ...args, '-f', 'h264', '-']);
}
