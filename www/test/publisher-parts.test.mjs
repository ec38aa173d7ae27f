// The publisher's smaller parts, outside a browser: blocks of sound, memory, the fetched document, the environment.
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { effectiveConfig } from '../../dist/publisher/config.js';
import { Blocks } from '../../dist/publisher/internal/capture/worklet.js';
import { ConfigSource } from '../../dist/publisher/internal/config-source.js';
import { environmentOf } from '../../dist/publisher/internal/environment.js';
import {
  chosenDevice,
  knownLine,
  rememberDevice,
  rememberLine,
} from '../../dist/publisher/internal/memory.js';

const settled = () => new Promise(resolve => setImmediate(resolve));

/** As the browser's, and as it is when it is full. */
class Storage {
  items = new Map();
  full = false;
  getItem(key) {
    return this.items.get(key) ?? null;
  }
  setItem(key, value) {
    if (this.full) throw new Error('QuotaExceededError');
    this.items.set(key, value);
  }
}

let storage;
beforeEach(() => {
  storage = new Storage();
  Object.defineProperty(globalThis, 'localStorage', { value: storage, configurable: true });
});

/** Pushes a ramp of `frames` from `position` on, in quanta of 128. */
function ramp(blocks, channels, position, frames, quantum = 128) {
  for (let at = position; at < position + frames; at += quantum) {
    const plane = Float32Array.from({ length: quantum }, (_, i) => at + i);
    const input = Array.from({ length: channels }, (_, channel) =>
      plane.map(value => value * (channel ? -1 : 1)),
    );
    blocks.push(input, quantum, at);
  }
}

test('sound comes in blocks of 1024 frames, each at its place on the clock', () => {
  const got = [];
  ramp(new Blocks(2, sound => got.push(sound)), 2, 5120, 4096);
  assert.deepEqual(
    got.map(({ position, channels }) => [position, channels.length, channels[0].length]),
    [5120, 6144, 7168, 8192].map(position => [position, 2, 1024]),
  );
  const [{ channels }] = got;
  assert.equal(channels[0][1023], 5120 + 1023);
  assert.equal(channels[1][1023], -5120 - 1023);
});

test('quanta of any length make the same blocks', () => {
  const got = [];
  ramp(new Blocks(1, sound => got.push(sound)), 1, 0, 3000, 300);
  assert.deepEqual(
    got.map(({ position, channels }) => [position, channels[0][0], channels[0][1023]]),
    [
      [0, 0, 1023],
      [1024, 1024, 2047],
    ],
  );
});

test('one channel is heard on both, and no input is silence', () => {
  const got = [];
  const blocks = new Blocks(2, sound => got.push(sound));
  ramp(blocks, 1, 0, 1024);
  for (let at = 1024; at < 2048; at += 128) blocks.push([], 128, at);
  const [mono, silent] = got;
  assert.deepEqual(mono.channels[0], mono.channels[1]);
  assert.ok(silent.channels.every(plane => plane.every(value => value === 0)));
});

test('a clock that jumped begins a block of its own', () => {
  const got = [];
  const blocks = new Blocks(1, sound => got.push(sound));
  ramp(blocks, 1, 0, 640);
  ramp(blocks, 1, 48_000, 1024);
  assert.deepEqual(
    got.map(({ position, channels }) => [position, channels[0][0]]),
    [[48_000, 48_000]],
  );
});

test('a line is remembered by its origin and path', () => {
  const record = { connect: 0.1, throughput: 900_000, failures: 0 };
  rememberLine('wss://a.example/live/room?token=1', record);
  assert.deepEqual(knownLine('wss://a.example/live/room?token=2'), record);
  assert.equal(knownLine('wss://b.example/live/room'), undefined);
  assert.ok(!storage.getItem('sailcast.lines').includes('token'));
});

test('the twenty newest lines are remembered', () => {
  for (let i = 0; i < 30; i++)
    rememberLine(`wss://a.example/${i}`, { connect: i, throughput: 0, failures: 0 });
  rememberLine('wss://a.example/12', { connect: 99, throughput: 0, failures: 0 });
  assert.equal(knownLine('wss://a.example/9'), undefined);
  assert.equal(knownLine('wss://a.example/10').connect, 10);
  assert.equal(knownLine('wss://a.example/29').connect, 29);
  assert.equal(knownLine('wss://a.example/12').connect, 99);
});

test('a storage that is full, damaged or forbidden counts as empty', () => {
  storage.full = true;
  rememberLine('wss://a.example/', { connect: 1, throughput: 0, failures: 0 });
  assert.equal(knownLine('wss://a.example/'), undefined);
  storage.full = false;
  for (const text of ['{', 'null', '[]', '{"wss://a.example/":5}', '{"wss://a.example/":{"connect":"1"}}']) {
    storage.setItem('sailcast.lines', text);
    assert.equal(knownLine('wss://a.example/'), undefined, text);
  }
  Object.defineProperty(globalThis, 'localStorage', {
    configurable: true,
    get() {
      throw new Error('SecurityError');
    },
  });
  assert.equal(knownLine('wss://a.example/'), undefined);
  rememberDevice('camera', 'x');
  assert.equal(chosenDevice('camera'), undefined);
});

