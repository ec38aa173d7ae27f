/** Each fault gives one typed error that says what to do, in bounded time, and the same player plays a good stream after it. */
import { POLICY } from './harness/faulty.js';
import type { Servers } from './harness/servers.js';
import { beeps } from './harness/sound.js';
import type { LoggedError } from './harness/stage.js';
import { expect, test } from './harness/test.js';

interface Fault {
  name: string;
  url(servers: Servers): string;
  type: string;
  details: string;
  code: number;
  /** Must be in the message. */
  says?: RegExp;
  /** Longest time until the error, seconds. */
  within?: number;
}

const faults: Fault[] = [
  {
    name: '404',
    url: s => s.faulty.http('nowhere'),
    type: 'network',
    details: 'httpStatus',
    code: 1001,
    says: /404/,
  },
  {
    name: 'refused',
    url: s => s.faulty.refused.http,
    type: 'network',
    details: 'connectionFailed',
    code: 1002,
  },
  { name: 'HTML', url: s => s.faulty.http('html'), type: 'media', details: 'formatUnrecognised', code: 2001 },
  {
    name: 'garbage',
    url: s => s.faulty.http('garbage'),
    type: 'media',
    details: 'formatUnrecognised',
    code: 2001,
  },
  {
    name: 'cut mid-tag',
    url: s => s.faulty.http('truncated'),
    type: 'network',
    details: 'streamTruncated',
    code: 1005,
  },
  {
    name: 'connection broken',
    url: s => s.faulty.http('broken'),
    type: 'network',
    details: 'connectionLost',
    code: 1003,
  },
  {
    name: 'no keyframe',
    url: s => s.faulty.http('no-keyframe-no-sound'),
    type: 'media',
    details: 'noKeyframe',
    code: 2002,
    within: 16,
  },
  {
    name: 'silence',
    url: s => s.faulty.http('silent'),
    type: 'network',
    details: 'timeout',
    code: 1004,
    within: 20,
  },
  { name: 'empty', url: s => s.faulty.http('empty'), type: 'media', details: 'noMedia', code: 2005 },
  {
    name: 'WebSocket refused',
    url: s => s.faulty.refused.ws,
    type: 'network',
    details: 'connectionFailed',
    code: 1002,
  },
  {
    name: 'WebSocket closed by policy',
    url: s => s.faulty.ws(),
    type: 'network',
    details: 'socketClosed',
    code: 1006,
    says: new RegExp(`${POLICY.code}.*${POLICY.reason}`),
  },
  {
    name: 'unknown scheme',
    url: () => 'ftp://127.0.0.1/live.flv',
    type: 'usage',
    details: 'urlUnsupported',
    code: 5001,
  },
];

for (const fault of faults) {
  test(fault.name, async ({ stage, servers }) => {
    stage.allow(/Failed to load resource|net::ERR_|WebSocket connection to/);
    await stage.open();
    await stage.play(fault.url(servers));
    const error: LoggedError = (await stage.event('error', { seconds: fault.within ?? 8 })).detail;
    expect(error).toMatchObject({
      type: fault.type,
      details: fault.details,
      code: fault.code,
      fatal: true,
      isError: true,
    });
    if (fault.says) expect(error.message).toMatch(fault.says);
    // What happened, and what to do.
    expect(error.message).toMatch(/^\S.*\. \S.*\.$/s);
    expect((await stage.stats()).state).toBe('failed');

    const playing = (await stage.events('playing')).length;
    const pictures = (await stage.events('firstframe')).length;
    await stage.load(servers.faulty.http('live'));
    await stage.event('firstframe', { count: pictures + 1 });
    await stage.event('playing', { count: playing + 1 });
    await stage.wait(0.5);
    await expect.poll(async () => (await stage.stats()).state).toBe('playing');
    expect(await stage.events('error'), 'one error').toHaveLength(1);
  });
}

test('garbage inside a good beginning', async ({ stage, servers }) => {
  await stage.open();
  await stage.play(servers.faulty.http('garbage-inside'));
  await expect
    .poll(async () => (await stage.events('error')).filter(e => e.detail.fatal).length, { timeout: 30_000 })
    .toBe(1);
  const errors = await stage.events('error');
  expect(errors.at(-1)?.detail).toMatchObject({ type: 'media', fatal: true });
  // Equal warnings coalesce: one for each connection, at most.
  const tries = (await stage.events('reconnecting')).length;
  expect(errors.length).toBeLessThanOrEqual(tries + 2);
  await stage.load(servers.faulty.http('live'));
  await stage.event('firstframe');
});

test('no keyframe, but sound: a warning, and the sound goes on', async ({ stage, servers }) => {
  await stage.open();
  await stage.play(servers.faulty.http('no-keyframe'));
  const error: LoggedError = (await stage.event('error', { seconds: 14 })).detail;
  expect(error).toMatchObject({ type: 'media', details: 'noKeyframe', code: 2002, fatal: false });
  expect((await beeps(stage.page)).length).toBeGreaterThanOrEqual(4);
  expect((await stage.stats()).state).toBe('playing');
  expect(await stage.events('firstframe')).toEqual([]);
  expect(await stage.events('error')).toHaveLength(1);
});

test('a wasm request that is never answered', async ({ stage, servers }) => {
  stage.allow(/Failed to load resource|net::ERR_/);
  await stage.page.addInitScript(() => {
    const timeout = AbortSignal.timeout.bind(AbortSignal);
    AbortSignal.timeout = ms => timeout(ms / 20);
  });
  await stage.page.route('**/*.wasm', () => {});
  await stage.open();
  await stage.play(servers.faulty.http('live'));
  const error: LoggedError = (await stage.event('error')).detail;
  expect(error).toMatchObject({ type: 'browser', details: 'wasmFailed', code: 4002, fatal: true });
  await stage.page.unroute('**/*.wasm');
  await stage.load(servers.faulty.http('live'));
  await stage.event('playing');
  expect(await stage.events('error')).toHaveLength(1);
});
