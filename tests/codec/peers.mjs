/**
 * Who else decodes: other projects' decoders for the browser, and ffmpeg on this machine.
 *
 * The former are no dependencies of ours, some for their licence and some for their size. Whoever wants them beside ours installs
 * them anywhere and names that folder; who is not there is left out:
 *
 *     npm install --prefix FOLDER tinyh264@0.0.7 broadway-player@0.1.1 @ffmpeg/core@0.12.10 \
 *       @libav.js/variant-webcodecs@6.10.9 opus-decoder@0.7.12 mpg123-decoder@1.0.3 @wasm-audio-decoders/flac@0.2.11
 *     SAILCAST_PEERS=FOLDER node tests/codec/bench.mjs
 *
 * A decoder is `{ name, codecs, files, open }`. `await open(clip, take, isCheck)` makes one and gives the function that decodes the
 * clip once; it calls `take` with each output as a function that gives it: a picture's bytes or MD5, or the samples of each channel.
 * Where the work is done in another process, that function tells the seconds it took.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { ffmpeg, pictures } from './ffmpeg.mjs';
import { Codec, compile, FLAVOURS, rawvideo, root } from './module.mjs';

const VIDEO = ['h264', 'hevc'];
const AUDIO = ['aac', 'mp3', 'opus', 'flac'];

// libav.js takes FFmpeg's numbers.
const LOG_FATAL = 8;
const TYPE_AUDIO = 1;
const ID_FLAC = 86028;
const ID_OPUS = 86076;

/** Our modules of a codec, with SIMD and without. */
export function ours(codec) {
  return FLAVOURS.map(flavour => {
    const module = compile(codec, flavour);
    const folder = process.env.SAILCAST_CODECS ?? path.join(root, 'dist/codecs');
    return {
      ...{ name: `${codec}.${flavour}`, codecs: [codec], files: [path.join(folder, `${codec}.${flavour}`)] },
      open: async (clip, take) => {
        const codec = new Codec(module, clip);
        const hand = outputs => {
          for (const output of outputs) take(() => (output.planes ? rawvideo(output) : deinterleave(output)));
        };
        return () => {
          for (const { data, pts, keyframe } of clip.packets) hand(codec.decode(data, pts, keyframe));
          hand(codec.flush());
        };
      },
    };
  });
}

export const native = {
  name: 'ffmpeg -threads 1',
  codecs: [...VIDEO, ...AUDIO],
  files: [],
  open: async clip => () => {
    const args = ['-benchmark', '-hide_banner', '-threads', '1', '-i', clip.file, ...TO_NOTHING];
    const { stderr } = spawnSync('ffmpeg', args);
    const [, user, system] = stderr.toString().match(/utime=([\d.]+)s stime=([\d.]+)s/);
    return Number(user) + Number(system);
  },
};

/** Floats are what a browser's sound wants. */
const TO_NOTHING = ['-c:a', 'pcm_f32le', '-f', 'null', '-'];

/** What may be right: lists of the MD5 of each picture, or of the samples of each channel. */
export function truths({ codec, file, channels }) {
  if (VIDEO.includes(codec)) return [pictures(['-i', file])];
  // Of Opus there are two: ffmpeg's own decoder resamples SILK with another delay than the reference.
  const decoders = codec === 'opus' ? [['-c:a', 'libopus', '-request_sample_fmt', 'flt'], []] : [[]];
  return decoders.map(decoder => {
    const samples = floats(ffmpeg([...decoder, '-i', file, '-f', 'f32le', '-']));
    return deinterleave({ samples, channels });
  });
}

export const nativeVersion = () =>
  execFileSync('ffmpeg', ['-version']).toString().split(' ', 3).slice(0, 3).join(' ');

const floats = ({ buffer, byteOffset, length }) =>
  new Float32Array(buffer.slice(byteOffset, byteOffset + length));

function deinterleave({ samples, channels }) {
  return Array.from({ length: channels }, (_, channel) =>
    Float32Array.from({ length: samples.length / channels }, (_, at) => samples[at * channels + channel]),
  );
}

