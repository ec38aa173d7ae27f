/** Each codec of FLV that can be decoded here is seen in order and heard in sync, through the relay. */
import { flows } from '../interop/flows.js';
import { expectInOrder, expectInSync, expectSound, ROUND, within } from './harness/measures.js';
import { Screencast } from './harness/pictures.js';
import { post } from './harness/post.js';
import { beeps } from './harness/sound.js';
import { expect, test } from './harness/test.js';

interface Case {
  fixture: string;
  decoder: 'auto' | 'wasm';
  video: RegExp;
  audio: RegExp;
}

const CASES: Case[] = [
  // Chromium here decodes no HEVC: the ladder finds out by itself.
  { fixture: 'counter-hevc-opus', decoder: 'auto', video: /^hvc1\..* wasm$/, audio: /^opus webcodecs$/ },
  { fixture: 'counter-hevc-opus', decoder: 'wasm', video: /^hvc1\..* wasm$/, audio: /^opus wasm$/ },
  { fixture: 'counter-mp3', decoder: 'auto', video: /^avc1\..* webcodecs$/, audio: /^mp3 webcodecs$/ },
  { fixture: 'counter-mp3', decoder: 'wasm', video: /^avc1\..* wasm$/, audio: /^mp3 wasm$/ },
  { fixture: 'counter-flac', decoder: 'auto', video: /^avc1\..* webcodecs$/, audio: /^flac webcodecs$/ },
  { fixture: 'counter-flac', decoder: 'wasm', video: /^avc1\..* wasm$/, audio: /^flac wasm$/ },
  { fixture: 'counter-g711', decoder: 'auto', video: /^avc1\..* webcodecs$/, audio: /^alaw wasm$/ },
];

for (const { fixture, decoder, video, audio } of CASES) {
  test(`${fixture}, decoder ${decoder}`, async ({ stage, servers }) => {
    const name = `codecs-${fixture}-${decoder}`;
    const publisher = post(fixture, servers.relay.publish(name));
    try {
      await flows(servers.relay.http(name));
      await stage.open();
      const cast = await Screencast.start(stage.page);
      await stage.play(servers.relay.http(name), { decoder });
      const playing = await stage.event('playing');
      await stage.wait(5);
      const { quality } = await stage.stats();
      const shown = await cast.stop();
      expectInOrder(shown, ROUND['counter-av']);
      const heard = (await beeps(stage.page)).filter(beep => beep.at > playing.at + 500);
      expectSound(heard);
      expectInSync(within(shown, playing.at), heard);
      expect(quality.decoder.video).toMatch(video);
      expect(quality.decoder.audio).toMatch(audio);
      expect(await stage.events('error')).toEqual([]);
    } finally {
      publisher.stop();
    }
  });
}
