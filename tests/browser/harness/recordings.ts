/**
 * Recordings and playlists made of the counter fixture by ffmpeg, each where it is missing: frame N of the picture has the number
 * N modulo 480, keyframes are 2 s apart, and a beep begins each second.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { risingTone } from './rising.js';

/** Where they are: too large to be committed. */
export const FOLDER = fileURLToPath(new URL('../../../.cache/recordings/', import.meta.url));
const SOURCE = fileURLToPath(new URL('../../fixtures/media/counter-av.flv', import.meta.url));
const CARD = fileURLToPath(new URL('../../fixtures/media/card.flv', import.meta.url));

/** Length of most of what is made, seconds. */
export const SECONDS = 64;
/** A key and a vector of AES-128, in hex. */
const [KEY, IV] = ['000102030405060708090a0b0c0d0e0f', '0f0e0d0c0b0a09080706050403020100'];

const COPY = ['-stream_loop', '3', '-i', SOURCE, '-c', 'copy'];
const x264 = (bitrate: string, gop: number) => [
  ...['-c:v', 'libx264', '-preset', 'veryfast', '-bf', '0', '-b:v', bitrate],
  ...['-g', `${gop}`, '-keyint_min', `${gop}`, '-sc_threshold', '0'],
];
const SAME_SOUND = ['-c:a', 'copy'];
const SMALLER = ['-vf', 'scale=320:180:flags=neighbor'];
const HLS = ['-f', 'hls', '-hls_time', '4', '-hls_playlist_type', 'vod'];
const BRISK = ['-f', 'hls', '-hls_time', '1', '-hls_playlist_type', 'vod'];
const CARDS = ['-stream_loop', '11', '-i', CARD, '-c', 'copy'];
/** To be turned by 90 degrees clockwise. */
const TURNED = [...CARDS, '-metadata:s:v', 'rotate=270'];
const FRAGMENTS = ['-movflags', '+frag_keyframe+empty_moov+default_base_moof'];
const LOOPED = ['-stream_loop', '3', '-i', SOURCE];
/** Definitions of the same content, as one transcoder makes them: the counter, and a tone that tells the time as it does. */
const RISING = [...LOOPED, '-f', 'lavfi', '-i', risingTone(SECONDS), '-map', '0:v', '-map', '1:a'];
const rising = (size: string, bitrate: string, sound: string) => [
  ...[...RISING, '-vf', `setpts=N/30/TB,scale=${size}:flags=neighbor`, ...x264(bitrate, 30)],
  ...['-c:a', 'aac', '-b:a', sound, ...BRISK],
];
/** Picture and sound in playlists of their own. */
const APART = [
  ...[
    '-map',
    '0:v',
    '-map',
    '0:a',
    '-master_pl_name',
    'main.m3u8',
    '-hls_segment_filename',
    'apart/%v-%d.ts',
  ],
  ...['-var_stream_map', 'v:0,agroup:sound a:0,agroup:sound,default:yes', 'apart/%v.m3u8'],
];

/** Hz of the sounds of `sounds/main.m3u8`, of the first and of the second. */
export const TONES = [440, 1100] as const;
const tone = (hz: number) => ['-f', 'lavfi', '-i', `sine=frequency=${hz}:sample_rate=48000,volume=6dB`];
/** A picture and two sounds in playlists of their own. */
const SOUNDS = [
  ...[
    '-map',
    '0:v',
    '-map',
    '1:a',
    '-map',
    '2:a',
    '-c:v',
    'copy',
    '-c:a',
    'aac',
    '-ac',
    '2',
    '-t',
    `${SECONDS}`,
  ],
  ...['-master_pl_name', 'main.m3u8', '-hls_segment_filename', 'sounds/%v-%d.ts', '-var_stream_map'],
  'v:0,agroup:sound a:0,agroup:sound,default:yes,language:en a:1,agroup:sound,language:de',
  'sounds/%v.m3u8',
];

const MADE = {
  /** `moov` first. */
  'first.mp4': [...COPY, '-movflags', '+faststart', 'first.mp4'],
  'last.mp4': [...COPY, 'last.mp4'],
  'fragments.mp4': [...COPY, ...FRAGMENTS, 'fragments.mp4'],
  'list.flv': [...COPY, '-flvflags', 'add_keyframe_index', 'list.flv'],
  'plain.flv': [...COPY, 'plain.flv'],
  'ts/index.m3u8': [...COPY, ...HLS, 'ts/index.m3u8'],
  'fmp4/index.m3u8': [...COPY, ...HLS, '-hls_segment_type', 'fmp4', 'fmp4/index.m3u8'],
  'aes/index.m3u8': [...COPY, ...HLS, '-hls_key_info_file', 'aes/key.info', 'aes/index.m3u8'],
  'small/index.m3u8': [...LOOPED, ...SMALLER, ...x264('200k', 60), ...SAME_SOUND, ...HLS, 'small/index.m3u8'],
  'apart/main.m3u8': [...COPY, ...HLS, ...APART],
  'sounds/main.m3u8': [...LOOPED, ...TONES.flatMap(tone), ...HLS, ...SOUNDS],
  /** One file, of which the playlist gives ranges. */
  'ranges/index.m3u8': [
    ...[...COPY, ...HLS, '-hls_segment_type', 'fmp4', '-hls_flags', 'single_file'],
    'ranges/index.m3u8',
  ],
  /** The card, a minute of it. */
  'turned.mp4': [...TURNED, 'turned.mp4'],
  'turned-fragments.mp4': [...TURNED, ...FRAGMENTS, 'turned-fragments.mp4'],
  /** The card of pixels of 3:4, as the file says, and as the stream does. */
  'narrow.mp4': [...CARDS, '-aspect', '4:3', 'narrow.mp4'],
  'narrow.flv': [...CARDS, '-bsf:v', 'h264_metadata=sample_aspect_ratio=3/4', 'narrow.flv'],
  /** Keyframes and segments of one second. */
  'brisk.flv': ['-i', SOURCE, ...x264('240k', 30), ...SAME_SOUND, 'brisk.flv'],
  'brisk/index.m3u8': [...LOOPED, ...x264('240k', 30), ...SAME_SOUND, ...BRISK, 'brisk/index.m3u8'],
  'rising/index.m3u8': [...rising('640:360', '500k', '160k'), 'rising/index.m3u8'],
  'rising-small/index.m3u8': [...rising('320:180', '100k', '128k'), 'rising-small/index.m3u8'],
} as const;

