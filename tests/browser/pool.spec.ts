/** Players of one page share workers: each plays its own stream, goes alone, and comes back when its worker crashes. */
import type { Stage } from './harness/stage.js';
import { expect, test } from './harness/test.js';

/** Three players side by side, as on a page of a machine with two cores, each with a stream of its own. */
async function three(stage: Stage, url: string): Promise<void> {
  await stage.page.addInitScript(() => {
    Object.defineProperty(navigator, 'hardwareConcurrency', { get: () => 2 });
  });
  await stage.open();
  await stage.page.evaluate(url => {
    const box = document.querySelector('#box') as HTMLElement;
    box.style.display = 'grid';
    box.style.gridTemplateColumns = 'repeat(3, 1fr)';
    for (let i = 0; i < 3; i++) {
      const container = document.createElement('div');
      box.append(container);
      globalThis.stage.players.push(new globalThis.stage.sailcast.Player({ container, url, autoplay: true }));
      globalThis.stage.watch(globalThis.stage.players[i] as EventTarget, i);
    }
  }, url);
  await stage.event('playing', { count: 3 });
}

/** Which players show new pictures and take samples within a second. */
async function alive(stage: Stage): Promise<number[]> {
  const look = () =>
    stage.page.evaluate(() =>
      globalThis.stage.players.map(player => {
        const { framesRendered, audio, state } = player.stats();
        const { totalVideoFrames } = (player.element as HTMLVideoElement).getVideoPlaybackQuality();
        return { framesRendered, totalVideoFrames, sounds: audio === 'running' && state === 'playing' };
      }),
    );
  const before = await look();
  await stage.wait(1);
  const after = await look();
  return after.flatMap((now, i) => {
    const was = before[i];
    const grows =
      was && now.framesRendered > was.framesRendered && now.totalVideoFrames > was.totalVideoFrames;
    return grows && now.sounds ? [i] : [];
  });
}

test('three players on two workers; one goes, and the others stay', async ({ stage, servers }) => {
  await three(stage, servers.faulty.http('live'));
  await expect.poll(() => alive(stage)).toEqual([0, 1, 2]);
  expect(stage.page.workers()).toHaveLength(2);
  expect(servers.faulty.open()).toBe(3);

  await stage.page.evaluate(() => globalThis.stage.players[0]?.destroy());
  await expect.poll(() => servers.faulty.open()).toBe(2);
  expect(await alive(stage)).toEqual([1, 2]);
  expect(stage.page.workers()).toHaveLength(2);
  expect(await stage.events('waiting')).toEqual([]);

  await stage.page.evaluate(() => {
    for (const player of globalThis.stage.players) player.destroy();
  });
  await expect.poll(() => servers.faulty.open()).toBe(0);
  await expect.poll(() => stage.page.workers().length).toBe(0);
});

test('a worker crashes: its players come back by themselves, the other has not noticed', async ({
  stage,
  servers,
}) => {
  stage.allow(/boom/);
  await three(stage, servers.faulty.http('live'));
  await expect.poll(() => alive(stage)).toEqual([0, 1, 2]);
  await stage.crashWorker();
  await stage.event('reconnected', { count: 2 });
  await expect.poll(() => alive(stage)).toEqual([0, 1, 2]);
  const again = await stage.events('reconnecting');
  expect(again.map(({ player }) => player)).toEqual([0, 2]);
  expect(again.map(({ detail }) => detail.reason)).toEqual(['crash', 'crash']);
  const stalled = (await stage.events('waiting')).map(({ player }) => player);
  expect(stalled.slice(0, 2)).toEqual([0, 2]);
  expect(stalled).not.toContain(1);
  for (const unwanted of ['error', 'pause', 'ended']) expect(await stage.events(unwanted)).toEqual([]);
  expect(stage.page.workers()).toHaveLength(2);
  expect(servers.faulty.open()).toBe(3);
});
