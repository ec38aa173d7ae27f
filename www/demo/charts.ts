/**
 * The last minute as small charts sharing one time axis and one cursor. Each has its present figures above it; while the
 * pointer is over a chart, the figures are those of that moment. What they show is their page's (watch-charts.ts,
 * publish/charts.ts).
 */
import uPlot from 'uplot';
import { type Key, onLanguage, t } from './i18n.js';
import { onTheme } from './theme.js';

const SPAN = 60;
const HEIGHT = 116;

type Style = 'main' | 'second' | 'dashed' | 'bars';

export interface Line<Sample> {
  name: Key;
  style: Style;
  /** What is drawn. */
  value: (sample: Sample) => number | null;
  /** What is written above, where it is not what is drawn. */
  figure?: (sample: Sample) => number | null;
  text: (value: number | null) => string;
  /** May leave the chart at the top: the vertical axis is the others'. */
  loose?: boolean;
}

/** Figures of one moment. */
export interface Moment {
  /** Seconds on the page's monotonic clock. */
  at: number;
}

export interface Spec<Sample> {
  host: string;
  /** Vertical axis shows at least this much. */
  atLeast: number;
  tick: (value: number) => string;
  /** Drawn in this order: the main line is over the others. */
  lines: Line<Sample>[];
}

export class Charts<Sample extends Moment> {
  #samples: Sample[] = [];
  readonly #charts: Chart<Sample>[];

