// What the tests ask a page about itself. Read by test_pages.py, never shipped.
({
  /** Every text that a person sees or hears. */
  texts() {
    const found = [];
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
      if (!walk.currentNode.parentElement.closest("script, code")) found.push(walk.currentNode.data.trim());
    }
    const attributes = ["aria-label", "title", "alt", "placeholder", "aria-valuetext"];
    for (const element of document.querySelectorAll(attributes.map((name) => `[${name}]`).join())) {
      for (const name of attributes) found.push(element.getAttribute(name) ?? "");
    }
    return [...new Set(found.filter(Boolean))];
  },

  /** Controls and pictures without an accessible name, as far as these pages need it (accname 1.2 §4.3). */
  nameless() {
    const kinds = "a, button, input:not([type=hidden]), select, [role=slider], img, svg[role=img]";
    const heard = [...document.querySelectorAll(kinds)].filter((e) => e.checkVisibility() && !e.closest("[aria-hidden=true]"));
    const name = (e) => (e.getAttribute("aria-label") ?? e.labels?.[0]?.textContent ?? "").trim() || e.textContent.trim();
    const named = (e) => (e.tagName === "IMG" ? e.hasAttribute("alt") : name(e) || e.querySelector('img[alt]:not([alt=""])'));
    return heard.filter((e) => !named(e)).map((e) => e.outerHTML.slice(0, 200));
  },

  /** Texts with too little contrast (WCAG 2.2 §1.4.3) on plain grounds; text over pictures has a dark ground of its own. */
  faint() {
    const parse = (colour) => {
      const numbers = colour.match(/[\d.]+/g).map(Number);
      const scale = colour.startsWith("color(") ? 255 : 1;
      return [...numbers.slice(0, 3).map((n) => n * scale), numbers[3] ?? 1];
    };
    const linear = (v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
    const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    const ground = (e) => {
      for (; e; e = e.parentElement) {
        const colour = parse(getComputedStyle(e).backgroundColor);
        if (colour[3] === 1) return colour;
      }
      return [255, 255, 255];
    };
    const found = [];
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
      const element = walk.currentNode.parentElement;
      const text = walk.currentNode.data.trim().slice(0, 40);
      const elsewhere = element.closest(".mosaic, svg, script, :disabled, .visually-hidden");
      if (!text || !element.checkVisibility() || elsewhere) continue;
      const style = getComputedStyle(element);
      const [a, b] = [luminance(parse(style.color)), luminance(ground(element))].sort((x, y) => y - x);
      const size = parseFloat(style.fontSize);
      const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
      const ratio = (a + 0.05) / (b + 0.05);
      if (ratio < (large ? 3 : 4.5)) found.push(`${ratio.toFixed(2)} ${text}`);
    }
    return found;
  },

  /** Controls under 44 x 44 pixels. */
  small() {
    return [...document.querySelectorAll("button, select, input:not([type=hidden]), .button")]
      .filter((e) => e.checkVisibility())
      .map((e) => [e, (e.closest("label") ?? e).getBoundingClientRect()])
      .filter(([, box]) => box.height < 43.5 || box.width < 43.5)
      .map(([e, box]) => `${box.width}x${box.height} ${e.outerHTML.slice(0, 120)}`);
  },
})
