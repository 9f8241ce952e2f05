/**
 * A table as CSV: https://www.rfc-editor.org/rfc/rfc4180. Spreadsheets run what begins like a formula, and names of models
 * may: they get an apostrophe before them. https://owasp.org/www-community/attacks/CSV_Injection
 */
export function csvOf(columns: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  return [columns, ...rows].map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

function cell(value: string | number): string {
  const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