/** The peers that are installed. */
export function peers() {
  const folder = process.env.SAILCAST_PEERS;
  if (folder === undefined) return [];
  const at = (name, file) => path.resolve(folder, 'node_modules', name, file);
  const found = PEERS.filter(({ packageName }) => existsSync(at(packageName, 'package.json')));
  return found.map(({ packageName, codecs, files, open }) => {
    const { version, license } = JSON.parse(readFileSync(at(packageName, 'package.json')));
    const paths = files.map(file => at(packageName, file));
    return {
      ...{ name: `${packageName} ${version}`, license, codecs, files: paths },
      open: (clip, take, isCheck) => open(paths, clip, take, isCheck),
    };
  });
}

const PEERS = [
  {
    packageName: 'tinyh264',
    codecs: ['h264'],
    files: ['es/TinyH264.js', 'es/TinyH264Decoder.js'],
    open: async ([glue, face], clip, take) => {
      const Decoder = module(face)();
      const wasm = await inBrowser(WORKER, () => module(glue)()());
      const decoder = new Decoder(wasm, picture => take(() => Buffer.from(picture)));
      const nals = annexB(clip);
      return () => {
        for (const nal of nals) decoder.decode(nal);
      };
    },
  },
  {
    packageName: 'broadway-player',
    codecs: ['h264'],
    files: ['Player/Decoder.js'],
    open: async ([file], clip, take) => {
      const Decoder = createRequire(file)(file);
      const decoder = await inBrowser(PAGE, () => new Decoder());
      decoder.onPictureDecoded = picture => {
        const copy = Buffer.from(picture);
        take(() => copy);
      };
      const nals = annexB(clip);
      return () => {
        for (const nal of nals) decoder.decode(nal);
      };
    },
  },
  {
    packageName: '@ffmpeg/core',
    codecs: [...VIDEO, ...AUDIO],
    files: ['dist/umd/ffmpeg-core.js', 'dist/umd/ffmpeg-core.wasm'],
    open: async ([file, wasm], clip, take, isCheck) => {
      const core = await ffmpegCore(file, wasm);
      core.FS.writeFile('clip.mp4', readFileSync(clip.file));
      const exec = args => {
        core.reset();
        const status = core.exec('-threads', '1', '-i', 'clip.mp4', ...args);
        if (status !== 0) throw new Error(`@ffmpeg/core ended with status ${status}`);
      };
      if (!isCheck) return () => exec(TO_NOTHING);
      return () => {
        const isVideo = VIDEO.includes(clip.codec);
        exec([...(isVideo ? ['-vsync', 'passthrough', '-f', 'framemd5'] : ['-f', 'f32le']), 'out']);
        const out = Buffer.from(core.FS.readFile('out'));
        if (!isVideo) return take(() => deinterleave({ samples: floats(out), channels: clip.channels }));
        const lines = out.toString().split('\n');
        for (const line of lines.filter(line => /^\d/.test(line))) take(() => line.split(',').pop().trim());
      };
    },
  },
  {
    packageName: '@libav.js/variant-webcodecs',
    codecs: ['opus', 'flac'],
    files: ['dist/libav-6.10.9.0-webcodecs.wasm.mjs', 'dist/libav-6.10.9.0-webcodecs.wasm.wasm'],
    open: async ([glue], clip, take) => {
      const { default: create } = await import(pathToFileURL(glue));
      const libav = await create();
      await libav.av_log_set_level(LOG_FATAL);
      const parameters = await libav.avcodec_parameters_alloc();
      const isFlac = clip.codec === 'flac';
      const extradata = isFlac ? clip.description.subarray(8) : clip.description;
      await libav.ff_copyin_codecpar(parameters, {
        ...{ codec_type: TYPE_AUDIO, codec_id: isFlac ? ID_FLAC : ID_OPUS, extradata },
        ...{ sample_rate: clip.sampleRate, channels: clip.channels },
      });
      const [, context, packet, frame] = await libav.ff_init_decoder(isFlac ? 'flac' : 'libopus', parameters);
      const packets = clip.packets.map(({ data, pts }) => ({ data, pts, ptshi: 0, dts: pts, dtshi: 0 }));
      return async () => {
        const frames = await libav.ff_decode_multi(context, packet, frame, packets, true);
        for (const { data, channels } of frames) {
          take(() =>
            Array.isArray(data) ? data.map(scaled) : deinterleave({ samples: scaled(data), channels }),
          );
        }
      };
    },
  },
  {
    packageName: 'opus-decoder',
    codecs: ['opus'],
    files: ['dist/opus-decoder.min.js'],
    open: async ([file], clip, take) => {
      const { OpusDecoder } = await sources(file);
      const preSkip = clip.description.readUInt16LE(10);
      const decoder = new OpusDecoder({
        preSkip,
        channels: clip.channels,
        coupledStreamCount: clip.channels - 1,
        streamCount: 1,
        channelMappingTable: [0, 1].slice(0, clip.channels),
      });
      await decoder.ready;
      return eachPacket(clip, take, data => decoder.decodeFrame(data));
    },
  },
  {
    packageName: 'mpg123-decoder',
    codecs: ['mp3'],
    files: ['dist/mpg123-decoder.min.js'],
    open: async ([file], clip, take) => {
      const { MPEGDecoder } = await sources(file);
      const decoder = new MPEGDecoder();
      await decoder.ready;
      return eachPacket(clip, take, data => decoder.decodeFrame(data));
    },
  },
  {
    packageName: '@wasm-audio-decoders/flac',
    codecs: ['flac'],
    files: ['dist/flac-decoder.min.js'],
    open: async ([file], clip, take) => {
      const { FLACDecoder } = await sources(file);
      const decoder = new FLACDecoder();
      await decoder.ready;
      const head = Buffer.concat([Buffer.from('fLaC'), clip.description.subarray(4)]);
      const frames = [head, ...clip.packets.map(({ data }) => data)];
      return async () => {
        const { channelData } = await decoder.decodeFrames(frames);
        take(() => channelData);
      };
    },
  },
];

