// The reporter's parts without a browser: sampling, choice, remote document, OTLP, and posts that fail.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, test } from 'node:test';
import { blankQuality } from '../../dist/internal/figures.js';
import { maxAge, RemoteConfigSource, validate } from '../../dist/report/config.js';
import { encodeOtlp } from '../../dist/report/otlp.js';
import { CAPACITY, MAX_BODY, Outbox } from '../../dist/report/outbox.js';
import { pick, read } from '../../dist/report/records.js';
import { draw, isSampled } from '../../dist/report/sampling.js';

/** A server that answers by `answer` and keeps what it got. */
async function serve(answer) {
  const bodies = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const part of request) body += part;
    bodies.push(body);
    answer(response, bodies.length, request);
  });
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
  after(() => server.close());
  return { bodies, url: `http://127.0.0.1:${server.address().port}/` };
}

const until = async condition => {
  for (let i = 0; i < 500 && !condition(); i++) await new Promise(resolve => setTimeout(resolve, 10));
  assert.ok(condition());
};

test('a sample is the same for a session each time, and of the right size', () => {
  assert.equal(draw('a session'), draw('a session'));
  const ids = Array.from({ length: 20_000 }, (_, i) => `room-1/viewer-${i}`);
  for (const rate of [0, 0.01, 0.1, 0.5, 1]) {
    const part = ids.filter(id => isSampled(id, rate)).length / ids.length;
    assert.ok(Math.abs(part - rate) < 0.01, `${rate}: ${part}`);
  }
  assert.ok(ids.filter(id => isSampled(id, 0.1)).every(id => isSampled(id, 0.2)));
});

test('fields are picked by path and keep their place', () => {
  const data = { latency: 1, quality: { stalls: { ratio: 0.5, count: 2 }, bitrate: 8 }, name: 'x' };
  assert.deepEqual(pick(data, ['latency', 'quality.stalls.ratio', 'quality.none', 'latency.deep']), {
    latency: 1,
    quality: { stalls: { ratio: 0.5 } },
  });
  assert.equal(pick(data, true), data);
  const own = JSON.parse('{ "__proto__": { "polluted": 1 } }');
  assert.equal(Object.getPrototypeOf(pick(own, ['__proto__.polluted'])), Object.prototype);
});

test('signatures stay in the browser', () => {
  const url = 'https://user:pw@cdn.example.com/live/a.flv?sign=secret#x';
  assert.deepEqual(read('loadstart', { url }), { url: 'https://cdn.example.com/live/a.flv?…' });
  const error = Object.assign(new Error(`${url} failed.`), { code: 1001, fatal: true });
  assert.equal(read('error', error).message, 'https://cdn.example.com/live/a.flv?… failed.');
});

test('a remote document is taken whole or not at all', () => {
  const good = {
    version: 1,
    sampling: 0.5,
    maxAge: 60,
    interval: 5,
    events: { error: true, qos: ['latency'] },
  };
  assert.deepEqual(validate(good), good);
  assert.deepEqual(validate({ version: 1 }), { version: 1 });
  const bad = {
    'the document is no object': null,
    'version is 2': { version: 2 },
    'extra is not known': { version: 1, extra: 1 },
    'sampling is not a number from 0 to 1': { version: 1, sampling: 2 },
    'maxAge is not a number': { version: 1, maxAge: '60' },
    'interval is not a number': { version: 1, interval: 0 },
    'events is no object': { version: 1, events: ['qos'] },
    'there is no event clicks': { version: 1, events: { clicks: true } },
    'events.qos is neither': { version: 1, events: { qos: ['a b'] } },
    'events.error is neither': { version: 1, events: { error: false } },
  };
  for (const [why, document] of Object.entries(bad))
    assert.throws(() => validate(document), { message: RegExp(why) });
  assert.throws(() => validate({ version: 1, events: { qos: Array(101).fill('latency') } }), /100 fields/);
});

