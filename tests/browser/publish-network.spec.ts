/** A network that becomes narrow, breaks, or falls silent between the page that publishes and the relay. */
import { record } from '../interop/recorded.js';
import { median } from './harness/measures.js';
import { expectBeeps, keptAs, note } from './harness/published.js';
import { type Figures, type Studio, withDevices } from './harness/studio.js';
import { expect, test } from './harness/test.js';
import { Throttle } from './harness/throttle.js';

test.use(withDevices());

const NARROW = 300_000;
/** Seconds: as asked for, and for what a figure a quarter of a second old and a busy machine make of it. */
const [BUDGET, TOLERANCE] = [0.5, 0.25];
/** Seconds: a megabyte of loopback's own buffers hides at first that the network is narrow. */
const SETTLES = 2.5;

function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
}

const inKbit = (figures: readonly Figures[]) =>
  figures
    .map(({ targetBitrate, queue }) => `${(targetBitrate / 1000).toFixed(0)}/${queue.toFixed(2)}`)
    .join(' ');

/** The first figures from `from` on for which this holds, and how many seconds later. */
function firstThat(figures: readonly Figures[], from: number, holds: (one: Figures) => boolean): number {
  const found = figures.find(one => one.at >= from && holds(one));
  return found ? (found.at - from) / 1000 : Number.POSITIVE_INFINITY;
}

async function atFullRate(studio: Studio): Promise<void> {
  await expect
    .poll(async () => (await studio.stats()).targetBitrate, { timeout: 20_000 })
    .toBeGreaterThanOrEqual(800_000);
}

test('300 kbit/s and back: the queue stays short, the sound whole, the bitrate comes back; then it breaks, and falls silent', async ({
  stage,
  studio,
  servers,
}) => {
  test.setTimeout(120_000);
  const { relay } = servers;
  const throttle = await Throttle.start(relay.url);
  try {
    await studio.publish(throttle.url(relay.publish('narrow')));
    await atFullRate(studio);
    await studio.wait(4);

    const narrow = Date.now();
    throttle.rate = NARROW;
    const recording = record(relay.http('narrow'), 12, keptAs('narrow'));
    await studio.wait(14);
    const wide = Date.now();
    throttle.rate = Number.POSITIVE_INFINITY;
    const recorded = await recording;
    await atFullRate(studio);
    const figures = await studio.history(narrow);
    const during = figures.filter(({ at }) => at < wide);
    note('kbit/s and queue, a quarter of a second each', inKbit(figures));

    const lowered = firstThat(figures, narrow, one => one.targetBitrate <= NARROW);
    note('seconds until the bitrate fits', lowered.toFixed(2));
    expect(lowered, inKbit(during)).toBeLessThan(SETTLES);
    const queues = during.filter(({ at }) => at >= narrow + SETTLES * 1000).map(({ queue }) => queue);
    note('queue p50 and p95, s', `${median(queues).toFixed(2)} ${quantile(queues, 0.95).toFixed(2)}`);
    expect(quantile(queues, 0.95), inKbit(during)).toBeLessThan(BUDGET + TOLERANCE);
    const back = firstThat(figures, wide, one => one.targetBitrate >= 0.9 * 800_000);
    note('seconds until 90 % are back', back.toFixed(2));
    expect(back, inKbit(figures)).toBeLessThan(20);

    expect(await recorded.errors(), 'what ffmpeg says').toBe('');
    await expectBeeps(recorded, 8);
    const [last] = (await studio.history()).slice(-1);
    expect(last?.droppedAudio).toBe(0);
    expect(last?.reconnects).toBe(0);
    const congestion = (await studio.events('congestion')).map(({ detail }) => detail.congested);
    expect(congestion).toContain(true);
    expect(congestion.at(-1)).toBe(false);
    const reasons = (await studio.events('bitratechange')).map(({ detail }) => detail.reason);
    expect(reasons).toContain('congestion');
    expect((await studio.events('framedrop')).length).toBeGreaterThan(0);

    await stage.open();
    await stage.play(relay.http('narrow'));
    await stage.event('playing');
    await studio.wait(1);
    stage.allow(/./);
    studio.allow(/WebSocket/);
    const broken = Date.now();
    throttle.kill();
    const again = await studio.event('publishing', { count: 2 });
    note('seconds until it publishes again', ((again.at - broken) / 1000).toFixed(2));
    expect(again.at - broken).toBeLessThan(4000);
    expect((await studio.events('reconnecting')).length).toBeGreaterThan(0);
    const before = await stage.stats();
    await studio.wait(4);
    const after = await stage.stats();
    expect(after.state).toBe('playing');
    expect(after.framesDecoded - before.framesDecoded).toBeGreaterThan(30);
    expect((await studio.stats()).reconnects).toBe(1);

    throttle.silent = true;
    await studio.wait(2);
    throttle.silent = false;
    await studio.wait(4);
    const { state, queue } = await studio.stats();
    expect(state).toBe('publishing');
    expect(queue).toBeLessThan(BUDGET + TOLERANCE);
    const late = (await stage.stats()).latency;
    expect(late, 'latency of the player').toBeLessThan(2);
  } finally {
    await throttle.stop();
  }
});
