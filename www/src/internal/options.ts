/** The constructor's options, checked and completed. Options that are not known are left alone. */
import { pageError } from '../errors.js';
import type { Fit, PlayerOptions, Renderer } from '../types.js';

export interface Settings {
  container: HTMLElement;
  url: string | undefined;
  muted: boolean;
  volume: number;
  autoplay: boolean;
  latency: number;
  fit: Fit;
  renderer: Renderer | undefined;
  /** The folder of worker, worklet and wasm, with its slash. */
  base: URL | undefined;
}

const FITS: readonly unknown[] = ['contain', 'cover', 'fill'] satisfies Fit[];
const RENDERERS: readonly unknown[] = ['track', 'canvas', undefined] satisfies (Renderer | undefined)[];
/** Target latency, seconds. */
export const LATENCY_MIN = 0.05;
export const LATENCY_MAX = 30;

export function checkFit(fit: unknown): Fit {
  return check(FITS.includes(fit), 'fit', fit) as Fit;
}

export function checkVolume(volume: unknown): number {
  return check(typeof volume === 'number' && volume >= 0 && volume <= 1, 'volume', volume) as number;
}

export function checkLatency(seconds: unknown): number {
  const good = typeof seconds === 'number' && seconds >= LATENCY_MIN && seconds <= LATENCY_MAX;
  return check(good, 'latency', seconds) as number;
}

export function checkOptions(options: PlayerOptions): Settings {
  const { url, muted, autoplay, renderer, volume = 1, latency = 0.4, fit = 'contain' } = options;
  const { baseUrl } = options;
  const base = typeof baseUrl === 'string' ? folder(baseUrl) : undefined;
  check(base !== undefined || baseUrl === undefined, 'baseUrl', baseUrl);
  return {
    container: findContainer(options.container),
    url: check(url === undefined || typeof url === 'string', 'url', url) as string | undefined,
    muted: Boolean(muted),
    volume: checkVolume(volume),
    autoplay: Boolean(autoplay),
    latency: checkLatency(latency),
    fit: checkFit(fit),
    renderer: check(RENDERERS.includes(renderer), 'renderer', renderer) as Renderer | undefined,
    base,
  };
}

/** The folder at an address that may be relative to the page; undefined for what is none. */
export function folder(url: unknown): URL | undefined {
  try {
    return new URL(`${url}`.replace(/\/?$/, '/'), document.baseURI);
  } catch {
    return undefined;
  }
}

function check(good: boolean, name: string, value: unknown): unknown {
  if (!good) throw pageError('optionInvalid', `The option ${name} cannot be ${JSON.stringify(value)}.`);
  return value;
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
