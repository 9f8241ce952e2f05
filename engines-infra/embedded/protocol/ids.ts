/** Random names in the form that llama-server gives them: 32 letters and digits. */

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** `random` gives numbers in [0, 1). */
export function randomName(random: () => number): string {
  return Array.from({ length: 32 }, () => ALPHABET[Math.floor(random() * ALPHABET.length)]).join("");
}
