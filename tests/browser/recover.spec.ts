/**
 * Whatever happens to a connection, the picture comes back by itself, live, and the last one stays meanwhile. Nothing of it is
 * an error until all was tried.
 */
import type { Answer } from './harness/broadcast.js';
import { expectInOrder, ROUND, within } from './harness/measures.js';
import { Screencast } from './harness/pictures.js';
import { expect, test } from './harness/test.js';

interface Case {
  name: string;
  plan: Answer[];
  reason: string;
  /** Longest time without a new picture, seconds. */
  gap: number;
}

const PLAYED = 3;

const cases: Case[] = [
  {
    name: 'the publisher restarts and is back 2 s later',
    plan: [{ seconds: PLAYED, fault: 'end' }, { status: 404 }, { status: 404 }, { restart: true }],
    reason: 'end',
    gap: 8,
  },
  {
    name: 'the end in the middle of a tag',
    plan: [{ seconds: PLAYED, fault: 'truncate' }, {}],
    reason: 'lost',
    gap: 3,
  },
  { name: 'reset', plan: [{ seconds: PLAYED, fault: 'cut' }, {}], reason: 'lost', gap: 3 },
  {
    name: 'stall of an open connection',
    plan: [{ seconds: PLAYED, fault: 'silence' }, {}],
    reason: 'silent',
    gap: 8,
  },
  {
    name: 'bytes that are no media',
    plan: [{ seconds: PLAYED, fault: 'noise' }, {}],
    reason: 'noMedia',
    gap: 13,
  },
  { name: 'the server is overloaded', plan: [{ status: 503 }, {}], reason: 'status', gap: 3 },
];

for (const { name, plan, reason, gap } of cases) {
  test(name, async ({ stage, broadcast }) => {
    stage.allow(/Failed to load resource/);
    const live = await broadcast(plan);
    await stage.open();
    const cast = await Screencast.start(stage.page);
    await stage.play(live.url());
    const again = await stage.event('reconnected', { seconds: PLAYED + gap + 5 });
    await stage.event('playing', { count: (plan[0]?.seconds ?? 0) > 0 ? 2 : 1 });
    await stage.wait(2);
    const { shown, ...rest } = await cast.stop();

    // No black picture between, and none from before.
    const after = within({ shown, ...rest }, again.at + 300);
    expectInOrder({ shown: after, ...rest }, ROUND['counter-av']);
    const longest = Math.max(...shown.slice(1).map((picture, i) => picture.at - (shown[i]?.at ?? 0)));
    expect(longest, 'longest time without a new picture').toBeLessThan(gap * 1000);

    const [first] = await stage.events('reconnecting');
    expect(first?.detail).toMatchObject({ attempt: 1, reason });
    expect(first?.detail.delay).toBeLessThanOrEqual(0.5);
    expect((await stage.stats()).state).toBe('playing');
    expect((await stage.stats()).latency).toBeLessThan(1);
    expect((await stage.stats()).reconnects).toBe(1);
    for (const unwanted of ['error', 'ended', 'pause']) expect(await stage.events(unwanted)).toEqual([]);
    expect(live.open, 'connections').toBe(1);
  });
}

test('the second line takes over', async ({ stage, broadcast }) => {
  const live = await broadcast({ a: [{ seconds: PLAYED, fault: 'cut' }, { status: 0 }], b: [{}] });
  await stage.open();
  const cast = await Screencast.start(stage.page);
  await stage.page.evaluate(
    url => globalThis.stage.make({ url, autoplay: true }),
    [live.url('a'), live.url('b')],
  );
  const lost = await stage.event('reconnecting');
  const again = await stage.event('reconnected');
  expect(again.at - lost.at, 'from the loss to the other line, ms').toBeLessThan(600);
  await stage.wait(2);
  const { shown, ...rest } = await cast.stop();
  expectInOrder({ shown: within({ shown, ...rest }, again.at + 300), ...rest }, ROUND['counter-av']);
  expect(live.asked.map(({ url }) => url)).toEqual(['/a.flv', '/b.flv']);
  expect(await stage.events('error')).toEqual([]);
});

