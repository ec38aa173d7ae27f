// Recordings: where their bytes go, and how they end.
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { Recorder } from '../../dist/internal/extras/recorder.js';
import { Recording } from '../../dist/internal/extras/recording.js';

const plays = () => true;
const settled = () => new Promise(resolve => setImmediate(resolve));

test('a recording without a target is one blob', async () => {
  const recording = new Recording(undefined, 'video/x-flv', assert.fail);
  recording.add(Uint8Array.of(1, 2));
  recording.add(Uint8Array.of(3));
  const blob = await recording.end();
  assert.equal(blob.type, 'video/x-flv');
  assert.deepEqual(new Uint8Array(await blob.arrayBuffer()), Uint8Array.of(1, 2, 3));
});

test('a recording with a target is written in order, and closed', async () => {
  const got = [];
  let closed = false;
  const target = new WritableStream({
    write: chunk => void got.push(...chunk),
    close: () => {
      closed = true;
    },
  });
  const recording = new Recording(target, 'video/mp4', assert.fail);
  recording.add(Uint8Array.of(1, 2));
  recording.add(Uint8Array.of(3));
  assert.equal(await recording.end(), null);
  assert.deepEqual(got, [1, 2, 3]);
  assert.equal(closed, true);
});

test('a target that stands still ends the recording before the memory is full', async () => {
  const failed = mock.fn();
  const stuck = new WritableStream({ write: () => new Promise(() => {}) });
  const recording = new Recording(stuck, 'video/mp4', failed);
  const chunk = new Uint8Array(1024 * 1024);
  for (let i = 0; i < 40; i++) recording.add(chunk);
  assert.equal(failed.mock.callCount(), 1);
  assert.match(failed.mock.calls[0].arguments[0], /32 MB behind/);
});

test('a target that fails ends the recording', async () => {
  const failed = mock.fn();
  const target = new WritableStream({
    write: () => {
      throw new Error('the disk is full');
    },
  });
  const recording = new Recording(target, 'video/mp4', failed);
  recording.add(Uint8Array.of(1));
  await settled();
  recording.add(Uint8Array.of(2));
  assert.equal(failed.mock.callCount(), 1);
  assert.match(failed.mock.calls[0].arguments[0], /the disk is full/);
  assert.equal(await recording.end(), null);
});

function recorder() {
  const [sent, failed] = [[], []];
  const events = {
    send: ({ format }) => sent.push(format),
    failed: ({ details, fatal }) => failed.push([details, fatal]),
  };
  return { sent, failed, recorder: new Recorder(events) };
}

test('a player records until it is told to stop, and gives what the engine still had', async () => {
  const { sent, failed, recorder: one } = recorder();
  assert.equal(await one.stop(), null);
  await one.start({ format: 'mp4' }, plays);
  await assert.rejects(one.start({}, plays), { details: 'recordingActive', fatal: false });
  one.take(Uint8Array.of(1));
  const stopped = one.stop();
  one.take(Uint8Array.of(2));
  one.take(new Uint8Array());
  const blob = await stopped;
  assert.equal(blob.type, 'video/mp4');
  assert.deepEqual(new Uint8Array(await blob.arrayBuffer()), Uint8Array.of(1, 2));
  assert.deepEqual(sent, ['mp4', null]);
  assert.deepEqual(failed, []);
  await one.start({ format: 'flv' }, plays);
  assert.equal(sent.at(-1), 'flv');
});

test('a file is complete at the end of the stream, and what there was is still given', async () => {
  const { sent, recorder: one } = recorder();
  let closed = false;
  const stream = new WritableStream({
    close: () => {
      closed = true;
    },
  });
  await one.start({ target: { createWritable: async () => stream } }, plays);
  one.take(Uint8Array.of(1));
  one.over();
  await settled();
  assert.equal(closed, true);
  assert.equal(await one.stop(), null);
  assert.deepEqual(sent, ['mp4'], 'nobody is told to end what has ended');
});

test('a recording that breaks off says so once, and leaves what there is', async () => {
  const { failed, recorder: one } = recorder();
  await one.start({}, plays);
  one.take(Uint8Array.of(7));
  one.fail('the worker crashed');
  one.fail('again');
  assert.deepEqual(failed, [['recordingFailed', false]]);
  assert.equal((await one.stop()).size, 1);
});

test('a file that cannot be opened is no recording', async () => {
  const { sent, recorder: one } = recorder();
  const target = { createWritable: () => Promise.reject(new Error('not allowed')) };
  await assert.rejects(one.start({ target }, plays), { details: 'recordingFailed' });
  assert.deepEqual(sent, []);
  await one.start({}, plays);
});

test('what is over when its file is open is not recorded, and the file is closed', async () => {
  const { sent, recorder: one } = recorder();
  let closed = false;
  const stream = new WritableStream({
    close: () => {
      closed = true;
    },
  });
  const target = { createWritable: async () => stream };
  await assert.rejects(
    one.start({ target }, () => false),
    { details: 'notPlaying', fatal: false },
  );
  await settled();
  assert.deepEqual([sent, closed, await one.stop()], [[], true, null]);
  await one.start({}, plays);
});

test('of what the engine ends, the rest is kept, and nothing of it comes into the next recording', async () => {
  const { failed, recorder: one } = recorder();
  await one.start({}, plays);
  one.take(Uint8Array.of(1));
  one.ends('The recording ended: the size has changed.');
  const first = one.stop().then(async blob => {
    await one.start({}, plays);
    return blob;
  });
  await settled();
  one.take(Uint8Array.of(2));
  one.take(new Uint8Array());
  assert.deepEqual(failed, [['recordingFailed', false]]);
  assert.equal((await first).size, 2);
  one.take(Uint8Array.of(3));
  one.over();
  assert.equal((await one.stop()).size, 1);
});

test('of a target that fails, the rest does not come into the next recording', async () => {
  const { recorder: one } = recorder();
  const target = new WritableStream({
    write: () => {
      throw new Error('the disk is full');
    },
  });
  await one.start({ target }, plays);
  one.take(Uint8Array.of(1));
  await settled();
  const next = one.stop().then(() => one.start({}, plays));
  await settled();
  one.take(Uint8Array.of(2));
  one.take(new Uint8Array());
  await next;
  one.take(Uint8Array.of(3));
  one.over();
  assert.equal((await one.stop()).size, 1);
});
