/** The first picture is a keyframe, shown at once, and the clock starts from there or later. */
import { GOP } from './harness/measures.js';
import { Screencast } from './harness/pictures.js';
import { expect, test } from './harness/test.js';

/** A screencast may have its first look a picture or two later. */
const LATE_LOOK = 2;

test('the first picture shown is a keyframe', async ({ stage, servers }) => {
  const stream = await servers.stream('relay', 'counter-av');
  await stage.open();
  // Joins at different places of the GOP.
  for (const round of [1, 2, 3]) {
    const cast = await Screencast.start(stage.page);
    await stage.play(stream.http);
    const first = await stage.event('firstframe', { count: round });
    await stage.wait(0.7);
    const { shown } = await cast.stop();
    expect(
      (shown[0]?.counter ?? -1) % GOP,
      `shown: ${shown.map(s => s.counter).join(' ')}`,
    ).toBeLessThanOrEqual(LATE_LOOK);
    expect(first.detail.elapsed).toBeLessThan(2);
    await stage.page.evaluate(() => globalThis.stage.players.at(-1)?.destroy());
    await stage.wait(0.3);
  }
});
