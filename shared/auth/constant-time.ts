/**
 * Whether two texts are the same, in a time that depends on their lengths alone: who measures it learns nothing of where
 * they differ. For secrets, hashes and tokens.
 */
export function sameSecret(one: string, two: string): boolean {
  const encoder = new TextEncoder();
  const [left, right] = [encoder.encode(one), encoder.encode(two)];
  let difference = left.length ^ right.length;
  for (let at = 0; at < left.length; at++) difference |= (left[at] ?? 0) ^ (right[at] ?? 0);
  return difference === 0;
}
