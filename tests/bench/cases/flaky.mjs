/** A network that stops for 500 ms each 10 s, with 0-80 ms of jitter, RTT 50 ms and 3 Mbit/s: before it is known, and then. */
import { sleep } from '../session.mjs';

export const title = 'An outage of 500 ms each 10 s, jitter 0-80 ms, 3 Mbit/s';
export const columns = {
  latency: 'latency p50, ms',
  latency95: 'p95, ms',
  frozen: 'time frozen, %',
  stalls: 'stalls',
  skipped: 'pictures left out',
  fps: 'pictures a second',
  learning: 'time frozen before, %',
};
export const key = 'latency';

const NETWORK = { rtt: 50, jitter: 80, bandwidth: 3000, outages: { every: 10_000, length: 500 } };
const START_MS = 3_000;
/** One outage has been, and is over. */
const LEARNT_MS = 14_000;
/** Two more outages. */
const LOOK_MS = 20_000;

export async function run(session) {
  const page = await session.open();
  const clicked = await session.play(page, NETWORK);
  await sleep(START_MS);
  const cast = await session.cast(page);
  await sleep(LEARNT_MS + LOOK_MS - START_MS);
  const shown = await cast.stop();
  const learnt = clicked + LEARNT_MS;
  const { frozen: learning } = session.smoothness(shown, clicked + START_MS + 100, learnt);
  return { ...session.smoothness(shown, learnt, learnt + LOOK_MS), learning };
}
