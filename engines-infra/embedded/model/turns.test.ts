import { describe, expect, it } from "vitest";
import { Turns } from "./turns.ts";

describe("turns", () => {
  it("run one step at a time, in the order in which they were asked for", async () => {
    const turns = new Turns();
    const seen: string[] = [];
    const step = (name: string) =>
      turns.run(async () => {
        seen.push(`${name} begins`);
        await Promise.resolve();
        seen.push(`${name} ends`);
      });
    await Promise.all([step("a"), step("b"), step("c")]);
    expect(seen).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
  });

  it("alternate between two that go on asking", async () => {
    const turns = new Turns();
    const seen: string[] = [];
    const many = async (name: string) => {
      for (let index = 0; index < 3; index += 1) await turns.run(async () => void seen.push(name));
    };
    await Promise.all([many("a"), many("b")]);
    expect(seen.join("")).toBe("ababab");
  });

  it("go on after a step that fails, and tell its caller", async () => {
    const turns = new Turns();
    const failing = turns.run(() => Promise.reject(new Error("broken")));
    const next = turns.run(() => Promise.resolve("fine"));
    await expect(failing).rejects.toThrow("broken");
    await expect(next).resolves.toBe("fine");
  });
});