test('the chosen devices are remembered by kind', () => {
  rememberDevice('camera', 'c1');
  rememberDevice('microphone', 'm1');
  rememberDevice('camera', 'c2');
  assert.equal(chosenDevice('camera'), 'c2');
  assert.equal(chosenDevice('microphone'), 'm1');
});

test('browser, system and device are read of the user agent', () => {
  const WEBKIT = 'AppleWebKit/537.36 (KHTML, like Gecko)';
  const cases = [
    [`Mozilla/5.0 (X11; Linux x86_64) ${WEBKIT} Chrome/156.0.0.0 Safari/537.36`, 'chrome linux desktop'],
    [
      `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${WEBKIT} Chrome/156.0.0.0 Safari/537.36 Edg/156.0`,
      'edge windows desktop',
    ],
    [
      `Mozilla/5.0 (Linux; Android 15; Pixel 9) ${WEBKIT} Chrome/156.0.0.0 Mobile Safari/537.36`,
      'chrome android phone',
    ],
    [
      `Mozilla/5.0 (Linux; Android 15; Tab) ${WEBKIT} Chrome/156.0.0.0 Safari/537.36`,
      'chrome android tablet',
    ],
    ['Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0', 'firefox linux desktop'],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1',
      'safari ios phone',
    ],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 CriOS/130.0 Mobile/15E148 Safari/604.1',
      'chrome ios phone',
    ],
    ['', 'other other desktop'],
  ];
  for (const [userAgent, expected] of cases) {
    const { browser, os, device } = environmentOf({ userAgent });
    assert.equal(`${browser} ${os} ${device}`, expected);
  }
  const mac =
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.0 Safari/605.1.15';
  assert.deepEqual(environmentOf({ userAgent: mac, maxTouchPoints: 0 }), {
    browser: 'safari',
    os: 'macos',
    device: 'desktop',
  });
  assert.deepEqual(environmentOf({ userAgent: mac, maxTouchPoints: 5 }), {
    browser: 'safari',
    os: 'ios',
    device: 'tablet',
  });
});

/** A source whose server answers with `answers`, one after the other. */
function source(...answers) {
  const heard = { documents: [], errors: [], asked: [] };
  globalThis.fetch = async (url, options) => {
    heard.asked.push([url, options.cache]);
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer instanceof Error) throw answer;
    return typeof answer === 'string' ? new Response(answer) : answer;
  };
  const config = new ConfigSource('/config.json', 60, {
    document: document => heard.documents.push(document),
    error: error => heard.errors.push(error),
  });
  return { config, heard };
}

const GOOD = '{"version":1,"global":{"video":{"fps":20}}}';

test('a document is fetched by revalidation, and the same one is told once', async () => {
  const { config, heard } = source(GOOD);
  await config.refresh();
  await config.refresh();
  config.stop();
  assert.deepEqual(heard.asked, [
    ['/config.json', 'no-cache'],
    ['/config.json', 'no-cache'],
  ]);
  assert.equal(heard.documents.length, 1);
  const { config: merged } = effectiveConfig(heard.documents[0], {}, environmentOf({}));
  assert.equal(merged.video.fps, 20);
});

test('what is no document is an error that is not fatal, and the next try goes on', async () => {
  const { config, heard } = source(
    'no json',
    '{"version":9}',
    `"${'x'.repeat(70_000)}"`,
    new Response('', { status: 404 }),
    new TypeError('Failed to fetch'),
    GOOD,
  );
  for (let i = 0; i < 6; i++) await config.refresh();
  config.stop();
  assert.deepEqual(
    heard.errors.map(({ details, fatal }) => [details, fatal]),
    [
      ['configInvalid', false],
      ['configInvalid', false],
      ['configInvalid', false],
      ['configUnavailable', false],
      ['configUnavailable', false],
    ],
  );
  assert.match(heard.errors[2].message, /more than 65536/);
  assert.match(heard.errors[3].message, /404/);
  assert.equal(heard.documents.length, 1);
});

test('it is fetched again after its own age, and not after stop()', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { config, heard } = source('{"version":1,"maxAge":20}');
  await config.refresh();
  t.mock.timers.tick(19_000);
  assert.equal(heard.asked.length, 1);
  t.mock.timers.tick(1_000);
  for (let i = 0; i < 5; i++) await settled();
  assert.equal(heard.asked.length, 2);
  config.stop();
  t.mock.timers.tick(100_000);
  assert.equal(heard.asked.length, 2);
});
