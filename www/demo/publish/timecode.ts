/**
 * The time as a row of black and white cells in a picture, so that whoever shows the picture can tell how old it is: two cells
 * to find it by, sixteen for milliseconds, four to check them, two to end it.
 */

export const CELLS = 24;
/** Milliseconds until the code begins again. */
const CYCLE = 1 << 16;
const HEAD = [true, false];
const TAIL = [false, true];

/** Cells that are white. */
export function encode(milliseconds: number): boolean[] {
  const time = Math.floor(milliseconds) % CYCLE;
  return [...HEAD, ...bits(time, 16), ...bits(check(time), 4), ...TAIL];
}

/** `luma`: of each cell's middle. Null for a picture that carries no code, or a damaged one. */
export function decode(luma: readonly number[]): number | null {
  if (luma.length !== CELLS) return null;
  const middle = (Math.min(...luma) + Math.max(...luma)) / 2;
  const cells = luma.map(value => value > middle);
  const time = number(cells.slice(2, 18));
  const same = encode(time).every((white, i) => white === cells[i]);
  return same && Math.max(...luma) - Math.min(...luma) > 64 ? time : null;
}

/** Milliseconds since a time that was decoded; right if it is less than a cycle ago. */
export function age(time: number, now: number): number {
  return (((now - time) % CYCLE) + CYCLE) % CYCLE;
}

function check(time: number): number {
  return (time ^ (time >> 4) ^ (time >> 8) ^ (time >> 12) ^ 0b1010) & 0b1111;
}

function bits(value: number, count: number): boolean[] {
  return Array.from({ length: count }, (_, i) => ((value >> (count - 1 - i)) & 1) === 1);
}

function number(cells: readonly boolean[]): number {
  return cells.reduce((value, white) => value * 2 + Number(white), 0);
}