  /** `page`: charts with the same one share the cursor. */
  constructor(page: string, specs: readonly Spec<Sample>[]) {
    const colours = new Colours();
    this.#charts = specs.map(spec => new Chart(page, spec, colours));
    onLanguage(() => this.#draw());
    onTheme(() => {
      for (const chart of this.#charts) chart.restyle();
    });
  }

  push(sample: Sample): void {
    this.#samples.push(sample);
    const oldest = sample.at - SPAN - 1;
    while (this.#samples.length > 0 && (this.#samples[0]?.at ?? oldest) < oldest) this.#samples.shift();
    this.#draw();
  }

  #draw(): void {
    for (const chart of this.#charts) chart.draw(this.#samples);
  }
}

class Chart<Sample extends Moment> {
  readonly #page: string;
  readonly #spec: Spec<Sample>;
  readonly #plot: uPlot;
  readonly #colours: Colours;
  readonly #names: HTMLElement[] = [];
  readonly #values: HTMLElement[] = [];
  #samples: readonly Sample[] = [];

  constructor(page: string, spec: Spec<Sample>, colours: Colours) {
    this.#page = page;
    this.#spec = spec;
    this.#colours = colours;
    const host = document.getElementById(spec.host);
    if (host === null) throw new Error(`no element #${spec.host}`);
    const head = host.appendChild(document.createElement('div'));
    head.className = 'chart-head';
    const others = document.createElement('div');
    others.className = 'others';
    for (const line of spec.lines) {
      const item = (line.style === 'main' ? head : others).appendChild(document.createElement('div'));
      item.className = `figure ${line.style}`;
      const name = item.appendChild(document.createElement(line.style === 'main' ? 'h2' : 'span'));
      name.className = 'name';
      const value = item.appendChild(document.createElement('span'));
      value.className = 'value';
      this.#names.push(name);
      this.#values.push(value);
    }
    head.append(others);
    const box = host.appendChild(document.createElement('div'));
    box.className = 'plot';
    box.setAttribute('aria-hidden', 'true');
    this.#plot = new uPlot(this.#options(), [[], ...spec.lines.map(() => [])], box);
    new ResizeObserver(() => {
      const width = Math.floor(box.clientWidth);
      if (width > 0 && width !== this.#plot.width) this.#plot.setSize({ width, height: HEIGHT });
    }).observe(box);
    this.#label();
  }

  draw(samples: readonly Sample[]): void {
    this.#samples = samples;
    const times = samples.map(sample => sample.at);
    const series = this.#spec.lines.map(line => samples.map(line.value));
    this.#plot.setData([times, ...series]);
    this.#label();
  }

  restyle(): void {
    this.#colours.forget();
    this.#plot.redraw(false, true);
  }

  #label(): void {
    const at = this.#plot.cursor.idx ?? null;
    const sample = at === null ? this.#samples.at(-1) : this.#samples[at];
    this.#spec.lines.forEach((line, i) => {
      const name = this.#names[i];
      const value = this.#values[i];
      if (name === undefined || value === undefined) return;
      name.textContent = t(line.name);
      value.textContent = line.text(sample === undefined ? null : (line.figure ?? line.value)(sample));
    });
  }

  #options(): uPlot.Options {
    const colours = this.#colours;
    const axis: uPlot.Axis = {
      stroke: () => colours.get('--muted'),
      font: `11px ${getComputedStyle(document.body).fontFamily}`,
      ticks: { show: false },
    };
    return {
      width: 300,
      height: HEIGHT,
      padding: [8, 16, 0, 0],
      legend: { show: false },
      cursor: {
        y: false,
        drag: { x: false, y: false },
        points: { size: 7, width: 0 },
        sync: { key: this.#page },
      },
      hooks: { setCursor: [() => this.#label()] },
      scales: {
        x: { time: false, range: u => timeRange(u) },
        y: { range: (_u, _min, max) => [0, roundUp(Math.max(this.#spec.atLeast, (max ?? 0) * 1.1))] },
        // Bars stay in the lowest third, under the line they explain.
        bars: { range: (_u, _min, max) => [0, Math.max(6, (max ?? 0) * 3)] },
      },
      axes: [
        {
          ...axis,
          size: 22,
          gap: 6,
          grid: { show: false },
          splits: u => {
            const [, now] = timeRange(u);
            return [now - SPAN, now - SPAN / 2, now];
          },
          values: () => [`−${SPAN} s`, `−${SPAN / 2} s`, t('now')],
        },
        {
          ...axis,
          size: 44,
          gap: 8,
          grid: { stroke: () => colours.get('--line'), width: 1 },
          splits: u => {
            const top = u.scales.y?.max ?? 1;
            return [0, top / 2, top];
          },
          values: (_u, splits) => splits.map(v => this.#spec.tick(Number(v.toPrecision(3)))),
        },
      ],
      series: [{}, ...this.#spec.lines.map(line => this.#series(line))],
    };
  }

  #series(line: Line<Sample>): uPlot.Series {
    const colours = this.#colours;
    const base: uPlot.Series = { points: { show: false }, spanGaps: false, auto: line.loose !== true };
    switch (line.style) {
      case 'main':
        return {
          ...base,
          width: 1.75,
          stroke: () => colours.get('--accent'),
          fill: () => colours.get('--accent-wash'),
        };
      case 'second':
        return { ...base, width: 1.5, stroke: () => colours.get('--ink') };
      case 'dashed':
        return { ...base, width: 1.25, dash: [4, 4], stroke: () => colours.get('--muted') };
      case 'bars': {
        const paths = uPlot.paths.bars?.({ size: [0.8, 8] });
        return {
          ...base,
          scale: 'bars',
          width: 0,
          stroke: () => colours.get('--ink'),
          fill: () => colours.get('--ink'),
          ...(paths === undefined ? {} : { paths }),
        };
      }
    }
  }
}

/** The theme's colours as text, kept until the theme changes: a canvas cannot read custom properties. */
class Colours {
  readonly #known = new Map<string, string>();

  get(name: string): string {
    let value = this.#known.get(name);
    if (value === undefined) {
      value = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
      this.#known.set(name, value);
    }
    return value;
  }

  forget(): void {
    this.#known.clear();
  }
}

/** The newest sample is always at the right edge. */
function timeRange(u: uPlot): [number, number] {
  const times = u.data[0];
  const now = times[times.length - 1] ?? SPAN;
  return [now - SPAN, now];
}

/** The next of 1, 1.2, 1.6, 2, 3, 4, 6, 8 times a power of ten: halves of these are still short to write. */
function roundUp(value: number): number {
  const unit = 10 ** Math.floor(Math.log10(value));
  const step = [1, 1.2, 1.6, 2, 3, 4, 6, 8, 10].find(n => n * unit >= value * 0.9999) ?? 10;
  return step * unit;
}
