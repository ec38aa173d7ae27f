/** Nothing comes for 3 s: how long until it is as it was, and what that costs. RTT 50 ms, 4 Mbit/s. */
import { sleep } from '../session.mjs';

export const title = 'An outage of 3 s';
export const columns = {
  before: 'latency before, ms',
  back: 'back under before + 0.3 s after, s',
  live: 'under 1.5 s after, s',
  latency: 'latency p50 from then on, ms',
  latency95: 'p95, ms',
  frozen: 'time frozen, s',
  stalls: 'stalls',
  skipped: 'pictures left out',
};
export const key = 'back';
/** Of the 15 s looked at. */
export const absent = 'never';

const OUTAGE_MS = 3_000;
const SETTLE_MS = 8_000;
const BEFORE_MS = 3_000;
const AFTER_MS = 15_000;
const NEAR_BEFORE_MS = 300;
const LIVE_MS = 1_500;

export async function run(session) {
  const page = await session.open();
  await session.play(page, { rtt: 50, bandwidth: 4000 });
  await sleep(SETTLE_MS);
  const cast = await session.cast(page);
  const from = Date.now() + 100;
  await sleep(BEFORE_MS);
  const out = Date.now();
  session.outage(OUTAGE_MS);
  const back = out + OUTAGE_MS;
  await sleep(OUTAGE_MS + AFTER_MS);
  const to = Date.now() - 50;
  const shown = await cast.stop();
  const before = session.smoothness(shown, from, out);
  const during = session.smoothness(shown, out, to);
  const after = session.smoothness(shown, back, to);
  const seconds = limit => {
    const at = session.staysUnder(shown, limit, back, to);
    return at && (at - back) / 1000;
  };
  return {
    before: before.latency,
    back: seconds(before.latency + NEAR_BEFORE_MS),
    live: seconds(LIVE_MS),
    latency: after.latency,
    latency95: after.latency95,
    frozen: (during.frozen / 100) * ((to - out) / 1000),
    stalls: during.stalls,
    skipped: during.skipped,
  };
}
