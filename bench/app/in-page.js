// Runs in the page that is measured, by the page's own clock.
globalThis.bench = (() => {
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const list = () => document.querySelector('[role=region][aria-label=tenants]');
  const rowsDrawn = () => document.querySelectorAll('tbody tr[aria-rowindex]').length;

  /** A heading, something to read, and no skeleton. */
  const painted = () =>
    document.querySelector('h1') !== null &&
    document.querySelector('[role=status][aria-label=Loading]') === null &&
    document.querySelector('tbody tr, dl, section, [role=search]') !== null;

  /** Milliseconds from a click in the navigation to the frame after its page was painted. */
  async function clickThrough(name) {
    const link = [...document.querySelectorAll('nav a')].find((a) => a.textContent?.trim() === name);
    const began = performance.now();
    link.click();
    while (document.querySelector('h1')?.textContent?.trim() !== name || !painted()) {
      await frame();
      if (performance.now() - began > 10_000) throw new Error(`${name} was not painted in 10 s`);
    }
    await frame();
    return performance.now() - began;
  }

  const typed = [];
  function watchTyping() {
    const see = (entries) => typed.push(...entries.getEntries().map(({ duration }) => duration));
    new PerformanceObserver(see).observe({ type: 'event', durationThreshold: 16 });
  }
  /** Event Timing tells nothing below its threshold, and counts in steps of 8 ms. */
  const longestTyping = () => Math.max(16, ...typed);

  /** Scrolls to the end until the list has read `rows` rows of `height` px. */
  async function readAll(rows, height) {
    const box = list();
    for (const end = performance.now() + 90_000; box.scrollHeight < rows * height && performance.now() < end;) {
      box.scrollTop = box.scrollHeight;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    box.scrollTop = 0;
  }

  function emptyBoxLike(box) {
    const empty = document.createElement('div');
    const size = `width:${box.clientWidth}px;height:${box.clientHeight}px`;
    empty.style.cssText = `position:fixed;left:0;bottom:0;${size};overflow:auto;z-index:-1`;
    const inner = document.createElement('div');
    inner.style.height = `${box.scrollHeight}px`;
    empty.append(inner);
    document.body.append(empty);
    return empty;
  }

  /** Frames per second while the list is scrolled at 2 400 px a second, and while an empty box of its height is, in turn. */
  async function scroll(rounds, seconds) {
    const box = list();
    const empty = emptyBoxLike(box);
    let rows = 0;
    const frames = async (on) => {
      on.scrollTop = 0;
      let count = 0;
      const began = performance.now();
      for (let now = began; now - began < seconds * 1000; count++) {
        now = await frame();
        on.scrollTop = (now - began) * 2.4;
        rows = Math.max(rows, rowsDrawn());
      }
      return count / ((performance.now() - began) / 1000);
    };
    const taken = { list: [], floor: [] };
    for (let round = 0; round < rounds; round++) {
      taken.list.push(await frames(box));
      taken.floor.push(await frames(empty));
    }
    empty.remove();
    return { ...taken, rows };
  }

  return { painted, clickThrough, watchTyping, longestTyping, readAll, scroll };
})();
