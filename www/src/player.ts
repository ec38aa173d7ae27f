/**
 * The player as a page sees it: names and promises of a media element in front of the worker.
 *
 * It begins and ends loads and puts what the engine tells where it belongs: the picture into the view, all else into the face
 * (internal/face.ts); internal/link.ts is the way to the engine, which decides what to play when. Its one invariant: what
 * belongs to an earlier load, an earlier worker or a destroyed player changes nothing.
 */
import { type ErrorType, pageError, SailcastError } from './errors.js';
import { Face } from './internal/face.js';
import { Figures, ranges, videoPlaybackQuality } from './internal/figures.js';
import { absolute } from './internal/lines.js';
import { type FromLoad, Link } from './internal/link.js';
import {
  checkFit,
  checkLatency,
  checkLines,
  checkOptions,
  checkRotation,
  checkTrack,
  checkVolume,
} from './internal/options.js';
import type { ToWorker, WorkerEvent } from './internal/protocol.js';
import { exportLog, publicUrl } from './internal/session-log.js';
import { missingFeature, rendererFor } from './internal/support.js';
import { View } from './internal/view.js';
import { takePreload } from './preload.js';
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
  Rotation,
  Track,
} from './types.js';

/** A player whose worker crashes again so soon has most likely to do with it, ms. */
const CRASHES_APART = 60_000;

/** A type for `extends`: `EventTarget` itself, knowing our events. */
const Target = EventTarget as new () => PlayerEventTarget;

/**
 * Plays a live stream into a container.
 *
 * Times are seconds. Methods that return a promise reject with a `SailcastError`, or with a `DOMException` named
 * `AbortError` when `load()`, `pause()` or `destroy()` came in between.
 */
