/** Turns the player's running totals into rates, over a window long enough for whole frames to count evenly. */
import type { PlayerSnapshot } from 'sailcast';

export interface Sample {
  /** Seconds on the page's monotonic clock. */
  at: number;
  latency: number | null;
  endToEnd: number | null;
  target: number | null;
  buffer: number | null;
  /** bit/s */
  bitrate: number | null;
  fps: number | null;
  /** Frames dropped since the sample before. */
  dropped: number | null;
  /** Frames dropped since the stream was opened. */
  droppedTotal: number | null;
}

interface Totals {
  at: number;
  bytes: number;
  frames: number;
  dropped: number;
}

const WINDOW = 2;
/** A shorter window would show the burst a server sends at the start, not the stream's rate. */
const WINDOW_MIN = 0.9;

export class Meter {
  #past: Totals[] = [];

  reset(): void {
    this.#past = [];
  }

  sample(stats: PlayerSnapshot, at: number): Sample {
    const now: Totals = {
      at,
      bytes: stats.bytesReceived,
      frames: stats.framesRendered,
      dropped: stats.framesDropped,
    };
    const last = this.#past.at(-1);
    this.#past.push(now);
    while (this.#past.length > 2 && (this.#past[1]?.at ?? at) <= at - WINDOW) this.#past.shift();
    const first = this.#past[0] ?? now;
    const span = at - first.at;
    const running = stats.state === 'playing' || stats.state === 'waiting';
    const measured = running && span >= WINDOW_MIN;
    return {
      at,
      latency: running ? stats.latency : null,
      endToEnd: running ? stats.endToEndLatency : null,
      target: stats.targetLatency,
      buffer: running ? stats.buffered : null,
      bitrate: measured ? ((now.bytes - first.bytes) * 8) / span : null,
      fps: measured ? (now.frames - first.frames) / span : null,
      dropped: last === undefined ? null : now.dropped - last.dropped,
      droppedTotal: now.dropped,
    };
  }

  /** Keeps a chart moving while nothing plays. */
  static gap(at: number): Sample {
    return {
      at,
      latency: null,
      endToEnd: null,
      target: null,
      buffer: null,
      bitrate: null,
      fps: null,
      dropped: null,
      droppedTotal: null,
    };
  }
}
