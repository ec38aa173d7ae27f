/** Quality as it happened: a real stall in the statistics, in the events, and in what a server is told. */
import type { PlayerSnapshot, QosCause, Stall } from '../../dist/index.js';
import type { ReporterOptions } from '../../dist/report/index.js';
import { type Collector, startCollector } from './harness/collector.js';
import type { Options, Stage } from './harness/stage.js';
import { test as base, expect } from './harness/test.js';

const test = base.extend<{ collector: Collector }>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names of what a fixture needs from here
  collector: async ({}, use) => {
    const collector = await startCollector();
    await use(collector);
    await collector.stop();
  },
});

type Told = { cause: QosCause; stats: PlayerSnapshot };

declare global {
  var told: Told[];
}

/** A player that is listened to, and reported on, from before its load. */
async function play(
  stage: Stage,
  url: string,
  options: Options,
  reports: ReporterOptions[] = [],
): Promise<void> {
  await stage.open();
  await stage.page.evaluate(
    async ({ url, options, reports }) => {
      const address = '/dist/report/index.js';
      const { Reporter } = await import(address);
      const player = globalThis.stage.players[globalThis.stage.make(options)];
      if (!player) throw new Error('no player');
      globalThis.told = [];
      player.addEventListener('qos', event => globalThis.told.push(event.detail));
      for (const report of reports) new Reporter(player, report);
      player.load(url).catch(() => {});
    },
    { url, options, reports },
  );
}

const heard = (stage: Stage): Promise<Told[]> => stage.page.evaluate(() => globalThis.told);

async function hearOf(
  stage: Stage,
  cause: QosCause,
  fits: (event: Told) => boolean = () => true,
): Promise<Told> {
  let found: Told | undefined;
  await expect
    .poll(
      async () => {
        found = (await heard(stage)).find(event => event.cause === cause && fits(event));
        return found !== undefined;
      },
      { timeout: 25_000 },
    )
    .toBe(true);
  if (!found) throw new Error(`no ${cause}`);
  return found;
}

/** The network was silent for 1.5 s, of which the buffer bridges 0.4 s. A busy machine may add short stalls of its own. */
const isTheStall = (stall: Stall) => stall.length > 0.6 && stall.length < 2 && stall.cause === 'silent';

const hearOfTheStall = (stage: Stage) =>
  hearOf(stage, 'stall', ({ stats }) => stats.quality.stalls.recent.some(isTheStall));

test('a start is broken down into its steps', async ({ stage, servers }) => {
  await play(stage, servers.faulty.http('live'), { latency: 0.4 });
  const first = await stage.event('firstframe');
  const { startUp, elapsed } = first.detail;
  const steps = [
    startUp.engineReady,
    startUp.connected,
    startUp.firstByte,
    startUp.firstTag,
    startUp.firstKeyframe,
    startUp.decoded,
    startUp.shown,
  ];
  for (const step of steps) expect(step).toEqual(expect.any(Number));
  expect(steps).toEqual([...steps].sort((a, b) => a - b));
  expect(startUp.shown).toBeLessThanOrEqual(elapsed);
  expect(startUp.shown).toBeGreaterThan(elapsed - 0.5);
});

test('a stall is in the statistics, in a qos event and in the log', async ({ stage, servers }) => {
  await play(stage, servers.faulty.http('interrupted'), { latency: 0.4 });
  const { stats } = await hearOfTheStall(stage);
  const { stalls, playedTime, latency, bitrate } = stats.quality;
  expect(stalls.recent.filter(isTheStall)).toHaveLength(1);
  const length = stalls.recent.find(isTheStall)?.length ?? 0;
  expect(stalls.histogram[length < 1 ? 1 : 2]).toBeGreaterThanOrEqual(1);
  expect(stalls.histogram.reduce((a, b) => a + b)).toBe(stalls.finished);
  expect(stalls.recent).toHaveLength(stalls.finished);
  expect(stalls.ratio).toBeCloseTo(stalls.time / (stalls.time + playedTime), 2);
  expect(latency.p50).toBeGreaterThan(0.1);
  expect(latency.p50).toBeLessThan(1);
  expect(bitrate).toBeGreaterThan(50_000);

  const log = JSON.parse(await stage.page.evaluate(() => globalThis.stage.players[0]?.exportLog() ?? ''));
  expect(log.engine.entries.map((entry: { what: string }) => entry.what)).toEqual(
    expect.arrayContaining(['load', 'open', 'connected', 'track', 'firstframe', 'state', 'stall']),
  );
  // Instants of both clocks fit together.
  const at = log.log.find((entry: { what: string }) => entry.what === 'loadstart').at;
  expect(
    Math.abs(log.engine.entries.find((entry: { what: string }) => entry.what === 'load').at - at),
  ).toBeLessThan(5000);
  expect(log.stats.quality.stalls.recent.filter(isTheStall)).toHaveLength(1);

  const frames = await stage.page.evaluate(() => {
    const { totalVideoFrames, droppedVideoFrames } =
      globalThis.stage.players[0]?.getVideoPlaybackQuality() ?? {};
    return { totalVideoFrames, droppedVideoFrames };
  });
  expect(frames.totalVideoFrames).toBeGreaterThan(90);
  expect(frames.droppedVideoFrames).toBeLessThan((frames.totalVideoFrames ?? 0) / 2);
});

