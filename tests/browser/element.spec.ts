/** `<sailcast-player>`: attributes and properties are the player's; leaving the document ends it. */
import type { SailcastPlayerElement } from '../../dist/element.js';
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

test('play() plays what was loaded last, and src when it has changed since', async ({ stage, servers }) => {
  await stage.open();
  await stage.page.evaluate(async () => {
    await import('/dist/element.js' as string);
    const element = document.createElement('sailcast-player');
    document.querySelector('#box')?.append(element);
    globalThis.stage.watch(element, 0);
  });
  const [src, other] = [servers.faulty.http('live'), servers.relay.http('demo')];
  const player = (act: (e: SailcastPlayerElement, url: string) => Promise<unknown> | unknown, url = '') =>
    stage.page.locator('sailcast-player').evaluate(act as (e: HTMLElement, url: string) => unknown, url);

  await player((e, url) => {
    e.muted = true;
    e.src = url;
    return e.play();
  }, src);
  await player((e, url) => e.load(url), other);
  await player(e => {
    e.pause();
    return e.play();
  });
  expect(await player(e => e.url)).toBe(other);
  expect(await player(e => e.element?.tagName)).toBe('VIDEO');
  await player((e, url) => {
    e.pause();
    e.src = url;
    return e.play();
  }, `${src}?again`);
  expect(await player(e => e.url)).toBe(`${src}?again`);

  // A pause that comes while it connects stands.
  const outcome = await player((e, url) => {
    e.pause();
    e.src = url;
    const played = e.play().then(
      () => 'played',
      (error: Error) => error.name,
    );
    e.pause();
    return played;
  }, src);
  expect(outcome).toBe('AbortError');
  await stage.wait(1.5);
  expect(await player(e => e.paused)).toBe(true);
  expect(
    await player(e => {
      e.destroy();
      try {
        e.volume = 2;
      } catch (error) {
        return (error as { code: number }).code;
      }
      return 0;
    }),
  ).toBe(5003);
});

test('put away and brought back, the picture goes on', async ({ stage, servers }) => {
  const stream = await servers.stream('relay', 'counter-av');
  await stage.open();
  await stage.play(stream.http);
  await stage.event('playing');
  await stage.page.evaluate(() => {
    const box = document.querySelector('#box');
    box?.remove();
    setTimeout(() => box && document.body.append(box), 1000);
  });
  await stage.wait(2);
  const cast = await Screencast.start(stage.page);
  await stage.wait(2);
  expectInOrder(await cast.stop(), ROUND['counter-av']);
  expect(await stage.events('pause')).toEqual([]);
});

test('controls hear once for each load that it is ready', async ({ stage, files, servers }) => {
  await stage.open();
  const heard = await stage.page.evaluate(async () => {
    await import('/dist/element.js' as string);
    const element = document.createElement('sailcast-player') as SailcastPlayerElement;
    element.muted = true;
    document.querySelector('#box')?.append(element);
    globalThis.stage.watch(element, 0);
    const counts = { loadedmetadata: 0, canplay: 0 };
    for (const name of ['loadedmetadata', 'canplay'] as const) {
      element.addEventListener(name as 'playing', () => counts[name]++);
    }
    Object.assign(globalThis, { counts });
    return counts;
  });
  expect(heard).toEqual({ loadedmetadata: 0, canplay: 0 });
  const player = stage.page.locator('sailcast-player');
  const load = (source: { url: string; rendition?: number }) =>
    player.evaluate((e, source) => (e as SailcastPlayerElement).load(source), source);
  const counts = () => stage.page.evaluate(() => (globalThis as unknown as { counts: object }).counts);
  await load({ url: files.url('main.m3u8'), rendition: 1 });
  await stage.event('playing');
  await player.evaluate(e => {
    (e as SailcastPlayerElement).videoRenditions.selectedIndex = 0;
  });
  await stage.event('resize', { count: 2, seconds: 30 });
  expect(await counts(), 'another size is no other load').toEqual({ loadedmetadata: 1, canplay: 1 });
  await load({ url: (await servers.stream('relay', 'audio-only')).http });
  await stage.event('playing', { count: 2 });
  expect(await counts(), 'sound alone is ready, too').toEqual({ loadedmetadata: 2, canplay: 2 });
});