test('the age of a document is within bounds', () => {
  assert.equal(maxAge('public, max-age=600'), 600);
  assert.equal(maxAge('s-maxage=5, MAX-AGE = 20'), 20);
  assert.equal(maxAge('no-store'), 300);
  assert.equal(maxAge(null), 300);
  assert.equal(maxAge('max-age=0'), 10);
  assert.equal(maxAge('max-age=99999999999'), 86_400);
});

test('a document that cannot be read leaves the last good one', async () => {
  const answers = [
    '{"version":1,"sampling":0.25}',
    'oops',
    '{"version":1,"sampling":7}',
    '{"version":1,"sampling":0.75}',
  ];
  const server = await serve((response, n) => response.end(answers[n - 1]));
  const taken = [];
  const source = new RemoteConfigSource(server.url, config => taken.push(config.sampling));
  const problems = [];
  for (const _ of answers) {
    await source.refresh();
    problems.push(source.problem);
  }
  source.stop();
  assert.deepEqual(taken, [0.25, 0.75]);
  assert.equal(problems[0], null);
  assert.match(problems[1], /JSON/);
  assert.match(problems[2], /sampling/);
  assert.equal(problems[3], null);
});

test('posts that fail are made again, in order and without repetition', async () => {
  const server = await serve((response, n) => {
    response.statusCode = n <= 2 ? 503 : 204;
    response.end();
  });
  const outbox = new Outbox({ url: server.url, headers: {} }, items => JSON.stringify(items));
  outbox.add(1);
  outbox.flush();
  outbox.add(2);
  // Under way, and then waiting for its next try: this changes nothing.
  outbox.flush();
  await until(() => server.bodies.length >= 3 && outbox.length === 0);
  assert.deepEqual(server.bodies, ['[1]', '[1,2]', '[1,2]']);
  assert.equal(outbox.lost, 0);
});

test('what a server refuses is given up, what it cannot take now is not', async () => {
  const server = await serve((response, n) => {
    response.statusCode = n === 1 ? 400 : 204;
    response.end();
  });
  const outbox = new Outbox({ url: server.url, headers: { 'x-key': '1' } }, items => JSON.stringify(items));
  outbox.add('a');
  outbox.flush();
  await until(() => outbox.lost === 1);
  outbox.add('b');
  outbox.flush();
  await until(() => server.bodies.length === 2);
  assert.deepEqual(server.bodies, ['["a"]', '["b"]']);
});

test('the queue is bounded, and so is a body', async () => {
  const server = await serve(response => response.end());
  const outbox = new Outbox({ url: server.url, headers: {} }, items => JSON.stringify(items));
  for (let i = 0; i < CAPACITY + 20; i++) outbox.add({ i, text: 'é'.repeat(500) });
  assert.equal(outbox.length, CAPACITY);
  assert.equal(outbox.lost, 20);
  outbox.add('x'.repeat(MAX_BODY * 2));
  outbox.flush();
  await until(() => outbox.length === 0);
  assert.ok(server.bodies.length > 5);
  for (const body of server.bodies) assert.ok(Buffer.byteLength(body) <= MAX_BODY);
  const seen = server.bodies.flatMap(body => JSON.parse(body)).map(item => item.i);
  assert.deepEqual(
    seen,
    Array.from({ length: CAPACITY - 1 }, (_, i) => i + 21),
  );
  assert.equal(outbox.lost, 22);
});

test('a closed outbox gives up what waits, and what comes back from a post that fails', async () => {
  const held = [];
  const server = await serve(response => held.push(response));
  const outbox = new Outbox({ url: server.url, headers: {} }, items => JSON.stringify(items));
  outbox.add(1);
  outbox.flush();
  outbox.add(2);
  await until(() => held.length === 1);
  outbox.close();
  assert.equal(outbox.length, 0);
  held[0].statusCode = 503;
  held[0].end();
  await until(() => held[0].writableFinished);
  await new Promise(resolve => setTimeout(resolve, 20));
  assert.equal(outbox.length, 0);
  outbox.flush();
  assert.deepEqual(server.bodies, ['[1]']);
});

