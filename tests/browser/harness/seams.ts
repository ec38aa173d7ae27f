/** Whether anything is seen or heard where one definition takes another one's place, by the pictures' numbers and a tone that tells the time. */
import { expect } from '@playwright/test';
import { FPS, median, ROUND } from './measures.js';
import { steps } from './pictures.js';
import { type Presented, presented, watchPictures } from './presented.js';
import { note } from './published.js';
import { PART_MS, type Part, partsOf } from './rising.js';
import type { Stage } from './stage.js';
import { heardTape } from './tone.js';

const COUNT = ROUND['counter-av'];
const LASTS = (COUNT / FPS) * 1000;

/** What a viewer saw and heard of the recordings `rising` and `rising-small`. */
export interface Seen {
  pictures: Presented[];
  sound: Part[];
}

/** Begins to watch, once there is sound. */
export async function watch(stage: Stage): Promise<void> {
  await stage.page.waitForFunction(() => 'tape' in globalThis);
  await watchPictures(stage);
  await heardTape(stage.page);
}

/** Since this was called last. */
export async function seen(stage: Stage): Promise<Seen> {
  return { pictures: await presented(stage), sound: partsOf(await heardTape(stage.page)) };
}

/** What was seen and heard from one time to another, ms since 1970. */
export function between({ pictures, sound }: Seen, from: number, to: number): Seen {
  const within = ({ at }: { at: number }) => at >= from && at < to;
  return { pictures: pictures.filter(within), sound: sound.filter(within) };
}

/** How long before it is told and behind that a change is looked at, ms: the other one's sound is heard later than its pictures are seen. */
export const [BEFORE, BEHIND] = [500, 800];

/** What was seen and heard of each change, by when it was told. */
export function changesOf(all: Seen, told: readonly number[]): Seen[] {
  return told.map(at => {
    const change = between(all, at - BEFORE, at + BEHIND);
    const widths = change.pictures.map(({ width }) => width);
    const turns = widths.filter((width, i) => width !== (widths[i - 1] ?? width));
    expect(turns, 'one size after the other').toHaveLength(1);
    return change;
  });
}

export interface Figures {
  /** Pictures in which no number can be read, or that come after a later one. */
  wrong: number;
  /** Pictures that were not shown. */
  missing: number;
  /** The longest time from a picture to the next one, ms. */
  held: number;
  /** ms of the sound that are not as loud as they are sent, or not where the sound before leads to. */
  broken: number;
  /** As that of a part, of a tone of height 1. */
  edge: number;
  /** The picture after the sound, ms. */
  late: number;
}

/** Of the tone as it is sent, and by how much of it a part may be off. */
const [LOUDNESS, OFF] = [0.2, 0.1];
/** Where the sound is, is the median of so many parts: where it is stretched, one alone may be 40 ms off. */
const SMOOTH = 7;
/** Over so many parts it goes on by their length, but for a rate that is a tenth off and the noise of the measure meanwhile, ms. */
const ASTRAY = SMOOTH * PART_MS * 0.1 + 30;

export function figures({ pictures, sound }: Seen): Figures {
  const taken = steps(pictures, COUNT);
  const begins = sound.map(({ at, place }) => at - place * 1000);
  const smooth = begins.map((_, i) => median(begins.slice(Math.max(0, i - SMOOTH + 1), i + 1)));
  const isBroken = ({ loudness }: Part, i: number) =>
    Math.abs(loudness / LOUDNESS - 1) > OFF ||
    Math.abs((smooth[i] ?? 0) - (smooth[Math.max(0, i - SMOOTH)] ?? 0)) > ASTRAY;
  const began = median(begins);
  const late = pictures.map(({ at, counter }) => {
    const off = (((at - began - (counter * 1000) / FPS) % LASTS) + LASTS) % LASTS;
    return off > LASTS / 2 ? off - LASTS : off;
  });
  return {
    wrong: pictures.filter(({ counter }) => counter < 0).length + taken.filter(step => step <= 0).length,
    missing: taken.reduce((sum, step) => sum + Math.max(0, step - 1), 0),
    held: Math.max(...pictures.slice(1).map(({ at }, i) => at - (pictures[i]?.at ?? 0))),
    broken: sound.filter(isBroken).length * PART_MS,
    edge: Math.max(...sound.map(({ edge }) => edge)) / LOUDNESS / Math.SQRT2,
    late: median(late),
  };
}

/** Frame times that a picture may stand, and pictures that may be missing, beyond what they are in a stretch without a change. */
const [STANDS, MISSING] = [3, 2];
/** A step of a hundredth of the tone's height has three times as much. */
const EDGE = 0.01;
/** ms: of a change beside the stretch without one, and at all. */
const [SHIFT, IN_SYNC] = [30, 60];

/** What of a change is more than in a stretch without one. */
function seams(at: Figures, usual: Figures): (keyof Figures)[] {
  const most: Figures = {
    wrong: 0,
    missing: usual.missing + MISSING,
    held: Math.max(usual.held, 1000 / FPS) + (STANDS * 1000) / FPS,
    broken: usual.broken,
    edge: Math.max(usual.edge, EDGE),
    late: Math.min(IN_SYNC, Math.abs(usual.late) + SHIFT),
  };
  const names: (keyof Figures)[] = ['wrong', 'missing', 'held', 'broken', 'edge', 'late'];
  return names.filter(name => !(Math.abs(at[name]) <= most[name]));
}

/**
 * Nothing is seen or heard of the changes that is not in a stretch without one, but of one in three: a busy machine may starve the player
 * at any time, while what the player does wrong it does at each change. A wrong picture is never right.
 */
export function expectSeamless(changes: readonly Seen[], usual: Seen): void {
  const without = figures(usual);
  const found = changes.map(figures);
  const story = JSON.stringify({ found, without });
  note('changes, and without', story);
  for (const { pictures } of changes) expect(pictures.length, story).toBeGreaterThan(FPS / 2);
  expect(
    found.filter(({ wrong }) => wrong > 0),
    story,
  ).toEqual([]);
  const flawed = found.map(at => seams(at, without)).filter(names => names.length > 0);
  expect(flawed.length, `${JSON.stringify(flawed)} of ${story}`).toBeLessThanOrEqual(changes.length / 3);
}
