// The publisher's face: promises, events and messages of going live. The worker is played by the test.
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { workers } from './fake-page.mjs';

const { Publisher } = await import('../../dist/publisher/index.js');

const settled = () => new Promise(resolve => setTimeout(resolve, 5));
/** The worker has been told of so many starts. */
async function asked(starts = 1) {
  while (told().filter(type => type === 'start').length < starts) await settled();
}
const URL_A = 'wss://a.example/live';
const EMPTY_WASM = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0);

Object.assign(globalThis, {
  VideoEncoder: class {},
  AudioWorkletNode: class {},
  MediaStreamTrackProcessor: class {
    readable = {};
  },
  fetch: async () => new Response(EMPTY_WASM),
});

class Track extends EventTarget {
  readyState = 'live';
  label = 'a track';
  getSettings = () => ({});
}

/** A stream of pictures alone. */
const stream = () => ({
  getTracks: () => [],
  getVideoTracks: () => [new Track()],
  getAudioTracks: () => [],
});

let publisher;
let heard;
beforeEach(() => {
  publisher?.destroy();
  workers.length = 0;
  heard = [];
  publisher = new Publisher({
    url: URL_A,
    video: { kind: 'stream', stream: stream() },
    audio: 'none',
    baseUrl: '/dist',
  });
  for (const type of ['ready', 'connecting', 'publishing', 'reconnecting', 'error', 'ended', 'statechange']) {
    publisher.addEventListener(type, ({ detail }) => {
      heard.push(type === 'statechange' ? detail.state : type === 'error' ? detail.details : type);
    });
  }
});

const worker = () => workers.at(-1);
const told = () => worker().posted.map(({ type }) => type);
const say = event => worker().say({ type: 'event', event });
const state = state => say({ name: 'statechange', state });
const wentLive = () => {
  state('publishing');
  say({ name: 'publishing', url: URL_A });
};
const failure = fatal => ({
  name: 'error',
  kind: 'network',
  details: 'ingestLost',
  code: 1102,
  fatal,
  message: 'It broke.',
});

async function live() {
  const starts = workers.length > 0 ? told().filter(type => type === 'start').length : 0;
  const started = publisher.start();
  await asked(starts + 1);
  wentLive();
  await started;
}

test('start() opens the sources, tells the worker in order, and resolves when media goes out', async () => {
  const started = publisher.start();
  await asked();
  assert.deepEqual(told(), ['init', 'settings', 'visible', 'online', 'video', 'source', 'start']);
  assert.deepEqual(worker().posted.at(-1).lines, [{ url: URL_A, known: undefined }]);
  assert.equal(publisher.state, 'connecting');
  wentLive();
  await started;
  assert.deepEqual(heard, ['ready', 'connecting', 'connecting', 'publishing', 'publishing']);
});

test('stop() resolves when the worker has sent all, and the sources stay', async () => {
  await live();
  const stopped = publisher.stop();
  assert.equal(told().at(-1), 'stop');
  assert.equal(publisher.state, 'publishing');
  heard.length = 0;
  state('ended');
  say({ name: 'ended' });
  await stopped;
  assert.deepEqual(heard, ['ended', 'ended']);
  assert.equal(publisher.ready, true);
  await publisher.stop();
});

test('a fatal error rejects start() and is told before the state', async () => {
  const started = publisher.start();
  await asked();
  heard.length = 0;
  state('failed');
  say(failure(true));
  await assert.rejects(started, { details: 'ingestLost', code: 1102 });
  assert.deepEqual(heard, ['ingestLost', 'failed']);
  assert.equal(publisher.error.code, 1102);
  await live();
  assert.equal(publisher.error, null);
});

test('an error that is not fatal changes nothing', async () => {
  await live();
  say(failure(false));
  assert.equal(publisher.state, 'publishing');
  assert.equal(publisher.error, null);
});

test('start() while it publishes stops first', async () => {
  await live();
  const again = publisher.start('wss://b.example/live');
  await settled();
  assert.equal(told().at(-1), 'stop');
  state('ended');
  say({ name: 'ended' });
  await settled();
  assert.deepEqual(
    worker()
      .posted.at(-1)
      .lines.map(({ url }) => url),
    ['wss://b.example/live'],
  );
  wentLive();
  await again;
});

