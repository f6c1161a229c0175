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
