/**
 * `qos` records as OTLP metrics: the body of `POST /v1/metrics` in the JSON encoding of OTLP 1.x (proto3 JSON; 64-bit
 * integers are strings, enumerations are numbers).
 *
 * Totals are cumulative from the load on, so that a lost post loses nothing.
 */
import { VERSION } from '../internal/version.js';
import { type Record, valueAt } from './records.js';

export type Attributes = Readonly<{ [name: string]: string | number | boolean }>;

const CUMULATIVE = 2;
/** Of the stalls' histogram, seconds; one bucket more than bounds. */
const STALL_BOUNDS = [0.5, 1, 2, 3, 4, 5];

interface Metric {
  name: string;
  unit: string;
  description: string;
  kind: 'sum' | 'gauge';
  /** Counted in whole numbers. */
  whole?: true;
  /** Each point's place in the snapshot, with the attribute that tells it from the others. */
  points: readonly (readonly [path: string, attributes?: Attributes])[];
}

/** A point for each key of the object at `path`. */
const each = (attribute: string, path: string, keys: readonly string[]) =>
  keys.map(key => [`${path}.${key}`, { [attribute]: key }] as const);

const METRICS: readonly Metric[] = [
  {
    name: 'sailcast.playback.time',
    unit: 's',
    description: 'Time played.',
    kind: 'sum',
    points: [['quality.playedTime']],
  },
  {
    name: 'sailcast.stall.ratio',
    unit: '1',
    description: 'Time stalled as a part of the time that should have been playing.',
    kind: 'gauge',
    points: [['quality.stalls.ratio']],
  },
  {
    name: 'sailcast.startup.time',
    unit: 's',
    description: 'From load() to each step of the start.',
    kind: 'gauge',
    points: each('step', 'quality.startUp', [
      'engineReady',
      'connected',
      'firstByte',
      'firstTag',
      'firstKeyframe',
      'decoded',
      'shown',
    ]),
  },
  {
    name: 'sailcast.latency',
    unit: 's',
    description: 'Newest received data minus playhead, of the last seconds.',
    kind: 'gauge',
    points: [
      ['quality.recentLatency.p50', { quantile: 0.5 }],
      ['quality.recentLatency.p95', { quantile: 0.95 }],
    ],
  },
  {
    name: 'sailcast.bitrate',
    unit: 'bit/s',
    description: "The stream's bitrate.",
    kind: 'gauge',
    points: [['quality.bitrate']],
  },
  {
    name: 'sailcast.throughput',
    unit: 'bit/s',
    description: 'Bits received a second.',
    kind: 'gauge',
    points: [['quality.throughput']],
  },
  {
    name: 'sailcast.frame.rate',
    unit: '{frame}/s',
    description: 'Pictures a second, by how far they came.',
    kind: 'gauge',
    points: [
      ['quality.receivedFps', { stage: 'received' }],
      ['quality.decodedFps', { stage: 'decoded' }],
      ['quality.shownFps', { stage: 'shown' }],
    ],
  },
  {
    name: 'sailcast.frames.shown',
    unit: '{frame}',
    description: 'Pictures shown.',
    kind: 'sum',
    whole: true,
    points: [['framesRendered']],
  },
  {
    name: 'sailcast.frames.dropped',
    unit: '{frame}',
    description: 'Pictures not shown, by the cause.',
    kind: 'sum',
    whole: true,
    points: each('cause', 'quality.drops', ['disposable', 'late', 'decoder', 'skip', 'noKeyframe', 'sink']),
  },
  {
    name: 'sailcast.catch_up.time',
    unit: 's',
    description: 'What was done to hold the target latency, by kind.',
    kind: 'sum',
    points: each('kind', 'quality.catchUp', ['faster', 'slower', 'skipped']),
  },
  {
    name: 'sailcast.network.received',
    unit: 'By',
    description: 'Bytes received.',
    kind: 'sum',
    whole: true,
    points: [['bytesReceived']],
  },
  {
    name: 'sailcast.memory',
    unit: 'By',
    description: "Memory in use: packets not yet played, and all of the engine's.",
    kind: 'gauge',
    whole: true,
    points: each('kind', 'quality.memory', ['buffered', 'wasm']),
  },
];

