/**
 * `<sailcast-publisher>`: the publisher as an element that shows its preview. Importing this module defines it where there are
 * custom elements, and does nothing else; on a server it only gives the class.
 *
 * It has the publisher's methods, properties and events (as `CustomEvent`s that do not bubble). The publisher lives while the
 * element is in a document; moving it about keeps it.
 */
import type { SailcastError } from '../errors.js';
import type { ConfigLayer, ConfigLimits, PublishConfig } from './config.js';
import { checkAudio, checkVideo } from './internal/options.js';
import { Publisher } from './publisher.js';
import type {
  Device,
  GivenAudioSource,
  GivenVideoSource,
  PublisherEventMap,
  PublisherEventTarget,
  PublisherOptions,
  PublisherState,
  PublisherStats,
} from './types.js';

const EVENTS = [
  'ready',
  'connecting',
  'publishing',
  'bitratechange',
  'videochange',
  'framedrop',
  'congestion',
  'reconnecting',
  'devicelost',
  'devicerecovered',
  'devicechange',
  'degraded',
  'configchange',
  'configwarning',
  'error',
  'ended',
  'statechange',
  'stats',
] as const satisfies (keyof PublisherEventMap)[];

const PROPERTIES = ['src', 'video', 'audio', 'muted', 'mirror', 'limits', 'configUrl', 'baseUrl'] as const;

declare global {
  interface HTMLElementTagNameMap {
    'sailcast-publisher': SailcastPublisherElement;
  }
}

/** A type for `extends`; a server has no `HTMLElement`. */
const Base = (globalThis.HTMLElement ?? class {}) as new () => Omit<HTMLElement, keyof PublisherEventTarget> &
  PublisherEventTarget;

export class SailcastPublisherElement extends Base {
  static readonly observedAttributes = ['muted', 'mirror', 'video', 'audio'];

  #publisher: Publisher | undefined;
  #box: HTMLElement;
  #video: GivenVideoSource | undefined;
  #audio: GivenAudioSource | undefined;
  #muted: boolean | undefined;
  #limits: ConfigLimits | undefined;

  constructor() {
    super();
    const root = this.attachShadow({ mode: 'open' });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(
      ':host{display:block;aspect-ratio:16/9}:host([hidden]){display:none}div{width:100%;height:100%}',
    );
    root.adoptedStyleSheets = [sheet];
    this.#box = root.appendChild(document.createElement('div'));
  }

  /** The publisher behind the element, once it is in a document. */
  get publisher(): Publisher | undefined {
    return this.#publisher;
  }

  /** The address to publish to, or several with spaces between them; for the next `start()`. */
  get src(): string {
    return this.getAttribute('src') ?? '';
  }

  set src(src: string) {
    this.setAttribute('src', src);
  }

  /** The source of pictures: as the option. The attribute takes `camera`, `screen` and `none`. */
  get video(): GivenVideoSource {
    return this.#video ?? oneOf(this.getAttribute('video'), ['screen', 'none'] as const) ?? 'camera';
  }

  set video(video: GivenVideoSource) {
    checkVideo(video);
    this.#video = video;
    this.#publisher?.replaceSource({ video }).catch(() => {});
  }

  /** The source of sound: as the option. The attribute takes `microphone` and `none`. */
  get audio(): GivenAudioSource {
    return this.#audio ?? oneOf(this.getAttribute('audio'), ['none'] as const) ?? 'microphone';
  }

  set audio(audio: GivenAudioSource) {
    checkAudio(audio);
    this.#audio = audio;
    this.#publisher?.replaceSource({ audio }).catch(() => {});
  }

  /** As `Publisher.muted`. The attribute gives the value at the start, and a change of it a new one. */
  get muted(): boolean {
    return this.#publisher?.muted ?? this.#muted ?? this.hasAttribute('muted');
  }

