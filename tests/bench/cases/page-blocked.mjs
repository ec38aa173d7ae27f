/** What is left of the pictures while the page's thread is busy 200 of every 400 ms. */
import { sleep } from '../session.mjs';

export const title = "The page's thread busy 200 of every 400 ms";
export const columns = {
  kept: 'pictures kept, %',
  longest: 'longest standing, ms',
  frozen: 'time frozen, %',
  latency: 'latency p50, ms',
};
export const key = 'kept';
export const seconds = 8;

const [BUSY, PERIOD] = [200, 400];

export async function run(session, seconds) {
  const page = await session.open();
  await session.play(page);
  await sleep(7_000);
  const cast = await session.cast(page);
  const calmFrom = Date.now() + 100;
  await sleep(3_000);
  const calmTo = Date.now();
  const blocked = page.evaluate(
    ([busy, period, duration]) => globalThis.bench.block(busy, period, duration),
    [BUSY, PERIOD, (seconds + 2) * 1000],
  );
  await sleep(1_000);
  const from = Date.now();
  await sleep(seconds * 1000);
  const to = Date.now();
  await blocked;
  const shown = await cast.stop();
  const calm = session.smoothness(shown, calmFrom, calmTo);
  const result = session.smoothness(shown, from, to);
  return { ...result, kept: (100 * result.fps) / calm.fps };
}
