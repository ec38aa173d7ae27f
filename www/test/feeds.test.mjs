// The publisher's feeds: what its worker takes pictures and sound from.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pictures, sound } from '../../dist/publisher/internal/feeds.js';

class Frame {
  closed = false;

  constructor(timestamp) {
    this.timestamp = timestamp;
  }

  close() {
    this.closed = true;
  }
}

/** A stream that gives these, and the next ones by `give`. */
function stream(...frames) {
  let controller;
  const readable = new ReadableStream({
    start: it => {
      controller = it;
      for (const frame of frames) it.enqueue(frame);
    },
  });
  return { readable, give: frame => controller.enqueue(frame) };
}

const soon = () => new Promise(done => setTimeout(done));

/** Until `what()` is true; a busy machine has its time. */
async function until(what) {
  for (const end = Date.now() + 5000; !what(); await soon()) assert.ok(Date.now() < end, 'in time');
}

/** A port as the page's end sees it. Its frames are objects, which keep their methods here. */
function port() {
  const sent = [];
  const end = { onmessage: null, closed: false };
  end.postMessage = message => sent.push(message);
  end.close = () => {
    end.closed = true;
  };
  return { end, sent, give: data => end.onmessage?.({ data }) };
}

test('a picture with the time of the last one is closed, and not given on', async () => {
  const taken = [];
  const frames = [new Frame(0), new Frame(0), new Frame(66), new Frame(0)];
  const feed = pictures({ kind: 'stream', readable: stream(...frames).readable }, frame => taken.push(frame));
  await until(() => taken.length === 3);
  assert.deepEqual(taken, [frames[0], frames[2], frames[3]]);
  assert.deepEqual(
    frames.map(frame => frame.closed),
    [false, true, false, false],
  );
  feed.close();
});

test('pictures that are not stamped are all new', async () => {
  const taken = [];
  const frames = [new Frame(-(2 ** 63)), new Frame(-(2 ** 63))];
  const feed = pictures({ kind: 'stream', readable: stream(...frames).readable }, frame => taken.push(frame));
  await until(() => taken.length === 2);
  feed.close();
});

test('a closed stream gives nothing any more', async () => {
  const taken = [];
  const { readable, give } = stream(new Frame(0));
  const feed = pictures({ kind: 'stream', readable }, frame => taken.push(frame));
  await until(() => taken.length === 1);
  const late = new Frame(66);
  give(late);
  feed.close();
  await soon();
  assert.equal(taken.length, 1);
  assert.ok(late.closed);
});

test('a stream that breaks is no trap', async () => {
  const readable = new ReadableStream({ start: controller => controller.error(new Error('unplugged')) });
  pictures({ kind: 'stream', readable }, () => {});
  await soon();
});

test('a track is the worker’s: it is stopped at the end', async () => {
  const taken = [];
  globalThis.MediaStreamTrackProcessor = class {
    constructor({ track }) {
      this.readable = track.readable;
    }
  };
  const track = {
    readable: stream(new Frame(0)).readable,
    stopped: false,
    stop: () => (track.stopped = true),
  };
  const feed = pictures({ kind: 'track', track }, frame => taken.push(frame));
  await until(() => taken.length === 1);
  assert.equal(track.stopped, false);
  feed.close();
  assert.equal(track.stopped, true);
});

test('a hidden page is asked for pictures, one at a time', async () => {
  const taken = [];
  const { end, sent, give } = port();
  const feed = pictures({ kind: 'port', port: end }, frame => taken.push(frame));
  feed.pace(false, 100);
  await new Promise(done => setTimeout(done, 50));
  assert.deepEqual(sent, [], 'a page that is seen gives by itself');
  feed.pace(true, 100);
  await until(() => sent.length === 1);
  const asked = performance.now();
  await new Promise(done => setTimeout(done, 50));
  // It is asked again after a second: a machine that slept so long proves nothing.
  if (performance.now() - asked < 900) assert.deepEqual(sent, [null], 'it has not answered');
  give(new Frame(0));
  await until(() => sent.length === 2);
  assert.equal(taken.length, 1);
  feed.close();
});

test('what a closed port still gives is closed', () => {
  const taken = [];
  const { end, give } = port();
  pictures({ kind: 'port', port: end }, frame => taken.push(frame)).close();
  const late = new Frame(0);
  give(late);
  assert.ok(late.closed);
  assert.deepEqual(taken, []);
});

test('sound is given on until its port is closed', () => {
  const taken = [];
  const { end, give } = port();
  const feed = sound({ port: end, sampleRate: 48_000, channels: 1 }, block => taken.push(block.position));
  give({ position: 1024, channels: [new Float32Array(1024)] });
  feed.close();
  give({ position: 2048, channels: [new Float32Array(1024)] });
  assert.deepEqual(taken, [1024]);
  assert.ok(end.closed);
});
