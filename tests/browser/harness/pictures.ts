/**
 * What is shown: the compositor's own pictures of the page, by DevTools' screencast, whatever draws them. It does not
 * pass through the page's thread, and each picture has the compositor's time stamp.
 *
 * The compositor may leave pictures out of a screencast on a busy machine: a counter that is missing proves nothing, a
 * counter that is wrong or goes back does.
 */
import type { CDPSession, Page } from '@playwright/test';
import jpeg from 'jpeg-js';

/** A picture with a readable counter. */
export interface Shown {
  /** Milliseconds since 1970, when the compositor showed it. */
  at: number;
  counter: number;
}

interface Captured {
  at: number;
  data: string;
}

/** The strip of blocks, as tests/fixtures/make.mjs draws it: 24 of 360 rows, 16 bits and the same bits inverted. */
const STRIP_MIDDLE = 12 / 360;
const BITS = 16;
const WHITE = 128;
/** A strip is read only in pictures of the stage as a whole. */
const CAST = { width: 320, height: 180 };

/** The counter in a picture's strip; null where there is none (nothing shown yet) or it is damaged. */
export function readCounter(picture: { width: number; height: number; data: Uint8Array }): number | null {
  const y = Math.floor(picture.height * STRIP_MIDDLE);
  let value = 0;
  let check = 0;
  for (let i = 0; i < BITS * 2; i++) {
    const x = Math.floor(((i + 0.5) * picture.width) / (BITS * 2));
    const green = picture.data[(y * picture.width + x) * 4 + 1] ?? 0;
    const bit = green > WHITE ? 1 : 0;
    if (i < BITS) value = value * 2 + bit;
    else check = check * 2 + bit;
  }
  return (value ^ check) === 0xffff ? value : null;
}

export interface Cast {
  /** In the order they were shown, one entry for each change of the counter. */
  shown: Shown[];
  /** Pictures after the first counter in which no counter could be read. */
  unreadable: number;
  /** All pictures. */
  pictures: number;
}

export class Screencast {
  readonly #frames: Captured[] = [];
  readonly #cdp: CDPSession;

  private constructor(cdp: CDPSession) {
    this.#cdp = cdp;
  }

  static async start(page: Page): Promise<Screencast> {
    const cdp = await page.context().newCDPSession(page);
    const cast = new Screencast(cdp);
    cdp.on('Page.screencastFrame', frame => {
      cast.#frames.push({ at: (frame.metadata.timestamp ?? 0) * 1000, data: frame.data });
      cdp.send('Page.screencastFrameAck', { sessionId: frame.sessionId }).catch(() => {});
    });
    await cdp.send('Page.startScreencast', {
      format: 'jpeg',
      quality: 60,
      maxWidth: CAST.width,
      maxHeight: CAST.height,
      everyNthFrame: 1,
    });
    return cast;
  }

  /** Decoding waits until here, so that it takes no time from the player. */
  async stop(): Promise<Cast> {
    await this.#cdp.send('Page.stopScreencast').catch(() => {});
    await this.#cdp.detach().catch(() => {});
    // They are compressed in parallel and may come in another order than they were shown in.
    this.#frames.sort((a, b) => a.at - b.at);
    const shown: Shown[] = [];
    let unreadable = 0;
    for (const frame of this.#frames) {
      // The faulty servers live in this process: a stream must not stop while this works.
      await new Promise(resolve => setImmediate(resolve));
      const counter = readCounter(decode(frame.data));
      if (counter === null) {
        if (shown.length > 0) unreadable++;
      } else if (shown.at(-1)?.counter !== counter) {
        shown.push({ at: frame.at, counter });
      }
    }
    return { shown, unreadable, pictures: this.#frames.length };
  }
}

function decode(base64: string) {
  return jpeg.decode(Buffer.from(base64, 'base64'), { useTArray: true, formatAsRGBA: true });
}

/** One sharp picture of the page, for colours. */
export async function snapshot(page: Page): Promise<{ width: number; height: number; data: Uint8Array }> {
  const cdp = await page.context().newCDPSession(page);
  try {
    const { data } = await cdp.send('Page.captureScreenshot', { format: 'jpeg', quality: 100 });
    return decode(data);
  } finally {
    await cdp.detach();
  }
}

/** Steps between neighbours, on a counter that starts again at `length`. */
export function steps(shown: readonly Shown[], length: number): number[] {
  return shown.slice(1).map((entry, i) => {
    const before = shown[i]?.counter ?? 0;
    const step = (((entry.counter - before) % length) + length) % length;
    return step > length / 2 ? step - length : step;
  });
}
