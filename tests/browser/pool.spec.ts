/** Players of one page share workers: each plays its own stream, goes alone, and comes back when its worker crashes. */
import binaryen from 'binaryen';
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

/** A target latency, seconds, that wasm from `trapping()` does not survive. */
const DEADLY = 0.3125;

/** What binaryen's types leave out. */
const { Function: functionOf } = binaryen as unknown as { Function(ref: number): { body: number } };

/** The wasm as it is, but for one condition: told the target `DEADLY`, a session executes `unreachable`, as a panic does. */
function trapping(wasm: Uint8Array): Buffer {
  const module = binaryen.readBinary(wasm);
  const name = binaryen.getExportInfo(module.getExport('session_setLatency')).value;
  const told = functionOf(module.getFunction(name));
  const deadly = module.f64.eq(module.local.get(1, binaryen.f64), module.f64.const(DEADLY));
  told.body = module.block(null, [module.if(deadly, module.unreachable()), told.body]);
  const patched = module.emitBinary();
  module.dispose();
  return Buffer.from(patched);
}

test('the wasm traps: all players of its worker go on, and the one that it happens to again fails alone', async ({
  stage,
  servers,
}) => {
  await stage.page.route('**/wasm/streams_bg.wasm', async route => {
    const response = await route.fetch();
    await route.fulfill({ response, body: trapping(await response.body()) });
  });
  // From the page's own origin: requests to others fail while Playwright looks at them.
  const live = await servers.stream('relay', 'counter-av');
  await three(stage, live.http);
  await expect.poll(() => alive(stage)).toEqual([0, 1, 2]);

  const trap = (player: number) =>
    stage.page.evaluate(
      ([player, latency]) => {
        const one = globalThis.stage.players[player];
        if (one) one.targetLatency = latency;
      },
      [player, DEADLY] as const,
    );
  await trap(2);
  await stage.event('reconnected', { count: 2 });
  const again = await stage.events('reconnecting');
  expect(again.map(({ player }) => player)).toEqual([0, 2]);
  expect(again.map(({ detail }) => detail.reason)).toEqual(['crash', 'crash']);
  await expect.poll(() => alive(stage)).toEqual([0, 1, 2]);
  expect(await stage.events('error')).toEqual([]);

  await trap(2);
  const failed = await stage.event('error');
  expect(failed).toMatchObject({ player: 2, detail: { details: 'workerCrashed', code: 4004, fatal: true } });
  expect(failed.detail.message, 'the wasm itself').toContain('unreachable');
  await stage.event('reconnected', { count: 3 });
  await expect.poll(() => alive(stage)).toEqual([0, 1]);
  // It had moved to the other worker: this time it was that one's player who had no part in it.
  expect((await stage.events('reconnecting')).map(({ player }) => player)).toEqual([0, 2, 1]);
  expect(await stage.events('error')).toHaveLength(1);
  expect(stage.page.workers()).toHaveLength(2);
});
