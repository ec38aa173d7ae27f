/** From the picture that is drawn to the picture that is seen, through the relay. */
import { median } from './harness/measures.js';
import { Screencast } from './harness/pictures.js';
import { note } from './harness/published.js';
import { withDevices } from './harness/studio.js';
import { expect, test } from './harness/test.js';

test.use(withDevices());

/** What a quiet machine shows is docs/performance.md's; ms. */
const ENOUGH = 600;

test('glass to glass', async ({ stage, studio, servers }) => {
  await studio.page.evaluate(async url => {
    const { studio } = globalThis;
    studio.make({ video: { kind: 'stream', stream: studio.clockTrack() } });
    await studio.publisher.start(url);
  }, servers.relay.publish('clock'));
  await stage.open();
  await stage.play(servers.relay.http('clock'));
  await stage.event('playing');
  await stage.wait(2);
  const cast = await Screencast.start(stage.page);
  await stage.wait(5);
  const { shown } = await cast.stop();
  const drawn = await studio.page.evaluate(() => globalThis.studio.drawn);
  const delays = shown.map(({ at, counter }) => at - (drawn[counter] ?? Number.NaN));
  expect(delays.length).toBeGreaterThan(20);
  note('glass to glass, ms', `p50 ${median(delays).toFixed(0)}, of ${delays.length} pictures`);
  expect(median(delays), delays.map(Math.round).join(' ')).toBeLessThan(ENOUGH);
});
