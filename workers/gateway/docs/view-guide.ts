import { KEY_VARIABLE, curlOf } from "./commands.ts";
import { requestOf } from "./example-request.ts";
import { exampleOfField } from "./examples.ts";
import { type Guide, type GuideExample, type GuideSection, guideSection, pathLink } from "./guide-section.ts";
import { html, joinHtml, prose } from "./html.ts";
import { type SdkTarget, firstRequests } from "./sdk-samples.ts";
import { errorsSection } from "./view-errors.ts";
import { explainSection } from "./view-explain.ts";
import { streamingSection } from "./view-streaming.ts";

const CHAT_PATH = "/chat/completions";

/** What a reader wants to know before the first request, and after the first error. */
export function guideSections(guide: Guide): GuideSection[] {
  const chat = guide.operations.find(({ method, path }) => method === "post" && path.endsWith(CHAT_PATH));
  const model = exampleOfField("model", guide.schemas);
  const target: SdkTarget = {
    baseUrl: guide.serverUrl + (chat?.path.slice(0, -CHAT_PATH.length) ?? ""),
    model: typeof model === "string" ? model : "your-model",
  };
  return [
    baseSection(guide, target),
    keysSection(guide),
    ...(chat ? [firstSection(guide, { chat, target }), streamingSection(guide, { chat, target })] : []),
    errorsSection(guide),
    ...(chat ? [explainSection(guide, { chat, target })] : []),
  ];
}

const baseSection = ({ anchors }: Guide, { baseUrl }: SdkTarget): GuideSection =>
  guideSection(anchors.base, "Base URL", {
    text: prose(
      "The interface is OpenAI's: OpenAI's clients and SDKs work as they are. Give them this base URL and a key of yours.",
    ),
    samples: [{ caption: "Base URL", code: baseUrl }],
  });

function keysSection({ document, anchors, operations }: Guide): GuideSection {
  const schemes = Object.values(document.components?.securitySchemes ?? {});
  const forms = schemes.flatMap((scheme) => ("description" in scheme ? (scheme.description ?? []) : []));
  const open = operations.filter(({ keyed, method }) => !keyed && method === "get");
  return guideSection(anchors.keys, "Authentication", {
    text: [
      prose(
        "Send an API key with each request, as a bearer token in the header `Authorization`. Keep it on your servers: whoever has the key can use it.",
      ),
      // A description is a sentence, or the form of a key.
      forms.map((form) => prose(/\s/.test(form) ? form : `Keys look like ${form}.`)),
      open.length > 0 && html`<p>${joinHtml(open.map(pathLink), ", ")} can be read without a key.</p>`,
    ],
    samples: [
      { caption: "In your shell", code: `export ${KEY_VARIABLE}=sk-eco-...` },
      { caption: "In each request", code: "Authorization: Bearer sk-eco-..." },
    ],
  });
}

function firstSection(
  { serverUrl, schemas, anchors, operations }: Guide,
  { chat, target }: GuideExample,
): GuideSection {
  const models = operations.find(({ method, path }) => method === "get" && path.endsWith("/models"));
  return guideSection(anchors.first, "First request", {
    text: [
      html`<p>Ask for an answer with ${pathLink(chat)}.</p>`,
      models && html`<p>The models that you can ask are listed by ${pathLink(models)}.</p>`,
    ],
    samples: [
      { caption: "curl", code: curlOf(requestOf(chat, serverUrl, schemas).request) },
      ...firstRequests(target),
    ],
  });
}
