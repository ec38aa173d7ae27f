/**
 * The player as a page sees it: names and promises of a media element in front of the worker.
 *
 * It owns the view, the sound output and at most one worker, and passes intentions one way and events the other; what to
 * play when is decided in the engine. Its one invariant: what belongs to an earlier load, an earlier worker or a
 * destroyed player changes nothing.
 */
import { type ErrorType, pageError, SailcastError } from './errors.js';
import { AudioOutput } from './internal/audio/output.js';
import { Cmcd } from './internal/cmcd.js';
import { EngineHost } from './internal/engine-host.js';
import { isPageVisible, watchPage } from './internal/life.js';
import { absolute, Lines, reasonOf } from './internal/lines.js';
import { checkFit, checkLatency, checkLines, checkOptions, checkVolume } from './internal/options.js';
import { Pending } from './internal/pending.js';
import { preconnect } from './internal/preconnect.js';
import type { LatencyBounds, ToPage, ToWorker, WorkerEvent } from './internal/protocol.js';
import { blankQuality, Pace, seenFromPage, startUp, videoPlaybackQuality } from './internal/qos.js';
import { exportLog, LogRequests, PageLog, publicUrl } from './internal/session-log.js';
import { blankStats, endToEnd, ranges, type WallClock } from './internal/snapshot.js';
import { bestRenderer, missingFeature } from './internal/support.js';
import { View } from './internal/view.js';
import { takePreload } from './preload.js';
import type {
  Background,
  BufferedRanges,
  Fit,
  Latency,
  PlaybackQuality,
  PlayerEventMap,
  PlayerEventTarget,
  PlayerOptions,
  PlayerSnapshot,
  PlayerState,
  PlayerStats,
  QosCause,
} from './types.js';

