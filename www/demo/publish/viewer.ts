/** What viewers see: a player of our own, of the stream that this page publishes. Its sound is off until someone wants it. */
import { Player, type PlayerSnapshot, type PlayerState } from 'sailcast';
import { PictureClock } from './picture-clock.js';

/** A server may take a moment until it serves what it is sent. */
const RETRY_MS = 700;

export class Viewer {
  readonly #container: HTMLElement;
  readonly #onState: (state: PlayerState) => void;
  readonly #clock = new PictureClock();
  #player: Player | null = null;
  #url: string | null = null;
  #retry = 0;
  #muted = true;

  constructor(container: HTMLElement, onState: (state: PlayerState) => void) {
    this.#container = container;
    this.#onState = onState;
  }

  get muted(): boolean {
    return this.#muted;
  }

  set muted(muted: boolean) {
    this.#muted = muted;
    if (this.#player !== null) this.#player.muted = muted;
  }

  get stats(): PlayerSnapshot | null {
    return this.#player?.state === 'playing' ? this.#player.stats() : null;
  }

  /** Seconds from the drawing of the test card until it shows, as the picture tells; null of other pictures. */
  get pictureDelay(): number | null {
    this.#clock.watch(this.#container.querySelector('video'));
    return this.#clock.delay;
  }

  open(url: string): void {
    if (url === this.#url) return;
    this.close();
    this.#url = url;
    const player = new Player({ container: this.#container, muted: this.#muted });
    this.#player = player;
    player.addEventListener('statechange', ({ detail }) => {
      if (player !== this.#player) return;
      this.#onState(detail.state);
      if (detail.state === 'failed' || detail.state === 'ended') {
        this.#retry = window.setTimeout(() => this.#load(), RETRY_MS);
      }
    });
    this.#load();
  }

  close(): void {
    clearTimeout(this.#retry);
    this.#url = null;
    this.#player?.destroy();
    this.#player = null;
    this.#clock.watch(null);
    this.#onState('idle');
  }

  #load(): void {
    // Failures arrive as states; the promise repeats them.
    if (this.#url !== null) this.#player?.load(this.#url).catch(() => {});
  }
}
