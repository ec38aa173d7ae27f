/**
 * What would decode a stream here, and whether it would keep up.
 *
 * Of the browser's own decoders the browser is asked. Of software it is an estimate: `SPEED` says how many pixels a second each
 * decoder did on a machine that runs `BENCH` at `REFERENCE`, and this machine is measured in the same way, for some
 * milliseconds. Streams differ by half to either side of that, so it promises less than it finds.
 */
import type { DecoderChoice, ProbeRequest, ProbeResult } from '../../types.js';
import { checkDecoder } from '../options.js';

/**
 * Nothing but integers and memory, as in a decoder:
 *
 * (module (memory 1) (func (export "run") (param $n i32) (result i32) (local $s i32)
 *   (loop $l
 *     (local.set $s (i32.add (i32.mul (local.get $s) (i32.const 31))
 *       (i32.load8_u (i32.and (i32.mul (local.get $n) (i32.const 5)) (i32.const 0xffff)))))
 *     (i32.store8 (i32.and (local.get $n) (i32.const 0xffff)) (i32.shr_u (local.get $s) (i32.const 3)))
 *     (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
 *   (local.get $s)))
 */
const BENCH = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 6, 1, 96, 1, 127, 1, 127, 3, 2, 1, 0, 5, 3, 1, 0, 1, 7, 7, 1, 3, 114, 117,
  110, 0, 0, 10, 56, 1, 54, 1, 1, 127, 3, 64, 32, 1, 65, 31, 108, 32, 0, 65, 5, 108, 65, 255, 255, 3, 113, 45,
  0, 0, 106, 33, 1, 32, 0, 65, 255, 255, 3, 113, 32, 1, 65, 3, 118, 58, 0, 0, 32, 0, 65, 1, 107, 34, 0, 13, 0,
  11, 32, 1, 11,
];
/** Rounds of the loop in one go: about a millisecond, for the clocks of pages go by tenths of one. */
const ROUNDS = 1 << 20;
/** The best of so many counts: what else the machine does only makes it slower. */
const GOES = 10;
/** Rounds a second where `SPEED` was measured. */
const REFERENCE = 950e6;
/** Luma pixels a second on one core: 1280 x 720 of what encoders send live at high profile (docs/performance.md). */
const SPEED: Record<string, number> = { h264: 130e6, hevc: 130e6 };
/** What of that a stream may need: the rest is for streams that are harder, and for the page. */
const PART = 0.7;
/** With one core, page and player have to share it. */
const PART_OF_ONE_CORE = 0.4;
/** For the question to the browser, bits a pixel. */
const BITS_PER_PIXEL = 0.1;

/** Of codec strings, without what follows the first dot; AAC and MP3 are both `mp4a`. */
const VIDEO: Record<string, string> = { avc1: 'h264', avc3: 'h264', hvc1: 'hevc', hev1: 'hevc' };
const VIDEO_OF_BROWSERS = ['av01', 'vp09', 'vp8'];
const AUDIO_IN_SOFTWARE = ['mp4a', 'mp3', 'opus', 'flac', 'alaw', 'ulaw'];

export async function probe(request: ProbeRequest): Promise<ProbeResult> {
  const decoder = checkDecoder(request.decoder ?? 'auto');
  const codec = String(request.codec);
  const family = (codec.split('.')[0] ?? '').toLowerCase();
  const video = family in VIDEO || VIDEO_OF_BROWSERS.includes(family);
  return video
    ? ofVideo(decoder, codec, VIDEO[family], request)
    : ofAudio(decoder, codec, AUDIO_IN_SOFTWARE.includes(family));
}

async function ofVideo(
  decoder: DecoderChoice,
  codec: string,
  module: string | undefined,
  { width = 1280, height = 720, fps = 30 }: ProbeRequest,
): Promise<ProbeResult> {
  if (decoder !== 'wasm' && (await browserDecodes(codec, width, height)))
    return { path: 'webcodecs', smooth: await browserIsSmooth(codec, width, height, fps) };
  const speed = SPEED[module ?? ''];
  if (decoder === 'webcodecs' || speed === undefined) return { path: null, smooth: false };
  const part = navigator.hardwareConcurrency === 1 ? PART_OF_ONE_CORE : PART;
  return { path: 'wasm', smooth: width * height * fps <= ((speed * measure()) / REFERENCE) * part };
}

async function ofAudio(decoder: DecoderChoice, codec: string, software: boolean): Promise<ProbeResult> {
  if (decoder !== 'wasm' && (await browserHears(codec))) return { path: 'webcodecs', smooth: true };
  // Sound takes a hundredth of a core.
  const path = software && decoder !== 'webcodecs' ? 'wasm' : null;
  return { path, smooth: path !== null };
}

/** The configuration that a player would use, as far as it is known without the stream. */
function browserDecodes(codec: string, codedWidth: number, codedHeight: number): Promise<boolean> {
  if (typeof VideoDecoder !== 'function') return Promise.resolve(false);
  return yes(() =>
    VideoDecoder.isConfigSupported({ codec, codedWidth, codedHeight, optimizeForLatency: true }),
  );
}

function browserHears(codec: string): Promise<boolean> {
  if (typeof AudioDecoder !== 'function') return Promise.resolve(false);
  return yes(() => AudioDecoder.isConfigSupported({ codec, sampleRate: 48000, numberOfChannels: 2 }));
}

/** A codec string that is none is an exception, and no codec. */
async function yes(ask: () => Promise<{ supported?: boolean }>): Promise<boolean> {
  try {
    return (await ask()).supported ?? false;
  } catch {
    return false;
  }
}

/** A browser that cannot tell is believed to decode what it accepts. */
async function browserIsSmooth(
  codec: string,
  width: number,
  height: number,
  framerate: number,
): Promise<boolean> {
  const bitrate = width * height * framerate * BITS_PER_PIXEL;
  const contentType = `video/mp4; codecs="${codec}"`;
  try {
    const { supported, smooth } = await navigator.mediaCapabilities.decodingInfo({
      type: 'media-source',
      video: { contentType, width, height, bitrate, framerate },
    });
    return smooth || !supported;
  } catch {
    return true;
  }
}

/** Rounds of the loop a second. */
function measure(): number {
  const module = new WebAssembly.Module(new Uint8Array(BENCH));
  const { run } = new WebAssembly.Instance(module).exports as { run(rounds: number): number };
  let best = Number.POSITIVE_INFINITY;
  for (let go = 0; go < GOES; go++) {
    const start = performance.now();
    run(ROUNDS);
    best = Math.min(best, performance.now() - start);
  }
  return (ROUNDS / best) * 1000;
}
