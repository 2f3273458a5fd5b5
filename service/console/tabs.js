// Two views, one at a time: arrow keys as the ARIA practices for tabs have them, and the address remembers which.
//
//     click, arrow, #operations --> the one panel that is not hidden --> shown(name)

/** @param {HTMLElement[]} tabs each with aria-controls @param {(name: string) => void} shown */
export function tabbed(tabs, shown) {
  const select = (chosen) => {
    for (const tab of tabs) {
      const mine = tab === chosen;
      tab.setAttribute("aria-selected", String(mine));
      tab.tabIndex = mine ? 0 : -1;
      document.getElementById(tab.getAttribute("aria-controls")).hidden = !mine;
    }
    const name = chosen.getAttribute("aria-controls");
    history.replaceState(null, "", name === tabs[0].getAttribute("aria-controls") ? " " : `#${name}`);
    shown(name);
  };
  tabs.forEach((tab, at) => {
    tab.addEventListener("click", () => select(tab));
    tab.addEventListener("keydown", ({ key }) => {
      const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[key];
      if (to === undefined) return;
      const next = tabs[(to + tabs.length) % tabs.length];
      next.focus();
      select(next);
    });
  });
  select(tabs.find((tab) => `#${tab.getAttribute("aria-controls")}` === location.hash) ?? tabs[0]);
}
