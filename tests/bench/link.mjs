/**
 * A viewer's network: what is pushed in comes out later and no faster.
 *
 * Delay, jitter, bandwidth and outages, in order, without loss: a TCP connection as its user sees it. Handshakes, slow
 * start and TLS are not modelled beyond the round trip that server.mjs charges for connecting.
 */

/** Bytes that may pass at once, as milliseconds of bandwidth: timers are no finer than this. */
const BURST_MS = 20;
const LARGEST_WRITE = 16384;

export class Link {
  #queue = [];
  #timer;
  #write;
  #delay;
  #jitter;
  #random = random();
  #rate;
  #allowance;
  #opened = performance.now();
  #filled = this.#opened;
  #outages;
  #outUntil = 0;
  #newest = 0;

  /**
   * `rtt` in ms; `jitter`: up to so many ms later, evenly spread; `bandwidth` in kbit/s, 0 for no limit; `outages`: `{ every,
   * length }`, ms, from the opening on.
   */
  constructor({ rtt = 0, jitter = 0, bandwidth = 0, outages }, write) {
    this.#write = write;
    this.#delay = rtt / 2;
    this.#jitter = jitter;
    this.#rate = bandwidth / 8;
    this.#allowance = this.#rate * BURST_MS;
    this.#outages = outages;
  }

  /** `write` is given the bytes in pieces, each when it arrives; of no bytes it is told so, too. */
  push(bytes, write = this.#write) {
    const arrives = performance.now() + this.#delay + this.#jitter * this.#random();
    this.#newest = Math.max(this.#newest, arrives);
    this.#queue.push({ bytes, write, at: this.#newest });
    if (!this.#timer) this.#drain();
  }

  /** Nothing passes for so many ms from now. */
  outage(ms) {
    this.#outUntil = performance.now() + ms;
  }

  close() {
    clearTimeout(this.#timer);
    this.#queue = [];
  }

  #drain() {
    this.#timer = undefined;
    const now = performance.now();
    for (;;) {
      const head = this.#queue[0];
      if (!head) return;
      const at = Math.max(head.at, this.#back(now));
      const wanted = Math.min(head.bytes.length, LARGEST_WRITE);
      const length = at > now ? 0 : this.#take(now, wanted);
      if (at > now || length < Math.min(wanted, 1)) {
        this.#timer = setTimeout(() => this.#drain(), Math.max(1, at - now));
        return;
      }
      head.write(head.bytes.subarray(0, length));
      head.bytes = head.bytes.subarray(length);
      if (head.bytes.length === 0) this.#queue.shift();
    }
  }

  /** When the outage of this moment is over, if there is one. */
  #back(now) {
    const { every, length } = this.#outages ?? {};
    const begun = now - ((now - this.#opened) % every);
    // The first comes after a whole period.
    const repeated = begun > this.#opened && now - begun < length ? begun + length : 0;
    return Math.max(this.#outUntil, repeated);
  }

  /** How many of `wanted` bytes may pass now. */
  #take(now, wanted) {
    if (this.#rate === 0) return wanted;
    this.#allowance = Math.min(this.#rate * BURST_MS, this.#allowance + (now - this.#filled) * this.#rate);
    this.#filled = now;
    const length = Math.min(wanted, Math.floor(this.#allowance));
    this.#allowance -= length;
    return length;
  }
}

/** Numbers from 0 to 1, the same for every link: no player has more luck than another. */
function random(state = 1) {
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}
