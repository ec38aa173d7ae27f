/** Of several tracks one of a kind plays; another one is chosen without a pause. */
import { flows } from '../interop/flows.js';
import { expectInOrder, ROUND } from './harness/measures.js';
import { Screencast } from './harness/pictures.js';
import { post } from './harness/post.js';
import { expect, test } from './harness/test.js';

test('tracks are told, and chosen while they play', async ({ stage, servers }) => {
  const publisher = post('counter-tracks', servers.relay.publish('tracks'));
  try {
    const url = servers.relay.http('tracks');
    await flows(url);
    await stage.open();
    const cast = await Screencast.start(stage.page);
    await stage.play(url);
    await stage.event('playing');
    const list = () =>
      stage.page.evaluate(() =>
        (globalThis.stage.players[0]?.tracks ?? []).map(
          ({ kind, number, selected }) => `${kind} ${number}${selected ? ', plays' : ''}`,
        ),
      );
    const select = (kind: 'video' | 'audio', number: number) =>
      stage.page.evaluate(([kind, number]) => globalThis.stage.players[0]?.selectTrack(kind, number), [
        kind,
        number,
      ] as const);
    expect((await list()).sort()).toEqual(['audio 0, plays', 'audio 1', 'video 0, plays', 'video 1']);
    await select('video', 1);
    await select('audio', 1);
    // From its next keyframe on, of which there is one each 2 s.
    await expect
      .poll(async () => (await list()).sort(), { timeout: 4000 })
      .toEqual(['audio 0', 'audio 1, plays', 'video 0', 'video 1, plays']);
    await stage.event('resize', { count: 2 });
    const before = await stage.stats();
    await stage.wait(2);
    const after = await stage.stats();
    expect(after.framesRendered - before.framesRendered).toBeGreaterThan(50);
    expect(after.audioPackets).toBeGreaterThan(before.audioPackets + 70);
    expect(after.stalls).toBe(0);
    const sizes = (await stage.events('resize')).map(({ detail }) => `${detail.width}x${detail.height}`);
    expect(sizes).toEqual(['640x360', '320x180']);
    // The numbers on the pictures go on through the change.
    expectInOrder(await cast.stop(), ROUND['counter-av']);
    expect(await stage.events('error')).toEqual([]);
  } finally {
    publisher.stop();
  }
});
