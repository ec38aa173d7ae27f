/** What a player says of itself in figures. */
import type { BufferedRanges, PlayerStats, Renderer } from '../types.js';

/** Of a player that has not played yet. */
export function blankStats(renderer: Renderer, targetLatency: number): PlayerStats {
  return {
    state: 'idle',
    renderer,
    currentTime: 0,
    latency: 0,
    targetLatency,
    buffered: 0,
    bufferedBytes: 0,
    playbackRate: 1,
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

/** The range of `length` seconds from `start`, or none. */
export function ranges(start: number, length: number): BufferedRanges {
  const count = length > 0 ? 1 : 0;
  const at = (index: number, time: number) => {
    if (index >= 0 && index < count) return time;
    throw new DOMException(`There is no range ${index}.`, 'IndexSizeError');
  };
  return { length: count, start: i => at(i, start), end: i => at(i, start + length) };
}
