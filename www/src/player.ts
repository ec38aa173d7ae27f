/**
 * The player as a page sees it: names and promises of a media element in front of the worker.
 *
 * It begins and ends loads; internal/course.ts does what the engine tells of them, internal/face.ts is what the player is to its
 * page, and internal/link.ts the way to the engine, which decides what to play when. Its one invariant: what an argument cannot
 * be is refused before anything has changed.
 */
import { pageError, type SailcastError } from './errors.js';
import { Course } from './internal/course.js';
import { Face } from './internal/face.js';
import { Figures, videoPlaybackQuality } from './internal/figures.js';
import { absolute } from './internal/lines.js';
import { Link } from './internal/link.js';
import {
  checkFit,
  checkLatency,
  checkOptions,
  checkRate,
  checkRotation,
  checkTrack,
  checkVolume,
} from './internal/options.js';
import { ranges } from './internal/place.js';
import type { ToWorker } from './internal/protocol.js';
import { exportLog, publicUrl } from './internal/session-log.js';
import { checkSource, checkTime, type Given, preferred } from './internal/source.js';
import { missingFeature, rendererFor } from './internal/support.js';
import { View } from './internal/view.js';
import { takePreload } from './preload.js';
import { VideoRenditionList } from './renditions.js';
import type {
  BufferedRanges,
  Fit,
  Latency,
  PlayerEventTarget,
  PlayerOptions,
  PlayerSnapshot,
  PlayerState,
  ProbeRequest,
  ProbeResult,
  RecordingOptions,
  Rotation,
  SnapshotOptions,
  Source,
  StreamType,
  Track,
} from './types.js';

/** A type for `extends`: `EventTarget` itself, knowing our events. */
const Target = EventTarget as new () => PlayerEventTarget;

/**
 * Plays a live stream or a recording into a container.
 *
 * Times are seconds. Methods that return a promise reject with a `SailcastError`, or with a `DOMException` named
 * `AbortError` when `load()`, `pause()` or `destroy()` came in between.
 */
export class Player extends Target {
  readonly #base: URL | undefined;
  readonly #view: View;
  readonly #link: Link;
  readonly #face: Face;
  readonly #course: Course;
  /** The renditions of what is played, and which of them the page chose. */
  readonly videoRenditions: VideoRenditionList;

  /**
   * What would decode such a stream here, and whether it would keep up. Of software it is an estimate: how fast this machine
   * runs a piece of WebAssembly for some milliseconds, against what the decoders are known to need.
   */
  static async probe(request: ProbeRequest): Promise<ProbeResult> {
    const { probe } = await import('./internal/codecs/probe.js');
    return probe(request);
  }

