/** A stream that ends in good order is played to its end, says so once, and the player may be used again. */
import { Screencast } from './harness/pictures.js';
import { expect, test } from './harness/test.js';

test('the end of a file, then another load', async ({ stage, servers }) => {
  await stage.open();
  const cast = await Screencast.start(stage.page);
  await stage.play(servers.faulty.http('short'));
  await stage.event('ended');
  const { shown } = await cast.stop();
  // Frames 0 to 59 are in the 2 s; the compositor may have left out the very last.
  expect(shown.at(-1)?.counter).toBeGreaterThanOrEqual(57);
  expect(await stage.events('reconnecting'), 'there is no more of a file').toEqual([]);
  expect((await stage.stats()).state).toBe('ended');
  expect(await stage.page.evaluate(() => globalThis.stage.players[0]?.ended)).toBe(true);
  await stage.load(servers.faulty.http('live'));
  await stage.event('firstframe', { count: 2 });
  await stage.event('playing', { count: 2 });
  expect(await stage.events('ended')).toHaveLength(1);
  expect(await stage.events('error')).toEqual([]);
});

test('the end of a live stream whose publisher does not come back', async ({ stage, broadcast }) => {
  stage.allow(/Failed to load resource/);
  const live = await broadcast([{ seconds: 2, fault: 'end' }, { status: 404 }]);
  await stage.open();
  const cast = await Screencast.start(stage.page);
  await stage.play(live.url());
  const lost = await stage.event('reconnecting');
  const ended = await stage.event('ended', { seconds: 15 });
  expect(ended.at - lost.at, 'ms of waiting for the publisher').toBeLessThan(12_000);
  expect((await cast.stop()).unreadable, 'the last picture stays').toBe(0);
  expect((await stage.stats()).state).toBe('ended');
  expect(live.asked, 'tries').toHaveLength(1 + 4);
  expect((await stage.events('reconnecting')).map(({ detail }) => detail.attempt)).toEqual([1, 2, 3, 4]);
  await stage.wait(1);
  expect(await stage.events('ended')).toHaveLength(1);
  expect(await stage.events('error'), 'no error').toEqual([]);
});
