// The few things that are drawn, made without any text that is read as markup.

type Child = Node | string | null;
type Attributes = Readonly<Record<string, string | number | boolean | null>>;

function fill<T extends Element>(element: T, attributes: Attributes, children: readonly Child[]): T {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

export function h<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Attributes = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  return fill(document.createElement(tag), attributes, children);
}

export function svg<K extends keyof SVGElementTagNameMap>(tag: K, attributes: Attributes = {}, ...children: Child[]): SVGElementTagNameMap[K] {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

/** Line icons of the pages, on a 24 x 24 grid. A word always stands beside them. */
const ICONS = {
  good: "M12 2.8 19.5 5.5v6c0 4.8-3.2 8.1-7.5 9.7-4.3-1.6-7.5-4.9-7.5-9.7v-6ZM8.5 11.8l2.5 2.5 4.5-4.8",
  warn: "M12 3.5 22 20.5H2ZM12 10v4.5M12 17.4v.1",
  bad: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18ZM8.5 8.5l7 7M15.5 8.5l-7 7",
  none: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18ZM9.2 9.4a2.9 2.9 0 1 1 4.3 2.5c-1 .6-1.5 1.1-1.5 2.3M12 17.2v.1",
} as const;

export type Tone = keyof typeof ICONS;

export function icon(tone: Tone): SVGElement {
  return svg("svg", { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true" }, svg("path", { d: ICONS[tone] }));
}

export function byId<T extends HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}
