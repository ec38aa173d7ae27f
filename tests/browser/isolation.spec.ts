/** Sound takes the shared ring where the page is cross-origin isolated, and messages where it is not; both are in sync. */
import { expectInOrder, expectInSync, expectSound, ROUND, within } from './harness/measures.js';
import { Screencast } from './harness/pictures.js';
import { beeps } from './harness/sound.js';
import { expect, test } from './harness/test.js';

for (const [isolated, path] of [
  [true, 'ring'],
  [false, 'port'],
] as const) {
  test(`${isolated ? 'isolated' : 'not isolated'}: sound by ${path}`, async ({ stage, servers }) => {
    const stream = await servers.stream('relay', 'counter-av');
    await stage.open({ isolated });
    const cast = await Screencast.start(stage.page);
    await stage.play(stream.http);
    const playing = await stage.event('playing');
    await stage.wait(5);
    const shown = await cast.stop();
    const stats = await stage.stats();
    expect(stats.audio).toBe('running');
    expect(stats.audioPath).toBe(path);
    expectInOrder(shown, ROUND['counter-av']);
    const heard = (await beeps(stage.page)).filter(beep => beep.at > playing.at + 500);
    expectSound(heard);
    expectInSync(within(shown, playing.at), heard);
  });
}
