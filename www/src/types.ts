/** Public types of the player. Times are seconds, rates bit/s, sizes pixels unless a name says otherwise. */

/** How the picture fills its box; as CSS `object-fit`. */
export type Fit = 'contain' | 'cover' | 'fill';

/** What draws: a `MediaStreamTrackGenerator` shown by `<video>`, or an `OffscreenCanvas` in the worker. */
export type Renderer = 'track' | 'canvas';

export interface PlayerOptions {
  /** The element to fill, or a selector for it. */
  container: HTMLElement | string;
  /** `http:`, `https:`, `ws:` or `wss:` address of an FLV stream; may also be given to `load()`. */
  url?: string;
  /** Start without sound. Default false. */
  muted?: boolean;
  /** 0 to 1. Default 1. */
  volume?: number;
  /** Begin to play at once. Default false. */
  autoplay?: boolean;
  /** Target latency: how far behind the newest received data to play. Default 0.4. */
  latency?: number;
  /** Default `contain`. */
  fit?: Fit;
  /** Default: `track` where the browser has it, else `canvas`. */
  renderer?: Renderer;
}

export type PlayerState = 'idle' | 'connecting' | 'playing' | 'waiting' | 'paused' | 'ended' | 'failed';

/** A snapshot, four times a second. Counters are totals since `load()`. */
export interface PlayerStats {
  state: PlayerState;
  renderer: Renderer;
  /** Playhead on the stream's own timeline. */
  currentTime: number;
  /** Newest received packet minus playhead. */
  latency: number;
  targetLatency: number;
  /** Received and not yet played. */
  buffered: number;
  bufferedBytes: number;
  playbackRate: number;
  bytesReceived: number;
  videoPackets: number;
  audioPackets: number;
  framesDecoded: number;
  framesRendered: number;
  framesDropped: number;
  skips: number;
  stalls: number;
  stalledTime: number;
  /** Picture's time minus sound's when last shown; null without sound. */
  avOffset: number | null;
  /** Bytes left out because they were damaged. */
  skippedBytes: number;
}
