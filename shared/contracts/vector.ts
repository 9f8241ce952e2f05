/** Whether a value is a vector that is not empty: finite numbers, or base64 of float32s. */
export function isVector(value: unknown): value is number[] | string {
  if (Array.isArray(value)) return value.length > 0 && value.every((each) => Number.isFinite(each));
  if (typeof value !== "string" || value.length === 0 || value.length % 4 !== 0) return false;
  const bytes = (value.length / 4) * 3 - (value.endsWith("==") ? 2 : value.endsWith("=") ? 1 : 0);
  return bytes % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(value);
}

/** A vector as base64 of little-endian float32, the form that OpenAI's own clients ask for. */
export function encodeVector(vector: number[] | string): string {
  if (typeof vector === "string") return vector;
  const view = new DataView(new ArrayBuffer(vector.length * 4));
  for (const [at, value] of vector.entries()) view.setFloat32(at * 4, value, true);
  let binary = "";
  for (const byte of new Uint8Array(view.buffer)) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** A vector as numbers. Throws for a text that {@link isVector} does not accept. */
export function decodeVector(vector: number[] | string): number[] {
  if (typeof vector !== "string") return vector;
  const bytes = Uint8Array.from(atob(vector), (char) => char.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  return Array.from({ length: Math.floor(bytes.length / 4) }, (_, at) => view.getFloat32(at * 4, true));
}
