/** A page whose thread is busy half of the time neither stops the picture nor tears the sound. */
import { expectInOrder, expectInSync, expectSound, ROUND, within } from './harness/measures.js';
import { Screencast } from './harness/pictures.js';
import { beeps } from './harness/sound.js';
import { test } from './harness/test.js';

for (const isolated of [true, false]) {
  test(`blocked 200 of 400 ms, ${isolated ? 'isolated' : 'not isolated'}`, async ({ stage, servers }) => {
    const stream = await servers.stream('relay', 'counter-av');
    await stage.open({ isolated });
    await stage.play(stream.http);
    await stage.event('playing');
    await stage.wait(2);
    const cast = await Screencast.start(stage.page);
    const from = Date.now();
    await stage.blockPage(200, 400, 6);
    const shown = await cast.stop();
    expectInOrder(shown, ROUND['counter-av'], 0.4);
    const heard = (await beeps(stage.page)).filter(beep => beep.at > from);
    expectSound(heard, 4);
    expectInSync(within(shown, from), heard, 4);
  });
}
