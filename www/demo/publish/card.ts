/**
 * The test card: colour bars, a hand that turns once a second, a counter of frames, the time, the same time as cells that a
 * program reads (timecode.ts), and snow, so that it costs as many bits as a camera's picture. It goes on while the page is
 * hidden.
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
const SNOW_HEIGHT = 120;
/** Grains of snow are this large: smaller ones are lost where the picture is scaled down. */
const GRAIN = 4;
const CONTRAST = 90;

export class TestCard {
  readonly canvas = blank();
  readonly #ink: CanvasRenderingContext2D;
  readonly #snow = snow();
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
    this.#fall();
    ink.fillStyle = DARK;
    ink.fillRect(320, 200, 640, 320);
    hand(ink, now);
    ink.fillStyle = '#ffffff';
    ink.font = '600 92px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace';
    ink.fillText(String(this.#frames).padStart(6, '0'), 560, 360);
    ink.font = '400 38px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace';
    ink.fillText(new Date().toISOString().slice(11, 23), 564, 430);
  }

  /** The same snow, from another place each time. */
  #fall(): void {
    const [x, y] = [Math.random(), Math.random()].map(part => -Math.floor(part * WIDTH));
    this.#ink.save();
    this.#ink.beginPath();
    this.#ink.rect(0, HEIGHT - SNOW_HEIGHT, WIDTH, SNOW_HEIGHT);
    this.#ink.clip();
    this.#ink.translate(x ?? 0, HEIGHT - SNOW_HEIGHT + (y ?? 0) / 8);
    this.#ink.fillStyle = this.#snow;
    this.#ink.fillRect(0, 0, 2 * WIDTH, 2 * WIDTH);
    this.#ink.restore();
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
    ink.fillRect((i * WIDTH) / BARS.length, 0, WIDTH / BARS.length + 1, HEIGHT - SNOW_HEIGHT);
  });
}

/** Greys around the middle. */
function snow(): CanvasPattern {
  const tile = blank();
  const ink = context(tile);
  for (let x = 0; x < WIDTH; x += GRAIN) {
    for (let y = 0; y < HEIGHT; y += GRAIN) {
      const grey = 128 + (Math.random() - 0.5) * CONTRAST;
      ink.fillStyle = `rgb(${grey} ${grey} ${grey})`;
      ink.fillRect(x, y, GRAIN, GRAIN);
    }
  }
  const pattern = ink.createPattern(tile, 'repeat');
  if (pattern === null) throw new Error('the browser gives no pattern to draw with');
  return pattern;
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
