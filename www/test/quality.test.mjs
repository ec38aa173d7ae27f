// What the page makes of the engine's quality: the pace of `qos`, CMCD, the log for a bug report.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { decodeCmcd, validateCmcdRequest } from '@svta/cml-cmcd';
import { Cmcd, encode } from '../../dist/internal/cmcd.js';
import { Questions } from '../../dist/internal/engine-host.js';
import { blankQuality, Pace, seenFromPage, videoPlaybackQuality } from '../../dist/internal/figures.js';
import { checkOptions } from '../../dist/internal/options.js';
import { PageLog, publicText, publicUrl } from '../../dist/internal/session-log.js';
import { VERSION } from '../../dist/internal/version.js';

const quality = (playedTime, finished = 0) => {
  const all = blankQuality();
  all.playedTime = playedTime;
  all.stalls.finished = finished;
  return all;
};

test('a report every 10 s of playback, at the end of a stall, and once at the end', () => {
  const pace = new Pace();
  const told = [];
  for (let played = 0; played < 25; played += 0.25) {
    const cause = pace.due('playing', quality(played, played > 12 ? 1 : 0));
    if (cause) told.push([cause, played]);
  }
  assert.deepEqual(told, [
    ['interval', 10],
    ['stall', 12.25],
    ['interval', 22.25],
  ]);
  assert.equal(pace.due('paused', quality(25, 1)), null);
  assert.equal(pace.due('ended', quality(25, 1)), 'ended');
  assert.equal(pace.close('replaced'), null);
  assert.equal(new Pace().close('destroyed'), 'destroyed');
});

test('the start-up is counted from the call of load()', () => {
  const steps = {
    connected: 0.02,
    firstByte: 0.03,
    firstTag: 0.03,
    firstKeyframe: 0.05,
    decoded: 0.06,
    shown: null,
  };
  const seen = seenFromPage({ ...blankQuality(), startUp: steps, loadedAt: 5100 }, 5000);
  assert.equal(seen.startUp.engineReady, 0.1);
  assert.ok(Math.abs(seen.startUp.connected - 0.12) < 1e-9);
  assert.equal(seen.startUp.shown, null);
  assert.equal('loadedAt' in seen, false);
});

test('playback quality as the W3C has it', () => {
  const all = videoPlaybackQuality({ framesRendered: 90, framesDropped: 10, framesSkipped: 55 });
  assert.equal(all.totalVideoFrames, 100);
  assert.equal(all.droppedVideoFrames, 10);
  assert.equal(all.corruptedVideoFrames, 0);
  assert.ok(all.creationTime > 0);
});

const keys = url => decodeCmcd(new URL(url).searchParams.get('CMCD'), { convertToLatest: false });

test('CMCD is what an independent reader expects', () => {
  const cmcd = new Cmcd({ contentId: 'room "7"\\ a,b', sessionId: 'abc-1' });
  const first = cmcd.sign('https://cdn.example.com/live.flv?sign=x', { startup: true, buffered: 0 });
  assert.ok(first.startsWith('https://cdn.example.com/live.flv?sign=x&CMCD='), first);
  assert.deepEqual(
    { ...keys(first) },
    {
      bl: 0,
      cid: 'room "7"\\ a,b',
      ot: 'av',
      sf: 'o',
      sid: 'abc-1',
      st: 'l',
      su: true,
    },
  );
  const later = quality(30, 1);
  Object.assign(later, { bitrate: 812_345, throughput: 1_249_000 });
  later.stalls.count = 1;
  const again = cmcd.sign(first, { startup: false, quality: later, buffered: 0.449 });
  assert.equal(again.split('CMCD=').length, 2);
  const { br, bs, mtp, bl, dl, su } = keys(again);
  assert.deepEqual(
    { br, bs, mtp, bl, dl, su },
    { br: 812, bs: true, mtp: 1200, bl: 400, dl: 400, su: undefined },
  );
  // Only what stalled since the last request.
  const third = cmcd.sign(again, { startup: false, quality: later, buffered: 0.449 });
  assert.doesNotMatch(decodeURIComponent(third), /\bbs\b/);
  for (const url of [first, again, third]) {
    const result = validateCmcdRequest(new Request(url), { version: 1 });
    assert.deepEqual(
      result.issues.filter(issue => issue.severity === 'error'),
      [],
      url,
    );
  }
});

test('CMCD leaves the rest of an address alone', () => {
  const cmcd = new Cmcd({ sessionId: 's' });
  const sign = url => cmcd.sign(url, { startup: true, buffered: 0 }).replace(/CMCD=[^&#]*/, 'CMCD');
  assert.equal(sign('ws://h/a'), 'ws://h/a?CMCD');
  assert.equal(sign('http://h/a?b=%2F+c#d?e'), 'http://h/a?b=%2F+c&CMCD#d?e');
  assert.equal(sign('http://h/a?CMCD=old&b=1'), 'http://h/a?b=1&CMCD');
  assert.equal(sign('http://h/a?b=1&CMCD=old'), 'http://h/a?b=1&CMCD');
  assert.equal(encode({ z: 1, a: true, m: undefined, st: 'l' }), 'a,st=l,z=1');
});

test('CMCD names are checked', () => {
  const container = { nodeType: 1 };
  assert.deepEqual(checkOptions({ container, cmcd: {} }).cmcd, {});
  for (const cmcd of [
    1,
    null,
    { contentId: '' },
    { sessionId: 'x'.repeat(65) },
    { contentId: 7 },
    { contentId: 'é' },
  ]) {
    assert.throws(() => checkOptions({ container, cmcd }), { details: 'optionInvalid', message: /cmcd/ });
  }
});

test('addresses lose what may be secret', () => {
  for (const [url, shown] of [
    ['https://me:pw@h.example/live/a.flv?sign=x#y', 'https://h.example/live/a.flv?…'],
    ['wss://h/a@b', 'wss://h/a@b'],
    ['live.flv?token=1', 'live.flv?…'],
    ['http://h/#secret', 'http://h/'],
    [undefined, undefined],
  ]) {
    assert.equal(publicUrl(url), shown);
  }
  assert.equal(publicText('HTTP 404 for http://h/a?key=1, sorry'), 'HTTP 404 for http://h/a?… sorry');
});

test("the page's log is bounded, and keeps what tells", () => {
  const log = new PageLog();
  log.note('stats', {});
  for (let i = 0; i < 300; i++) log.note('statechange', { state: i });
  log.note('error', Object.assign(new Error('of http://h/?secret=1'), { code: 1003, fatal: true }));
  assert.equal(log.entries.length, 100);
  assert.deepEqual(
    { ...log.entries.at(-1), at: 0 },
    {
      at: 0,
      what: 'error',
      code: 1003,
      fatal: true,
      message: 'of http://h/?…',
    },
  );
});

test('a worker that does not answer has no log', async () => {
  const requests = new Questions();
  const log = { entries: [], lost: 0 };
  assert.equal(await requests.ask(request => queueMicrotask(() => requests.answer(request, log))), log);
  assert.equal(await requests.ask(() => {}), null);
  requests.answer(99, log);
});

test('a picture that comes when nobody waits for it any more is closed', async () => {
  const closed = [];
  const picture = name => ({ close: () => closed.push(name) });
  const questions = new Questions();
  let late;
  assert.equal(
    await questions.ask(request => {
      late = request;
    }),
    null,
  );
  questions.answer(late, picture('late'));
  const asked = await questions.ask(request => questions.answer(request, picture('in time')));
  assert.deepEqual(closed, ['late']);
  asked.close();
});

test('the version is that of the package', async () => {
  const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'));
  assert.equal(VERSION, version);
});
