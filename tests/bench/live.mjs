/**
 * The live channel: replays the file for ever as a live stream, with a GOP cache, and knows when each picture was "taken".
 *
 * A picture's moment is its presentation time on a wall clock that starts at `#epoch`; no tag leaves before its moment.
 * Timestamps go on from round to round.
 */
import { readFileSync } from 'node:fs';
import { readFlv, stamped } from './flv.mjs';
import { FPS, GOP, media } from './media.mjs';

const TICK_MS = 4;
/** How much of the stream has been before the first viewer comes. */
const HEAD_START_MS = 20_000;

export class Live {
  /** When the newest viewer's request came, ms since 1970, before any delay of its network. */
  askedAt = 0;
  #flv = readFlv(readFileSync(media()));
  #round = (this.#flv.pictures * 1000) / FPS;
  #viewers = new Set();
  #epoch = 0;
  /** The next packet, and in which round. */
  #next = 0;
  #rounds = 0;
  /** The packets since the newest keyframe. */
  #gop = [];
  #timer = setInterval(() => this.#tick(), TICK_MS);

  constructor() {
    this.restart(0);
  }

  /** Starts the clock anew so that now is `phase` ms after a keyframe. For when nobody is watching. */
  restart(phase) {
    const gop = (GOP * 1000) / FPS;
    this.#epoch = Date.now() - (Math.ceil(HEAD_START_MS / gop) * gop + phase);
    [this.#next, this.#rounds, this.#gop] = [0, 0, []];
    this.#tick();
  }

  /** Waits until now is `phase` ms after a keyframe. */
  async reaches(phase) {
    const gop = (GOP * 1000) / FPS;
    const since = (Date.now() - this.#epoch) % gop;
    await new Promise(resolve => setTimeout(resolve, (phase - since + gop) % gop));
  }

  /** `send` gets everything, the cached GOP first and at once; the returned function ends that. */
  watch(send) {
    const { header, first } = this.#flv;
    const now = this.#gop[0]?.time ?? 0;
    send(Buffer.concat([header, ...first.map(tag => stamped(tag, now)), ...this.#gop.map(tag => tag.bytes)]));
    this.#viewers.add(send);
    return () => this.#viewers.delete(send);
  }

  /** When the picture with this number that was shown at `shown` had been taken, ms since 1970. */
  takenAt(number, shown) {
    const first = this.#epoch + (number * 1000) / FPS;
    return first + Math.floor((shown - first) / this.#round) * this.#round;
  }

  close() {
    clearInterval(this.#timer);
  }

  #tick() {
    const { packets, start } = this.#flv;
    const elapsed = Date.now() - this.#epoch;
    for (;;) {
      const packet = packets[this.#next];
      const time = packet.time + this.#rounds * this.#round;
      if (time - start > elapsed) return;
      const tag = { time, bytes: stamped(packet, Math.round(time)) };
      if (packet.keyframe) this.#gop = [];
      this.#gop.push(tag);
      for (const send of this.#viewers) send(tag.bytes);
      if (++this.#next === packets.length) [this.#next, this.#rounds] = [0, this.#rounds + 1];
    }
  }
}
