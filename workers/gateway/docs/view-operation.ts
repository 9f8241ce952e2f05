import { type Content, type Schema, type Schemas, schemaName } from "./document.ts";
import { JSON_TYPE } from "./example-request.ts";
import { ERROR_SCHEMA } from "./failures.ts";
import { type Html, type Insert, html, inlineProse, joinHtml, prose } from "./html.ts";
import type { Operation } from "./operations.ts";
import { STREAM_TYPE, type Sample } from "./samples.ts";
import { shapeOf, textOf } from "./shape.ts";
import { viewCode } from "./view-code.ts";
import { type FieldsContext, fold, viewBody, viewField, viewType } from "./view-fields.ts";

/** What an operation's section needs to know of the page. */
export type OperationContext = FieldsContext & {
  readonly schemas: Schemas;
  readonly keysAnchor: string;
  readonly errorsAnchor: string;
};

/** The method, as a badge. */
export const viewMethod = (method: string): Html =>
  html`<span class="method ${method}">${method.toUpperCase()}</span>`;

/** A path, in which the parts to fill in stand out; it may wrap at its slashes. */
function viewPath(path: string): Html {
  const parts = path.split(/(\{[^}]+\}|\/)/).map((part) => {
    if (part === "/") return html`/<wbr />`;
    return part.startsWith("{") ? html`<em>${part}</em>` : part;
  });
  return html`<code>${parts}</code>`;
}

/** What a caller must have. */
function needs({ keyed, personal }: Operation, keysAnchor: string): Html {
  if (!keyed) return html`No API key needed.`;
  const key = html`<a href="#${keysAnchor}">API key</a>`;
  return personal ? html`Needs the access token of a session; no ${key} will do.` : html`Needs an ${key}.`;
}

/** One operation: what it does and takes and gives on one side, examples on the other. */
export function viewOperation(
  operation: Operation,
  samples: readonly Sample[],
  context: OperationContext,
): Html {
  const { id, method, path, alsoAt, summary, description, deprecated } = operation;
  return html`<article class="split" aria-labelledby="${id}">
    <div>
      <h3 id="${id}"><a href="#${id}">${summary}</a></h3>
      <p class="route">
        ${viewMethod(method)}
        ${viewPath(path)}${deprecated && html` <span class="deprecated">deprecated</span>`}
      </p>
      ${prose(description)}
      ${alsoAt.length > 0 && html`<p>Also at ${joinHtml(alsoAt.map(viewPath), ", ")}.</p>`}
      <p class="auth">${needs(operation, context.keysAnchor)}</p>
      ${viewRequest(operation, context)} ${viewAnswers(operation, context)}
    </div>
    <div class="examples">${samples.map(({ caption, code }) => viewCode(caption, code))}</div>
  </article> `;
}

function viewRequest({ id, parameters, body }: Operation, context: OperationContext): Html {
  const list = parameters.map(({ name, in: where, required, deprecated, description, schema }) => {
    const own = shapeOf(schema ?? {}, context.schemas);
    const shape = {
      ...own,
      description: description ?? own.description,
      deprecated: deprecated ?? own.deprecated,
    };
    return viewField(
      { name, required: required ?? false, shape, where, anchor: context.slugs(`${id}.${name}`) },
      context,
    );
  });
  return html`${
    list.length > 0 &&
    html`<h4>Parameters</h4>
      <ul class="fields">
        ${list}
      </ul>`
  }${
    body &&
    html`<h4>Body</h4>
      ${prose(body.description)}${Object.entries(body.content).map(([type, { schema = {} }]) => {
        const shape = shapeOf(schema, context.schemas);
        return html`<p class="media">
            <code>${type}</code>
            ${viewType(shape, context)}${body.required === true && html` <span class="required">required</span>`}
          </p>
          ${viewBody(shape, context, id)}${shape.open && html`<p class="rules">Other fields are accepted.</p>`}`;
      })}`
  }`;
}

function viewAnswers({ responses }: Operation, context: OperationContext): Html {
  const isError = (content: Content | undefined): boolean => {
    const ref = content?.[JSON_TYPE]?.schema?.$ref;
    return ref !== undefined && schemaName(ref) === ERROR_SCHEMA;
  };
  const errors = responses.filter(({ response }) => isError(response.content));
  const answers = responses.filter(({ response }) => !isError(response.content));
  const first = answers[0]?.response.content;
  return html`<h4>Answers</h4>
    <ul class="answers">
      ${answers.map(
        ({ status, response }) =>
          html`<li>
            ${viewStatus(status)}
            ${inlineProse(response.description)}${viewContent(response.content, response.content === first ? undefined : first, context)}
          </li>`,
      )}${errors.map(({ status, response }) => html`<li>${viewStatus(status)} ${inlineProse(response.description)}</li>`)}
    </ul>
    ${
      errors.length > 0 &&
      html`<p class="rules">
        What an error looks like, and all codes: <a href="#${context.errorsAnchor}">Errors</a>.
      </p>`
    }`;
}

const viewStatus = (status: string): Html => html`<span class="status s${status.charAt(0)}">${status}</span>`;

/** An answer's media types. Of a body that was shown already it is only said that it is the same. */
function viewContent(
  content: Content | undefined,
  before: Content | undefined,
  context: OperationContext,
): Insert {
  return Object.entries(content ?? {}).map(([type, { schema = {} }]) => {
    const shape = shapeOf(schema, context.schemas);
    const label = html`<code>${type}</code> ${viewType(shape, context)}`;
    const same = sameAs(schema, type, before ?? content);
    if (same !== undefined) return html`<p class="media">${label}, ${same}</p>`;
    // An object with a section of its own is shown there, once for all operations.
    const named =
      shape.type.length === 1 && typeof shape.type[0] === "object" ? shape.type[0].schema : undefined;
    if (named !== undefined && context.anchors.has(named)) return html`<p class="media">${label}</p>`;
    if (shape.fields.length + shape.forms.length === 0) return html`<p class="media">${label}</p>`;
    // Without the links of a type: a summary is a control, and must not have others inside.
    const summary = html`<code>${type}</code>
      ${textOf(shape.type)}${type === STREAM_TYPE && " in each event"}`;
    return fold(summary, viewBody(shape, context));
  });
}

/** In words, what a body equals of those in `content`. */
function sameAs(schema: Schema, type: string, content: Content | undefined): string | undefined {
  const text = JSON.stringify(schema);
  if (content?.[type]?.schema !== schema && JSON.stringify(content?.[type]?.schema) === text)
    return "the same as above";
  if (type === STREAM_TYPE && JSON.stringify(content?.[JSON_TYPE]?.schema) === text)
    return "the same fields in each event";
  return undefined;
}
