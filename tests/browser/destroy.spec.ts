/** A destroyed player leaves nothing behind: no element, worker, sound output or connection. */
import { Leaks } from './harness/leaks.js';
import { contexts } from './harness/sound.js';
import type { Stage } from './harness/stage.js';
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

/** MiB that twenty players may leave: what the noise of the measurement is, and a tenth of one player. */
const LEFT = { page: 0.5, workers: 0.5, wasm: 1 };

/** Players one after the other, each until its first picture; the wasm's memory at the last one's end, MiB. */
function players(stage: Stage, url: string, count: number): Promise<number> {
  return stage.page.evaluate(
    async ({ url, count }) => {
      let wasm = 0;
      for (let i = 0; i < count; i++) {
        const player = new globalThis.stage.sailcast.Player({ container: '#box' });
        await player.load(url);
        await new Promise(resolve => player.addEventListener('stats', resolve, { once: true }));
        wasm = player.stats().quality.memory.wasm / 2 ** 20;
        player.destroy();
      }
      return wasm;
    },
    { url, count },
  );
}

test('twenty players, one after the other', async ({ stage, servers }) => {
  test.setTimeout(120_000);
  const leaks = await Leaks.of(stage.page);
  // Not HTTP: DevTools, by which Playwright works, keeps the bodies of all responses.
  const { ws } = await servers.stream('relay', 'counter-av');
  await stage.open();
  // Until caches and compiled code have their size.
  const first = await players(stage, ws, 8);
  const before = await leaks.look();
  const last = await players(stage, ws, 20);
  const after = await leaks.look();
  const told = JSON.stringify({ before, after, wasm: [first, last] });
  test.info().annotations.push({ type: 'MiB', description: told });
  expect(after.page - before.page, told).toBeLessThan(LEFT.page);
  expect(after.workers - before.workers, told).toBeLessThan(LEFT.workers);
  expect(last - first, told).toBeLessThan(LEFT.wasm);
  expect(after.count.decoders, 'decoders that are open').toBe(0);
  await expect.poll(() => stage.page.workers().length).toBe(0);
  await expect.poll(async () => (await contexts(stage.page)).filter(state => state !== 'closed')).toEqual([]);
  expect(await stage.page.evaluate(() => document.querySelector('#box')?.childElementCount)).toBe(0);
});
