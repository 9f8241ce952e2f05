/** A vector as base64 of little-endian float32, the form that OpenAI's own clients ask for. */
export function encodeVector(vector: number[] | string): string {
  if (typeof vector === "string") return vector;
  const view = new DataView(new ArrayBuffer(vector.length * 4));
  for (const [at, value] of vector.entries()) view.setFloat32(at * 4, value, true);
  let binary = "";
  for (const byte of new Uint8Array(view.buffer)) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** A vector as numbers. */
export function decodeVector(vector: number[] | string): number[] {
  if (typeof vector !== "string") return vector;
  const bytes = Uint8Array.from(atob(vector), (char) => char.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  return Array.from({ length: Math.floor(bytes.length / 4) }, (_, at) => view.getFloat32(at * 4, true));
}
