/**
 * `<sailcast-player>`: the player as an element. Importing this module defines it where there are custom elements, and
 * does nothing else; on a server it only gives the class.
 *
 * It has the player's methods, properties and events (as `CustomEvent`s that do not bubble), and what media controls such
 * as media-chrome's `<media-controller>` ask of the element in their `media` slot. The player lives while the element is
 * in a document; moving it about keeps it.
 */
import { Delegate } from './internal/delegate.js';
import { checkLatency, checkRate, checkVolume, LATENCY_MAX, LATENCY_MIN } from './internal/options.js';
import { folder } from './internal/spawn.js';
import { Player } from './player.js';
import type {
  Background,
  DecoderChoice,
  Fit,
  Latency,
  PlayerEventMap,
  PlayerOptions,
  Renderer,
  RenditionSource,
  Rotation,
  Source,
  SourceType,
} from './types.js';

const EVENTS = [
  'loadstart',
  'videotrack',
  'audiotrack',
  'trackselected',
  'decoderchange',
  'firstframe',
  'playing',
  'waiting',
  'play',
  'pause',
  'resize',
  'volumechange',
  'metadata',
  'cue',
  'skip',
  'ratechange',
  'durationchange',
  'streamtypechange',
  'timeupdate',
  'seeking',
  'seeked',
  'renditionchange',
  'targetchange',
  'discontinuity',
  'reconnecting',
  'reconnected',
  'degraded',
  'recovered',
  'error',
  'ended',
  'statechange',
  'stats',
  'qos',
  'autoplayblocked',
  'destroyed',
] as const satisfies (keyof PlayerEventMap)[];

/** The events that media controls wait for beside the player's own. */
const MEDIA_EVENTS: Partial<Record<keyof PlayerEventMap, string[]>> = {
  loadstart: ['emptied', 'durationchange', 'streamtypechange'],
  stats: ['progress'],
};
/** And those of a load that is ready: once, for pages go on where somebody was when they hear of one. */
const READY_EVENTS = ['loadedmetadata', 'durationchange', 'loadeddata', 'canplay'];

const PROPERTIES = [
  'src',
  'autoplay',
  'muted',
  'volume',
  'latency',
  'targetLatency',
  'fit',
  'rotation',
  'mirror',
  'renderer',
  'decoder',
  'background',
  'loop',
  'playbackRate',
  'startTime',
  'sourceType',
  'renditions',
  'resolveUrl',
  'baseUrl',
] as const;

declare global {
  interface HTMLElementTagNameMap {
    'sailcast-player': SailcastPlayerElement;
  }
}

export class SailcastPlayerElement extends Delegate {
  static readonly observedAttributes = [
    'src',
    'autoplay',
    'muted',
    'volume',
    'latency',
    'fit',
    'rotation',
    'mirror',
    'renderer',
    'loop',
  ];

  #player: Player | undefined;
  readonly #box: HTMLElement;
  #muted: boolean | undefined;
  #volume: number | undefined;
  #latency: Latency | undefined;
  #rate: number | undefined;
  #renditions: readonly RenditionSource[] = [];
  #resolveUrl: PlayerOptions['resolveUrl'];
  #scheduled = false;
  /** The present load has been said to be ready. */
  #ready = false;
  /** What `src` or `renditions` were when the player was last told what to load. */
  #handed: string | readonly RenditionSource[] | undefined;

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

  /** The player behind the element, once it is in a document. */
  get player(): Player | undefined {
    return this.#player;
  }

  /** The address of the stream. Changing it loads the new stream if the old one was playing, or with `autoplay`. */
  get src(): string {
    return this.getAttribute('src') ?? '';
  }

  set src(src: string) {
    this.setAttribute('src', src);
  }

  /** Load and play as soon as there is a `src`. */
  get autoplay(): boolean {
    return this.hasAttribute('autoplay');
  }

  set autoplay(autoplay: boolean) {
    this.toggleAttribute('autoplay', Boolean(autoplay));
  }

  /** As `Player.muted`. The attribute gives the value at the start, and a change of it a new one. */
  get muted(): boolean {
    return this.#player?.muted ?? this.#muted ?? this.hasAttribute('muted');
  }

