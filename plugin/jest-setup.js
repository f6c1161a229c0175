import './.config/jest-setup';
import { configure } from '@testing-library/react';

// What a page shows comes from real processes. Whether each element is hidden would cost more than all else together.
configure({ asyncUtilTimeout: 10_000, defaultHidden: true });
// They answer when they like: no update of a page has to be announced.
beforeEach(() => {
  globalThis.IS_REACT_ACT_ENVIRONMENT = false;
});
// Said by a library once per test file, to nobody.
globalThis.__i18next_supportNoticeShown = true;

// Grafana's Combobox measures its texts; jsdom draws none.
HTMLCanvasElement.prototype.getContext = () => ({ measureText: (text) => ({ width: text.length * 8 }) });

// jsdom lays nothing out; what draws only what is in sight asks for the size it has to draw in.
Object.defineProperties(Element.prototype, { clientHeight: { get: () => 600 }, clientWidth: { get: () => 1000 } });

// Names are computed from styles, and jsdom holds every element against every rule of every sheet, each time it is asked:
// that was most of these tests. What looks the same by its class, its own style and its kind has the same style.
const computed = window.getComputedStyle.bind(window);
const known = new Map();
window.getComputedStyle = (element) => {
  const own = ['class', 'style', 'hidden'].map((name) => element.getAttribute(name));
  const key = [element.tagName, ...own].join('|');
  if (!known.has(key)) {
    known.set(key, computed(element));
  }
  return known.get(key);
};
