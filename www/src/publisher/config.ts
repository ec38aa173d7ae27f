/**
 * The dynamic configuration (推流动态配置): what is published, as a document that a server may change while the stream runs.
 *
 * Pure: it reads no clock, network or browser. Layers are merged field by field, the later one wins: the defaults, the
 * document's `global`, its `user`, what the app set itself, the document's `system`. Nothing in a document can stop a stream:
 * a value out of range becomes the nearest one that is allowed, anything else is left out, and both are told as warnings.
 */
import type { PublishSettings } from './internal/protocol.js';

export type VideoCodec = PublishSettings['video']['codec'];
export type AudioCodec = PublishSettings['audio']['codec'];

/** What is published, complete. Rates are bit/s, times seconds. */
export interface PublishConfig {
  video: {
    /** Default `avc`, H.264. The others are sent as enhanced FLV, which not all servers take. */
    codec: VideoCodec;
    /** The shorter side of the picture, pixels: 360, 480, 504 or 720. Default 504. Smaller sources are not made larger. */
    resolution: number;
    /** 8 to 24. Default 15. */
    fps: number;
    /** Seconds from one keyframe to the next: 2 to 5, or 1. Default 4. */
    keyframeInterval: number;
    /** At most, bit/s: 400 000 to 1 000 000, or 200 000. Default 800 000. */
    bitrate: number;
  };
  audio: {
    /** Default `aac`. Opus is sent as enhanced FLV. */
    codec: AudioCodec;
    /** bit/s: 32 000 to 128 000, or 5 000: as little as the encoder can. Default 64 000. */
    bitrate: number;
  };
  /** How long a packet may wait for the network, seconds: 0.2 to 2. Default 0.5. */
  latencyBudget: number;
}

/** Some of the fields. `resolution` may be written as `504P`. */
export interface ConfigLayer {
  video?: Partial<Omit<PublishConfig['video'], 'resolution'>> & { resolution?: number | `${number}P` };
  audio?: Partial<PublishConfig['audio']>;
  latencyBudget?: number;
}

/** Which browsers a layer is for: one name or several of each; what is left out is not asked. */
export interface SystemMatch {
  /** `chrome`, `edge`, `firefox`, `safari`, `other`. */
  browser?: string | readonly string[];
  /** `android`, `ios`, `windows`, `macos`, `linux`, `chromeos`, `other`. */
  os?: string | readonly string[];
  /** `phone`, `tablet`, `desktop`. */
  device?: string | readonly string[];
}

/** What is fetched. At most 64 KB of JSON. */
export interface ConfigDocument {
  version: 1;
  /** For everybody. */
  global?: ConfigLayer;
  /** For this user; before `global`. */
  user?: ConfigLayer;
  /** For these browsers, systems and devices, the later ones before the earlier; before everything else. */
  system?: readonly (ConfigLayer & { match?: SystemMatch })[];
  /** Seconds until it is fetched again, 10 to 86 400; before the option `configInterval`. */
  maxAge?: number;
}

/** The browser that runs the page, in the words of `SystemMatch`. */
export interface Environment {
  browser: string;
  os: string;
  device: string;
}

/** Least and most, in place of the ranges that hold otherwise. Only the app's code can give them. */
export interface ConfigLimits {
  resolution?: readonly [min: number, max: number];
  fps?: readonly [min: number, max: number];
  keyframeInterval?: readonly [min: number, max: number];
  bitrate?: readonly [min: number, max: number];
  audioBitrate?: readonly [min: number, max: number];
  latencyBudget?: readonly [min: number, max: number];
}

/** A part of a configuration that could not be taken as it is. */
export interface ConfigWarning {
  /** As `video.fps`. */
  field: string;
  value: unknown;
  /** What holds in its place; null where it is left out. */
  nearest: number | string | null;
  /** For a person. */
  message: string;
}

