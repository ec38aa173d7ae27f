/**
 * The next room, made ready: a worker with its wasm, the connection, and the beginning of the stream.
 *
 * What was made ready is used once, by the first `load()` of the same address, and is let go when nobody came for it: its
 * bytes get old, and a page must not hold on to streams that nobody watches. It never fails aloud: a `load()` that finds
 * nothing ready does everything itself, and says what is wrong.
 */
import { EngineHost } from './internal/engine-host.js';
import { watchPage } from './internal/life.js';
import { absolute, preconnect } from './internal/lines.js';
import { folder } from './internal/options.js';
import { missingFeature } from './internal/support.js';
import type { PlayerOptions } from './types.js';

export interface PreloadOptions extends Pick<PlayerOptions, 'baseUrl' | 'resolveUrl'> {
  /** How long to hold it ready, seconds. Default 15. */
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

interface Entry extends Preload {
  key: string;
  host: EngineHost;
  /** What was asked for; undefined while `resolveUrl()` has not answered. */
  address: string | undefined;
  /** Takes it off the list; false if it was off already. */
  forget(): boolean;
}

const entries: Entry[] = [];
let unwatch: (() => void) | undefined;

/**
 * Begins to fetch the stream at `url`, for a `load()` of it by any player within the next seconds. Of a `ws:` address only
 * the player is made ready, not the connection.
 */
export function preload(url: string, options: PreloadOptions = {}): Preload {
  const base = options.baseUrl === undefined ? undefined : folder(options.baseUrl);
  const key = keyOf(absolute(url), base);
  const found = entries.find(entry => entry.key === key);
  if (found) return found;
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
  const timer = setTimeout(release, (options.seconds ?? KEEP) * 1000);
  const host = new EngineHost(base, forget);
  const entry: Entry = { key, host, address: undefined, forget, release };
  if (entries.length >= MOST) entries[0]?.release();
  entries.push(entry);
  // A page that holds on to streams cannot be put away, and what it held would be old.
  unwatch ??= watchPage({ suspend: releaseAll, putAway: releaseAll });
  const open = (address: string) => {
    if (!entries.includes(entry)) return;
    entry.address = address;
    preconnect(address);
    host.send({ type: 'preload', url: address });
  };
  const { resolveUrl } = options;
  if (!resolveUrl) open(absolute(url));
  else {
    new Promise<string>(answer =>
      answer(resolveUrl({ url: absolute(url), attempt: 0, reason: 'load' })),
    ).then(address => open(absolute(address)), release);
  }
  return entry;
}

/** What was made ready for the absolute address `url`, for its one use. */
export function takePreload(url: string, base: URL | undefined): Pick<Entry, 'host' | 'address'> | undefined {
  const key = keyOf(url, base);
  const entry = entries.find(entry => entry.key === key);
  if (!entry) return undefined;
  entry.forget();
  return entry;
}

function releaseAll(): void {
  for (const entry of [...entries]) entry.release();
}

function keyOf(url: string, base: URL | undefined): string {
  return `${base?.href ?? ''} ${url}`;
}
