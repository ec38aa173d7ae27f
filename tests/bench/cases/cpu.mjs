/** CPU of the whole browser while it plays, without the part that it takes with the same page idle. No screencast runs. */
import { measureCpu, measureThreads } from '../process.mjs';
import { sleep } from '../session.mjs';

export const title = 'CPU, seconds a minute of playing (the idle page subtracted)';
export const columns = { net: 'CPU', idle: 'idle page' };
export const key = 'net';
export const seconds = 12;

const IDLE_MS = 3_000;
const SETTLE_MS = 8_000;

export async function run(session, seconds) {
  const page = await session.open();
  await sleep(2_000);
  const idle = await during(session, IDLE_MS);
  await session.play(page);
  await sleep(SETTLE_MS);
  const threads = measureThreads(session.pid);
  const playing = await during(session, seconds * 1000);
  return { net: playing - idle, idle, threads: threads() };
}

async function during(session, ms) {
  const begin = Date.now();
  const stop = measureCpu(session.pid);
  await sleep(ms);
  return (stop().cpu * 60_000) / (Date.now() - begin);
}
