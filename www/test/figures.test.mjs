// The small pure parts of the page's side.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pending } from '../../dist/internal/face.js';
import { blankStats, endToEnd } from '../../dist/internal/figures.js';
import { checkOptions } from '../../dist/internal/options.js';

const container = { nodeType: 1 };

test('options are completed', () => {
  assert.deepEqual(checkOptions({ container, extra: 1 }), {
    container,
    source: { lines: [], renditions: [], rendition: undefined, sourceType: undefined, startTime: undefined },
    loop: false,
    playbackRate: 1,
    resolveUrl: undefined,
    muted: false,
    volume: 1,
    autoplay: false,
    latency: { start: 0.2, min: 0.05, max: 2 },
    background: 'audio',
    cmcd: undefined,
    fit: 'contain',
    rotation: 0,
    mirror: false,
    renderer: undefined,
    decoder: 'auto',
    base: undefined,
  });
});

test('a base URL is a folder, and may be relative to the page', () => {
  globalThis.document = { baseURI: 'https://example.com/room/1.html' };
  const base = baseUrl => checkOptions({ container, baseUrl }).base.href;
  assert.equal(base('../sailcast'), 'https://example.com/sailcast/');
  assert.equal(base('https://cdn.example.com/dist/'), 'https://cdn.example.com/dist/');
  assert.throws(() => base('https://'), { details: 'optionInvalid', message: /baseUrl/ });
});

test('an option that cannot be is named', () => {
  const bad = [
    { playbackRate: 4 },
    { startTime: '1' },
    { sourceType: 'dash' },
    { latency: 0 },
    { latency: Number.NaN },
    { volume: 1.1 },
    { fit: 'none' },
    { renderer: 'x' },
    { decoder: 'x' },
    { rotation: 45 },
    { url: 7 },
    { baseUrl: 7 },
  ];
  for (const option of bad) {
    const [name] = Object.keys(option);
    assert.throws(() => checkOptions({ container, ...option }), {
      details: 'optionInvalid',
      message: RegExp(name),
    });
  }
  assert.throws(() => checkOptions({ container: null }), { details: 'containerNotFound', code: 5002 });
});

test('promises wait for their milestone, and are all rejected by an error', async () => {
  const pending = new Pending();
  const started = pending.add('started');
  const playing = pending.add('playing');
  pending.resolve('started');
  await started;
  pending.abort('paused', 'playing');
  await assert.rejects(playing, { name: 'AbortError' });
  const both = [pending.add('started'), pending.add('playing')];
  pending.reject(new Error('no'));
  for (const one of both) await assert.rejects(one, { message: 'no' });
});

test('end-to-end latency is counted from the clock message', () => {
  assert.equal(endToEnd(undefined, 1, 2), null);
  assert.equal(endToEnd({ time: 10, wallclock: 1_000_000 }, 12, 1_003_500), 1.5);
});

test('a player that has not played has figures', () => {
  const stats = blankStats('track', 0.4);
  assert.equal(stats.state, 'idle');
  assert.equal(stats.targetLatency, 0.4);
});
