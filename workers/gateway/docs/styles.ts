/**
 * The page's style sheet. Colours meet WCAG 2.2 AA in both schemes. On wide screens the examples stand beside the
 * prose; below 1100 px they follow it; below 800 px the contents become a menu.
 */
export const STYLES = `
:root {
  color-scheme: light dark;
  --bg: #fff; --side: #f7f9f8; --panel: #f5f7f6; --chip: #edf1ef; --line: #e1e7e4; --text: #1b2521; --muted: #56625c;
  --accent: #0b6e4f; --accent-bg: #e4f3ec; --blue: #1557a0; --blue-bg: #e7f0fa; --red: #a92b2b; --red-bg: #fbebea;
  --amber: #8a4b00; --amber-bg: #fbf0df; --key: #1557a0; --string: #0b6e4f; --literal: #8a4b00;
  --mono: ui-monospace, SFMono-Regular, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --bg: #101513; --side: #0c100e; --panel: #171e1b; --chip: #1e2723; --line: #27312c; --text: #e2e9e5; --muted: #9daba4;
    --accent: #63d0a2; --accent-bg: #14352a; --blue: #86bdf6; --blue-bg: #15293f; --red: #f39a94; --red-bg: #3b1c1b;
    --amber: #efb877; --amber-bg: #382711; --key: #86bdf6; --string: #8fd9b6; --literal: #efb877;
  }
}
*, ::before, ::after { box-sizing: border-box; }
html { scroll-padding-top: 1.5rem; -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0; display: grid; grid-template-columns: 17rem minmax(0, 1fr); background: var(--bg); color: var(--text);
  font: 400 1rem/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
a { color: var(--accent); text-decoration-thickness: 1px; text-underline-offset: 0.2em; }
a:hover { text-decoration-thickness: 2px; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 3px; }
main:focus { outline: none; }
p { margin: 0 0 0.75rem; max-width: 42rem; }
ul { margin: 0; padding: 0; list-style: none; }
code { font: 0.875em/1.5 var(--mono); overflow-wrap: anywhere; }
p code, dd code, td code, .answers > li > code { background: var(--chip); border-radius: 4px; padding: 0.08em 0.28em; }
.skip { position: absolute; left: -999rem; top: 0; z-index: 3; padding: 0.5rem 1rem; background: var(--bg); }
.skip:focus { left: 0; }

.side { position: sticky; top: 0; height: 100vh; overflow-y: auto; scrollbar-width: thin; background: var(--side); border-right: 1px solid var(--line); }
header { display: flex; justify-content: space-between; align-items: baseline; padding: 1.5rem 1.25rem 0.25rem; }
.brand { font-weight: 650; letter-spacing: -0.01em; color: inherit; text-decoration: none; }
.menu, .close { display: none; font-size: 0.875rem; }
nav { padding: 0 0.5rem 2rem; font-size: 0.875rem; scroll-target-group: auto; }
nav p { margin: 1.25rem 0.75rem 0.35rem; font-size: 0.75rem; font-weight: 600; color: var(--muted); }
nav li a {
  display: flex; gap: 0.6rem; align-items: baseline; padding: 0.28rem 0.75rem; border-radius: 6px;
  color: inherit; text-decoration: none; line-height: 1.4;
}
nav li a:hover { background: var(--line); }
nav li a:target-current { background: var(--accent-bg); color: var(--accent); }
nav .method { flex: none; width: 3.4em; padding: 0.05rem 0; text-align: center; font-size: 0.625rem; }

main { padding: 3rem clamp(1.25rem, 4vw, 4rem) 6rem; max-width: 92rem; }
h1, h2, h3, h4 { line-height: 1.25; letter-spacing: -0.015em; text-wrap: balance; }
h1 { margin: 0 0 0.75rem; font-size: 2.25rem; font-weight: 680; }
h1 small { font-size: inherit; font-weight: 400; color: var(--muted); }
h2 { margin: 0 0 1rem; font-size: 1.6rem; font-weight: 650; }
h3 { margin: 0 0 0.5rem; font-size: 1.25rem; font-weight: 640; }
h4 { margin: 1.75rem 0 0.25rem; font-size: 0.875rem; font-weight: 640; letter-spacing: 0; }
h2 a, h3 a { color: inherit; text-decoration: none; }
h2 a:hover::after, h3 a:hover::after, .line > a:hover::after { content: " #"; color: var(--muted); font-weight: 400; }
.intro { padding-bottom: 2.5rem; font-size: 1.125rem; }
.meta { display: flex; flex-wrap: wrap; gap: 0.25rem 1.5rem; font-size: 0.9375rem; color: var(--muted); }
.split { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 2rem clamp(2rem, 4vw, 4rem); padding: 2.5rem 0; border-top: 1px solid var(--line); }
.group { margin-top: 1rem; padding-top: 3rem; border-top: 1px solid var(--line); }
.group > h2 { margin-bottom: 1.5rem; }
.examples { align-self: start; display: grid; gap: 1rem; }
.wide { grid-column: 1 / -1; }
.object { max-width: 48rem; padding: 2rem 0; border-top: 1px solid var(--line); }

.route { display: flex; flex-wrap: wrap; gap: 0.6rem; align-items: center; }
.route code { background: none; padding: 0; font-size: 0.9375rem; }
.route em { font-style: normal; color: var(--amber); }
.auth, .rules, .values, .media, .where { color: var(--muted); font-size: 0.875rem; }
.method, .status { display: inline-block; padding: 0.12rem 0.45rem; border-radius: 5px; font: 600 0.75rem/1.5 var(--mono); }
.method, .s2, .s3 { color: var(--accent); background: var(--accent-bg); }
.get, .head { color: var(--blue); background: var(--blue-bg); }
.put, .patch, .s4 { color: var(--amber); background: var(--amber-bg); }
.delete, .s5 { color: var(--red); background: var(--red-bg); }
.required, .deprecated { font-size: 0.75rem; font-weight: 600; color: var(--red); }
.deprecated { color: var(--amber); }

.fields > li { padding: 0.7rem 0; border-top: 1px solid var(--line); }
.fields > li:first-child { border-top: 0; }
.fields > li:target > .line .name { background: var(--accent-bg); border-radius: 4px; box-shadow: 0 0 0 4px var(--accent-bg); }
.line { display: flex; flex-wrap: wrap; gap: 0.1rem 0.6rem; align-items: baseline; }
.line > a { color: inherit; text-decoration: none; }
.name { font-weight: 600; }
.type { font-size: 0.875rem; color: var(--muted); overflow-wrap: anywhere; }
.fields p { margin: 0.15rem 0 0; font-size: 0.9375rem; }
.fields p.values { font-size: 0.875rem; }
.values code { white-space: nowrap; margin-right: 0.15rem; }
details { margin-top: 0.4rem; }
summary { width: fit-content; padding: 0.15rem 0; font-size: 0.875rem; color: var(--accent); cursor: pointer; }
summary .type { color: inherit; }
summary:hover { text-decoration: underline; text-underline-offset: 0.2em; }
.fold { margin: 0.35rem 0 0.35rem 0.3rem; padding-left: 1rem; border-left: 2px solid var(--line); }
.forms > li + li { margin-top: 0.75rem; padding-top: 0.75rem; border-top: 1px dashed var(--line); }
.forms .forms { margin: 0.5rem 0 0 0.3rem; padding-left: 1rem; border-left: 2px solid var(--line); }
.fields p.form, p.form { margin-top: 0; }
.lines { margin: 0.2rem 0 0 0.3rem; padding-left: 1rem; border-left: 2px solid var(--line); }
.lines p.form { margin: 0; }
.answers > li { padding: 0.45rem 0 0.45rem 3.4rem; font-size: 0.9375rem; }
.answers > li > .status { float: left; margin: 0.1rem 0 0 -3.4rem; }
.media { margin: 0.35rem 0 0; }
h4 + .media { margin-bottom: 0.35rem; }
.terms { margin: 1.25rem 0 0; max-width: 42rem; }
.terms > div { padding: 0.7rem 0; border-top: 1px solid var(--line); }
dt { font-weight: 600; font-size: 0.9375rem; }
dd { margin: 0.15rem 0 0; font-size: 0.9375rem; }
table { width: 100%; margin-top: 1.25rem; border-collapse: collapse; font-size: 0.875rem; }
th, td { padding: 0.6rem 0.75rem 0.6rem 0; border-top: 1px solid var(--line); text-align: left; vertical-align: top; overflow-wrap: anywhere; }
thead th { border-top: 0; font-weight: 600; color: var(--muted); }
caption { padding-bottom: 0.5rem; text-align: left; color: var(--muted); }
th:first-child { width: 4.5rem; }
th:nth-child(2) { width: 14rem; }
td .rules { display: block; }
.retry { padding: 0.05rem 0.4rem; border: 1px solid var(--line); border-radius: 5px; font-size: 0.8125rem; color: var(--muted); white-space: nowrap; }

figure { margin: 0; border: 1px solid var(--line); border-radius: 8px; background: var(--panel); overflow: hidden; }
figcaption { padding: 0.5rem 1rem; border-bottom: 1px solid var(--line); font-size: 0.8125rem; font-weight: 600; color: var(--muted); }
pre { margin: 0; padding: 0.85rem 1rem; white-space: pre-wrap; overflow-wrap: anywhere; font-size: 0.9375rem; }
pre code { line-height: 1.6; }
pre b { font-weight: 400; color: var(--key); }
pre i { font-style: normal; color: var(--string); }
pre u { text-decoration: none; color: var(--literal); }

@media (max-width: 1099px) { .split { grid-template-columns: minmax(0, 1fr); } }
/* Examples stay in sight where they fit; many of them are about as long as the prose they belong to. */
@media (min-width: 1100px) and (min-height: 760px) {
  .examples:not(:has(figure:nth-of-type(3))) { position: sticky; top: 1.5rem; }
}
@media (max-width: 799px) {
  html { scroll-padding-top: 4.25rem; }
  body { display: block; }
  .side { display: contents; }
  header { position: sticky; top: 0; z-index: 1; padding: 0.85rem 1.25rem; background: var(--bg); border-bottom: 1px solid var(--line); }
  .menu { display: inline; }
  nav { display: none; }
  nav:target { display: block; position: fixed; inset: 0; z-index: 2; overflow-y: auto; background: var(--bg); font-size: 1rem; }
  nav:target .close { display: block; position: absolute; top: 1rem; right: 1.25rem; }
  nav li a { padding-block: 0.5rem; }
  main { padding-top: 2rem; }
  h1 { font-size: 1.75rem; }
  h1 small { display: block; }
  th:nth-child(2) { width: 36%; }
}
@media (forced-colors: active) { .method, .status, figure { border: 1px solid; } }
@media print {
  html { font-size: 11.5px; }
  body, .split { display: block; }
  .side, .skip { display: none; }
  main { padding: 0; max-width: none; }
  .examples { position: static !important; display: block; margin-top: 1rem; }
  figure, .fields .fields > li, tr { break-inside: avoid; }
  figure { margin-bottom: 0.75rem; }
  h2, h3, h4 { break-after: avoid; }
  ::details-content { content-visibility: visible; block-size: auto; }
}
`;
