// A player's way to its worker: what a session is told, and that only the present one counts. The workers only listen.
import assert from 'node:assert/strict';
import { beforeEach, mock, test } from 'node:test';
import { afresh, sessions, workers } from './fake-page.mjs';

const nothing = () => {};
const { EngineHost } = await import('../../dist/internal/engine-host.js');
const { Link } = await import('../../dist/internal/link.js');

const A = 'https://a.example/live.flv';
const B = 'https://b.example/live.flv';
mock.timers.enable({ apis: ['setTimeout'] });
const settled = () => new Promise(resolve => setImmediate(resolve));

let base;
beforeEach(() => {
  base = afresh();
});

function connect(settings = {}) {
  const heard = { received: [], failed: [], left: 0 };
  const sinks = [];
  const view = {
    apart: false,
    sink: follows => {
      sinks.push(follows);
      return { kind: 'track', writable: {} };
    },
    refresh: nothing,
    bringBack: nothing,
    putAway: nothing,
  };
  const latency = { start: 0.2, min: 0.05, max: 2 };
  const link = new Link(
    { base, background: 'audio', latency, playbackRate: 1, loop: false, source: {}, ...settings },
    view,
    {
      receive: message => heard.received.push(message),
      leaving: () => heard.left++,
      failed: (error, blameless) => heard.failed.push([error.details, blameless]),
      attempt: () => ({ startup: false, buffered: 1.5 }),
    },
  );
  return { link, heard, sinks };
}

/** One stream, and the addresses of it. */
const stream = (...lines) => ({ lines, renditions: [] });

/** `resolveUrl` whose answers the test gives. */
function later() {
  const answers = [];
  const resolveUrl = () => new Promise((resolve, reject) => answers.push({ resolve, reject }));
  return { answers, resolveUrl };
}

test('a load whose address is known replaces the stream before in the same session', () => {
  const { link, heard, sinks } = connect();
  link.ensure('streams');
  link.load(1, stream(A));
  link.load(2, stream(B, A));
  const [only, ...others] = sessions();
  assert.deepEqual(others, []);
  assert.deepEqual(only.loads, [
    [1, A],
    [2, B, A],
  ]);
  assert.deepEqual(sinks, [false]);
  assert.equal(heard.left, 0);
  link.close();
});

test('each rendition gets its own first address, and further ones by its own line', async () => {
  const asked = [];
  const resolveUrl = ({ url, attempt }) => {
    asked.push([url, attempt]);
    return `${url}?${attempt}`;
  };
  const { link } = connect({ resolveUrl });
  link.ensure('streams');
  const renditions = [
    { name: 'HD', lines: [A], bitrate: 2e6 },
    { name: 'SD', lines: [B] },
  ];
  link.load(1, { lines: [], renditions });
  const { player, told } = sessions()[0];
  const load = told.find(({ type }) => type === 'load');
  assert.deepEqual(load.renditions, [
    { name: 'HD', lines: [`${A}?0`], bitrate: 2e6 },
    { name: 'SD', lines: [`${B}?0`] },
  ]);
  assert.deepEqual([load.lines, load.resolve, load.kind], [[], true, 'auto']);
  link.resolve(1, { request: 4, url: `${B}?0`, attempt: 1, reason: 'end' });
  await settled();
  assert.deepEqual(asked.at(-1), [B, 1]);
  assert.equal(
    sessions()
      .find(one => one.player === player)
      .told.at(-1).answer,
    `${B}?1`,
  );
  link.close();
});

test('another session knows how fast to play, and whether again and again', () => {
  const { link } = connect({ playbackRate: 1.5 });
  link.loop = true;
  link.ensure('streams');
  const { told } = sessions()[0];
  assert.ok(told.some(({ type, rate }) => type === 'rate' && rate === 1.5));
  assert.ok(told.some(({ type, loop }) => type === 'loop' && loop));
  link.close();
});

test('while the next load waits for its address, the stream before is not heard any more', async () => {
  const { answers, resolveUrl } = later();
  const { link, heard, sinks } = connect({ resolveUrl });
  link.ensure('streams');
  link.load(1, stream(A));
  answers[0].resolve(`${A}?1`);
  await settled();
  assert.equal(sessions().length, 1, 'nothing had been loaded before the first');
  const [{ player: first }] = sessions();

  link.load(2, stream(B));
  const [before, after] = sessions();
  assert.equal(before.types.at(-1), 'close', 'at once');
  assert.equal(heard.left, 1);
  assert.deepEqual(sinks, [false, true], 'its last picture stays');
  assert.deepEqual(after.loads, []);
  workers[0].tell(first, { type: 'event', load: 2, event: { name: 'playing' } });
  assert.deepEqual(heard.received, []);

  answers[1].resolve(`${B}?2`);
  await settled();
  assert.deepEqual(sessions()[1].loads, [[2, `${B}?2`]]);
  const event = { type: 'event', load: 2, event: { name: 'playing' } };
  workers[0].tell(after.player, event);
  assert.deepEqual(heard.received, [event]);
  link.close();
});

