import { describe, expect, it } from "vitest";
import { f16Bytes, q8Bytes, toHalf } from "./numbers.ts";

/** The number that 16 bits of a half float stand for. */
function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

describe("half floats", () => {
  it("give back every number that they can hold", () => {
    const all = Array.from({ length: 0x10000 }, (_, bits) => bits).filter(
      (bits) => !Number.isNaN(fromHalf(bits)),
    );
    expect(all.filter((bits) => toHalf(fromHalf(bits)) !== bits)).toEqual([]);
  });

  it("round to the nearest, and to the even one half-way", () => {
    const positive = Array.from({ length: 0x7bff }, (_, bits) => bits);
    const wrong = positive.filter((bits) => {
      const [low, high] = [fromHalf(bits), fromHalf(bits + 1)];
      const middle = (low + high) / 2;
      const near = (high - low) / 8;
      const even = bits % 2 === 0 ? bits : bits + 1;
      return toHalf(middle) !== even || toHalf(middle - near) !== bits || toHalf(middle + near) !== bits + 1;
    });
    expect(wrong).toEqual([]);
  });

  it.each<[number, number]>([
    [65_520, 0x7c00],
    [1e30, 0x7c00],
    [-1e30, 0xfc00],
    [1e-30, 0],
    [-1e-30, 0x8000],
    [NaN, 0x7e00],
  ])("turn %d into %i", (value, bits) => {
    expect(toHalf(value)).toBe(bits);
  });

  it("are written little-endian", () => {
    expect([...f16Bytes(Float32Array.of(1, -2))]).toEqual([0x00, 0x3c, 0x00, 0xc0]);
  });
});

describe("q8_0 blocks", () => {
  it("lose less than half a step of their scale", () => {
    const weights = Float32Array.from({ length: 64 }, (_, index) => Math.sin(index) * (index < 32 ? 1 : 100));
    const bytes = q8Bytes(weights);
    const view = new DataView(bytes.buffer);
    expect(bytes.length).toBe(2 * 34);
    for (const [index, weight] of weights.entries()) {
      const block = Math.floor(index / 32);
      const scale = fromHalf(view.getUint16(block * 34, true));
      const stored = view.getInt8(block * 34 + 2 + (index % 32)) * scale;
      expect(Math.abs(stored - weight)).toBeLessThan(scale * 0.57);
    }
  });

  it("hold nothing but zeros without dividing by zero", () => {
    expect([...q8Bytes(new Float32Array(32))]).toEqual(Array.from({ length: 34 }, () => 0));
  });
});
