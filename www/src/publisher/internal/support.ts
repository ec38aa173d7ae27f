/** What this browser can publish. Asked by the app, never at import. */
import type { AudioCodec, VideoCodec } from '../config.js';
import type { EncoderPath, PublishProbe } from '../types.js';
import { framesPath } from './capture/pictures.js';

/** Names the first thing that is missing, or null. */
export function missingFeature(): string | null {
  if (typeof Worker !== 'function') return 'Worker';
  if (typeof WebAssembly !== 'object') return 'WebAssembly';
  if (typeof VideoEncoder !== 'function') return 'VideoEncoder';
  if (typeof AudioWorkletNode !== 'function') return 'AudioWorklet';
  return null;
}

/** At 504P: baseline H.264 level 3.1, HEVC main level 3.1, AV1 main level 3.0, VP9 level 3.1. */
const VIDEO: Record<VideoCodec, string> = {
  avc: 'avc1.42e01f',
  hevc: 'hev1.1.6.L93.B0',
  av1: 'av01.0.04M.08',
  vp9: 'vp09.00.31.08',
};
const AUDIO: Record<AudioCodec, string> = { aac: 'mp4a.40.2', opus: 'opus' };

export async function probe(): Promise<PublishProbe> {
  const supported = missingFeature() === null;
  // WebKitGTK 2.50 crashes if an encoder is the first that asks for its codecs.
  document.createElement('video').canPlayType('video/mp4');
  const [avc, hevc, av1, vp9, aac, opus] = await Promise.all([
    encodes(VIDEO.avc),
    encodes(VIDEO.hevc),
    encodes(VIDEO.av1),
    encodes(VIDEO.vp9),
    encodesSound(AUDIO.aac),
    encodesSound(AUDIO.opus),
  ]);
  const wasm = typeof WebAssembly === 'object' ? 'wasm' : null;
  const path = (browser: boolean, other: EncoderPath | null) => (browser ? 'webcodecs' : other);
  return {
    supported,
    video: { avc, hevc, av1, vp9 },
    audio: { aac: path(aac, wasm), opus: path(opus, null) },
    frames: framesPath(),
    screen: typeof navigator.mediaDevices?.getDisplayMedia === 'function',
  };
}

async function encodes(codec: string): Promise<boolean> {
  try {
    const config = { codec, width: 896, height: 504, bitrate: 800_000, framerate: 15 };
    return (await VideoEncoder.isConfigSupported(config)).supported ?? false;
  } catch {
    return false;
  }
}

async function encodesSound(codec: string): Promise<boolean> {
  try {
    const config = { codec, sampleRate: 48000, numberOfChannels: 2, bitrate: 64_000 };
    return (await AudioEncoder.isConfigSupported(config)).supported ?? false;
  } catch {
    return false;
  }
}
