/**
 * The stream that is played: made once by ffmpeg and kept in media/, so that no encoder runs during a measurement.
 *
 * 720p30, 2 Mbit/s H.264 with a keyframe each 2 s and no B-frames, and 128 kbit/s AAC, in FLV. Each picture carries its
 * number as the strip of blocks of tests/fixtures/make.mjs, in the top 48 of 720 rows; a 1 kHz beep fills the first
 * 100 ms of each second. As there, the sound is one AAC frame shorter than the picture, so that both last exactly the
 * same and a loop is seamless.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const FPS = 30;
/** Frames from keyframe to keyframe. */
export const GOP = 60;
/** The shortest times that 48 kHz AAC frames fill are multiples of 8 s. */
const SECONDS = 64;
const AAC_FRAME = 1024 / 48000;

const file = path.join(path.dirname(fileURLToPath(import.meta.url)), 'media', 'live.flv');

const bit = 'if(lt(X,16),mod(floor(N/pow(2,15-X)),2),1-mod(floor(N/pow(2,31-X)),2))';
const picture = [
  // Noise costs the encoder what a camera's picture does: without it the rate is never reached.
  `testsrc2=size=1280x720:rate=${FPS}:duration=${SECONDS},format=yuv420p,noise=c0s=6:c0f=t[scene]`,
  `color=black:size=32x2:rate=${FPS}:duration=${SECONDS},format=gray,geq=lum='16+219*(${bit})',` +
    'scale=1280:48:flags=neighbor,format=yuv420p[strip]',
  '[scene][strip]overlay=0:0:shortest=1,format=yuv420p[v]',
];
const sound =
  `aevalsrc='0.4*sin(2*PI*1000*t)*lt(mod(t,1),0.1)':s=48000:d=${SECONDS - AAC_FRAME},` +
  'aformat=channel_layouts=stereo[a]';

const args = [
  ...['-hide_banner', '-loglevel', 'error', '-y'],
  ...['-filter_complex', [...picture, sound].join(';'), '-map', '[v]', '-map', '[a]'],
  ...['-c:v', 'libx264', '-preset', 'veryfast', '-tune', 'zerolatency', '-profile:v', 'high'],
  ...['-b:v', '2M', '-maxrate', '2M', '-bufsize', '1M'],
  ...['-g', `${GOP}`, '-keyint_min', `${GOP}`, '-sc_threshold', '0'],
  ...['-c:a', 'aac', '-b:a', '128k', '-flvflags', 'no_duration_filesize', '-f', 'flv'],
];

/** Path of the file, made when it is not there. */
export function media() {
  if (!existsSync(file)) {
    console.error('bench: ffmpeg makes the stream, once');
    mkdirSync(path.dirname(file), { recursive: true });
    const part = `${file}.part`;
    const run = spawnSync('ffmpeg', [...args, part], { stdio: ['ignore', 'inherit', 'inherit'] });
    if (run.status !== 0) throw new Error(run.error?.message ?? `ffmpeg ended with status ${run.status}`);
    renameSync(part, file);
  }
  return file;
}