  /**
   * Puts one element into the container and, with `autoplay`, begins to load. A `url` without `autoplay` already starts
   * the worker, so that a later `play()` has less to wait for. Throws a `SailcastError` of type `usage` for options that
   * cannot be; what the browser lacks is an error of `load()`. `renditions`: a list that outlives the player, as an element's.
   */
  constructor(options: PlayerOptions, renditions = new VideoRenditionList()) {
    super();
    const settings = checkOptions(options);
    this.videoRenditions = renditions;
    this.#base = settings.base;
    const renderer = rendererFor(settings.renderer);
    const send = (message: ToWorker, transfer?: Transferable[]) => this.#link.send(message, transfer);
    this.#face = new Face(this, settings, new Figures(renderer, settings.latency.start), send);
    this.#view = new View(settings.container, renderer, settings, {
      send,
      userPaused: paused => {
        if (paused) this.pause();
        else if (this.#face.paused) quiet(this.play());
      },
      moved: () => this.#link.look(),
    });
    this.#link = new Link(settings, this.#view, {
      receive: message => this.#course.receive(message),
      leaving: () => this.#course.leave(),
      failed: (error, blameless) => this.#course.lost(error, blameless),
      attempt: () => {
        const { state, figures } = this.#face;
        const { quality, stats } = figures;
        return { startup: state === 'connecting' || state === 'waiting', quality, buffered: stats.buffered };
      },
    });
    this.#course = new Course(this.#face, this.#view, this.#link, renditions, settings.source);
    if (preferred(settings.source) === undefined) return;
    if (!settings.autoplay) {
      if (missingFeature() === null) this.#link.ensure(this.#link.buildFor(settings.source));
      return;
    }
    // Behind the constructor's caller, who has listeners to add.
    queueMicrotask(() => {
      if (!this.#face.destroyed && this.#face.load === 0) quiet(this.load());
    });
  }

  /**
   * The `<video>` or `<canvas>` in the container. Owned by the player. A canvas is replaced by another one when another
   * session goes on: after a crash of the worker, with a preloaded stream, and when a load waits for its address.
   */
  get element(): HTMLVideoElement | HTMLCanvasElement {
    return this.#view.element;
  }

  /** The address given last, to the constructor or to `load()`; of several the preferred one. */
  get url(): string | undefined {
    return preferred(this.#course.given);
  }

  get state(): PlayerState {
    return this.#face.state;
  }

  /** The fatal error that ended this load, or null. */
  get error(): SailcastError | null {
    return this.#face.error;
  }

  /** False from `load()` or `play()` on, also while connecting or stalled; true after `pause()`, the end, or an error. */
  get paused(): boolean {
    return this.#face.paused;
  }

  /** The stream ended in good order and was played to its end. */
  get ended(): boolean {
    return this.state === 'ended';
  }

  /**
   * The playhead on the stream's own timeline, seconds; it need not begin at 0. Setting it goes exactly there, as far as
   * `seekable` reaches; where that is empty, it changes nothing.
   */
  get currentTime(): number {
    return this.#face.currentTime;
  }

  set currentTime(time: number) {
    this.#seek(checkTime('currentTime', time), true);
  }

  /** A seek is under way. */
  get seeking(): boolean {
    return this.#face.figures.place.target !== undefined;
  }

  /** Of a recording; NaN while it is not known, infinite of a live stream. */
  get duration(): number {
    return this.#face.figures.place.duration;
  }

  /** From where to where one can seek, as one range or none. */
  get seekable(): BufferedRanges {
    return ranges(this.#face.figures.stats.seekable);
  }

  /** What can be played without the network, as one range or none. */
  get buffered(): BufferedRanges {
    const { bufferedRange, buffered } = this.#face.figures.stats;
    const { currentTime } = this;
    return ranges(bufferedRange ?? (buffered > 0 ? [currentTime, currentTime + buffered] : null));
  }

  /** Whether more is added to the end of what is played; null while that is not known. */
  get live(): boolean | null {
    return this.#face.figures.place.live;
  }

  get streamType(): StreamType {
    return this.#face.figures.place.streamType;
  }

  /** Of a live stream: infinite if one can go back in it for more than a minute, else 0. NaN of what is not live. */
  get targetLiveWindow(): number {
    return this.#face.figures.place.targetLiveWindow(this.#face.figures.stats);
  }

  /** From this time on the viewer counts as live; NaN of what is not live. */
  get liveEdgeStart(): number {
    return this.#face.figures.place.liveEdgeStart(this.#face.figures.stats);
  }

  /** A recording begins again at its end. */
  get loop(): boolean {
    return this.#link.loop;
  }

  set loop(loop: boolean) {
    this.#link.loop = Boolean(loop);
  }

  /** How far the playhead is behind the newest received data, seconds, as measured. */
  get latency(): number {
    return this.#face.figures.stats.latency;
  }

  /** How far it should be at present, seconds, 0.05 to 30. May be set to anything that the option `latency` takes. */
  get targetLatency(): number {
    return this.#face.figures.stats.targetLatency;
  }

  set targetLatency(latency: Latency) {
    const bounds = checkLatency(latency);
    this.#face.figures.retarget(bounds);
    this.#link.latency = bounds;
  }

  /**
   * How fast to play, 0.5 to 3, with the pitch kept; a live stream at its edge plays at 1 whatever this is. The present rate,
   * which may differ a little to hold the latency, is `stats().playbackRate`.
   */
  get playbackRate(): number {
    return this.#link.rate;
  }

  set playbackRate(rate: number) {
    this.#link.rate = checkRate(rate);
    this.#face.tellRate(rate);
  }

  /** The picture's size in pixels; 0 before the first one. */
  get videoWidth(): number {
    return this.#face.figures.width;
  }

  get videoHeight(): number {
    return this.#face.figures.height;
  }

  /** The stream's tracks, as far as they are known, and which of them play. */
  get tracks(): readonly Track[] {
    return this.#face.tracks.list();
  }

  /**
   * Plays this track in place of the one of its kind that plays now, from its next keyframe on; one that is not there yet is
   * waited for. Sound of HLS is fetched first, from where it plays. Holds for this load.
   */
  selectTrack(kind: Track['kind'], number: number): void {
    checkTrack(kind, number);
    if (!this.#face.loaded) return;
    this.#face.tracks.asked.set(kind, number);
    this.#link.send({ type: 'selectTrack', kind, number });
  }

  /** How the picture fills the container. */
  get fit(): Fit {
    return this.#view.pose.fit;
  }

  set fit(fit: Fit) {
    this.#view.pose = { fit: checkFit(fit) };
  }

  /** Degrees by which the picture is turned clockwise: 0, 90, 180 or 270. `fit` is that of the turned picture. */
  get rotation(): Rotation {
    return this.#view.pose.rotation;
  }

  set rotation(rotation: Rotation) {
    this.#view.pose = { rotation: checkRotation(rotation) };
  }

  /** The picture is mirrored left to right, after it is turned. */
  get mirror(): boolean {
    return this.#view.pose.mirror;
  }

  set mirror(mirror: boolean) {
    this.#view.pose = { mirror: Boolean(mirror) };
  }

  /** Without sound. A player that is muted before its sound began opens no sound output until it is unmuted. */
  get muted(): boolean {
    return this.#face.muted;
  }

  set muted(muted: boolean) {
    this.#face.mute(Boolean(muted));
  }

  /** 0 to 1. */
  get volume(): number {
    return this.#face.volume;
  }

  set volume(volume: number) {
    this.#face.setSound(this.muted, checkVolume(volume));
  }

  /** The newest snapshot: at most a quarter of a second old while playing. Counters are totals since `load()`. */
  stats(): PlayerSnapshot {
    return this.#face.snapshot();
  }

  /** As `HTMLVideoElement.getVideoPlaybackQuality()`: pictures of this load, as of the newest snapshot. */
  getVideoPlaybackQuality(): VideoPlaybackQuality {
    return videoPlaybackQuality(this.#face.figures.stats);
  }

  /**
   * What a bug report needs, as JSON: versions, browser, options, quality, and the last things that happened. Signatures and
   * the like are taken out of addresses.
   */
  async exportLog(): Promise<string> {
    const engine = await this.#link.ask('log');
    return exportLog(this.#face.log, engine, this.stats(), {
      url: publicUrl(this.url),
      baseUrl: publicUrl(this.#base?.href),
      muted: this.muted,
      volume: this.volume,
      latency: this.#link.latency,
      fit: this.fit,
    });
  }

  /**
   * Opens `source` (default: what was given last) in place of what is played, and plays it; of several addresses of the same
   * stream the first, and the others when that fails. Resolves with the first picture or the first sound, whichever the
   * stream has sooner. May be called again at any time, also after an error.
   */
  load(source?: string | readonly string[] | Source): Promise<void> {
    const face = this.#face;
    if (face.destroyed)
      return Promise.reject(pageError('destroyed', 'The player was destroyed before load().'));
    let given: Given;
    try {
      given = source === undefined ? this.#course.given : checkSource(asSource(source));
    } catch (error) {
      return Promise.reject(error);
    }
    const url = preferred(given);
    if (url === undefined) return Promise.reject(pageError('urlMissing', 'There is no address to load.'));
    face.pending.abort('Another load() came in between.');
    const last = face.lastQuality('replaced');
    const load = face.begin(new Figures(this.#view.renderer, this.#link.latency.start));
    const started = face.pending.add('started');
    this.#course.begin(given);
    const missing = missingFeature();
    if (missing === null && face.load === load) {
      const build = this.#link.buildFor(given);
      const ready = given.lines.length > 0 ? takePreload(absolute(url), this.#base, build) : undefined;
      if (ready) this.#link.swap(ready.host);
      else this.#link.ensure(build);
      void this.#link.load(load, given, ready?.address);
      this.#link.send({ type: 'play' });
      this.#view.resume();
      face.startSound();
    }
    // A listener may load something else, or destroy the player.
    if (last) face.emit('qos', last);
    if (face.load === load) face.emit('loadstart', { url });
    if (face.load === load) face.setState('connecting');
    if (face.load === load) face.setPaused(false);
    if (missing !== null && face.load === load) {
      face.failHere(pageError('webCodecsMissing', `This page has no ${missing}.`));
    }
    return started;
  }

  /** Plays: loads if nothing is loaded, or goes on near the live edge after a pause. Resolves when it plays. */
  play(): Promise<void> {
    const face = this.#face;
    if (face.destroyed)
      return Promise.reject(pageError('destroyed', 'The player was destroyed before play().'));
    if (this.#endedHere) {
      this.#link.send({ type: 'seek', to: face.figures.stats.seekable?.[0] ?? 0, exact: true });
      face.setState('waiting');
    } else if (!face.loaded) {
      const load = this.load();
      if (!face.loaded) return load;
      quiet(load);
      return face.pending.add('playing');
    }
    this.#view.resume();
    if (face.paused) {
      if (this.#link.open) {
        this.#link.send({ type: 'play' });
        if (face.audible) face.startSound();
      } else this.#course.reopen();
      face.setPaused(false);
    } else if (face.state === 'playing') return Promise.resolve();
    return face.pending.add('playing');
  }

  /** Stops playing; pending promises of `play()` reject with an `AbortError`. */
  pause(): void {
    const face = this.#face;
    if (face.paused || !face.loaded) return;
    this.#link.send({ type: 'pause' });
    face.pending.abort('pause() came in between.', 'playing');
    face.setPaused(true);
  }

  /** Goes to a place near `time` that is quick to reach: a keyframe. Otherwise as setting `currentTime`. */
  fastSeek(time: number): void {
    this.#seek(checkTime('time', time), false);
  }

  /** Goes to the live edge of a live stream, as far behind it as is aimed for. */
  goLive(): void {
    if (this.#face.loaded) this.#link.send({ type: 'seekLive' });
  }

  /**
   * Records what is received of what is played, without encoding it again, from the next keyframe on until `stopRecording()`, the
   * end, or another `load()`. Resolves when it has begun. A stream is connected to anew for it, if only the part of the player that
   * plays streams is there.
   */
  async startRecording(options: RecordingOptions = {}): Promise<void> {
    const face = this.#face;
    const { load } = face;
    if (!face.loaded) throw pageError('notPlaying', 'There is nothing to record.', false);
    const { Recorder } = await import('./internal/extras/recorder.js');
    await this.#course.goOver();
    this.#course.recorder ??= new Recorder({
      send: message => this.#link.send(message),
      failed: error => face.emit('error', error),
    });
    await this.#course.recorder.start(options, () => face.load === load && face.loaded);
  }

  /** Resolves with the recording; with null where it went to a target, which is closed then, or there was none. */
  async stopRecording(): Promise<Blob | null> {
    return this.#course.recorder?.stop() ?? null;
  }

  /** The picture that is shown, as a file: at its own size and upright, neither turned by `rotation` nor fitted. */
  async snapshot(options: SnapshotOptions = {}): Promise<Blob> {
    const { snapshot } = await import('./internal/extras/snapshot.js');
    return snapshot(this.element, () => this.#link.ask('picture'), this.#view.pose.turn, options);
  }

  /** Ends everything and removes the element. Nothing but `destroyed` is heard of the player afterwards. Idempotent. */
  destroy(): void {
    const face = this.#face;
    if (face.destroyed) return;
    const last = face.lastQuality('destroyed');
    if (last) face.emit('qos', last);
    if (face.destroyed) return;
    face.end();
    this.#course.recorder?.over();
    this.#link.close();
    this.#view.destroy();
    face.pending.abort('The player was destroyed.');
    face.emit('destroyed', null);
  }

  /** A recording was played to its end, and its session can go on elsewhere in it. */
  get #endedHere(): boolean {
    return this.ended && this.live === false && this.#link.open;
  }

  #seek(time: number, exact: boolean): void {
    const face = this.#face;
    const { stats, place } = face.figures;
    // The page is paused since the end, and the engine only stood there.
    if (this.#endedHere) this.#link.send({ type: 'pause' });
    else if (!face.loaded) return;
    const [start, end] = stats.seekable ?? [time, time];
    const to = Math.min(Math.max(time, start), end);
    // What one sets is what one reads, before the engine has said so.
    if (stats.seekable) place.target = to;
    this.#link.send({ type: 'seek', to, exact });
  }
}

function asSource(source: string | readonly string[] | Source): Source {
  return typeof source === 'string' || 'length' in source ? { url: source } : source;
}

/** For promises whose outcome the events tell. */
function quiet(promise: Promise<void>): void {
  promise.catch(() => {});
}
