/** Figures as text. Digits are few and their number fixed, so that a changing figure stands still. */

/** Missing values, everywhere. */
export const NONE = '–';

export function seconds(value: number | null | undefined, digits = 2): string {
  return value === null || value === undefined || !Number.isFinite(value)
    ? NONE
    : `${value.toFixed(digits)} s`;
}

export function milliseconds(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NONE;
  const whole = Math.round(value * 1000);
  return `${whole > 0 ? '+' : whole < 0 ? '−' : ''}${Math.abs(whole)} ms`;
}

/** A place in a recording, m:ss, or h:mm:ss of a long one. */
export function span(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NONE;
  const whole = Math.max(0, Math.floor(value));
  const [hours, minutes, seconds] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const pad = (n: number) => String(n).padStart(2, '0');
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(seconds)}` : `${minutes}:${pad(seconds)}`;
}

/** bit/s */
export function bitrate(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NONE;
  return value >= 999_500 ? `${(value / 1e6).toFixed(2)} Mbit/s` : `${Math.round(value / 1000)} kbit/s`;
}

export function fps(value: number | null | undefined): string {
  return value === null || value === undefined ? NONE : `${value.toFixed(1)} fps`;
}

export function count(value: number | null | undefined): string {
  return value === null || value === undefined ? NONE : String(Math.round(value));
}

/** On a chart's axis. */
export function secondsTick(value: number): string {
  return value === 0 ? '0' : `${value} s`;
}

export function bitrateTick(value: number): string {
  return value === 0 ? '0' : value >= 1e6 ? `${value / 1e6} M` : `${value / 1e3} k`;
}

export function bytes(value: number): string {
  if (value >= 1e9) return `${(value / 1e9).toFixed(2)} GB`;
  if (value >= 1e6) return `${(value / 1e6).toFixed(1)} MB`;
  return `${Math.round(value / 1000)} kB`;
}

export function rate(value: number): string {
  return `${value.toFixed(2)}×`;
}

/** HH:MM:SS.mmm of the viewer's clock. */
export function clock(date: Date): string {
  const pad = (n: number, width = 2) => String(n).padStart(width, '0');
  return `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}.${pad(date.getMilliseconds(), 3)}`;
}
