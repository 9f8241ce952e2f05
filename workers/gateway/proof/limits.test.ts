import { describe, expect, it } from "vitest";
import type { Limits } from "../../../shared/contracts/limits.ts";
import { createKey } from "../../../scripts/platform/accounts.ts";
import { chat, errorOf } from "./asking.ts";
import { modelOf, proofForFile } from "./harness.ts";

const CHAT = "/v1/chat/completions";
const proof = proofForFile([{ kind: "vllm" }]);

/** A developer's key with these limits. */
const keyWith = (limits: Limits) =>
  createKey(proof().database, proof().pepper, {
    workspaceId: proof().workspaceId,
    name: "limited",
    role: "developer",
    nowMs: Date.now(),
    limits,
  });

const ask = (key: string, more: object = {}, content = "Hello [sim tokens=4]") =>
  proof().fetch(proof().url + CHAT, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
    body: JSON.stringify({ ...chat(modelOf("vllm"), content), max_tokens: 8, ...more }),
  });

describe("requests per minute", () => {
  it("lets exactly so many of a thousand racing requests in, and says of the others when to come back", async () => {
    const key = await keyWith({ requestsPerMinute: 100 });
    const client = async () => {
      const answers: Response[] = [];
      for (let at = 0; at < 125; at++) answers.push(await ask(key));
      return answers;
    };
    const answers = (await Promise.all(Array.from({ length: 8 }, client))).flat();
    const admitted = answers.filter(({ status }) => status === 200);
    const refused = answers.filter(({ status }) => status === 429);
    expect([admitted.length, refused.length]).toEqual([100, 900]);
    const [first] = refused;
    expect(Number(first?.headers.get("retry-after"))).toBeGreaterThan(50);
    expect(first?.headers.get("x-ratelimit-remaining-requests")).toBe("0");
    expect(first && (await errorOf(first))).toMatchObject({ code: "rate_limit_exceeded" });
    expect(proof().sim("vllm").seen().accepted).toBe(100);
  });
});