test('a load that is replaced or destroyed has a last word', async ({ stage, servers }) => {
  await play(stage, servers.faulty.http('live'), { latency: 0.4 });
  await stage.event('playing');
  await stage.wait(0.5);
  await stage.load(servers.faulty.http('live'));
  await stage.event('playing', { count: 2 });
  await stage.page.evaluate(() => globalThis.stage.players[0]?.destroy());
  expect((await heard(stage)).map(event => event.cause)).toEqual(['replaced', 'destroyed']);
});

test('a server hears of the stall, as JSON and as OTLP metrics', async ({ stage, servers, collector }) => {
  const attributes = { room: 'seven' };
  await play(stage, `${servers.faulty.http('interrupted')}?sign=secret`, { latency: 0.4 }, [
    { url: collector.url('/json'), interval: 1, attributes },
    { url: collector.url('/v1/metrics'), interval: 1, format: 'otlp', attributes },
  ]);
  await hearOfTheStall(stage);
  const records = () => collector.posts('/json').flatMap(post => post.body.records);
  const told = () => records().filter(record => record.event === 'stall' && isTheStall(record.data));
  await expect.poll(() => told().length).toBe(1);
  expect(records().map(record => record.event)).toEqual(
    expect.arrayContaining(['loadstart', 'firstframe', 'qos']),
  );
  expect(records().map(record => record.seq)).toEqual(records().map((_, i) => i + 1));
  expect(collector.posts('/json')[0]?.body).toMatchObject({
    session: expect.any(String),
    attributes,
    lost: 0,
  });
  expect(JSON.stringify(collector.posts('/json'))).not.toContain('secret');

  await expect.poll(() => collector.posts('/v1/metrics').length).toBeGreaterThan(0);
  const post = collector.posts('/v1/metrics').at(-1);
  expect(post?.type).toBe('application/json');
  const [resource] = post?.body.resourceMetrics ?? [];
  expect(resource.resource.attributes).toContainEqual({ key: 'room', value: { stringValue: 'seven' } });
  const metrics: { name: string; histogram: { dataPoints: { bucketCounts: string[]; count: string }[] } }[] =
    resource.scopeMetrics[0].metrics;
  const duration = metrics
    .find(metric => metric.name === 'sailcast.stall.duration')
    ?.histogram.dataPoints.at(-1);
  expect(Number(duration?.count)).toBeGreaterThanOrEqual(1);
  const counts = duration?.bucketCounts.map(Number) ?? [];
  expect(counts).toHaveLength(7);
  expect((counts[1] ?? 0) + (counts[2] ?? 0)).toBeGreaterThanOrEqual(1);
  expect(metrics.map(metric => metric.name)).toEqual(
    expect.arrayContaining([
      'sailcast.playback.time',
      'sailcast.stall.ratio',
      'sailcast.latency',
      'sailcast.bitrate',
    ]),
  );
});

test('a page that goes sends what is left', async ({ stage, servers, collector }) => {
  await play(stage, servers.faulty.http('live'), { latency: 0.4 }, [
    { url: collector.url('/json'), interval: 3600 },
  ]);
  await stage.event('firstframe');
  await stage.page.goto('about:blank');
  await expect.poll(() => collector.posts('/json').length).toBe(1);
  const events = collector.posts('/json')[0]?.body.records.map((record: { event: string }) => record.event);
  expect(events).toEqual(expect.arrayContaining(['loadstart', 'firstframe']));
});

test('a post that fails is made again', async ({ stage, servers, collector }) => {
  stage.allow(/Failed to load resource/);
  collector.refuse.push(503);
  await play(stage, servers.faulty.http('live'), { latency: 0.4 }, [
    { url: collector.url('/json'), interval: 1 },
  ]);
  await expect.poll(() => collector.posts('/json').length, { timeout: 10_000 }).toBeGreaterThan(0);
  expect(collector.posts('/json')[0]?.body.records[0]).toMatchObject({ seq: 1, event: 'loadstart' });
});

test('a remote document decides what is sent, and who sends', async ({ stage, servers, collector }) => {
  stage.allow(/Failed to load resource/);
  collector.config = {
    version: 1,
    sampling: 1,
    interval: 1,
    events: { firstframe: true, qos: ['latency', 'quality.playedTime'] },
  };
  const url = collector.url('/chosen');
  await play(stage, servers.faulty.http('live'), { latency: 0.4 }, [
    { url, sampling: 0, configUrl: collector.url('/config') },
    // Its document is not there: it does as it was told here.
    { url: collector.url('/unsampled'), interval: 1, sampling: 0, configUrl: 'http://127.0.0.1:9/none' },
  ]);
  await hearOf(stage, 'interval');
  await expect
    .poll(() => collector.posts('/chosen').some(post => JSON.stringify(post).includes('qos')))
    .toBe(true);
  const records = collector.posts('/chosen').flatMap(post => post.body.records);
  expect(new Set(records.map(record => record.event))).toEqual(new Set(['firstframe', 'qos']));
  const qos = records.find(record => record.event === 'qos');
  expect(qos.data).toEqual({ latency: expect.any(Number), quality: { playedTime: expect.any(Number) } });
  expect(collector.posts('/unsampled')).toEqual([]);
});

test('CMCD is on the request, and keeps its session', async ({ stage, servers }) => {
  const asked: string[] = [];
  stage.page.on('request', request => asked.push(request.url()));
  const url = `${servers.faulty.http('live')}?sign=x`;
  await play(stage, url, { cmcd: { contentId: 'room', sessionId: 'viewer-1' } });
  await stage.event('firstframe');
  const request = asked.find(one => one.startsWith(url));
  expect(new URL(request ?? '').searchParams.get('CMCD')).toBe(
    'bl=0,cid="room",ot=av,sf=o,sid="viewer-1",st=l,su',
  );
});
