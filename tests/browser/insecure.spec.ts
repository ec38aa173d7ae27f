/**
 * A page of plain `http:` on a host that is not this one, as in many a company: neither WebCodecs nor AudioWorklet are there, and
 * the stream is seen and heard.
 */
import { chromium } from '@playwright/test';
import { expectInOrder, expectInSync, expectSound, ROUND, within } from './harness/measures.js';
import { Screencast } from './harness/pictures.js';
import { beeps } from './harness/sound.js';
import { Stage } from './harness/stage.js';
import { expect, test } from './harness/test.js';
import config, { AUTOPLAY, FLAGS } from './playwright.config.js';

const HOST = 'sailcast.test';

for (const renderer of [undefined, 'webgl'] as const) {
  test(`plays on a page that is not secure, drawn by ${renderer ?? 'the best renderer'}`, async ({
    servers,
  }) => {
    const stream = await servers.stream('relay', 'counter-av');
    const browser = await chromium.launch({
      ...config.use?.launchOptions,
      args: [...FLAGS, AUTOPLAY, `--host-resolver-rules=MAP ${HOST} 127.0.0.1`],
    });
    try {
      const page = await browser.newPage({ viewport: { width: 640, height: 360 } });
      const there = (url: string) => url.replace('127.0.0.1', HOST);
      const stage = new Stage(page, { plain: there(servers.relay.url), isolated: '' });
      stage.allow(/ScriptProcessorNode is deprecated/);
      await stage.open();
      expect(
        await page.evaluate(() => [
          globalThis.isSecureContext,
          'VideoDecoder' in globalThis,
          'audioWorklet' in BaseAudioContext.prototype,
          globalThis.stage.sailcast.isSupported(),
        ]),
      ).toEqual([false, false, false, true]);

      const cast = await Screencast.start(page);
      await stage.play(there(stream.http), renderer ? { renderer } : {});
      const playing = await stage.event('playing');
      await stage.wait(6);
      const stats = await stage.stats();
      const shown = await cast.stop();
      const heard = (await beeps(page)).filter(beep => beep.at > playing.at + 500);
      expectInOrder(shown, ROUND['counter-av']);
      expectSound(heard);
      expectInSync(within(shown, playing.at), heard);
      expect([stats.videoDecoder, stats.audioDecoder]).toEqual(['wasm', 'wasm']);
      expect(await stage.events('error')).toEqual([]);
      // No step down: this was known from the start.
      expect((await stage.events('decoderchange')).map(({ detail }) => detail)).toEqual(
        expect.arrayContaining([
          { kind: 'video', from: null, to: 'wasm', reason: 'unavailable' },
          { kind: 'audio', from: null, to: 'wasm', reason: 'unavailable' },
        ]),
      );
      expect(stage.unexpected(), 'on the console').toEqual([]);
    } finally {
      await browser.close();
    }
  });
}