/** A sound card that plays silence costs power: after so long a pause it is let go, ms. */
const REST_AFTER = 5000;
/** Between two snapshots `currentTime` runs on by the clock, at most this long, seconds. */
const EXTRAPOLATE = 0.5;
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
  readonly #view: View;
  readonly #audio: AudioOutput;
  readonly #pending = new Pending();
  readonly #base: URL | undefined;
  readonly #cmcd: Cmcd | undefined;
  readonly #log = new PageLog();
  readonly #logRequests = new LogRequests();
  #host: EngineHost | undefined;
  /** The present host was told to load something. */
  #hostLoads = false;
  #crashedAt = Number.NEGATIVE_INFINITY;
  /** Another worker goes on with what the viewer has seen already, and has not begun to play. */
  #restarting = false;
  #unwatch: (() => void) | undefined;
  /** As the worker was told. */
  #visible = true;
  readonly #background: Background;
  readonly #resolveUrl: PlayerOptions['resolveUrl'];
  #given: readonly string[];
  #lines: Lines | undefined;
  #muted: boolean;
  #volume: number;
  #latency: LatencyBounds;
  #paused = true;
  #destroyed = false;
  #state: PlayerState = 'idle';
  #error: SailcastError | null = null;
  /** Number of the present load; messages carry it. */
  #load = 0;
  #loadedAt = 0;
  /** The sound's rate in Hz; 0 while no audio track is known. */
  #audioRate = 0;
  #width = 0;
  #height = 0;
  #stats: PlayerStats;
  #statsAt = 0;
  #quality: PlaybackQuality = blankQuality();
  #pace: Pace | undefined;
  #wallClock: WallClock | undefined;
  #restTimer: ReturnType<typeof setTimeout> | undefined;

  /**
   * Puts one element into the container and, with `autoplay`, begins to load. A `url` without `autoplay` already starts
   * the worker, so that a later `play()` has less to wait for. Throws a `SailcastError` of type `usage` for options that
   * cannot be; what the browser lacks is an error of `load()`.
   */
  constructor(options: PlayerOptions) {
    super();
    const settings = checkOptions(options);
    this.#given = settings.lines;
    this.#resolveUrl = settings.resolveUrl;
    this.#background = settings.background;
    this.#muted = settings.muted;
    this.#volume = settings.volume;
    this.#latency = settings.latency;
    const renderer = settings.renderer === 'canvas' ? 'canvas' : bestRenderer();
    this.#stats = blankStats(renderer, settings.latency.start);
    this.#view = new View(settings.container, renderer, settings.fit, {
      send: message => this.#send(message),
      userPaused: paused => {
        if (paused) this.pause();
        else if (this.#paused) quiet(this.play());
      },
      moved: () => this.#look(),
    });
    this.#base = settings.base;
    this.#cmcd = settings.cmcd && new Cmcd(settings.cmcd);
    this.#audio = new AudioOutput(settings.base, {
      send: (message, transfer) => this.#send(message, transfer),
      blocked: () => {
        this.#setSound(true, this.#volume);
        this.#emit('autoplayblocked', null);
      },
      failed: error => this.#emit('error', error),
    });
    this.#audio.level = this.#level();
    if (this.#given.length === 0) return;
    if (!settings.autoplay) {
      if (missingFeature() === null) this.#ensureHost();
      return;
    }
    // Behind the constructor's caller, who has listeners to add.
    queueMicrotask(() => {
      if (!this.#destroyed && this.#load === 0) quiet(this.load());
    });
  }

  /** The `<video>` or `<canvas>` in the container. A crash of the worker replaces a canvas. Owned by the player. */
  get element(): HTMLVideoElement | HTMLCanvasElement {
    return this.#view.element;
  }

  /** The address given last, to the constructor or to `load()`; of several the preferred one. */
  get url(): string | undefined {
    return this.#given[0];
  }

  get state(): PlayerState {
    return this.#state;
  }

  /** The fatal error that ended this load, or null. */
  get error(): SailcastError | null {
    return this.#error;
  }

  /** False from `load()` or `play()` on, also while connecting or stalled; true after `pause()`, the end, or an error. */
  get paused(): boolean {
    return this.#paused;
  }

  /** The stream ended in good order and was played to its end. */
  get ended(): boolean {
    return this.#state === 'ended';
  }

  /** The playhead on the stream's own timeline, seconds; it need not begin at 0. */
  get currentTime(): number {
    const { currentTime, playbackRate } = this.#stats;
    if (this.#state !== 'playing' || this.#statsAt === 0) return currentTime;
    const since = Math.min((performance.now() - this.#statsAt) / 1000, EXTRAPOLATE);
    return currentTime + since * playbackRate;
  }

  /** What is received and not yet played, as one range or none. */
  get buffered(): BufferedRanges {
    return ranges(this.currentTime, this.#stats.buffered);
  }

  /** How far the playhead is behind the newest received data, seconds, as measured. */
  get latency(): number {
    return this.#stats.latency;
  }

  /** How far it should be at present, seconds, 0.05 to 30. May be set to anything that the option `latency` takes. */
  get targetLatency(): number {
    return this.#stats.targetLatency;
  }

  set targetLatency(latency: Latency) {
    this.#latency = checkLatency(latency);
    const { start, min, max } = this.#latency;
    const { targetLatency } = this.#stats;
    // A range keeps what has been learnt of the network.
    const target = this.#statsAt > 0 ? Math.min(Math.max(targetLatency, min), max) : start;
    this.#stats = { ...this.#stats, targetLatency: target };
    this.#send({ type: 'latency', latency: this.#latency });
  }

  /** The present rate; 1 unless catching up. */
  get playbackRate(): number {
    return this.#stats.playbackRate;
  }

  /** The picture's size in pixels; 0 before the first one. */
  get videoWidth(): number {
    return this.#width;
  }

  get videoHeight(): number {
    return this.#height;
  }

  /** How the picture fills the container. */
  get fit(): Fit {
    return this.#view.fit;
  }

  set fit(fit: Fit) {
    this.#view.fit = checkFit(fit);
  }

  /** Without sound. A player that is muted before its sound began opens no sound output until it is unmuted. */
  get muted(): boolean {
    return this.#muted;
  }

  set muted(muted: boolean) {
    this.#setSound(Boolean(muted), this.#volume);
    if (this.#muted || !this.#audioWanted()) return;
    this.#audio.start(this.#audioRate);
    if (this.#paused) this.#restSoon();
  }

  /** 0 to 1. */
  get volume(): number {
    return this.#volume;
  }

  set volume(volume: number) {
    this.#setSound(this.#muted, checkVolume(volume));
  }

  /** The newest snapshot: at most a quarter of a second old while playing. Counters are totals since `load()`. */
  stats(): PlayerSnapshot {
    return {
      ...this.#stats,
      quality: this.#quality,
      state: this.#state,
      currentTime: this.currentTime,
      audio: this.#audio.state,
      audioPath: this.#audio.path,
      audioLatency: this.#audio.latency,
      endToEndLatency: endToEnd(this.#wallClock, this.currentTime, Date.now()),
    };
  }

  /** As `HTMLVideoElement.getVideoPlaybackQuality()`: pictures of this load, as of the newest snapshot. */
  getVideoPlaybackQuality(): VideoPlaybackQuality {
    return videoPlaybackQuality(this.#stats);
  }

  /**
   * What a bug report needs, as JSON: versions, browser, options, quality, and the last things that happened. Signatures and
   * the like are taken out of addresses.
   */
  async exportLog(): Promise<string> {
    const engine = this.#host
      ? await this.#logRequests.ask(request => this.#send({ type: 'log', request }))
      : null;
    return exportLog(this.#log, engine, this.stats(), {
      url: publicUrl(this.url),
      baseUrl: publicUrl(this.#base?.href),
      muted: this.#muted,
      volume: this.#volume,
      latency: this.#latency,
      fit: this.fit,
    });
  }

  /**
   * Opens `url` (default: what was given last) in place of the present stream and plays it; of several addresses of the same
   * stream the first, and the others when that fails. Resolves with the first picture or the first sound, whichever the
   * stream has sooner. May be called again at any time, also after an error.
   */
  load(url: string | readonly string[] = this.#given): Promise<void> {
    if (this.#destroyed)
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
    this.#pending.abort('Another load() came in between.');
    const last = this.#lastQuality('replaced');
    const load = ++this.#load;
    this.#given = given;
    this.#error = null;
    this.#loadedAt = performance.now();
    this.#restarting = false;
    this.#audioRate = 0;
    this.#width = 0;
    this.#height = 0;
    this.#statsAt = 0;
    this.#wallClock = undefined;
    this.#stats = blankStats(this.#view.renderer, this.#latency.start);
    this.#quality = blankQuality();
    this.#pace = new Pace();
    const started = this.#pending.add('started');
    const missing = missingFeature();
    if (missing === null) {
      const lines = given.map(absolute);
      const ready = takePreload(lines[0] ?? '', this.#base);
      if (ready) this.#swapHost(ready.host);
      else this.#ensureHost();
      this.#open(load, lines, ready?.address);
      this.#send({ type: 'play' });
      this.#view.resume();
      if (!this.#muted) this.#audio.start(0);
    }
    // A listener may load something else, or destroy the player.
    if (last) this.#emit('qos', last);
    if (this.#load === load) this.#emit('loadstart', { url: preferred });
    if (this.#load === load) this.#setState('connecting');
    if (this.#load === load) this.#setPaused(false);
    if (missing !== null && this.#load === load) {
      this.#failHere(pageError('webCodecsMissing', `This page has no ${missing}.`));
    }
    return started;
  }

  /** Plays: loads if nothing is loaded, or goes on near the live edge after a pause. Resolves when it plays. */
  play(): Promise<void> {
    if (this.#destroyed)
      return Promise.reject(pageError('destroyed', 'The player was destroyed before play().'));
    if (!this.#loaded()) {
      const load = this.load();
      if (!this.#loaded()) return load;
      quiet(load);
      return this.#pending.add('playing');
    }
    this.#view.resume();
    if (this.#paused) {
      if (this.#host) this.#send({ type: 'play' });
      else this.#reopen();
      if (!this.#muted && this.#audioWanted()) this.#audio.start(this.#audioRate);
      this.#setPaused(false);
    } else if (this.#state === 'playing') return Promise.resolve();
    return this.#pending.add('playing');
  }

  /** Stops playing; pending promises of `play()` reject with an `AbortError`. */
  pause(): void {
    if (this.#paused || !this.#loaded()) return;
    this.#send({ type: 'pause' });
    this.#pending.abort('pause() came in between.', 'playing');
    this.#setPaused(true);
  }

  /** Ends everything and removes the element. Nothing but `destroyed` is heard of the player afterwards. Idempotent. */
  destroy(): void {
    if (this.#destroyed) return;
    const last = this.#lastQuality('destroyed');
    if (last) this.#emit('qos', last);
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#load++;
    this.#paused = true;
    this.#state = 'idle';
    clearTimeout(this.#restTimer);
    this.#unwatch?.();
    this.#audio.stop();
    this.#host?.close();
    this.#host = undefined;
    this.#view.destroy();
    this.#pending.abort('The player was destroyed.');
    this.dispatchEvent(new CustomEvent('destroyed', { detail: null }));
  }

  /** Sends the load to the worker, as soon as its first address is known; `asked`: it was asked for already. */
  #open(load: number, given: readonly string[], asked?: string, reason: 'load' | 'crash' = 'load'): void {
    const lines = new Lines(given, {
      resolveUrl: this.#resolveUrl,
      mark: this.#cmcd && ((url, again) => this.#mark(url, again)),
    });
    this.#lines = lines;
    const send = (addresses: readonly string[]) => {
      // Another worker may have asked anew for the same load.
      if (this.#load !== load || this.#lines !== lines) return;
      preconnect(addresses[0] ?? '');
      this.#send({ type: 'load', load, lines: addresses, resolve: lines.resolve });
      this.#hostLoads = true;
    };
    const fail = (error: SailcastError) => {
      if (this.#load === load && this.#lines === lines) this.#failHere(error);
    };
    const addresses = asked === undefined ? lines.first(reason) : lines.adopt(asked);
    if (!(addresses instanceof Promise)) {
      send(addresses);
      return;
    }
    // The stream before ends now, not when the address of the next one is known.
    if (this.#hostLoads) this.#swapHost(new EngineHost(this.#base, () => {}));
    addresses.then(send, fail);
  }

  #mark(url: string, again: boolean): string {
    if (!this.#cmcd) return url;
    if (!again) return this.#cmcd.sign(url, { startup: true, buffered: 0 });
    const startup = this.#state === 'connecting' || this.#state === 'waiting';
    return this.#cmcd.sign(url, { startup, quality: this.#quality, buffered: this.#stats.buffered });
  }

  /** The engine wants to try again, and needs an address. */
  #resolve(load: number, event: Extract<WorkerEvent, { name: 'resolve' }>): void {
    const { request, url, attempt, reason } = event;
    const host = this.#host;
    this.#lines?.again({ url, attempt, reason }).then(
      url => host?.send({ type: 'resolved', load, request, url }),
      error => host?.send({ type: 'unresolved', load, request, why: reasonOf(error) }),
    );
  }

  #loaded(): boolean {
    return this.#state !== 'idle' && this.#state !== 'ended' && this.#state !== 'failed';
  }

  /** Whether there is sound to hear, or there may be. */
  #audioWanted(): boolean {
    return this.#loaded() && (this.#audioRate > 0 || this.#state === 'connecting');
  }

  #level(): number {
    return this.#muted ? 0 : this.#volume;
  }

  /** Goes on with a worker that has begun to load already. */
  #swapHost(host: EngineHost): void {
    this.#audio.rest();
    const before = this.#host;
    before?.close();
    this.#use(host, before !== undefined);
  }

  #ensureHost(follows = false): void {
    if (!this.#host) this.#use(new EngineHost(this.#base, () => {}), follows);
  }

  #mayRestart(blameless: boolean): boolean {
    if (blameless) return true;
    const last = this.#crashedAt;
    this.#crashedAt = performance.now();
    return this.#crashedAt - last > CRASHES_APART;
  }

  /** The worker crashed: another one goes on, where the stream is now. The last picture stays, and what was counted begins anew. */
  #restart(): void {
    const load = this.#load;
    const last = this.#lastQuality('crashed');
    this.#pace = new Pace();
    this.#restarting ||= this.#stats.framesRendered > 0 || this.#state === 'playing';
    this.#audio.rest();
    if (last) this.#emit('qos', last);
    if (this.#load !== load) return;
    // A paused one needs none before it plays again.
    if (this.#paused) return;
    if (this.#restarting) this.#handle({ name: 'waiting' });
    if (this.#load === load) this.#emit('reconnecting', { attempt: 1, delay: 0, reason: 'crash' });
    if (this.#load === load && !this.#paused) this.#reopen();
  }

  /** Plays the present load in another worker. */
  #reopen(): void {
    this.#ensureHost(true);
    this.#open(this.#load, this.#given.map(absolute), undefined, 'crash');
    this.#send({ type: 'play' });
    if (!this.#muted && this.#audioWanted()) this.#audio.start(this.#audioRate);
  }

  #use(host: EngineHost, follows: boolean): void {
    host.begin(
      { sink: this.#view.sink(follows), latency: this.#latency, background: this.#background },
      message => {
        if (this.#host === host) this.#receive(message);
      },
      (error, blameless) => {
        if (this.#host !== host) return;
        this.#host = undefined;
        // A worker that was only made ready fails again, and is heard, when it is needed.
        if (!this.#loaded()) return;
        if (error.details === 'workerCrashed' && this.#mayRestart(blameless)) this.#restart();
        else this.#failHere(error);
      },
    );
    this.#host = host;
    this.#hostLoads = false;
    this.#view.refresh();
    this.#unwatch ??= watchPage({
      visible: () => this.#look(),
      online: online => this.#send({ type: 'online', online }),
      networkChanged: () => this.#send({ type: 'networkChanged' }),
      suspend: () => this.#send({ type: 'suspend' }),
      putAway: () => {
        this.#send({ type: 'suspend' });
        this.#view.putAway();
      },
      wake: () => this.#wake(),
    });
    this.#visible = true;
    this.#look();
    if (!navigator.onLine) this.#send({ type: 'online', online: false });
  }

  #wake(): void {
    const sink = this.#view.bringBack();
    if (sink && this.#host) {
      this.#host.replaceSink(sink);
      this.#view.refresh();
    }
    this.#send({ type: 'wake' });
  }

  /** Tells the worker whether its picture can be seen, if that is new. */
  #look(): void {
    const visible = isPageVisible() || this.#view.apart;
    if (visible !== this.#visible) this.#send({ type: 'visible', visible });
    this.#visible = visible;
  }

  #send(message: ToWorker, transfer?: Transferable[]): void {
    this.#host?.send(message, transfer);
  }

  #receive(message: ToPage): void {
    if (message.type === 'event' && message.load === this.#load) this.#handle(message.event);
    if (message.type === 'stats' && message.load === this.#load) {
      this.#stats = message.stats;
      this.#statsAt = performance.now();
      this.#quality = seenFromPage(message.quality, performance.timeOrigin + this.#loadedAt);
      this.#audio.poll();
      this.#emit('stats', this.stats());
      if (message.load === this.#load) this.#tellQos(this.#pace?.due(message.stats.state, this.#quality));
    }
    if (message.type === 'log') this.#logRequests.answer(message.request, message.log);
  }

  #handle(event: WorkerEvent): void {
    switch (event.name) {
      case 'statechange':
        // These come with their own event, so that no listener sees the one without the other.
        if (event.state === 'failed' || event.state === 'ended') break;
        // To the viewer a restart is a stall.
        if (event.state !== 'connecting' || !this.#restarting) this.#setState(event.state);
        break;
      case 'audiotrack': {
        this.#audioRate = event.sampleRate;
        if (!this.#muted) this.#audio.start(event.sampleRate);
        const { codec, sampleRate, channels } = event;
        this.#emit('audiotrack', { codec, sampleRate, channels });
        break;
      }
      case 'videotrack':
        this.#view.attach();
        this.#emit('videotrack', { codec: event.codec, width: event.width, height: event.height });
        break;
      case 'firstframe':
        this.#view.pictureShown();
        this.#audio.pictureShown();
        this.#pending.resolve('started');
        if (this.#restarting) break;
        this.#emit('firstframe', {
          elapsed: (performance.now() - this.#loadedAt) / 1000,
          startUp: startUp(event.startUp, event.loadedAt, performance.timeOrigin + this.#loadedAt),
        });
        break;
      case 'playing': {
        const load = this.#load;
        this.#view.pictureShown();
        // A stream without sound needs no output that was opened ahead of it.
        if (this.#audioRate === 0) this.#audio.stop();
        else this.#audio.open();
        // The engine's own statechange is on its way; whoever waited for this must already see it.
        this.#setState('playing');
        if (this.#load !== load) break;
        this.#pending.resolve('started');
        this.#pending.resolve('playing');
        if (this.#restarting) {
          this.#restarting = false;
          this.#emit('reconnected', { attempt: 1 });
        }
        if (this.#load === load) this.#emit('playing', null);
        break;
      }
      case 'waiting': {
        const load = this.#load;
        this.#setState('waiting');
        if (this.#load === load) this.#emit('waiting', null);
        break;
      }
      case 'resize':
        this.#width = event.width;
        this.#height = event.height;
        this.#emit('resize', { width: event.width, height: event.height });
        break;
      case 'ended':
        this.#finish('ended', 'The stream ended.', () => this.#emit('ended', null));
        break;
      case 'metadata': {
        const { time, message, values } = event;
        this.#wallClock = wallClockOf(event) ?? this.#wallClock;
        this.#emit('metadata', { time, message, values });
        break;
      }
      case 'skip':
        this.#emit('skip', { from: event.from, to: event.to });
        break;
      case 'discontinuity':
        this.#emit('discontinuity', { kind: event.kind, delta: event.delta });
        break;
      case 'ratechange':
        this.#emit('ratechange', { rate: event.rate });
        break;
      case 'targetchange':
        this.#stats = { ...this.#stats, targetLatency: event.target };
        this.#emit('targetchange', { target: event.target });
        break;
      case 'resolve':
        this.#resolve(this.#load, event);
        break;
      case 'reconnecting': {
        const { attempt, delay, reason } = event;
        this.#emit('reconnecting', { attempt, delay, reason });
        break;
      }
      case 'reconnected':
        this.#emit('reconnected', { attempt: event.attempt });
        break;
      case 'degraded':
      case 'recovered':
        this.#emit(event.name, null);
        break;
      case 'error': {
        const error = new SailcastError({ ...event, type: event.kind as ErrorType });
        if (error.fatal) this.#fail(error);
        else this.#emit('error', error);
      }
    }
  }

  #tellQos(cause: QosCause | null | undefined): void {
    if (cause) this.#emit('qos', { cause, stats: this.stats() });
  }

  /** The last word on the present load, if it has not been said. */
  #lastQuality(because: QosCause): PlayerEventMap['qos']['detail'] | null {
    const over = this.#state === 'ended' || this.#state === 'failed';
    const cause = this.#pace?.close(over ? (this.#state as 'ended' | 'failed') : because);
    return cause ? { cause, stats: this.stats() } : null;
  }

  /** The page's own failure: no snapshot comes after it. */
  #failHere(error: SailcastError): void {
    const pace = this.#pace;
    this.#fail(error);
    if (this.#pace === pace) this.#tellQos(pace?.close('failed'));
  }

  #fail(error: SailcastError): void {
    this.#error = error;
    this.#pending.reject(error);
    this.#finish('failed', 'The load failed.', () => this.#emit('error', error));
  }

  /**
   * The load is over. All of it is settled before a listener hears of it, and `tell`, the event that says why, comes first:
   * any listener may load again, and what is left to say of this load is then no longer true.
   */
  #finish(state: 'ended' | 'failed', why: string, tell: () => void): void {
    const load = this.#load;
    const previous = this.#enter(state);
    const wasPaused = this.#paused;
    this.#paused = true;
    clearTimeout(this.#restTimer);
    this.#audio.rest();
    this.#pending.abort(why);
    tell();
    if (this.#load === load && state !== previous) this.#emit('statechange', { state, previous });
    if (this.#load === load && !wasPaused) this.#emit('pause', null);
  }

  #setState(state: PlayerState): void {
    const previous = this.#enter(state);
    if (state !== previous) this.#emit('statechange', { state, previous });
  }

  /** Says the previous state, and nothing to listeners. */
  #enter(state: PlayerState): PlayerState {
    const previous = this.#state;
    // Keep `currentTime` from running on past the moment at which the clock stopped.
    if (previous === 'playing' && state !== previous && this.#statsAt > 0) {
      this.#stats = { ...this.#stats, currentTime: this.currentTime };
      this.#statsAt = performance.now();
    }
    this.#state = state;
    return previous;
  }

  #setPaused(paused: boolean): void {
    if (this.#paused === paused) return;
    this.#paused = paused;
    clearTimeout(this.#restTimer);
    if (paused) this.#restSoon();
    this.#emit(paused ? 'pause' : 'play', null);
  }

  /** The sound card is let go after a while. */
  #restSoon(): void {
    clearTimeout(this.#restTimer);
    this.#restTimer = setTimeout(() => this.#audio.rest(), REST_AFTER);
  }

  #setSound(muted: boolean, volume: number): void {
    if (muted === this.#muted && volume === this.#volume) return;
    this.#muted = muted;
    this.#volume = volume;
    this.#audio.level = this.#level();
    // What is not heard yet need not be opened; what runs goes on in silence, for the picture keeps its time.
    if (muted && !this.#audio.path) this.#audio.rest();
    this.#emit('volumechange', { muted, volume });
  }

  #emit<K extends keyof PlayerEventMap>(type: K, detail: PlayerEventMap[K]['detail']): void {
    this.#log.note(type, detail);
    if (!this.#destroyed) this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/** For promises whose outcome the events tell. */
function quiet(promise: Promise<void>): void {
  promise.catch(() => {});
}

function wallClockOf(event: { time: number; message: string; values: unknown[] }): WallClock | undefined {
  if (event.message !== 'onWallClock') return undefined;
  const wallclock = (event.values[0] as { wallclock?: unknown } | null | undefined)?.wallclock;
  return typeof wallclock === 'number' ? { time: event.time, wallclock } : undefined;
}
