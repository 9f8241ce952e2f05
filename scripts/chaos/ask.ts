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

/** What was wrong, told as it happens: whoever broke it wants to see it. */
function showWrong(question: unknown, answer: unknown): "wrong" {
  console.error(`wrong: ${JSON.stringify({ question, answer })}`);
  return "wrong";
}

/** Asks for a chat and judges what comes. A client's connection never breaks by itself: that would be wrong too. */
export async function askChat(lab: Lab, model: string, content: string, stream: boolean): Promise<Verdict> {
  const question = chat(model, content, { stream });
  const expected = expectedOf(content);
  try {
    const response = await lab.post(CHAT, question);
    const { status } = response;
    if (stream && status === 200) {
      const { error, ...heard } = await readStream(response);
      const verdict = judgeStream({ ...heard, failed: error !== undefined }, expected);
      return verdict === "wrong" ? showWrong(question, { ...heard, error }) : verdict;
    }
    const body: unknown = await response.json();
    const verdict = judgeWhole(status, body, expected);
    return verdict === "wrong" ? showWrong(question, { status, body }) : verdict;
  } catch (error) {
    return showWrong(question, String(error));
  }
}
