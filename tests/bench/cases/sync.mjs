/** How much later the picture comes than the sound that belongs to it, beep by beep. */
import { median, quantile } from '../figures.mjs';
import { FPS } from '../media.mjs';
import { sleep } from '../session.mjs';

export const title = 'Picture after its sound, ms';
export const columns = { offset: 'median', low: 'p5', high: 'p95', beeps: 'beeps' };
export const key = null;
export const seconds = 8;

/** Pictures this near to a beep tell about it. */
const NEAR_MS = 500;

export async function run(session, seconds) {
  const page = await session.open();
  await page.evaluate(() => globalThis.bench.listen());
  await session.play(page);
  await sleep(5_000);
  await page.evaluate(() => globalThis.bench.route());
  await sleep(3_000);
  const cast = await session.cast(page);
  await sleep(seconds * 1000);
  const shown = await cast.stop();
  const beeps = await page.evaluate(() => globalThis.bench.beeps);
  const offsets = beeps.flatMap(beep => offset(shown, beep));
  return {
    offset: median(offsets),
    low: quantile(offsets, 0.05),
    high: quantile(offsets, 0.95),
    beeps: offsets.length,
  };
}

/** From the pictures around a beep: when the one taken with it was, or would have been, shown. */
function offset(shown, beep) {
  const near = shown.filter(({ at }) => Math.abs(at - beep) < NEAR_MS);
  if (near.length < FPS / 3) return [];
  const offsets = near.map(({ at, number }) => {
    const later = (((at - ((number % FPS) * 1000) / FPS - beep) % 1000) + 1000) % 1000;
    return later > 500 ? later - 1000 : later;
  });
  return [median(offsets)];
}
