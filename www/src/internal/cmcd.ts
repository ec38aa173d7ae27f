/**
 * Common Media Client Data (CTA-5004, version 1) on the address of a request, so that a CDN's log tells sessions apart
 * and sees who stalls.
 *
 * As a query argument only: a request with headers of its own costs a CORS preflight, a round trip before the first
 * byte, and a WebSocket has no headers at all.
 */
import type { CmcdOptions, PlaybackQuality } from '../types.js';

/** What a try to connect knows. */
export interface Attempt {
  /** The first picture is awaited, or playback waits for data: the bytes are needed at once. */
  startup: boolean;
  /** Of the load so far, when it is tried again. */
  quality?: PlaybackQuality;
  /** Received and not yet played, seconds. */
  buffered: number;
}

type Value = string | number | true | undefined;

/** Keys whose value is a token: written without quotes. */
const TOKENS: ReadonlySet<string> = new Set(['ot', 'sf', 'st']);

/** Keys of the text are sorted, false and absent ones are left out. */
export function encode(keys: Readonly<Record<string, Value>>): string {
  return Object.entries(keys)
    .filter(([, value]) => value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => {
      if (value === true) return key;
      return `${key}=${typeof value === 'number' || TOKENS.has(key) ? value : quoted(`${value}`)}`;
    })
    .join(',');
}

/** One session, from its first load on. */
export class Cmcd {
  readonly #sid: string;
  readonly #cid: string | undefined;
  #stalls = 0;

  constructor(options: CmcdOptions) {
    this.#sid = options.sessionId ?? newId();
    this.#cid = options.contentId;
  }

  /** `url` with the argument `CMCD`, in place of an earlier one. Default: the first try of a load. */
  sign(url: string, { startup, quality, buffered }: Attempt = { startup: true, buffered: 0 }): string {
    const stalls = quality?.stalls.count ?? 0;
    const starved = stalls > this.#stalls;
    this.#stalls = stalls;
    const buffer = hundreds(buffered * 1000);
    const text = encode({
      bl: buffer,
      br: quality?.bitrate ? Math.round(quality.bitrate / 1000) : undefined,
      bs: starved || undefined,
      cid: this.#cid,
      dl: startup ? undefined : buffer,
      mtp: quality?.throughput ? hundreds(quality.throughput / 1000) : undefined,
      ot: 'av',
      // Neither DASH, HLS nor Smooth: other.
      sf: 'o',
      sid: this.#sid,
      st: 'l',
      su: startup || undefined,
    });
    return withArgument(url, `CMCD=${encodeURIComponent(text)}`);
  }
}

/** 36 characters; `randomUUID` is there only where the page is secure. */
export function newId(): string {
  if (crypto.randomUUID) return crypto.randomUUID();
  const hex = Array.from(crypto.getRandomValues(new Uint8Array(16)), byte =>
    byte.toString(16).padStart(2, '0'),
  );
  return hex.join('').replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, '$1-$2-$3-$4-$5');
}

/** The address as it is, but for its query: a signature over it must stay what it was. */
function withArgument(url: string, argument: string): string {
  const hash = url.indexOf('#');
  const [bare, fragment] = hash < 0 ? [url, ''] : [url.slice(0, hash), url.slice(hash)];
  const clean = bare.replace(/([?&])CMCD=[^&]*&?/, '$1').replace(/[?&]$/, '');
  return `${clean}${clean.includes('?') ? '&' : '?'}${argument}${fragment}`;
}

function hundreds(value: number): number {
  return Math.round(value / 100) * 100;
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}
