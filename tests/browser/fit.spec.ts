/** `contain`, `cover` and `fill` in a square box, as CSS object-fit. */
import type { Fit } from '../../dist/index.js';
import { snapshot } from './harness/pictures.js';
import { expect, test } from './harness/test.js';

const SIDE = 320;
/** Of a 640x360 picture in the box: a row above the letterbox's edge, and what is left and right in the middle row. */
type Look = { top: string; left: string; right: string };
const NAMES: Record<string, [number, number, number]> = {
  white: [255, 255, 255],
  red: [200, 40, 40],
  green: [40, 170, 60],
  blue: [40, 70, 200],
};
/** In the upper row of the card: white, red, green, blue. `cover` cuts 140 of 640 pixels on each side. */
const LOOKS: Record<Fit, Look> = {
  contain: { top: 'none', left: 'white', right: 'blue' },
  cover: { top: 'strip', left: 'red', right: 'green' },
  fill: { top: 'strip', left: 'white', right: 'blue' },
};

for (const renderer of ['track', 'canvas', 'webgl'] as const) {
  test(`fit by ${renderer}`, async ({ stage, servers }) => {
    const stream = await servers.stream('relay', 'card');
    await stage.open();
    await stage.page.evaluate(side => {
      const box = document.querySelector<HTMLElement>('#box');
      if (box) Object.assign(box.style, { width: `${side}px`, height: `${side}px` });
    }, SIDE);
    await stage.play(stream.http, { renderer });
    await stage.event('playing');
    for (const fit of ['contain', 'cover', 'fill'] as const) {
      await stage.page.evaluate(f => {
        const player = globalThis.stage.players[0];
        if (player) player.fit = f;
      }, fit);
      await expect
        .poll(
          async () => {
            const picture = await snapshot(stage.page);
            const pixel = (x: number, y: number) => [
              ...picture.data.subarray((y * picture.width + x) * 4, (y * picture.width + x) * 4 + 3),
            ];
            const name = ([r = 0, g = 0, b = 0]: number[]) =>
              Object.entries(NAMES).find(
                ([, c]) => Math.abs(c[0] - r) + Math.abs(c[1] - g) + Math.abs(c[2] - b) < 40,
              )?.[0] ?? 'none';
            // A third down is in the card's upper row for each fit; the strip has black and white blocks.
            const third = Math.floor(SIDE * 0.37);
            const row = Array.from({ length: SIDE }, (_, x) => pixel(x, 4)[1] ?? 0);
            const strip =
              Math.max(...row) > 200 && Math.min(...row) < 60 && row.filter(v => v > 200).length > 20;
            return {
              top: strip ? 'strip' : 'none',
              left: name(pixel(24, third)),
              right: name(pixel(SIDE - 25, third)),
            };
          },
          { message: fit, timeout: 4000 },
        )
        .toEqual(LOOKS[fit]);
    }
  });
}