export type Recording = keyof typeof MADE | keyof typeof WRITTEN;

/** Playlists of what is made and other things that ffmpeg does not write, and what they need. */
const WRITTEN = {
  /** Two renditions with keyframes and segments of one second. */
  'rising.m3u8': {
    of: ['rising/index.m3u8', 'rising-small/index.m3u8'],
    text: `#EXTM3U
#EXT-X-VERSION:3
#EXT-X-STREAM-INF:BANDWIDTH=800000,RESOLUTION=640x360,CODECS="avc1.64001e,mp4a.40.2",FRAME-RATE=30
rising/index.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=300000,RESOLUTION=320x180,CODECS="avc1.64000d,mp4a.40.2",FRAME-RATE=30
rising-small/index.m3u8
`,
  },
  /** Two renditions of the same content. */
  'main.m3u8': {
    of: ['ts/index.m3u8', 'small/index.m3u8'],
    text: `#EXTM3U
#EXT-X-VERSION:3
#EXT-X-STREAM-INF:BANDWIDTH=900000,RESOLUTION=640x360,CODECS="avc1.64001e,mp4a.40.2",FRAME-RATE=30
ts/index.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=300000,RESOLUTION=320x180,CODECS="avc1.64000d,mp4a.40.2",FRAME-RATE=30
small/index.m3u8
`,
  },
  /** Each segment has another size than the one before, and its time stamps are 16 s off: the numbers on the pictures go on. */
  'changes.m3u8': {
    of: ['ts/index.m3u8', 'small/index.m3u8'],
    text: [
      '#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:4\n#EXT-X-PLAYLIST-TYPE:VOD',
      ...['ts/index0', 'small/index5', 'ts/index2', 'small/index7', 'ts/index4'],
    ]
      .join('.ts\n#EXT-X-DISCONTINUITY\n#EXTINF:4,\n')
      .replace('VOD.ts\n#EXT-X-DISCONTINUITY', 'VOD')
      .concat('.ts\n#EXT-X-ENDLIST\n'),
  },
  /** Mirrored behind that. */
  'turned-mirrored.mp4': { of: ['turned.mp4'], text: mirrored },
  'turned.m3u8': { of: ['turned-fragments.mp4'], text: rangesOfTurned },
} as const;

/** The folder in which `name` is, with all that belongs to it. */
export function recording(name: Recording): string {
  if (name in WRITTEN) {
    const { of, text } = WRITTEN[name as keyof typeof WRITTEN];
    for (const part of of) make(part);
    writeFileSync(path.join(FOLDER, name), typeof text === 'string' ? text : text());
  } else make(name as keyof typeof MADE);
  return FOLDER;
}

const made = (name: keyof typeof MADE) => readFileSync(path.join(FOLDER, name));

function mirrored(): Buffer {
  const file = made('turned.mp4');
  // In the matrix of the track header: where a step down goes, to the right instead of to the left.
  file.writeInt32BE(0x10000, file.indexOf('tkhd') + 56);
  return file;
}

function rangesOfTurned(): string {
  const file = made('turned-fragments.mp4');
  const media = file.indexOf('moof') - 4;
  return [
    '#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:60\n#EXT-X-PLAYLIST-TYPE:VOD',
    `#EXT-X-MAP:URI="turned-fragments.mp4",BYTERANGE="${media}@0"`,
    `#EXTINF:60,\n#EXT-X-BYTERANGE:${file.length - media}@${media}\nturned-fragments.mp4\n#EXT-X-ENDLIST\n`,
  ].join('\n');
}

function make(name: keyof typeof MADE): void {
  if (existsSync(path.join(FOLDER, name))) return;
  // Under its final name only when whole.
  const part = `${FOLDER.replace(/\/$/, '')}.${process.pid}`;
  const folder = path.dirname(path.join(part, name));
  mkdirSync(folder, { recursive: true });
  if (name.startsWith('aes')) {
    writeFileSync(path.join(folder, 'key.bin'), Buffer.from(KEY, 'hex'));
    writeFileSync(path.join(folder, 'key.info'), `key.bin\naes/key.bin\n${IV}\n`);
  }
  const args = ['-hide_banner', '-loglevel', 'error', '-y', ...MADE[name]];
  const run = spawnSync('ffmpeg', args, { cwd: part });
  if (run.status !== 0) throw new Error(`ffmpeg made no ${name}: ${run.stderr}`);
  const [top = name] = name.split('/');
  mkdirSync(FOLDER, { recursive: true });
  renameSync(path.join(part, top), path.join(FOLDER, top));
  rmSync(part, { recursive: true });
}
