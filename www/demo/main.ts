/** The demo: two pages, "Watch" and "Publish", and what they share: the address bar, the language, the theme. */
import { get } from './dom.js';
import { detect, type Lang, language, setLanguage } from './i18n.js';
import { linkTo, onSettings, reread, settings, wishFor } from './settings.js';
import { applyTheme, toggleTheme } from './theme.js';
import * as watch from './watch.js';

const TABS = ['watch', 'publish'] as const;

interface Page {
  /** `at`: since when the visitor wanted it, on the clock of `performance.now()`. `automatic`: without a click. */
  enter(at: number, automatic: boolean): void;
  leave(): void;
}

let shown: Page | null = null;

/** Begins on the page of the settings; one that shows already begins anew, with the settings as they are now. */
async function begin(at: number, automatic: boolean): Promise<void> {
  const { tab } = settings();
  shown?.leave();
  shown = null;
  showSettings();
  // Who only watches does not load the publisher.
  const page: Page = tab === 'watch' ? watch : await import('./publish/page.js');
  if (tab !== settings().tab || shown !== null) return;
  shown = page;
  page.enter(at, automatic);
}

function speak(): void {
  const { lang } = settings();
  setLanguage(lang === 'auto' ? detect() : lang);
}

function showSettings(): void {
  for (const name of TABS) {
    // No element may be named as the address ends, or the browser would scroll to it.
    get(`page-${name}`, HTMLElement).hidden = name !== settings().tab;
    const link = get(`tab-${name}`, HTMLAnchorElement);
    const href = linkTo({ tab: name });
    link.href = href.startsWith('#') ? href : '#watch';
    if (name === settings().tab) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  get('keys', HTMLElement).hidden = settings().tab !== 'watch';
  for (const button of document.querySelectorAll<HTMLButtonElement>('[data-lang]')) {
    button.setAttribute('aria-pressed', String(button.dataset.lang === language()));
  }
}

applyTheme();
speak();
onSettings(showSettings);
showSettings();
for (const button of document.querySelectorAll<HTMLButtonElement>('[data-lang]')) {
  button.addEventListener('click', () => {
    const lang = button.dataset.lang as Lang;
    setLanguage(lang);
    wishFor({ lang });
  });
}
get('theme', HTMLButtonElement).addEventListener('click', toggleTheme);
// A link to the other page, or another permalink pasted into the address bar.
addEventListener('hashchange', event => {
  reread();
  speak();
  void begin(event.timeStamp, false);
});

// A video element without a picture would hold back the page's own `load`, for ever if the stream cannot be had.
const start = () => void begin(performance.now(), true);
if (document.readyState === 'complete') start();
else addEventListener('load', start, { once: true });
