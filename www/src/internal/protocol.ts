/**
 * The messages between the page (player.ts) and a worker (worker.ts), and the memory they share with the audio
 * worklet. Nothing else crosses. A worker serves several players: `ToPool` and `FromPool` are what pool.ts and the worker's
 * script say to each other, and carry what a player and its session say, `ToWorker` and `ToPage`.
 */
import type {
  Background,
  DecoderChoice,
  Fit,
  PlaybackQuality,
  PlayerEventMap,
  PlayerStats,
  ReconnectReason,
  RecordingFormat,
  Rotation,
  SourceType,
  StartUp,
  StreamMessage,
} from '../types.js';
import type { EngineLog } from './session-log.js';
import type { GivenRendition } from './source.js';

/** The target latency: `start` until the network's jitter is known, then between `min` and `max`; seconds. */
export interface LatencyBounds {
  start: number;
  min: number;
  max: number;
}

/** Where decoded pictures go. */
export type SinkMessage =
  | { kind: 'track'; writable: WritableStream<VideoFrame> }
  | { kind: 'canvas' | 'webgl'; canvas: OffscreenCanvas };

/** A picture is turned clockwise, then mirrored left to right. */
export interface Turn {
  rotation: Rotation;
  mirror: boolean;
}

/**
 * A decoded picture where there is no `VideoFrame`, or the renderer is WebGL: planes of Y, U, V with 8 bits a sample, or 16
 * (little-endian, the low `bitDepth` bits) above 8, all in one buffer. The session owns it, and gives the buffer back to the
 * decoder when the picture is done with.
 */
export interface Planes {
  /** µs. */
  readonly timestamp: number;
  /** What is to be seen, in pixels of luma; odd sizes are. */
  readonly width: number;
  readonly height: number;
  /** 8, 10 or 12. */
  readonly bitDepth: number;
  /** How much smaller chroma is, as shifts; 4:2:0 is 1 and 1. Sizes round up. */
  readonly chromaShiftX: number;
  readonly chromaShiftY: number;
  /** `stride`: bytes from a row to the next. */
  readonly planes: readonly { readonly data: Uint8Array; readonly stride: number }[];
  readonly colour: Colour;
}

/** How numbers become colours, in the code points of ITU-T H.273. 2 is unspecified: whoever draws guesses by the size. */
export interface Colour {
  readonly primaries: number;
  readonly transfer: number;
  readonly matrix: number;
  readonly fullRange: boolean;
}

/** A picture, as a session holds it. */
export type Picture = VideoFrame | Planes;

/** How PCM reaches the worklet, without passing through the page's thread. */
export type AudioMessage = { kind: 'ring'; buffer: SharedArrayBuffer } | { kind: 'port'; port: MessagePort };

/** `player` is a number that is never given to another one; its first message makes its session, `close` ends it. */
export type ToPool =
  /** Compiled once for all workers of the page. Other messages may come before it; they are done when it is there. */
  { type: 'module'; module: WebAssembly.Module } | { type: 'player'; player: number; message: ToWorker };

export type FromPool =
  /** The worker's script runs. */
  | { type: 'hello' }
  | { type: 'player'; player: number; message: ToPage }
  /** The wasm trapped or could not start: this worker is of no more use. `player`: in whose session, if that is known. */
  | { type: 'crash'; message: string; player: number | undefined };

/** What a session can be asked for. */
export interface Answers {
  log: EngineLog;
  /** That is shown, unless the `<video>` has it. */
  picture: Picture;
  /** Of a file that needs the other module. */
  begun: Begun;
}

/** The beginning of a file. */
export interface Begun {
  /** Of all of it; null where that is not known. */
  length: number | null;
  bytes: Uint8Array<ArrayBuffer>;
}

export type ToWorker =
  /** Before all but `preload`. */
  | {
      type: 'init';
      sink: SinkMessage;
      latency: LatencyBounds;
      background: Background;
      decoder: DecoderChoice;
    }
  /**
   * Plays a stream in place of the present one; every later event carries `load`. `lines` are its addresses, or those of each
   * rendition. With `resolve`, the page is asked by a `resolve` event for the address of each further try. What is given of a file is
   * not asked for again.
   */
  | ({
      type: 'load';
      load: number;
      lines: readonly string[];
      resolve: boolean;
      kind: SourceType;
      renditions: readonly GivenRendition[];
      rendition: number | undefined;
      start: number | undefined;
    } & Partial<Begun>)
  /** Asks for what may be loaded later. Comes before `init`. */
  | { type: 'preload'; url: string; kind: SourceType }
  /** Answers a `resolve` event: the address, or why there is none. */
  | { type: 'resolved'; load: number; request: number; good: boolean; answer: string }
  | { type: 'play' }
  | { type: 'pause' }
  | { type: 'seek'; to: number; exact: boolean }
  | { type: 'seekLive' }
  | { type: 'rate'; rate: number }
  | { type: 'loop'; loop: boolean }
  /** Null: the player chooses. */
  | { type: 'selectRendition'; id: string | null }
  /** Writes what is received into `recorded` events; null ends it. */
  | { type: 'record'; format: RecordingFormat | null }
  /** Answered by `answer` with the same number. */
  | { type: 'ask'; request: number; what: keyof Answers }
  /** Plays this track in place of the one of its kind that plays now. */
  | { type: 'selectTrack'; kind: 'video' | 'audio'; number: number }
  | { type: 'latency'; latency: LatencyBounds }
  /** A new sound output, running at `sampleRate`; replaces an earlier one. */
  | { type: 'audio'; audio: AudioMessage; sampleRate: number; latency: number }
  /** The running output's latency changed, seconds. */
  | { type: 'audioLatency'; latency: number }
  /** No sound output (suspended, closed, never allowed). */
  | { type: 'audioOff' }
  /** The picture's box in device pixels, which a canvas has as its size, and how the picture fits. */
  | { type: 'view'; width: number; height: number; fit: Fit }
  /** In place of the one before. */
  | { type: 'sink'; sink: SinkMessage }
  /** Track sink only: the `<video>` listens from now on. What was written before is lost; the last picture is written again. */
  | { type: 'attached' }
  /** The picture can be seen, or cannot. */
  | { type: 'visible'; visible: boolean }
  | { type: 'online'; online: boolean }
  /** Another network; the page is about to be frozen or put away; it is back. */
  | { type: 'networkChanged' | 'suspend' | 'wake' }
  /** Last message: the session lets go of everything and answers `closed`. */
  | { type: 'close' };

