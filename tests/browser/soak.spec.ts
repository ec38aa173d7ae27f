/**
 * A player that plays for long stays as it is: nothing in it grows with time. A minute here; `cargo xtask soak MINUTES` is the
 * same for longer, and says what it saw.
 */
import { writeFileSync } from 'node:fs';
import { type Census, growth, Leaks } from './harness/leaks.js';
import { expect, test } from './harness/test.js';

const ASKED = process.env.SAILCAST_SOAK_MINUTES;
const MINUTES = Number(ASKED ?? 1);
/** Until caches, pools and compiled code have their size. */
const WARM_UP = ASKED ? 60 : 20;
/** From look to look, seconds. Each stops the worker to collect its garbage. */
const STEP = Math.max(5, (MINUTES * 60) / 60);
const ROUND_UP = 60;

/** A stream that was ever so far behind needed memory that it does not need now, and wasm's never shrinks: s and MiB. */
const BEHIND = 0.7;
const BEHIND_NEEDS = 4;

/** MiB that may come in any time, by the noise of what is measured, and in each minute. */
const LIMITS = {
  page: { once: 0.5, minute: 0.01 },
  workers: { once: 0.5, minute: 0.01 },
  wasm: { once: 0.5, minute: 0.005 },
  processes: { once: 30, minute: 0.5 },
};

test('playing for long', async ({ stage, servers }) => {
  test.setTimeout((MINUTES * 60 + WARM_UP + ROUND_UP) * 1000);
  const leaks = await Leaks.of(stage.page);
  await stage.open();
  // Not HTTP: DevTools, by which Playwright works, keeps the bodies of all responses.
  const { ws } = await servers.stream('relay', 'counter-av');
  await stage.play(ws);
  await stage.event('playing');
  await stage.wait(WARM_UP);

  const before = await stage.stats();
  const begin = Date.now();
  const seen: { at: number; census: Census; wasm: number; stalls: number; latency: number }[] = [];
  do {
    const { quality, stalls, latency } = await stage.stats();
    const wasm = quality.memory.wasm / 2 ** 20;
    seen.push({ at: (Date.now() - begin) / 60_000, census: await leaks.look(), wasm, stalls, latency });
    await stage.page.evaluate(() => {
      // What the test itself writes down.
      globalThis.stage.events.length = 0;
      (globalThis as unknown as { heard: { beeps: unknown[] } }).heard.beeps.length = 0;
    });
    await stage.wait(STEP);
  } while (Date.now() - begin < MINUTES * 60_000);
  const after = await stage.stats();
  writeFileSync(test.info().outputPath('seen.json'), JSON.stringify(seen));

  const minutes = seen.at(-1)?.at ?? 0;
  const behind = seen.some(({ stalls, latency }) => stalls > before.stalls || latency > BEHIND);
  for (const [name, limit] of Object.entries(LIMITS)) {
    const values = seen.map(({ at, census, wasm }) => ({
      at,
      value: { ...census, wasm }[name as keyof typeof LIMITS],
    }));
    const grown = growth(values);
    const last = values.at(-1)?.value ?? 0;
    tell(`${name}: ${last.toFixed(2)} MiB, ${((grown / minutes) * 1024).toFixed(1)} KiB a minute`);
    const once = name === 'wasm' && behind ? BEHIND_NEEDS : limit.once;
    expect(grown, `${name}: ${values.map(({ value }) => value.toFixed(2)).join(' ')} MiB`).toBeLessThan(
      once + limit.minute * minutes,
    );
  }
  const counts = seen.map(({ census }) => census.count);
  const most = (name: keyof Census['count']) => Math.max(...counts.map(count => count[name]));
  expect(most('workers')).toBe(1);
  expect(most('contexts')).toBe(1);
  expect(most('decoders'), 'one for pictures, one for sound').toBe(2);

  const played = after.currentTime - before.currentTime;
  tell(`${played.toFixed(1)} s played in ${(minutes * 60).toFixed(1)} s, ${after.stalls} stalls`);
  expect(played, 'it still plays').toBeGreaterThan(0.9 * minutes * 60);
  expect(after.framesRendered - before.framesRendered).toBeGreaterThan(15 * minutes * 60);
});

function tell(description: string): void {
  test.info().annotations.push({ type: 'soak', description });
  if (ASKED) console.log(description);
}