test('the last post of a closed outbox is on its way, and is not made again', async () => {
  const { location } = globalThis;
  globalThis.location = new URL('https://page.example/');
  const server = await serve(response => response.destroy());
  const outbox = new Outbox({ url: server.url, headers: {} }, items => JSON.stringify(items));
  outbox.add(1);
  outbox.leave();
  outbox.close();
  await until(() => server.bodies.length === 1);
  await new Promise(resolve => setTimeout(resolve, 20));
  assert.equal(outbox.length, 0);
  assert.deepEqual(server.bodies, ['[1]']);
  globalThis.location = location;
});

/** A `qos` record of a load that stalled twice. */
function record() {
  const quality = blankQuality();
  Object.assign(quality.stalls, { count: 2, finished: 2, time: 2.25, finishedTime: 2.25, ratio: 0.1 });
  quality.stalls.histogram = [1, 0, 1, 0, 0, 0, 0];
  quality.reconnects = { lost: 3 };
  quality.drops.late = 7;
  quality.startUp.shown = 0.31;
  const data = { cause: 'interval', framesRendered: 300, bytesReceived: 2 ** 40, quality };
  return { event: 'qos', at: 1_700_000_010_000.5, seq: 1, load: 1, loadedAt: 1_700_000_000_000, data };
}

test('OTLP metrics are as its JSON encoding wants them', () => {
  const other = { ...record(), event: 'error', data: {} };
  const body = JSON.parse(
    encodeOtlp([record(), other], { 'service.name': 'sailcast', n: 3, on: true, x: 0.5 }),
  );
  const [{ resource, scopeMetrics }] = body.resourceMetrics;
  assert.deepEqual(resource.attributes, [
    { key: 'service.name', value: { stringValue: 'sailcast' } },
    { key: 'n', value: { intValue: '3' } },
    { key: 'on', value: { boolValue: true } },
    { key: 'x', value: { doubleValue: 0.5 } },
  ]);
  const metrics = new Map(scopeMetrics[0].metrics.map(metric => [metric.name, metric]));
  const stalls = metrics.get('sailcast.stall.duration');
  assert.equal(stalls.unit, 's');
  assert.equal(stalls.histogram.aggregationTemporality, 2);
  const [point] = stalls.histogram.dataPoints;
  assert.deepEqual(point.bucketCounts, ['1', '0', '1', '0', '0', '0', '0']);
  assert.deepEqual(point.explicitBounds, [0.5, 1, 2, 3, 4, 5]);
  assert.equal(point.count, '2');
  assert.equal(point.sum, 2.25);
  assert.equal(point.startTimeUnixNano, '1700000000000000000');
  assert.equal(point.timeUnixNano, '1700000010000500000');
  const bytes = metrics.get('sailcast.network.received').sum;
  assert.equal(bytes.isMonotonic, true);
  assert.equal(bytes.dataPoints[0].asInt, '1099511627776');
  const late = metrics.get('sailcast.frames.dropped').sum.dataPoints.find(at => at.asInt === '7');
  assert.deepEqual(late.attributes.at(-1), { key: 'cause', value: { stringValue: 'late' } });
  assert.equal(metrics.get('sailcast.reconnects').sum.dataPoints[0].asInt, '3');
  // What is not known yet is no point.
  assert.equal(metrics.get('sailcast.startup.time').gauge.dataPoints.length, 1);
  assert.equal(metrics.has('sailcast.bitrate'), false);
});

test('OTLP holds the chosen fields only', () => {
  const some = { ...record(), data: pick(record().data, ['framesRendered']) };
  const body = JSON.parse(encodeOtlp([some], {}));
  assert.deepEqual(
    body.resourceMetrics[0].scopeMetrics[0].metrics.map(metric => metric.name),
    ['sailcast.frames.shown'],
  );
});
