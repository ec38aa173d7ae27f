/**
 * The next room, made ready: a worker with its wasm, the connection, and the beginning of the stream.
 *
 * What was made ready is used once, by the first `load()` of the same address, and is let go when nobody came for it: its
 * bytes get old, and a page must not hold on to streams that nobody watches. It never fails aloud: a `load()` that finds
 * nothing ready does everything itself, and says what is wrong.
 */
import { Cmcd } from './internal/cmcd.js';
import { EngineHost } from './internal/engine-host.js';
import { watchPage } from './internal/life.js';
import { absolute, preconnect } from './internal/lines.js';
import { type Build, buildFor, checkSource } from './internal/source.js';
import { folder } from './internal/spawn.js';
import { missingFeature } from './internal/support.js';
import type { PlayerOptions } from './types.js';

export interface PreloadOptions
  extends Pick<PlayerOptions, 'baseUrl' | 'resolveUrl' | 'cmcd' | 'sourceType'> {
  /** How long to hold it ready, seconds; `Infinity`: until it is used. Default 15. */
  seconds?: number;
}

/** What `preload()` began. */
export interface Preload {
  /** Lets it go, unless it was used. */
  release(): void;
}

/** How many at a time; the oldest goes. */
const MOST = 4;
const KEEP = 15;
/** A longer timer fires at once, ms: browsers count in 32 bits. */
const LONGEST_TIMER = 2 ** 31 - 1;

interface Entry extends Preload {
  key: string;
  host: EngineHost;
  /** What was asked for; undefined while `resolveUrl()` has not answered. */
  address: string | undefined;
  /** Holds it for so long from now on, if that is longer than it is held already. */
  keep(seconds: number): void;
  /** Takes it off the list; false if it was off already. */
  forget(): boolean;
}

const entries: Entry[] = [];
let unwatch: (() => void) | undefined;

/**
 * Begins to fetch what is at `url`, for a `load()` of it by any player within the next seconds; called again, holds it
 * until the later of the two ends.
 */
export function preload(url: string, options: PreloadOptions = {}): Preload {
  const base = options.baseUrl === undefined ? undefined : folder(options.baseUrl);
  const key = keyOf(absolute(url), base);
  const { cmcd, resolveUrl, seconds = KEEP } = options;
  const { sourceType: kind = 'auto' } = checkSource({ url, ...options });
  const found = entries.find(entry => entry.key === key);
  if (found) {
    found.keep(seconds);
    return found;
  }
  if (missingFeature() !== null) return { release() {} };
  const forget = () => {
    clearTimeout(timer);
    const at = entries.indexOf(entry);
    if (at >= 0) entries.splice(at, 1);
    if (entries.length === 0) {
      unwatch?.();
      unwatch = undefined;
    }
    return at >= 0;
  };
  const release = () => {
    if (forget()) host.close();
  };
  let timer: ReturnType<typeof setTimeout> | undefined;
  let until = Number.NEGATIVE_INFINITY;
  const keep = (seconds: number) => {
    const end = performance.now() + seconds * 1000;
    if (end <= until) return;
    until = end;
    clearTimeout(timer);
    timer = setTimeout(release, Math.min(seconds * 1000, LONGEST_TIMER));
  };
  const host = new EngineHost(base, buildFor(url, kind), forget);
  const entry: Entry = { key, host, address: undefined, keep, forget, release };
  keep(seconds);
  if (entries.length >= MOST) entries[0]?.release();
  entries.push(entry);
  // A page that holds on to streams cannot be put away, and what it held would be old.
  unwatch ??= watchPage({ suspend: releaseAll, putAway: releaseAll });
  const open = (answer: string) => {
    if (!entries.includes(entry)) return;
    const bare = absolute(answer);
    const address = cmcd ? new Cmcd(cmcd).sign(bare) : bare;
    entry.address = address;
    preconnect(address);
    host.send({ type: 'preload', url: address, kind });
  };
  if (!resolveUrl) open(url);
  else {
    new Promise<string>(answer =>
      answer(resolveUrl({ url: absolute(url), attempt: 0, reason: 'load' })),
    ).then(open, release);
  }
  return entry;
}

/** What was made ready for the absolute address `url`, for its one use with this module. */
export function takePreload(
  url: string,
  base: URL | undefined,
  build: Build,
): Pick<Entry, 'host' | 'address'> | undefined {
  const key = keyOf(url, base);
  const entry = entries.find(entry => entry.key === key);
  if (!entry) return undefined;
  entry.forget();
  if (entry.host.has(build)) return entry;
  entry.host.close();
  return undefined;
}

function releaseAll(): void {
  for (const entry of [...entries]) entry.release();
}

function keyOf(url: string, base: URL | undefined): string {
  return `${base?.href ?? ''} ${url}`;
}
