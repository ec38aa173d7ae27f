/** What the player itself is made of may fail to arrive, or stop: a typed error each, and the next load() works. */
import type { Page } from '@playwright/test';
import type { LoggedError } from './harness/stage.js';
import { expect, test } from './harness/test.js';

const missing = (page: Page, file: string) =>
  page.context().route(file, route => route.fulfill({ status: 404, body: 'not here' }));

for (const [name, file, code] of [
  ['wasmFailed', '**/streams_bg.wasm', 4002],
  ['workerFailed', '**/internal/worker.js', 4003],
] as const) {
  test(`${name}: the file is missing, and then it is there`, async ({ stage, servers }) => {
    stage.allow(/404/);
    const stream = await servers.stream('relay', 'counter-av');
    await stage.open();
    await missing(stage.page, file);
    await stage.play(stream.http);
    const logged = await stage.event('error');
    const error: LoggedError = logged.detail;
    expect(error).toMatchObject({ type: 'browser', details: name, code, fatal: true });
    await stage.page.context().unroute(file);
    await stage.load(stream.http);
    await stage.event('playing');
    expect(await stage.events('error')).toHaveLength(1);
  });
}

test('audioFailed: without the worklet the picture plays', async ({ stage, servers }) => {
  stage.allow(/404/);
  const stream = await servers.stream('relay', 'counter-av');
  // Requests of worklets do not pass through Playwright: the browser is sent to an address where there is nothing.
  await stage.page.addInitScript(() => {
    const add = AudioWorklet.prototype.addModule;
    AudioWorklet.prototype.addModule = function () {
      return add.call(this, '/nowhere.js');
    };
  });
  await stage.open();
  await stage.play(stream.http);
  const logged = await stage.event('error');
  expect(logged.detail).toMatchObject({ details: 'audioFailed', code: 4005, fatal: false });
  await stage.event('playing');
  expect((await stage.stats()).state).toBe('playing');
  expect((await stage.stats()).audio).toBe('off');
});

for (const renderer of ['track', 'canvas'] as const) {
  test(`workerCrashed: another worker goes on once, and the next load() starts afresh, ${renderer}`, async ({
    stage,
    servers,
  }) => {
    stage.allow(/boom/);
    const stream = await servers.stream('relay', 'counter-av');
    await stage.open();
    await stage.play(stream.http, { renderer });
    await stage.event('playing');
    await stage.crashWorker();
    const { detail } = await stage.event('reconnecting');
    expect(detail).toEqual({ attempt: 1, delay: 0, reason: 'crash' });
    await stage.event('reconnected');
    await stage.event('playing', { count: 2 });
    expect(await stage.events('error')).toEqual([]);
    expect(await stage.events('firstframe')).toHaveLength(1);

    await stage.crashWorker();
    const logged = await stage.event('error');
    expect(logged.detail).toMatchObject({ details: 'workerCrashed', code: 4004, fatal: true });
    await stage.load(stream.http);
    await stage.event('firstframe', { count: 2 });
    await stage.event('playing', { count: 3 });
    expect(stage.page.workers()).toHaveLength(1);
  });
}

test('workerFailed: a request for the worker that is never answered', async ({ stage, servers }) => {
  const stream = await servers.stream('relay', 'counter-av');
  await stage.page.addInitScript(() => {
    const set = globalThis.setTimeout;
    globalThis.setTimeout = ((tell: TimerHandler, ms?: number) =>
      set(tell, ms === 20_000 ? 1_000 : ms)) as typeof setTimeout;
  });
  await stage.page.route('**/internal/worker.js', () => {});
  await stage.open();
  await stage.play(stream.http);
  const { detail } = await stage.event('error');
  expect(detail).toMatchObject({ type: 'browser', details: 'workerFailed', code: 4003, fatal: true });
  await stage.page.unroute('**/internal/worker.js');
  await stage.load(stream.http);
  await stage.event('playing');
  expect(await stage.events('error')).toHaveLength(1);
});