/** Characters of a document that is worth reading. */
export const MAX_DOCUMENT = 65_536;
const MIN_AGE = 10;
const MAX_AGE = 86_400;
/** Of one document; the others are most likely of the same kind. */
const MOST_WARNINGS = 50;
const MOST_SYSTEM_LAYERS = 200;

export const DEFAULT_CONFIG: PublishConfig = {
  video: { codec: 'avc', resolution: 504, fps: 15, keyframeInterval: 4, bitrate: 800_000 },
  audio: { codec: 'aac', bitrate: 64_000 },
  latencyBudget: 0.5,
};

interface Range {
  min: number;
  max: number;
  /** One value more, out of the range. */
  special?: number;
  limit: keyof ConfigLimits;
  unit: string;
  /** What the app's limits may be at the most. */
  widest: readonly [min: number, max: number];
}

const RANGES: Readonly<Record<string, Range>> = {
  'video.fps': { min: 8, max: 24, limit: 'fps', unit: '', widest: [1, 120] },
  'video.keyframeInterval': {
    min: 2,
    max: 5,
    special: 1,
    limit: 'keyframeInterval',
    unit: ' s',
    widest: [0.5, 30],
  },
  'video.bitrate': {
    min: 400_000,
    max: 1_000_000,
    special: 200_000,
    limit: 'bitrate',
    unit: ' bit/s',
    widest: [50_000, 50_000_000],
  },
  'audio.bitrate': {
    min: 32_000,
    max: 128_000,
    special: 5_000,
    limit: 'audioBitrate',
    unit: ' bit/s',
    widest: [5_000, 512_000],
  },
  latencyBudget: { min: 0.2, max: 2, limit: 'latencyBudget', unit: ' s', widest: [0.05, 10] },
};
const CHOICES: Readonly<Record<string, readonly string[]>> = {
  'video.codec': ['avc', 'hevc', 'av1', 'vp9'] satisfies VideoCodec[],
  'audio.codec': ['aac', 'opus'] satisfies AudioCodec[],
};
const RESOLUTION = 'video.resolution';
const RESOLUTIONS = [360, 480, 504, 720];
const WIDEST_RESOLUTION = [90, 4320] as const;
const GROUPS = ['video', 'audio'];

type Value = number | string;

/** What a document's text says. Throws an `Error` that names what is wrong with the whole. */
export function parseDocument(text: string): ConfigDocument {
  const document: unknown = JSON.parse(text);
  if (!isObject(document)) throw new Error('it is no JSON object');
  if (document.version !== 1) throw new Error(`its version is ${brief(document.version)} and not 1`);
  return document as unknown as ConfigDocument;
}

/** When to fetch again, seconds; undefined where the document does not say. */
export function maxAgeOf({ maxAge }: ConfigDocument): number | undefined {
  if (typeof maxAge !== 'number' || !Number.isFinite(maxAge)) return undefined;
  return Math.min(Math.max(maxAge, MIN_AGE), MAX_AGE);
}

/** The configuration that holds, and what of the layers could not be taken. `app`: what the app set itself. */
export function effectiveConfig(
  document: ConfigDocument | undefined,
  app: ConfigLayer,
  environment: Environment,
  limits: ConfigLimits = {},
): { config: PublishConfig; warnings: ConfigWarning[] } {
  const merge = new Merge(limits);
  // An app that allows other ranges need not repeat the defaults.
  merge.layer(DEFAULT_CONFIG, '');
  merge.warnings.length = 0;
  const { version: _, maxAge, global, user, system, ...others } = document ?? { version: 1 };
  for (const [key, value] of Object.entries(others)) merge.unknown(key, value);
  if (maxAge !== undefined && maxAgeOf({ version: 1, maxAge }) !== maxAge) {
    const nearest = maxAgeOf({ version: 1, maxAge }) ?? null;
    merge.warn('maxAge', maxAge, nearest, `it is a number of seconds from ${MIN_AGE} to ${MAX_AGE}`);
  }
  merge.layer(global, 'global.');
  merge.layer(user, 'user.');
  merge.layer(app, '');
  for (const layer of merge.list(system)) {
    const { match, ...values } = layer;
    if (merge.matches(match, environment)) merge.layer(values, 'system.');
  }
  return { config: merge.config(), warnings: merge.warnings };
}

