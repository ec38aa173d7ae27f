/** A page that is hidden, frozen, or put away into the back-forward cache: it holds on to nothing it needs not, and comes back live. */
import { expectInSync, FPS, ROUND, within } from './harness/measures.js';
import { Screencast, steps } from './harness/pictures.js';
import { beeps } from './harness/sound.js';
import type { Stage } from './harness/stage.js';
import { expect, test } from './harness/test.js';

/** Back in view, the newest picture comes within, ms. */
const BACK = 300;

async function another(tab: Stage) {
  const page = await tab.page.context().newPage();
  await page.bringToFront();
  await expect.poll(() => tab.page.evaluate(() => document.visibilityState)).toBe('hidden');
  return page;
}

for (const [renderer, seconds] of [
  ['track', 28],
  ['canvas', 10],
] as const) {
  test(`hidden for ${seconds} s and back, ${renderer}`, async ({ tab, servers }) => {
    test.setTimeout(120_000);
    const stream = await servers.stream('relay', 'counter-av');
    await tab.open();
    const before = await Screencast.start(tab.page);
    await tab.play(stream.http, { renderer });
    await tab.event('playing');
    await tab.wait(3);
    const known = (await before.stop()).shown.at(-1);
    await another(tab);
    await tab.wait(1.5);
    const [a, from] = [await tab.stats(), Date.now()];
    await tab.wait(seconds);
    const [b, to] = [await tab.stats(), Date.now()];
    expect(b.framesDecoded - a.framesDecoded, 'pictures decoded for nobody').toBe(0);
    expect(b.state).toBe('playing');
    // A busy machine may take the time for one; the beeps tell whether the sound went on.
    expect(b.stalls - a.stalls).toBeLessThanOrEqual(1);
    expect(b.currentTime - a.currentTime).toBeGreaterThan(seconds - 1);
    const heard = (await beeps(tab.page)).filter(beep => beep.at > from && beep.at < to);
    expect(heard.length, 'beeps, one a second').toBeGreaterThanOrEqual(seconds - 2);

    const back = Date.now();
    await tab.page.bringToFront();
    const cast = await Screencast.start(tab.page);
    await tab.wait(1);
    const { latency, targetLatency } = await tab.stats();
    expect(latency, 'latency 1 s after').toBeLessThan(targetLatency + 0.5);
    await tab.wait(2);
    const all = await cast.stop();
    const shown = within(all, back + BACK);
    const [first] = shown;
    if (!first || !known) throw new Error('no picture is seen');
    // Where the broadcast must be by now, in frames.
    const due = known.counter + ((first.at - known.at) / 1000) * FPS;
    const round = ROUND['counter-av'];
    const off = ((((due - first.counter + round / 2) % round) + round) % round) - round / 2;
    expect(Math.abs(off), 'frames from where it must be').toBeLessThan(FPS);
    expectInSync(shown, await beeps(tab.page), 2);
    // Neither played at speed nor in pieces.
    const taken = steps(shown, round).reduce((sum, step) => sum + step, 0);
    const lasted = ((shown.at(-1)?.at ?? 0) - first.at) / 1000;
    expect(taken / lasted, 'frames a second').toBeLessThan(FPS * 1.15);
    const early = within(all, back, back + BACK);
    expect(early.length, `at the return: ${early.map(s => s.counter).join(' ')}`).toBeLessThanOrEqual(
      (BACK / 1000) * FPS + 3,
    );
    expect(await tab.events('error')).toEqual([]);
  });
}

test("background 'suspend' lets go of the connection while hidden", async ({ tab, broadcast }) => {
  const live = await broadcast([{}]);
  await tab.open();
  await tab.play(live.url(), { background: 'suspend' });
  await tab.event('playing');
  await another(tab);
  await expect.poll(() => live.open).toBe(0);
  await tab.wait(2);
  expect(live.asked).toHaveLength(1);
  await tab.page.bringToFront();
  await tab.event('playing', { count: 2 });
  await expect.poll(async () => (await tab.stats()).latency, { timeout: 2000 }).toBeLessThan(1);
  expect(await tab.events('error')).toEqual([]);
});

test("background 'keep' goes on decoding", async ({ tab, broadcast }) => {
  const live = await broadcast([{}]);
  await tab.open();
  await tab.play(live.url(), { background: 'keep' });
  await tab.event('playing');
  await another(tab);
  await tab.wait(1);
  const a = await tab.stats();
  await tab.wait(3);
  const b = await tab.stats();
  expect(b.framesDecoded - a.framesDecoded).toBeGreaterThan(3 * FPS * 0.8);
});

test('frozen and resumed', async ({ tab, broadcast }) => {
  const live = await broadcast([{}]);
  await tab.open();
  await tab.play(live.url());
  await tab.event('playing');
  await another(tab);
  const cdp = await tab.page.context().newCDPSession(tab.page);
  await cdp.send('Page.setWebLifecycleState', { state: 'frozen' });
  // Whether the worker still hears of it before it is frozen itself is a race.
  await tab.wait(6);
  const back = Date.now();
  await cdp.send('Page.setWebLifecycleState', { state: 'active' });
  await tab.page.bringToFront();
  const again = await tab.event('reconnected');
  expect(again.at - back).toBeLessThan(1500);
  await tab.event('playing', { count: 2 });
  const cast = await Screencast.start(tab.page);
  await tab.wait(2);
  const { shown } = await cast.stop();
  expect(shown.length).toBeGreaterThan(15);
  expect((await tab.stats()).latency).toBeLessThan(1);
  expect((await tab.events('reconnecting')).map(({ detail }) => detail.reason)).toEqual(['wake']);
  expect(live.open, 'connections').toBe(1);
  expect(await tab.events('error')).toEqual([]);
});

test('put away into the back-forward cache, and back', async ({ tab, broadcast }) => {
  const live = await broadcast([{}]);
  await tab.open();
  await tab.play(live.url());
  await tab.event('playing');
  await tab.wait(1);
  // Playwright does not follow a page into the cache and back: DevTools does.
  const cdp = await tab.page.context().newCDPSession(tab.page);
  const run = async <T>(expression: string): Promise<T> =>
    (await cdp.send('Runtime.evaluate', { expression, returnByValue: true })).result.value as T;
  await run('addEventListener("pageshow", event => { globalThis.kept = event.persisted })');
  await cdp.send('Page.navigate', { url: new URL('?another', tab.pages.plain).href });
  await expect.poll(() => run<string>('location.search')).toBe('?another');
  await expect.poll(() => live.open, 'connections of a page that is away').toBe(0);
  await run('history.back()');
  await expect.poll(() => run<boolean>('globalThis.kept'), 'the page was kept').toBe(true);
  await expect.poll(() => run<string>('globalThis.stage.players[0].state')).toBe('playing');
  await expect.poll(() => run<number>('globalThis.stage.players[0].stats().reconnects')).toBe(1);
  const frames = () =>
    run<number>('document.querySelector("video").getVideoPlaybackQuality().totalVideoFrames');
  const before = await frames();
  await expect.poll(frames, 'pictures on the screen').toBeGreaterThan(before + 10);
  await expect.poll(() => run<number>('document.querySelector("#box").childElementCount')).toBe(1);
  expect(await run<number>('globalThis.stage.events.filter(e => e.name === "error").length')).toBe(0);
  expect(live.open).toBe(1);
});