  set muted(muted: boolean) {
    this.#muted = Boolean(muted);
    if (this.#publisher) this.#publisher.muted = this.#muted;
  }

  /** `auto`, true or false; the attribute takes `auto`, `true` and `false`. */
  get mirror(): 'auto' | boolean {
    const text = this.getAttribute('mirror');
    return text === 'true' || (text === 'false' ? false : 'auto');
  }

  set mirror(mirror: 'auto' | boolean) {
    this.setAttribute('mirror', `${mirror}`);
  }

  /** As the option, read when the element is put into a document. */
  get limits(): ConfigLimits | undefined {
    return this.#limits;
  }

  set limits(limits: ConfigLimits | undefined) {
    this.#limits = limits;
  }

  /** As the option, read when the element is put into a document. */
  get configUrl(): string {
    return this.getAttribute('config-url') ?? '';
  }

  set configUrl(url: string) {
    this.setAttribute('config-url', url);
  }

  /** As the option, read when the element is put into a document; empty: where the bundler put the files. */
  get baseUrl(): string {
    return this.getAttribute('base-url') ?? '';
  }

  set baseUrl(url: string) {
    this.setAttribute('base-url', url);
  }

  get state(): PublisherState {
    return this.#publisher?.state ?? 'idle';
  }

  get error(): SailcastError | null {
    return this.#publisher?.error ?? null;
  }

  get ready(): boolean {
    return this.#publisher?.ready ?? false;
  }

  /** The `<video>` of the preview; null without a publisher. */
  get preview(): HTMLVideoElement | null {
    return this.#publisher?.preview ?? null;
  }

  /** As `Publisher.config`; null without a publisher. */
  get config(): PublishConfig | null {
    return this.#publisher?.config ?? null;
  }

  /** As `Publisher.prepare()`. */
  prepare(): Promise<void> {
    return this.#ensure().prepare();
  }

  /** As `Publisher.start()`; the default is `src`. */
  start(url: string | readonly string[] = this.src.split(/\s+/)): Promise<void> {
    return this.#ensure().start(url);
  }

  /** As `Publisher.stop()`. */
  stop(): Promise<void> {
    return this.#publisher?.stop() ?? Promise.resolve();
  }

  /** As `Publisher.replaceSource()`. */
  replaceSource(given: { video?: GivenVideoSource; audio?: GivenAudioSource }): Promise<void> {
    if (given.video !== undefined) this.#video = given.video;
    if (given.audio !== undefined) this.#audio = given.audio;
    return this.#ensure().replaceSource(given);
  }

  /** As `Publisher.setConfig()`. */
  setConfig(config: ConfigLayer): PublishConfig {
    return this.#ensure().setConfig(config);
  }

  /** As `Publisher.refreshConfig()`. */
  refreshConfig(): Promise<void> {
    return this.#publisher?.refreshConfig() ?? Promise.resolve();
  }

  /** As `Publisher.stats()`; null without a publisher. */
  stats(): PublisherStats | null {
    return this.#publisher?.stats() ?? null;
  }

  /** As `Publisher.devices()`. */
  devices(): Promise<Device[]> {
    return this.#ensure().devices();
  }

  /** As `Publisher.startRecording()`. */
  startRecording(target?: WritableStream<Uint8Array>): Promise<void> {
    return this.#ensure().startRecording(target);
  }

  /** As `Publisher.stopRecording()`. */
  stopRecording(): Promise<Blob | null> {
    return this.#publisher?.stopRecording() ?? Promise.resolve(null);
  }

  /** Ends the publisher. Putting the element into a document again, or `start()`, makes a new one. */
  destroy(): void {
    this.#publisher?.destroy();
    this.#publisher = undefined;
  }

  connectedCallback(): void {
    for (const name of PROPERTIES) this.#upgrade(name);
    this.#ensure();
  }

  disconnectedCallback(): void {
    // A move is a removal and an insertion in one task.
    queueMicrotask(() => {
      if (!this.isConnected) this.destroy();
    });
  }

  attributeChangedCallback(name: string, before: string | null, after: string | null): void {
    if (!this.#publisher || before === after) return;
    if (name === 'muted') this.muted = after !== null;
    if (name === 'mirror') this.#publisher.mirror = this.mirror;
    // The property goes before the attribute until that is changed.
    if (name === 'video') {
      this.#video = undefined;
      this.#publisher.replaceSource({ video: this.video }).catch(() => {});
    }
    if (name === 'audio') {
      this.#audio = undefined;
      this.#publisher.replaceSource({ audio: this.audio }).catch(() => {});
    }
  }

  #ensure(): Publisher {
    if (this.#publisher) return this.#publisher;
    const options: PublisherOptions = {
      preview: this.#box,
      video: this.video,
      audio: this.audio,
      muted: this.muted,
      mirror: this.mirror,
    };
    if (this.#limits) options.limits = this.#limits;
    if (this.configUrl) options.configUrl = this.configUrl;
    if (this.baseUrl) options.baseUrl = this.baseUrl;
    const publisher = new Publisher(options);
    this.#publisher = publisher;
    for (const type of EVENTS) {
      publisher.addEventListener(type, ({ detail }: CustomEvent) =>
        this.dispatchEvent(new CustomEvent(type, { detail })),
      );
    }
    return publisher;
  }

  /** A property set before the element was defined hides the class's: sets it again, through the class. */
  #upgrade(name: (typeof PROPERTIES)[number]): void {
    if (!Object.hasOwn(this, name)) return;
    const own = this as Record<string, unknown>;
    const value = own[name];
    delete own[name];
    own[name] = value;
  }
}

/** What an attribute cannot mean counts as absent; only the properties throw. */
function oneOf<T extends string>(text: string | null, values: readonly T[]): T | undefined {
  return values.find(value => value === text);
}

if (globalThis.customElements && !customElements.get('sailcast-publisher')) {
  customElements.define(
    'sailcast-publisher',
    SailcastPublisherElement as unknown as CustomElementConstructor,
  );
}
