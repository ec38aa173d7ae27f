/** Snapshots tell the truth: totals grow as the stream does, the latency is the one that was asked for. */
import { expect, test } from './harness/test.js';

test('stats of a playing stream', async ({ stage, servers }) => {
  const stream = await servers.stream('relay', 'counter-av');
  await stage.open();
  await stage.play(stream.http, { latency: 0.6 });
  await stage.event('playing');
  await stage.wait(4);
  const a = await stage.stats();
  const from = Date.now();
  await stage.wait(3);
  const b = await stage.stats();
  const seconds = (Date.now() - from) / 1000;

  expect(b.state).toBe('playing');
  expect(b.targetLatency).toBeCloseTo(0.6, 3);
  expect(b.latency).toBeGreaterThan(0.2);
  expect(b.latency).toBeLessThan(1.1);
  expect(b.buffered).toBeGreaterThan(0);
  expect(b.bufferedBytes).toBeGreaterThan(0);
  expect(Math.abs(b.playbackRate - 1)).toBeLessThanOrEqual(0.09);
  // Snapshots come four times a second.
  const near = (value: number, rate: number) => {
    expect(value).toBeGreaterThan(rate * (seconds - 0.5) * 0.85);
    expect(value).toBeLessThan(rate * (seconds + 0.5) * 1.15);
  };
  near(b.currentTime - a.currentTime, 1);
  near(b.videoPackets - a.videoPackets, 30);
  near(b.audioPackets - a.audioPackets, 48000 / 1024);
  near(b.framesDecoded - a.framesDecoded, 30);
  near(b.framesRendered - a.framesRendered, 30);
  expect(b.bytesReceived).toBeGreaterThan(a.bytesReceived);
  expect(b.stalls - a.stalls).toBe(0);
  expect(b.skippedBytes).toBe(0);
  expect(b.avOffset).not.toBeNull();
  expect(Math.abs(b.avOffset ?? 1)).toBeLessThan(0.06);
});
