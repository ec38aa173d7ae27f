/**
 * What a player is to its page, the picture aside: its state, its figures, its sound, the events that tell of them, and the
 * promises that wait for them.
 *
 * Its one invariant: a change is complete before anybody hears of it, and nothing is said of a load that is over. Any
 * listener may load something else or destroy the player, so whoever says two things looks at `load` in between.
 */
import type { SailcastError } from '../errors.js';
import type {
  PlayerEventMap,
  PlayerSnapshot,
  PlayerState,
  PlayerStats,
  QosCause,
  StreamType,
} from '../types.js';
import { AudioOutput } from './audio/output.js';
import { type Figures, Pace } from './figures.js';
import type { Settings } from './options.js';
import type { ToWorker, WorkerQuality } from './protocol.js';
import { PageLog } from './session-log.js';
import { Tracks } from './tracks.js';

/** A sound card that plays silence costs power: after so long a pause it is let go, ms. */
const REST_AFTER = 5000;

export class Face {
  readonly log = new PageLog();
  readonly pending = new Pending();
  readonly sound: AudioOutput;
  tracks = new Tracks();
  muted: boolean;
  volume: number;
  figures: Figures;
  state: PlayerState = 'idle';
  /** The fatal error that ended this load. */
  error: SailcastError | null = null;
  paused = true;
  destroyed = false;
  /** Number of the present load; messages carry it. */
  load = 0;
  readonly #target: EventTarget;
  /** None before the first load. */
  #pace: Pace | undefined;
  /** As was told last. */
  #told: { rate: number; duration: number; streamType: StreamType } = {
    rate: 1,
    duration: Number.NaN,
    streamType: 'unknown',
  };
  #restTimer: ReturnType<typeof setTimeout> | undefined;

  /** `target` dispatches the events. */
  constructor(
    target: EventTarget,
    { base, muted, volume }: Settings,
    figures: Figures,
    send: (message: ToWorker, transfer?: Transferable[]) => void,
  ) {
    this.#target = target;
    this.muted = muted;
    this.volume = volume;
    this.figures = figures;
    this.sound = new AudioOutput(base, {
      send,
      blocked: () => {
        this.setSound(true, this.volume);
        this.emit('autoplayblocked', null);
      },
      failed: error => this.emit('error', error),
    });
    this.#setLevel();
  }

  get loaded(): boolean {
    return this.state !== 'idle' && this.state !== 'ended' && this.state !== 'failed';
  }

  get currentTime(): number {
    return this.figures.currentTime(this.state === 'playing');
  }

  /** The sound's rate in Hz; 0 while no audio track is known to play. */
  get audioRate(): number {
    return this.tracks.audioRate;
  }

  snapshot(): PlayerSnapshot {
    const { currentTime, figures, sound } = this;
    return {
      ...figures.stats,
      quality: figures.quality,
      state: this.state,
      currentTime,
      audio: sound.state,
      audioPath: sound.path,
      audioLatency: sound.latency,
      endToEndLatency: figures.endToEnd(currentTime),
    };
  }

  /** Another load takes the place of the present one. Gives its number, and says nothing. */
  begin(figures: Figures): number {
    this.error = null;
    this.tracks = new Tracks();
    this.figures = figures;
    this.#pace = new Pace();
    this.#told = { rate: this.#told.rate, duration: Number.NaN, streamType: 'unknown' };
    return ++this.load;
  }

  emit<K extends keyof PlayerEventMap>(type: K, detail: PlayerEventMap[K]['detail']): void {
    this.log.note(type, detail);
    if (!this.destroyed || type === 'destroyed')
      this.#target.dispatchEvent(new CustomEvent(type, { detail }));
  }

  setState(state: PlayerState): void {
    const previous = this.#enter(state);
    if (state !== previous) this.emit('statechange', { state, previous });
  }

  setPaused(paused: boolean): void {
    if (this.paused === paused) return;
    this.paused = paused;
    clearTimeout(this.#restTimer);
    if (paused) this.#restSoon();
    this.emit(paused ? 'pause' : 'play', null);
  }

  setSound(muted: boolean, volume: number): void {
    if (muted === this.muted && volume === this.volume) return;
    this.muted = muted;
    this.volume = volume;
    this.#setLevel();
    // What is not heard yet need not be opened; what runs goes on in silence, for the picture keeps its time.
    if (muted && !this.sound.path) this.sound.rest();
    this.emit('volumechange', { muted, volume });
  }

  /** The page wants sound, or not. */
  mute(muted: boolean): void {
    this.setSound(muted, this.volume);
    if (this.muted || !this.audible) return;
    this.startSound();
    if (this.paused) this.#restSoon();
  }

  /** There is sound to hear, or there may be. */
  get audible(): boolean {
    return this.loaded && (this.audioRate > 0 || this.state === 'connecting');
  }

  startSound(): void {
    if (!this.muted) this.sound.start(this.audioRate);
  }

  waiting(): void {
    const { load } = this;
    this.setState('waiting');
    if (this.load === load) this.emit('waiting', null);
  }

  ended(): void {
    this.#finish('ended', 'The stream ended.', () => this.emit('ended', null));
  }

  fail(error: SailcastError): void {
    this.error = error;
    // A seek comes to nothing.
    this.figures.place.target = undefined;
    this.pending.reject(error);
    this.#finish('failed', 'The load failed.', () => this.emit('error', error));
  }

  /** The page's own failure: no snapshot comes after it. */
  failHere(error: SailcastError): void {
    const pace = this.#pace;
    this.fail(error);
    if (this.#pace === pace) this.#tellQos(pace?.close('failed'));
  }

  /** `live` or `duration` may be another. */
  tellPlace(): void {
    const { load } = this;
    const { streamType, duration } = this.figures.place;
    const told = this.#told;
    this.#told = { ...told, streamType, duration };
    if (streamType !== told.streamType) this.emit('streamtypechange', { streamType });
    if (this.load === load && !Object.is(duration, told.duration)) this.emit('durationchange', { duration });
  }

  tellRate(rate: number): void {
    if (rate === this.#told.rate) return;
    this.#told.rate = rate;
    this.emit('ratechange', { rate });
  }

  seeked(at: number): void {
    const { load } = this;
    this.emit('seeked', { at });
    if (this.load === load) this.emit('timeupdate', { currentTime: this.currentTime });
  }

  /** The session is lost that was on its way to another place: the next one begins there. */
  endSeek(): void {
    const { target } = this.figures.place;
    if (target === undefined) return;
    this.figures.note({ name: 'seeked', at: target });
    this.seeked(target);
  }

  /** A new snapshot of the engine's. */
  take(stats: PlayerStats, quality: WorkerQuality): void {
    const { load, figures } = this;
    figures.take(stats, quality);
    this.sound.poll();
    this.emit('stats', this.snapshot());
    if (this.load === load) this.emit('timeupdate', { currentTime: this.currentTime });
    if (this.load === load) this.#tellQos(this.#pace?.due(stats.state, figures.quality));
  }

  /** The last word on the present load, to be emitted, if it has not been said. */
  lastQuality(because: QosCause): PlayerEventMap['qos']['detail'] | null {
    const over = this.state === 'ended' || this.state === 'failed';
    const cause = this.#pace?.close(over ? (this.state as 'ended' | 'failed') : because);
    return cause ? { cause, stats: this.snapshot() } : null;
  }

  /** The same of a worker that crashed: what is counted begins anew. */
  crashed(): PlayerEventMap['qos']['detail'] | null {
    const last = this.lastQuality('crashed');
    this.#pace = new Pace();
    return last;
  }

  /** Nothing but `destroyed` is said from now on. */
  end(): void {
    this.destroyed = true;
    this.load++;
    this.paused = true;
    this.state = 'idle';
    clearTimeout(this.#restTimer);
    this.sound.stop();
  }

  #setLevel(): void {
    this.sound.level = this.muted ? 0 : this.volume;
  }

  /** The sound card is let go after a while. */
  #restSoon(): void {
    clearTimeout(this.#restTimer);
    this.#restTimer = setTimeout(() => this.sound.rest(), REST_AFTER);
  }

  #tellQos(cause: QosCause | null | undefined): void {
    if (cause) this.emit('qos', { cause, stats: this.snapshot() });
  }

  /**
   * The load is over. All of it is settled before a listener hears of it, and `tell`, the event that says why, comes first:
   * any listener may load again, and what is left to say of this load is then no longer true.
   */
  #finish(state: 'ended' | 'failed', why: string, tell: () => void): void {
    const { load, paused } = this;
    const previous = this.#enter(state);
    this.paused = true;
    clearTimeout(this.#restTimer);
    this.sound.rest();
    this.pending.abort(why);
    tell();
    if (this.load === load && state !== previous) this.emit('statechange', { state, previous });
    if (this.load === load && !paused) this.emit('pause', null);
  }

  /** Gives the previous state, and says nothing. */
  #enter(state: PlayerState): PlayerState {
    const previous = this.state;
    // Keep `currentTime` from running on past the moment at which the clock stopped.
    if (previous === 'playing' && state !== previous) this.figures.halt();
    this.state = state;
    return previous;
  }
}

/** What a promise waits for: the first picture or sound of the load, or that it plays. */
export type Milestone = 'started' | 'playing';

interface Waiter {
  milestone: Milestone;
  resolve(): void;
  reject(reason: unknown): void;
}

/** Promises of `load()` and `play()` that are not settled yet. */
export class Pending {
  #waiters: Waiter[] = [];

  add(milestone: Milestone): Promise<void> {
    return new Promise((resolve, reject) => this.#waiters.push({ milestone, resolve, reject }));
  }

  resolve(milestone: Milestone): void {
    for (const waiter of this.#remove(milestone)) waiter.resolve();
  }

  reject(reason: unknown, milestone?: Milestone): void {
    for (const waiter of this.#remove(milestone)) waiter.reject(reason);
  }

  /** Rejects as media elements do when something else was asked for meanwhile. */
  abort(why: string, milestone?: Milestone): void {
    if (this.#waiters.length > 0) this.reject(new DOMException(why, 'AbortError'), milestone);
  }

  #remove(milestone?: Milestone): Waiter[] {
    const all = this.#waiters;
    const matches = (waiter: Waiter) => milestone === undefined || waiter.milestone === milestone;
    this.#waiters = all.filter(waiter => !matches(waiter));
    return all.filter(matches);
  }
}
