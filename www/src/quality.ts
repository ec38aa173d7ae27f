/** What a load was like for its viewer, in figures. Times are seconds, rates bit/s. */

/** Seconds from `load()` to each step of the start; null while it has not come. */
export interface StartUp {
  /** The worker's wasm took the load. The request may have been sent before. */
  engineReady: number | null;
  /** The response's headers came, or the socket opened. */
  connected: number | null;
  firstByte: number | null;
  /** The first thing that was understood. */
  firstTag: number | null;
  /** The first keyframe went to the decoder. */
  firstKeyframe: number | null;
  /** The first picture came out of it. */
  decoded: number | null;
  /** And was handed to the display. */
  shown: number | null;
}

/**
 * Why playback waited: bytes came slower than the stream plays, no byte came on an open connection, or the connection was
 * lost.
 */
export type StallCause = 'slow' | 'silent' | 'lost';

export interface Stall {
  /** Seconds from `load()`. */
  start: number;
  end: number;
  /** Time waited: less than from start to end if the viewer paused in between. */
  length: number;
  cause: StallCause;
}

/** Start-up is no stall, and a pause counts for nothing. */
export interface Stalls {
  /** The finished ones, and the present one. */
  count: number;
  finished: number;
  /** Time waited, the present one included. */
  time: number;
  /** Of the finished ones alone. */
  finishedTime: number;
  /** `time` as a part of the time that should have been playing, 0 to 1. */
  ratio: number;
  /** In 100 s that should have been playing. */
  per100s: number;
  /** Finished ones by length: 0-0.5, 0.5-1, 1-2, 2-3, 3-4, 4-5 and from 5 s on. */
  histogram: number[];
  /** The newest finished ones, oldest first. */
  recent: Stall[];
}

/** Half of the time, and 95 % of it, the latency was not above. Null before anything was played. */
export interface LatencyPercentiles {
  p50: number | null;
  p95: number | null;
}

/** What one load was like for its viewer so far. Rates are of the last seconds, and null while there is too little to tell. */
export interface PlaybackQuality {
  startUp: StartUp;
  /** Time in which it played. */
  playedTime: number;
  stalls: Stalls;
  /** Of the load. */
  latency: LatencyPercentiles;
  /** Of the last 10 s. */
  recentLatency: LatencyPercentiles;
  /** The stream's own, bit/s: however fast it comes. */
  bitrate: number | null;
  /** What the network brought, bit/s. */
  throughput: number | null;
  receivedFps: number | null;
  decodedFps: number | null;
  shownFps: number | null;
  /**
   * Pictures not shown, by the cause: `disposable` (no other needs them, and there was no time), `late`, `decoder` (it
   * failed), `skip` (left out by the start or by frame chasing), `noKeyframe`, `sink` (the display left them out).
   */
  drops: {
    disposable: number;
    late: number;
    decoder: number;
    skip: number;
    noKeyframe: number;
    sink: number;
  };
  /** Time played faster and slower than 1, and how much of the stream was left out in how many skips. */
  catchUp: { faster: number; slower: number; skipped: number; skips: number };
  /** Connections tried again, by reason. */
  reconnects: { [reason: string]: number };
  /** The codecs (RFC 6381) in use and what decodes them, such as `avc1.64001f webcodecs`. */
  decoder: { video: string | null; audio: string | null };
  /** Bytes: packets not yet played, and the whole memory of the engine, which players of the same worker share. */
  memory: { buffered: number; wasm: number };
}

/**
 * `interval`: 10 s were played. `stall`: one has ended. `crashed`: the worker, and all counters begin anew. The others: the
 * load is over, and why.
 */
export type QosCause = 'interval' | 'stall' | 'crashed' | 'ended' | 'failed' | 'replaced' | 'destroyed';
