// What is made ready for a later load: how long it is held, and what it asks for. Time is virtual.
import assert from 'node:assert/strict';
import { beforeEach, mock, test } from 'node:test';
import { afresh, sessions } from './fake-page.mjs';

const { preload, takePreload } = await import('../../dist/preload.js');

mock.timers.enable({ apis: ['setTimeout', 'Date'] });
mock.method(performance, 'now', () => Date.now());

let base;
let baseUrl;
beforeEach(() => {
  base = afresh();
  baseUrl = base.href;
});

const A = 'https://a.example/live.flv';
const pass = seconds => mock.timers.tick(seconds * 1000);
const held = () => sessions().filter(({ types }) => types.at(-1) !== 'close').length;

test('it is held for 15 s, or as long as was said', () => {
  preload(A, { baseUrl });
  pass(14.9);
  assert.equal(held(), 1);
  pass(0.1);
  assert.equal(held(), 0);
  assert.equal(takePreload(A, base, 'streams'), undefined);
  preload(A, { baseUrl, seconds: 2 });
  pass(2);
  assert.equal(held(), 0);
});

test('a second call holds it until the later of the two ends', () => {
  preload(A, { baseUrl, seconds: 5 });
  pass(4);
  preload(A, { baseUrl, seconds: 3 });
  pass(2.9);
  assert.equal(held(), 1);
  pass(0.1);
  assert.equal(held(), 0);

  preload(A, { baseUrl, seconds: 5 });
  preload(A, { baseUrl, seconds: 1 });
  pass(4.9);
  assert.equal(held(), 1, 'the shorter one changes nothing');
  pass(0.1);
  assert.equal(held(), 0);
  assert.equal(sessions().length, 2, 'one session each');
});

test('for ever is until it is used', () => {
  for (const seconds of [Number.POSITIVE_INFINITY, 1e10]) {
    preload(A, { baseUrl, seconds: 1 });
    preload(A, { baseUrl, seconds });
    preload(A, { baseUrl, seconds: 2 });
    pass(100_000);
    assert.equal(held(), 1);
    const { host, address } = takePreload(A, base, 'streams');
    assert.equal(address, A);
    assert.equal(takePreload(A, base, 'streams'), undefined);
    host.close();
  }
});

test('one that was used is not let go afterwards', () => {
  const ready = preload(A, { baseUrl });
  const { host } = takePreload(A, base, 'streams');
  pass(60);
  ready.release();
  assert.equal(held(), 1);
  host.close();
});

test('a time that is none holds nothing', () => {
  for (const seconds of [0, -5]) preload(`${A}?${seconds}`, { baseUrl, seconds });
  pass(0.001);
  assert.equal(held(), 0);
});

test('the request carries what a load of the session would', () => {
  preload(A, { baseUrl, cmcd: { sessionId: 's', contentId: 'c' }, resolveUrl: undefined });
  const [{ preloads }] = sessions();
  const [url] = preloads;
  assert.equal(new URL(url).searchParams.get('CMCD'), 'bl=0,cid="c",ot=av,sf=o,sid="s",st=l,su');
  const { host, address } = takePreload(A, base, 'streams');
  assert.equal(address, url, 'the load takes over the same');
  host.close();
});

test('what resolveUrl() gives is asked for; what it does not give is let go', async () => {
  preload(A, { baseUrl, resolveUrl: ({ url, attempt, reason }) => `${url}?${attempt}-${reason}` });
  preload(`${A}?b`, { baseUrl, resolveUrl: () => Promise.reject(new Error('no')) });
  await new Promise(resolve => setImmediate(resolve));
  assert.deepEqual(sessions()[0].preloads, [`${A}?0-load`]);
  assert.equal(held(), 1);
  takePreload(A, base, 'streams').host.close();
});

test('of more than four the oldest goes', () => {
  for (let i = 0; i < 6; i++) preload(`${A}?${i}`, { baseUrl });
  assert.equal(held(), 4);
  assert.equal(takePreload(`${A}?1`, base, 'streams'), undefined);
  assert.equal(takePreload(`${A}?2`, base, 'streams')?.address, `${A}?2`);
  pass(15);
});

test('what was made ready with the part that plays streams is no use to a load that needs more', () => {
  preload(A, { baseUrl });
  assert.equal(takePreload(A, base, 'all'), undefined);
  assert.equal(held(), 0);
});
