/** media-chrome's controls around `<sailcast-player>`: what they show and what they ask for. */
import { fileURLToPath } from 'node:url';
import type { SailcastPlayerElement } from '../../dist/element.js';
import { SECONDS } from './harness/recordings.js';
import type { Stage } from './harness/stage.js';
import { expect, test } from './harness/test.js';

const MEDIA_CHROME = fileURLToPath(
  new URL('../../node_modules/media-chrome/dist/iife/all.js', import.meta.url),
);

interface Controller {
  mediaStore: { getState(): { mediaStreamType?: string } };
}

/** A controller with the controls of a recording and of a live stream, and the player in it. */
async function build(stage: Stage, attributes: string): Promise<void> {
  await stage.open();
  await stage.page.addScriptTag({ path: MEDIA_CHROME });
  await stage.page.evaluate(async attributes => {
    await import('/dist/element.js' as string);
    const box = document.querySelector('#box');
    if (!box) return;
    box.innerHTML = `<media-controller style="width:640px;height:360px">
      <sailcast-player slot="media" muted autoplay ${attributes}></sailcast-player>
      <media-control-bar>
        <media-play-button></media-play-button><media-live-button></media-live-button>
        <media-time-range></media-time-range><media-time-display showduration></media-time-display>
        <media-playback-rate-button></media-playback-rate-button>
        <media-rendition-menu-button></media-rendition-menu-button>
      </media-control-bar>
      <media-rendition-menu hidden anchor="auto"></media-rendition-menu>
    </media-controller>`;
    const element = box.querySelector('sailcast-player');
    if (element) globalThis.stage.watch(element, 0);
  }, attributes);
}

/** What the controller believes the stream to be. */
const streamType = (stage: Stage) =>
  stage.page
    .locator('media-controller')
    .evaluate(element => (element as unknown as Controller).mediaStore.getState().mediaStreamType);
const player = <T>(stage: Stage, what: (element: SailcastPlayerElement) => T) =>
  stage.page.locator('sailcast-player').evaluate(what as (element: HTMLElement) => T);

test('the seek bar, the time and the rate of a recording', async ({ stage, files }) => {
  await build(stage, `src="${files.url('list.flv')}" start-time="20"`);
  await stage.event('playing');
  const bar = stage.page.locator('media-time-range');
  await expect(bar).toHaveAttribute('mediaduration', /^64/);
  await expect(bar).toHaveAttribute('mediaseekable', /^0:64/);
  await expect(bar).toHaveAttribute('mediabuffered', /^2\d(\.\d+)?:[56]\d/);
  await expect.poll(() => streamType(stage)).toBe('on-demand');
  await expect(stage.page.locator('media-time-display')).toHaveAttribute(
    'aria-description',
    /of 1 minute, 4 seconds/,
  );

  const { x, y, width, height } = (await bar.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
  await stage.page.mouse.click(x + width * 0.75, y + height / 2);
  await stage.event('seeked');
  const time = await player(stage, element => element.currentTime);
  expect(Math.abs(time - SECONDS * 0.75), `${time}`).toBeLessThan(5);
  await expect.poll(() => bar.getAttribute('mediacurrenttime').then(Number)).toBeGreaterThan(SECONDS / 2);

  await stage.page.locator('media-playback-rate-button').click();
  await stage.event('ratechange');
  const rate = await player(stage, element => element.playbackRate);
  expect(rate).toBeGreaterThan(1);
  await expect(stage.page.locator('media-playback-rate-button')).toHaveAttribute(
    'mediaplaybackrate',
    `${rate}`,
  );

  await stage.page.locator('media-play-button').click();
  await stage.event('pause');
  expect(await stage.events('error')).toEqual([]);
});

test('the live button of a live stream', async ({ stage, servers }) => {
  const stream = await servers.stream('relay', 'counter-av');
  await build(stage, `src="${stream.http}"`);
  await stage.event('playing');
  const button = stage.page.locator('media-live-button');
  await expect.poll(() => streamType(stage)).toBe('live');
  await expect(button).toHaveAttribute('mediatimeislive', '');
  await stage.page.locator('media-play-button').click();
  await stage.event('pause');
  await stage.wait(4);
  await button.click();
  await stage.event('playing', { count: 2 });
  await expect(button).toHaveAttribute('mediatimeislive', '');
  expect(await player(stage, element => element.latency)).toBeLessThan(1.5);
});

test('the rendition menu', async ({ stage, files }) => {
  await build(stage, `src="${files.url('main.m3u8')}"`);
  await stage.event('playing');
  const menu = stage.page.locator('media-rendition-menu');
  await stage.page.locator('media-rendition-menu-button').click();
  await menu.getByText('180p', { exact: true }).click();
  await expect(menu).toHaveAttribute('mediarenditionselected', '1');
  expect(await player(stage, element => element.videoRenditions.selectedIndex)).toBe(1);
  await stage.page.locator('media-rendition-menu-button').click();
  await menu.getByText('Auto', { exact: true }).click();
  await expect.poll(() => player(stage, element => element.videoRenditions.selectedIndex)).toBe(-1);
});
