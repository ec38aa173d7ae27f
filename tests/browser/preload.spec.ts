/** The next room, made ready: its picture comes sooner, from the one request that was sent ahead; and nothing is held for ever. */
import { copyFileSync } from 'node:fs';
import path from 'node:path';
import type { PreloadOptions } from '../../dist/index.js';
import { Folder } from './harness/folder.js';
import { expectInOrder, ROUND, within } from './harness/measures.js';
import { Screencast } from './harness/pictures.js';
import { recording } from './harness/recordings.js';
import type { Stage } from './harness/stage.js';
import { expect, test } from './harness/test.js';

/** What a server takes to answer, seconds. */
const FAR = 0.6;

const preload = (stage: Stage, url: string, options: PreloadOptions = {}) =>
  stage.page.evaluate(
    ([url, options]) => {
      (globalThis as { ready?: unknown }).ready = globalThis.stage.sailcast.preload(url, options);
    },
    [url, options] as const,
  );

for (const scheme of ['url', 'ws'] as const) {
  test(`the first picture after a preload, beside one without: ${scheme}`, async ({ stage, broadcast }) => {
    const live = await broadcast({ main: [{ delay: FAR }] });
    await stage.open();
    const elapsed = async (count: number) => {
      await stage.play(live[scheme]());
      const { detail } = await stage.event('firstframe', { count });
      await stage.event('playing', { count });
      await stage.page.evaluate(() => globalThis.stage.players.at(-1)?.destroy());
      await expect.poll(() => live.open).toBe(0);
      return detail.elapsed as number;
    };
    // The wasm is compiled once a page: not part of the comparison.
    await elapsed(1);
    const without = await elapsed(2);
    await preload(stage, live[scheme]());
    await stage.wait(1);
    const asked = live.asked.length;
    const after = await elapsed(3);
    expect(live.asked.length, 'no second request').toBe(asked);
    test.info().annotations.push({
      type: 'first picture, s',
      description: `${without.toFixed(3)} without, ${after.toFixed(3)} after a preload`,
    });
    expect(after / without, `${after} of ${without} s`).toBeLessThan(0.6);
    await expect.poll(() => stage.page.workers().length).toBe(0);
  });
}

for (const renderer of ['track', 'canvas'] as const) {
  test(`a player that plays goes over to it, ${renderer}`, async ({ stage, broadcast }) => {
    const live = await broadcast({ one: [{}], two: [{}] });
    await stage.open();
    const cast = await Screencast.start(stage.page);
    await stage.play(live.url('one'), { renderer });
    await stage.event('playing');
    await stage.wait(1);
    await preload(stage, live.url('two'));
    await stage.wait(1);
    await stage.load(live.url('two'));
    await stage.event('playing', { count: 2 });
    await expect.poll(async () => (await stage.stats()).audio).toBe('running');
    await stage.wait(2);
    const [, first] = await stage.events('firstframe');
    const { shown, ...rest } = await cast.stop();
    // No black picture between the two, and each in its order.
    expectInOrder({ shown: within({ shown, ...rest }, 0, first?.at), ...rest }, ROUND['counter-av']);
    expectInOrder(
      { shown: within({ shown, ...rest }, (first?.at ?? 0) + 200), ...rest },
      ROUND['counter-av'],
    );
    expect(live.asked.map(({ url }) => url)).toEqual(['/one.flv', '/two.flv']);
    await expect.poll(() => live.open).toBe(1);
    expect(stage.page.workers()).toHaveLength(1);
    const stats = await stage.stats();
    expect(stats.state).toBe('playing');
    expect(stats.latency).toBeLessThan(1);
    expect(await stage.events('error')).toEqual([]);
  });
}

for (const scheme of ['url', 'ws'] as const) {
  test(`one that nobody came for is let go: ${scheme}`, async ({ stage, broadcast }) => {
    const live = await broadcast([{}]);
    await stage.open();
    await preload(stage, live[scheme](), { seconds: 1 });
    await expect.poll(() => live.open).toBe(1);
    await expect.poll(() => live.open, { timeout: 4000 }).toBe(0);
    await expect.poll(() => stage.page.workers().length).toBe(0);

    await preload(stage, live[scheme]());
    await expect.poll(() => live.open).toBe(1);
    await stage.page.evaluate(() =>
      (globalThis as unknown as { ready: { release(): void } }).ready.release(),
    );
    await expect.poll(() => live.open).toBe(0);
    await expect.poll(() => stage.page.workers().length).toBe(0);
  });
}

test('a file whose address does not tell what it is', async ({ stage }) => {
  copyFileSync(path.join(recording('first.mp4'), 'first.mp4'), test.info().outputPath('film'));
  const folder = await Folder.start(test.info().outputDir);
  try {
    await stage.open();
    await preload(stage, folder.url('film'), { sourceType: 'file' });
    await expect.poll(() => folder.asked.length).toBe(1);
    await stage.play(folder.url('film'), { sourceType: 'file' });
    await stage.event('playing');
    const asked = folder.asked.map(({ range }) => range);
    expect(asked[0]).toBe('bytes=0-524287');
    expect(asked.slice(1), 'not asked for again').not.toContain(asked[0]);
  } finally {
    await folder.stop();
  }
});

test('one that failed leaves no trace: load() tells', async ({ stage, broadcast }) => {
  stage.allow(/Failed to load resource/);
  const live = await broadcast({ main: [{ status: 404 }] });
  await stage.open();
  await preload(stage, live.url());
  await stage.wait(0.5);
  await stage.play(live.url());
  const { detail } = await stage.event('error');
  expect(detail).toMatchObject({ details: 'httpStatus', fatal: true });
});
