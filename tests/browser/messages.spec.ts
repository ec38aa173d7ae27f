/** Messages in the stream are told when they come, and again when their time has come. */
import { expect, test } from './harness/test.js';

test('each message is told on arrival, and as a cue with its picture', async ({ stage, servers }) => {
  await stage.open();
  await stage.play(servers.relay.http('demo'), { latency: 1 });
  await stage.event('playing');
  await stage.wait(4);
  const clocks = async (name: 'metadata' | 'cue') =>
    (await stage.events(name)).filter(({ detail }) => detail.message === 'onWallClock');
  const [came, due] = [await clocks('metadata'), await clocks('cue')];
  // Those of the cached GOP that were skipped are told with the first picture: none is lost, none is out of order.
  expect(due.length).toBeGreaterThan(2);
  expect(due.map(({ detail }) => detail)).toEqual(came.slice(0, due.length).map(({ detail }) => detail));
  const last = due.at(-1);
  const its = came[due.length - 1];
  // It waited for its picture as long as the player is behind.
  expect((last?.at ?? 0) - (its?.at ?? 0)).toBeGreaterThan(500);
});
