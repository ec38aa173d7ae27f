/** Two modules of the player: a stream fetches the small one, and what turns out to need the whole player gets it without an error. */
import { act, type Stage } from './harness/stage.js';
import { expect, test } from './harness/test.js';

/** The wasm of the player that the page fetches from now on, by name. */
function fetched(stage: Stage): string[] {
  const names: string[] = [];
  stage.page.on('request', request => {
    const [, name] = /wasm\/(\w+)_bg\.wasm$/.exec(request.url()) ?? [];
    if (name) names.push(name);
  });
  return names;
}

/** The load began once, went on elsewhere, and nobody heard of it. */
async function expectQuiet(stage: Stage): Promise<void> {
  const names = (await stage.events()).map(({ name }) => name);
  for (const name of ['loadstart', 'firstframe']) expect(names.filter(n => n === name)).toHaveLength(1);
  for (const name of ['error', 'reconnecting', 'ended']) expect(names).not.toContain(name);
}

test('a stream needs the small one only, and a recording goes on in its worker', async ({
  stage,
  servers,
  files,
}) => {
  const stream = await servers.stream('relay', 'counter-av');
  await stage.open();
  const names = fetched(stage);
  await stage.play(stream.ws);
  await stage.event('playing');
  await stage.load(stream.http);
  await stage.event('playing', { count: 2 });
  expect(names).toEqual(['streams']);
  expect(stage.page.workers()).toHaveLength(1);

  await stage.load(files.url('first.mp4'));
  await stage.event('playing', { count: 3 });
  await stage.load(stream.http);
  await stage.event('playing', { count: 4 });
  await expect.poll(() => stage.page.workers().length).toBe(1);
  expect(names).toEqual(['streams', 'sailcast']);
});

test('the address of a stream that is a recording', async ({ stage, files }) => {
  await stage.open();
  const names = fetched(stage);
  await stage.play(files.url('list.flv'));
  await stage.event('playing');
  expect(names).toEqual(['streams', 'sailcast']);
  expect(await act(stage, player => player.streamType)).toBe('on-demand');
  await expectQuiet(stage);
});

test('what came of the recording is not asked for again', async ({ stage, files }) => {
  await stage.open();
  await stage.play(files.url('list.flv'));
  await stage.event('playing');
  const asked = files.folder.askedFor('list.flv').map(({ range }) => range);
  expect(asked[0]).toBeUndefined();
  expect(asked.slice(1), asked.join()).not.toContain(undefined);
  for (const range of asked.slice(1)) expect(range, asked.join()).not.toMatch(/^bytes=0-/);
});

test('the address of a stream for which the page gives that of a playlist', async ({ stage, files }) => {
  await stage.open();
  const names = fetched(stage);
  await stage.page.evaluate(playlist => {
    const asked: number[] = [];
    const resolveUrl = ({ attempt }: { attempt: number }) => {
      asked.push(attempt);
      return playlist;
    };
    Object.assign(globalThis, { asked });
    globalThis.stage.make({ url: 'https://stream.example/live.flv', autoplay: true, resolveUrl });
  }, files.url('ts/index.m3u8'));
  await stage.event('playing');
  expect(names).toEqual(['streams', 'sailcast']);
  expect(await stage.page.evaluate(() => (globalThis as unknown as { asked: number[] }).asked)).toEqual([
    0, 0,
  ]);
  await expectQuiet(stage);
});

test('recording a stream: it goes on behind a short stall', async ({ stage, servers }) => {
  const stream = await servers.stream('relay', 'counter-av');
  await stage.open();
  await stage.play(stream.http);
  await stage.event('playing');
  await act(stage, player => player.startRecording());
  await stage.event('playing', { count: 2 });
  await stage.wait(3);
  const bytes = await act(stage, async player => (await player.stopRecording())?.size ?? 0);
  expect(bytes).toBeGreaterThan(20_000);
  const [waiting, playing] = [await stage.event('waiting'), await stage.event('playing', { count: 2 })];
  expect(playing.at - waiting.at).toBeLessThan(2_000);
  await expectQuiet(stage);
});
