/**
 * The first picture comes at once and whole, wherever in a GOP the viewer joins: the decoder began with the keyframe. What the
 * server had kept of the GOP is played through at full speed, so that the eye may meet a later picture first; none goes back.
 */
import { GOP, ROUND } from './harness/measures.js';
import { Screencast, steps } from './harness/pictures.js';
import { expect, test } from './harness/test.js';

for (const scheme of ['url', 'ws'] as const) {
  test(`the stream is asked for before the player is there: ${scheme}`, async ({ stage, broadcast }) => {
    const live = await broadcast([{}]);
    let fetched = Number.POSITIVE_INFINITY;
    await stage.page.route('**/streams_bg.wasm', async route => {
      await stage.wait(1);
      fetched = Date.now();
      await route.continue();
    });
    await stage.open();
    const cast = await Screencast.start(stage.page);
    await stage.play(live[scheme]());
    await stage.event('playing');
    await stage.wait(1);
    expect(live.asked.map(({ at }) => at < fetched)).toEqual([true]);
    const { shown, unreadable } = await cast.stop();
    expect(unreadable, 'damaged pictures').toBe(0);
    expect(steps(shown, ROUND['counter-av']).filter(step => step <= 0)).toEqual([]);
    await stage.page.evaluate(() => globalThis.stage.players.at(-1)?.destroy());
    await expect.poll(() => live.open).toBe(0);
  });
}

test('the first picture is whole, and the newest follow', async ({ stage, servers }) => {
  const stream = await servers.stream('relay', 'counter-av');
  await stage.open();
  // Joins at different places of the GOP.
  for (const round of [1, 2, 3]) {
    const cast = await Screencast.start(stage.page);
    await stage.play(stream.http);
    const first = await stage.event('firstframe', { count: round });
    await stage.wait(0.7);
    const { shown, unreadable } = await cast.stop();
    const seen = `shown: ${shown.map(s => s.counter).join(' ')}`;
    expect(unreadable, 'damaged pictures').toBe(0);
    expect(shown.length, seen).toBeGreaterThan(5);
    expect(
      steps(shown, ROUND['counter-av']).filter(step => step <= 0),
      seen,
    ).toEqual([]);
    // No older than the server's last keyframe.
    const [begun, last] = [shown[0], shown.at(-1)];
    const behind = begun && last ? (steps([begun, last], ROUND['counter-av'])[0] ?? 0) : 0;
    expect(behind, seen).toBeLessThan(GOP + 0.7 * 30 + 10);
    expect(first.detail.elapsed).toBeLessThan(2);
    await stage.page.evaluate(() => globalThis.stage.players.at(-1)?.destroy());
    await stage.wait(0.3);
  }
});
