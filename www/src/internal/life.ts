/**
 * The life of the page: seen or not, with or without a network, frozen, put away into the back-forward cache, and back.
 *
 * One set of listeners serves all players of the page, and goes with the last of them. It only passes on what the browser
 * says: what to do about it is the engine's decision. Timers are of no use here, for a hidden page's are throttled.
 */

export interface LifeEvents {
  /** The page can be seen, or cannot. */
  visible?(visible: boolean): void;
  online?(online: boolean): void;
  /** Another network. */
  networkChanged?(): void;
  /** The page will not run for a while. */
  suspend?(): void;
  /** The same, and it may be kept only if nothing is open: no connection, no live track. */
  putAway?(): void;
  /** After either. */
  wake?(): void;
}

/** Network Information API; `type` is there where a device changes networks, such as on Android. */
interface Connection extends EventTarget {
  readonly type?: string;
}

const watchers = new Set<LifeEvents>();
let listening: AbortController | undefined;

/** Tells every change from now on. Returns how to stop. */
export function watchPage(events: LifeEvents): () => void {
  watchers.add(events);
  if (watchers.size === 1) listen();
  return () => {
    watchers.delete(events);
    if (watchers.size > 0) return;
    listening?.abort();
    listening = undefined;
  };
}

export function isPageVisible(): boolean {
  return document.visibilityState === 'visible';
}

function listen(): void {
  listening = new AbortController();
  const { signal } = listening;
  const on = (target: EventTarget, type: string, tell: (events: LifeEvents, event: Event) => void) =>
    target.addEventListener(
      type,
      event => {
        for (const events of [...watchers]) tell(events, event);
      },
      { signal },
    );
  on(document, 'visibilitychange', events => events.visible?.(isPageVisible()));
  on(window, 'online', events => events.online?.(true));
  on(window, 'offline', events => events.online?.(false));
  on(document, 'freeze', events => events.suspend?.());
  on(document, 'resume', events => events.wake?.());
  // Only a page that may come back is worth a word; Safari has no freeze and no resume.
  on(window, 'pagehide', (events, event) => {
    if ((event as PageTransitionEvent).persisted) events.putAway?.();
  });
  on(window, 'pageshow', (events, event) => {
    if ((event as PageTransitionEvent).persisted) events.wake?.();
  });
  const { connection } = navigator as Navigator & { connection?: Connection };
  if (!connection) return;
  // The event also tells each new estimate of the same network's speed.
  let type = connection.type;
  connection.addEventListener(
    'change',
    () => {
      if (connection.type === type) return;
      type = connection.type;
      for (const events of [...watchers]) events.networkChanged?.();
    },
    { signal },
  );
}
