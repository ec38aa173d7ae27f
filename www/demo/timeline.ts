/**
 * The seek bar: how far one can go, what is buffered, where playback is, and the way back to the live edge. It shows what the
 * player says with each of its figures, except while the viewer drags the thumb.
 */
import type { Player } from 'sailcast';
import { createThumbnails, type Thumbnails } from 'sailcast/thumbnails';
import { fill, get, set } from './dom.js';
import * as format from './format.js';

const THUMB_WIDTH = 160;
/** A window to go back in that is shorter is not worth a bar, seconds. */
const LEAST_WINDOW = 10;

export class Timeline {
  readonly #bar = get('timeline', HTMLElement);
  readonly #seek = get('seek', HTMLInputElement);
  readonly #live = get('golive', HTMLButtonElement);
  readonly #thumb = get('thumb', HTMLCanvasElement);
  #player: Player | null = null;
  #dragging = false;
  #thumbnails: { url: string; source: Thumbnails } | null = null;

  constructor() {
    this.#seek.addEventListener('input', () => {
      this.#dragging = true;
      // Each picture on the way that there is time for.
      if (this.#player?.seeking === false) this.#player.fastSeek(this.#seek.valueAsNumber);
      this.#show();
    });
    this.#seek.addEventListener('change', () => {
      this.#dragging = false;
      if (this.#player !== null) this.#player.currentTime = this.#seek.valueAsNumber;
      this.#show();
    });
    this.#live.addEventListener('click', () => this.#player?.goLive());
    this.#seek.addEventListener('pointermove', event => void this.#preview(event));
    this.#seek.addEventListener('pointerleave', () => this.#hidePreview());
  }

  /** The player has new figures; null: there is none. */
  update(player: Player | null): void {
    this.#player = player;
    const range = player?.seekable;
    const [start, end] = range?.length ? [range.start(0), range.end(0)] : [0, 0];
    this.#bar.hidden = end - start < (player?.live ? LEAST_WINDOW : 0.1);
    if (this.#bar.hidden || player === null) {
      this.#live.hidden = true;
      this.#hidePreview();
      return;
    }
    this.#seek.min = `${start}`;
    this.#seek.max = `${end}`;
    if (!this.#dragging) this.#seek.valueAsNumber = player.currentTime;
    const { buffered } = player;
    const part = (time: number) =>
      `${(Math.min(Math.max(time - start, 0) / (end - start), 1) * 100).toFixed(2)}%`;
    this.#seek.style.setProperty('--buffered-from', part(buffered.length ? buffered.start(0) : start));
    this.#seek.style.setProperty('--buffered-to', part(buffered.length ? buffered.end(0) : start));
    this.#live.hidden = player.live !== true;
    this.#live.disabled = player.currentTime >= player.liveEdgeStart;
    this.#show();
  }

  #show(): void {
    fill(this.#seek);
    const player = this.#player;
    const at = this.#seek.valueAsNumber;
    const text = player?.live
      ? `−${format.span(Number(this.#seek.max) - at)}`
      : `${format.span(at)} / ${format.span(player?.duration)}`;
    set('seek-time', text);
    this.#seek.setAttribute('aria-valuetext', text);
  }

  /** The picture of the place under the pointer, of a recording. */
  async #preview({ clientX }: PointerEvent): Promise<void> {
    const player = this.#player;
    if (player?.live !== false || player.url === undefined) return;
    if (this.#thumbnails?.url !== player.url) {
      this.#thumbnails?.source.close();
      this.#thumbnails = { url: player.url, source: createThumbnails(player.url, { width: THUMB_WIDTH }) };
    }
    const { left, width } = this.#seek.getBoundingClientRect();
    const part = Math.min(Math.max((clientX - left) / width, 0), 1);
    const [start, end] = [Number(this.#seek.min), Number(this.#seek.max)];
    const picture = await this.#thumbnails.source.at(start + part * (end - start));
    if (picture === null || !this.#seek.matches(':hover')) return;
    this.#thumb.width = picture.width;
    this.#thumb.height = picture.height;
    this.#thumb.getContext('2d')?.drawImage(picture, 0, 0);
    picture.close();
    this.#thumb.style.setProperty('--at', `${part * 100}%`);
    this.#thumb.hidden = false;
  }

  #hidePreview(): void {
    this.#thumb.hidden = true;
  }
}
