/** Numbers of lists: quantiles, and how smooth a run of shown pictures is. */
import { FPS } from './media.mjs';

export function quantile(values, q) {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  if (sorted.length === 0) return null;
  const at = (sorted.length - 1) * q;
  const low = Math.floor(at);
  return sorted[low] + ((sorted[low + 1] ?? sorted[low]) - sorted[low]) * (at - low);
}

export const median = values => quantile(values, 0.5);

/** A picture that stays this long is noticed, and this long is a stall. */
const GAP_MS = 100;
const STALL_MS = 250;

/** Of the pictures shown from `from` to `to`; `takenAt` says when a picture was taken. */
export function smoothness(shown, from, to, takenAt) {
  const pictures = shown.filter(({ at }) => at >= from && at < to);
  const times = [from, ...pictures.map(({ at }) => at), to];
  const stays = times.slice(1).map((at, i) => at - times[i]);
  const gaps = stays.filter(stay => stay > GAP_MS);
  const steps = pictures.slice(1).map(({ number }, i) => number - pictures[i].number);
  const latencies = pictures.map(({ at, number }) => at - takenAt(number, at));
  return {
    fps: (pictures.length * 1000) / (to - from),
    latency: quantile(latencies, 0.5),
    latency95: quantile(latencies, 0.95),
    latencySpread: quantile(latencies, 0.95) - quantile(latencies, 0.05),
    gaps: gaps.length,
    stalls: stays.filter(stay => stay > STALL_MS).length,
    longest: Math.max(...stays),
    frozen: (100 * gaps.reduce((sum, gap) => sum + gap - 1000 / FPS, 0)) / (to - from),
    skipped: steps.filter(step => step > 1).reduce((sum, step) => sum + step - 1, 0),
    back: steps.filter(step => step < 0 && step > -100).length,
  };
}

/** From when on, between `from` and `to`, each picture is shown less than `limit` ms after it was taken; null: never. */
export function staysUnder(shown, limit, from, to, takenAt) {
  let since = null;
  for (const { at, number } of shown.filter(({ at }) => at >= from && at < to)) {
    if (at - takenAt(number, at) >= limit) since = null;
    else since ??= at;
  }
  return since;
}
