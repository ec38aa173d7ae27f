// The worker's script before its wasm is there: which requests it sends, and which one a load takes over.
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

/** Requests in their order; the test answers them. */
const requests = [];
let receive;
Object.assign(globalThis, {
  addEventListener: (type, listener) => {
    if (type === 'message') receive = listener;
  },
  postMessage: () => {},
  fetch: (url, { signal }) =>
    new Promise((resolve, reject) => {
      requests.push({ url, signal, answer: status => resolve(new Response('', { status })), fail: reject });
    }),
});
await import('../../dist/internal/worker.js');

let player = 0;
beforeEach(() => {
  player++;
  requests.length = 0;
});

const tell = message => receive({ data: { type: 'player', player, message } });
const load = (...lines) => tell({ type: 'load', load: 1, lines, resolve: false });
const settled = () => new Promise(resolve => setImmediate(resolve));
const A = 'https://a.example/live.flv';
const B = 'https://b.example/live.flv';
const open = () => requests.filter(({ signal }) => !signal.aborted).map(({ url }) => url);

test('a preloaded stream that is there is asked for once', async () => {
  tell({ type: 'preload', url: A });
  requests[0].answer(200);
  await settled();
  load(A);
  assert.deepEqual(open(), [A]);
  assert.equal(requests.length, 1);
});

test('one that is still awaited is not asked for again', async () => {
  tell({ type: 'preload', url: A });
  load(A, B);
  await settled();
  assert.equal(requests.length, 1);
});

test('one that was not there is asked for anew by the load', async () => {
  for (const end of [request => request.answer(404), request => request.fail(new TypeError('no network'))]) {
    player++;
    requests.length = 0;
    tell({ type: 'preload', url: A });
    end(requests[0]);
    await settled();
    assert.deepEqual(open(), []);
    load(A);
    assert.deepEqual(open(), [A]);
  }
});

test('another address takes its place, and the last load counts', () => {
  tell({ type: 'preload', url: A });
  load(B);
  assert.deepEqual(open(), [B]);
  load(A);
  assert.deepEqual(open(), [A]);
});

test('a WebSocket is not asked for ahead, and nothing stays of a session that ends', () => {
  tell({ type: 'preload', url: 'wss://a.example/live.flv' });
  assert.deepEqual(requests, []);
  load(A);
  tell({ type: 'close' });
  assert.deepEqual(open(), []);
});

test('a page that is frozen holds on to nothing', () => {
  load(A);
  tell({ type: 'suspend' });
  assert.deepEqual(open(), []);
});
