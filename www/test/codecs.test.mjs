// Software decoders as the page has them: who shares a worker and when it ends, and what becomes of a decoder's picture.
import assert from 'node:assert/strict';
import { beforeEach, mock, test } from 'node:test';

const started = [];

class FakeWorker {
  posted = [];
  ended = false;
  constructor(url) {
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
  closes(decoder) {
    this.say({ type: 'closed', decoder });
  }
}

class FakePort {
  heard = [];
  postMessage(message) {
    this.heard.push(message);
  }
}

Object.assign(globalThis, { Worker: FakeWorker, location: { origin: 'https://page.example' } });
const { connect, release } = await import('../../dist/internal/codecs/host.js');
const { frameOf, planesOf } = await import('../../dist/internal/codecs/picture.js');

mock.timers.enable({ apis: ['setTimeout'] });

let base;
let tests = 0;
beforeEach(() => {
  base = new URL(`https://page.example/${++tests}/`);
  started.length = 0;
});

function decoder(kind, owner = {}) {
  const port = new FakePort();
  connect(owner, base, kind, port);
  return port;
}

test('each picture has a worker of its own, and all sound has one', () => {
  decoder('video');
  decoder('video');
  decoder('audio');
  decoder('audio');
  assert.equal(started.length, 3);
  assert.equal(started[0].url, `${base}internal/codecs/worker.js`);
});

test('a decoder waits for the script of its worker, and finds the package there', () => {
  const port = decoder('video');
  assert.deepEqual(started[0].posted, []);
  started[0].say({ type: 'hello' });
  const [{ type, port: given, base: folder }] = started[0].posted;
  assert.deepEqual([type, given, folder], ['connect', port, base.href]);
});

test('after a trap the same worker gets the next decoder, and without one it is ended', () => {
  decoder('video');
  started[0].say({ type: 'hello' });
  started[0].closes(started[0].posted[0].decoder);
  mock.timers.tick(2000);
  decoder('video');
  assert.equal(started.length, 1);
  mock.timers.tick(10_000);
  assert.equal(started[0].ended, false);
  started[0].closes(started[0].posted[1].decoder);
  mock.timers.tick(10_000);
  assert.equal(started[0].ended, true);
  decoder('video');
  assert.equal(started.length, 2);
});

test('a session that is gone takes its own decoders with it, and those that wait', () => {
  const [owner, other] = [{}, {}];
  decoder('audio', owner);
  decoder('audio', other);
  started[0].say({ type: 'hello' });
  release(owner);
  const numbers = started[0].posted.filter(({ type }) => type === 'connect').map(({ decoder }) => decoder);
  assert.deepEqual(
    started[0].posted.filter(({ type }) => type === 'release').map(({ decoder }) => decoder),
    [numbers[0]],
  );
  decoder('video', owner);
  release(owner);
  started[1].say({ type: 'hello' });
  assert.deepEqual(started[1].posted, []);
  mock.timers.tick(10_000);
  assert.deepEqual([started[0].ended, started[1].ended], [false, true]);
});

test('a worker that cannot start is told to the session of each decoder that waits for it', () => {
  const ports = [decoder('audio'), decoder('audio')];
  started[0].onerror({ message: 'refused by a policy' });
  for (const { heard } of ports) {
    assert.equal(heard[0].type, 'failed');
    assert.match(heard[0].message, /refused by a policy/);
  }
  const late = decoder('video');
  mock.timers.tick(20_000);
  assert.match(late.heard[0].message, /did not come/);
  assert.equal(started[1].ended, true);
});

const COLOUR = { primaries: 1, transfer: 1, matrix: 1, fullRange: true };

/** 5 x 3, each plane after a gap, its rows with 2 bytes more than are seen. */
function picture({ bitDepth = 8, chromaShiftX = 1, chromaShiftY = 1 } = {}) {
  const size = bitDepth > 8 ? 2 : 1;
  const memory = new ArrayBuffer(1024);
  const bytes = new Uint8Array(memory);
  const plane = (offset, width, height, value) => {
    const stride = (width + 2) * size;
    for (let i = 0; i < stride * height; i += size) {
      if (size === 1) bytes[offset + i] = value;
      else new DataView(memory).setUint16(offset + i, value << 2, true);
    }
    return { offset, stride, length: stride * height };
  };
  const [w, h] = [5 >> chromaShiftX, 3 >> chromaShiftY].map((n, i) => n + (i ? chromaShiftY : chromaShiftX));
  const planes = [plane(96, 5, 3, 7), plane(304, w, h, 8), plane(400, w, h, 9)];
  return { memory, timestamp: 40_000, width: 5, height: 3, bitDepth, chromaShiftX, chromaShiftY, planes };
}

/** As a browser has it that knows these formats. */
function browserWith(...formats) {
  globalThis.VideoFrame = class {
    constructor(data, init) {
      if (!formats.includes(init.format)) throw new TypeError('unknown format');
      Object.assign(this, init, { data });
    }
    row(plane) {
      const { offset, stride } = this.layout[plane];
      return [...this.data.subarray(offset, offset + stride)];
    }
  };
}

test('a frame is made from where the planes are, with the colours of the stream', () => {
  browserWith('I420');
  const frame = frameOf(picture(), COLOUR);
  assert.deepEqual(
    [frame.format, frame.codedWidth, frame.codedHeight, frame.timestamp],
    ['I420', 5, 3, 40_000],
  );
  assert.deepEqual(frame.colorSpace, {
    primaries: 'bt709',
    transfer: 'bt709',
    matrix: 'bt709',
    fullRange: true,
  });
  assert.deepEqual(
    [frame.row(0), frame.row(1), frame.row(2)],
    [Array(7).fill(7), Array(5).fill(8), Array(5).fill(9)],
  );
});

test('colours that the stream does not tell are those of its size', () => {
  browserWith('I420');
  const unspecified = { primaries: 2, transfer: 2, matrix: 2, fullRange: false };
  assert.equal(frameOf(picture(), unspecified).colorSpace.matrix, 'smpte170m');
  assert.equal(frameOf({ ...picture(), height: 720 }, unspecified).colorSpace.matrix, 'bt709');
});

test('ten bits stay ten where the browser has such frames, and lose two where it has not', () => {
  browserWith('I420', 'I420P10');
  assert.equal(frameOf(picture({ bitDepth: 10 }), COLOUR).format, 'I420P10');
  browserWith('I420', 'I422');
  const shallow = frameOf(picture({ bitDepth: 10 }), COLOUR);
  assert.equal(shallow.format, 'I420');
  assert.deepEqual([shallow.row(0), shallow.row(2)], [Array(7).fill(7), Array(5).fill(9)]);
  assert.equal(frameOf(picture({ chromaShiftY: 0 }), COLOUR).format, 'I422');
});

test('without frames there are planes, in a buffer that is used again when it fits', () => {
  globalThis.VideoFrame = undefined;
  const raw = picture({ bitDepth: 10 });
  assert.equal(frameOf(raw, COLOUR), undefined);
  const planes = planesOf(raw, COLOUR, undefined);
  const { buffer } = planes.planes[0].data;
  assert.deepEqual(
    planes.planes.map(({ data, stride }) => [
      data.buffer === buffer,
      new Uint16Array(buffer, data.byteOffset)[0] >> 2,
      stride,
    ]),
    [
      [true, 7, 14],
      [true, 8, 10],
      [true, 9, 10],
    ],
  );
  assert.equal(planesOf(raw, COLOUR, buffer).planes[0].data.buffer, buffer);
  assert.notEqual(planesOf(picture(), COLOUR, buffer).planes[0].data.buffer, buffer);
});
