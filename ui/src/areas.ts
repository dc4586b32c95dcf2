// Rectangles on a sheet of paper, in millimetres: moving, resizing, numbering. No page, no pixel.

export interface Area {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

export interface Placed {
  readonly box: Area;
  readonly row: Area;
}

/** The least side of a box; the server refuses smaller ones. */
export const LEAST = 1.5;
const ALIGN = 8;

const clamp = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), Math.max(low, high));
const hundredth = (value: number): number => Math.round(value * 100) / 100;

/** The area moved, and kept on the sheet. */
export function moved(area: Area, dx: number, dy: number, sheet: Area): Area {
  return {
    ...area,
    x: hundredth(clamp(area.x + dx, 0, sheet.w - area.w)),
    y: hundredth(clamp(area.y + dy, 0, sheet.h - area.h)),
  };
}

/** The area with its lower right corner moved, neither too small nor beyond the sheet. */
export function resized(area: Area, dw: number, dh: number, sheet: Area): Area {
  return {
    ...area,
    w: hundredth(clamp(area.w + dw, LEAST, sheet.w - area.x)),
    h: hundredth(clamp(area.h + dh, LEAST, sheet.h - area.y)),
  };
}

/** The area between two points, on the sheet. */
export function between(ax: number, ay: number, bx: number, by: number, sheet: Area): Area {
  const x = clamp(Math.min(ax, bx), 0, sheet.w - LEAST);
  const y = clamp(Math.min(ay, by), 0, sheet.h - LEAST);
  return resized({ x: hundredth(x), y: hundredth(y), w: 0, h: 0 }, Math.abs(bx - ax), Math.abs(by - ay), sheet);
}

/** The row grown so that its box lies in it. */
export function around(row: Area, box: Area): Area {
  const x = Math.min(row.x, box.x);
  const y = Math.min(row.y, box.y);
  const right = Math.max(row.x + row.w, box.x + box.w);
  const bottom = Math.max(row.y + row.h, box.y + box.h);
  return { x: hundredth(x), y: hundredth(y), w: hundredth(right - x), h: hundredth(bottom - y) };
}

/** The row of a box that was just drawn: as wide as the others, as high as there is room between its neighbours. */
export function rowFor(box: Area, others: readonly Placed[], sheet: Area): Area {
  const column = others.filter((other) => Math.abs(middle(other.box).x - middle(box).x) <= ALIGN);
  const like = column[0]?.row ?? { x: sheet.w * 0.06, y: 0, w: sheet.w * 0.88, h: 0 };
  const at = middle(box).y;
  const above = column.map((other) => other.row.y + other.row.h).filter((edge) => edge <= at);
  const below = column.map((other) => other.row.y).filter((edge) => edge >= at);
  const top = Math.max(box.y - 3, 0, ...above);
  const bottom = Math.min(box.y + box.h + 3, sheet.h, ...below);
  return around({ x: like.x, y: top, w: like.w, h: Math.max(bottom - top, LEAST) }, box);
}

/** The order of numbering: columns from the left, each from the top. */
export function numbered(placed: readonly Placed[]): number[] {
  const columns: number[] = [];
  const columnOf = (x: number): number => {
    const found = columns.findIndex((other) => Math.abs(other - x) <= ALIGN);
    return found >= 0 ? found : columns.push(x) - 1;
  };
  const keys = placed.map(({ box }) => ({ column: columnOf(middle(box).x), y: middle(box).y }));
  const left = (n: number): number => columns[keys[n]?.column ?? 0] ?? 0;
  const top = (n: number): number => keys[n]?.y ?? 0;
  return placed.map((_, n) => n).sort((a, b) => left(a) - left(b) || top(a) - top(b));
}

function middle(area: Area): { x: number; y: number } {
  return { x: area.x + area.w / 2, y: area.y + area.h / 2 };
}
