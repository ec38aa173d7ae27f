/** From a picture's moment to the screen, and how smoothly pictures follow each other, once playing has settled. */
import { memory } from '../process.mjs';
import { sleep } from '../session.mjs';

export const title = 'Latency and smoothness on a clean link';
export const columns = {
  latency: 'latency p50, ms',
  latency95: 'p95, ms',
  latencySpread: 'p95 - p5, ms',
  fps: 'pictures a second',
  skipped: 'pictures left out',
  gaps: 'stood over 100 ms',
  frozen: 'time frozen, %',
  memory: 'memory, MiB',
};
export const key = 'latency';
export const seconds = 8;

const SETTLE_MS = 8_000;

export async function run(session, seconds) {
  const page = await session.open();
  await session.play(page);
  await sleep(SETTLE_MS);
  const cast = await session.cast(page);
  // The screencast itself begins with pictures that were there before.
  const from = Date.now() + 100;
  await sleep(seconds * 1000);
  const to = Date.now() - 50;
  return { ...session.smoothness(await cast.stop(), from, to), memory: memory(session.pid) };
}
