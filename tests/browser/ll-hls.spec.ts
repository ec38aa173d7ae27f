/** Low-latency HLS of the relay, as our player and an independent one, hls.js, have it; delays by pictures, beside HTTP-FLV. */
import type { Page } from '@playwright/test';
import type Hls from 'hls.js';
import { Arrivals } from './harness/arrivals.js';
import { expectInOrder, expectInSync, expectSound, median, ROUND } from './harness/measures.js';
import { type Cast, Screencast } from './harness/pictures.js';
import { note } from './harness/published.js';
import type { Servers } from './harness/servers.js';
import { beeps } from './harness/sound.js';
import { expect, test } from './harness/test.js';

declare global {
  var hls: Hls;
  var errors: unknown[];
}

/** The relay's, seconds. */
const PART_TARGET = 1 / 3;
/** What is asked of a clean link, ms. */
const ENOUGH = (2 * PART_TARGET + 0.5) * 1000;

/** Watches for so many seconds: what was seen, and how long after it had come to the relay, ms. */
async function watch(page: Page, servers: Servers, seconds: number): Promise<Cast & { delay: number }> {
  const arrivals = await Arrivals.start(servers.relay.http('counter-av'));
  const cast = await Screencast.start(page);
  await page.waitForTimeout(seconds * 1000);
  const seen = await cast.stop();
  arrivals.stop();
  // Pictures that came before the count began are not known.
  const delays = arrivals.delays(seen.shown).slice(30);
  expect(delays.length, 'pictures whose arrival is known').toBeGreaterThan(30);
  return { ...seen, delay: median(delays) };
}

test('by our player', async ({ stage, servers }) => {
  await servers.stream('relay', 'counter-av');
  await stage.open();
  await stage.play(servers.relay.hls('counter-av'));
  const playing = await stage.event('playing', { seconds: 15 });
  note('first picture, s', (await stage.event('firstframe')).detail.elapsed.toFixed(2));
  // The start's first pictures are shown while what is old is left behind.
  await stage.wait(3);
  const seen = await watch(stage.page, servers, 20);
  const stats = await stage.stats();
  note('delay, ms', `${seen.delay.toFixed(0)} by pictures, ${(stats.latency * 1000).toFixed(0)} by itself`);
  expect(seen.delay, 'ms from the relay to the screen').toBeLessThan(ENOUGH);
  expect(stats.latency * 1000).toBeLessThan(ENOUGH);
  expectInOrder(seen, ROUND['counter-av']);
  const heard = (await beeps(stage.page)).filter(beep => beep.at > playing.at + 3000);
  expectSound(heard, 15);
  expectInSync(seen.shown, heard, 10);
  expect(stats).toMatchObject({ stalls: 0, skips: 0 });
  expect(await stage.events('waiting')).toEqual([]);
  expect(await stage.events('error')).toEqual([]);
});

test('by hls.js', async ({ page, servers }) => {
  await servers.stream('relay', 'counter-av');
  const url = encodeURIComponent(servers.relay.hls('counter-av'));
  await page.goto(`${servers.relay.url}hls.html?url=${url}`);
  await page.waitForFunction(() => (document.querySelector('video')?.currentTime ?? 0) > 0);
  await page.waitForTimeout(4000);
  const seen = await watch(page, servers, 12);
  const theirs = await page.evaluate(() => ({
    latency: globalThis.hls.latency,
    target: globalThis.hls.targetLatency,
    lowLatency: globalThis.hls.latestLevelDetails?.partTarget,
    errors: globalThis.errors,
  }));
  note('delay, ms', `${seen.delay.toFixed(0)} by pictures, ${(theirs.latency * 1000).toFixed(0)} by itself`);
  expect(theirs.errors).toEqual([]);
  expect(theirs.lowLatency).toBeCloseTo(PART_TARGET, 1);
  expect(theirs.latency, `its target is ${theirs.target}`).toBeLessThan((theirs.target ?? 0) + 0.5);
  expectInOrder(seen, ROUND['counter-av'], 0.4);
});