test('a second load that waits keeps the session that has loaded nothing', async () => {
  const { answers, resolveUrl } = later();
  const { link, heard } = connect({ resolveUrl });
  link.ensure('streams');
  link.load(1, stream(A));
  link.load(2, stream(B));
  answers[1].resolve(`${B}?2`);
  answers[0].resolve(`${A}?1`);
  await settled();
  const [only, ...others] = sessions();
  assert.deepEqual(others, []);
  assert.deepEqual(only.loads, [[2, `${B}?2`]], 'the address of the load before comes too late');
  assert.equal(heard.left, 0);
  link.close();
});

for (const [how, end] of Object.entries({
  closed: link => link.close(),
  lost: () => workers.at(-1).onerror({ message: 'it is gone' }),
})) {
  for (const answer of ['resolve', 'reject']) {
    test(`the answer for a session that is ${how} changes nothing: ${answer}`, async () => {
      const { answers, resolveUrl } = later();
      const { link, heard } = connect({ resolveUrl });
      link.ensure('streams');
      link.load(1, stream(A));
      end(link);
      const failed = heard.failed.length;
      for (let i = 0; i < answers.length && i < 10; i++) {
        answers[i][answer](A);
        await settled();
        mock.timers.tick(5000);
        await settled();
      }
      assert.equal(link.open, false);
      assert.equal(heard.failed.length, failed);
      assert.deepEqual(sessions().at(-1).loads, []);
      link.close();
    });
  }
}

test('a lost session is told once, and another one goes on', () => {
  const { link, heard, sinks } = connect();
  link.ensure('streams');
  link.load(1, stream(A));
  const [{ player }] = sessions();
  workers[0].say({ type: 'crash', message: 'unreachable', player });
  workers[0].tell(player, { type: 'event', load: 1, event: { name: 'playing' } });
  assert.deepEqual(heard, { received: [], failed: [['workerCrashed', false]], left: 0 });
  link.ensure('streams', true);
  link.load(1, stream(A), undefined, 'crash');
  assert.deepEqual(sessions()[1].loads, [[1, A]]);
  assert.deepEqual(sinks, [false, true]);
  link.close();
});

test('a preloaded session is taken over with the address it has asked for', () => {
  const asked = [];
  const { link, heard } = connect({ resolveUrl: ({ attempt }) => asked.push(attempt) });
  link.ensure('streams');
  const host = new EngineHost(base, 'streams', nothing);
  host.send({ type: 'preload', url: `${A}?signed` });
  link.swap(host);
  link.load(1, stream(A, B), `${A}?signed`);
  const [before, after] = sessions();
  assert.equal(before.types.at(-1), 'close');
  assert.deepEqual(after.types.slice(0, 2), ['preload', 'init']);
  assert.deepEqual(after.loads, [[1, `${A}?signed`, B]]);
  assert.equal(heard.left, 1);
  assert.deepEqual(asked, []);
  link.close();
});

test('a session goes on with what it can play, and makes room for one that can play more', () => {
  const { link, heard } = connect();
  link.ensure('streams');
  link.ensure('all');
  link.ensure('streams');
  assert.equal(heard.left, 1);
  assert.equal(workers.length, 2);
  link.close();
});

test('each session is told the newest target latency, and that there is no network', () => {
  const { link } = connect();
  navigator.onLine = false;
  const latency = { start: 1, min: 1, max: 1 };
  link.latency = latency;
  link.ensure('streams');
  navigator.onLine = true;
  const told = workers[0].posted.map(({ message }) => message);
  assert.deepEqual(told.find(({ type }) => type === 'init').latency, latency);
  assert.deepEqual(told.at(-1), { type: 'online', online: false });
  document.visibilityState = 'hidden';
  document.dispatchEvent(new Event('visibilitychange'));
  document.visibilityState = 'visible';
  document.dispatchEvent(new Event('visibilitychange'));
  assert.deepEqual(
    workers[0].posted.flatMap(({ message }) => (message.type === 'visible' ? [message.visible] : [])),
    [false, true],
  );
  link.close();
});

test('each try is marked with what is known of it', async () => {
  const { link } = connect({ cmcd: { sessionId: 's' } });
  const marks = url => new URL(url).searchParams.get('CMCD');
  link.ensure('streams');
  link.load(1, stream(A));
  const [[, first]] = sessions()[0].loads;
  assert.equal(marks(first), 'bl=0,ot=av,sf=o,sid="s",st=l,su');
  link.resolve(1, { request: 7, url: first, attempt: 1, reason: 'lost' });
  await settled();
  const { answer: url, ...answer } = workers[0].posted.at(-1).message;
  assert.deepEqual(answer, { type: 'resolved', load: 1, request: 7, good: true });
  assert.equal(marks(url), 'bl=1500,dl=1500,ot=av,sf=o,sid="s",st=l');
  assert.ok(url.startsWith(A));
  link.close();
});
