// Where a load is on its timeline, as media controls ask for it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blankStats, Figures } from '../../dist/internal/figures.js';
import { Place, ranges } from '../../dist/internal/place.js';

const stats = fields => ({ ...blankStats('track', 0.5), ...fields });

test('a range is one or none', () => {
  assert.equal(ranges(null).length, 0);
  assert.throws(() => ranges(null).start(0), { name: 'IndexSizeError' });
  const one = ranges([3, 3.5]);
  assert.deepEqual([one.length, one.start(0), one.end(0)], [1, 3, 3.5]);
  assert.throws(() => one.start(1), { name: 'IndexSizeError' });
});

test('what is played is unknown, then live, and a recording when it has ended', () => {
  const place = new Place();
  assert.deepEqual([place.live, place.streamType, place.duration], [null, 'unknown', Number.NaN]);
  place.note({ name: 'source', kind: 'hls', live: true });
  assert.deepEqual([place.live, place.streamType, place.duration], [true, 'live', Number.POSITIVE_INFINITY]);
  place.note({ name: 'source', kind: 'hls', live: false });
  place.note({ name: 'durationchange', duration: 90 });
  assert.deepEqual([place.live, place.streamType, place.duration], [false, 'on-demand', 90]);
});

test('who hears how long a recording is can go to any place of it', () => {
  const figures = new Figures('track', 0.5);
  figures.note({ name: 'durationchange', duration: 90, seekable: [0, 90] });
  assert.deepEqual([figures.place.duration, figures.stats.seekable], [90, [0, 90]]);
});

test('a live stream has a window to go back in when that is longer than a minute', () => {
  const place = new Place();
  assert.equal(place.targetLiveWindow(stats({ seekable: [0, 100] })), Number.NaN);
  place.note({ name: 'source', kind: 'hls', live: true });
  assert.equal(place.targetLiveWindow(stats({})), 0);
  assert.equal(place.targetLiveWindow(stats({ seekable: [100, 124] })), 0);
  assert.equal(place.targetLiveWindow(stats({ seekable: [0, 61] })), Number.POSITIVE_INFINITY);
});

test('a viewer counts as live near the target latency', () => {
  const place = new Place();
  assert.equal(place.liveEdgeStart(stats({})), Number.NaN);
  place.note({ name: 'source', kind: 'stream', live: true });
  const at = stats({ currentTime: 10, latency: 0.6 });
  assert.ok(at.currentTime > place.liveEdgeStart(at));
  assert.equal(place.liveEdgeStart(stats({ liveEdge: 100, targetLatency: 12 })), 82);
});

test('during a seek the time is that of its goal, and then the place that was reached', () => {
  const figures = new Figures('track', 0.5);
  figures.note({ name: 'seeking', to: 30 });
  assert.equal(figures.currentTime(true), 30);
  figures.note({ name: 'seeked', at: 29.96 });
  assert.equal(figures.currentTime(false), 29.96);
});
