/**
 * The clips that the benches decode: made once by ffmpeg into .cache/codec-bench, and read packet by packet.
 *
 * All are MP4: ffprobe says where each packet lies in the file, whatever the codec, so no parser of ours is in the way.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import { read as readVector } from './audio-vectors.mjs';
import { ffmpeg } from './ffmpeg.mjs';
import { root } from './module.mjs';

const cache = path.join(root, '.cache/codec-bench');

/** Noise costs what a camera's picture costs. */
const scene = (rate, seconds) => [
  ...['-f', 'lavfi', '-i', `testsrc2=size=1280x720:rate=${rate}:duration=${seconds},noise=c0s=6:c0f=t`],
  ...['-pix_fmt', 'yuv420p', '-threads', '1', '-g', `${rate * 2}`],
];

const x264 = (rate, ...args) => [
  ...scene(rate, 8),
  ...['-c:v', 'libx264', '-preset', 'veryfast', '-threads', '1', ...args],
];

/** A sweep, a chord and noise that comes and goes. */
const music = (channels, rate) => {
  const sound = (top, chord) =>
    `0.25*sin(2*PI*(120*t+${top}*mod(t,5)*mod(t,5)))+0.2*sin(2*PI*${chord}*t)+0.04*(random(0)-0.5)*gt(sin(9*t),0)`;
  const all = [sound(900, 330), sound(1100, 440)].slice(0, channels).join('|');
  return ['-f', 'lavfi', '-i', `aevalsrc='${all}':s=${rate}:d=60`];
};

export const VIDEO = {
  'h264 720p30 baseline': {
    codec: 'h264',
    input: () => x264(30, '-profile:v', 'baseline', '-tune', 'zerolatency', '-b:v', '2M'),
  },
  'h264 720p25 high': {
    codec: 'h264',
    input: () => x264(25, '-profile:v', 'high', '-bf', '2', '-b:v', '2500k'),
  },
  'hevc 720p25 main': {
    codec: 'hevc',
    input: () => [
      ...scene(25, 5),
      ...['-c:v', 'libx265', '-preset', 'veryfast', '-b:v', '2M', '-tag:v', 'hvc1'],
      ...['-x265-params', 'pools=1:frame-threads=1:log-level=none'],
    ],
  },
};

export const AUDIO = {
  'aac LC 48 kHz stereo': {
    codec: 'aac',
    input: () => [...music(2, 48000), '-c:a', 'aac', '-b:a', '128k'],
  },
  'aac HE 44.1 kHz stereo': { codec: 'aac', input: repeatedHe },
  'mp3 48 kHz stereo': {
    codec: 'mp3',
    input: () => [...music(2, 48000), '-c:a', 'libmp3lame', '-b:a', '128k'],
  },
  'opus CELT stereo': {
    codec: 'opus',
    input: () => [...music(2, 48000), '-c:a', 'libopus', '-application', 'lowdelay', '-b:a', '128k'],
  },
  'opus SILK mono': {
    codec: 'opus',
    input: () => [...music(1, 48000), '-c:a', 'libopus', '-application', 'voip', '-b:a', '12k'],
  },
  'flac 48 kHz stereo': {
    codec: 'flac',
    input: () => [...music(2, 48000), '-c:a', 'flac', '-sample_fmt', 's16', '-strict', '-2'],
  },
};

/** ffmpeg encodes no HE-AAC: the packets of a vector again and again, in ADTS, which ffmpeg then repacks. */
function repeatedHe() {
  const { packets } = readVector('aac-he-implicit');
  const framed = packets.map(packet => {
    const size = packet.length + 7;
    // AAC-LC at 22050 Hz, stereo, without a checksum: SBR signals itself.
    const head = [0xff, 0xf1, 0x5c, 0x80 | (size >> 11), (size >> 3) & 255, ((size & 7) << 5) | 0x1f, 0xfc];
    return Buffer.concat([Buffer.from(head), packet]);
  });
  const round = Buffer.concat(framed);
  const bytes = Buffer.concat(Array.from({ length: 36 }, () => round));
  return { args: ['-f', 'aac', '-i', '-', '-c', 'copy', '-bsf:a', 'aac_adtstoasc'], bytes };
}

/** `{ name, codec, file, description, packets: [{ data, pts, keyframe }], width, height, sampleRate, channels, seconds }`; times in µs. */
export function clip(name) {
  const { codec, input } = VIDEO[name] ?? AUDIO[name];
  const file = path.join(cache, `${name.replaceAll(' ', '-')}.mp4`);
  if (!existsSync(file)) {
    mkdirSync(cache, { recursive: true });
    const how = input();
    const args = how.args ?? how;
    ffmpeg([...args, '-f', 'mp4', '-y', `${file}.part`], how.bytes);
    renameSync(`${file}.part`, file);
  }
  const entries =
    'packet=pts_time,pos,size,flags:stream=width,height,sample_rate,channels,extradata:format=duration';
  const probe = [
    '-v',
    'error',
    '-ignore_editlist',
    '1',
    '-show_data',
    '-show_entries',
    entries,
    '-of',
    'json',
  ];
  const told = JSON.parse(execFileSync('ffprobe', [...probe, file], { maxBuffer: 1 << 28 }));
  const bytes = readFileSync(file);
  const [stream] = told.streams;
  const packets = told.packets.map(({ pts_time, pos, size, flags }) => ({
    data: bytes.subarray(Number(pos), Number(pos) + Number(size)),
    pts: Math.round(Number(pts_time) * 1e6),
    keyframe: flags.startsWith('K'),
  }));
  const description = undump(stream.extradata ?? '');
  return {
    ...{ name, codec, file, packets, width: stream.width, height: stream.height },
    description: codec === 'flac' ? Buffer.concat([FLAC_HEAD, description]) : description,
    sampleRate: stream.sample_rate && Number(stream.sample_rate),
    channels: stream.channels,
    seconds: Number(told.format.duration),
  };
}

/** What goes before STREAMINFO, as WebCodecs' registry wants it; ffmpeg keeps the block's body alone. */
const FLAC_HEAD = Buffer.from('664c614380000022', 'hex');

/** ffprobe shows bytes as xxd does. */
function undump(text) {
  const lines = text.split('\n').filter(line => line.includes(':'));
  return Buffer.from(lines.map(line => line.slice(10, 50).replaceAll(' ', '')).join(''), 'hex');
}