test('whoever is overtaken gets an AbortError', async () => {
  const first = publisher.start();
  const second = publisher.start();
  const stopped = publisher.stop();
  await assert.rejects(first, { name: 'AbortError' });
  await assert.rejects(second, { name: 'AbortError' });
  await stopped;
  const third = publisher.start();
  await settled();
  publisher.destroy();
  await assert.rejects(third, { name: 'AbortError' });
  await assert.rejects(publisher.start(), { details: 'destroyed' });
});

test('a worker that crashes is replaced, with settings, sources and the stream', async () => {
  await live();
  const crashed = worker();
  heard.length = 0;
  crashed.say({ type: 'crash', message: 'unreachable' });
  await asked();
  assert.notEqual(worker(), crashed);
  assert.deepEqual(told(), ['init', 'settings', 'video', 'source', 'visible', 'online', 'start']);
  assert.deepEqual(heard, ['reconnecting', 'reconnecting']);
  wentLive();
  assert.equal(publisher.state, 'publishing');
  heard.length = 0;
  worker().say({ type: 'crash', message: 'unreachable' });
  assert.deepEqual(heard, ['workerCrashed', 'failed']);
});

test('a worker that is gone says nothing more', async () => {
  await live();
  const crashed = worker();
  crashed.say({ type: 'crash', message: 'unreachable' });
  await settled();
  heard.length = 0;
  crashed.say({ type: 'event', event: failure(true) });
  assert.deepEqual(heard, []);
});

test('the configuration follows while it publishes, without another start', async () => {
  await live();
  const before = worker().posted.length;
  publisher.setConfig({ video: { fps: 20, bitrate: 500_000 } });
  const [message, ...others] = worker().posted.slice(before);
  assert.equal(message.settings.video.fps, 20);
  assert.equal(message.settings.video.minBitrate, 125_000);
  assert.deepEqual(others, []);
  assert.equal(publisher.config.video.bitrate, 500_000);
});

test('a recording is complete when the worker says so', async () => {
  await live();
  await publisher.startRecording();
  await assert.rejects(publisher.startRecording(), { details: 'recordingActive' });
  worker().say({ type: 'recorded', data: Uint8Array.of(1) });
  const stopped = publisher.stopRecording();
  worker().say({ type: 'recorded', data: Uint8Array.of(2) });
  worker().say({ type: 'recordingEnded' });
  const blob = await stopped;
  assert.equal(blob.size, 2);
  assert.equal(await publisher.stopRecording(), null);
});

test('a recording ends with the stream and is kept', async () => {
  await live();
  await publisher.startRecording();
  worker().say({ type: 'recorded', data: Uint8Array.of(1, 2, 3) });
  state('ended');
  say({ name: 'ended' });
  const blob = await publisher.stopRecording();
  assert.equal(blob.size, 3);
});

test('another source of pictures is given to the same worker', async () => {
  await live();
  const before = worker().posted.length;
  await publisher.replaceSource({ video: { kind: 'stream', stream: stream() } });
  assert.deepEqual(
    worker()
      .posted.slice(before)
      .map(({ type }) => type),
    ['video'],
  );
});

test('a source that cannot be had ends start() as any fatal error does', async () => {
  const empty = { getTracks: () => [], getVideoTracks: () => [], getAudioTracks: () => [] };
  await publisher.replaceSource({ video: { kind: 'stream', stream: empty } });
  await assert.rejects(publisher.start(), { details: 'captureFailed', fatal: true });
  assert.deepEqual(heard, ['captureFailed', 'failed']);
  await publisher.replaceSource({ video: { kind: 'stream', stream: stream() } });
  await live();
  const replaced = publisher.replaceSource({ video: { kind: 'stream', stream: empty } });
  await assert.rejects(replaced, { details: 'captureFailed', fatal: false });
  assert.equal(publisher.state, 'publishing');
});

test('without any source or address it is said what is missing', async () => {
  const none = new Publisher({ url: URL_A, video: 'none', audio: 'none' });
  await assert.rejects(none.start(), { details: 'nothingToPublish' });
  none.destroy();
  const nowhere = new Publisher();
  await assert.rejects(nowhere.start(), { details: 'urlMissing' });
  nowhere.destroy();
});