  set muted(muted: boolean) {
    this.#muted = Boolean(muted);
    if (this.#player) this.#player.muted = this.#muted;
  }

  /** As `Player.volume`, 0 to 1; the attribute as that of `muted`. */
  get volume(): number {
    return this.#player?.volume ?? this.#volume ?? within(this.getAttribute('volume'), 0, 1, 1);
  }

  set volume(volume: number) {
    this.#volume = checkVolume(volume);
    if (this.#player) this.#player.volume = volume;
  }

  /** The measured latency, seconds. Setting it sets `targetLatency`, as the attribute does. */
  get latency(): number {
    return this.#player?.latency ?? 0;
  }

  set latency(latency: Latency) {
    this.targetLatency = latency;
  }

  /**
   * As `Player.targetLatency`. The attribute `latency`, seconds or `auto` (the default), gives the value at the start, and a
   * change of it a new one.
   */
  get targetLatency(): number {
    return this.#player?.targetLatency ?? checkLatency(this.#wanted).start;
  }

  set targetLatency(latency: Latency) {
    checkLatency(latency);
    this.#latency = latency;
    if (this.#player) this.#player.targetLatency = latency;
  }

  get #wanted(): Latency {
    if (this.#latency !== undefined) return this.#latency;
    return within<Latency>(this.getAttribute('latency'), LATENCY_MIN, LATENCY_MAX, 'auto');
  }

  /** `contain`, `cover` or `fill`. */
  get fit(): Fit {
    return oneOf(this.getAttribute('fit'), ['cover', 'fill'] as const) ?? 'contain';
  }

  set fit(fit: Fit) {
    this.setAttribute('fit', fit);
  }

  /** 0, 90, 180 or 270 degrees clockwise. */
  get rotation(): Rotation {
    return ([90, 180, 270] as const).find(angle => angle === Number(this.getAttribute('rotation'))) ?? 0;
  }

  set rotation(rotation: Rotation) {
    this.setAttribute('rotation', `${rotation}`);
  }

  /** As `Player.loop`. */
  get loop(): boolean {
    return this.hasAttribute('loop');
  }

  set loop(loop: boolean) {
    this.toggleAttribute('loop', Boolean(loop));
  }

  /** Where `src` begins, seconds; NaN: at the live edge, at the beginning, or where its playlist says. */
  get startTime(): number {
    return Number.parseFloat(this.getAttribute('start-time') ?? '');
  }

  set startTime(time: number) {
    this.setAttribute('start-time', `${time}`);
  }

  /** What `src` is: `auto`, `stream`, `hls` or `file`. */
  get sourceType(): SourceType {
    return oneOf(this.getAttribute('source-type'), ['stream', 'hls', 'file'] as const) ?? 'auto';
  }

  set sourceType(type: SourceType) {
    this.setAttribute('source-type', type);
  }

  /** As the option, in the place of `src`. Setting it loads as a new `src` does. */
  get renditions(): readonly RenditionSource[] {
    return this.#renditions;
  }

  set renditions(renditions: readonly RenditionSource[]) {
    this.#renditions = renditions;
    if (this.#player) this.#changed();
  }

  get mirror(): boolean {
    return this.hasAttribute('mirror');
  }

  set mirror(mirror: boolean) {
    this.toggleAttribute('mirror', Boolean(mirror));
  }

  /** Read when the element is put into a document; empty: the best one. */
  get renderer(): Renderer | '' {
    return oneOf(this.getAttribute('renderer'), ['track', 'canvas', 'webgl'] as const) ?? '';
  }

  set renderer(renderer: Renderer | '') {
    this.setAttribute('renderer', renderer);
  }

  /** As the option, read when the element is put into a document. */
  get decoder(): DecoderChoice {
    return oneOf(this.getAttribute('decoder'), ['webcodecs', 'wasm'] as const) ?? 'auto';
  }

  set decoder(decoder: DecoderChoice) {
    this.setAttribute('decoder', decoder);
  }

  /** As the option, read when the element is put into a document. */
  get background(): Background {
    return oneOf(this.getAttribute('background'), ['keep', 'suspend'] as const) ?? 'audio';
  }

  set background(background: Background) {
    this.setAttribute('background', background);
  }

  /** As the option `resolveUrl`, read when the element is put into a document. */
  get resolveUrl(): PlayerOptions['resolveUrl'] {
    return this.#resolveUrl;
  }

  set resolveUrl(resolveUrl: PlayerOptions['resolveUrl']) {
    this.#resolveUrl = resolveUrl;
  }

  /** As the option, read when the element is put into a document; empty: where the bundler put the files. */
  get baseUrl(): string {
    return this.getAttribute('base-url') ?? '';
  }

  set baseUrl(url: string) {
    this.setAttribute('base-url', url);
  }

  /** As `Player.playbackRate`, read and write. */
  get playbackRate(): number {
    return this.#player?.playbackRate ?? this.#rate ?? 1;
  }

  set playbackRate(rate: number) {
    this.#rate = checkRate(rate);
    if (this.#player) this.#player.playbackRate = rate;
  }

  /** As `Player.load()`; without an argument what `src` or `renditions` say, and else what was loaded last. */
  load(source?: string | readonly string[] | Source): Promise<void> {
    this.#handed = this.#wish;
    return this.#ensure().load(source ?? (this.#wish && this.#source));
  }

  /** As `Player.play()`; loads `src` or `renditions` if they have changed since the last load. */
  play(): Promise<void> {
    const player = this.#ensure();
    if (!this.#wish || this.#wish === this.#handed) return player.play();
    const load = this.load();
    // It failed at once, and has said so.
    if (player.error) return load;
    load.catch(() => {});
    return player.play();
  }

  /** Ends the player. Putting the element into a document again, or `load()`, makes a new one. */
  destroy(): void {
    this.#player?.destroy();
    this.#player = undefined;
    this.#handed = undefined;
  }

  connectedCallback(): void {
    for (const name of PROPERTIES) this.#upgrade(name);
    this.#ensure();
    if (this.autoplay && this.#wish && this.state === 'idle') this.#reload();
  }

  disconnectedCallback(): void {
    // A move is a removal and an insertion in one task.
    queueMicrotask(() => {
      if (!this.isConnected) this.destroy();
    });
  }

  attributeChangedCallback(name: string, before: string | null, after: string | null): void {
    const player = this.#player;
    if (!player || before === after) return;
    if (name === 'muted') this.muted = after !== null;
    if (name === 'volume') this.volume = within(after, 0, 1, 1);
    if (name === 'latency') this.targetLatency = within<Latency>(after, LATENCY_MIN, LATENCY_MAX, 'auto');
    if (name === 'fit') player.fit = this.fit;
    if (name === 'rotation') player.rotation = this.rotation;
    if (name === 'mirror') player.mirror = this.mirror;
    if (name === 'loop') player.loop = this.loop;
    if (name === 'src') this.#changed();
    if (name === 'autoplay' && this.#wish && this.autoplay && player.paused) this.#reload();
  }

  /** Something else is to be played. */
  #changed(): void {
    if (this.#wish && (this.autoplay || !this.paused)) this.#reload();
  }

  /** What `load()` plays; undefined: nothing. */
  get #wish(): string | readonly RenditionSource[] | undefined {
    if (this.#renditions.length > 0) return this.#renditions;
    return this.src || undefined;
  }

  get #source(): Source {
    const { sourceType, startTime } = this;
    return {
      ...(this.#renditions.length > 0 ? { renditions: this.#renditions } : { url: this.src }),
      ...(Number.isFinite(startTime) && { startTime }),
      sourceType,
    };
  }

  #ensure(): Player {
    if (this.#player) return this.#player;
    const options: PlayerOptions = {
      container: this.#box,
      muted: this.muted,
      volume: this.volume,
      latency: this.#wanted,
      background: this.background,
      decoder: this.decoder,
      ...(this.resolveUrl ? { resolveUrl: this.resolveUrl } : {}),
      fit: this.fit,
      rotation: this.rotation,
      mirror: this.mirror,
      ...(this.renderer ? { renderer: this.renderer } : {}),
      loop: this.loop,
      playbackRate: this.playbackRate,
      ...(this.baseUrl && folder(this.baseUrl) ? { baseUrl: this.baseUrl } : {}),
    };
    const player = new Player(options, this.videoRenditions);
    this.#player = player;
    for (const type of EVENTS) player.addEventListener(type, event => this.#forward(type, event));
    return player;
  }

  #forward(type: keyof PlayerEventMap, event: CustomEvent): void {
    this.dispatchEvent(new CustomEvent(type, { detail: event.detail }));
    for (const name of MEDIA_EVENTS[type] ?? []) this.dispatchEvent(new Event(name));
    if (type === 'loadstart') this.#ready = false;
    // The size of the first picture is known, or there is none.
    if (this.#ready || (type !== 'resize' && type !== 'playing')) return;
    this.#ready = true;
    for (const name of READY_EVENTS) this.dispatchEvent(new Event(name));
  }

  /** Once for all attributes that a framework sets in one go; the events tell how it went. */
  #reload(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      if (this.isConnected && this.#wish) this.load().catch(() => {});
    });
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
function within<T = number>(text: string | null, min: number, max: number, absent: T): T | number {
  const value = text === null || text.trim() === '' ? Number.NaN : Number(text);
  return Number.isNaN(value) ? absent : Math.min(Math.max(value, min), max);
}

function oneOf<T extends string>(text: string | null, values: readonly T[]): T | undefined {
  return values.find(value => value === text);
}

if (globalThis.customElements && !customElements.get('sailcast-player')) {
  customElements.define('sailcast-player', SailcastPlayerElement as unknown as CustomElementConstructor);
}
