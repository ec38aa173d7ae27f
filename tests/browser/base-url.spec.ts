/** `baseUrl`: worker, worklet and wasm come from a `dist/` folder on another origin. */
import { expectInOrder, expectSound, ROUND } from './harness/measures.js';
import { Screencast } from './harness/pictures.js';
import { beeps } from './harness/sound.js';
import { expect, test } from './harness/test.js';

test('dist/ on another origin', async ({ stage, servers }) => {
  const stream = await servers.stream('relay', 'counter-av');
  const other = `${servers.isolated.url}dist`;
  const asked: string[] = [];
  stage.page.context().on('request', request => asked.push(request.url()));
  await stage.open();
  const before = asked.length;
  const cast = await Screencast.start(stage.page);
  await stage.play(stream.http, { baseUrl: other });
  await stage.event('playing');
  await stage.wait(5);
  expectInOrder(await cast.stop(), ROUND['counter-av']);
  expectSound((await beeps(stage.page)).slice(1));
  expect(asked).toContain(`${other}/wasm/streams_bg.wasm`);
  expect(asked.slice(before).filter(url => url.startsWith(`${servers.relay.url}dist/`))).toEqual([]);
  expect(stage.page.workers().map(worker => new URL(worker.url()).protocol)).toEqual(['blob:']);
});

test('a folder without the files', async ({ stage, servers }) => {
  stage.allow(/Failed to load resource|Refused to|MIME/);
  await stage.open();
  await stage.play(servers.faulty.http('live'), { baseUrl: '/nowhere/' });
  const { detail } = await stage.event('error');
  expect(['wasmFailed', 'workerFailed']).toContain(detail.details);
});
