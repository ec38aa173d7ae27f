/** The constructor's options, checked and completed. Options that are not known are left alone. */

import { folder } from '../../internal/spawn.js';
import { type ConfigLayer, type ConfigLimits, checkLimits } from '../config.js';
import type { AudioSource, PublisherOptions, VideoSource } from '../types.js';
import { publisherError } from './errors.js';

export interface Settings {
  lines: readonly string[];
  video: VideoSource;
  audio: AudioSource;
  mirror: 'auto' | boolean;
  muted: boolean;
  sampleRate: 44100 | 48000;
  channels: 1 | 2;
  config: ConfigLayer;
  limits: ConfigLimits;
  configUrl: string | undefined;
  /** Seconds. */
  configInterval: number;
  rememberDevices: boolean;
  /** The folder of worker, worklet and wasm, with its slash. */
  base: URL | undefined;
}

const CONFIG_INTERVAL = 300;
const LEAST_INTERVAL = 10;
const MOST_INTERVAL = 86_400;

export function checkOptions(options: PublisherOptions): Settings {
  const { sampleRate = 48000, channels = 2, mirror = 'auto', configInterval = CONFIG_INTERVAL } = options;
  const { configUrl, config = {}, limits = {}, baseUrl } = options;
  const base = baseUrl === undefined ? undefined : folder(baseUrl);
  check(base !== undefined || baseUrl === undefined, 'baseUrl', baseUrl);
  check(sampleRate === 44100 || sampleRate === 48000, 'sampleRate', sampleRate);
  check(channels === 1 || channels === 2, 'channels', channels);
  check(configUrl === undefined || typeof configUrl === 'string', 'configUrl', configUrl);
  check(
    configInterval >= LEAST_INTERVAL && configInterval <= MOST_INTERVAL,
    'configInterval',
    configInterval,
  );
  return {
    lines: checkLines(options.url),
    video: checkVideo(options.video ?? 'camera'),
    audio: checkAudio(options.audio ?? 'microphone'),
    mirror: checkMirror(mirror),
    muted: Boolean(options.muted),
    sampleRate,
    channels,
    config: checkConfig(config),
    limits: checkedLimits(limits),
    configUrl,
    configInterval,
    rememberDevices: options.rememberDevices ?? true,
    base,
  };
}

/** None, one or several addresses, as a list of absolute ones; `http:` is another way to write `ws:`. */
export function checkLines(url: unknown): readonly string[] {
  const lines: unknown[] = Array.isArray(url) ? url : url === undefined ? [] : [url];
  check(
    lines.every(line => typeof line === 'string'),
    'url',
    url,
  );
  return (lines as string[]).filter(line => line !== '').map(socketUrl);
}

/** What is no address at all goes on as it is: the engine refuses it. */
function socketUrl(line: string): string {
  try {
    return new URL(line, document.baseURI).href.replace(/^http/, 'ws');
  } catch {
    return line;
  }
}

export function checkVideo(source: unknown): VideoSource {
  const video = named(source) as VideoSource | undefined;
  const good = {
    camera: () => true,
    screen: () => true,
    none: () => true,
    canvas: (source: { canvas?: unknown }) => isElement(source.canvas, 'canvas'),
    file: ({ file }: { file?: unknown }) => typeof file === 'string' || file instanceof Blob,
    stream: (source: { stream?: unknown }) => isStream(source.stream),
  };
  const known = video && Object.hasOwn(good, video.kind) ? good[video.kind] : undefined;
  check(known?.(video as object) ?? false, 'video', source);
  return video as VideoSource;
}

export function checkAudio(source: unknown): AudioSource {
  const audio = named(source) as AudioSource | undefined;
  const good =
    audio?.kind === 'microphone' ||
    audio?.kind === 'none' ||
    (audio?.kind === 'stream' && isStream(audio.stream));
  check(good, 'audio', source);
  return audio as AudioSource;
}

export function checkMirror(mirror: unknown): 'auto' | boolean {
  check(mirror === 'auto' || typeof mirror === 'boolean', 'mirror', mirror);
  return mirror as 'auto' | boolean;
}

export function checkConfig(config: unknown): ConfigLayer {
  check(typeof config === 'object' && config !== null && !Array.isArray(config), 'config', config);
  return config as ConfigLayer;
}

function checkedLimits(limits: ConfigLimits): ConfigLimits {
  try {
    return checkLimits(limits);
  } catch (error) {
    throw publisherError('optionInvalid', `The option limits cannot be that: ${(error as Error).message}.`);
  }
}

function named(source: unknown): { kind: string } | undefined {
  if (typeof source === 'string') return { kind: source };
  return typeof source === 'object' && source !== null ? (source as { kind: string }) : undefined;
}

/** Not `instanceof`: it may come from another frame. */
function isElement(value: unknown, name: string): boolean {
  return (value as Element | null | undefined)?.localName === name;
}

function isStream(value: unknown): boolean {
  return typeof (value as Partial<MediaStream> | null | undefined)?.getTracks === 'function';
}

function check(good: boolean, name: string, value: unknown): void {
  if (good) return;
  let written = String(value);
  try {
    written = JSON.stringify(value) ?? written;
  } catch {
    // A circle; its name must do.
  }
  throw publisherError('optionInvalid', `The option ${name} cannot be ${written}.`);
}
