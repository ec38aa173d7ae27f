/**
 * What is shown: the compositor's own pictures of the page, by DevTools' screencast, whatever draws them, with the
 * compositor's time stamps. It does not pass through the page's thread. Pictures are decoded when their numbers are asked
 * for, so that this takes no time from the player before.
 */
import jpeg from 'jpeg-js';

const SIZE = { maxWidth: 320, maxHeight: 180 };
const BITS = 16;
/** Middle of the strip, which has 48 of 720 rows. */
const STRIP = 24 / 720;
const BRIGHT = 110;

/** The number in a picture's strip; null where there is none, or a damaged one. */
function readNumber({ width, height, data }) {
  const y = Math.floor(height * STRIP);
  let [number, check] = [0, 0];
  for (let block = 0; block < 2 * BITS; block++) {
    const x = Math.floor(((block + 0.5) * width) / (2 * BITS));
    const bit = data[(y * width + x) * 4 + 1] > BRIGHT ? 1 : 0;
    if (block < BITS) number = number * 2 + bit;
    else check = check * 2 + bit;
  }
  return (number ^ check) === 2 ** BITS - 1 ? number : null;
}

export class Cast {
  #cdp;
  #raw = [];
  #shown = [];

  static async start(page) {
    const cast = new Cast();
    cast.#cdp = await page.context().newCDPSession(page);
    cast.#cdp.on('Page.screencastFrame', ({ metadata, data, sessionId }) => {
      cast.#raw.push({ at: metadata.timestamp * 1000, data });
      cast.#cdp.send('Page.screencastFrameAck', { sessionId }).catch(() => {});
    });
    await cast.#cdp.send('Page.startScreencast', { format: 'jpeg', quality: 50, everyNthFrame: 1, ...SIZE });
    return cast;
  }

  /** So far: `{ at, number }` for each change of the number, in the order shown; `at` in ms since 1970. */
  shown() {
    for (const { at, data } of this.#raw.splice(0)) {
      const number = readNumber(jpeg.decode(Buffer.from(data, 'base64'), { useTArray: true }));
      if (number !== null && this.#shown.at(-1)?.number !== number) this.#shown.push({ at, number });
    }
    return this.#shown;
  }

  async stop() {
    await this.#cdp.send('Page.stopScreencast').catch(() => {});
    await this.#cdp.detach().catch(() => {});
    return this.shown();
  }
}
