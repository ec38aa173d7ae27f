/**
 * When each picture of a fixture came to the relay, by its HTTP-FLV beside the player under test: another protocol, read by other
 * code. A picture's number follows from its time stamp.
 */
import { parseFlv } from './flv.js';
import { FPS, ROUND } from './measures.js';
import type { Shown } from './pictures.js';

/** Of the first picture, ms. */
const FIRST = 21;
/** The server's cached group of pictures comes at once: no time is taken from it. */
const BURST = 500;

export class Arrivals {
  readonly #abort = new AbortController();
  readonly #came = new Map<number, number>();

  static async start(url: string): Promise<Arrivals> {
    const arrivals = new Arrivals();
    const { body } = await fetch(url, { signal: arrivals.#abort.signal });
    if (!body) throw new Error(`${url} has no body`);
    void arrivals.#read(body);
    return arrivals;
  }

  stop(): void {
    this.#abort.abort();
  }

  /** How long after its arrival each picture was shown, ms. */
  delays(shown: readonly Shown[]): number[] {
    return shown.flatMap(({ at, counter }) => {
      const came = this.#came.get(counter);
      return came === undefined || came > at ? [] : [at - came];
    });
  }

  async #read(body: AsyncIterable<Uint8Array>): Promise<void> {
    const began = Date.now();
    let rest = Buffer.alloc(0);
    try {
      for await (const chunk of body) {
        rest = Buffer.concat([rest, chunk]);
        const { tags, header } = parseFlv(rest);
        const length = tags.reduce((sum, tag) => sum + tag.bytes.length, header.length);
        rest = Buffer.concat([header, rest.subarray(length)]);
        for (const { kind, config, timestamp } of tags) {
          if (kind !== 'video' || config || Date.now() < began + BURST) continue;
          this.#came.set(Math.round(((timestamp - FIRST) * FPS) / 1000) % ROUND['counter-av'], Date.now());
        }
      }
    } catch {
      // Stopped.
    }
  }
}
