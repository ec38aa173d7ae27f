// One source through its lives: replaced, lost, tried again, gone back to.
import assert from 'node:assert/strict';
import { beforeEach, mock, test } from 'node:test';
import { SailcastError } from '../../dist/errors.js';
import { Slot } from '../../dist/publisher/internal/slot.js';

const settled = () => new Promise(resolve => setImmediate(resolve));
mock.timers.enable({ apis: ['setTimeout'] });

class Track extends EventTarget {
  readyState = 'live';
  end() {
    this.readyState = 'ended';
    this.dispatchEvent(new Event('ended'));
  }
}

/** The devices that are plugged in, the default first. */
let plugged;
let slot;
let heard;

/** As open.ts opens a device: that one, or else the default. */
function device({ deviceId }) {
  const found = plugged.includes(deviceId) ? deviceId : plugged[0];
  if (found === undefined) throw error('deviceNotFound');
  if (found === 'busy') throw error('deviceInUse');
  const opened = { video: new Track(), sound: undefined, label: found, deviceId: found, closed: false };
  opened.close = () => {
    opened.closed = true;
  };
  heard.made.push(opened);
  return opened;
}

function error(details) {
  return new SailcastError({ type: 'browser', details, code: 4100, fatal: true, message: details });
}

beforeEach(() => {
  plugged = ['a', 'b'];
  heard = { states: [], opened: [], errors: [], made: [], asked: [], next: undefined };
  slot = new Slot(
    'video',
    { kind: 'none' },
    {
      open: async source => {
        heard.asked.push(source.deviceId ?? source.kind);
        return source.kind === 'none' ? undefined : device(source);
      },
      opened: opened => heard.opened.push(opened?.label),
      state: state => heard.states.push(state),
      error: error => heard.errors.push(error.details),
      next: () => heard.next,
    },
  );
});

const list = () => plugged.map(deviceId => ({ kind: 'camera', deviceId }));

/** Unplugs what gives now. */
async function unplug() {
  const { deviceId, video } = slot.opened;
  plugged = plugged.filter(id => id !== deviceId);
  video.end();
  await settled();
}

async function plug(...devices) {
  plugged.push(...devices);
  slot.look(list());
  await settled();
}

test('a source takes over when it is open, and the one before is closed', async () => {
  await slot.replace({ kind: 'camera', deviceId: 'a' });
  await slot.replace({ kind: 'camera', deviceId: 'b' });
  assert.deepEqual(heard.opened, ['a', 'b']);
  assert.deepEqual(
    heard.made.map(({ closed }) => closed),
    [true, false],
  );
  assert.deepEqual(heard.states, ['live']);
});

test('a source that cannot be had leaves the present one', async () => {
  await slot.replace({ kind: 'camera', deviceId: 'a' });
  plugged = [];
  await assert.rejects(slot.replace({ kind: 'camera', deviceId: 'b' }), { details: 'deviceNotFound' });
  assert.equal(slot.opened.label, 'a');
  assert.equal(slot.source.deviceId, 'a');
  assert.equal(slot.opened.closed, false);
});

test('the last of two calls wins, and what the first one opened is closed', async () => {
  const first = slot.replace({ kind: 'camera', deviceId: 'a' });
  const second = slot.replace({ kind: 'camera', deviceId: 'b' });
  await assert.rejects(first, { name: 'AbortError' });
  await second;
  assert.equal(slot.opened.label, 'b');
  assert.equal(heard.made.find(({ label }) => label === 'a').closed, true);
});

test('a lost device is replaced by the default one, and taken again when it is back', async () => {
  await slot.replace({ kind: 'camera', deviceId: 'b' });
  await unplug();
  assert.equal(slot.opened.label, 'a');
  assert.deepEqual(heard.states, ['live', 'lost', 'live']);
  await plug('b');
  assert.equal(slot.opened.label, 'b');
  assert.deepEqual(heard.states, ['live', 'lost', 'live']);
});

test('the only device is waited for', async () => {
  plugged = ['a'];
  await slot.replace({ kind: 'camera' });
  await unplug();
  assert.equal(slot.state, 'lost');
  assert.deepEqual(heard.errors, ['deviceNotFound']);
  await plug();
  assert.deepEqual(heard.errors, ['deviceNotFound']);
  await plug('a');
  assert.equal(slot.state, 'live');
});

test('a device that another program has is tried again, less and less often', async () => {
  plugged = ['a'];
  await slot.replace({ kind: 'camera' });
  plugged = ['busy'];
  slot.opened.video.end();
  await settled();
  const tries = [];
  for (const delay of [500, 1000, 2000]) {
    const before = heard.asked.length;
    mock.timers.tick(delay);
    await settled();
    tries.push(heard.asked.length - before);
  }
  assert.deepEqual(tries, [1, 1, 1]);
  assert.deepEqual(heard.errors, ['deviceInUse']);
  plugged = ['a'];
  mock.timers.tick(10_000);
  await settled();
  assert.equal(slot.state, 'live');
});

test('a phone that opens one camera at a time gets the new one', async () => {
  await slot.replace({ kind: 'camera', deviceId: 'a' });
  const [first] = heard.made;
  plugged = ['busy'];
  const closed = first.close;
  first.close = () => {
    plugged = ['b'];
    closed();
  };
  await slot.replace({ kind: 'camera', deviceId: 'b' });
  assert.equal(slot.opened.label, 'b');
});

test('a call mutes a camera and gives it back', async () => {
  await slot.replace({ kind: 'camera', deviceId: 'a' });
  slot.opened.video.dispatchEvent(new Event('mute'));
  slot.opened.video.dispatchEvent(new Event('unmute'));
  assert.deepEqual(heard.states, ['live', 'muted', 'live']);
});

test('pictures that stand still are not muted', async () => {
  await slot.replace({ kind: 'canvas' });
  slot.opened.video.dispatchEvent(new Event('mute'));
  assert.deepEqual(heard.states, ['live']);
});

test('what the user stopped is lost, unless something else takes its place', async () => {
  await slot.replace({ kind: 'screen' });
  slot.opened.video.end();
  await settled();
  assert.equal(slot.state, 'lost');
  assert.deepEqual(heard.asked, ['screen']);
  await slot.replace({ kind: 'screen' });
  heard.next = { kind: 'camera' };
  slot.opened.video.end();
  await settled();
  assert.equal(slot.state, 'live');
  assert.equal(slot.source.kind, 'camera');
});

test('a page that comes back finds a track that ended without a word', async () => {
  await slot.replace({ kind: 'camera', deviceId: 'a' });
  slot.opened.video.readyState = 'ended';
  slot.look(list());
  await settled();
  assert.deepEqual(heard.states, ['live', 'lost', 'live']);
});

test('after close() nothing is opened any more', async () => {
  await slot.replace({ kind: 'camera', deviceId: 'a' });
  const [opened] = heard.made;
  slot.close();
  assert.equal(opened.closed, true);
  assert.equal(slot.state, 'none');
  const asked = heard.asked.length;
  slot.look(list());
  opened.video.end();
  await settled();
  assert.equal(heard.asked.length, asked);
});
