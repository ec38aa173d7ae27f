/** `<sailcast-player>`: attributes and properties are the player's; leaving the document ends it. */
import { expectInOrder, ROUND } from './harness/measures.js';
import { Screencast } from './harness/pictures.js';
import { expect, test } from './harness/test.js';

test('an element plays, changes its stream and goes', async ({ stage, servers }) => {
  const [first, second] = [
    await servers.stream('relay', 'counter-av'),
    await servers.stream('relay', 'video-only'),
  ];
  await stage.open();
  const cast = await Screencast.start(stage.page);
  await stage.page.evaluate(async url => {
    await import('/dist/element.js' as string);
    const box = document.querySelector('#box');
    if (!box) return;
    box.innerHTML =
      '<sailcast-player muted autoplay latency="0.8" style="width:640px;height:360px"></sailcast-player>';
    const element = box.firstElementChild;
    if (!element) return;
    globalThis.stage.watch(element, 0);
    element.setAttribute('src', url);
  }, first.http);
  await stage.event('playing');
  await stage.wait(2.5);
  expectInOrder(await cast.stop(), ROUND['counter-av']);
  const element = stage.page.locator('sailcast-player');
  expect(await element.evaluate(e => (e as HTMLElement & { muted: boolean }).muted)).toBe(true);
  expect(await element.evaluate(e => (e as HTMLElement & { paused: boolean }).paused)).toBe(false);
  const target = await element.evaluate(e => (e as HTMLElement & { targetLatency: number }).targetLatency);
  expect(target, 'the attribute').toBeCloseTo(0.8);

  await element.evaluate((e, url) => e.setAttribute('src', url), second.ws);
  await stage.event('firstframe', { count: 2 });
  await stage.event('playing', { count: 2 });
  await element.evaluate(e => e.remove());
  await expect.poll(() => stage.page.workers().length).toBe(0);
  expect(await stage.events('error')).toEqual([]);
});
