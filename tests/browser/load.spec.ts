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

for (const [event, fault] of [
  ['ended', 'short'],
  ['error', 'html'],
  // Heard before and after the one that tells why the load is over.
  ['statechange', 'html'],
  ['pause', 'short'],
] as const) {
  test(`load from inside a listener of ${event}`, async ({ stage, servers }) => {
    await stage.open();
    await stage.page.evaluate(
      ({ bad, good, event }) => {
        const player = globalThis.stage.players[globalThis.stage.make({ url: bad })];
        let loaded = false;
        player?.addEventListener(event, () => {
          if (loaded || !(player.ended || player.error)) return;
          loaded = true;
          const note = (name: string) =>
            globalThis.stage.events.push({ name, player: 0, at: 0, detail: null });
          player.load(good).then(
            () => note('load resolved'),
            () => note('load rejected'),
          );
        });
        player?.play().catch(() => {});
      },
      { bad: servers.faulty.http(fault), good: servers.faulty.http('live'), event },
    );
    await stage.event('load resolved');
    await stage.wait(1);
    const stats = await stage.stats();
    expect(stats.state).toBe('playing');
    expect(stats.framesRendered).toBeGreaterThan(10);
    expect(stats.audio).toBe('running');
    expect(await stage.page.evaluate(() => globalThis.stage.players[0]?.paused)).toBe(false);
    expect(await stage.events('load rejected')).toEqual([]);
    expect(await stage.events('error')).toHaveLength(fault === 'html' ? 1 : 0);
    expect(await stage.events('ended')).toHaveLength(fault === 'short' ? 1 : 0);
    // Nothing of the old load after the new one began.
    const names = (await stage.events()).map(e => e.name);
    const after = names.slice(names.lastIndexOf('loadstart'));
    for (const late of ['ended', 'error', 'pause']) expect(after).not.toContain(late);
  });
}
