/**
 * From the click to the player's request, to the first and to the tenth picture, at several round-trip times and 8 Mbit/s.
 *
 * Cold is the first play of a fresh browser at no round-trip time: only what the page loaded before the click is there.
 * The others follow in the same browser, each on a new page, with the player's files in the browser's cache.
 */
import { sleep } from '../session.mjs';

export const title = 'From the click, ms';
export const columns = {
  askedCold: 'request, cold',
  firstCold: 'first picture, cold',
  asked0: 'request',
  first0: 'first picture, RTT 0',
  first50: 'first, RTT 50',
  first150: 'first, RTT 150',
  tenth0: 'tenth, RTT 0',
  tenth50: 'tenth, RTT 50',
  tenth150: 'tenth, RTT 150',
};
export const key = 'first50';

const BANDWIDTH = 8000;
const RUNS = [
  { name: 'Cold', rtt: 0 },
  { name: '0', rtt: 0 },
  { name: '50', rtt: 50 },
  { name: '150', rtt: 150 },
];
const TENTH = 9;
const GIVE_UP_MS = 10_000;

export async function run(session) {
  const result = {};
  for (const { name, rtt } of RUNS) {
    const page = await session.open();
    const cast = await session.cast(page);
    await sleep(400);
    const clicked = await session.play(page, { rtt, bandwidth: BANDWIDTH });
    const until = Date.now() + GIVE_UP_MS;
    while (cast.shown().length <= TENTH && Date.now() < until) await sleep(150);
    const shown = await cast.stop();
    result[`asked${name}`] = session.askedAt - clicked;
    result[`first${name}`] = shown[0] ? shown[0].at - clicked : null;
    result[`tenth${name}`] = shown[TENTH] ? shown[TENTH].at - clicked : null;
    await session.leave(page);
  }
  return result;
}
