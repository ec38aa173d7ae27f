/** What is heard while the player catches up or falls back: the same tone, as loud, without a click. */
import { flows } from '../interop/flows.js';
import { median } from './harness/measures.js';
import { expect, test } from './harness/test.js';
import { heardTape, largestStep, loudness, pitch, publishTone, tape } from './harness/tone.js';

const HZ = 440;
const PART = 4800;

for (const [name, from, to] of [
  ['catching up', 1.2, 0.4],
  ['falling back', 0.4, 1.2],
] as const) {
  test(`a tone keeps its pitch and loudness while ${name}`, async ({ stage, servers }) => {
    const address = servers.relay.http('tone');
    const publisher = publishTone(HZ, servers.relay.publish('tone'));
    try {
      await flows(address);
      await tape(stage.page);
      await stage.open();
      await stage.play(address, { latency: from });
      await stage.event('playing');
      await stage.wait(3);
      await heardTape(stage.page);
      await stage.wait(1);
      const { samples: plain } = await heardTape(stage.page);
      await stage.page.evaluate(to => {
        const player = globalThis.stage.players[0];
        if (player) player.targetLatency = to;
      }, to);
      await expect.poll(async () => (await stage.stats()).playbackRate).not.toBe(1);
      await heardTape(stage.page);
      await stage.wait(2.5);
      const rate = (await stage.stats()).playbackRate;
      const { samples: changed } = await heardTape(stage.page);

      expect(to < from ? rate : 1 / rate, `rate ${rate}`).toBeGreaterThan(1.01);
      const parts = Array.from({ length: Math.floor(changed.length / PART) }, (_, i) =>
        changed.slice(i * PART, (i + 1) * PART),
      );
      expect(parts.length).toBeGreaterThan(15);
      const usual = loudness(plain);
      const off = parts.map(part => Math.abs(pitch(part) / HZ - 1)).sort((a, b) => a - b);
      const gains = parts
        .map(part => Math.abs(20 * Math.log10(loudness(part) / usual)))
        .sort((a, b) => a - b);
      const steps = parts.map(part => largestStep(part) / largestStep(plain)).sort((a, b) => a - b);
      // All but two tenths of a second, for a busy machine may starve the sound card itself.
      expect(median(off), `pitch ${off.map(x => (x * 100).toFixed(2)).join(' ')} %`).toBeLessThan(0.005);
      expect(gains.at(-3), `loudness ${gains.map(x => x.toFixed(2)).join(' ')} dB`).toBeLessThan(0.5);
      expect(steps.at(-3), `steps ${steps.map(x => x.toFixed(2)).join(' ')}`).toBeLessThan(1.25);
    } finally {
      await publisher.stop();
    }
  });
}
