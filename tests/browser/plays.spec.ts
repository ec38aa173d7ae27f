/** A live stream is shown in order and heard in sync, whoever serves it and however. */
import { expectInOrder, expectInSync, expectSound, ROUND, within } from './harness/measures.js';
import { Screencast } from './harness/pictures.js';
import { beeps } from './harness/sound.js';
import { expect, test } from './harness/test.js';

for (const server of ['relay', 'node-media-server'] as const) {
  for (const transport of ['http', 'ws'] as const) {
    test(`${server} over ${transport}`, async ({ stage, servers }) => {
      const stream = await servers.stream(server, 'counter-av');
      await stage.open();
      const cast = await Screencast.start(stage.page);
      await stage.play(stream[transport]);
      const playing = await stage.event('playing');
      await stage.wait(1);
      const before = await stage.stats();
      await stage.wait(5);
      const after = await stage.stats();
      const shown = await cast.stop();
      const heard = await beeps(stage.page);

      expectInOrder(shown, ROUND['counter-av']);
      // The first beep may have begun before the sound did.
      const whole = heard.filter(beep => beep.at > playing.at + 500);
      expectSound(whole);
      expectInSync(within(shown, playing.at), whole);

      const rendered = after.framesRendered - before.framesRendered;
      expect(rendered).toBeGreaterThan(5 * 30 * 0.7);
      expect(after.framesDropped - before.framesDropped).toBeLessThanOrEqual(5 * 30 * 0.1);
      expect(await stage.events('error')).toEqual([]);
    });
  }
}
