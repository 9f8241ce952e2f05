/** GBNF for "an integer from `min` to `max`", as alternatives over the digits. */

const DIGITS_MAX = 15;

/** A GBNF expression; a missing bound is open. Bounds must be safe integers with `min <= max`. */
export function integerBetween(min: number | undefined, max: number | undefined): string {
  const alternatives: string[] = [];
  if (min === undefined || min < 0) {
    const smallest = max !== undefined && max < 0 ? -max : 1;
    alternatives.push(`"-" (${naturalBetween(smallest, min === undefined ? undefined : -min)})`);
  }
  if (max === undefined || max >= 0) alternatives.push(naturalBetween(Math.max(0, min ?? 0), max));
  return alternatives.join(" | ");
}

function naturalBetween(min: number, max: number | undefined): string {
  const digits = String(min).length;
  if (max === undefined) {
    const longer = digits < DIGITS_MAX ? ` | [1-9] ${anyDigits(digits, DIGITS_MAX)}` : "";
    return naturalBetween(min, 10 ** digits - 1) + longer;
  }
  const alternatives: string[] = [];
  for (let length = digits; length <= String(max).length; length += 1) {
    const low = Math.max(min, length === 1 ? 0 : 10 ** (length - 1));
    alternatives.push(sameLength(String(low), String(Math.min(max, 10 ** length - 1))));
  }
  return alternatives.join(" | ");
}

/** Numbers from `low` to `high`, written with equally many digits. */
function sameLength(low: string, high: string): string {
  const rest = low.length - 1;
  const [first, last] = [Number(low[0]), Number(high[0])];
  if (rest === 0) return range(first, last);
  if (first === last) return `"${first}" (${sameLength(low.slice(1), high.slice(1))})`;
  const alternatives = [`"${first}" (${sameLength(low.slice(1), "9".repeat(rest))})`];
  if (last - first > 1) alternatives.push(`${range(first + 1, last - 1)} ${anyDigits(rest, rest)}`);
  alternatives.push(`"${last}" (${sameLength("0".repeat(rest), high.slice(1))})`);
  return alternatives.join(" | ");
}

const range = (first: number, last: number): string => (first === last ? `"${first}"` : `[${first}-${last}]`);

const anyDigits = (least: number, most: number): string =>
  `[0-9]{${least === most ? least : `${least},${most}`}}`;
