/**
 * A viewer's network: what is pushed in comes out later and no faster.
 *
 * Delay and bandwidth, in order, without loss: a TCP connection as its user sees it. Handshakes, slow start and TLS are not
 * modelled beyond the round trip that server.mjs charges for connecting.
 */

/** Bytes that may pass at once, as milliseconds of bandwidth: timers are no finer than this. */
const BURST_MS = 20;
const LARGEST_WRITE = 16384;

export class Link {
  #queue = [];
  #timer;
  #write;
  #delay;
  #rate;
  #allowance;
  #filled = performance.now();

  /** `rtt` in ms; `bandwidth` in kbit/s, 0 for no limit. */
  constructor({ rtt, bandwidth }, write) {
    this.#write = write;
    this.#delay = rtt / 2;
    this.#rate = bandwidth / 8;
    this.#allowance = this.#rate * BURST_MS;
  }

  push(bytes) {
    this.#queue.push({ bytes, at: performance.now() + this.#delay });
    if (!this.#timer) this.#drain();
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
      const length = head.at > now ? 0 : this.#take(now, Math.min(head.bytes.length, LARGEST_WRITE));
      if (length === 0) {
        this.#timer = setTimeout(() => this.#drain(), Math.max(1, head.at - now));
        return;
      }
      this.#write(head.bytes.subarray(0, length));
      head.bytes = head.bytes.subarray(length);
      if (head.bytes.length === 0) this.#queue.shift();
    }
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
