/**
 * The messages between the page (publisher.ts) and its worker (worker.ts), one worker a publisher. Nothing else crosses but what
 * the ports and streams in them carry: pictures and PCM reach the worker without the page's thread where the browser can.
 */
import type { PublisherState, PublisherStats } from '../types.js';

/** How pictures reach the worker. It owns what it is given, and closes each frame. */
export type VideoFeed =
  /** Of a `MediaStreamTrackProcessor` on the page (Chromium). */
  | { kind: 'stream'; readable: ReadableStream<VideoFrame> }
  /** The worker makes the processor (Safari). */
  | { kind: 'track'; track: MediaStreamTrack }
  /** The page reads them from a `<video>` and posts each (Firefox); asked by a `null` for one more when it is hidden. */
  | { kind: 'port'; port: MessagePort };

/**
 * How PCM reaches the worker: the capture worklet posts `CapturedSound` to it. One worklet, and so one clock and one format, for the
 * publisher's life: sources come and go before it.
 */
export interface SoundFeed {
  port: MessagePort;
  sampleRate: number;
  channels: number;
}

/** Planes of f32, a channel each and all of one length. `position`: frames of the audio clock before it. */
export interface CapturedSound {
  position: number;
  channels: Float32Array[];
}

/** As `settings.rs` has them: merged, checked, seconds and bit/s. */
export interface PublishSettings {
  video: {
    codec: 'avc' | 'hevc' | 'av1' | 'vp9';
    side: number;
    minSide: number;
    fps: number;
    minFps: number;
    keyframeInterval: number;
    bitrate: number;
    minBitrate: number;
  };
  audio: { codec: 'aac' | 'opus'; bitrate: number };
  latencyBudget: number;
}

/** What is remembered of a line, as `LineRecord` of io.rs. */
export interface LineRecord {
  connect: number;
  throughput: number;
  failures: number;
}

export type ToPublishWorker =
  /** First. `module`: the compiled wasm. `base`: the package's folder, if the encoder's module is not where the bundler put it. */
  | { type: 'init'; module: WebAssembly.Module; base: string | undefined }
  | { type: 'settings'; settings: PublishSettings }
  /** In place of an earlier feed; null: none any more. */
  | { type: 'video'; feed: VideoFeed | null }
  | { type: 'audio'; feed: SoundFeed | null }
  /** `none`: the page has no such source any more, by its own wish. */
  | { type: 'source'; kind: 'video' | 'audio'; state: 'live' | 'muted' | 'lost' | 'none' }
  | { type: 'start'; lines: { url: string; known: LineRecord | undefined }[] }
  | { type: 'stop' }
  | { type: 'record'; recording: boolean }
  | { type: 'visible'; visible: boolean }
  | { type: 'online'; online: boolean }
  | { type: 'networkChanged' | 'wake' }
  /** Last; answered by `closed`. */
  | { type: 'close' };

export type FromPublishWorker =
  /** The script runs. */
  | { type: 'hello' }
  | { type: 'event'; event: PublishWorkerEvent }
  /** Four times a second from `start` to the end. */
  | { type: 'stats'; stats: PublishWorkerStats }
  /** FLV of what is sent, from its header on. Transferred. */
  | { type: 'recorded'; data: Uint8Array }
  /** Answers `record: false`, also where nothing was recorded: no more of it comes. */
  | { type: 'recordingEnded' }
  /** The wasm trapped or could not start: this worker is of no more use. */
  | { type: 'crash'; message: string }
  | { type: 'closed' };

/** The engine's events (crate/engine/src/publisher/event.rs) as plain data; times in seconds. */
export type PublishWorkerEvent =
  | { name: 'statechange'; state: PublisherState }
  | { name: 'publishing'; url: string }
  | {
      name: 'encoder';
      kind: 'video' | 'audio';
      codec: string;
      path: 'webcodecs' | 'wasm';
      width: number;
      height: number;
    }
  | { name: 'bitratechange'; from: number; to: number; reason: BitrateReason }
  /** `side`: the shorter side that pictures have at most. */
  | { name: 'videochange'; side: number; fps: number }
  | { name: 'framedrop'; count: number; reason: DropReason }
  | { name: 'congestion'; congested: boolean; queue: number }
  | { name: 'reconnecting'; attempt: number; delay: number; reason: string }
  | { name: 'devicelost'; kind: 'video' | 'audio'; muted: boolean }
  | { name: 'devicerecovered'; kind: 'video' | 'audio' }
  | { name: 'degraded'; what: string; message: string }
  | { name: 'line'; url: string; record: LineRecord }
  | { name: 'ended' }
  | { name: 'error'; kind: string; details: string; code: number; fatal: boolean; message: string };

/** `Why` of uplink/mod.rs. */
export type BitrateReason = 'congestion' | 'silence' | 'carried' | 'probe' | 'config' | 'connection';

/** `DropReason` of uplink/mod.rs. */
export type DropReason = 'late' | 'reference' | 'full' | 'closed' | 'order';

/** `Stats` of event.rs: what `stats()` gives, but for what the page knows. */
export type PublishWorkerStats = Omit<
  PublisherStats,
  | 'videoCodec'
  | 'audioCodec'
  | 'videoEncoder'
  | 'audioEncoder'
  | 'videoSource'
  | 'audioSource'
  | 'audioContext'
>;
