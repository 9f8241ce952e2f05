import type { ChatRequest } from "../../../shared/contracts/chat.ts";
import type { CompletionRequest } from "../../../shared/contracts/completions.ts";
import { estimateChatTokens, estimatePromptTokens } from "../../../shared/engines/estimate.ts";

/** About how many tokens a request's prompt has, for engines that do not tell. */
export const promptTokensOf = (body: ChatRequest | CompletionRequest): number =>
  "messages" in body
    ? estimateChatTokens((body as ChatRequest).messages)
    : estimatePromptTokens((body as CompletionRequest).prompt);
