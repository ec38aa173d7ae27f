/**
 * The publisher as a page sees it: sources, a preview, and the promises and events of going live, in front of the worker.
 *
 * It opens what is captured (internal/sources.ts), keeps the configuration, and tells the engine of both; what is encoded, sent
 * and dropped when, and over which line, is the engine's decision. Its one invariant: what belongs to an earlier start, an
 * earlier worker or a destroyed publisher changes nothing.
 */
import { type ErrorType, SailcastError } from '../errors.js';
import { Recording } from '../internal/extras/recording.js';
import { type ConfigLayer, type PublishConfig, toSettings } from './config.js';
import { listDevices } from './internal/capture/devices.js';
import { ConfigKeeper } from './internal/config-keeper.js';
import { ConfigSource } from './internal/config-source.js';
import { environmentOf, type Platform } from './internal/environment.js';
import { aborted, publisherError } from './internal/errors.js';
import { Figures } from './internal/figures.js';
import { guard } from './internal/guard.js';
import { Link } from './internal/link.js';
import { knownLine, rememberLine } from './internal/memory.js';
import {
  checkAudio,
  checkConfig,
  checkLines,
  checkMirror,
  checkOptions,
  checkVideo,
} from './internal/options.js';
import { Preview } from './internal/preview.js';
import type { PublishWorkerEvent } from './internal/protocol.js';
import { Sources } from './internal/sources.js';
import { missingFeature, probe } from './internal/support.js';
import { type Waiter, waiter } from './internal/waiter.js';
import type {
  Device,
  GivenAudioSource,
  GivenVideoSource,
  PublisherEventMap,
  PublisherEventTarget,
  PublisherOptions,
  PublisherState,
  PublisherStats,
  PublishProbe,
} from './types.js';

/** So long the first configuration is waited for before a camera is asked for the default size, ms. */
const CONFIG_WITHIN = 1000;

/** A type for `extends`: `EventTarget` itself, knowing our events. */
const Target = EventTarget as new () => PublisherEventTarget;

type Detail<K extends keyof PublisherEventMap> = PublisherEventMap[K]['detail'];

/**
 * Publishes camera and microphone, or what stands for them, as FLV over WebSocket.
 *
 * Times are seconds, rates bit/s. Methods that return a promise reject with a `SailcastError`, or with a `DOMException` named
 * `AbortError` when another call or `destroy()` came in between.
 */
export class Publisher extends Target {
  readonly #link: Link;
  readonly #sources: Sources;
  readonly #preview: Preview;
  readonly #keeper: ConfigKeeper;
  readonly #remote: ConfigSource | undefined;
  #lines: readonly string[];
  #wanted: { video: GivenVideoSource; audio: GivenAudioSource };
  #muted: boolean;
  #state: PublisherState = 'idle';
  #error: SailcastError | null = null;
  #figures = new Figures();
  #prepared: Promise<void> | undefined;
  #ready = false;
  #unguard: (() => void) | undefined;
  /** Counts calls of `start()` and `stop()`. */
  #turn = 0;
  #starting: Waiter | undefined;
  #stopping: Waiter | undefined;
  #recording: Recording | undefined;
  /** What answers `record: false`. */
  #flushed: Waiter | undefined;
  #destroyed = false;

  /** Whether a `Publisher` can work in this browser. False on a server. */
  static isSupported(): boolean {
    return missingFeature() === null;
  }

  /** What this browser can publish, and with which encoders. */
  static probe(): Promise<PublishProbe> {
    return probe();
  }

