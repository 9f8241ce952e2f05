import { completeObject } from "./close-event.ts";
import { SSE_DONE } from "./sse.ts";

/**
 * What to write to a client whose engine was lost behind an answer's last word (its finish reasons) and before its end
 * mark: the answer is whole, so it is ended as the engine would have ended it. `cut` is the text of the event that had
 * begun (empty between two events); `closing` the event without choices that is to tell the usage, unless it was `told`.
 * Undefined where the client has part of an event that cannot be made harmless.
 */
export function lastWords(cut: string, closing: string, told: boolean): string | undefined {
  const end = (told ? "" : closing) + SSE_DONE;
  if (FIELD.startsWith(cut)) return end.slice(cut.length);
  if (!cut.startsWith("data:")) return undefined;
  const data = cut.slice("data:".length).trim();
  if ("[DONE]".startsWith(data)) return `${"[DONE]".slice(data.length)}\n\n`;
  const whole = chunkIn(data);
  if (whole) return hasChoices(whole) ? undefined : `\n\n${whole.usage ? SSE_DONE : end}`;
  const completed = chunkIn(data + completeObject(data, '"":0'));
  if (!completed || hasChoices(completed)) return undefined;
  // Whatever was cut is said again: of two members with one name, the last counts.
  return `${completeObject(data, closing.trim().slice(FIELD.length + 1, -1))}\n\n${SSE_DONE}`;
}

const FIELD = "data: ";

const hasChoices = ({ choices }: Record<string, unknown>): boolean =>
  choices != null && !(Array.isArray(choices) && choices.length === 0);

function chunkIn(json: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
