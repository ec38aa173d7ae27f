/** What a browser must be able to do: publish camera, microphone and other sources, through what may happen to it, and play. */
import assert from 'node:assert/strict';
import { marks, openStage, record, until, wait } from './stage.mjs';

const FPS = 15;
/** Of what is seen and heard at once, seconds. A browser whose sound was starved for a moment is that much apart for a while. */
const APART = 0.35;

function expectWhole({ video, audio, errors, fps }, size) {
  assert.equal(errors, '', 'what ffmpeg says');
  assert.deepEqual([video.codec_name, audio.codec_name], ['h264', 'aac']);
  if (size) assert.deepEqual([video.width, video.height], size);
  // Half of them is what a busy machine leaves; two a second would be repeated ones alone.
  assert.ok(fps > FPS / 3 && fps < FPS + 2, `${fps} pictures a second`);
  assert.ok(video.longestGap < 0.8, `${video.longestGap} s without a picture`);
  assert.ok(audio.longestGap < 0.05, `${audio.longestGap} s without sound`);
}

function expectTogether({ flashes, beeps }) {
  assert.ok(flashes.length >= 3, `flashes: ${flashes}`);
  // One that is cut by the end has no partner.
  for (const flash of flashes.slice(1, -1)) {
    const apart = Math.min(...beeps.map(beep => Math.abs(beep - flash)));
    assert.ok(apart < APART, `${flash} s: the next beep is ${apart} s away, of ${beeps}`);
  }
}

/** The steps of one session, in their order: `step(name, action)`. */
export async function publishes(open, step) {
  const stage = await openStage();
  const { folder } = stage;
  let browser;
  const keep = seconds => record(stage.play, folder, seconds);
  const events = name =>
    browser.run(name => globalThis.stage.events.filter(event => event.name === name), name);
  const publishing = times =>
    until(`published ${times} times`, async () => (await events('publishing')).length >= times, 20);
  try {
    await step('it opens', async () => {
      browser = await open(stage);
      await until('the page is there', () => browser.run(() => globalThis.stage !== undefined));
      const probe = await browser.run(() => globalThis.stage.Publisher.probe());
      console.log(browser.version, JSON.stringify(probe));
      assert.ok(probe.supported && probe.video.avc);
    });
    await step('camera and microphone', async () => {
      await browser.run(url => globalThis.stage.publisher({ url }).start(), stage.publish);
      await publishing(1);
      await wait(3);
      expectWhole(await keep(4));
    });
    await step('other sources, together', async () => {
      await browser.run(async () => {
        const { stream, context } = globalThis.stage.flashes();
        await context.resume();
        await globalThis.stage.publisher.replaceSource({ video: { kind: 'stream', stream }, audio: 'none' });
      });
      await wait(3);
      // A machine that is busy with something else starves the browser's sound for seconds: then once more.
      const together = async () => {
        const kept = await keep(5);
        const found = await marks(kept.file);
        console.log(JSON.stringify(found));
        expectWhole(kept, [640, 360]);
        expectTogether(found);
      };
      await together().catch(together);
    });
    await step('a new connection after the relay was away', async () => {
      await stage.cut();
      await publishing(2);
      await wait(2);
      expectWhole(await keep(4), [640, 360]);
    });
    await step('muted', async () => {
      await browser.run(() => {
        globalThis.stage.publisher.muted = true;
      });
      await wait(3);
      const { flashes, beeps } = await marks((await keep(4)).file);
      const heard = beeps.filter(beep => beep < 2.5);
      assert.deepEqual(heard, []);
      assert.ok(flashes.length >= 2, 'pictures go on');
    });
    await step('a hidden page', async () => {
      if (!browser.hidden) return;
      await browser.hidden(async () => {
        await wait(1.5);
        const kept = await keep(3);
        assert.equal(kept.errors, '');
        assert.ok(kept.fps > FPS / 3, `${kept.fps} pictures a second`);
      });
    });
    await step('stop, and another start', async () => {
      await browser.run(async () => {
        const { publisher } = globalThis.stage;
        await publisher.stop();
        publisher.muted = false;
        await publisher.replaceSource({ video: 'camera', audio: 'microphone' });
        await publisher.start();
      });
      assert.equal((await events('ended')).length, 1);
      await publishing(3);
      await wait(2);
      expectWhole(await keep(3));
      await browser.run(() => globalThis.stage.publisher.stop());
      assert.deepEqual(await events('error'), []);
    });
    // On a page of its own: WebKitGTK 2.50 crashes where publisher and player are on one page.
    await step('our player', async () => {
      await browser.reload();
      await until('the page is there again', () => browser.run(() => globalThis.stage !== undefined));
      const cast = stage.cast();
      try {
        await until('a stream to play', async () => (await fetch(stage.play)).ok);
        await browser.click('#player');
        const playing = async (url, options) => {
          const player = globalThis.stage.player(url, options);
          await player.play();
          await globalThis.stage.wait(5);
          return player.stats();
        };
        const stats = await browser.run(playing, stage.play, browser.playerOptions);
        const { renderer, videoDecoder, audioDecoder, audio, avOffset } = stats;
        console.log(JSON.stringify({ renderer, videoDecoder, audioDecoder, audio, avOffset }));
        assert.deepEqual([stats.state, audio], ['playing', 'running'], JSON.stringify(stats));
        assert.ok(stats.framesRendered > 2 * FPS && stats.audioPackets > 100, JSON.stringify(stats));
      } finally {
        await cast.stop();
      }
    });
  } finally {
    await browser?.close().catch(() => {});
    await stage.close();
  }
}
