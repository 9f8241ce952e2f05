import { type Html, type Insert, html, inlineProse, joinHtml, prose } from "./html.ts";
import { type Field, type Shape, isFlat, textOf } from "./shape.ts";
import type { Slugs } from "./slugs.ts";

/** What fields need to know of the page: the anchors of the named schemas, by name, and a way to make more. */
export type FieldsContext = { readonly anchors: ReadonlyMap<string, string>; readonly slugs: Slugs };

/** A type in words, its named schemas linked to their sections, and the bounds that hold for it. */
export function viewType({ type, rules }: Shape, { anchors }: FieldsContext): Html {
  const parts = type.map((part) => {
    if (typeof part === "string") return part;
    const anchor = anchors.get(part.schema);
    return anchor === undefined ? part.schema : html`<a href="#${anchor}">${part.schema}</a>`;
  });
  return html`<span class="type">${joinHtml([parts, ...rules.map(inlineProse)], ", ")}</span>`;
}

const viewValue = (value: unknown): Html => html`<code>${JSON.stringify(value) ?? String(value)}</code>`;

/** What a shape says below its line: text, values, default. What is inside of it follows in {@link viewInside}. */
function viewNotes({ description, values, default: preset }: Shape): Html {
  return html`${prose(description)}${
    values.length > 0 && html`<p class="values">One of ${joinHtml(values.map(viewValue), " ")}</p>`
  }${preset !== undefined && html`<p class="values">Default ${viewValue(preset)}</p>`}`;
}

/** One field. `anchor` makes it something to link to; `where` is where a parameter goes. */
type FieldView = {
  readonly name: string;
  readonly required: boolean;
  readonly shape: Shape;
  readonly anchor?: string;
  readonly where?: string;
};

/** An item of a list of fields: a line with name, type and bounds, what is said about it, and what is inside. */
export function viewField({ name, required, shape, anchor, where }: FieldView, context: FieldsContext): Html {
  const label = html`<code class="name">${name}</code>`;
  const line = [
    anchor === undefined ? label : html`<a href="#${anchor}">${label}</a>`,
    html` ${viewType(shape, context)}`,
    where !== undefined && html` <span class="where">in ${where}</span>`,
    required && html` <span class="required">required</span>`,
    shape.deprecated && html` <span class="deprecated">deprecated</span>`,
  ];
  return html`<li${anchor !== undefined && html` id="${anchor}"`}><div class="line">${line}</div>${viewNotes(shape)}${viewInside(name, shape, context)}</li>`;
}

/** What is inside a field: folded away, unless it is a few lines. */
function viewInside(name: string, { forms, fields }: Shape, context: FieldsContext): Insert {
  if (forms.length > 0 && forms.every(isFlat)) {
    return forms.some(({ rules }) => rules.length > 0) && viewForms(forms, context);
  }
  if (forms.length > 0) return fold(html`Forms of <code>${name}</code>`, viewForms(forms, context));
  if (fields.length > 0) return fold(html`Fields of <code>${name}</code>`, viewFields(fields, context));
  return undefined;
}

/** Something that opens when it is asked for. */
export const fold = (summary: Insert, content: Insert): Html =>
  html`<details>
    <summary>${summary}</summary>
    <div class="fold">${content}</div>
  </details>`;

const viewFields = (fields: readonly Field[], context: FieldsContext): Html =>
  html`<ul class="fields">
    ${fields.map((field) => viewField(field, context))}
  </ul>`;

function viewForms(forms: readonly Shape[], context: FieldsContext): Html {
  return html`<ul class="${forms.every(isFlat) ? "lines" : "forms"}">
    ${forms.map((form) => {
      const label = titleOf(form);
      const inside =
        form.forms.length > 0
          ? viewForms(form.forms, context)
          : form.fields.length > 0 && viewFields(form.fields, context);
      return html`<li>
        <p class="form">${label ?? viewType(form, context)}</p>
        ${viewNotes(form)}${inside}
      </li>`;
    })}
  </ul>`;
}

/** A form that is told by a constant is called by it: `role` "user". */
function titleOf({ fields }: Shape): Html | undefined {
  const tag = fields.find(
    ({ required, shape }) => required && (shape.values.length > 0 || textOf(shape.type).startsWith('"')),
  );
  if (!tag) return undefined;
  const values =
    tag.shape.values.length > 0
      ? tag.shape.values.map((value) => JSON.stringify(value))
      : [textOf(tag.shape.type)];
  return html`<code>${tag.name}</code> ${joinHtml(
      values.map((value) => html`<code>${value}</code>`),
      " ",
    )}`;
}

/** A body: its fields or forms unfolded. With `prefix`, its fields can be linked to. */
export function viewBody(shape: Shape, context: FieldsContext, prefix?: string): Html {
  if (shape.forms.length > 0) return viewForms(shape.forms, context);
  if (shape.fields.length === 0) return html`<p class="media">${viewType(shape, context)}</p>`;
  const fields = shape.fields.map((field) => {
    const anchor = prefix === undefined ? undefined : context.slugs(`${prefix}.${field.name}`);
    return viewField({ ...field, anchor }, context);
  });
  return html`<ul class="fields">
    ${fields}
  </ul>`;
}
