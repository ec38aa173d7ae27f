/** The constructor's options, checked and completed. Options that are not known are left alone. */
import { pageError } from '../errors.js';
import type {
  Background,
  CmcdOptions,
  DecoderChoice,
  Fit,
  Latency,
  PlayerOptions,
  Renderer,
  Rotation,
} from '../types.js';
import { check } from './check.js';
import type { LatencyBounds } from './protocol.js';
import { checkSource, type Given } from './source.js';
import { folder } from './spawn.js';

export interface Settings {
  container: HTMLElement;
  source: Given;
  loop: boolean;
  playbackRate: number;
  resolveUrl: PlayerOptions['resolveUrl'];
  muted: boolean;
  volume: number;
  autoplay: boolean;
  latency: LatencyBounds;
  background: Background;
  fit: Fit;
  rotation: Rotation;
  mirror: boolean;
  renderer: Renderer | undefined;
  decoder: DecoderChoice;
  /** The folder of worker, worklet and wasm, with its slash. */
  base: URL | undefined;
  cmcd: CmcdOptions | undefined;
}

const FITS: readonly unknown[] = ['contain', 'cover', 'fill'] satisfies Fit[];
const RENDERERS: readonly unknown[] = ['track', 'canvas', 'webgl', undefined] satisfies (
  | Renderer
  | undefined
)[];
const ROTATIONS: readonly unknown[] = [0, 90, 180, 270] satisfies Rotation[];
const BACKGROUNDS: readonly unknown[] = ['audio', 'keep', 'suspend'] satisfies Background[];
const DECODERS: readonly unknown[] = ['auto', 'webcodecs', 'wasm'] satisfies DecoderChoice[];
/** Target latency, seconds. */
export const LATENCY_MIN = 0.05;
export const LATENCY_MAX = 30;
/** How fast the viewer may play. */
const RATE_MIN = 0.5;
const RATE_MAX = 3;
/** A number of a track is a byte. */
const MOST_TRACKS = 255;
/** As the engine's `LatencyTarget::AUTO`. */
const AUTO: LatencyBounds = { start: 0.2, min: 0.05, max: 2 };

export function checkFit(fit: unknown): Fit {
  return check(FITS.includes(fit), 'fit', fit) as Fit;
}

export function checkDecoder(decoder: unknown): DecoderChoice {
  return check(DECODERS.includes(decoder), 'decoder', decoder) as DecoderChoice;
}

export function checkTrack(kind: unknown, number: unknown): void {
  check(kind === 'video' || kind === 'audio', 'kind', kind);
  check(Number.isInteger(number) && Number(number) >= 0 && Number(number) <= MOST_TRACKS, 'number', number);
}

export function checkRotation(rotation: unknown): Rotation {
  return check(ROTATIONS.includes(rotation), 'rotation', rotation) as Rotation;
}

export function checkVolume(volume: unknown): number {
  return check(typeof volume === 'number' && volume >= 0 && volume <= 1, 'volume', volume) as number;
}

export function checkLatency(latency: unknown): LatencyBounds {
  const bounds = latencyBounds(latency as Latency | null | undefined);
  const { start, min, max } = bounds ?? AUTO;
  const numbers = [start, min, max].every(Number.isFinite);
  const good = bounds && numbers && min >= LATENCY_MIN && min <= start && start <= max && max <= LATENCY_MAX;
  check(Boolean(good), 'latency', latency);
  return { start, min, max };
}

function latencyBounds(latency: Latency | null | undefined): LatencyBounds | undefined {
  if (latency === 'auto') return AUTO;
  if (typeof latency === 'number') return { start: latency, min: latency, max: latency };
  if (typeof latency !== 'object' || latency === null) return undefined;
  const { target = AUTO.start } = latency;
  // One that is given moves the others along: `{ min: 3 }` is a range as well.
  const min = latency.min ?? Math.min(AUTO.min, latency.max ?? AUTO.min);
  const max = latency.max ?? Math.max(AUTO.max, min, latency.target ?? min);
  const start = latency.target === undefined ? Math.min(Math.max(target, min), max) : target;
  return { start, min, max };
}

export function checkRate(rate: unknown): number {
  const good = typeof rate === 'number' && rate >= RATE_MIN && rate <= RATE_MAX;
  return check(good, 'playbackRate', rate) as number;
}

export function checkOptions(options: PlayerOptions): Settings {
  const { muted, autoplay, renderer, volume = 1, latency = 'auto', fit = 'contain' } = options;
  const { baseUrl, cmcd, resolveUrl, background = 'audio', decoder = 'auto' } = options;
  const base = typeof baseUrl === 'string' ? folder(baseUrl) : undefined;
  check(base !== undefined || baseUrl === undefined, 'baseUrl', baseUrl);
  return {
    container: findContainer(options.container),
    source: checkSource(options),
    loop: Boolean(options.loop),
    playbackRate: checkRate(options.playbackRate ?? 1),
    resolveUrl: check(
      resolveUrl === undefined || typeof resolveUrl === 'function',
      'resolveUrl',
      resolveUrl,
    ) as PlayerOptions['resolveUrl'],
    muted: Boolean(muted),
    volume: checkVolume(volume),
    autoplay: Boolean(autoplay),
    latency: checkLatency(latency),
    background: check(BACKGROUNDS.includes(background), 'background', background) as Background,
    fit: checkFit(fit),
    rotation: checkRotation(options.rotation ?? 0),
    mirror: Boolean(options.mirror),
    renderer: check(RENDERERS.includes(renderer), 'renderer', renderer) as Renderer | undefined,
    decoder: checkDecoder(decoder),
    base,
    cmcd: check(isCmcd(cmcd), 'cmcd', cmcd) as CmcdOptions | undefined,
  };
}

/** The standard has names of 64 characters, and strings (RFC 8941) of ASCII. */
function isCmcd(cmcd: unknown): boolean {
  if (cmcd === undefined) return true;
  if (typeof cmcd !== 'object' || cmcd === null) return false;
  const { contentId, sessionId } = cmcd as Record<string, unknown>;
  return [contentId, sessionId].every(
    id => id === undefined || (typeof id === 'string' && /^[ -~]{1,64}$/.test(id)),
  );
}

function findContainer(container: unknown): HTMLElement {
  if (typeof container === 'string') {
    const found = document.querySelector<HTMLElement>(container);
    if (found) return found;
    throw pageError('containerNotFound', `No element matches ${JSON.stringify(container)}.`);
  }
  // Not `instanceof`: it may come from another frame.
  if ((container as Node | null | undefined)?.nodeType === 1) return container as HTMLElement;
  throw pageError('containerNotFound', 'The container is not an element.');
}