/** One layer over another; null or undefined gives a field back. */
export function overlay(below: ConfigLayer, above: ConfigLayer): ConfigLayer {
  const result: Record<string, unknown> = { ...below };
  for (const [key, value] of Object.entries(above)) {
    const group = GROUPS.includes(key) && isObject(value);
    const kept = group ? overlay((result[key] ?? {}) as ConfigLayer, value as ConfigLayer) : value;
    if (kept === null || kept === undefined) delete result[key];
    else result[key] = kept;
  }
  return result as ConfigLayer;
}

/** The names of the fields in which two differ, as `video.fps`. */
export function changedFields(before: PublishConfig, after: PublishConfig): string[] {
  const old = new Map(flatten(before));
  return flatten(after).flatMap(([field, value]) => (old.get(field) === value ? [] : [field]));
}

/**
 * For the engine, with how far it may step down on a weak network: to a quarter of the bitrate, 8 pictures a second and 360P.
 */
export function toSettings({ video, audio, latencyBudget }: PublishConfig): PublishSettings {
  return {
    video: {
      codec: video.codec,
      side: video.resolution,
      minSide: Math.min(video.resolution, 360),
      fps: video.fps,
      minFps: Math.min(video.fps, 8),
      keyframeInterval: video.keyframeInterval,
      bitrate: video.bitrate,
      minBitrate: Math.round(video.bitrate / 4),
    },
    audio: { ...audio },
    latencyBudget,
  };
}

/** Throws an `Error` that names what is wrong. */
export function checkLimits(limits: ConfigLimits): ConfigLimits {
  const widest = new Map<string, readonly [number, number]>(
    Object.values(RANGES).map(({ limit, widest }) => [limit, widest]),
  ).set('resolution', WIDEST_RESOLUTION);
  for (const [name, range] of Object.entries(limits)) {
    const bounds = widest.get(name);
    if (!bounds) throw new Error(`there is no limit ${name}`);
    const [min, max] = Array.isArray(range) && range.length === 2 ? range : [];
    if (!(min >= bounds[0] && min <= max && max <= bounds[1]))
      throw new Error(`${name} is not [min, max] within ${bounds[0]} and ${bounds[1]}`);
  }
  return limits;
}

class Merge {
  readonly warnings: ConfigWarning[] = [];
  readonly #values = new Map<string, Value>();
  readonly #limits: ConfigLimits;

  constructor(limits: ConfigLimits) {
    this.#limits = limits;
  }

  config(): PublishConfig {
    const result: Record<string, unknown> = { video: {}, audio: {} };
    for (const [field, value] of this.#values) {
      const [group = '', name] = field.split('.');
      if (name === undefined) result[group] = value;
      else (result[group] as Record<string, unknown>)[name] = value;
    }
    return result as unknown as PublishConfig;
  }

  /** `where`: goes before the names in warnings. */
  layer(layer: unknown, where: string): void {
    if (layer === undefined) return;
    if (!isObject(layer)) {
      this.warn(where.slice(0, -1) || 'config', layer, null, 'it is no object');
      return;
    }
    for (const [field, value] of flatten(layer)) this.#take(field, value, where);
  }

