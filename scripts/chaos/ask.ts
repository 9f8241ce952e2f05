import { predictChat } from "../../engines-infra/simulator/index.ts";
import { chat, readStream } from "../../workers/gateway/proof/asking.ts";
import type { Lab } from "./lab.ts";
import { type Expected, type Verdict, judgeStream, judgeWhole } from "./verdict.ts";

export const CHAT = "/v1/chat/completions";

/** What every simulator would answer, whichever engines it takes. */
export function expectedOf(content: string): Expected {
  const { text, finish } = predictChat({ messages: [{ role: "user", content }] });
  return { text, finish };
}

/** Asks for a chat and judges what comes. A client's connection never breaks by itself: that would be wrong too. */
export async function askChat(lab: Lab, model: string, content: string, stream: boolean): Promise<Verdict> {
  try {
    const response = await lab.post(CHAT, chat(model, content, { stream }));
    const { status } = response;
    if (!stream || status !== 200) return judgeWhole(status, await response.json(), expectedOf(content));
    const { error, ...heard } = await readStream(response);
    return judgeStream({ ...heard, failed: error !== undefined }, expectedOf(content));
  } catch {
    return "wrong";
  }
}
