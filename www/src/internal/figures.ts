/** What a player says of itself in figures, and when it says them: the engine's, and what the page adds. */
import type {
  PlaybackQuality,
  PlayerEventMap,
  PlayerState,
  PlayerStats,
  QosCause,
  Renderer,
  StartUp,
} from '../types.js';
import { Place } from './place.js';
import type { LatencyBounds, WorkerEvent, WorkerQuality } from './protocol.js';

/** Between two snapshots `currentTime` runs on by the clock, at most this long, seconds. */
const EXTRAPOLATE = 0.5;

/** The figures of one load, as of what the engine said last. */
export class Figures {
  stats: PlayerStats;
  quality: PlaybackQuality = blankQuality();
  /** Of the picture, pixels; 0 before the first one. */
  width = 0;
  height = 0;
  readonly place = new Place();
  readonly #loadedAt = performance.now();
  /** When `stats` came; 0: they are blank. */
  #at = 0;
  #wallClock: WallClock | undefined;

  /** Made when `load()` is called: start-up counts from here. */
  constructor(renderer: Renderer, targetLatency: number) {
    this.stats = blankStats(renderer, targetLatency);
  }

  take(stats: PlayerStats, quality: WorkerQuality): void {
    this.stats = stats;
    this.#at = performance.now();
    this.quality = seenFromPage(quality, performance.timeOrigin + this.#loadedAt);
  }

  /** Keeps what events tell before the next snapshot does. */
  note(event: WorkerEvent): void {
    this.place.note(event);
    if (event.name === 'resize') {
      this.width = event.width;
      this.height = event.height;
    } else if (event.name === 'durationchange') this.stats = { ...this.stats, seekable: event.seekable };
    else if (event.name === 'targetchange') this.#aim(event.target);
    else if (event.name === 'seeked') this.#move(event.at);
    else if (event.name === 'metadata') this.#wallClock = wallClockOf(event) ?? this.#wallClock;
  }

  firstFrame(event: Extract<WorkerEvent, { name: 'firstframe' }>): PlayerEventMap['firstframe']['detail'] {
    return {
      elapsed: (performance.now() - this.#loadedAt) / 1000,
      startUp: startUp(event.startUp, event.loadedAt, performance.timeOrigin + this.#loadedAt),
    };
  }

  /** Another target was asked for. A range keeps what has been learnt of the network. */
  retarget({ start, min, max }: LatencyBounds): void {
    const target = this.stats.targetLatency;
    this.#aim(this.#at > 0 ? Math.min(Math.max(target, min), max) : start);
  }

  /** `running`: the playhead goes on since `stats` came. */
  currentTime(running: boolean): number {
    const { currentTime, playbackRate } = this.stats;
    if (this.place.target !== undefined) return this.place.target;
    if (!running || this.#at === 0) return currentTime;
    const since = Math.min((performance.now() - this.#at) / 1000, EXTRAPOLATE);
    return currentTime + since * playbackRate;
  }

  /** The playhead stops where it is now. */
  halt(): void {
    if (this.#at > 0) this.#move(this.currentTime(true));
  }

  endToEnd(currentTime: number): number | null {
    const { wallClock, currentTime: time } = this.stats;
    // Of a recording it would tell how old that is.
    if (this.place.live === false) return null;
    const clock = wallClock === null ? this.#wallClock : { time, wallclock: wallClock };
    return endToEnd(clock, currentTime, Date.now());
  }

  #move(currentTime: number): void {
    this.stats = { ...this.stats, currentTime };
    this.#at = performance.now();
  }

  #aim(targetLatency: number): void {
    this.stats = { ...this.stats, targetLatency };
  }
}

/** Time of playback between two events, seconds. */
export const QOS_EVERY = 10;

/** One load's pace. It counts what was played, so that no timer runs and a pause is silent. */
export class Pace {
  #next = QOS_EVERY;
  #stalls = 0;
  #over = false;

  /** After each snapshot: the event that is due, if any. */
  due(state: PlayerState, quality: PlaybackQuality): QosCause | null {
    if (this.#over) return null;
    if (state === 'ended' || state === 'failed') return this.close(state);
    const { finished } = quality.stalls;
    if (finished > this.#stalls) {
      this.#stalls = finished;
      return this.#again('stall', quality);
    }
    return quality.playedTime >= this.#next ? this.#again('interval', quality) : null;
  }

  /** The load is over: `cause`, unless that has been told. */
  close(cause: QosCause): QosCause | null {
    if (this.#over) return null;
    this.#over = true;
    return cause;
  }

  #again(cause: QosCause, quality: PlaybackQuality): QosCause {
    this.#next = quality.playedTime + QOS_EVERY;
    return cause;
  }
}

/** Of a player that has not played yet. */
export function blankStats(renderer: Renderer, targetLatency: number): PlayerStats {
  return {
    state: 'idle',
    renderer,
    videoDecoder: null,
    audioDecoder: null,
    currentTime: 0,
    latency: 0,
    targetLatency,
    buffered: 0,
    bufferedBytes: 0,
    playbackRate: 1,
    seekable: null,
    duration: null,
    bufferedRange: null,
    liveEdge: null,
    wallClock: null,
    rendition: null,
    bandwidth: null,
    bytesReceived: 0,
    videoPackets: 0,
    audioPackets: 0,
    framesDecoded: 0,
    framesRendered: 0,
    framesDropped: 0,
    framesSkipped: 0,
    framesShed: 0,
    skips: 0,
    reconnects: 0,
    stalls: 0,
    stalledTime: 0,
    avOffset: null,
    skippedBytes: 0,
    audioDropped: 0,
    audioCut: 0,
    audioSilence: 0,
    audioUnderruns: 0,
  };
}

/** One `onWallClock` message: at `time` of the stream the publisher's clock stood at `wallclock`, ms since 1970. */
export interface WallClock {
  time: number;
  wallclock: number;
}

/** Seconds between the publisher's clock and ours for what is shown at `currentTime`. */
export function endToEnd(clock: WallClock | undefined, currentTime: number, now: number): number | null {
  return clock ? (now - clock.wallclock) / 1000 - (currentTime - clock.time) : null;
}

function wallClockOf(event: { time: number; message: string; values: unknown[] }): WallClock | undefined {
  if (event.message !== 'onWallClock') return undefined;
  const wallclock = (event.values[0] as { wallclock?: unknown } | null | undefined)?.wallclock;
  return typeof wallclock === 'number' ? { time: event.time, wallclock } : undefined;
}

/** Of a player that has not played yet. */
export function blankQuality(): PlaybackQuality {
  const none = { p50: null, p95: null };
  return {
    startUp: {
      engineReady: null,
      connected: null,
      firstByte: null,
      firstTag: null,
      firstKeyframe: null,
      decoded: null,
      shown: null,
    },
    playedTime: 0,
    stalls: {
      count: 0,
      finished: 0,
      time: 0,
      finishedTime: 0,
      ratio: 0,
      per100s: 0,
      histogram: [0, 0, 0, 0, 0, 0, 0],
      recent: [],
    },
    latency: none,
    recentLatency: none,
    bitrate: null,
    throughput: null,
    receivedFps: null,
    decodedFps: null,
    shownFps: null,
    drops: { disposable: 0, late: 0, decoder: 0, skip: 0, noKeyframe: 0, sink: 0 },
    catchUp: { faster: 0, slower: 0, skipped: 0, skips: 0 },
    reconnects: {},
    decoder: { video: null, audio: null },
    memory: { buffered: 0, wasm: 0 },
  };
}

/** As `HTMLVideoElement.getVideoPlaybackQuality()`. What was left out on purpose would not have been shown: it is no drop. */
export function videoPlaybackQuality({ framesRendered, framesDropped }: PlayerStats): VideoPlaybackQuality {
  return {
    creationTime: performance.now(),
    totalVideoFrames: framesRendered + framesDropped,
    droppedVideoFrames: framesDropped,
    corruptedVideoFrames: 0,
  };
}

/** The engine counts from its own load; `asked`, ms since 1970, is when the page's `load()` was called. */
export function seenFromPage({ loadedAt, ...quality }: WorkerQuality, asked: number): PlaybackQuality {
  return { ...quality, startUp: startUp(quality.startUp, loadedAt, asked) };
}

export function startUp(steps: Omit<StartUp, 'engineReady'>, loadedAt: number, asked: number): StartUp {
  const ready = Math.max(0, (loadedAt - asked) / 1000);
  const from = (step: number | null) => (step === null ? null : step + ready);
  return {
    engineReady: ready,
    connected: from(steps.connected),
    firstByte: from(steps.firstByte),
    firstTag: from(steps.firstTag),
    firstKeyframe: from(steps.firstKeyframe),
    decoded: from(steps.decoded),
    shown: from(steps.shown),
  };
}
