/**
 * How old the test card is when it shows, read from the shown picture itself: from the moment it was drawn, through camera,
 * encoder, network and player, to the frame that the browser shows. One machine and one clock, so nothing is estimated.
 */
import { CODE_HEIGHT, HEIGHT } from './card.js';
import { age, CELLS, decode } from './timecode.js';

const EVERY_MS = 200;
const KEPT = 9;
/** Older readings say nothing of now. */
const FRESH_MS = 1500;

export class PictureClock {
  readonly #ink: CanvasRenderingContext2D | null;
  #video: HTMLVideoElement | null = null;
  #request = 0;
  #readAt = 0;
  #delays: number[] = [];

  constructor() {
    const canvas = Object.assign(document.createElement('canvas'), { width: CELLS, height: 1 });
    this.#ink = canvas.getContext('2d', { willReadFrequently: true });
  }

  /** Seconds, the median of the last readings; null where nothing can be read. */
  get delay(): number | null {
    if (performance.now() - this.#readAt > FRESH_MS) return null;
    const sorted = [...this.#delays].sort((a, b) => a - b);
    const middle = sorted[sorted.length >> 1];
    return middle === undefined ? null : middle / 1000;
  }

  /** What shows; a canvas tells nobody when, and is not read. */
  watch(video: HTMLVideoElement | null): void {
    if (video === this.#video) return;
    this.#video?.cancelVideoFrameCallback?.(this.#request);
    this.#video = video;
    this.#delays = [];
    this.#next();
  }

  #next(): void {
    const video = this.#video;
    if (video?.requestVideoFrameCallback === undefined) return;
    this.#request = video.requestVideoFrameCallback(now => {
      if (now - this.#readAt >= EVERY_MS) this.#read(video, now);
      this.#next();
    });
  }

  #read(video: HTMLVideoElement, now: number): void {
    const time = this.#code(video);
    if (time === null) return;
    this.#readAt = now;
    this.#delays.push(age(time, now));
    if (this.#delays.length > KEPT) this.#delays.shift();
  }

  #code(video: HTMLVideoElement): number | null {
    const ink = this.#ink;
    const { videoWidth: width, videoHeight: height } = video;
    if (ink === null || width === 0) return null;
    // The middle of the row: its edges are blurred by the scaling before the encoder.
    const row = (CODE_HEIGHT / HEIGHT) * height;
    ink.drawImage(video, 0, row * 0.4, width, row * 0.2, 0, 0, CELLS, 1);
    const { data } = ink.getImageData(0, 0, CELLS, 1);
    return decode(Array.from({ length: CELLS }, (_, i) => data[i * 4 + 1] ?? 0));
  }
}
