/** What an element has of the player behind it as it is, and what it says while there is none. */
import { pageError, type SailcastError } from '../errors.js';
import type { Player } from '../player.js';
import { VideoRenditionList } from '../renditions.js';
import type {
  BufferedRanges,
  PlayerEventTarget,
  PlayerSnapshot,
  PlayerState,
  RecordingOptions,
  SnapshotOptions,
  StreamType,
  Track,
} from '../types.js';
import { ranges } from './place.js';

/** A type for `extends`; a server has no `HTMLElement`. */
const Base = (globalThis.HTMLElement ?? class {}) as new () => Omit<HTMLElement, keyof PlayerEventTarget> &
  PlayerEventTarget;

export abstract class Delegate extends Base {
  /** As `Player.videoRenditions`; the same list for as long as the element lives. */
  readonly videoRenditions = new VideoRenditionList();

  /** The player behind the element, once it is in a document. */
  abstract get player(): Player | undefined;

  /** The address given last to the player, by `src` or `load()`. */
  get url(): string | undefined {
    return this.player?.url;
  }

  /** The `<video>` or `<canvas>`; null without a player. */
  get element(): HTMLVideoElement | HTMLCanvasElement | null {
    return this.player?.element ?? null;
  }

  get state(): PlayerState {
    return this.player?.state ?? 'idle';
  }

  get error(): SailcastError | null {
    return this.player?.error ?? null;
  }

  get paused(): boolean {
    return this.player?.paused ?? true;
  }

  get ended(): boolean {
    return this.player?.ended ?? false;
  }

  /** As `Player.currentTime`, read and write. */
  get currentTime(): number {
    return this.player?.currentTime ?? 0;
  }

  set currentTime(time: number) {
    if (this.player) this.player.currentTime = time;
  }

  /** As `Player.fastSeek()`. */
  fastSeek(time: number): void {
    this.player?.fastSeek(time);
  }

  /** As `Player.goLive()`. */
  goLive(): void {
    this.player?.goLive();
  }

  get seeking(): boolean {
    return this.player?.seeking ?? false;
  }

  get buffered(): BufferedRanges {
    return this.player?.buffered ?? ranges(null);
  }

  get seekable(): BufferedRanges {
    return this.player?.seekable ?? ranges(null);
  }

  /** Pixels; 0 before the first picture. */
  get videoWidth(): number {
    return this.player?.videoWidth ?? 0;
  }

  get videoHeight(): number {
    return this.player?.videoHeight ?? 0;
  }

  /** As `Player.tracks`. */
  get tracks(): readonly Track[] {
    return this.player?.tracks ?? [];
  }

  /** As `Player.selectTrack()`. */
  selectTrack(kind: Track['kind'], number: number): void {
    this.player?.selectTrack(kind, number);
  }

  get duration(): number {
    return this.player?.duration ?? Number.NaN;
  }

  get live(): boolean | null {
    return this.player?.live ?? null;
  }

  get streamType(): StreamType {
    return this.player?.streamType ?? 'unknown';
  }

  get targetLiveWindow(): number {
    return this.player?.targetLiveWindow ?? Number.NaN;
  }

  get liveEdgeStart(): number {
    return this.player?.liveEdgeStart ?? Number.NaN;
  }

  /** 0 nothing, 2 stalled or waiting for the first picture, 4 playing; as `HTMLMediaElement.readyState`. */
  get readyState(): number {
    if (this.videoWidth === 0 && this.state !== 'playing') return 0;
    return this.state === 'playing' || this.state === 'paused' ? 4 : 2;
  }

  /** As `Player.pause()`. */
  pause(): void {
    this.player?.pause();
  }

  /** As `Player.stats()`; null without a player. */
  stats(): PlayerSnapshot | null {
    return this.player?.stats() ?? null;
  }

  /** As `Player.getVideoPlaybackQuality()`; nothing but zeros without a player. */
  getVideoPlaybackQuality(): VideoPlaybackQuality {
    const none = { totalVideoFrames: 0, droppedVideoFrames: 0, corruptedVideoFrames: 0 };
    return this.player?.getVideoPlaybackQuality() ?? { creationTime: performance.now(), ...none };
  }

  /** As `Player.exportLog()`; empty without a player. */
  exportLog(): Promise<string> {
    return this.player?.exportLog() ?? Promise.resolve('');
  }

  /** As `Player.startRecording()`. */
  startRecording(options?: RecordingOptions): Promise<void> {
    return this.player?.startRecording(options) ?? Promise.reject(nothing());
  }

  /** As `Player.stopRecording()`. */
  stopRecording(): Promise<Blob | null> {
    return this.player?.stopRecording() ?? Promise.resolve(null);
  }

  /** As `Player.snapshot()`. */
  snapshot(options?: SnapshotOptions): Promise<Blob> {
    return this.player?.snapshot(options) ?? Promise.reject(nothing());
  }

  /** For the `track` renderer only: a canvas cannot leave the page. */
  requestPictureInPicture(): Promise<PictureInPictureWindow> {
    const element = this.player?.element;
    if (element instanceof HTMLVideoElement) return element.requestPictureInPicture();
    return Promise.reject(new DOMException('There is no <video> to show.', 'NotSupportedError'));
  }
}

function nothing(): SailcastError {
  return pageError('notPlaying', 'The element is in no document.', false);
}
