// The pool of workers, with workers that only note what they are told: who sits where, what ends when, and who is to blame.
import assert from 'node:assert/strict';
import { beforeEach, mock, test } from 'node:test';

const machine = { hardwareConcurrency: 2 };
/** All workers that were ever started, oldest first. */
const started = [];

class FakeWorker extends EventTarget {
  posted = [];
  ended = false;
  constructor(url) {
    super();
    this.url = String(url);
    started.push(this);
  }
  postMessage(message) {
    this.posted.push(message);
  }
  terminate() {
    this.ended = true;
  }
  say(message) {
    this.onmessage({ data: message });
  }
  /** Numbers of the players that it was told of. */
  get players() {
    return [...new Set(this.posted.filter(({ type }) => type === 'player').map(({ player }) => player))];
  }
  closes() {
    for (const { player, message } of this.posted)
      if (message?.type === 'close') this.say({ type: 'player', player, message: { type: 'closed' } });
  }
}

Object.assign(globalThis, {
  Worker: FakeWorker,
  location: { origin: 'https://page.example' },
  fetch: async () => new Response(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])),
});
Object.defineProperty(globalThis, 'navigator', { value: machine, configurable: true });
const { join } = await import('../../dist/internal/pool.js');

mock.timers.enable({ apis: ['setTimeout'] });

/** Each test has workers of its own: another folder. */
let base;
let tests = 0;
beforeEach(() => {
  base = new URL(`https://page.example/${++tests}/`);
  started.length = 0;
});

function sit(at = base, build = 'all') {
  const guest = {
    heard: [],
    failed: [],
    receive: message => guest.heard.push(message),
    fail: (...why) => guest.failed.push(why),
  };
  const seat = join(at, build, guest);
  seat.send({ type: 'play' });
  return { ...seat, guest };
}

const alive = () => started.filter(({ ended }) => !ended);

test('players spread over as many workers as there are cores', () => {
  for (let i = 0; i < 5; i++) sit();
  assert.deepEqual(
    started.map(({ players }) => players.length),
    [3, 2],
  );
});

test('at most four, however many cores', t => {
  machine.hardwareConcurrency = 64;
  t.after(() => {
    machine.hardwareConcurrency = 2;
  });
  for (let i = 0; i < 9; i++) sit();
  assert.equal(started.length, 4);
});

test('files of another folder are workers of their own', () => {
  sit();
  sit(new URL('other/', base));
  assert.deepEqual(
    started.map(({ url }) => url),
    [`${base}internal/worker.js`, `${base}other/internal/worker.js`],
  );
});

test('who plays a stream goes to any worker; who needs the whole player, to one that has it', () => {
  machine.hardwareConcurrency = 1;
  const streams = [sit(base, 'streams'), sit(base, 'streams')];
  const all = sit(base, 'all');
  const late = sit(base, 'streams');
  machine.hardwareConcurrency = 2;
  assert.deepEqual(
    started.map(({ players }) => players.length),
    [2, 2],
  );
  assert.deepEqual(
    [...streams, all, late].map(({ build }) => build),
    ['streams', 'streams', 'all', 'all'],
  );
});

test('each player hears its own session', () => {
  const [one, , third] = [sit(), sit(), sit()];
  const [worker] = started;
  const [, number] = worker.players;
  worker.say({ type: 'hello' });
  worker.say({ type: 'player', player: number, message: { type: 'event', load: 1 } });
  assert.deepEqual(one.guest.heard, []);
  assert.deepEqual(third.guest.heard, [{ type: 'event', load: 1 }]);
});

test('the next player finds the worker that the last one left', () => {
  const one = sit();
  const [worker] = started;
  worker.say({ type: 'hello' });
  one.leave();
  worker.closes();
  mock.timers.tick(1000);
  sit();
  mock.timers.tick(60_000);
  assert.equal(started.length, 1);
  assert.equal(worker.ended, false);
});

test('a worker that nobody needs is ended', () => {
  const one = sit();
  const [worker] = started;
  worker.say({ type: 'hello' });
  one.leave();
  assert.deepEqual(worker.posted.at(-1).message, { type: 'close' });
  worker.closes();
  mock.timers.tick(1000);
  assert.equal(worker.ended, false);
  mock.timers.tick(2000);
  assert.equal(worker.ended, true);
});

test('a worker that does not answer gets no new player, and is ended with its last one', () => {
  const [one, two, three] = [sit(), sit(), sit()];
  for (const worker of started) worker.say({ type: 'hello' });
  const [stuck] = started;
  one.leave();
  mock.timers.tick(600);
  assert.equal(stuck.ended, false, 'another player is there');
  sit();
  assert.equal(started.length, 3);
  three.leave();
  mock.timers.tick(600);
  assert.equal(stuck.ended, true);
  assert.equal(two.guest.failed.length, 0);
});

test('nothing is heard after leaving', () => {
  const one = sit();
  const [worker] = started;
  one.leave();
  const { length } = worker.posted;
  one.send({ type: 'pause' });
  one.leave();
  worker.say({ type: 'player', player: worker.players[0], message: { type: 'event' } });
  worker.say({ type: 'crash', message: 'boom' });
  assert.equal(worker.posted.length, length);
  assert.deepEqual([one.guest.heard, one.guest.failed], [[], []]);
});

test('a crash is told to all players of the worker and to no others; who caused it is known', () => {
  const [one, two, three] = [sit(), sit(), sit()];
  const [worker] = started;
  worker.say({ type: 'hello' });
  worker.say({ type: 'crash', message: 'unreachable', player: worker.players[1] });
  const [[error, blameless]] = one.guest.failed;
  assert.match(error.message, /unreachable/);
  assert.equal(error.details, 'workerCrashed');
  assert.equal(blameless, true);
  assert.equal(three.guest.failed[0][1], false);
  assert.equal(two.guest.failed.length, 0);
  assert.deepEqual(alive(), [started[1]]);
  sit();
  assert.equal(started.length, 3, 'a fresh one');
});

test('when nobody knows who caused it, everybody may have', () => {
  const players = [sit(), sit(), sit(), sit()];
  const [worker] = started;
  worker.say({ type: 'hello' });
  worker.onerror({ message: 'boom' });
  assert.deepEqual(
    players.map(({ guest }) => guest.failed.map(([, blameless]) => blameless)),
    [[false], [], [false], []],
  );
});

test('a script that never runs is an error after 20 s', () => {
  const one = sit();
  mock.timers.tick(19_000);
  assert.equal(one.guest.failed.length, 0);
  mock.timers.tick(2000);
  assert.equal(one.guest.failed[0][0].details, 'workerFailed');
  assert.equal(started[0].ended, true);
});

test('a module that does not come is an error of all who wait for it, and is asked for again', async t => {
  let asked = 0;
  t.mock.method(globalThis, 'fetch', async () => {
    asked++;
    throw new Error('no network');
  });
  const players = [sit(), sit()];
  await new Promise(resolve => setImmediate(resolve));
  assert.deepEqual(
    players.map(({ guest }) => guest.failed[0]?.[0].details),
    ['wasmFailed', 'wasmFailed'],
  );
  sit();
  await new Promise(resolve => setImmediate(resolve));
  assert.equal(asked, 2);
});