  /** Opens nothing yet. Throws a `SailcastError` of type `usage` for options that cannot be. */
  constructor(options: PublisherOptions = {}) {
    super();
    const settings = checkOptions(options);
    this.#lines = settings.lines;
    this.#muted = settings.muted;
    this.#wanted = { video: settings.video, audio: settings.audio };
    this.#preview = new Preview(settings.mirror);
    this.#keeper = new ConfigKeeper(settings.limits, environmentOf(navigator as Platform), settings.config, {
      changed: (config, fields) => this.#onConfig(config, fields),
      warning: warning => this.#emit('configwarning', warning),
    });
    this.#link = new Link(settings.base, {
      receive: message => {
        if (message.type === 'event') this.#handle(message.event);
        else if (message.type === 'recorded') this.#recording?.add(message.data as Uint8Array<ArrayBuffer>);
        else if (message.type === 'recordingEnded') this.#flushed?.resolve();
        else {
          this.#figures.take(message.stats);
          this.#emit('stats', this.stats());
        }
      },
      begin: () => {
        this.#link.send({ type: 'settings', settings: toSettings(this.#keeper.config) });
        this.#sources.give();
        if (this.#recording && !this.#recording.over) this.#link.send({ type: 'record', recording: true });
      },
      failed: (error, again) => this.#onLost(error, again),
    });
    this.#sources = new Sources(settings, this.#keeper.config.video, {
      send: (message, transfer) => this.#link.send(message, transfer),
      preview: opened => this.#preview.show(opened),
      error: error => this.#emit('error', error),
      audioSuspended: suspended => {
        if (suspended) this.#emit('degraded', { what: 'audioSuspended', message: SUSPENDED });
      },
    });
    this.#sources.level = settings.muted ? 0 : 1;
    this.preview = options.preview ?? null;
    if (settings.configUrl !== undefined) {
      this.#remote = new ConfigSource(settings.configUrl, settings.configInterval, {
        document: document => {
          this.#keeper.document = document;
        },
        error: error => this.#emit('error', error),
      });
    }
    void this.#remote?.refresh();
  }

  get state(): PublisherState {
    return this.#state;
  }

  /** The fatal error that ended the last start, or null. */
  get error(): SailcastError | null {
    return this.#error;
  }

  /** The sources are open. */
  get ready(): boolean {
    return this.#ready;
  }

  /** The addresses given last, absolute. */
  get urls(): readonly string[] {
    return this.#lines;
  }

  /** The `<video>` that shows the source of pictures, or null. May be set to what the option takes. */
  get preview(): HTMLVideoElement | null {
    return this.#preview.element;
  }

  set preview(target: Element | string | null) {
    this.#preview.attach(target);
  }

  /** As the option. */
  get mirror(): 'auto' | boolean {
    return this.#preview.mirror;
  }

  set mirror(mirror: 'auto' | boolean) {
    this.#preview.mirror = checkMirror(mirror);
  }

  /** Silence is published in place of all sound. The microphone stays open. */
  get muted(): boolean {
    return this.#muted;
  }

  set muted(muted: boolean) {
    this.#muted = Boolean(muted);
    this.#sources.level = this.#muted ? 0 : 1;
  }

  /** The configuration that holds: the defaults, the document's layers and the app's own, merged. A copy. */
  get config(): PublishConfig {
    return this.#keeper.config;
  }

  /** The newest figures: at most a quarter of a second old while it publishes. */
  stats(): PublisherStats {
    return this.#figures.snapshot({
      state: this.#state,
      videoSource: this.#sources.video?.video ? this.#sources.video.label : null,
      audioSource:
        this.#sources.audio?.label ?? (this.#sources.video?.sound ? this.#sources.video.label : null),
      audioContext: this.#sources.context,
    });
  }

  /** The cameras and microphones that there are. */
  devices(): Promise<Device[]> {
    return listDevices();
  }

  /**
   * Opens the sources, which may ask the user, shows the preview and makes the worker ready. `start()` does it too. Resolves when
   * they are open.
   */
  prepare(): Promise<void> {
    if (this.#destroyed) return Promise.reject(destroyedBefore('prepare()'));
    this.#prepared ??= this.#prepare().catch(error => {
      this.#prepared = undefined;
      throw error;
    });
    return this.#prepared;
  }

  /**
   * Publishes to `url` (default: what was given last); of several lines to the best one. Resolves when a server takes it. While it
   * publishes it stops first. May be called again after an error.
   */
  async start(url: string | readonly string[] = this.#lines): Promise<void> {
    if (this.#destroyed) throw destroyedBefore('start()');
    const lines = checkLines(url);
    if (lines.length === 0) throw publisherError('urlMissing', 'There is no address to publish to.');
    const turn = this.#overtake('Another start() came in between.');
    if (this.#active) await this.#end();
    this.#error = null;
    const failed = await this.prepare().then(() => null, refused);
    if (turn !== this.#turn) throw aborted('stop() or another start() came in between.');
    if (failed) {
      this.#error = failed;
      this.#finish('failed', () => this.#emit('error', failed));
      throw failed;
    }
    this.#lines = lines;
    this.#figures = new Figures();
    this.#starting = waiter();
    const { promise } = this.#starting;
    this.#link.ensure();
    this.#go();
    this.#setState('connecting');
    if (turn === this.#turn) this.#emit('connecting', { urls: lines });
    return promise;
  }

  /** Ends the stream in good order. The sources and the preview stay. Resolves when all is sent. */
  async stop(): Promise<void> {
    this.#overtake('stop() came in between.');
    if (this.#active) await this.#end();
  }

  /**
   * Another source of pictures, of sound, or both, in the place of the present one: without a gap, and with the stream going on.
   * Until the new one is open, and if it cannot be had, the present one stays. Before `prepare()` it is only noted.
   */
  async replaceSource(given: { video?: GivenVideoSource; audio?: GivenAudioSource }): Promise<void> {
    if (this.#destroyed) throw destroyedBefore('replaceSource()');
    const video = given.video === undefined ? undefined : checkVideo(given.video);
    const audio = given.audio === undefined ? undefined : checkAudio(given.audio);
    this.#wanted = { video: video ?? this.#wanted.video, audio: audio ?? this.#wanted.audio };
    if (!this.#prepared) return;
    await this.#prepared;
    await this.#sources.replace(video, audio);
  }

  /**
   * Lays the app's wishes over those it has given before, field by field; null gives a field back. They hold before the
   * document's layers `global` and `user`, and behind `system`. Returns the configuration that holds then.
   */
  setConfig(config: ConfigLayer): PublishConfig {
    this.#keeper.set(checkConfig(config));
    return this.config;
  }

  /** Fetches the configuration document now. Resolves when that is done; `error` tells if it could not be had. */
  async refreshConfig(): Promise<void> {
    await this.#remote?.refresh();
  }

  /**
   * Records what is sent, as FLV, from the next keyframe on, until `stopRecording()` or the end of the stream. `target`: where
   * to, such as a `FileSystemWritableFileStream`; it is closed at the end. Without one it is kept in memory, up to 512 MB.
   */
  async startRecording(target?: WritableStream<Uint8Array>): Promise<void> {
    if (this.#destroyed) throw destroyedBefore('startRecording()');
    if (this.#recording) throw publisherError('recordingActive', 'There is a recording already.', false);
    this.#recording = new Recording(target, 'video/x-flv', why => {
      this.#link.send({ type: 'record', recording: false });
      this.#emit('error', publisherError('recordingFailed', `The recording ended: ${why}.`, false));
    });
    this.#link.send({ type: 'record', recording: true });
  }

  /** Resolves with the recording; with null where it went to a target, which is closed then, or there was none. */
  async stopRecording(): Promise<Blob | null> {
    const recording = this.#recording;
    if (!recording) return null;
    if (this.#link.open && !recording.over) {
      this.#flushed ??= waiter();
      this.#link.send({ type: 'record', recording: false });
      await this.#flushed.promise;
      this.#flushed = undefined;
    }
    if (this.#recording === recording) this.#recording = undefined;
    return recording.end();
  }

  /** Ends everything at once: the stream, the sources, the preview. Nothing is heard of it afterwards. Idempotent. */
  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#overtake('The publisher was destroyed.');
    this.#stopping?.resolve();
    this.#flushed?.resolve();
    this.#remote?.stop();
    this.#unguard?.();
    void this.#recording?.end();
    this.#link.close();
    this.#sources.close();
    this.#preview.detach();
    this.#ready = false;
  }

  get #active(): boolean {
    return this.#state === 'connecting' || this.#state === 'publishing' || this.#state === 'reconnecting';
  }

  async #prepare(): Promise<void> {
    const missing = missingFeature();
    if (missing !== null) {
      const insecure = globalThis.isSecureContext === false;
      throw publisherError(
        insecure ? 'insecureContext' : 'publishUnsupported',
        `This page has no ${missing}.`,
      );
    }
    const video = checkVideo(this.#wanted.video);
    const audio = checkAudio(this.#wanted.audio);
    if (video.kind === 'none' && audio.kind === 'none')
      throw publisherError('nothingToPublish', 'There is neither a source of pictures nor of sound.');
    this.#link.ensure();
    this.#unguard ??= guard({
      send: message => this.#link.send(message),
      devices: (devices, changed) => {
        this.#sources.look(devices);
        if (changed) this.#emit('devicechange', { devices });
      },
      turned: () => this.#sources.adapt(),
    });
    // A screen is asked for in the user's click.
    if (video.kind === 'camera') await this.#remote?.first(CONFIG_WITHIN);
    if (!this.#destroyed) await this.#sources.open(video, audio);
    if (this.#destroyed) {
      this.#sources.close();
      throw aborted('The publisher was destroyed.');
    }
    this.#ready = true;
    this.#emit('ready', null);
  }

  #go(): void {
    const lines = this.#lines.map(url => ({ url, known: knownLine(url) }));
    this.#link.send({ type: 'start', lines });
  }

  /** Resolves when it is over, in good order or not. */
  #end(): Promise<void> {
    if (!this.#stopping) {
      this.#stopping = waiter();
      this.#link.send({ type: 'stop' });
    }
    return this.#stopping.promise;
  }

  /** Whoever waited for an earlier `start()` waits no longer. */
  #overtake(why: string): number {
    const starting = this.#starting;
    this.#starting = undefined;
    starting?.reject(aborted(why));
    return ++this.#turn;
  }

  #handle(event: PublishWorkerEvent): void {
    const { name, ...detail } = event;
    switch (event.name) {
      case 'statechange':
        // The others come with an event of their own, so that no listener sees the one without the other.
        if (event.state === 'publishing' || event.state === 'reconnecting') this.#setState(event.state);
        return;
      case 'publishing':
        this.#setState('publishing');
        this.#starting?.resolve();
        this.#starting = undefined;
        break;
      case 'encoder':
        this.#figures.encoder(event);
        return;
      case 'line':
        rememberLine(event.url, event.record);
        return;
      case 'devicelost':
      case 'devicerecovered': {
        const { label = '' } = this.#sources[event.kind] ?? {};
        this.#emit(event.name, { ...(detail as Detail<'devicelost'>), label });
        return;
      }
      case 'ended':
        this.#finish('ended', () => this.#emit('ended', null));
        return;
      case 'error': {
        const error = new SailcastError({ ...event, type: event.kind as ErrorType });
        if (error.fatal) this.#fail(error);
        else this.#emit('error', error);
        return;
      }
    }
    this.#emit(name as keyof PublisherEventMap, detail as never);
  }

  #onConfig(config: PublishConfig, changed: readonly string[]): void {
    this.#link.send({ type: 'settings', settings: toSettings(config) });
    const { video } = config;
    this.#sources.adapt(video, changed.includes('video.resolution') || changed.includes('video.fps'));
    this.#emit('configchange', { config, changed });
  }

  #onLost(error: SailcastError, again: boolean): void {
    this.#flushed?.resolve();
    this.#recording?.fail('the worker stopped');
    // One that was only made ready is replaced, and heard of, when it is needed.
    if (!this.#active) return;
    if (this.#stopping) {
      this.#finish('ended', () => this.#emit('ended', null));
    } else if (again) {
      this.#link.ensure();
      this.#go();
      this.#setState('reconnecting');
      this.#emit('reconnecting', { attempt: 1, delay: 0, reason: CRASHED });
    } else this.#fail(error);
  }

  #fail(error: SailcastError): void {
    if (!this.#active) return;
    this.#error = error;
    const starting = this.#starting;
    this.#starting = undefined;
    starting?.reject(error);
    this.#finish('failed', () => this.#emit('error', error));
  }

  /** `tell` comes first, then the change of the state; both are true by then. */
  #finish(state: 'ended' | 'failed', tell: () => void): void {
    const previous = this.#state;
    const stopping = this.#stopping;
    this.#stopping = undefined;
    this.#state = state;
    if (this.#recording) this.#link.send({ type: 'record', recording: false });
    void this.#recording?.end();
    stopping?.resolve();
    const turn = this.#turn;
    tell();
    if (turn === this.#turn) this.#emit('statechange', { state, previous });
  }

  #setState(state: PublisherState): void {
    const previous = this.#state;
    if (state === previous) return;
    this.#state = state;
    this.#emit('statechange', { state, previous });
  }

  #emit<K extends keyof PublisherEventMap>(name: K, detail: Detail<K>): void {
    if (!this.#destroyed) this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

const SUSPENDED =
  'The browser keeps the audio context from running, and silence is published: it goes on when the user acts.';

const CRASHED = "The publisher's worker stopped, and another one goes on.";

/** Lets nothing through but what `prepare()` cannot do. */
function refused(error: unknown): SailcastError {
  if (error instanceof SailcastError) return error;
  throw error;
}

function destroyedBefore(call: string): SailcastError {
  return publisherError('destroyed', `The publisher was destroyed before ${call}.`);
}
