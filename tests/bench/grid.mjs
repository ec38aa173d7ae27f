/**
 * Many players on one page: what each of them shows, and what all of them take.
 *
 * First nobody watches: CPU, and how many pictures each `<video>` hands to the compositor. Then a screencast watches, which
 * takes a third of a core more from the compositor: on a machine that has nothing left, pictures are lost there, too.
 */
import { median } from './figures.mjs';
import { measureCpu, measureThreads, memory } from './process.mjs';
import { sleep } from './session.mjs';

const SETTLE_MS = 8_000;

/** The case with so many players. */
export function grid(players) {
  return {
    title: `${players} players on one page`,
    columns: {
      fps: 'pictures a second shown, mean',
      worst: 'worst player',
      handed: 'handed over, nobody watching',
      handedWorst: 'worst player',
      latency: 'latency p50, ms',
      frozen: 'time frozen, %',
      cpu: 'CPU, s a minute',
      memory: 'memory, MiB',
    },
    key: 'fps',
    seconds: 6,
    run: (session, seconds) => run(session, seconds, players),
  };
}

async function run(session, seconds, players) {
  const page = await session.open();
  await session.play(page, {}, players);
  await sleep(SETTLE_MS);
  const unseen = await unwatched(session, page, seconds);
  const cast = await session.cast(page, players);
  const from = Date.now() + 100;
  await sleep(seconds * 1000);
  const to = Date.now() - 50;
  await cast.stop();
  const each = Array.from({ length: players }, (_, cell) => session.smoothness(cast.shown(cell), from, to));
  const rates = each.map(({ fps }) => fps);
  return {
    fps: mean(rates),
    worst: Math.min(...rates),
    latency: median(each.map(({ latency }) => latency)),
    frozen: mean(each.map(({ frozen }) => frozen)),
    memory: memory(session.pid),
    ...unseen,
  };
}

async function unwatched(session, page, seconds) {
  const handedOver = () => page.evaluate(() => globalThis.bench.handedOver());
  const before = await handedOver();
  const begin = Date.now();
  const stop = measureCpu(session.pid);
  const threads = measureThreads(session.pid);
  await sleep(seconds * 1000);
  const cpu = (stop().cpu * 60_000) / (Date.now() - begin);
  const byThread = threads();
  const after = await handedOver();
  const handed = after.map(
    ({ at, presentedFrames }, i) =>
      (1000 * (presentedFrames - before[i].presentedFrames)) / (at - before[i].at),
  );
  return {
    cpu,
    threads: byThread,
    // A canvas does not tell.
    handed: handed.length > 0 ? mean(handed) : null,
    handedWorst: handed.length > 0 ? Math.min(...handed) : null,
  };
}

const mean = values => values.reduce((sum, value) => sum + value, 0) / values.length;
