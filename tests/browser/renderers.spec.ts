/** The canvas shows what the track generator shows, in order and in sync. */
import { expectInOrder, expectInSync, ROUND, within } from './harness/measures.js';
import { Screencast } from './harness/pictures.js';
import { beeps } from './harness/sound.js';
import { expect, test } from './harness/test.js';

for (const [renderer, tag] of [
  ['track', 'VIDEO'],
  ['canvas', 'CANVAS'],
  ['webgl', 'CANVAS'],
] as const) {
  test(`drawn by ${renderer}`, async ({ stage, servers }) => {
    const stream = await servers.stream('relay', 'counter-av');
    await stage.open();
    const cast = await Screencast.start(stage.page);
    await stage.play(stream.http, { renderer });
    const playing = await stage.event('playing');
    const presented = await stage.page.evaluate(
      () =>
        new Promise<number | null>(resolve => {
          const element = globalThis.stage.players[0]?.element;
          if (!(element instanceof HTMLVideoElement)) return setTimeout(() => resolve(null), 4500);
          let first = 0;
          let last = 0;
          const look: VideoFrameRequestCallback = (_, { presentedFrames }) => {
            first ||= presentedFrames;
            last = presentedFrames;
            element.requestVideoFrameCallback(look);
          };
          element.requestVideoFrameCallback(look);
          return setTimeout(() => resolve((last - first) / 4.5), 4500);
        }),
    );
    if (presented !== null) expect(presented, 'frames presented a second').toBeGreaterThan(24);
    const shown = await cast.stop();
    expect(await stage.page.evaluate(() => globalThis.stage.players[0]?.element.tagName)).toBe(tag);
    expectInOrder(shown, ROUND['counter-av']);
    expectInSync(within(shown, playing.at), await beeps(stage.page));
  });
}
