/** The patches of the test card have their colours, whatever draws them: range and matrix are the stream's. */
import { readFileSync } from 'node:fs';
import { snapshot } from './harness/pictures.js';
import { expect, test } from './harness/test.js';

const card: { columns: number; rows: number; patches: number[][] } = JSON.parse(
  readFileSync(new URL('../fixtures/card.json', import.meta.url), 'utf8'),
);
/**
 * A wrong matrix or range is off by 15 to 35 in half of the patches. Chromium without a GPU converts by libyuv, whose
 * coefficient for blue in BT.709 is saturated: up to 9 are lost in a strong blue, by <video> and canvas alike.
 */
const TOLERANCE = [6, 6, 11];
const STRIP = 24;

for (const renderer of ['track', 'canvas'] as const) {
  test(`colours by ${renderer}`, async ({ stage, servers }) => {
    const stream = await servers.stream('relay', 'card');
    await stage.open();
    await stage.play(stream.http, { renderer });
    await stage.event('playing');
    await stage.wait(1);
    expect((await stage.stats()).renderer).toBe(renderer);
    const picture = await snapshot(stage.page);
    const seen = card.patches.map((_, i) => {
      const x = Math.floor(((i % card.columns) + 0.5) * (640 / card.columns));
      const y = Math.floor(STRIP + (Math.floor(i / card.columns) + 0.5) * ((360 - STRIP) / card.rows));
      return [...picture.data.subarray((y * picture.width + x) * 4, (y * picture.width + x) * 4 + 3)];
    });
    for (const [i, patch] of card.patches.entries()) {
      for (const [k, value] of patch.entries()) {
        const off = Math.abs((seen[i]?.[k] ?? 0) - value);
        expect(off, `patch ${i}: expected ${patch}, seen ${seen[i]}`).toBeLessThanOrEqual(TOLERANCE[k] ?? 0);
      }
    }
  });
}
