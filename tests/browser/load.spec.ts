/** A load takes the place of the one before it, at any time; the promise of the earlier one is rejected. */
import { expectInOrder, ROUND } from './harness/measures.js';
import { Screencast } from './harness/pictures.js';
import { expect, test } from './harness/test.js';

test('load on load, before anything is shown', async ({ stage, servers }) => {
  const [first, second] = [
    await servers.stream('relay', 'counter-av'),
    await servers.stream('relay', 'video-only'),
  ];
  await stage.open();
  const outcomes = await stage.page.evaluate(
    async ([a, b]) => {
      const { make, players } = globalThis.stage;
      make({});
      const outcome = (promise: Promise<void> | undefined) =>
        promise?.then(
          () => 'resolved',
          (error: Error) => error.name,
        );
      const player = players[0];
      return Promise.all([outcome(player?.load(a)), outcome(player?.load(a)), outcome(player?.load(b))]);
    },
    [first.http, second.ws] as const,
  );
  expect(outcomes).toEqual(['AbortError', 'AbortError', 'resolved']);
  await stage.wait(1);
  expect((await stage.stats()).audioPackets).toBe(0);
  expect(await stage.events('firstframe')).toHaveLength(1);
  expect(await stage.events('error')).toEqual([]);
});

test('load on load, while playing', async ({ stage, servers }) => {
  const [first, second] = [
    await servers.stream('relay', 'counter-av'),
    await servers.stream('relay', 'video-only'),
  ];
  await stage.open();
  await stage.play(first.http);
  await stage.event('playing');
  await stage.wait(1);
  await stage.load(second.http);
  await stage.event('firstframe', { count: 2 });
  await stage.event('playing', { count: 2 });
  const cast = await Screencast.start(stage.page);
  await stage.wait(2.5);
  expectInOrder(await cast.stop(), ROUND['video-only']);
  const stats = await stage.stats();
  expect(stats.audioPackets).toBe(0);
  expect(stats.state).toBe('playing');
  await stage.load(first.ws);
  await stage.event('playing', { count: 3 });
  await stage.wait(1);
  expect((await stage.stats()).audioPackets).toBeGreaterThan(20);
  expect(await stage.events('error')).toEqual([]);
});
