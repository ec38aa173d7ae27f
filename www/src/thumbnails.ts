/**
 * Thumbnails for a seek bar: a quiet session of its own, which seeks to keyframes and shows nothing.
 *
 * Its one invariant: one picture is fetched at a time, and of those that wait only the newest is wanted. When none was wanted for
 * a while the session ends, for it would read on; the next picture gets another one.
 */
import { check } from './internal/check.js';
import { EngineHost } from './internal/engine-host.js';
import { ofPicture } from './internal/extras/snapshot.js';
import { absolute } from './internal/lines.js';
import { checkDecoder, checkLatency } from './internal/options.js';
import type { Turn, WorkerEvent } from './internal/protocol.js';
import { checkSource, checkTime } from './internal/source.js';
import { folder } from './internal/spawn.js';
import { missingFeature, rendererFor } from './internal/support.js';
import type { PlayerOptions } from './types.js';

export interface ThumbnailOptions extends Pick<PlayerOptions, 'sourceType' | 'decoder' | 'baseUrl'> {
  /** Of the pictures, pixels; no picture is made larger. Default 160. */
  width?: number;
}

export interface Thumbnails {
  /** A keyframe near this time, seconds; null: there is none within 10 s, or another call came in between. */
  at(time: number): Promise<ImageBitmap | null>;
  /** Ends the session. */
  close(): void;
}

const WIDTH = 160;
/** So long a picture is waited for, ms. */
const WITHIN = 10_000;
/** And so long the next wish, ms. */
const IDLE = 1000;

interface Wish {
  time: number;
  answer(bitmap: ImageBitmap | null): void;
}

/** Of the recording, or the live stream with a window to go back in, at `url`. */
export function createThumbnails(url: string, options: ThumbnailOptions = {}): Thumbnails {
  const session = new Session(url, options);
  return {
    at: time => session.at(checkTime('time', time)),
    close: () => session.close(),
  };
}

class Session implements Thumbnails {
  readonly #address: string;
  readonly #options: ThumbnailOptions;
  #host: EngineHost | undefined;
  /** What is being fetched, and what is wanted next. */
  #present: Wish | undefined;
  /** What makes the pictures upright. */
  #upright: Turn = { rotation: 0, mirror: false };
  #next: Wish | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(url: string, options: ThumbnailOptions) {
    checkSource({ url, ...options });
    const { width = WIDTH } = options;
    check(Number.isFinite(width) && width > 0, 'width', width);
    this.#address = absolute(url);
    this.#options = { ...options, decoder: checkDecoder(options.decoder ?? 'auto') };
  }

  at(time: number): Promise<ImageBitmap | null> {
    this.#next?.answer(null);
    return new Promise(answer => {
      this.#next = { time, answer };
      this.#turn();
    });
  }

  close(): void {
    this.#closed = true;
    this.#lose();
  }

  #turn(): void {
    if (this.#present || !this.#next) return;
    const wish = this.#next;
    this.#next = undefined;
    this.#present = wish;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#lose(), WITHIN);
    if (this.#closed || missingFeature() !== null) this.#done(null);
    else if (!this.#host) this.#load(wish.time);
    else this.#host.send({ type: 'seek', to: wish.time, exact: false });
  }

  /** The first picture is that of the place where it begins. */
  #load(start: number): void {
    const { width = WIDTH, sourceType = 'auto', decoder = 'auto', baseUrl } = this.#options;
    const base = baseUrl === undefined ? undefined : folder(baseUrl);
    const host = new EngineHost(base, 'all', () => this.#lose());
    this.#host = host;
    const canvas = new OffscreenCanvas(1, 1);
    host.begin(
      {
        sink: { kind: rendererFor('canvas') === 'webgl' ? 'webgl' : 'canvas', canvas },
        latency: checkLatency('auto'),
        background: 'keep',
        decoder,
      },
      message => {
        if (message.type === 'event') this.#hear(message.event);
      },
      () => this.#lose(),
    );
    // The smallest rendition that is large enough.
    host.send({ type: 'view', width, height: width, fit: 'contain' });
    const lines = [this.#address];
    const rest = { resolve: false, renditions: [], rendition: undefined };
    host.send({ type: 'load', load: 1, lines, kind: sourceType, start, ...rest });
    host.send({ type: 'play' });
  }

  #hear(event: WorkerEvent): void {
    if (event.name === 'error' && event.fatal) this.#lose();
    if (event.name === 'resize') this.#upright = event;
    if (event.name === 'firstframe') this.#host?.send({ type: 'pause' });
    if (event.name === 'firstframe' || event.name === 'seeked') void this.#fetch(this.#present);
  }

  async #fetch(wish: Wish | undefined): Promise<void> {
    const picture = (await this.#host?.ask('picture')) ?? null;
    const canvas = ofPicture(picture, this.#upright, this.#options.width ?? WIDTH);
    if (wish && wish === this.#present) this.#done(canvas?.transferToImageBitmap() ?? null);
  }

  #done(bitmap: ImageBitmap | null): void {
    clearTimeout(this.#timer);
    const wish = this.#present;
    this.#present = undefined;
    if (this.#host) this.#timer = setTimeout(() => this.#lose(), IDLE);
    wish?.answer(bitmap);
    this.#turn();
  }

  /** The next picture needs another session. */
  #lose(): void {
    this.#host?.close();
    this.#host = undefined;
    this.#done(null);
  }
}
