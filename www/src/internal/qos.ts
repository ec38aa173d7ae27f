/** When a `qos` event is due, and what the page adds to the engine's quality. */
import type { PlaybackQuality, PlayerState, PlayerStats, QosCause, StartUp } from '../types.js';
import type { WorkerQuality } from './protocol.js';

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