export type ToPage =
  | { type: 'event'; load: number; event: WorkerEvent }
  /** Four times a second while a load is open. */
  | { type: 'stats'; load: number; stats: PlayerStats; quality: WorkerQuality }
  /** Null: there is none. */
  | { type: 'answer'; request: number; answer: Answers[keyof Answers] | null }
  /** The session needs a software decoder: `port` leads to its end of it. */
  | { type: 'codec'; kind: 'video' | 'audio'; port: MessagePort }
  | { type: 'closed' };

/** As the engine counts: from `loadedAt` on, ms since 1970, when it took the load. */
export interface WorkerQuality extends Omit<PlaybackQuality, 'startUp'> {
  loadedAt: number;
  startUp: Omit<StartUp, 'engineReady'>;
}

/** What is not known is null, or empty. */
export interface RenditionInfo {
  id: string;
  name: string;
  bitrate: number | null;
  width: number | null;
  height: number | null;
  frameRate: number | null;
  codecs: string;
}

/** Those that the page passes on as they are. */
type Named<K extends keyof PlayerEventMap> = { [N in K]: { name: N } & PlayerEventMap[N]['detail'] }[K];

/** The engine's events (crate/engine/src/event.rs) as plain data; times in seconds. */
export type WorkerEvent =
  | {
      name: 'statechange';
      state: 'idle' | 'connecting' | 'playing' | 'waiting' | 'paused' | 'ended' | 'failed';
    }
  | Named<'videotrack' | 'audiotrack' | 'trackselected' | 'decoderchange'>
  | { name: 'firstframe'; loadedAt: number; startUp: WorkerQuality['startUp'] }
  | { name: 'playing' }
  | { name: 'waiting' }
  /** With what is left to do to show it upright. */
  | ({ name: 'resize'; width: number; height: number } & Turn)
  | { name: 'ended' }
  | ({ name: 'metadata' | 'cue' } & StreamMessage)
  | Named<'discontinuity' | 'skip' | 'ratechange' | 'targetchange' | 'reconnecting' | 'reconnected'>
  | Named<'seeking' | 'seeked'>
  /** It is no stream, and this module plays nothing else: the load is over here, without an error. */
  | { name: 'needsall' }
  | { name: 'source'; kind: SourceType; live: boolean }
  | { name: 'durationchange'; duration: number | null; seekable: PlayerStats['seekable'] }
  | { name: 'renditions'; renditions: readonly RenditionInfo[] }
  | { name: 'renditionchange'; id: string; auto: boolean }
  /** The next bytes of the recording; empty: it is complete. */
  | { name: 'recorded'; data: Uint8Array<ArrayBuffer> }
  | { name: 'recordingfailed'; why: string }
  | { name: 'degraded' | 'recovered' }
  /** Asks for the address of a try; answered by `resolved` with the same number. */
  | { name: 'resolve'; request: number; url: string; attempt: number; reason: ReconnectReason }
  | { name: 'error'; kind: string; details: string; code: number; fatal: boolean; message: string };

/**
 * The ring shared with the worklet: one writer (the worker's wasm), one reader (the worklet).
 * `Int32Array(buffer, 0, RING_HEADER)`, then interleaved f32 stereo, `RING_FRAMES` frames.
 * Counters are totals of frames, wrapping at 2^32; slot = counter mod RING_FRAMES.
 * Port mode sends the same as messages: worker -> worklet `Float32Array` (interleaved stereo, transferred) or
 * `'clear'`; worklet -> worker a number, the total of frames taken (cleared ones included), as it grows.
 */
export const RING_HEADER = 4;
/** Index of the writer's counter. */
export const RING_WRITE = 0;
/** Index of the reader's counter: frames taken, cleared ones included. */
export const RING_READ = 1;
/** The writer asks the reader to drop everything before this counter value. */
export const RING_CLEAR_TO = 2;
/** Frames of silence the reader had to put in since the ring first held sound. */
export const RING_UNDERRUN = 3;
/** Power of two; 0.68 s at 48 kHz, many times what the engine keeps in it. */
export const RING_FRAMES = 32768;