test('resolveUrl gives the address of each try', async ({ stage, broadcast }) => {
  stage.allow(/Failed to load resource/);
  const live = await broadcast([
    { seconds: PLAYED, fault: 'cut', needs: 'try=0-load' },
    { needs: 'never' },
    { needs: 'try=2-status' },
  ]);
  await stage.open();
  await stage.page.evaluate(url => {
    globalThis.stage.make({
      url,
      autoplay: true,
      resolveUrl: async ({ url, attempt, reason }) => {
        await new Promise(resolve => setTimeout(resolve, 50));
        return `${url}?try=${attempt}-${reason}`;
      },
    });
  }, live.url());
  await stage.event('reconnected');
  expect(live.asked.map(({ url }) => url)).toEqual([
    '/main.flv?try=0-load',
    '/main.flv?try=1-lost',
    '/main.flv?try=2-status',
  ]);
  expect(await stage.events('error')).toEqual([]);
});

test('resolveUrl has no address', async ({ stage, broadcast }) => {
  const live = await broadcast([{}]);
  await stage.open();
  await stage.page.evaluate(url => {
    globalThis.stage.make({
      url,
      autoplay: true,
      resolveUrl: () => {
        throw new Error('the session is over');
      },
    });
  }, live.url());
  const { detail } = await stage.event('error');
  expect(detail).toMatchObject({ type: 'network', details: 'urlUnresolved', code: 1007, fatal: true });
  expect(detail.message).toContain('the session is over');
  expect(live.asked).toEqual([]);
  await stage.wait(0.3);
  expect(await stage.events('error')).toHaveLength(1);
});

test('gives up with one error when all was tried', async ({ stage, broadcast }) => {
  test.setTimeout(180_000);
  stage.allow(/net::ERR_|Failed to load/);
  const live = await broadcast([{ seconds: PLAYED, fault: 'cut' }, { status: 0 }]);
  await stage.open();
  const cast = await Screencast.start(stage.page);
  await stage.play(live.url());
  const failed = await stage.event('error', { seconds: 130 });
  expect(failed.detail).toMatchObject({ details: 'connectionFailed', code: 1002, fatal: true });
  const tries = await stage.events('reconnecting');
  expect(tries.map(({ detail }) => detail.attempt)).toEqual(tries.map((_, i) => i + 1));
  expect(tries).toHaveLength(15);
  const delays = tries.map(({ detail }) => detail.delay);
  expect(Math.max(...delays)).toBeLessThanOrEqual(8);
  expect(Math.min(...delays.slice(5)), 'it waits longer each time').toBeGreaterThanOrEqual(4);
  expect((await stage.stats()).state).toBe('failed');
  expect(await stage.events('error')).toHaveLength(1);
  expect((await cast.stop()).unreadable, 'the last picture stays').toBe(0);
  await stage.wait(2);
  expect(live.asked).toHaveLength(1 + 15);
});

test('no network: waits for it, and is back at once', async ({ stage, broadcast }) => {
  stage.allow(/net::ERR_|Failed to load/);
  const live = await broadcast([{ seconds: PLAYED, fault: 'cut' }, {}]);
  await stage.open();
  await stage.play(live.url());
  await stage.event('playing');
  await stage.page.context().setOffline(true);
  await stage.event('reconnecting');
  await stage.wait(3);
  expect(live.asked, 'nothing is tried without a network').toHaveLength(1);
  const back = Date.now();
  await stage.page.context().setOffline(false);
  const again = await stage.event('reconnected');
  expect(again.at - back, 'from the network to the stream, ms').toBeLessThan(1500);
  await stage.event('playing', { count: 2 });
  expect(await stage.events('error')).toEqual([]);
});