/** What is served is bundled for pages alone; Node takes the same from the sources. */
const sources = file => import(pathToFileURL(path.join(path.dirname(file), '../index.js')));

function eachPacket({ packets }, take, decode) {
  return () => {
    for (const { data } of packets) {
      const { channelData } = decode(data);
      take(() => channelData);
    }
  };
}

/** Whole numbers become floats as ffmpeg makes them. */
function scaled(samples) {
  if (samples instanceof Float32Array) return samples;
  const full = 2 ** (samples.BYTES_PER_ELEMENT * 8 - 1);
  return Float32Array.from(samples, sample => sample / full);
}

const START = Buffer.from([0, 0, 0, 1]);

/** The clip's NAL units, parameter sets first, each with a start code. */
function annexB({ description, packets }) {
  const nals = [...setsOf(description)];
  for (const { data } of packets) {
    for (let at = 0; at + 4 <= data.length; ) {
      const size = data.readUInt32BE(at);
      nals.push(data.subarray(at + 4, at + 4 + size));
      at += 4 + size;
    }
  }
  return nals.map(nal => Buffer.concat([START, nal]));
}

/** The parameter sets of an AVCDecoderConfigurationRecord. */
function* setsOf(record) {
  let at = 5;
  for (const mask of [0x1f, 0xff]) {
    const count = record[at] & mask;
    at += 1;
    for (let set = 0; set < count; set++) {
      const size = record.readUInt16BE(at);
      yield record.subarray(at + 2, at + 2 + size);
      at += 2 + size;
    }
  }
}

/** An ES module in a package that does not say that it is one: a function that gives its default export. */
function module(file) {
  const text = readFileSync(file, 'utf8').replace(/export default (\w+);?\s*$/, 'return $1;');
  return new Function(text);
}

let core;

/** One for all clips: it takes seconds to compile. */
function ffmpegCore(file, wasm) {
  const options = { wasmBinary: readFileSync(wasm), locateFile: () => wasm };
  core ??= inBrowser(WORKER, () => createRequire(file)(file)(options));
  return core;
}

const WORKER = { self: { location: { href: '' } } };
const PAGE = { window: {} };

/** Some glue is built for browsers alone, and looks for one while it starts; other glue would take Node for one. */
async function inBrowser(globals, load) {
  Object.assign(globalThis, globals);
  try {
    return await load();
  } finally {
    for (const name of Object.keys(globals)) delete globalThis[name];
  }
}
