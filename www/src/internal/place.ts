/**
 * Where a load is on its timeline, and how far that reaches: as the engine told it last.
 *
 * While a seek is under way, the place is where it goes.
 */
import type { BufferedRanges, PlayerStats, StreamType } from '../types.js';
import type { WorkerEvent } from './protocol.js';

/** A live window that is longer was made for going back in, seconds: players keep less of it anyway. */
const TIME_SHIFT = 60;
/** So far behind the target latency a viewer still counts as live: seconds, and a part of the target. */
const SLACK = 2;
const SLACK_PART = 0.5;

export class Place {
  /** Null while it is not known. */
  live: boolean | null = null;
  /** NaN while it is not known; infinite of a live stream. */
  duration = Number.NaN;
  /** Where a seek goes that is under way. */
  target: number | undefined;

  note(event: WorkerEvent): void {
    switch (event.name) {
      case 'source':
        this.live = event.live;
        if (event.live) this.duration = Number.POSITIVE_INFINITY;
        else if (this.duration === Number.POSITIVE_INFINITY) this.duration = Number.NaN;
        break;
      case 'durationchange':
        this.duration = event.duration ?? (this.live ? Number.POSITIVE_INFINITY : Number.NaN);
        break;
      case 'seeking':
        this.target = event.to;
        break;
      case 'seeked':
        this.target = undefined;
        break;
    }
  }

  get streamType(): StreamType {
    if (this.live === null) return 'unknown';
    return this.live ? 'live' : 'on-demand';
  }

  /** As media-chrome has it: NaN of what is not live, 0 of a live stream without time-shift, else infinite. */
  targetLiveWindow({ seekable }: PlayerStats): number {
    if (!this.live) return Number.NaN;
    return seekable && seekable[1] - seekable[0] > TIME_SHIFT ? Number.POSITIVE_INFINITY : 0;
  }

  /** From here on the viewer counts as live; NaN of what is not live. */
  liveEdgeStart({ liveEdge, currentTime, latency, targetLatency }: PlayerStats): number {
    if (!this.live) return Number.NaN;
    const edge = liveEdge ?? currentTime + latency;
    return edge - targetLatency - Math.max(SLACK, targetLatency * SLACK_PART);
  }
}

/** One range, or none. */
export function ranges(range: readonly [start: number, end: number] | null): BufferedRanges {
  const pick = (index: number, end: 0 | 1) => {
    if (range && index === 0) return range[end];
    throw new DOMException(`There is no range ${index}.`, 'IndexSizeError');
  };
  return { length: range ? 1 : 0, start: i => pick(i, 0), end: i => pick(i, 1) };
}
