/** Mounted, unmounted and mounted again in one go, as React's StrictMode does: one player plays. */
import { expectInOrder, ROUND } from './harness/measures.js';
import { Screencast } from './harness/pictures.js';
import { expect, test } from './harness/test.js';

test('mount, unmount, mount', async ({ stage, servers }) => {
  const stream = await servers.stream('relay', 'counter-av');
  await stage.open();
  const cast = await Screencast.start(stage.page);
  await stage.page.evaluate(url => {
    const { make, players } = globalThis.stage;
    make({ url, autoplay: true });
    players[0]?.destroy();
    make({ url, autoplay: true });
  }, stream.http);
  const playing = await stage.event('playing');
  expect(playing.player).toBe(1);
  await stage.wait(3);
  expectInOrder(await cast.stop(), ROUND['counter-av']);
  expect(stage.page.workers()).toHaveLength(1);
  expect(await stage.page.evaluate(() => document.querySelector('#box')?.childElementCount)).toBe(1);
  expect((await stage.events()).filter(e => e.player === 0 && e.name !== 'destroyed')).toEqual([]);
});
