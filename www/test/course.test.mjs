// What a player makes of what its engine tells, and of the end of a worker. The engine is what the test says.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import './fake-page.mjs';

const { SailcastError } = await import('../../dist/errors.js');
const { Course } = await import('../../dist/internal/course.js');
const { Face } = await import('../../dist/internal/face.js');
const { Figures } = await import('../../dist/internal/figures.js');
const { VideoRenditionList } = await import('../../dist/renditions.js');

const nothing = () => {};
const given = { lines: ['https://a.example/film.mp4'], renditions: [] };

/** A recording that plays. */
function playing() {
  const heard = [];
  const loads = [];
  const page = new EventTarget();
  for (const type of ['seeked', 'reconnecting', 'error', 'ended'])
    page.addEventListener(type, () => heard.push(type));
  const settings = { base: undefined, muted: true, volume: 1 };
  const face = new Face(page, settings, new Figures('canvas', 0.2), nothing);
  const link = {
    open: true,
    send: nothing,
    ensure: nothing,
    buildFor: () => 'all',
    load: async (_load, { startTime }) => void loads.push(startTime),
  };
  const view = { pictureShown: nothing, attach: nothing };
  const course = new Course(face, view, link, new VideoRenditionList(), given);
  face.begin(new Figures('canvas', 0.2));
  course.begin(given);
  const tell = event => course.receive({ type: 'event', load: face.load, event });
  tell({ name: 'source', kind: 'file', live: false });
  tell({ name: 'statechange', state: 'playing' });
  face.setPaused(false);
  return { course, face, heard, loads, tell };
}

const crash = new SailcastError({
  type: 'browser',
  details: 'workerCrashed',
  code: 4004,
  fatal: true,
  message: 'The worker stopped.',
});

test('a worker that crashes on its way to a place is followed by one that begins there', () => {
  const { course, face, heard, loads, tell } = playing();
  tell({ name: 'seeking', to: 42 });
  tell({ name: 'statechange', state: 'waiting' });
  course.lost(crash);
  assert.deepEqual(loads, [42]);
  assert.equal(face.figures.place.target, undefined, 'it is not sought any more');
  assert.equal(face.currentTime, 42);
  assert.deepEqual(heard, ['seeked', 'reconnecting']);
});

test('a load that fails on its way to a place is not on its way any more', () => {
  const { face, heard, tell } = playing();
  tell({ name: 'seeking', to: 42 });
  tell({ name: 'error', kind: 'network', details: 'httpStatus', code: 1003, fatal: true, message: '404' });
  assert.deepEqual(heard, ['error']);
  assert.equal(face.figures.place.target, undefined);
});

test('a recording is complete when the player is lost for good', async () => {
  const { course } = playing();
  const ended = [];
  course.recorder = { fail: why => ended.push(why), over: nothing };
  course.lost(crash);
  course.lost(crash);
  assert.deepEqual(ended, ['the worker crashed', 'the worker is lost']);
});
