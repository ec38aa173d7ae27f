/**
 * The addresses of one stream: its lines as they were given, and what each try of one really asks for (signed by the page,
 * marked for the CDN's log).
 *
 * The first address is wanted before the worker knows of the load, so that it can be asked for at once: it is given without
 * a turn of the event loop wherever `resolveUrl()` allows it. Which line is tried when is the engine's decision.
 */
import { SailcastError } from '../errors.js';
import type { PlayerOptions, ReconnectReason, ResolveRequest } from '../types.js';

/** As long as the engine waits for an answer, ms. */
const RESOLVE_WITHIN = 10_000;
/** As often as the engine tries again before a stream has played... */
const FURTHER_TRIES = 3;
/** ...and after so long, times the try, ms. */
const TRY_AGAIN_AFTER = 500;
/** The browser acts on a hint when it is added; then the element is of no more use. */
const HINT_LIFE = 1000;

export interface Signing {
  resolveUrl: PlayerOptions['resolveUrl'];
  /** Puts its mark on an address; `again`: not the first try. */
  mark: ((url: string, again: boolean) => string) | undefined;
}

export class Lines {
  readonly #given: readonly string[];
  readonly #signing: Signing;
  /** The line that was opened first, and its address then: the engine knows it by this name. */
  #first = { address: '', url: '' };

  /** `given`: at least one, absolute. */
  constructor(given: readonly string[], signing: Signing) {
    this.#given = given;
    this.#signing = signing;
  }

  /** Whether further tries ask for their address. */
  get resolve(): boolean {
    return this.#signing.resolveUrl !== undefined || this.#signing.mark !== undefined;
  }

  /**
   * For the worker's `load`. An address that cannot be had is asked for again, and those of the other lines are; what
   * `resolveUrl()` threw last is then a `SailcastError`. `reason`: `crash` when another worker goes on with the load.
   */
  first(reason: 'load' | 'crash' = 'load'): readonly string[] | Promise<readonly string[]> {
    const request = { url: this.#given[0] ?? '', attempt: reason === 'load' ? 0 : 1, reason };
    try {
      const address = this.#ask(request);
      if (typeof address === 'string') return this.#use(address, 0);
      return address.then(
        address => this.#use(address, 0),
        error => this.#askOn(error),
      );
    } catch (error) {
      return this.#askOn(error);
    }
  }

  async #askOn(error: unknown): Promise<readonly string[]> {
    let last = error;
    for (let attempt = 1; attempt <= Math.max(FURTHER_TRIES, this.#given.length); attempt++) {
      const line = attempt % this.#given.length;
      // Another line has not failed yet.
      if (line === 0 || attempt > this.#given.length) await pause(TRY_AGAIN_AFTER * attempt);
      try {
        const url = this.#given[line] ?? '';
        return this.#use(await this.#ask({ url, attempt, reason: 'unresolved' }), line);
      } catch (error) {
        last = error;
      }
    }
    throw unresolved(last);
  }

  /** The line that has an address goes first. */
  #use(address: string, line: number): readonly string[] {
    this.#first = { address, url: this.#given[line] ?? '' };
    return [address, ...this.#given.filter((_, i) => i !== line)];
  }

  /** Takes the first address as one that was asked for already. */
  adopt(address: string): readonly string[] {
    return this.#use(address, 0);
  }

  /** Whether the engine may ask for another address of this line. */
  has(url: string): boolean {
    return url === this.#first.address || this.#given.includes(url);
  }

  /** For a further try. */
  async again(request: { url: string; attempt: number; reason: ReconnectReason }): Promise<string> {
    const url = request.url === this.#first.address ? this.#first.url : request.url;
    return this.#ask({ ...request, url });
  }

  #ask(request: ResolveRequest): string | Promise<string> {
    const { resolveUrl, mark } = this.#signing;
    const finish = (address: unknown) => {
      if (typeof address !== 'string' || address === '') throw new TypeError('it gave no address');
      const url = absolute(address);
      return mark ? mark(url, request.attempt > 0) : url;
    };
    if (!resolveUrl) return finish(request.url);
    const answer = resolveUrl({ url: request.url, attempt: request.attempt, reason: request.reason });
    if (typeof answer === 'string') return finish(answer);
    return inTime(answer).then(finish);
  }
}

/** The worker has another base than the page. What is no address at all goes on as it is: the engine refuses it. */
export function absolute(url: string): string {
  try {
    return new URL(url, document.baseURI).href;
  } catch {
    return url;
  }
}

/**
 * Opens the connection to a server while the worker that will use it is still starting: name, TCP and TLS cost round trips.
 * A hint that may come to nothing, and nothing waits for it. WebSockets share no connections with other requests.
 */
export function preconnect(url: string): void {
  const origin = /^https?:\/\/[^/?#]+/i.exec(url)?.[0];
  if (!origin) return;
  const link = document.createElement('link');
  link.rel = 'preconnect';
  link.href = origin;
  // The stream's request has no credentials at other origins; connections with and without are kept apart.
  if (origin !== location.origin) link.crossOrigin = 'anonymous';
  document.head.append(link);
  setTimeout(() => link.remove(), HINT_LIFE);
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}

function inTime<T>(answer: T | Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout>;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('it did not answer')), RESOLVE_WITHIN);
  });
  return Promise.race([answer, late]).finally(() => clearTimeout(timer));
}

/** The engine's own error for the same (crate/engine/src/error.rs), of a try that does not reach it. */
function unresolved(cause: unknown): SailcastError {
  const why = reasonOf(cause).replace(/\.$/, '');
  return new SailcastError({
    type: 'network',
    details: 'urlUnresolved',
    code: 1007,
    fatal: true,
    message: `The page has no address for the stream: ${why}. See what resolveUrl() threw, or why its promise did not settle.`,
    cause,
  });
}
