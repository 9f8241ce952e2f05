import { describe, expect, it } from "vitest";
import { readSettings } from "./settings.ts";

describe("the settings of npm start", () => {
  it.each([
    [undefined, 8787],
    ["", 8787],
    [" ", 8787],
    ["0", 0],
    ["18787", 18_787],
  ])("take ECO_PORT=%j for port %d", (ECO_PORT, port) => {
    expect(readSettings({ ECO_PORT })).toMatchObject({ ok: true, value: { port } });
  });

  it.each(["-1", "65536", "80.5", "http"])("refuse ECO_PORT=%s", (ECO_PORT) => {
    expect(readSettings({ ECO_PORT })).toEqual({
      ok: false,
      error: `ECO_PORT must be a port from 0 to 65535, not \`${ECO_PORT}\`.`,
    });
  });

  it.each([22, 2049, 6000, 6667, 10_080])("refuse port %d, which fetch refuses", async (port) => {
    expect(readSettings({ ECO_PORT: String(port) })).toMatchObject({
      ok: false,
      error: expect.stringContaining(`refuse to call port ${port}`),
    });
    await expect(fetch(`http://127.0.0.1:${port}`)).rejects.toMatchObject({ cause: { message: "bad port" } });
  });

  it.each([
    [undefined, "closed"],
    ["", "closed"],
    ["open", "open"],
    ["invite", "invite"],
  ])("take ECO_SIGNUP=%j for %s", (ECO_SIGNUP, signupPolicy) => {
    expect(readSettings({ ECO_SIGNUP })).toMatchObject({ ok: true, value: { signupPolicy } });
  });

  it("refuse another ECO_SIGNUP", () => {
    expect(readSettings({ ECO_SIGNUP: "yes" })).toMatchObject({
      ok: false,
      error: expect.stringContaining("ECO_SIGNUP"),
    });
  });

  it("look for engines unless they are named", () => {
    expect(readSettings({ ECO_ENGINES: " " })).toMatchObject({ ok: true, value: { engines: undefined } });
  });
});
