// The addresses of a load: asked of the page, asked again when it fails, and each in its time. Time is virtual.
import assert from 'node:assert/strict';
import { beforeEach, mock, test } from 'node:test';
import { Lines } from '../../dist/internal/lines.js';

globalThis.document = { baseURI: 'https://page.example/room/' };
beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ['setTimeout', 'Date'] });
});

const A = 'https://a.example/live.flv';
const B = 'https://b.example/live.flv';
const C = 'https://c.example/live.flv';

/** Lines whose page answers by `answer(attempt)`, and what it was asked when. */
function asked(given, answer) {
  const requests = [];
  const resolveUrl = ({ url, attempt, reason }) => {
    requests.push([url, attempt, reason, Date.now()]);
    return answer(attempt);
  };
  return { requests, lines: new Lines(given, { resolveUrl, mark: undefined }) };
}

const refuse = () => {
  throw new Error('not now.');
};

/** All promises that are due have had their turn. */
const settled = async () => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};

async function pass(ms) {
  await settled();
  mock.timers.tick(ms);
  await settled();
}

const outcome = promise => {
  const seen = {};
  Promise.resolve(promise).then(
    value => Object.assign(seen, { value }),
    error => Object.assign(seen, { error }),
  );
  return seen;
};

test('without resolveUrl, or with one that answers at once, the addresses are there at once', () => {
  const plain = new Lines([A, B], { resolveUrl: undefined, mark: undefined });
  assert.deepEqual(plain.first(), [A, B]);
  assert.equal(plain.resolve, false);
  const { lines, requests } = asked([A, B], () => 'signed.flv');
  assert.deepEqual(lines.first(), ['https://page.example/room/signed.flv', B]);
  assert.deepEqual(requests, [[A, 0, 'load', 0]]);
  assert.deepEqual(lines.first('crash'), ['https://page.example/room/signed.flv', B]);
  assert.deepEqual(requests[1], [A, 1, 'crash', 0]);
  assert.equal(lines.resolve, true);
});

test('the first address that can be had goes first; other lines are asked without a pause', async () => {
  const { lines, requests } = asked([A, B, C], attempt => (attempt < 2 ? refuse() : `${C}?ok`));
  const seen = outcome(lines.first());
  await settled();
  assert.deepEqual(requests, [
    [A, 0, 'load', 0],
    [B, 1, 'unresolved', 0],
    [C, 2, 'unresolved', 0],
  ]);
  assert.deepEqual(seen.value, [`${C}?ok`, A, B]);
  // The engine knows the line by its signed address; the page is asked by the one that it gave.
  await lines.again({ url: `${C}?ok`, attempt: 3, reason: 'lost' });
  assert.deepEqual(requests[3], [C, 3, 'lost', 0]);
});

test('a line that was asked before is asked again after ever longer pauses, and then it is an error', async () => {
  const { lines, requests } = asked([A], refuse);
  const seen = outcome(lines.first());
  for (let i = 0; i < 40; i++) await pass(250);
  assert.deepEqual(requests, [
    [A, 0, 'load', 0],
    [A, 1, 'unresolved', 500],
    [A, 2, 'unresolved', 1500],
    [A, 3, 'unresolved', 3000],
  ]);
  assert.equal(seen.error.details, 'urlUnresolved');
  assert.equal(seen.error.code, 1007);
  assert.equal(seen.error.fatal, true);
  assert.equal(seen.error.cause.message, 'not now.');
  assert.match(seen.error.message, /: not now\. See/);
});

test('of two lines the second is asked at once, and the first one after a pause', async () => {
  const { lines, requests } = asked([A, B], attempt => (attempt < 2 ? Promise.reject(new Error('no')) : A));
  const seen = outcome(lines.first());
  await settled();
  assert.deepEqual(
    requests.map(([url]) => url),
    [A, B],
  );
  assert.deepEqual(seen, {});
  await pass(1000);
  assert.deepEqual(requests[2], [A, 2, 'unresolved', 1000]);
  assert.deepEqual(seen.value, [A, B]);
});

test('more lines than tries: each is asked, and then the first one again', async () => {
  const many = Array.from({ length: 6 }, (_, i) => `https://${i}.example/`);
  const { lines, requests } = asked(many, refuse);
  const seen = outcome(lines.first());
  await pass(60_000);
  assert.deepEqual(
    requests.map(([url]) => url),
    [...many, many[0]],
  );
  assert.ok(seen.error);
});

test('what answers late, with nothing, or with something else counts as no address', async () => {
  const answers = [new Promise(() => {}), Promise.resolve(''), undefined, 'https://d.example/'];
  const { lines, requests } = asked([A], attempt => answers[attempt]);
  const seen = outcome(lines.first());
  await pass(9999);
  assert.equal(requests.length, 1);
  await pass(1);
  for (const wait of [500, 1000, 1500]) await pass(wait);
  assert.equal(requests.length, 4);
  assert.deepEqual(seen.value, ['https://d.example/']);
});

test('an answer leaves no timer behind', async () => {
  const set = mock.method(globalThis, 'setTimeout');
  const cleared = mock.method(globalThis, 'clearTimeout');
  for (const answer of [() => Promise.resolve(A), () => Promise.reject(new Error('no'))]) {
    const { lines } = asked([A], answer);
    outcome(lines.again({ url: A, attempt: 1, reason: 'lost' }));
    await settled();
  }
  const made = set.mock.calls.map(call => call.result);
  assert.equal(made.length, 2);
  assert.deepEqual(
    cleared.mock.calls.map(call => call.arguments[0]),
    made,
  );
  set.mock.restore();
  cleared.mock.restore();
});

test('a mark is put on what the page signed, and knows further tries', async () => {
  const mark = (url, again) => `${url}#${again}`;
  const lines = new Lines([A], { resolveUrl: ({ url }) => `${url}?s`, mark });
  assert.deepEqual(lines.first(), [`${A}?s#false`]);
  assert.equal(await lines.again({ url: `${A}?s#false`, attempt: 1, reason: 'lost' }), `${A}?s#true`);
});
