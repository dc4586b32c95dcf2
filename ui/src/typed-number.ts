// Rows are chosen by number, also by numbers of two digits: a digit waits only where another could still follow.

export interface Typed {
  /** The number that is meant, or null while it is not certain. */
  readonly chosen: number | null;
  /** Digits that wait for another. */
  readonly pending: string;
}

/** Takes one more digit. `most` is the greatest number that there is; a digit that fits nowhere begins anew. */
export function typeDigit(pending: string, digit: string, most: number): Typed {
  const number = Number(pending + digit);
  if (number < 1 || number > most) return pending ? typeDigit("", digit, most) : { chosen: null, pending: "" };
  return number * 10 > most ? { chosen: number, pending: "" } : { chosen: null, pending: String(number) };
}

/** The digit on a key, whatever the layout makes of it: the Kazakh one has letters above the digits. */
export function digitOf(code: string): string | null {
  return /^(?:Digit|Numpad)(\d)$/.exec(code)?.[1] ?? null;
}