/** The body for these records; those that are no `qos` add nothing. */
export function encodeOtlp(records: readonly Record[], resource: Attributes): string {
  const qos = records.filter(record => record.event === 'qos');
  const metrics = [...METRICS.map(metric => scalar(metric, qos)), stalls(qos), reconnects(qos)];
  return JSON.stringify({
    resourceMetrics: [
      {
        resource: { attributes: attributes(resource) },
        scopeMetrics: [{ scope: { name: 'sailcast', version: VERSION }, metrics: metrics.flat() }],
      },
    ],
  });
}

function scalar(
  { name, unit, description, kind, whole, points }: Metric,
  records: readonly Record[],
): object[] {
  const dataPoints = records.flatMap(record =>
    points.flatMap(([path, own]) => {
      const value = valueAt(record.data, path);
      if (typeof value !== 'number' || !Number.isFinite(value)) return [];
      const figure = whole ? { asInt: String(Math.round(value)) } : { asDouble: value };
      return [
        { ...when(record, kind === 'sum'), ...figure, attributes: attributes({ ...loadOf(record), ...own }) },
      ];
    }),
  );
  if (dataPoints.length === 0) return [];
  const data =
    kind === 'sum'
      ? { sum: { aggregationTemporality: CUMULATIVE, isMonotonic: true, dataPoints } }
      : { gauge: { dataPoints } };
  return [{ name, unit, description, ...data }];
}

function stalls(records: readonly Record[]): object[] {
  const dataPoints = records.flatMap(record => {
    const counts = valueAt(record.data, 'quality.stalls.histogram');
    if (!Array.isArray(counts) || counts.length !== STALL_BOUNDS.length + 1) return [];
    const sum = valueAt(record.data, 'quality.stalls.finishedTime');
    return [
      {
        ...when(record, true),
        count: String(counts.reduce((a: number, b: number) => a + b, 0)),
        ...(typeof sum === 'number' ? { sum } : {}),
        bucketCounts: counts.map(String),
        explicitBounds: STALL_BOUNDS,
        attributes: attributes(loadOf(record)),
      },
    ];
  });
  if (dataPoints.length === 0) return [];
  const description = 'Stalls that have ended, by their length.';
  const histogram = { aggregationTemporality: CUMULATIVE, dataPoints };
  return [{ name: 'sailcast.stall.duration', unit: 's', description, histogram }];
}

function reconnects(records: readonly Record[]): object[] {
  const dataPoints = records.flatMap(record => {
    const counts = valueAt(record.data, 'quality.reconnects');
    if (typeof counts !== 'object' || counts === null) return [];
    return Object.entries(counts).map(([reason, count]) => ({
      ...when(record, true),
      asInt: String(count),
      attributes: attributes({ ...loadOf(record), reason }),
    }));
  });
  if (dataPoints.length === 0) return [];
  const sum = { aggregationTemporality: CUMULATIVE, isMonotonic: true, dataPoints };
  return [{ name: 'sailcast.reconnects', unit: '{try}', description: 'Connections tried again.', sum }];
}

/** Two players of a session have points of their own: by the load's start and its number. */
function loadOf(record: Record): Attributes {
  return { load: record.load };
}

function when(record: Record, total: boolean): object {
  const timeUnixNano = nanos(record.at);
  return total ? { startTimeUnixNano: nanos(record.loadedAt), timeUnixNano } : { timeUnixNano };
}

function nanos(ms: number): string {
  return String(BigInt(Math.round(ms * 1000)) * 1000n);
}

function attributes(all: Attributes): object[] {
  return Object.entries(all).map(([key, value]) => ({ key, value: anyValue(value) }));
}

function anyValue(value: string | number | boolean): object {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}
