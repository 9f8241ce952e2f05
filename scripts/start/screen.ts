import { styleText } from "node:util";

/** What the ready screen tells. */
export type Ready = {
  readonly url: string;
  readonly apiKey: string;
  readonly adminKey: string;
  /** Who can sign in, and where the first password is. */
  readonly account: { readonly email: string; readonly passwordFile: string };
  readonly chatModel: string | undefined;
  readonly engines: readonly {
    id: string;
    kind: string;
    baseUrl: string;
    models: readonly string[];
    note?: string;
  }[];
  readonly files: { readonly dev: string; readonly log: string };
  readonly seconds: number;
};

const bold = (text: string) => styleText("bold", text);
const dim = (text: string) => styleText("dim", text);
const green = (text: string) => styleText("green", text);

/** One calm screen: where it is, what answers, and two requests that work as pasted. */
export function readyScreen(ready: Ready): string {
  const { url, apiKey, adminKey, account, chatModel, engines, files, seconds } = ready;
  const model = chatModel ?? "MODEL";
  const lines = [
    "",
    `  ${green("●")} ${bold("eco-base")} is ready ${dim(`in ${seconds.toFixed(1)} s`)}`,
    "",
    `  API        ${bold(`${url}/v1`)}`,
    `  Reference  ${url}/docs`,
    `  Key        ${apiKey}`,
    `  Operator   ${adminKey}`,
    `  Account    ${account.email} ${dim(`(its first password is in ${account.passwordFile})`)}`,
    "",
    ...engines.flatMap((engine) => [
      `  Engine     ${engine.id} ${dim(`(${engine.kind}, ${engine.baseUrl})`)}`,
      ...engine.models.slice(0, 6).map((name) => `             ${name}`),
      ...(engine.models.length > 6 ? [dim(`             and ${engine.models.length - 6} more`)] : []),
      ...(engine.note ? [`             ${styleText("yellow", engine.note)}`] : []),
    ]),
    ...(engines.length === 0 ? [`  Engine     ${styleText("yellow", "none yet")}`] : []),
    "",
    dim("  A first request:"),
    "",
    curlLines(url, apiKey, model),
    "",
    dim("  The same with the OpenAI SDK (npm i openai):"),
    "",
    sdkLines(url, apiKey, model),
    "",
    dim(`  For scripts: ${files.dev} · requests: ${files.log} · Ctrl-C stops everything`),
    "",
  ];
  return lines.join("\n");
}

/** A streamed chat request for a shell. */
export const curlLines = (url: string, apiKey: string, model: string): string =>
  [
    `curl -N ${url}/v1/chat/completions \\`,
    `  -H "Authorization: Bearer ${apiKey}" -H "Content-Type: application/json" \\`,
    `  -d '{"model":"${model}","stream":true,"messages":[{"role":"user","content":"What is the capital of France?"}]}'`,
  ].join("\n");

/** The same for Node. */
export const sdkLines = (url: string, apiKey: string, model: string): string =>
  [
    `import OpenAI from "openai";`,
    `const openai = new OpenAI({ baseURL: "${url}/v1", apiKey: "${apiKey}" });`,
    `const stream = await openai.chat.completions.create({ model: "${model}", stream: true,`,
    `  messages: [{ role: "user", content: "What is the capital of France?" }] });`,
    `for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta?.content ?? "");`,
  ].join("\n");