export class Player extends Target {
  readonly #base: URL | undefined;
  readonly #view: View;
  readonly #link: Link;
  readonly #face: Face;
  #given: readonly string[];
  #crashedAt = Number.NEGATIVE_INFINITY;
  /** Another worker goes on with what the viewer has seen already, and has not begun to play. */
  #restarting = false;

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
   * cannot be; what the browser lacks is an error of `load()`.
   */
  constructor(options: PlayerOptions) {
    super();
    const settings = checkOptions(options);
    this.#given = settings.lines;
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
      receive: message => this.#receive(message),
      leaving: () => this.#face.sound.rest(),
      failed: (error, blameless) => this.#lost(error, blameless),
      attempt: () => {
        const { state, figures } = this.#face;
        const { quality, stats } = figures;
        return { startup: state === 'connecting' || state === 'waiting', quality, buffered: stats.buffered };
      },
    });
    if (this.#given.length === 0) return;
    if (!settings.autoplay) {
      if (missingFeature() === null) this.#link.ensure();
      return;
    }
    // Behind the constructor's caller, who has listeners to add.
    queueMicrotask(() => {
      if (!this.#face.destroyed && this.#face.load === 0) quiet(this.load(this.#given));
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
    return this.#given[0];
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

  /** The playhead on the stream's own timeline, seconds; it need not begin at 0. */
  get currentTime(): number {
    return this.#face.currentTime;
  }

  /** What is received and not yet played, as one range or none. */
  get buffered(): BufferedRanges {
    return ranges(this.currentTime, this.#face.figures.stats.buffered);
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

  /** The present rate; 1 unless catching up. */
  get playbackRate(): number {
    return this.#face.figures.stats.playbackRate;
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
   * waited for. Holds for this load.
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
    const engine = await this.#link.log();
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
   * Opens `url` (default: what was given last) in place of the present stream and plays it; of several addresses of the same
   * stream the first, and the others when that fails. Resolves with the first picture or the first sound, whichever the
   * stream has sooner. May be called again at any time, also after an error.
   */
  load(url: string | readonly string[] = this.#given): Promise<void> {
    const face = this.#face;
    if (face.destroyed)
      return Promise.reject(pageError('destroyed', 'The player was destroyed before load().'));
    let given: readonly string[];
    try {
      given = checkLines(url);
    } catch (error) {
      return Promise.reject(error);
    }
    const [preferred] = given;
    if (preferred === undefined)
      return Promise.reject(pageError('urlMissing', 'There is no address to load.'));
    face.pending.abort('Another load() came in between.');
    const last = face.lastQuality('replaced');
    const load = face.begin(new Figures(this.#view.renderer, this.#link.latency.start));
    this.#given = given;
    this.#restarting = false;
    const started = face.pending.add('started');
    const missing = missingFeature();
    if (missing === null) {
      const ready = takePreload(absolute(preferred), this.#base);
      if (ready) this.#link.swap(ready.host);
      else this.#link.ensure();
      this.#link.load(load, given, ready?.address);
      this.#link.send({ type: 'play' });
      this.#view.resume();
      face.startSound();
    }
    // A listener may load something else, or destroy the player.
    if (last) face.emit('qos', last);
    if (face.load === load) face.emit('loadstart', { url: preferred });
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
    if (!face.loaded) {
      const load = this.load(this.#given);
      if (!face.loaded) return load;
      quiet(load);
      return face.pending.add('playing');
    }
    this.#view.resume();
    if (face.paused) {
      if (this.#link.open) {
        this.#link.send({ type: 'play' });
        if (face.audible) face.startSound();
      } else this.#reopen();
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

  /** Ends everything and removes the element. Nothing but `destroyed` is heard of the player afterwards. Idempotent. */
  destroy(): void {
    const face = this.#face;
    if (face.destroyed) return;
    const last = face.lastQuality('destroyed');
    if (last) face.emit('qos', last);
    if (face.destroyed) return;
    face.end();
    this.#link.close();
    this.#view.destroy();
    face.pending.abort('The player was destroyed.');
    face.emit('destroyed', null);
  }

  #lost(error: SailcastError, blameless = false): void {
    // A worker that was only made ready fails again, and is heard, when it is needed.
    if (!this.#face.loaded) return;
    if (error.details === 'workerCrashed' && this.#mayRestart(blameless)) this.#restart();
    else this.#face.failHere(error);
  }

  #mayRestart(blameless: boolean): boolean {
    if (blameless) return true;
    const last = this.#crashedAt;
    this.#crashedAt = performance.now();
    return this.#crashedAt - last > CRASHES_APART;
  }

  /** The worker crashed: another one goes on, where the stream is now. The last picture stays. */
  #restart(): void {
    const face = this.#face;
    const { load } = face;
    this.#restarting ||= face.figures.stats.framesRendered > 0 || face.state === 'playing';
    const last = face.crashed();
    face.sound.rest();
    if (last) face.emit('qos', last);
    if (face.load !== load) return;
    // A paused one needs none before it plays again.
    if (face.paused) return;
    if (this.#restarting) face.waiting();
    if (face.load === load) face.emit('reconnecting', { attempt: 1, delay: 0, reason: 'crash' });
    if (face.load === load && !face.paused) this.#reopen();
  }

  /** Plays the present load in another worker. */
  #reopen(): void {
    this.#link.ensure(true);
    this.#link.load(this.#face.load, this.#given, undefined, 'crash');
    for (const [kind, number] of this.#face.tracks.asked)
      this.#link.send({ type: 'selectTrack', kind, number });
    this.#link.send({ type: 'play' });
    if (this.#face.audible) this.#face.startSound();
  }

  #receive(message: FromLoad): void {
    if (message.load !== this.#face.load) return;
    if (message.type === 'event') this.#handle(message.event);
    else this.#face.take(message.stats, message.quality);
  }

  #handle(event: WorkerEvent): void {
    const face = this.#face;
    face.figures.note(event);
    face.tracks.note(event);
    switch (event.name) {
      case 'statechange':
        // These come with their own event, so that no listener sees the one without the other.
        if (event.state === 'failed' || event.state === 'ended') return;
        // To the viewer a restart is a stall.
        if (event.state !== 'connecting' || !this.#restarting) face.setState(event.state);
        return;
      case 'firstframe':
        this.#view.pictureShown();
        face.sound.pictureShown();
        face.pending.resolve('started');
        if (!this.#restarting) face.emit('firstframe', face.figures.firstFrame(event));
        return;
      case 'playing':
        this.#playing();
        return;
      case 'waiting':
        face.waiting();
        return;
      case 'ended':
        face.ended();
        return;
      case 'resolve':
        this.#link.resolve(face.load, event);
        return;
      case 'degraded':
      case 'recovered':
        face.emit(event.name, null);
        return;
      case 'error': {
        const error = new SailcastError({ ...event, type: event.kind as ErrorType });
        if (error.fatal) face.fail(error);
        else face.emit('error', error);
        return;
      }
      case 'audiotrack':
      case 'trackselected':
        if (face.audioRate > 0) face.startSound();
        break;
      case 'videotrack':
        this.#view.attach();
        break;
    }
    const { name, ...detail } = event;
    face.emit(name, detail);
  }

  #playing(): void {
    const face = this.#face;
    const { load } = face;
    this.#view.pictureShown();
    // A stream without sound needs no output that was opened ahead of it.
    if (face.audioRate === 0) face.sound.stop();
    else face.sound.open();
    // The engine's own statechange is on its way; whoever waited for this must already see it.
    face.setState('playing');
    if (face.load !== load) return;
    face.pending.resolve('started');
    face.pending.resolve('playing');
    if (this.#restarting) {
      this.#restarting = false;
      face.emit('reconnected', { attempt: 1 });
    }
    if (face.load === load) face.emit('playing', null);
  }
}

/** For promises whose outcome the events tell. */
function quiet(promise: Promise<void>): void {
  promise.catch(() => {});
}
