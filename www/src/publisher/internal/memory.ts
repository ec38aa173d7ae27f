/**
 * What is remembered of lines and devices from one visit to the next, in the page's local storage.
 *
 * Nothing depends on it: a storage that is not there, full, or written by somebody else counts as empty.
 */
import type { LineRecord } from './protocol.js';

const LINES = 'sailcast.lines';
const DEVICES = 'sailcast.devices';
/** The oldest go first. */
const MOST_LINES = 20;
const MOST_TEXT = 65_536;

/** Of each line what the engine last said; a line is its origin and path, for a query may carry a signature. */
export function knownLine(url: string): LineRecord | undefined {
  const name = lineName(url);
  const record = name === undefined ? undefined : read(LINES)[name];
  if (typeof record !== 'object' || record === null) return undefined;
  const { connect, throughput, failures } = record as Record<string, unknown>;
  const good = [connect, throughput, failures].every(value => typeof value === 'number' && value >= 0);
  return good ? ({ connect, throughput, failures } as LineRecord) : undefined;
}

export function rememberLine(url: string, { connect, throughput, failures }: LineRecord): void {
  const name = lineName(url);
  if (name === undefined) return;
  const { [name]: _, ...others } = read(LINES);
  const kept = Object.entries(others).slice(1 - MOST_LINES);
  write(LINES, { ...Object.fromEntries(kept), [name]: { connect, throughput, failures } });
}

/** The device that the user chose last. */
export function chosenDevice(kind: 'camera' | 'microphone'): string | undefined {
  const id = read(DEVICES)[kind];
  return typeof id === 'string' ? id : undefined;
}

export function rememberDevice(kind: 'camera' | 'microphone', deviceId: string): void {
  write(DEVICES, { ...read(DEVICES), [kind]: deviceId });
}

function lineName(url: string): string | undefined {
  try {
    const { protocol, host, pathname } = new URL(url);
    return `${protocol}//${host}${pathname}`;
  } catch {
    return undefined;
  }
}

function read(key: string): Record<string, unknown> {
  try {
    const text = localStorage.getItem(key) ?? '';
    const value: unknown = text.length > MOST_TEXT ? null : JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function write(key: string, value: object): void {
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // Full, or forbidden.
  }
}
