/** Pictures that are decoded out of order are shown in order. */
import { expectInOrder, expectInSync, ROUND, within } from './harness/measures.js';
import { Screencast } from './harness/pictures.js';
import { beeps } from './harness/sound.js';
import { test } from './harness/test.js';

test('a stream with two B-frames between references', async ({ stage, servers }) => {
  const stream = await servers.stream('relay', 'counter-bframes');
  await stage.open();
  const cast = await Screencast.start(stage.page);
  await stage.play(stream.http);
  const playing = await stage.event('playing');
  await stage.wait(5);
  const shown = await cast.stop();
  expectInOrder(shown, ROUND['counter-bframes']);
  expectInSync(within(shown, playing.at), await beeps(stage.page));
});
