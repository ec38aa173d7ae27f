/** The charts of the publisher, and what they are drawn of: its figures, and the viewer's at the same time. */
import type { PublisherStats } from 'sailcast/publisher';
import type { Spec } from '../charts.js';
import * as format from '../format.js';

export interface Sample {
  at: number;
  target: number | null;
  sent: number | null;
  estimate: number | null;
  queue: number | null;
  budget: number | null;
  captured: number | null;
  encoded: number | null;
  /** Packets and pictures left out since the sample before, and since the start. */
  dropped: number | null;
  droppedTotal: number | null;
  /** Seconds until viewers see it: by the stream's clock, and as the picture tells. */
  endToEnd: number | null;
  picture: number | null;
}

export interface Delays {
  endToEnd: number | null;
  picture: number | null;
}

/** Before so many seconds, rates are of too little to say anything. */
const SETTLED = 1;

export function sampled(
  at: number,
  stats: PublisherStats,
  budget: number,
  delays: Delays,
  before: number,
): Sample {
  const droppedTotal = dropped(stats);
  const settled = stats.uptime > SETTLED;
  return {
    at,
    target: stats.targetBitrate + stats.audioBitrate,
    sent: stats.sentBitrate,
    estimate: stats.estimate,
    queue: stats.queue,
    budget,
    captured: settled ? stats.capturedFps : null,
    encoded: settled ? stats.encodedFps : null,
    dropped: Math.max(0, droppedTotal - before),
    droppedTotal,
    ...delays,
  };
}

/** Keeps the charts moving while nothing is sent. */
export function gap(at: number): Sample {
  return {
    at,
    target: null,
    sent: null,
    estimate: null,
    queue: null,
    budget: null,
    captured: null,
    encoded: null,
    dropped: null,
    droppedTotal: null,
    endToEnd: null,
    picture: null,
  };
}

export function dropped(stats: PublisherStats): number {
  return (
    stats.droppedDisposable + stats.droppedVideo + stats.droppedAudio + stats.notEncoded + stats.encoderBusy
  );
}

export const PUBLISH_CHARTS: readonly Spec<Sample>[] = [
  {
    host: 'chart-uplink',
    atLeast: 400_000,
    tick: format.bitrateTick,
    lines: [
      { name: 'estimate', style: 'second', value: s => s.estimate, text: format.bitrate, loose: true },
      { name: 'target', style: 'dashed', value: s => s.target, text: format.bitrate },
      { name: 'sent', style: 'main', value: s => s.sent, text: format.bitrate },
    ],
  },
  {
    host: 'chart-queue',
    atLeast: 0.8,
    tick: format.secondsTick,
    lines: [
      { name: 'budget', style: 'dashed', value: s => s.budget, text: format.seconds },
      { name: 'queue', style: 'main', value: s => s.queue, text: format.seconds },
    ],
  },
  {
    host: 'chart-encoded',
    atLeast: 20,
    tick: v => String(v),
    lines: [
      {
        name: 'dropped',
        style: 'bars',
        value: s => s.dropped,
        figure: s => s.droppedTotal,
        text: format.count,
      },
      { name: 'captured', style: 'second', value: s => s.captured, text: format.fps },
      { name: 'encoded', style: 'main', value: s => s.encoded, text: format.fps },
    ],
  },
  {
    host: 'chart-delay',
    atLeast: 0.8,
    tick: format.secondsTick,
    lines: [
      { name: 'inPicture', style: 'second', value: s => s.picture, text: format.seconds },
      { name: 'glassToGlass', style: 'main', value: s => s.endToEnd, text: format.seconds },
    ],
  },
];
