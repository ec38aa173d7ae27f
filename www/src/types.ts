/** Public types of the player. Times are seconds, rates bit/s, sizes pixels unless a name says otherwise. */
import type { SailcastError } from './errors.js';

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
  /**
   * Address of the package's `dist/` folder as it is, from which worker, worklet and wasm are then taken; may be on another
   * origin that sends CORS headers. Default: where the bundler put them.
   */
  baseUrl?: string;
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
  /** Left out on purpose, to start at the live edge or to get back to it. */
  framesSkipped: number;
  skips: number;
  stalls: number;
  stalledTime: number;
  /** Picture's time minus sound's when last shown; null without sound. */
  avOffset: number | null;
  /** Bytes left out because they were damaged. */
  skippedBytes: number;
}

/** `PlayerStats` and what only the page knows. */
export interface PlayerSnapshot extends PlayerStats {
  /** `suspended`: the browser has not let it run, or has taken it away for a while. `off`: muted from the start, or nothing to hear. */
  audio: 'running' | 'suspended' | 'off';
  /** How samples reach the sound card's thread: shared memory, or messages. Null while it is not running. */
  audioPath: 'ring' | 'port' | null;
  /** From what is heard back to the worker: the delay the browser reports for its sound output. */
  audioLatency: number;
  /**
   * From the publisher's clock to the screen, for streams that carry `onWallClock` messages (`{ wallclock: ms since
   * 1970 }`); as true as the two clocks agree. Null without.
   */
  endToEndLatency: number | null;
}

/** What `TimeRanges` offers. */
export interface BufferedRanges {
  readonly length: number;
  start(index: number): number;
  end(index: number): number;
}

/** Every event of a player and its class; what it says is in `detail`. */
export interface PlayerEventMap {
  /** A load began. */
  loadstart: CustomEvent<{ url: string }>;
  /** The video track appeared or changed. `codec` as in RFC 6381. */
  videotrack: CustomEvent<{ codec: string; width: number; height: number }>;
  /** The audio track appeared or changed. `sampleRate` in Hz. */
  audiotrack: CustomEvent<{ codec: string; sampleRate: number; channels: number }>;
  /** The first picture of this load was handed to the display, `elapsed` seconds after `load()`. */
  firstframe: CustomEvent<{ elapsed: number }>;
  /** Playback runs: after the start, after a pause, after each stall. */
  playing: CustomEvent<null>;
  /** A stall: playback stopped for want of data. */
  waiting: CustomEvent<null>;
  /** `paused` became false. */
  play: CustomEvent<null>;
  /** `paused` became true: by `pause()`, at the end, or by a fatal error. */
  pause: CustomEvent<null>;
  /** The picture has a new size, pixels. */
  resize: CustomEvent<{ width: number; height: number }>;
  /** `muted` or `volume` changed. */
  volumechange: CustomEvent<{ muted: boolean; volume: number }>;
  /** A message inside the stream, and where it stands on the timeline. */
  metadata: CustomEvent<{ time: number; message: string; values: unknown[] }>;
  /** Part of the stream was left out to get back to the target latency. */
  skip: CustomEvent<{ from: number; to: number }>;
  /** The playback rate changed to hold the target latency; 1 is normal. */
  ratechange: CustomEvent<{ rate: number }>;
  /** The stream's timeline jumped. */
  discontinuity: CustomEvent<{ from: number; to: number }>;
  /** `detail.fatal` tells whether this load is over. */
  error: CustomEvent<SailcastError>;
  /** The stream ended in good order and everything was played. */
  ended: CustomEvent<null>;
  statechange: CustomEvent<{ state: PlayerState; previous: PlayerState }>;
  /** Four times a second while something is loaded. */
  stats: CustomEvent<PlayerSnapshot>;
  /** The browser refuses sound until the user acts: `muted` is true now. Set it to false in a click to hear the stream. */
  autoplayblocked: CustomEvent<null>;
  /** The last event. */
  destroyed: CustomEvent<null>;
}

/** `EventTarget` that knows the player's events. */
export interface PlayerEventTarget extends EventTarget {
  addEventListener<K extends keyof PlayerEventMap>(
    type: K,
    listener: (event: PlayerEventMap[K]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  removeEventListener<K extends keyof PlayerEventMap>(
    type: K,
    listener: (event: PlayerEventMap[K]) => void,
    options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | EventListenerOptions,
  ): void;
}
