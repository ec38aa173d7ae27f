/** Waits for a moment in which the machine has time: what is measured is the player, not what else runs beside it. */
import os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

const LOOK = 250;
const IDLE_ENOUGH = 0.4;
const PATIENCE = 4_000;

function times(): { idle: number; all: number } {
  let [idle, all] = [0, 0];
  for (const { times } of os.cpus()) {
    idle += times.idle;
    all += times.user + times.nice + times.sys + times.irq + times.idle;
  }
  return { idle, all };
}

/** Gives up after a while: a machine that is always busy is tested as it is. */
export async function calm(): Promise<void> {
  for (const end = Date.now() + PATIENCE; Date.now() < end; ) {
    const before = times();
    await sleep(LOOK);
    const after = times();
    if ((after.idle - before.idle) / Math.max(1, after.all - before.all) >= IDLE_ENOUGH) return;
  }
}
