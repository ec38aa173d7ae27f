/**
 * The page's settings, and their form in the address bar: `#url=…&latency=0.8&muted=1&…`, or `#publish&source=card&…`.
 * Only what differs from the default is written, so an untouched page has a bare address.
 * A value that does not parse is left out; it never keeps the page from starting.
 */
import type { DecoderChoice, Fit, Renderer } from 'sailcast';

export interface Settings {
  tab: 'watch' | 'publish';
  /** Several addresses of the same stream have spaces between. Empty: the built-in demo channel over HTTP-FLV. */
  url: string;
  /** Target latency: seconds, or what the network allows. */
  latency: 'auto' | number;
  muted: boolean;
  volume: number;
  fit: Fit;
  renderer: Renderer | 'auto';
  decoder: DecoderChoice;
  /** How fast to play. */
  rate: number;
  loop: boolean;
  lang: 'auto' | 'en' | 'zh';
  autoplay: boolean;
  /** Where to publish to; several addresses have spaces between. Empty: the page's own server, under a name made up. */
  to: string;
  source: 'camera' | 'screen' | 'card' | 'file';
  sound: 'microphone' | 'tone' | 'none';
}

export const DEFAULTS: Readonly<Settings> = {
  tab: 'watch',
  url: '',
  latency: 'auto',
  muted: false,
  volume: 1,
  fit: 'contain',
  renderer: 'auto',
  decoder: 'auto',
  rate: 1,
  loop: false,
  lang: 'auto',
  autoplay: true,
  to: '',
  source: 'camera',
  sound: 'microphone',
};

export const LATENCY_MIN = 0.1;
export const LATENCY_MAX = 3;
const RATE_MIN = 0.5;
const RATE_MAX = 3;

export function parse(hash: string): Settings {
  const given = new URLSearchParams(hash.replace(/^#/, ''));
  return {
    tab: given.has('publish') ? 'publish' : 'watch',
    url: given.get('url') ?? DEFAULTS.url,
    latency: number(given.get('latency'), LATENCY_MIN, LATENCY_MAX, DEFAULTS.latency),
    muted: flag(given.get('muted'), DEFAULTS.muted),
    volume: number(given.get('volume'), 0, 1, DEFAULTS.volume),
    fit: choice(given.get('fit'), ['contain', 'cover', 'fill'], DEFAULTS.fit),
    renderer: choice(given.get('renderer'), ['auto', 'track', 'canvas', 'webgl'], DEFAULTS.renderer),
    decoder: choice(given.get('decoder'), ['auto', 'webcodecs', 'wasm'], DEFAULTS.decoder),
    rate: number(given.get('rate'), RATE_MIN, RATE_MAX, DEFAULTS.rate),
    loop: flag(given.get('loop'), DEFAULTS.loop),
    lang: choice(given.get('lang'), ['auto', 'en', 'zh'], DEFAULTS.lang),
    autoplay: flag(given.get('autoplay'), DEFAULTS.autoplay),
    to: given.get('to') ?? DEFAULTS.to,
    source: choice(given.get('source'), ['camera', 'screen', 'card', 'file'], DEFAULTS.source),
    sound: choice(given.get('sound'), ['microphone', 'tone', 'none'], DEFAULTS.sound),
  };
}

/** Without the leading `#`; empty when everything is at its default. */
export function format(settings: Settings): string {
  const out = new URLSearchParams();
  for (const key of Object.keys(DEFAULTS) as (keyof Settings)[]) {
    const value = settings[key];
    if (key === 'tab') continue;
    if (value !== DEFAULTS[key])
      out.set(key, typeof value === 'boolean' ? (value ? '1' : '0') : String(value));
  }
  // A URL is easier to read and edit with its own punctuation, which a fragment may hold.
  const text = out.toString().replace(/%3A/g, ':').replace(/%2F/g, '/');
  if (settings.tab === 'watch') return text;
  return text === '' ? settings.tab : `${settings.tab}&${text}`;
}

function number<T>(text: string | null, min: number, max: number, fallback: T): T | number {
  const value = text === null || text.trim() === '' ? Number.NaN : Number(text);
  return Number.isFinite(value) ? Math.min(max, Math.max(min, value)) : fallback;
}

function flag(text: string | null, fallback: boolean): boolean {
  if (text === '1' || text === 'true') return true;
  if (text === '0' || text === 'false') return false;
  return fallback;
}

function choice<T extends string>(text: string | null, values: readonly T[], fallback: T): T {
  return values.find(value => value === text) ?? fallback;
}
