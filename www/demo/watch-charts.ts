/** The charts of the player. */
import type { Spec } from './charts.js';
import * as format from './format.js';
import type { Sample } from './meter.js';

export const WATCH_CHARTS: readonly Spec<Sample>[] = [
  {
    host: 'chart-latency',
    atLeast: 0.8,
    tick: format.secondsTick,
    lines: [
      { name: 'endToEnd', style: 'second', value: s => s.endToEnd, text: format.seconds },
      { name: 'target', style: 'dashed', value: s => s.target, text: format.seconds },
      { name: 'latency', style: 'main', value: s => s.latency, text: format.seconds },
    ],
  },
  {
    host: 'chart-buffer',
    atLeast: 0.8,
    tick: format.secondsTick,
    lines: [{ name: 'buffer', style: 'main', value: s => s.buffer, text: format.seconds }],
  },
  {
    host: 'chart-bitrate',
    atLeast: 500_000,
    tick: format.bitrateTick,
    lines: [{ name: 'bitrate', style: 'main', value: s => s.bitrate, text: format.bitrate }],
  },
  {
    host: 'chart-frames',
    atLeast: 30,
    tick: v => String(v),
    lines: [
      {
        name: 'dropped',
        style: 'bars',
        value: s => s.dropped,
        figure: s => s.droppedTotal,
        text: format.count,
      },
      {
        name: 'frameRate',
        style: 'main',
        value: s => s.fps,
        text: format.fps,
      },
    ],
  },
];
