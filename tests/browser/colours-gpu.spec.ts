/**
 * The same in a browser that composes its pages with a GPU, as nearly all do: within 2 levels. The GPU is SwiftShader, a driver
 * that works on the processor; what Chromium does before the driver is what it does with any.
 */
import { expectColours, patchesOf } from './harness/card.js';
import { test } from './harness/test.js';
import { AUTOPLAY, EXECUTABLE, FLAGS } from './playwright.config.js';

test.use({
  launchOptions: {
    executablePath: EXECUTABLE,
    args: [
      ...FLAGS.filter(flag => flag !== '--disable-gpu'),
      ...['--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--ignore-gpu-blocklist'],
      ...['--enable-gpu-rasterization', AUTOPLAY],
    ],
  },
});

for (const fixture of ['card', 'card-601-full', 'card-709-full', 'card-unsaid', 'card-2020-10'] as const) {
  for (const renderer of ['track', 'canvas', 'webgl'] as const) {
    test(`with a GPU: colours of ${fixture} by ${renderer}`, async ({ stage, servers }) => {
      const { http } = await servers.stream('relay', fixture);
      // Pictures of 10 bits go through libyuv before they reach the GPU.
      const tolerance: [number, number] = fixture === 'card-2020-10' ? [4, 14] : [2, 2];
      expectColours(await patchesOf(stage, http, { renderer }), tolerance);
    });
  }
}
