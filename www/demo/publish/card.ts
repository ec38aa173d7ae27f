/**
 * The test card: colour bars, a hand that turns once a second, a counter of frames, the time, and the same time as cells that a
 * program reads (timecode.ts). It goes on while the page is hidden.
 */
import { CELLS, encode } from './timecode.js';

export const WIDTH = 1280;
export const HEIGHT = 720;
/** The row of cells is at the top, this high. */
export const CODE_HEIGHT = 40;

/** More often than pictures are taken of it, so that each is a fresh one. */
const INTERVAL_MS = 33;
const BARS = ['#c8c8c8', '#c8c81e', '#1ec8c8', '#1ec81e', '#c81ec8', '#c81e1e', '#1e1ec8'];
const DARK = '#10181d';

export class TestCard {
  readonly canvas = blank();
  readonly #ink: CanvasRenderingContext2D;
  #ticker: Worker | undefined;
  #frames = 0;

  constructor() {
    this.#ink = context(this.canvas);
    bars(this.#ink);
  }

  run(): void {
    if (this.#ticker !== undefined) return;
    this.#draw();
    this.#ticker = new Worker(new URL('./ticker.js', import.meta.url), { type: 'module' });
    this.#ticker.addEventListener('message', () => this.#draw());
    this.#ticker.postMessage(INTERVAL_MS);
  }

  stop(): void {
    this.#ticker?.terminate();
    this.#ticker = undefined;
  }

  #draw(): void {
    const ink = this.#ink;
    const now = performance.now();
    this.#frames += 1;
    code(ink, now);
    ink.fillStyle = DARK;
    ink.fillRect(320, 200, 640, 320);
    hand(ink, now);
    ink.fillStyle = '#ffffff';
    ink.font = '600 92px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace';
    ink.fillText(String(this.#frames).padStart(6, '0'), 560, 360);
    ink.font = '400 38px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace';
    ink.fillText(new Date().toISOString().slice(11, 23), 564, 430);
  }
}

/** What is sent in the place of a camera that the user switched off. */
export function darkCard(): HTMLCanvasElement {
  const canvas = blank();
  const ink = context(canvas);
  ink.fillStyle = DARK;
  ink.fillRect(0, 0, WIDTH, HEIGHT);
  ink.strokeStyle = '#5c6a73';
  ink.lineWidth = 14;
  ink.lineCap = 'round';
  ink.strokeRect(530, 300, 170, 120);
  ink.stroke(new Path2D('M700 340 L770 310 V410 L700 380 M520 250 L770 470'));
  return canvas;
}

function blank(): HTMLCanvasElement {
  return Object.assign(document.createElement('canvas'), { width: WIDTH, height: HEIGHT });
}

function context(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const ink = canvas.getContext('2d', { alpha: false });
  if (ink === null) throw new Error('the browser gives no canvas to draw on');
  return ink;
}

function bars(ink: CanvasRenderingContext2D): void {
  BARS.forEach((colour, i) => {
    ink.fillStyle = colour;
    ink.fillRect((i * WIDTH) / BARS.length, 0, WIDTH / BARS.length + 1, HEIGHT - 120);
  });
  const grey = ink.createLinearGradient(0, 0, WIDTH, 0);
  grey.addColorStop(0, '#000000');
  grey.addColorStop(1, '#ffffff');
  ink.fillStyle = grey;
  ink.fillRect(0, HEIGHT - 120, WIDTH, 120);
}

function code(ink: CanvasRenderingContext2D, now: number): void {
  const width = WIDTH / CELLS;
  encode(now).forEach((white, i) => {
    ink.fillStyle = white ? '#ffffff' : '#000000';
    ink.fillRect(Math.floor(i * width), 0, Math.ceil(width), CODE_HEIGHT);
  });
}

function hand(ink: CanvasRenderingContext2D, now: number): void {
  const [x, y, radius] = [440, 360, 84];
  ink.lineWidth = 10;
  ink.strokeStyle = '#273238';
  ink.beginPath();
  ink.arc(x, y, radius, 0, 2 * Math.PI);
  ink.stroke();
  ink.strokeStyle = '#4cc2e0';
  ink.beginPath();
  const angle = (now / 1000) * 2 * Math.PI - Math.PI / 2;
  ink.arc(x, y, radius, angle - 1.2, angle);
  ink.stroke();
}
