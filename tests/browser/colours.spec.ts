/**
 * The patches of the test card have their colours, whatever draws them: primaries, range and matrix are the stream's.
 *
 * Chromium without a GPU converts by libyuv, whose coefficient for blue is saturated in BT.709 and BT.2020 of limited range: a
 * strong blue is off by up to 10 there, by <video>, 2D canvas and WebGL alike. All else is within 2; with a GPU that is too
 * (colours-gpu.spec.ts).
 */
import { expectColours, patchesOf } from './harness/card.js';
import type { Fixture } from './harness/servers.js';
import { test } from './harness/test.js';

/** Red and green, and blue. */
const CARDS: [Fixture, tolerance: [number, number]][] = [
  ['card', [2, 10]],
  ['card-601-full', [2, 2]],
  ['card-709-full', [2, 2]],
  ['card-unsaid', [2, 2]],
  ['card-2020-10', [4, 14]],
];
/** Without a GPU Chromium's <video> of a track leaves other primaries as they are. */
const LEFT_OUT = 'card-2020-10 by track';

for (const [fixture, tolerance] of CARDS) {
  for (const renderer of ['track', 'canvas', 'webgl'] as const) {
    if (`${fixture} by ${renderer}` === LEFT_OUT) continue;
    test(`colours of ${fixture} by ${renderer}`, async ({ stage, servers }) => {
      expectColours(
        await patchesOf(stage, (await servers.stream('relay', fixture)).http, { renderer }),
        tolerance,
      );
    });
  }
}
