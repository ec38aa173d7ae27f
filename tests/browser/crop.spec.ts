/** Odd sizes and crops are exact: a frame of one pixel around the picture is seen whole, and nothing of what is outside of it. */
import { type Point, pixelsAt } from './harness/card.js';
import type { Fixture } from './harness/servers.js';
import { expect, test } from './harness/test.js';

/**
 * What H.264 cuts out: even sizes of 4:2:0, any of 4:4:4, which the software decoder does not know. Chromium's own
 * begins each picture at its very left top corner, whatever the stream wants cut off there, which no encoder does.
 */
const PICTURES: [Fixture, width: number, height: number, decoders: ('auto' | 'wasm')[]][] = [
  ['frame-420', 318, 178, ['auto', 'wasm']],
  ['frame-420-inset', 318, 178, ['wasm']],
  ['frame-444', 319, 179, ['auto']],
];
/** Of a white that is 255, and of the black around it. */
const [WHITE, BLACK] = [225, 30];

for (const [fixture, width, height, decoders] of PICTURES) {
  for (const decoder of decoders) {
    for (const renderer of ['track', 'canvas', 'webgl'] as const) {
      test(`${fixture} by ${decoder} and ${renderer}`, async ({ stage, servers }) => {
        const stream = await servers.stream('relay', fixture);
        await stage.open();
        await stage.page.evaluate(
          ([width, height]) => {
            const box = document.querySelector<HTMLElement>('#box');
            if (box) Object.assign(box.style, { width: `${width}px`, height: `${height}px` });
          },
          [width, height] as const,
        );
        await stage.play(stream.http, { renderer, decoder });
        await stage.event('playing');
        await stage.wait(0.5);
        const size = await stage.page.evaluate(() => {
          const player = globalThis.stage.players[0];
          return [player?.videoWidth, player?.videoHeight];
        });
        expect(size).toEqual([width, height]);
        const [right, bottom] = [width - 1, height - 1];
        const [x, y] = [100, 80];
        const on: Point[] = [
          [0, y],
          [right, y],
          [x, 0],
          [x, bottom],
          [0, 0],
          [right, bottom],
        ].map(([x = 0, y = 0]) => [x, y]);
        const inside: Point[] = [
          [2, y],
          [right - 2, y],
          [x, 2],
          [x, bottom - 2],
          [x, y],
        ].map(([x = 0, y = 0]) => [x, y]);
        const outside: Point[] = [
          [width, y],
          [x, height],
        ];
        const story = async () => ({
          on: (await pixelsAt(stage.page, on)).filter(rgb => Math.min(...rgb) < WHITE),
          inside: (await pixelsAt(stage.page, inside)).filter(rgb => Math.max(...rgb) > BLACK),
          outside: await pixelsAt(stage.page, outside),
        });
        const page: [number, number, number] = [0x20, 0x20, 0x20];
        await expect.poll(story).toEqual({ on: [], inside: [], outside: [page, page] });
      });
    }
  }
}
