/**
 * Posts bodies to one address: one at a time, again with back-off while the server or the network fails, and what is left
 * when the page goes.
 *
 * Bounded: at most `CAPACITY` items wait, and the oldest go first. A body is below what a browser sends for a page that is
 * gone (64 KiB for all such requests together).
 */

/** Items that wait. */
export const CAPACITY = 500;
/** Bytes of one body. */
export const MAX_BODY = 60_000;
const FIRST_DELAY_MS = 1000;
const LONGEST_DELAY_MS = 60_000;
const WITHIN_MS = 15_000;

export interface Target {
  url: string;
  headers: Readonly<Record<string, string>>;
}

export class Outbox<T> {
  readonly #target: Target;
  readonly #encode: (items: readonly T[]) => string;
  #waiting: T[] = [];
  #sending = 0;
  #failures = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #lost = 0;
  #closed = false;

  /** `encode` makes the body of some items. */
  constructor(target: Target, encode: (items: readonly T[]) => string) {
    this.#target = target;
    this.#encode = encode;
  }

  /** Items that were given up: too many, too large, or refused by the server. */
  get lost(): number {
    return this.#lost;
  }

  get length(): number {
    return this.#waiting.length;
  }

  add(item: T): void {
    this.#waiting.push(item);
    if (this.#waiting.length > CAPACITY) this.#drop(this.#waiting.length - CAPACITY);
  }

  /** Nobody will send any more: what comes back from a post that failed is given up. */
  close(): void {
    this.#closed = true;
    this.takeAll();
  }

  /** Gives back what waits. */
  takeAll(): T[] {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    return this.#waiting.splice(0);
  }

  /** Sends what waits, unless a post is under way or one that failed has its next try before it. */
  flush(): void {
    if (this.#sending > 0 || this.#retry !== undefined) return;
    const batch = this.#take(MAX_BODY);
    if (batch) void this.#send(batch.items, batch.body);
  }

  /**
   * The page may be gone in a moment: hands over to the browser what it takes, without waiting for answers. It is sent
   * once; what does not fit stays, for a page that comes back.
   */
  leave(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    const batch = this.#take(MAX_BODY - this.#sending);
    if (!batch) return;
    const { items, body } = batch;
    const { url, headers } = this.#target;
    const type = 'application/json';
    // A beacon carries cookies and no headers, which another origin's CORS rules rarely allow.
    const own = new URL(url, location.href).origin === location.origin && Object.keys(headers).length === 0;
    if (own && navigator.sendBeacon(url, new Blob([body], { type }))) return;
    // Refused at once where another page's requests have used up the limit.
    this.#post(body, true).catch(() => this.#putBack(items));
  }

  async #send(items: T[], body: string): Promise<void> {
    this.#sending = size(body);
    let again = true;
    let wait = 0;
    try {
      const response = await this.#post(body, true);
      again = response.status >= 500 || response.status === 429 || response.status === 408;
      wait = Number(response.headers.get('retry-after')) * 1000 || 0;
      if (!again && !response.ok) this.#lost += items.length;
    } catch {
      // No answer: the network, or CORS.
    }
    this.#sending = 0;
    if (this.#closed) return;
    if (!again) {
      this.#failures = 0;
      if (this.#waiting.length > 0) this.flush();
      return;
    }
    this.#putBack(items);
    const delay = Math.min(FIRST_DELAY_MS * 2 ** this.#failures++, LONGEST_DELAY_MS);
    // Between half of it and all: players of a server that comes back do not all call at once.
    const spread = delay * (0.5 + Math.random() / 2);
    this.#retry = setTimeout(
      () => {
        this.#retry = undefined;
        this.flush();
      },
      Math.max(spread, Math.min(wait, LONGEST_DELAY_MS)),
    );
  }

  #post(body: string, keepalive: boolean): Promise<Response> {
    const { url, headers } = this.#target;
    return fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
      keepalive,
      credentials: 'same-origin',
      signal: AbortSignal.timeout(WITHIN_MS),
    });
  }

  /** As many of the oldest items as fit into `room` bytes, and their body. What fits nowhere is given up. */
  #take(room: number): { items: T[]; body: string } | undefined {
    let count = this.#waiting.length;
    while (count > 0) {
      const items = this.#waiting.slice(0, count);
      const body = this.#encode(items);
      if (size(body) <= room) {
        this.#waiting.splice(0, count);
        return { items, body };
      }
      if (count === 1 && room >= MAX_BODY) {
        this.#drop(1);
        count = this.#waiting.length;
      } else count = Math.floor(count / 2);
    }
    return undefined;
  }

  #putBack(items: T[]): void {
    if (this.#closed) return;
    this.#waiting.unshift(...items);
    if (this.#waiting.length > CAPACITY) this.#drop(this.#waiting.length - CAPACITY);
  }

  #drop(count: number): void {
    this.#waiting.splice(0, count);
    this.#lost += count;
  }
}

function size(body: string): number {
  return new TextEncoder().encode(body).length;
}