  #take(field: string, value: unknown, where: string): void {
    const range = Object.hasOwn(RANGES, field) ? RANGES[field] : undefined;
    const choices = Object.hasOwn(CHOICES, field) ? CHOICES[field] : undefined;
    const take = (nearest: Value | null, rule: string) => {
      if (nearest !== null) this.#values.set(field, nearest);
      const written = field === RESOLUTION ? pixels(value) : value;
      if (nearest === null || nearest !== written) this.warn(where + field, value, nearest, rule);
    };
    if (range) take(...this.#inRange(range, value));
    else if (field === RESOLUTION) take(...this.#resolution(pixels(value)));
    else if (choices)
      take(choices.includes(value as string) ? (value as string) : null, `it is ${choices.join(', ')}`);
    else this.unknown(where + field, value);
  }

  #inRange(range: Range, value: unknown): [nearest: number | null, rule: string] {
    const limit = this.#limits[range.limit];
    const [min, max] = limit ?? [range.min, range.max];
    const special = limit ? undefined : range.special;
    const or = special === undefined ? '' : `, or ${special}`;
    const rule = `it is a number from ${min} to ${max}${or}${range.unit}`;
    if (typeof value !== 'number' || !Number.isFinite(value)) return [null, rule];
    const inside = Math.min(Math.max(value, min), max);
    if (special === undefined || Math.abs(value - inside) < Math.abs(value - special)) return [inside, rule];
    return [special, rule];
  }

  #resolution(value: number | undefined): [nearest: number | null, rule: string] {
    const limit = this.#limits.resolution;
    const rule = limit
      ? `it is an even number from ${limit[0]} to ${limit[1]}, as "504P"`
      : `it is ${RESOLUTIONS.map(side => `"${side}P"`).join(', ')}`;
    if (value === undefined) return [null, rule];
    if (limit) return [Math.round(Math.min(Math.max(value, limit[0]), limit[1]) / 2) * 2, rule];
    const nearest = RESOLUTIONS.reduce((best, side) =>
      Math.abs(side - value) < Math.abs(best - value) ? side : best,
    );
    return [nearest, rule];
  }

  list(system: unknown): Record<string, unknown>[] {
    if (system === undefined) return [];
    if (!Array.isArray(system) || system.length > MOST_SYSTEM_LAYERS) {
      this.warn('system', system, null, `it is a list of at most ${MOST_SYSTEM_LAYERS} layers`);
      return [];
    }
    return system.filter(layer => {
      if (!isObject(layer)) this.warn('system', layer, null, 'it is no object');
      return isObject(layer);
    });
  }

  /** A layer that asks for something that is not known here is for nobody. */
  matches(match: unknown, environment: Environment): boolean {
    if (match === undefined) return true;
    if (!isObject(match)) {
      this.warn('system.match', match, null, 'it is no object');
      return false;
    }
    return Object.entries(match).every(([name, wanted]) => {
      if (!Object.hasOwn(environment, name)) {
        this.unknown(`system.match.${name}`, wanted);
        return false;
      }
      const names: unknown[] = Array.isArray(wanted) ? wanted : [wanted];
      return names.includes(environment[name as keyof Environment]);
    });
  }

  unknown(field: string, value: unknown): void {
    this.warn(field, value, null, 'there is no such field');
  }

  warn(field: string, value: unknown, nearest: Value | null, rule: string): void {
    if (this.warnings.length >= MOST_WARNINGS) return;
    const taken = nearest === null ? 'It is left out' : `${nearest} is taken`;
    this.warnings.push({
      field,
      value,
      nearest,
      message: `${field} cannot be ${brief(value)}: ${rule}. ${taken}.`,
    });
  }
}

/** Fields as `video.fps`. A group that is no object is a field by itself, which is not known. */
function flatten(layer: object): [field: string, value: unknown][] {
  return Object.entries(layer).flatMap(([key, value]) =>
    GROUPS.includes(key) && isObject(value)
      ? Object.entries(value).map(([name, value]): [string, unknown] => [`${key}.${name}`, value])
      : [[key, value] as [string, unknown]],
  );
}

/** 504 and `504P` alike. */
function pixels(value: unknown): number | undefined {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  const written = typeof value === 'string' ? /^(\d{1,5})p$/i.exec(value) : null;
  return written ? Number(written[1]) : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function brief(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
