/**
 * What is shown: the compositor's own pictures of the page, by DevTools' screencast, whatever draws them, with the
 * compositor's time stamps. It does not pass through the page's thread. Pictures are decoded when their numbers are asked
 * for, so that this takes no time from the player before.
 *
 * A page with several players is a square of cells, which are read each by itself. They are cast smaller: many players
 * leave the machine little time for being watched.
 */
import jpeg from 'jpeg-js';

/** Of a page's only player, and of each of several. */
const [ALONE, CELL] = [
  [320, 180],
  [128, 72],
];
const BITS = 16;
/** Middle of the strip, which has 48 of 720 rows. */
const STRIP = 24 / 720;
const BRIGHT = 110;

/** The number in the strip of the cell at `column`, `row`; null where there is none, or a damaged one. */
function readNumber({ width, height, data }, columns, column, row) {
  const [cellWidth, cellHeight] = [width / columns, height / columns];
  const y = Math.floor((row + STRIP) * cellHeight);
  let [number, check] = [0, 0];
  for (let block = 0; block < 2 * BITS; block++) {
    const x = Math.floor((column + (block + 0.5) / (2 * BITS)) * cellWidth);
    const bit = data[(y * width + x) * 4 + 1] > BRIGHT ? 1 : 0;
    if (block < BITS) number = number * 2 + bit;
    else check = check * 2 + bit;
  }
  return (number ^ check) === 2 ** BITS - 1 ? number : null;
}

export class Cast {
  #cdp;
  #columns;
  #raw = [];
  #cells;

  /** Of a page with so many players. */
  static async start(page, players = 1) {
    const cast = new Cast();
    cast.#columns = Math.ceil(Math.sqrt(players));
    cast.#cells = Array.from({ length: players }, () => []);
    cast.#cdp = await page.context().newCDPSession(page);
    cast.#cdp.on('Page.screencastFrame', ({ metadata, data, sessionId }) => {
      cast.#raw.push({ at: metadata.timestamp * 1000, data });
      cast.#cdp.send('Page.screencastFrameAck', { sessionId }).catch(() => {});
    });
    const [maxWidth, maxHeight] = players === 1 ? ALONE : CELL.map(side => side * cast.#columns);
    const size = { maxWidth, maxHeight };
    await cast.#cdp.send('Page.startScreencast', { format: 'jpeg', quality: 50, everyNthFrame: 1, ...size });
    return cast;
  }

  /** So far: `{ at, number }` for each change of the number, in the order shown; `at` in ms since 1970. */
  shown(cell = 0) {
    for (const { at, data } of this.#raw.splice(0)) {
      const picture = jpeg.decode(Buffer.from(data, 'base64'), { useTArray: true });
      for (const [index, shown] of this.#cells.entries()) {
        const [column, row] = [index % this.#columns, Math.floor(index / this.#columns)];
        const number = readNumber(picture, this.#columns, column, row);
        if (number !== null && shown.at(-1)?.number !== number) shown.push({ at, number });
      }
    }
    return this.#cells[cell];
  }

  async stop() {
    await this.#cdp.send('Page.stopScreencast').catch(() => {});
    await this.#cdp.detach().catch(() => {});
    return this.shown();
  }
}
