// The worklet's readers, outside a browser: what they play, what they count, and that no jump is heard.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PortReader, RingReader } from '../../dist/internal/audio/worklet.js';
import * as protocol from '../../dist/internal/protocol.js';

const { RING_CLEAR_TO, RING_FRAMES, RING_HEADER, RING_READ, RING_UNDERRUN, RING_WRITE } = protocol;
const BLOCK = 128;
/** Of an audible click: the largest step that the tests' own signals take is far below it. */
const CLICK = 0.05;

/** The writer's side of the ring, as crate/web has it. */
function ring(start = 0) {
  const buffer = new SharedArrayBuffer((RING_HEADER + RING_FRAMES * 2) * 4);
  const header = new Int32Array(buffer, 0, RING_HEADER);
  const samples = new Float32Array(buffer, RING_HEADER * 4);
  header.fill(start, 0, 3);
  return {
    buffer,
    header,
    write(frames, at) {
      for (let i = 0; i < frames; i++) {
        const slot = ((header[RING_WRITE] + i) & (RING_FRAMES - 1)) * 2;
        [samples[slot], samples[slot + 1]] = at(i);
      }
      header[RING_WRITE] += frames;
    },
    clear() {
      header[RING_CLEAR_TO] = header[RING_WRITE];
    },
  };
}

function port() {
  const told = [];
  return { told, onmessage: null, postMessage: total => told.push(total) };
}

function pcm(frames, at) {
  const data = new Float32Array(frames * 2);
  for (let i = 0; i < frames; i++) data.set(at(i), i * 2);
  return data;
}

function play(reader, blocks) {
  const left = new Float32Array(blocks * BLOCK);
  const right = new Float32Array(blocks * BLOCK);
  for (let i = 0; i < left.length; i += BLOCK) {
    reader.read(left.subarray(i, i + BLOCK), right.subarray(i, i + BLOCK));
  }
  return { left, right };
}

function largestStep(data) {
  let largest = 0;
  for (let i = 1; i < data.length; i++) largest = Math.max(largest, Math.abs(data[i] - data[i - 1]));
  return largest;
}

/** Begins at zero, so that its start is no jump. */
const tone = i => [0.5 * Math.sin(i / 50), -0.5 * Math.sin(i / 50)];

function assertPlays(heard, first, count) {
  for (let i = 0; i < count; i++) {
    const [left, right] = tone(i + first);
    assert.ok(Math.abs(heard.left[i] - left) < 1e-6, `left ${i}`);
    assert.ok(Math.abs(heard.right[i] - right) < 1e-6, `right ${i}`);
  }
}

test('the ring is played in order, sample by sample', () => {
  const { buffer, header, write } = ring();
  const reader = new RingReader(buffer);
  write(BLOCK * 4, tone);
  assertPlays(play(reader, 4), 0, BLOCK * 4);
  assert.equal(header[RING_READ], BLOCK * 4);
  assert.equal(header[RING_UNDERRUN], 0);
});

test('the ring goes on over its end and over the wrap of its counters', () => {
  const { buffer, header, write } = ring(0x7fffffff - 200);
  const reader = new RingReader(buffer);
  write(BLOCK * 4, tone);
  assertPlays(play(reader, 4), 0, BLOCK * 4);
  assert.equal(header[RING_READ], header[RING_WRITE]);
  assert.ok(header[RING_READ] < 0);
});

test('an underrun is silence, counted from the first sound on', () => {
  const { buffer, header, write } = ring();
  const reader = new RingReader(buffer);
  play(reader, 2);
  assert.equal(header[RING_UNDERRUN], 0);
  write(BLOCK + 28, tone);
  play(reader, 3);
  assert.equal(header[RING_READ], BLOCK + 28);
  assert.equal(header[RING_UNDERRUN], 100 + BLOCK);
});

test('what was cleared is not heard, and counts as taken', () => {
  const { buffer, header, write, clear } = ring();
  const reader = new RingReader(buffer);
  write(1000, () => [0.9, 0.9]);
  clear();
  write(BLOCK, tone);
  assertPlays(play(reader, 1), 0, BLOCK);
  assert.equal(header[RING_READ], 1000 + BLOCK);
});

test('no jump is heard: underrun, return, clear', () => {
  const loud = () => [0.8, -0.8];
  const fromRing = ring();
  const ringReader = new RingReader(fromRing.buffer);
  const ringHeard = [];
  const fromPort = port();
  const portReader = new PortReader(fromPort);
  const portHeard = [];
  const give = (frames, at) => {
    fromRing.write(frames, at);
    fromPort.onmessage({ data: pcm(frames, at) });
  };
  const listen = () => {
    ringHeard.push(...play(ringReader, 4).left);
    portHeard.push(...play(portReader, 4).left);
  };
  give(700, loud);
  listen();
  listen();
  give(3000, loud);
  listen();
  fromRing.clear();
  fromPort.onmessage({ data: 'clear' });
  give(2000, () => [-0.8, 0.8]);
  listen();
  assert.ok(largestStep(ringHeard) < CLICK, `${largestStep(ringHeard)}`);
  assert.deepEqual(portHeard, ringHeard);
});

test('the port plays blocks of any size in order, and tells the total as it grows', () => {
  const link = port();
  const reader = new PortReader(link);
  let sent = 0;
  for (const frames of [1, 300, 77, 1024, 646]) {
    const first = sent;
    link.onmessage({ data: pcm(frames, i => tone(first + i)) });
    sent += frames;
  }
  assertPlays(play(reader, 16), 0, 2048);
  assert.equal(link.told.at(-1), 2048);
  assert.deepEqual(
    link.told,
    [...link.told].sort((a, b) => a - b),
  );
  assert.ok(link.told.length <= 5, 'not for each block of the sound card');
});

test('the port counts cleared frames as taken', () => {
  const link = port();
  const reader = new PortReader(link);
  link.onmessage({ data: pcm(1000, tone) });
  play(reader, 1);
  link.onmessage({ data: 'clear' });
  assert.equal(link.told.at(-1), 1000);
  link.onmessage({ data: pcm(BLOCK, tone) });
  play(reader, 2);
  assert.equal(link.told.at(-1), 1000 + BLOCK);
});

test('the port keeps no more than the ring would', () => {
  const link = port();
  const reader = new PortReader(link);
  for (let i = 0; i < 100; i++) link.onmessage({ data: pcm(1000, () => [i / 100, 0]) });
  assert.equal(link.told.at(-1), 100_000 - 32_000);
  const { left } = play(reader, 2);
  assert.ok(Math.abs(left.at(-1) - 0.68) < 0.01);
});
