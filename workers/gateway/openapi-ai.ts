import { ChatCompletionChunk } from "../../shared/contracts/chat.ts";
import { EmbeddingList } from "../../shared/contracts/embeddings.ts";
import { EmbedRequest, GenerateRequest, Generation } from "../../shared/contracts/generate.ts";
import { post } from "./openapi-inference.ts";

type Described = { readonly path: string };

/** The same operation at another address; the reference names that address beside the first. */
export const alsoAt = <Route extends Described>(route: Route, path: string): Route => ({
  ...route,
  path,
  "x-same-as": route.path,
});

/** The platform's own addresses of what is under OpenAI's. */
export const underAi = <Route extends Described>(route: Route): Route =>
  alsoAt(route, route.path.replace("/v1/", "/api/v1/ai/"));

const generate = post(
  "/api/v1/ai/generate",
  "Answer a prompt",
  "A prompt or a conversation in, a text out: a chat completion in short. What is not named here is refused; for all else there is /v1/chat/completions, whose chunks a stream has.",
  GenerateRequest,
  Generation,
  ChatCompletionChunk,
  "In short",
);

/** The models in the platform's own short forms. */
export const SHORT_OPERATIONS = [
  generate,
  alsoAt(generate, "/api/v1/generate"),
  alsoAt(generate, "/generate"),
  post(
    "/api/v1/ai/embed",
    "Embed texts, in short",
    "The answer is that of /v1/embeddings. What is not named here is refused.",
    EmbedRequest,
    EmbeddingList,
    undefined,
    "In short",
  ),
];
