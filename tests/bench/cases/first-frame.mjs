/**
 * From the click to the first and to the tenth picture, over several round-trip times at 8 Mbit/s.
 *
 * `cold` is the first play of a fresh browser at no round-trip time: only what the page loaded before the click is there.
 * The others follow in the same browser, each on a new page, with the player's files in the browser's cache.
 */
import { sleep } from '../session.mjs';

export const title = 'First picture and tenth picture after the click, ms';
export const columns = {
  cold: 'first, cold',
  first0: 'first, RTT 0',
  first50: 'first, RTT 50',
  first150: 'first, RTT 150',
  tenth50: 'tenth, RTT 50',
  tenth150: 'tenth, RTT 150',
};
export const key = 'first50';

const BANDWIDTH = 8000;
const RUNS = [
  ['cold', 0],
  [0, 0],
  [50, 50],
  [150, 150],
];
const TENTH = 9;

export async function run(session) {
  const result = {};
  for (const [name, rtt] of RUNS) {
    const page = await session.open();
    const cast = await session.cast(page);
    await sleep(400);
    const clicked = await session.play(page, { rtt, bandwidth: BANDWIDTH });
    const until = Date.now() + 10_000;
    while (cast.shown().length <= TENTH && Date.now() < until) await sleep(150);
    const shown = await cast.stop();
    const first = name === 'cold' ? name : `first${name}`;
    const tenth = name === 'cold' ? 'tenthCold' : `tenth${name}`;
    result[first] = shown[0] ? shown[0].at - clicked : null;
    result[tenth] = shown[TENTH] ? shown[TENTH].at - clicked : null;
    await session.leave(page);
  }
  return result;
}
