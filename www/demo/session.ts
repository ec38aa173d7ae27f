/**
 * One player at a time, and the time from the viewer's wish to the picture. The player outlives a change of stream;
 * only a change of renderer, which is chosen when a player is made, takes a new one.
 */
import { Player, type PlayerEventMap, type PlayerOptions } from 'sailcast';
import type { Settings } from './permalink.js';

export type PlayerEvent = {
  [K in keyof PlayerEventMap]: { name: K; detail: PlayerEventMap[K]['detail'] };
}[keyof PlayerEventMap];

const EVENTS = [
  'videotrack',
  'audiotrack',
  'firstframe',
  'playing',
  'waiting',
  'resize',
  'volumechange',
  'metadata',
  'decoderchange',
  'skip',
  'ratechange',
  'targetchange',
  'durationchange',
  'streamtypechange',
  'seeking',
  'seeked',
  'renditionchange',
  'discontinuity',
  'reconnecting',
  'reconnected',
  'degraded',
  'recovered',
  'error',
  'ended',
  'statechange',
  'stats',
  'autoplayblocked',
] as const satisfies readonly (keyof PlayerEventMap)[];

export class Session {
  readonly #container: HTMLElement;
  readonly #onEvent: (event: PlayerEvent) => void;
  #player: Player | null = null;
  /** What the player was made with, and cannot change. */
  #made = '';
  /** When the viewer asked for the present stream, on the clock of `performance.now()`. */
  #askedAt = 0;

  constructor(container: HTMLElement, onEvent: (event: PlayerEvent) => void) {
    this.#container = container;
    this.#onEvent = onEvent;
  }

  get player(): Player | null {
    return this.#player;
  }

  /** Milliseconds from the wish to now. */
  get elapsed(): number {
    return performance.now() - this.#askedAt;
  }

  open(url: string, settings: Settings, askedAt: number): void {
    this.#askedAt = askedAt;
    if (this.#player !== null && this.#made !== madeWith(settings)) this.close();
    this.#player ??= this.#create(settings);
    const player = this.#player;
    // Failures arrive as `error` events; the promise repeats them.
    player.load(url.split(/\s+/)).catch(() => {});
  }

  close(): void {
    this.#player?.destroy();
    this.#player = null;
  }

  #create(settings: Settings): Player {
    this.#made = madeWith(settings);
    const options: PlayerOptions = {
      container: this.#container,
      muted: settings.muted,
      volume: settings.volume,
      latency: settings.latency,
      fit: settings.fit,
      decoder: settings.decoder,
      loop: settings.loop,
      playbackRate: settings.rate,
    };
    if (settings.renderer !== 'auto') options.renderer = settings.renderer;
    const player = new Player(options);
    for (const name of EVENTS) {
      player.addEventListener(name, event => {
        // What a player says after it was replaced is of no interest any more.
        if (player === this.#player) this.#onEvent({ name, detail: event.detail } as PlayerEvent);
      });
    }
    return player;
  }
}

function madeWith({ renderer, decoder }: Settings): string {
  return `${renderer} ${decoder}`;
}
