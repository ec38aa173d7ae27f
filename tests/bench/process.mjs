/** What /proc says: CPU time and memory of a process and all its descendants, and how busy the machine is. */
import { readdirSync, readFileSync } from 'node:fs';

const TICKS_PER_SECOND = 100;

/** Null when the process is gone. */
function stat(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name before the last parenthesis may hold anything.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { parent: Number(fields[1]), cpu: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND };
  } catch {
    return null;
  }
}

/** Stats by process id, of `root` and all below it. */
function tree(root) {
  const all = new Map();
  for (const name of readdirSync('/proc')) {
    const found = /^\d+$/.test(name) ? stat(name) : null;
    if (found) all.set(Number(name), found);
  }
  const ours = new Map([[root, all.get(root)]]);
  // The set grows while it is walked.
  for (const pid of ours.keys()) {
    for (const [child, { parent, cpu }] of all) if (parent === pid) ours.set(child, { parent, cpu });
  }
  return ours;
}

/** A running count; `stop()` gives seconds of CPU, and those that other work of the machine took. */
export function measureCpu(root) {
  const before = tree(root);
  const busy = machineBusy();
  return () => {
    let cpu = 0;
    for (const [pid, now] of tree(root)) cpu += now.cpu - (before.get(pid)?.cpu ?? 0);
    return { cpu, other: machineBusy() - busy - cpu };
  };
}

/** A worthwhile part, seconds a minute. */
const WORTH_TELLING = 0.2;

/**
 * A running count; `stop()` gives seconds of CPU a minute by kind of process and name of thread, the greatest first. A thread
 * that has ended takes its share with it.
 */
export function measureThreads(root) {
  const begin = Date.now();
  const before = threads(root);
  return () => {
    const minutes = (Date.now() - begin) / 60_000;
    const used = [...threads(root)].map(([name, cpu]) => [name, (cpu - (before.get(name) ?? 0)) / minutes]);
    const told = used.filter(([, cpu]) => cpu > WORTH_TELLING).sort(([, a], [, b]) => b - a);
    return Object.fromEntries(told);
  };
}

function threads(root) {
  const all = new Map();
  for (const pid of tree(root).keys()) {
    try {
      const kind = /--type=([\w-]+)(?:.*--utility-sub-type=(\w+))?/s.exec(
        readFileSync(`/proc/${pid}/cmdline`, 'utf8'),
      );
      for (const task of readdirSync(`/proc/${pid}/task`)) {
        const name = readFileSync(`/proc/${pid}/task/${task}/comm`, 'utf8').trim().replace(/\d+$/, '');
        const key = `${kind?.[2] ?? kind?.[1] ?? 'browser'} ${Number(task) === pid ? 'main' : name}`;
        all.set(key, (all.get(key) ?? 0) + (stat(`${pid}/task/${task}`)?.cpu ?? 0));
      }
    } catch {
      // It ended meanwhile.
    }
  }
  return all;
}

/** Proportional set size, MiB. */
export function memory(root) {
  let kib = 0;
  for (const pid of tree(root).keys()) {
    try {
      kib += Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))[1]);
    } catch {
      // It ended meanwhile.
    }
  }
  return kib / 1024;
}

/** Seconds of all cores spent on anything since the machine started. */
export function machineBusy() {
  const [user, nice, system, , , irq, softirq, steal] = readFileSync('/proc/stat', 'utf8')
    .slice(0, 200)
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND;
}
