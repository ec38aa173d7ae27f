/** A destroyed player leaves nothing behind: no element, worker, sound output or connection. */
import { contexts } from './harness/sound.js';
import { expect, test } from './harness/test.js';

test('destroy while playing', async ({ stage, servers }) => {
  await stage.open();
  for (const round of [1, 2]) {
    await stage.play(servers.faulty.http('live'));
    await stage.event('playing', { count: round });
    await stage.wait(0.5);
    expect(stage.page.workers()).toHaveLength(1);
    expect(servers.faulty.open()).toBe(1);
    expect(await stage.page.evaluate(() => document.querySelector('#box')?.childElementCount)).toBe(1);
    const seen = await stage.page.evaluate(() => {
      const player = globalThis.stage.players.at(-1);
      player?.destroy();
      player?.destroy();
      return globalThis.stage.events.length;
    });
    expect(await stage.page.evaluate(() => document.querySelector('#box')?.childElementCount)).toBe(0);
    await expect.poll(() => stage.page.workers().length).toBe(0);
    await expect.poll(() => servers.faulty.open()).toBe(0);
    await expect
      .poll(async () => (await contexts(stage.page)).filter(state => state !== 'closed'))
      .toEqual([]);
    expect((await stage.events()).length, 'nothing is heard of it').toBe(seen);
    expect(await stage.events('destroyed')).toHaveLength(round);
  }
});

test('destroy while connecting', async ({ stage, servers }) => {
  await stage.open();
  await stage.play(servers.faulty.http('silent'));
  await stage.event('loadstart');
  await expect.poll(() => servers.faulty.open()).toBe(1);
  await stage.page.evaluate(() => globalThis.stage.players[0]?.destroy());
  await expect.poll(() => servers.faulty.open()).toBe(0);
  await expect.poll(() => stage.page.workers().length).toBe(0);
  await expect.poll(async () => (await contexts(stage.page)).filter(state => state !== 'closed')).toEqual([]);
});
